"""The loop: blocks of steps on the device, and between them the host's work."""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.serialization import from_state_dict

from gans.errors import UserError
from gans.training.checkpoints import Checkpoints
from gans.training.placement import place
from gans.training.programs import compile_within_memory, quick_to_compile
from gans.training.schedule import Schedule
from gans.training.size import check_training
from gans.training.step import GAN, Rows, TrainState, adversarial_step
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
        snapshot: takes the averaged generator, the metrics, step and seconds of training; of several seeds the first.
        turn: takes what the time goes into from now on: compile, train, evaluate or write.
    """

    evaluate: Callable[[Any], list[dict[str, float]]] | None = None
    log: Callable[[dict[str, float], int, float], None] | None = None
    rewind: Callable[[int], None] | None = None
    fingerprint: str = ""
    profile: Path | None = None
    watch: Callable[[int, list[dict[str, float]]], bool] | None = None
    snapshot: Callable[[Any, dict[str, float], int, float], None] | None = None
    turn: Callable[[str], None] = lambda stage: None


def make_block(gan: GAN) -> Callable[[TrainState, Rows, Any], tuple[TrainState, dict[str, Any]]]:
    """`steps` adversarial steps as one loop: (state, rows, steps) -> (state, metrics averaged over the steps).

    The number of steps is an argument, so one compiled program serves every distance between two looks of the host.
    """

    step = jax.jit(partial(adversarial_step, gan), inline=True)  # traced once for the shapes and for the loop

    def block(state: TrainState, data: Rows, steps: Any) -> tuple[TrainState, dict[str, Any]]:
        def body(_: Any, carry: tuple[TrainState, Any]) -> tuple[TrainState, Any]:
            state, totals = carry
            state, metrics = step(state, data)
            return state, jax.tree.map(jnp.add, totals, metrics)

        shapes = jax.eval_shape(step, state, data)[1]
        totals = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
        state, totals = jax.lax.fori_loop(0, steps, body, (state, totals))
        return state, jax.tree.map(lambda total: total / steps, totals)

    return block


def initial_state(gan: GAN, seed: int, seeds: int) -> TrainState:
    """The state at step 0 on the host; with several seeds a leading axis [seeds].

    Raises:
        UserError: it does not fit into memory.
    """
    check_training(gan, seeds)
    init, given = gan.init, np.uint32(seed)
    if seeds > 1:
        init, given = jax.vmap(gan.init), np.arange(seed, seed + seeds, dtype=np.uint32)
    return jax.device_get(jax.jit(init, compiler_options=quick_to_compile(once=True))(given))


def train(
    gan: GAN,
    data: Rows | Windows,
    schedule: Schedule,
    seed: int,
    hooks: Hooks,
    checkpoints: Checkpoints | None,
    begin: Callable[[TrainState], TrainState] = lambda state: state,
) -> Outcome:
    """Train until the last step, the end of patience, a non-finite loss, or a signal.

    Args:
        data: rows that stay on the device, or windows of rows that come and go.
        begin: what the state at step 0 becomes before training.

    Raises:
        UserError: a resumed run has another table, or its checkpoints are all damaged.
        OSError: a checkpoint cannot be written.
    """
    training = _Training(gan, data, schedule, seed, hooks, checkpoints, begin)
    with signals() as signalled, contextlib.closing(training.feed):
        training.snapshot({})
        while training.goes_on:
            metrics = training.run_block()
            if not all(np.isfinite(value).all() for value in metrics.values()):
                training.status = DIVERGED
                break
            metrics |= training.score()
            training.look_at_patience()
            training.log(metrics)
            training.snapshot(metrics)
            if signalled() and training.goes_on:
                training.status = INTERRUPTED
            training.checkpoint()
    return training.outcome()


class _Training:
    """A run on its devices, and what the host does between blocks.

    Attributes:
        step: steps done.
        status: completed unless it diverges or is interrupted.
        enough: whether patience has run out, or a search gave the run up.
    """

    def __init__(
        self,
        gan: GAN,
        data: Rows | Windows,
        schedule: Schedule,
        seed: int,
        hooks: Hooks,
        checkpoints: Checkpoints | None,
        begin: Callable[[TrainState], TrainState],
    ) -> None:
        self.schedule, self.seed, self.hooks, self.checkpoints = schedule, seed, hooks, checkpoints
        state = begin(initial_state(gan, seed, schedule.seeds))
        unscored = np.full(schedule.seeds, np.nan)
        average = jax.tree.map(np.array, self._by_seed(state.average))
        self.best = Best(average, np.zeros(schedule.seeds, np.int64), unscored)
        self.step, self.seconds_before = 0, 0.0
        if schedule.resume and checkpoints:
            state = self._resume(state, checkpoints)
        state, self.step = _from_first_process(state, self.step)
        if hooks.rewind:
            hooks.rewind(self.step)
        self.placed = place(make_block(gan), schedule.placement, schedule.seeds)
        self.windows = data if isinstance(data, Windows) else Windows(lambda number: data, schedule.steps)
        self.state, self.feed = self.placed.put(state), Feed(self.windows, self.placed.put)
        self.status, self.pruned, self.blocks = COMPLETED, False, 0
        self.batch_size, self.program = gan.batch_size, None
        self.start = time.monotonic()
        self.look_at_patience()

    def _by_seed(self, tree: Any) -> Any:
        """A tree with a leading axis [seeds], also where there is one seed."""
        return tree if self.schedule.seeds > 1 else jax.tree.map(lambda leaf: leaf[None], tree)

    def _resume(self, state: Any, checkpoints: Checkpoints) -> Any:
        """The state of the newest whole checkpoint, if there is one; best, step and seconds are set from it."""
        newest = checkpoints.latest()
        if newest is None:
            return state
        step, tree, record = newest
        if record["fingerprint"] != self.hooks.fingerprint:
            raise UserError(f"{checkpoints.folder.parent}: the training table is not the one that this run began with.")
        if self.schedule.steps < step:
            raise UserError(f"trainer.steps={self.schedule.steps}: the run is at step {step} already.")
        checkpoints.drop_after(step)
        best = from_state_dict(self.best.tree(), tree["best"])
        self.best = Best(jax.tree.map(np.array, best["generator"]), np.array(best["step"]), np.array(best["value"]))
        self.step, self.seconds_before = step, record["seconds"]
        return from_state_dict(state, tree["state"])

    @property
    def goes_on(self) -> bool:
        """Whether another block is due."""
        return self.step < self.schedule.steps and not self.enough and self.status == COMPLETED

    @property
    def seconds(self) -> float:
        """Of training so far, those before it was resumed among them."""
        return self.seconds_before + time.monotonic() - self.start

    def run_block(self) -> dict[str, Any]:
        """The steps until the host looks up again; their mean metrics, of several seeds [seeds] each."""
        border, rows = self.schedule.next_look(self.step, self.windows.steps), self.feed.at(self.step)
        count = self.placed.put(np.int32(border - self.step))
        if self.program is None:
            self.hooks.turn("compile")
            self.program = compile_within_memory(self.placed.run, self.batch_size, self.state, rows, count)
        self.hooks.turn("train")
        trace = self.hooks.profile if self.blocks == 1 else None
        with jax.transfer_guard("disallow"), jax.profiler.trace(trace) if trace else contextlib.nullcontext():
            self.state, metrics = self.program(self.state, rows, count)
            jax.block_until_ready(metrics)
        metrics = self.placed.get(metrics)
        self.step, self.blocks = border, self.blocks + 1
        return metrics

    def score(self) -> dict[str, Any]:
        """Held-out scores of the averaged generators, where they are due; the best generators are kept."""
        if not self.hooks.evaluate or not self.schedule.evaluates(self.step):
            return {}
        self.hooks.turn("evaluate")
        average = self._by_seed(self.placed.get(self.state.average))
        scores = self.hooks.evaluate(average)
        values = np.array([one.get(self.schedule.best, np.nan) for one in scores])
        self.best.update(self.step, values, self.schedule.direction, average)
        self.pruned = self.hooks.watch is not None and self.hooks.watch(self.step, scores)
        shared = [name for name in scores[0] if all(name in one for one in scores)]
        stacked = {f"holdout/{name}": np.array([one[name] for one in scores]) for name in shared}
        return stacked if self.schedule.seeds > 1 else {name: value[0] for name, value in stacked.items()}

    def look_at_patience(self) -> None:
        """Whether there were enough scores without a better one: follows from what a checkpoint holds."""
        self.enough = self.pruned
        if not self.enough and self.schedule.patience is not None:
            waited = self.best.waited(self.step, self.schedule.evaluate_every)
            self.enough = _of_first_process(waited >= self.schedule.patience)

    def log(self, metrics: dict[str, Any]) -> None:
        """Hand the metrics of a block to whoever listens."""
        if self.hooks.log:
            self.hooks.log(_named(metrics, self.schedule.seeds > 1, self.seed), self.step, self.seconds)

    def snapshot(self, metrics: dict[str, Any]) -> None:
        """Hand over the averaged generator, where that is due or training ends here before its last step."""
        due = self.step in self.schedule.snapshot_steps or (self.enough and self.schedule.snapshots > 0)
        if self.hooks.snapshot and due:
            self.hooks.turn("write")
            average = jax.tree.map(lambda leaf: leaf[0], self._by_seed(self.placed.get(self.state.average)))
            first = {name: float(np.ravel(value)[0]) for name, value in metrics.items()}
            self.hooks.snapshot(average, first, self.step, self.seconds)

    def checkpoint(self) -> None:
        """Write the state, where that is due or training ends here."""
        due = self.step % self.schedule.checkpoint_every == 0 or not self.goes_on
        if self.checkpoints and due:
            self.hooks.turn("write")
            record = {"seconds": self.seconds, "fingerprint": self.hooks.fingerprint}
            tree = {"state": self.placed.get(self.state), "best": self.best.tree()}
            self.checkpoints.save(self.step, tree, record)

    def outcome(self) -> Outcome:
        """How it ended; where nothing was scored the last generators are the best."""
        if self.checkpoints:
            self.hooks.turn("write")
            self.checkpoints.wait()
        seconds = self.seconds
        if self.status == DIVERGED:
            return Outcome(DIVERGED, self.step, seconds, self.best, None)
        state, best = self.placed.get(self.state), self.best
        if np.isnan(best.value).all():
            last = jax.tree.map(np.array, self._by_seed(state.average))
            best = Best(last, np.full(self.schedule.seeds, self.step), best.value)
        why = PRUNED if self.pruned else f"no better {self.schedule.best} for {self.schedule.patience} evaluations"
        stopped = why if self.enough and self.step < self.schedule.steps else None
        return Outcome(self.status, self.step, seconds, best, state, stopped)


def _from_first_process(state: Any, step: int) -> tuple[Any, int]:
    """State and step of the process that reads and writes checkpoints."""
    if jax.process_count() == 1:
        return state, step
    from jax.experimental import multihost_utils

    state, first = multihost_utils.broadcast_one_to_all((state, np.int64(step)))
    return state, int(first)


def _of_first_process(answer: bool) -> bool:
    """What the process that scores says."""
    if jax.process_count() == 1:
        return answer
    from jax.experimental import multihost_utils

    return bool(multihost_utils.broadcast_one_to_all(np.array(answer)))


def _named(metrics: dict[str, Any], several: bool, seed: int) -> dict[str, float]:
    """Plain numbers by name: means over the seeds, and each seed's own under seedN/."""
    if not several:
        return {name: float(value) for name, value in metrics.items()}
    out = {name: float(np.mean(value)) for name, value in metrics.items()}
    for name, values in metrics.items():
        out |= {f"seed{seed + place}/{name}": float(value) for place, value in enumerate(values)}
    return out


@contextlib.contextmanager
def signals() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C and SIGTERM are remembered for the border of a block; a second one stops at once."""
    seen: list[int] = []

    def remember(number: int, frame: Any) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)
        log.warning("stopping at the end of this block; press Ctrl-C again to stop immediately")

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
