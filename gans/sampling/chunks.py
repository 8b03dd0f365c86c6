"""Chunks of rows from a generator: what is asked of one, and how it is made."""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np

from gans.conditions.base import FittedCondition
from gans.data.codecs import FittedCodec
from gans.data.codecs.settle import settle
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.refinement.base import FittedRefinement
from gans.refinement.pools import inclusion, systematic
from gans.streams import per_example, stream
from gans.training.programs import quick_to_compile
from gans.training.step import GAN

CHUNK = 4096  # rows of a call of the compiled program
ROUNDS = 64  # attempts to keep exclusions
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = min(max(CORES, 2), 8)  # that make chunks; the rows do not depend on it
SPARED = 0.05  # of a pool of candidates may hold exclusions: those are not chosen
OF_GIVEN = 8  # candidates of a row with given columns, at least

Made = TypeVar("Made")


@dataclass(frozen=True)
class Given:
    """Rows with some columns in their place, and a 1 in `columns` [columns] for each of these."""

    rows: Encoded
    columns: np.ndarray


@dataclass(frozen=True)
class Request:
    """A chunk of rows: all that its random numbers and its values follow from.

    Attributes:
        start: the number of its first row.
        attempt: other rows of the same numbers.
        retry: another latent for the same condition.
        choices: by place among the conditions, which of its codes [cardinality] may be drawn.
        given: columns that the generator is given.
    """

    seed: int
    start: int
    attempt: int = 0
    retry: int = 0
    choices: Mapping[int, np.ndarray] | None = None
    given: Given | None = None

    @property
    def given_columns(self) -> np.ndarray | None:
        """A 1 for each column that is given [columns]; None without any."""
        return None if self.given is None else self.given.columns


class CompiledGenerator:
    """The generator as two compiled programs, each of which makes a chunk: from a condition, and from given columns.

    Attributes:
        compiled: whether the first of them has made a chunk.
    """

    def __init__(self, gan: GAN, condition: FittedCondition) -> None:
        self.condition, self.compiled = condition, False

        def rows(parameters: Any, given: Any, seed: Any, start: Any, attempt: Any) -> tuple[Any, Any]:
            keys = per_example(stream(seed, attempt, "sample"), CHUNK, start)
            return gan.layout.compact(gan.generate(parameters, given, keys, False)[0])

        def from_condition(parameters: Any, labels: Any, *numbers: Any) -> tuple[Any, Any]:
            return rows(parameters, condition.wide(labels), *numbers)

        def from_columns(parameters: Any, scalars: Any, codes: Any, columns: Any, *numbers: Any) -> tuple[Any, Any]:
            return rows(parameters, condition.partial(scalars, codes, columns), *numbers)

        options = quick_to_compile()
        self._from_condition = jax.jit(from_condition, compiler_options=options)
        self._from_columns = jax.jit(from_columns, compiler_options=options)

    def __call__(self, parameters: Any, request: Request) -> Encoded:
        """The rows of a request, as the generator makes them."""
        step = request.attempt * ROUNDS + request.retry
        numbers = [np.int32(number) for number in (request.seed, request.start, step)]
        if request.given is not None:
            encoded, columns = request.given.rows, request.given.columns
            made = self._from_columns(parameters, encoded.scalars, encoded.codes, columns, *numbers)
            return Encoded(*map(np.array, jax.device_get(made)))
        labels = self.condition.draw(CHUNK, request.seed, request.choices, request.start, request.attempt)
        made = jax.device_get(self._from_condition(parameters, labels, *numbers))
        self.compiled = True
        return self.condition.join(Encoded(*map(np.array, made)), labels)


@dataclass(frozen=True)
class Chunks:
    """Chunks of rows from one generator, on the device, with its codec and its refinement."""

    generator: CompiledGenerator
    parameters: Any
    codec: FittedCodec
    refinement: FittedRefinement | None

    def chosen(self, request: Request) -> Encoded:
        """A chunk of rows, chosen among the candidates of the refinement if there is one.

        Of rows for which nothing is given a pool of chunks is made, and a chunk of them chosen by systematic sampling.
        A row with given columns is chosen among candidates of its own.
        """
        refinement = self.refinement
        if refinement is None:
            return self.candidates(request)
        pooled = request.given is None
        count = refinement.candidates if pooled else max(refinement.candidates, OF_GIVEN)

        def candidate(number: int) -> tuple[Encoded, np.ndarray]:
            another = dataclasses.replace(request, attempt=request.attempt * count + number)
            rows = self.candidates(another, SPARED if pooled and count > 1 else 0.0)
            return rows, np.where(self.broken(rows), -np.inf, refinement.log_weights(rows))

        with ThreadPoolExecutor(THREADS) as pool:
            made, weights = zip(*pool.map(candidate, range(count)), strict=True)
        rows, weights = Encoded(*map(np.concatenate, zip(*made, strict=True))), np.concatenate(weights)
        rng = np.random.default_rng((request.seed, request.start, request.attempt, 1))
        if pooled:
            places = systematic(inclusion(weights, CHUNK), rng.random())
        else:
            places = gumbel_max(weights.reshape(count, CHUNK), rng, axis=0) * CHUNK + np.arange(CHUNK)
        return Encoded(*(part[places] for part in rows))

    def candidates(self, request: Request, spared: float = 0.0) -> Encoded:
        """A chunk of generated rows; with a refinement candidates for it, adjusted.

        Args:
            spared: the share of the rows that may hold an exclusion.
        """
        rows, given = self._unbroken(request, spared), request.given_columns
        if self.refinement is not None:
            return self.refinement.adjust(rows, given)
        return rows if given is None else settle(self.codec, rows, given)

    def broken(self, rows: Encoded) -> np.ndarray:
        """Which candidates hold an exclusion since they were adjusted: a calibrated number may have become an atom."""
        return self.codec.layout.violated(rows.codes)

    def _unbroken(self, request: Request, spared: float) -> Encoded:
        """A chunk of generated rows of which no larger share holds an exclusion, as it will be decoded."""
        kept, bad = None, np.ones(CHUNK, bool)
        for retry in range(ROUNDS):
            fresh = self.generator(self.parameters, dataclasses.replace(request, retry=retry))
            kept = fresh if kept is None else kept
            for old, new in zip(kept, fresh, strict=True):
                old[bad] = new[bad]
            bad = self.codec.layout.violated(settle(self.codec, kept, request.given_columns).codes)
            if bad.mean() <= spared:
                return kept
        raise UserError(
            f"{int(bad.sum())} of {CHUNK} rows hold levels that never go together in the training table, after "
            f"{ROUNDS} attempts; train longer, or switch exclusions off (data.relations=[auto,'not exclusion'])."
        )


def gumbel_max(log_weights: np.ndarray, rng: np.random.Generator, axis: int) -> np.ndarray:
    """Places along an axis, drawn with chances in proportion to exp(log_weights)."""
    return np.argmax(log_weights + rng.gumbel(size=log_weights.shape), axis=axis)


def in_threads(make: Callable[[int], Made], places: Iterable[int]) -> list[Made]:
    """What is made at each place, in order; NumPy and compiled programs leave the interpreter to the other threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(make, places))


def ahead(make: Callable[[int, int], Made], spans: Iterable[tuple[int, int]]) -> Iterator[Made]:
    """What is made of each span, in order, by threads that are ahead of the reader."""
    pool = ThreadPoolExecutor(THREADS)
    try:
        waiting: deque[Future[Made]] = deque()
        for span in spans:
            waiting.append(pool.submit(make, *span))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
