"""Rows from a trained generator. Row i depends on the seed and on i only, not on how many rows are drawn."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.config import Run, read_run
from gans.data.codecs import FittedCodec
from gans.data.layout import Encoded
from gans.data.schema import Schema
from gans.errors import UserError, in_range
from gans.training.build import build
from gans.training.checkpoints import Checkpoints
from gans.training.step import GAN
from gans.training.streams import per_example, stream

CHUNK = 4096  # rows of a call of the compiled program
ROWS = 131_072  # rows of a table of a stream, and of a row group of a file
MOST_ROWS = 2**31  # a row number is an int32
THREADS = 2


class Sampler:
    """A generator with its codec and condition.

    Attributes:
        parameters: and statistics of the averaged generator that scored best.
    """

    def __init__(self, gan: GAN, codec: FittedCodec, condition: FittedCondition, parameters: Any = None) -> None:
        self.gan, self.codec, self.condition, self.parameters = gan, codec, condition, parameters

        def chunk(parameters: Any, labels: Any, seed: Any, start: Any) -> tuple[Any, Any]:
            keys = per_example(stream(seed, jnp.zeros((), jnp.int32), "sample"), CHUNK, start)
            return gan.layout.compact(gan.generate(parameters, condition.wide(labels), keys, False)[0])

        self._chunk = jax.jit(chunk)

    def sample(self, n: int, seed: int = 0, where: Mapping[str, Any] | None = None) -> pa.Table:
        """A table [n, columns] with the columns, types and missing values of the training table.

        Args:
            where: values that columns are fixed to; every row satisfies it.

        Raises:
            UserError: as `stream`.
        """
        return pa.concat_tables(self.stream(n, seed, where))

    def stream(
        self,
        n: int,
        seed: int = 0,
        where: Mapping[str, Any] | None = None,
        start: int = 0,
        stop: int | None = None,
        rows: int = ROWS,
    ) -> Iterator[pa.Table]:
        """Rows `start` to `stop` of `sample` as tables of at most `rows` rows, in bounded memory.

        Args:
            stop: n unless given.

        Raises:
            UserError: n or seed out of range, or `where` names a column that is no condition or a value that does not
            occur.
        """
        in_range("n", n, 1, MOST_ROWS)
        in_range("seed", seed, 0, 2**31 - 1)
        codes, values = self.condition.fix(where or {})
        parameters = jax.device_put(self.parameters)
        stop = n if stop is None else stop
        edges = [start, *range(start // rows * rows + rows, stop, rows), stop]

        def table(low: int, high: int) -> pa.Table:
            labels = self.condition.draw(high - low, seed, codes, low)
            return self._decode(self._rows(parameters, low, high, seed, labels), values)

        return _ahead(table, pairwise(edges))

    def _rows(self, parameters: Any, low: int, high: int, seed: int, labels: np.ndarray) -> Encoded:
        """Rows low to high. Programs run on whole chunks, counted from row 0: the same wherever a draw begins."""
        first = low // CHUNK * CHUNK
        padded = np.zeros((-(-(high - first) // CHUNK) * CHUNK, labels.shape[1]), np.int32)
        padded[low - first : high - first] = labels
        parts = [
            self._chunk(parameters, padded[place : place + CHUNK], np.int32(seed), np.int32(first + place))
            for place in range(0, len(padded), CHUNK)
        ]
        there = slice(low - first, high - first)
        scores, codes = (np.concatenate(part)[there] for part in zip(*jax.device_get(parts), strict=True))
        return self.condition.join(Encoded(scores, codes), labels)

    def _decode(self, encoded: Encoded, values: Mapping[str, Any]) -> pa.Table:
        """The table, with the numeric columns of `values` at the very value."""
        for name, value in values.items():
            if self.codec[name].code >= 0:
                encoded.codes[:, self.codec[name].code] = self.codec[name].cardinality - 1 if value is None else 0
        return self.codec.decode(encoded, {name: value for name, value in values.items() if value is not None})


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
    return Sampler(gan, codec, condition, jax.tree.map(lambda leaf: leaf[member], best["generator"])), run
