"""Steps per second of our own variants, in one run on one machine.

    python scripts/benchmark_steps.py [parts=variants,widths,seeds,stream] [seconds=3] [KEY=VALUE of gans.train ...]

  variants  every experiment on the households: steps per second, compile time, and how busy the cores are: the step's
            floating-point operations (as the compiler counts them) by its time, beside the best rate of jnp.dot at the
            sizes of its own layers, measured in the same run
  widths    the same for WGAN-GP with perceptrons of 256 to 1,024 at batch 512
  seeds     what 4 and 16 vmapped seeds cost beside one, for toys of several widths
  stream    a Parquet file in windows beside the same table on the device, at batch 512, with peak memory at 1 and
            `rows=20_000_000` rows

Runs alone on the machine, or its figures mean nothing.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import NAMES, TEXT, WHOLE
from gans.errors import one_of

PARTS = ("variants", "widths", "seeds", "stream")
TOY = ["data=grid", "codec=standard", "network=mlp_critic", "network.latent=2", "network.generator_dropout=0",
       "trainer.batch_size=100"]  # fmt: skip


def measure(overrides: list[str], seeds: int = 1, seconds: float = 3, flops: bool = False) -> dict[str, float]:
    """Steps per second, seconds of compilation; and, if asked, GFlop/s of the step and the best of jnp.dot."""
    import jax

    from gans.config.compose import compose
    from gans.runs.build import build
    from gans.runs.prepare import prepare
    from gans.training.loop import initial_state, make_block
    from gans.training.placement import place
    from gans.training.step import adversarial_step

    run = compose(overrides)
    ready = prepare(run)
    gan = build(run, ready.condition)
    placed = place(make_block(gan), "jit", seeds)
    state, rows = placed.put(initial_state(gan, 0, seeds)), placed.put(ready.rows)
    out: dict[str, float] = {}
    if flops:
        single = jax.jit(lambda state, rows: adversarial_step(gan, state, rows)).lower(state, rows).compile()
        cost: Any = single.cost_analysis()
        out["flops"] = float((cost[0] if isinstance(cost, list) else cost)["flops"])
        out["peak"] = max(dot_rate(*shape) for shape in shapes(gan, state))
    few, began = placed.put(np.int32(1)), time.perf_counter()
    state, metrics = placed.run(state, rows, few)
    placed.get(metrics)
    out["compile"] = time.perf_counter() - began
    count, steps = 1, 0
    while True:
        turns = placed.put(np.int32(count))
        began = time.perf_counter()
        state, metrics = placed.run(state, rows, turns)
        placed.get(metrics)
        spent = time.perf_counter() - began
        if spent > seconds / 3:
            break
        count *= 2
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        state, metrics = placed.run(state, rows, turns)
        placed.get(metrics)
        steps += count
    out["steps"] = steps / (time.perf_counter() - began)
    return out


def shapes(gan: Any, state: Any) -> set[tuple[int, int, int]]:
    """Rows, inputs and outputs of the layers of both networks."""
    import jax

    found = set()
    for tree, rows in ((state.generator, gan.batch_size), (state.discriminator, 2 * gan.batch_size // gan.pack)):
        found |= {(rows, *leaf.shape) for leaf in jax.tree.leaves(tree) if leaf.ndim == 2}
    return found


def dot_rate(rows: int, inputs: int, outputs: int) -> float:
    """Floating-point operations per second of jnp.dot in a compiled loop."""
    import jax
    import jax.numpy as jnp

    left, right = jnp.ones((rows, inputs)), jnp.full((inputs, outputs), 1e-3)

    def loop(left: Any, right: Any, turns: Any) -> Any:
        def turn(_: Any, left: Any) -> Any:
            return left.at[0, 0].add(1e-9 * jnp.dot(left, right)[0, 0])  # the next product needs this one

        return jax.lax.fori_loop(0, turns, turn, left)

    run, turns = jax.jit(loop), max(8, int(2e9 / (2 * rows * inputs * outputs)))
    jax.block_until_ready(run(left, right, turns))
    best = np.inf
    for _ in range(3):
        began = time.perf_counter()
        jax.block_until_ready(run(left, right, turns))
        best = min(best, time.perf_counter() - began)
    return 2 * rows * inputs * outputs * turns / best


def alone(function: str, *arguments: Any) -> Any:
    """A call in a process of its own."""
    call = json.dumps([function, *arguments])
    done = subprocess.run([sys.executable, __file__, f"child={call}"], capture_output=True, text=True)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["?"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def line(name: str, found: dict[str, float], critic_steps: int = 1) -> None:
    """Print a row."""
    if "error" in found:
        print(f"{name:24} {found['error']}")
        return
    busy = found["flops"] * found["steps"]
    print(f"{name:24}{found['steps']:10.1f}{found['compile']:10.1f}{busy / 1e9:10.1f}{found['peak'] / 1e9:10.1f}"
          f"{busy / found['peak']:10.0%}")  # fmt: skip


def heading() -> None:
    """Print the head of such rows."""
    print(f"{'':24}{'steps/s':>10}{'compile s':>10}{'GFlop/s':>10}{'dot peak':>10}{'share':>10}")


def variants(overrides: list[str], seconds: int, rows: int) -> None:
    """Every experiment."""
    from gans.config.components import conf_folder

    heading()
    for path in sorted((conf_folder() / "experiment").glob("*.yaml")):
        line(path.stem, alone("measure", [f"+experiment={path.stem}", *overrides], 1, seconds, True))


def widths(overrides: list[str], seconds: int, rows: int) -> None:
    """WGAN-GP with perceptrons of some widths."""
    heading()
    for width in (256, 512, 1024):
        sides = [f"network.{side}_widths=[{width},{width}]" for side in ("generator", "discriminator")]
        fixed = ["+experiment=wgan_gp", "trainer.critic_steps=1", "trainer.batch_size=512", *sides]
        line(f"wgan_gp, width {width}", alone("measure", [*fixed, *overrides], 1, seconds, True))


def seeds(overrides: list[str], seconds: int, rows: int) -> None:
    """Vmapped seeds of toys."""
    print(f"{'':24}{'1 seed':>12}{'4 seeds':>12}{'16 seeds':>12}  cost of 4 and 16 beside one")
    for experiment in ("vanilla", "r3gan"):
        for width in (16, 64, 128):
            sides = (
                [f"network.{side}_widths=[{width},{width}]" for side in ("generator", "discriminator")]
                if experiment == "vanilla"
                else [f"network.width={width}"]
            )
            toy = TOY if experiment == "vanilla" else [o for o in TOY if not o.startswith(("network=", "network.gen"))]
            found = [
                alone("measure", [f"+experiment={experiment}", *toy, *sides, *overrides], many, seconds)["steps"]
                for many in (1, 4, 16)
            ]
            costs = " ".join(f"{found[0] / other:5.1f}x" for other in found[1:])
            print(f"{experiment + f', width {width}':24}{found[0]:12.1f}{found[1]:12.1f}{found[2]:12.1f}  {costs}")


def stream(overrides: list[str], seconds: int, rows: int) -> None:
    """A stream beside the table on the device."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.parquet", Path(folder) / "large.parquet"
        make_parquet(small, 1_000_000)
        resident = alone("streamed", str(small), False, overrides)
        rate = alone("streamed", str(small), True, overrides)
        print(f"resident {resident['steps']:.1f} steps/s, peak {resident['peak']:.2f} GiB")
        print(f"streamed {rate['steps']:.1f} steps/s, {rate['steps'] / resident['steps']:.0%} of it, peak "
              f"{rate['peak']:.2f} GiB, 1,000,000 rows")  # fmt: skip
        make_parquet(large, rows)
        found = alone("streamed", str(large), True, overrides)
        print(f"streamed {found['steps']:.1f} steps/s, {found['steps'] / resident['steps']:.0%} of it, peak "
              f"{found['peak']:.2f} GiB, {rows:,} rows, {large.stat().st_size / 2**30:.2f} GiB on disk; ready after "
              f"{found['ready']:.0f} s")  # fmt: skip


def streamed(path: str, streams: bool, overrides: list[str]) -> dict[str, float]:
    """Steps per second of a run of the WGAN-GP on a file, over some windows, its first block left out."""
    from gans.config.compose import compose
    from gans.runs.build import build
    from gans.runs.prepare import prepare
    from gans.training.loop import Hooks, train

    fixed = ["+experiment=wgan_gp", "trainer.critic_steps=1", "trainer.batch_size=512", "trainer.steps=1600",
             "trainer.block=50", "data=table", f"data.path={path}", f"data.stream={str(streams).lower()}",
             "data.relations=[]"]  # fmt: skip
    run = compose([*fixed, *overrides])
    began = time.perf_counter()
    ready = prepare(run)
    after = time.perf_counter() - began
    times: list[tuple[float, int]] = []
    hooks = Hooks(log=lambda metrics, step, seconds: times.append((time.perf_counter(), step)))
    train(build(run, ready.condition), ready.windows or ready.rows, run.trainer.schedule(), 0, hooks, None)
    (first, start), (last, end) = times[3], times[-1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"steps": (end - start) / (last - first), "peak": peak, "ready": after}


def make_parquet(path: Path, rows: int) -> None:
    """Rows of 15 columns: 6 real, 4 whole, 4 categories, 1 time, some cells missing; written by row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw, writer, group = np.random.default_rng(0), None, 100_000
    words = [np.array([f"level {level}" for level in range(4 ** (k + 1))]) for k in range(4)]
    for start in range(0, rows, group):
        count = min(group, rows - start)
        columns: dict[str, Any] = {f"real{k}": draw.lognormal(size=count) for k in range(6)}
        columns |= {f"whole{k}": draw.geometric(10.0 ** -(k + 1), count) for k in range(4)}
        columns |= {f"word{k}": pa.array(words[k][draw.integers(0, len(words[k]), count)]) for k in range(4)}
        columns["time"] = (draw.integers(0, 10**8, count) + 1_500_000_000).astype("datetime64[s]")
        columns["real0"] = pa.array(columns["real0"], mask=draw.random(count) < 0.1)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


@takes(
    Key("parts", NAMES, default=list(PARTS)),
    Key("seconds", WHOLE, default=3),
    Key("rows", WHOLE, default=20_000_000),
    Key("child", TEXT),
    others="as in gans train",
    text=__doc__,
)
def main(parts: list[str], seconds: int, rows: int, child: str | None, others: list[str]) -> None:
    """Run the parts."""
    if child is not None:
        function, *arguments = json.loads(child)
        print(json.dumps({"measure": measure, "streamed": streamed}[function](*arguments)))
        return
    for name in parts:
        one_of("parts", name, PARTS)
        print(f"\n{name}")
        {one.__name__: one for one in (variants, widths, seeds, stream)}[name](others, seconds, rows)


if __name__ == "__main__":
    main_command(main.run)
