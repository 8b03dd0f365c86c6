"""Seconds from a configuration to the first step done: tracing, lowering, compiling, one step.

    python scripts/benchmark_compile.py [rounds=3] [peer=FOLDER] [KEY=VALUE of gans.train ...]

`peer` is another checkout of this repository: both are measured in turns, each time in a new process, and the ratio of
ours to theirs is printed. Seconds of the processor's time (all threads) and on the clock, the least of the rounds; then
100 steps, and MiB that the program needs beside its arguments. Without configuration +experiment=tabular data=adult.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, TEXT, WHOLE

PARTS = ("trace", "lower", "compile", "first step")
STEPS = 100


def measure(overrides: list[str]) -> dict[str, Any]:
    """The figures of one compilation by the `gans` that this process imports."""
    import jax

    from gans.config.compose import compose
    from gans.runs.build import build
    from gans.runs.prepare import prepare
    from gans.training.loop import initial_state, make_block
    from gans.training.programs import temporary_bytes

    ready = prepare(run := compose(overrides))
    gan = build(run, ready.condition)
    state, rows = jax.device_put(initial_state(gan, 0, 1)), jax.device_put(ready.rows)
    marks = [(time.process_time(), time.perf_counter())]

    def mark(value: Any) -> Any:
        jax.block_until_ready(value)
        marks.append((time.process_time(), time.perf_counter()))
        return value

    traced = jax.jit(make_block(gan)).trace(state, rows, np.int32(1))
    mark(())
    lowered = traced.lower()
    mark(())
    program = lowered.compile()
    mark(())
    state, _ = mark(program(state, rows, np.int32(1)))
    mark(program(state, rows, np.int32(STEPS)))
    spent = np.diff(np.array(marks), axis=0)
    return {
        **{name: list(spent[place]) for place, name in enumerate(PARTS)},
        "until the first step": list(spent[: len(PARTS)].sum(axis=0)),
        f"{STEPS} steps": list(spent[len(PARTS)]),
        "MiB": [temporary_bytes(program) / 2**20] * 2,
    }


def alone(folder: Path, overrides: list[str]) -> dict[str, Any]:
    """The figures of a checkout, in a process of its own, without what another one left in a cache."""
    environment = os.environ | {"PYTHONPATH": str(folder), "JAX_ENABLE_COMPILATION_CACHE": "0"}
    command = [sys.executable, __file__, f"child={json.dumps(overrides)}"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{folder}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


@takes(
    Key("rounds", WHOLE, default=3), Key("peer", FOLDER), Key("child", TEXT), others="as in gans train", text=__doc__
)
def main(rounds: int, peer: str | None, child: str | None, others: list[str]) -> None:
    """Measure in turns and print a table."""
    if child is not None:
        print(json.dumps(measure(json.loads(child))))
        return
    overrides = others or ["+experiment=tabular", "data=adult"]
    folders = [Path(__file__).resolve().parents[1], *([Path(peer).resolve()] if peer is not None else [])]
    found = [[alone(folder, overrides) for folder in folders] for _ in range(rounds)]
    print(
        f"{'':24}{'processor':>12}{'clock':>12}"
        + (f"{'peer':>12}{'clock':>12}{'ratio':>12}" if len(folders) > 1 else "")
    )
    for name in found[0][0]:
        best = [np.min([one[place][name] for one in found], axis=0) for place in range(len(folders))]
        figures = "".join(f"{value:12.2f}" for value in np.concatenate(best))
        print(f"{name:24}{figures}" + (f"{best[0][0] / max(best[1][0], 1e-9):12.2f}" if len(folders) > 1 else ""))


if __name__ == "__main__":
    main_command(main.run)
