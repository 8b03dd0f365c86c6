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

from gans.config.compose import compose
from gans.config.run import Run
from gans.errors import UserError
from gans.evaluation.metrics import TrainingJudge, metric_of
from gans.runs.build import build
from gans.runs.prepare import Prepared, prepare
from gans.sweeps.records import Job, finish
from gans.sweeps.search import import_optuna
from gans.sweeps.space import Dimension, values_of
from gans.training.loop import PRUNED, initial_state, make_block

log = logging.getLogger("gans")


def halve(space: list[Dimension], fixed: list[str], settings: int, folder: Path, seed: int = 0) -> list[Job]:
    """Train so many settings at once and halve them until one is left; print the table; all jobs.

    The last one has trained for `trainer.steps`. Its score is that of its last generator; train it again by its
    overrides for a run directory.

    Raises:
        UserError: a dimension is no number, or decides the shape of the program.
    """
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
    judge = TrainingJudge([metric_of(best)], ready.split.holdout, ready.split.schema)
    numbers = {
        dimension.key: np.array([float(overrides[place].split("=", 1)[1]) for overrides in drawn], np.float32)
        for place, dimension in enumerate(space)
    }
    jobs = [Job(number, overrides) for number, overrides in enumerate(drawn)]
    left = np.arange(settings)
    state = _initial(ready, settings)
    program = SettingsProgram(ready, numbers, state)
    done, began = 0, time.monotonic()
    rungs = [max(1, round(run.trainer.steps / 2**k)) for k in reversed(range(math.ceil(math.log2(settings)) + 1))]
    for rung in rungs:
        chosen = {key: values[left] for key, values in numbers.items()}
        state, finite = program.train(state, chosen, done, rung)
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
                raise UserError(f"{dimension.key}: {choice!r} is not a number; halving takes numbers.") from None
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


class SettingsProgram:
    """The compiled block over settings: (states, numbers, rows, steps) -> (states, metrics), all [settings, ...].

    Raises:
        UserError: a number decides the shape of the program.
    """

    def __init__(self, ready: Prepared, numbers: Mapping[str, np.ndarray], state: Any) -> None:
        self.schedule, self.rows = ready.run.trainer.schedule(), jax.device_put(ready.rows)
        run, condition = ready.run, ready.condition

        def block(state: Any, numbers: Any, data: Any, steps: Any) -> Any:
            return make_block(build(varied(run, numbers), condition))(state, data, steps)

        self.compiled = jax.jit(jax.vmap(block, in_axes=(0, 0, None, None)), donate_argnums=0)
        one = jax.tree.map(lambda leaf: leaf[0], state)
        jax.eval_shape(make_block(build(run, condition)), one, ready.rows, 1)  # what fails here is no fault of theirs
        try:
            jax.eval_shape(block, one, {key: values[0] for key, values in numbers.items()}, ready.rows, 1)
        except TypeError as error:  # as jax says of a number that must be known when it compiles
            reason = str(error).split("\n", 1)[0]
            raise UserError(
                f"{', '.join(numbers)}: not all of these can differ within one compiled program ({reason}); "
                "method=optuna takes any."
            ) from None

    def train(self, state: Any, numbers: Mapping[str, np.ndarray], step: int, stop: int) -> tuple[Any, np.ndarray]:
        """States after the steps from `step` to `stop`, and which of them have finite losses [settings]."""
        finite = np.ones(len(next(iter(numbers.values()))), bool)
        given = jax.device_put(dict(numbers))
        while step < stop:
            border = min(stop, self.schedule.next_look(step, self.schedule.steps))
            state, metrics = self.compiled(state, given, self.rows, np.int32(border - step))
            for value in jax.device_get(metrics).values():
                finite &= np.isfinite(value)
            step = border
        return state, finite


def _initial(ready: Prepared, settings: int) -> Any:
    """The same initial state for each setting, [settings, ...]."""
    one = initial_state(build(ready.run, ready.condition), ready.run.seed, 1)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (settings, *np.shape(leaf))), one)
