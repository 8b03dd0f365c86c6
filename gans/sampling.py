"""Rows from a trained generator. Row i depends on the seed and on i only, not on how many rows are drawn."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.conditions.marginals import Marginals
from gans.conditions.plan import make_plan
from gans.conditions.subsets import FittedSubsets
from gans.config import Run, read_run
from gans.data.codecs import FittedCodec
from gans.data.codecs.settle import settle
from gans.data.layout import Encoded
from gans.data.relations import Relation
from gans.data.schema import Schema
from gans.errors import UserError, in_range
from gans.refinement.base import FittedRefinement, Refinement
from gans.training.build import build
from gans.training.checkpoints import Checkpoints
from gans.training.step import GAN
from gans.training.streams import per_example, stream

CHUNK = 4096  # rows of a call of the compiled program
ROWS = 131_072  # rows of a table of a stream, and of a row group of a file
MOST_ROWS = 2**31  # a row number is an int32
THREADS = 2
REFINEMENT = "refinement.npz"
FAR = MOST_ROWS // 2
ROUNDS = 64  # chunks drawn at most for a chunk of rows that fit, or attempts to keep exclusions
Made = TypeVar("Made")


class Sampler:
    """A generator with its codec and condition.

    Attributes:
        parameters: and statistics of the averaged generator that scored best.
        marginals: the values of each column by itself, for `where`.
        refinement: chooses among generated rows; None for the rows as they are made.
    """

    def __init__(
        self,
        gan: GAN,
        codec: FittedCodec,
        condition: FittedCondition,
        marginals: Marginals,
        parameters: Any = None,
        refinement: FittedRefinement | None = None,
    ) -> None:
        self.gan, self.codec, self.condition, self.parameters = gan, codec, condition, parameters
        self.marginals, self.refinement = marginals, refinement

        def rows(parameters: Any, condition: Any, seed: Any, start: Any, attempt: Any) -> tuple[Any, Any]:
            keys = per_example(stream(seed, attempt, "sample"), CHUNK, start)
            return gan.layout.compact(gan.generate(parameters, condition, keys, False)[0])

        def chunk(parameters: Any, labels: Any, seed: Any, start: Any, attempt: Any) -> tuple[Any, Any]:
            return rows(parameters, condition.wide(labels), seed, start, attempt)

        def given_chunk(
            parameters: Any, scores: Any, codes: Any, seed: Any, start: Any, attempt: Any, given: Any
        ) -> tuple[Any, Any]:
            assert isinstance(condition, FittedSubsets)
            return rows(parameters, condition.partial(scores, codes, given), seed, start, attempt)

        self._chunk = jax.jit(chunk)
        self._given_chunk = jax.jit(given_chunk)

    def sample(self, n: int, seed: int = 0, where: Any = None, relations: Iterable[Relation] = ()) -> pa.Table:
        """A table [n, columns] with the columns, types and missing values of the training table.

        Args:
            where: what columns may hold, as `Where.of` reads it; every row satisfies it.
            relations: beside those of the training table; every row holds them.

        Raises:
            UserError: as `stream`.
        """
        return pa.concat_tables(self.stream(n, seed, where, relations))

    def stream(
        self,
        n: int,
        seed: int = 0,
        where: Any = None,
        relations: Iterable[Relation] = (),
        start: int = 0,
        stop: int | None = None,
        rows: int = ROWS,
    ) -> Iterator[pa.Table]:
        """Rows `start` to `stop` of `sample` as tables of at most `rows` rows, in bounded memory.

        Args:
            stop: n unless given.

        Raises:
            UserError: n or seed out of range; `where` cannot be read or contradicts the table; or, while rows are
                drawn, too few of them satisfy it.
        """
        in_range("n", n, 1, MOST_ROWS)
        in_range("seed", seed, 0, 2**31 - 1)
        parameters = jax.device_put(self.parameters)
        stop = n if stop is None else stop
        edges = [start, *range(start // rows * rows + rows, stop, rows), stop]
        relations = list(relations)
        if not where and not relations:

            def table(low: int, high: int) -> pa.Table:
                return self.codec.decode(self._rows(parameters, low, high, seed))

            return _ahead(table, pairwise(edges))
        from gans.fitting import Fitting

        plan = make_plan(where or {}, relations, self.marginals)
        return _ahead(Fitting(self, parameters, plan, seed).table, pairwise(edges))

    def refine(self, rule: Refinement, real: Encoded, seed: int) -> None:
        """Learn a refinement from the training rows and from rows that lie far from any that are drawn for use."""
        self.refinement = None
        if count := rule.needs(len(real.scores)):
            generated = self._rows(jax.device_put(self.parameters), FAR, FAR + count, seed)
            self.refinement = rule.fit(self.codec, real, generated)

    def _rows(self, parameters: Any, low: int, high: int, seed: int) -> Encoded:
        """Rows low to high. Programs run on whole chunks, counted from row 0: the same wherever a draw begins."""
        first = low // CHUNK * CHUNK
        parts = in_threads(lambda place: self.draw(parameters, seed, place), range(first, high, CHUNK))
        there = slice(low - first, high - first)
        scores, codes = (np.concatenate(part)[there] for part in zip(*parts, strict=True))
        return Encoded(scores, codes)

    def draw(
        self,
        parameters: Any,
        seed: int,
        start: int,
        attempt: int = 0,
        choices: dict[int, np.ndarray] | None = None,
        given: tuple[Encoded, np.ndarray] | None = None,
    ) -> Encoded:
        """A chunk of rows, from row `start`, each of them one of the candidates if there is a refinement.

        Args:
            attempt: other rows of the same numbers.
            choices: of the conditions, as `FittedCondition.draw` takes them.
            given: rows with some columns in their place, and a 1 for each of these columns.
        """
        refinement = self.refinement
        if refinement is None:
            return self.make(parameters, seed, start, attempt, choices, given)
        count = refinement.candidates

        def candidate(number: int) -> tuple[Encoded, np.ndarray]:
            rows = self.make(parameters, seed, start, attempt * count + number, choices, given)
            return rows, np.where(self.broken(rows), -np.inf, refinement.log_weights(rows))

        made, logits = zip(*in_threads(candidate, range(count)), strict=True)
        weights = np.stack(logits)
        rng = np.random.default_rng((seed, start, attempt, 1))  # another stream than that of the given values
        chosen = np.argmax(weights + rng.gumbel(size=weights.shape), axis=0)
        return Encoded(*(np.stack(parts)[chosen, np.arange(CHUNK)] for parts in zip(*made, strict=True)))

    def make(
        self,
        parameters: Any,
        seed: int,
        start: int,
        attempt: int = 0,
        choices: dict[int, np.ndarray] | None = None,
        given: tuple[Encoded, np.ndarray] | None = None,
    ) -> Encoded:
        """A chunk of generated rows; with a refinement candidates for it, adjusted. Arguments as of `draw`."""
        rows, held = self._make(parameters, seed, start, attempt, choices, given), None if given is None else given[1]
        if self.refinement is not None:
            return self.refinement.adjust(rows, held)
        return rows if held is None else settle(self.codec, rows, held)

    def broken(self, rows: Encoded) -> np.ndarray:
        """Which candidates hold an exclusion since they were adjusted: a calibrated number may have become an atom."""
        return self.codec.layout.violated(rows.codes)

    def _make(
        self,
        parameters: Any,
        seed: int,
        start: int,
        attempt: int,
        choices: dict[int, np.ndarray] | None,
        given: tuple[Encoded, np.ndarray] | None,
    ) -> Encoded:
        """A chunk of generated rows of which none holds an exclusion, as it will be decoded."""
        out, bad, held = None, np.ones(CHUNK, bool), None if given is None else given[1]
        for again in range(ROUNDS):
            step = np.int32(attempt * ROUNDS + again)
            place = np.int32(start)
            if given is not None:
                encoded, columns = given
                found = self._given_chunk(
                    parameters, encoded.scores, encoded.codes, np.int32(seed), place, step, columns
                )
                fresh = Encoded(*map(np.array, jax.device_get(found)))
            else:
                labels = self.condition.draw(CHUNK, seed + attempt, choices, start)
                found = jax.device_get(self._chunk(parameters, labels, np.int32(seed), place, step))
                fresh = self.condition.join(Encoded(*map(np.array, found)), labels)
            out = fresh if out is None else out
            for old, new in zip(out, fresh, strict=True):
                old[bad] = new[bad]
            bad = self.codec.layout.violated(settle(self.codec, out, held).codes)
            if not bad.any():
                return out
        raise UserError(
            f"{int(bad.sum())} of {CHUNK} rows hold levels that never go together in the training table, after "
            f"{ROUNDS} attempts; train longer, or switch exclusions off (data.relations=[auto,'not exclusion'])."
        )


def in_threads(make: Callable[[int], Made], places: Iterable[int]) -> list[Made]:
    """What is made at each place, in order; NumPy and compiled programs leave the interpreter to the other threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(make, places))


def _ahead(make: Callable[[int, int], pa.Table], spans: Iterable[tuple[int, int]]) -> Iterator[pa.Table]:
    """The tables in order, made by two threads ahead of the reader: the device works while a table is decoded."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        waiting: deque[Future[pa.Table]] = deque()
        for span in spans:
            waiting.append(pool.submit(make, *span))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def load_sampler(run_dir: Path, member: int | None = None) -> tuple[Sampler, Run]:
    """The sampler of a run directory, with the run's config. Needs no training table.

    Args:
        member: which of several seeds, by place; None for the one that scored best on held-out rows.

    Raises:
        UserError: the folder is no run directory, holds no checkpoint, or the member is not there.
    """
    run = read_run(run_dir / "config.yaml")
    schema = Schema.read(run_dir / "schema.json")
    codec = FittedCodec.load(run_dir / "checkpoints" / "codec.npz", schema)
    condition = run.condition.fitted.load(run_dir / "checkpoints" / "condition.npz", codec, run.condition)
    marginals = Marginals.load(run_dir / "checkpoints" / "marginals.npz", codec)
    gan = build(run, condition)
    checkpoints = Checkpoints(run_dir / "checkpoints")
    try:
        found = checkpoints.latest()
    finally:
        checkpoints.close()
    if found is None:
        raise UserError(f"run={run_dir}: it holds no checkpoint yet.")
    best = found[1]["best"]
    if member is None:
        member = run.trainer.best_member(best["value"])
    in_range("member", member, 0, len(best["value"]) - 1)
    trained = best["step"][member] > 0
    if not trained:
        raise UserError(
            f"run={run_dir}: it has not been scored yet, so that there is no best generator; go on with the run."
        )
    parameters = jax.tree.map(lambda leaf: leaf[member], best["generator"])
    refinement = None
    if member == run.trainer.best_member(best["value"]):  # it was learnt on the rows of that one
        refinement = run.refine.load(run_dir / "checkpoints" / REFINEMENT, codec)
    return Sampler(gan, codec, condition, marginals, parameters, refinement), run
