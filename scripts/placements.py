"""Show that a run does not depend on where it runs: jit, sharded, pmap, and a seed out of a vmapped batch.

    python scripts/placements.py [devices=4] [steps=50] [experiments=vanilla,cgan,wgan_gp] [rounding=true]

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

from gans.config import compose  # noqa: E402
from gans.pipeline import prepare  # noqa: E402
from gans.training.build import build  # noqa: E402
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
    outcome = train(gan, ready.rows, run.trainer, run.seed, hooks, None)
    member = 1 if seeds > 1 else slice(None)
    end = [np.asarray(leaf)[member] for leaf in jax.tree.leaves(outcome.state.generator)]
    return end, losses, gap(start, end)


def _shaken(leaf: jax.Array, noise: float) -> jax.Array:
    return leaf * (1 + noise) if leaf.dtype == np.float32 else leaf


def gap(left: list, right: list) -> float:
    """The largest absolute difference."""
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(left, right, strict=True))


def main() -> int:
    """Compare all placements for each experiment."""
    steps, worst = int(settings.get("steps", "50")), 0.0
    print(f"{jax.device_count()} devices, {steps} steps")
    for experiment in settings.get("experiments", "vanilla,cgan,wgan_gp").split(","):
        reference, losses, moved = parameters(experiment, "jit", 1, steps)
        print(f"{experiment:10} {'jit':12} parameters moved by {moved:.1e}")
        for name, placement, seeds in (("sharded", "sharded", 1), ("pmap", "pmap", 1), ("seed 1 of 3", "jit", 3)):
            found, other, _ = parameters(experiment, placement, seeds, steps)
            apart, losses_apart = gap(reference, found), gap(losses, other)
            worst = max(worst, apart, losses_apart)
            print(f"{experiment:10} {name:12} parameters {apart:.1e}  losses {losses_apart:.1e}")
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
