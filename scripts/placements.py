"""Show that a run does not depend on where it runs: jit, sharded, pmap, a seed of a vmapped batch, a streamed file.

    python scripts/placements.py [devices=4] [steps=50] [experiments=vanilla,cgan,wgan_gp] [rounding=true] [stream=true]
    python scripts/placements.py processes=2

`stream` is a Parquet file that is read in windows beside the same rows on the device. `processes` trains a run over
processes and beside it in one, by the command line, and compares their losses.

On forced host devices. Prints how far the generator's parameters moved, and the largest difference of parameters and
losses to those of plain jit; exit status 1 above 1e-4. The learning rate is 2e-5 unless given: a hard one-hot, the
slope of a leaky relu and Adam's sign on a vanishing gradient are steps, which a rounding error can flip, and a large
learning rate amplifies such a flip. The line `rounding` shows that: plain jit against itself, the initial parameters
multiplied by 1 + 1e-7, at the experiment's own rate.
"""

import os
import sys

settings = dict(argument.split("=", 1) for argument in sys.argv[1:])
devices = int(settings.get("devices", "4"))
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"

import jax  # noqa: E402
import numpy as np  # noqa: E402

from gans.config.compose import compose  # noqa: E402
from gans.runs.build import build  # noqa: E402
from gans.runs.prepare import prepare  # noqa: E402
from gans.training.loop import Hooks, initial_state, train  # noqa: E402

TOLERANCE = 1e-4
RATE = "optimizer.learning_rate"


def parameters(
    experiment: str, placement: str, seeds: int, steps: int, rate: str = "2e-5", noise: float = 0.0
) -> tuple[list[np.ndarray], list[float], float]:
    """Generator of seed 1 after `steps`, its loss after each ten, and how far its parameters moved at most."""
    overrides = {
        "seed": "0" if seeds > 1 else "1",
        "data.limit": "2000",
        "trainer.steps": str(steps),
        "trainer.batch_size": "120",
        "trainer.block": "10",
        "trainer.placement": placement,
        "trainer.seeds": str(seeds),
        **({RATE: rate} if rate else {}),
    }
    run = compose([f"+experiment={experiment}", *(f"{key}={value}" for key, value in overrides.items())])
    run.trainer.prepare_cache()
    ready = prepare(run)
    gan = build(run, ready.condition, placement)
    if noise:
        exact = gan.init
        object.__setattr__(gan, "init", lambda seed: jax.tree.map(lambda leaf: _shaken(leaf, noise), exact(seed)))
    start = jax.tree.leaves(initial_state(gan, 1, 1).generator)
    losses: list[float] = []
    key = "seed1/loss/generator" if seeds > 1 else "loss/generator"
    hooks = Hooks(log=lambda metrics, step, seconds: losses.append(metrics[key]))
    outcome = train(gan, ready.rows, run.trainer.schedule(run.network.together), run.seed, hooks, None)
    member = 1 if seeds > 1 else slice(None)
    end = [np.asarray(leaf)[member] for leaf in jax.tree.leaves(outcome.state.generator)]
    return end, losses, gap(start, end)


def over_stream(experiment: str, steps: int) -> tuple[float, float]:
    """The differences of parameters and losses of a streamed file to the same rows on the device."""
    import tempfile

    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.parquet"
        source = compose(["data=households"]).data
        pq.write_table(source.read(), path, row_group_size=2_000)
        run = compose([f"+experiment={experiment}", "data=table", f"data.path={path}", "data.stream=true",
                       "data.window=50000", "data.target=pension_eligible", "trainer.batch_size=120",
                       "trainer.block=10", f"trainer.steps={steps}", f"{RATE}=2e-5"])  # fmt: skip
        ready = prepare(run)
        assert ready.windows is not None
        gan, found = build(run, ready.condition), []
        for data in (ready.windows.load(0), ready.windows):
            losses: list[float] = []
            hooks = Hooks(log=lambda metrics, step, seconds, to=losses: to.append(metrics["loss/generator"]))
            outcome = train(gan, data, run.trainer.schedule(run.network.together), 0, hooks, None)
            found.append((jax.tree.leaves(outcome.state.generator), losses))
    return gap(found[0][0], found[1][0]), gap(found[0][1], found[1][1])


def over_processes(count: int, steps: int) -> float:
    """The largest difference of the losses of a run over processes to those of one process."""
    import socket
    import subprocess
    import tempfile
    from pathlib import Path

    from gans.tracking.jsonl import read_lines

    base = [sys.executable, "-m", "gans.train", "+experiment=cgan", "data.limit=2000", f"{RATE}=2e-5",
            f"trainer.steps={steps}", "trainer.block=10", f"trainer.evaluate_every={steps}", "trainer.batch_size=120",
            "trainer.evaluate_rows=100", "samples=100", "tracker.mode=disabled"]  # fmt: skip
    environment = {**os.environ, "XLA_FLAGS": ""}
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            port = probe.getsockname()[1]
        over = [f"run_dir={folder}/over", f"trainer.coordinator=localhost:{port}", f"trainer.processes={count}"]
        jobs = [subprocess.Popen([*base, *over, f"trainer.process={k}"], env=environment) for k in range(count)]
        assert [job.wait(300) for job in jobs] == [0] * count
        subprocess.run([*base, f"run_dir={folder}/one"], env=environment, check=True)
        losses = [
            [row["loss/generator"] for row in read_lines(Path(folder) / name / "metrics.jsonl")]
            for name in ("over", "one")
        ]
    return gap(*losses)


def _shaken(leaf: jax.Array, noise: float) -> jax.Array:
    return leaf * (1 + noise) if leaf.dtype == np.float32 else leaf


def gap(left: list, right: list) -> float:
    """The largest absolute difference."""
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(left, right, strict=True))


def main() -> int:
    """Compare all placements for each experiment."""
    steps, worst = int(settings.get("steps", "50")), 0.0
    if "processes" in settings:
        worst = over_processes(int(settings["processes"]), steps)
        print(f"{settings['processes']} processes beside one, {steps} steps: losses {worst:.1e}")
        return int(worst > TOLERANCE)
    print(f"{jax.device_count()} devices, {steps} steps")
    for experiment in settings.get("experiments", "vanilla,cgan,wgan_gp").split(","):
        reference, losses, moved = parameters(experiment, "jit", 1, steps)
        print(f"{experiment:10} {'jit':12} parameters moved by {moved:.1e}")
        for name, placement, seeds in (("sharded", "sharded", 1), ("pmap", "pmap", 1), ("seed 1 of 3", "jit", 3)):
            found, other, _ = parameters(experiment, placement, seeds, steps)
            apart, losses_apart = gap(reference, found), gap(losses, other)
            worst = max(worst, apart, losses_apart)
            print(f"{experiment:10} {name:12} parameters {apart:.1e}  losses {losses_apart:.1e}")
        if settings.get("stream") != "false":
            apart, losses_apart = over_stream(experiment, steps)
            worst = max(worst, apart, losses_apart)
            print(f"{experiment:10} {'stream':12} parameters {apart:.1e}  losses {losses_apart:.1e}")
        if settings.get("rounding") == "false":
            continue
        own, own_losses, _ = parameters(experiment, "jit", 1, steps, rate="")
        shaken, shaken_losses, _ = parameters(experiment, "jit", 1, steps, rate="", noise=1e-7)
        apart, losses_apart = gap(own, shaken), gap(own_losses, shaken_losses)
        print(f"{experiment:10} {'rounding':12} parameters {apart:.1e}  losses {losses_apart:.1e}")
    print(f"largest difference of placements {worst:.1e}, allowed {TOLERANCE:.0e}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
