"""Successive halving over settings that are plain numbers, trained together in one vmapped program.

Jamieson & Talwalkar 2015, arXiv:1502.07943: all settings train for a while, the better half goes on for as long again
and twice as long, until one is left. Settings may differ in what the compiled step takes as a number, such as learning
rates and weights of penalties; what decides its shape, such as a width, cannot. The program is compiled once for each
number of settings that are left.
"""

import copy
import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gans.config import Run, compose
from gans.errors import UserError
from gans.sweeps.records import Job, finish
from gans.sweeps.search import import_optuna
from gans.sweeps.space import Dimension, values_of
from gans.training.loop import PRUNED

log = logging.getLogger("gans")


def halve(space: list[Dimension], fixed: list[str], settings: int, folder: Path, seed: int = 0) -> list[Job]:
    """Train so many settings at once and halve them until one is left; print the table; all jobs.

    The last one has trained for `trainer.steps`. Its score is that of its last generator; train it again by its
    overrides for a run directory.

    Raises:
        UserError: a dimension is no number, or decides the shape of the program.
    """
    from gans.evaluation.metrics import METRICS, metric_of
    from gans.pipeline import prepare

    drawn = draw(space, settings, seed)
    run = compose([*fixed, *drawn[0]])
    direction, best = run.trainer.direction, run.trainer.best
    if not direction:
        raise UserError("trainer.best=last: it has no score to halve by; set trainer.best to score or another.")
    for overrides in drawn[1:]:
        compose([*fixed, *overrides])
    run.trainer.prepare()
    ready = prepare(run)
    if ready.windows:
        raise UserError("data.stream=true: settings are halved on a table that is on the device.")
    run = ready.run
    judge = METRICS[metric_of(best)].prepare(ready.split.holdout, ready.split.schema)
    numbers = {
        dimension.key: np.array([float(overrides[place].split("=", 1)[1]) for overrides in drawn], np.float32)
        for place, dimension in enumerate(space)
    }
    jobs = [Job(number, overrides) for number, overrides in enumerate(drawn)]
    left = np.arange(settings)
    state = _initial(run, ready.condition, settings)
    done, began = 0, time.monotonic()
    rungs = [max(1, round(run.trainer.steps / 2**k)) for k in reversed(range(math.ceil(math.log2(settings)) + 1))]
    for rung in rungs:
        chosen = {key: values[left] for key, values in numbers.items()}
        state, finite = train_settings(run, ready, state, chosen, rung - done)
        done = rung
        scores = np.full(len(left), -np.inf)
        for place, member in enumerate(left):
            job = jobs[member]
            job.seconds = round(time.monotonic() - began, 2)
            if not finite[place]:
                job.status, job.error = "diverged", f"a loss is not finite before step {done:,}"
                continue
            ready.sampler.parameters = jax.tree.map(lambda leaf, place=place: np.asarray(leaf[place]), state.average)
            job.score = judge(ready.sampler.sample(run.trainer.evaluate_rows, run.seed))[best]
            job.status, job.error = PRUNED, f"after {done:,} steps"
            scores[place] = direction * job.score
        keep = np.sort(np.argsort(-scores, kind="stable")[: max(1, len(left) // 2)])
        keep = keep[np.isfinite(scores[keep])]
        log.info("step %s: %s settings, best %s %.4f", f"{done:,}", len(left), best, direction * scores.max())
        if not len(keep):
            break
        if rung == rungs[-1]:
            winner = jobs[left[keep[0]]]
            winner.status, winner.error = "completed", ""
            break
        left, state = left[keep], jax.tree.map(lambda leaf, keep=keep: leaf[keep], state)
    for job in jobs:
        job.write(folder)
    return finish(folder, direction)


def draw(space: list[Dimension], settings: int, seed: int) -> list[list[str]]:
    """Random settings, each KEY=VALUE for every dimension.

    Raises:
        UserError: a choice is no number.
    """
    for dimension in space:
        for choice in dimension.choices:
            try:
                float(choice)
            except ValueError:
                raise UserError(f"{dimension.key}: {choice!r} is no number; halving takes numbers.") from None
    optuna = import_optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [values_of(space, study.ask()) for _ in range(settings)]


def varied(run: Run, numbers: Mapping[str, Any]) -> Run:
    """The run with other numbers, which may be traced: no range is checked."""
    run = copy.copy(run)
    for key, value in numbers.items():
        *path, last = key.split(".")
        node: Any = run
        for part in path:
            child = copy.copy(node[part] if isinstance(node, dict) else getattr(node, part))
            if isinstance(node, dict):
                node[part] = child
            else:
                setattr(node, part, child)
            node = child
        setattr(node, last, value)
    return run


def make_settings_block(run: Run, condition: Any) -> Any:
    """The compiled function (states, numbers, rows, steps) -> (states, metrics), over settings [settings]."""
    from gans.training.build import build
    from gans.training.loop import make_block

    def block(state: Any, numbers: Any, data: Any, steps: Any) -> Any:
        return make_block(build(varied(run, numbers), condition))(state, data, steps)

    return jax.jit(jax.vmap(block, in_axes=(0, 0, None, None)), donate_argnums=0)


def train_settings(run: Run, ready: Any, state: Any, numbers: Mapping[str, np.ndarray], steps: int) -> tuple[Any, Any]:
    """States after so many more steps, and which of them have finite losses [settings].

    Raises:
        UserError: a number decides the shape of the program.
    """
    compiled = make_settings_block(run, ready.condition)
    data, given = jax.device_put(ready.rows), jax.tree.map(jnp.asarray, dict(numbers))
    finite = np.ones(len(next(iter(numbers.values()))), bool)
    left = steps
    while left:
        count = min(left, run.trainer.block)
        try:
            state, metrics = compiled(state, given, data, jnp.int32(count))
        except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError, TypeError) as error:
            keys = ", ".join(numbers)
            reason = str(error).split("\n", 1)[0]
            raise UserError(
                f"{keys}: not all of these can differ within one compiled program ({reason}); method=optuna takes any."
            ) from None
        for value in jax.device_get(metrics).values():
            finite &= np.isfinite(value)
        left -= count
    return state, finite


def _initial(run: Run, condition: Any, settings: int) -> Any:
    """The same initial state for each setting, [settings, ...]."""
    from gans.training.build import build
    from gans.training.loop import initial_state

    one = initial_state(build(run, condition), run.seed, 1)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (settings, *np.shape(leaf))), one)
