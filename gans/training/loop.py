"""The loop: blocks of steps on the device, and between them the host's work."""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.serialization import from_state_dict

from gans.errors import UserError
from gans.training.checkpoints import Checkpoints
from gans.training.placement import place
from gans.training.step import GAN, Rows, TrainState, adversarial_step
from gans.training.trainer import Trainer
from gans.training.windows import Feed, Windows

log = logging.getLogger("gans")

COMPLETED, DIVERGED, INTERRUPTED = "completed", "diverged", "interrupted"
PRUNED = "pruned"  # why a run stopped that a search gave up


@dataclass
class Best:
    """The best generator of each seed: `generator` [seeds, ...], with the step and the value of its score, [seeds]."""

    generator: Any
    step: np.ndarray
    value: np.ndarray

    def update(self, step: int, values: np.ndarray, direction: int, average: Any) -> bool:
        """Take the averaged generators [seeds, ...] of this step where they score better; whether any did."""
        better = direction * values > direction * self.value
        better = (better | np.isnan(self.value)) & ~np.isnan(values) if direction else np.ones_like(values, bool)
        for kept, new in zip(jax.tree.leaves(self.generator), jax.tree.leaves(average), strict=True):
            kept[better] = new[better]
        self.step[better], self.value[better] = step, values[better]
        return bool(better.any())

    def waited(self, step: int, every: int) -> int:
        """How many scores, one each `every` steps, have come since the last that was better, of the latest seed."""
        return int((step // every - self.step // every).min())

    def tree(self) -> dict[str, Any]:
        """As it lies in a checkpoint: copies, since a checkpoint is written while training goes on."""
        return {
            "generator": jax.tree.map(np.copy, self.generator),
            "step": self.step.copy(),
            "value": self.value.copy(),
        }


@dataclass
class Outcome:
    """How training ended. `best` is what sampling uses, `stopped` why it ended before its last step, if it did."""

    status: str
    step: int
    seconds: float
    best: Best
    state: Any
    compile_seconds: float = 0.0
    stopped: str | None = None


@dataclass
class Hooks:
    """What the host does between blocks; of several processes, the first one.

    Attributes:
        evaluate: averaged generators [seeds, ...] -> scores of each seed by name.
        log: takes metrics, step and seconds of training; called after each block.
        rewind: takes the step from which a run goes on.
        fingerprint: of the training rows.
        profile: a folder for a trace of the second block, the first that does not compile.
        watch: takes the step and the scores of each seed; whether to stop there, as one that lags behind others does.
    """

    evaluate: Callable[[Any], list[dict[str, float]]] | None = None
    log: Callable[[dict[str, float], int, float], None] | None = None
    rewind: Callable[[int], None] | None = None
    fingerprint: str = ""
    profile: Path | None = None
    watch: Callable[[int, list[dict[str, float]]], bool] | None = None


def make_block(gan: GAN) -> Callable[[TrainState, Rows, Any], tuple[TrainState, dict[str, Any]]]:
    """`steps` adversarial steps as one loop: (state, rows, steps) -> (state, metrics averaged over the steps).

    The number of steps is an argument, so one compiled program serves every distance between two looks of the host.
    """

    def block(state: TrainState, data: Rows, steps: Any) -> tuple[TrainState, dict[str, Any]]:
        def body(_: Any, carry: tuple[TrainState, Any]) -> tuple[TrainState, Any]:
            state, totals = carry
            state, metrics = adversarial_step(gan, state, data)
            return state, jax.tree.map(jnp.add, totals, metrics)

        shapes = jax.eval_shape(lambda: adversarial_step(gan, state, data)[1])
        totals = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
        state, totals = jax.lax.fori_loop(0, steps, body, (state, totals))
        return state, jax.tree.map(lambda total: total / steps, totals)

    return block


def initial_state(gan: GAN, seed: int, seeds: int) -> TrainState:
    """The state at step 0 on the host; with several seeds a leading axis [seeds]."""
    if seeds == 1:
        return jax.device_get(jax.jit(gan.init)(np.uint32(seed)))
    return jax.device_get(jax.jit(jax.vmap(gan.init))(np.arange(seed, seed + seeds, dtype=np.uint32)))


def train(
    gan: GAN,
    data: Rows | Windows,
    trainer: Trainer,
    seed: int,
    hooks: Hooks,
    checkpoints: Checkpoints | None,
) -> Outcome:
    """Train until the last step, the end of patience, a non-finite loss, or a signal.

    Args:
        data: rows that stay on the device, or windows of rows that come and go.

    Raises:
        UserError: a resumed run has another table, or its checkpoints are all damaged.
        OSError: a checkpoint cannot be written.
    """
    several = trainer.seeds > 1

    def members(tree: Any) -> Any:
        return tree if several else jax.tree.map(lambda leaf: leaf[None], tree)

    state = initial_state(gan, seed, trainer.seeds)
    blank = np.full(trainer.seeds, np.nan)
    best = Best(jax.tree.map(np.array, members(state.average)), np.zeros(trainer.seeds, np.int64), blank)
    step, before = 0, 0.0
    if trainer.resume and checkpoints:
        state, best, step, before = _resume(checkpoints, state, best, hooks.fingerprint, trainer.steps)
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        state, step = multihost_utils.broadcast_one_to_all((state, np.int64(step)))
        step = int(step)
    if hooks.rewind:
        hooks.rewind(step)

    placed = place(make_block(gan), trainer.place(gan.pack * gan.group), trainer.seeds)
    windows = data if isinstance(data, Windows) else Windows(lambda number: data, trainer.steps)
    state, feed = placed.put(state), Feed(windows, placed.put)
    stop, status, compile_seconds = trainer.steps, COMPLETED, 0.0
    blocks, start, pruned = 0, time.monotonic(), False
    enough = _enough(trainer, best, step)
    with _signals() as stopped, contextlib.closing(feed):
        while step < stop and not enough:
            border, rows = _border(step, stop, trainer, windows.steps), feed.at(step)
            count, began = placed.put(np.int32(border - step)), time.monotonic()
            trace = hooks.profile if blocks == 1 else None
            with jax.transfer_guard("disallow"), jax.profiler.trace(trace) if trace else contextlib.nullcontext():
                state, metrics = placed.run(state, rows, count)
                jax.block_until_ready(metrics)
            metrics, step, blocks = placed.get(metrics), border, blocks + 1
            compile_seconds = compile_seconds or time.monotonic() - began
            if not all(np.isfinite(value).all() for value in metrics.values()):
                status = DIVERGED
                break
            if hooks.evaluate and (step % trainer.evaluate_every == 0 or step == stop):
                average = members(placed.get(state.average))
                scores = hooks.evaluate(average)
                values = np.array([one.get(trainer.best, np.nan) for one in scores])
                best.update(step, values, trainer.direction, average)
                stacked = {f"holdout/{name}": np.array([one[name] for one in scores]) for name in scores[0]}
                metrics |= stacked if several else {name: value[0] for name, value in stacked.items()}
                pruned = hooks.watch is not None and hooks.watch(step, scores)
            enough = pruned or _enough(trainer, best, step)
            seconds = before + time.monotonic() - start
            if hooks.log:
                hooks.log(_named(metrics, several, seed), step, seconds)
            if stopped() and step < stop and not enough:
                status = INTERRUPTED
            last = step == stop or enough or status == INTERRUPTED
            if checkpoints and (step % trainer.checkpoint_every == 0 or last):
                record = {"seconds": seconds, "fingerprint": hooks.fingerprint}
                checkpoints.save(step, {"state": placed.get(state), "best": best.tree()}, record)
            if status == INTERRUPTED:
                break
    if checkpoints:
        checkpoints.wait()
    seconds = before + time.monotonic() - start
    if status == DIVERGED:
        return Outcome(status, step, seconds, best, None, compile_seconds)
    state = placed.get(state)
    if np.isnan(best.value).all():
        best = Best(jax.tree.map(np.array, members(state.average)), np.full(trainer.seeds, step), blank)
    stopped_by = PRUNED if pruned else f"no better {trainer.best} for {trainer.patience} evaluations"
    return Outcome(status, step, seconds, best, state, compile_seconds, stopped_by if enough and step < stop else None)


def _enough(trainer: Trainer, best: Best, step: int) -> bool:
    """Whether patience has run out: follows from what a checkpoint holds; of several processes the first one says."""
    if trainer.patience is None:
        return False
    enough = best.waited(step, trainer.evaluate_every) >= trainer.patience
    if jax.process_count() == 1:
        return enough
    from jax.experimental import multihost_utils

    return bool(multihost_utils.broadcast_one_to_all(np.array(enough)))


def _resume(
    checkpoints: Checkpoints, state: Any, best: Best, fingerprint: str, steps: int
) -> tuple[Any, Best, int, float]:
    """State, best, step and seconds of the newest whole checkpoint, or what was given where there is none."""
    found = checkpoints.latest()
    if not found:
        return state, best, 0, 0.0
    step, tree, record = found
    if record["fingerprint"] != fingerprint:
        raise UserError(f"{checkpoints.folder.parent}: the training table is not the one that this run began with.")
    if steps < step:
        raise UserError(f"trainer.steps={steps}: the run is at step {step} already.")
    checkpoints.drop_after(step)
    state, kept = from_state_dict(state, tree["state"]), from_state_dict(best.tree(), tree["best"])
    best = Best(jax.tree.map(np.array, kept["generator"]), np.array(kept["step"]), np.array(kept["value"]))
    return state, best, step, record["seconds"]


def _border(step: int, stop: int, trainer: Trainer, window: int) -> int:
    """The next step at which the host looks up, or a window of so many steps ends."""
    every = (trainer.evaluate_every, trainer.checkpoint_every, window)
    return min(stop, step + trainer.block, *(step + rhythm - step % rhythm for rhythm in every))


def _named(metrics: dict[str, Any], several: bool, seed: int) -> dict[str, float]:
    """Plain numbers by name: means over the seeds, and each seed's own under seedN/."""
    if not several:
        return {name: float(value) for name, value in metrics.items()}
    out = {name: float(np.mean(value)) for name, value in metrics.items()}
    for name, values in metrics.items():
        out |= {f"seed{seed + place}/{name}": float(value) for place, value in enumerate(values)}
    return out


@contextlib.contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C and SIGTERM are remembered for the border of a block; a second one stops at once."""
    seen: list[int] = []

    def remember(number: int, frame: Any) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)
        log.warning("stopping at the end of this block; once more to stop at once")

    def stopped() -> bool:
        if jax.process_count() == 1:
            return bool(seen)
        from jax.experimental import multihost_utils

        return bool(np.any(multihost_utils.process_allgather(np.array(len(seen)))))

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    old = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
