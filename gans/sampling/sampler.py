"""Rows from a trained generator. Row i depends on the seed and on i only, not on how many rows are drawn."""

import itertools
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.data.codecs import FittedCodec
from gans.data.layout import Encoded
from gans.data.personal.made_up import made_up
from gans.data.relations import Relation
from gans.data.schema import Schema, arrow_type
from gans.errors import in_range
from gans.refinement.base import FittedRefinement, Refinement, Tell, untold
from gans.sampling.chunks import CHUNK, Chunks, CompiledGenerator, Request, ahead, in_threads
from gans.sampling.marginals import Marginals
from gans.sampling.matching import MOST_ROWS, MatchingRows
from gans.sampling.where.plan import make_plan
from gans.training.step import GAN

FAR = MOST_ROWS // 2  # row numbers that are never drawn for use


class Sampler:
    """A generator with its codec and condition.

    Attributes:
        parameters: and statistics of the averaged generator that scored best.
        marginals: the values of each column by itself, for `where`.
        refinement: chooses among generated rows; None for the rows as they are made.
        table_rows: rows of a table of a stream, and of a row group of a file.
    """

    table_rows: int = 131_072

    def __init__(
        self,
        gan: GAN,
        codec: FittedCodec,
        condition: FittedCondition,
        marginals: Marginals,
        parameters: Any = None,
        refinement: FittedRefinement | None = None,
    ) -> None:
        self.codec, self.marginals, self.parameters, self.refinement = codec, marginals, parameters, refinement
        self.generator = CompiledGenerator(gan, condition)

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
    ) -> Iterator[pa.Table]:
        """Rows `start` to `stop` of `sample` as tables of at most `table_rows` rows, in bounded memory.

        Args:
            stop: n unless given.

        Raises:
            UserError: n or seed out of range; `where` cannot be read or contradicts the table; or, while rows are
                drawn, too few of them satisfy it.
        """
        in_range("n", n, 1, MOST_ROWS)
        in_range("seed", seed, 0, 2**31 - 1)
        chunks, stop, rows = self.chunks(), n if stop is None else stop, self.table_rows
        edges = [start, *range(start // rows * rows + rows, stop, rows), stop]
        relations = list(relations)
        if where or relations:
            plan = make_plan(where or {}, relations, self.marginals)
            learned = MatchingRows(chunks, self.marginals, plan, seed).table
        else:

            def learned(low: int, high: int) -> pa.Table:
                return self.codec.decode(_rows(chunks, low, high, seed))

        def table(low: int, high: int) -> pa.Table:
            return with_made_up(learned(low, high), self.codec.schema, seed, low)

        return ahead(table, pairwise(edges))

    def refine(self, rule: Refinement, real: Encoded, seed: int, tell: Tell = untold) -> None:
        """Learn a refinement from the training rows and from rows that lie far from any that are drawn for use.

        Args:
            tell: told how far it is.
        """
        self.refinement = None
        if count := rule.needs(len(real.scalars), sum(part.shape[1] for part in real)):
            self.refinement = rule.fit(self.codec, real, _rows(self.chunks(), FAR, FAR + count, seed, tell), tell)

    def chunks(self) -> Chunks:
        """What makes its rows, with its parameters on the device."""
        return Chunks(self.generator, jax.device_put(self.parameters), self.codec, self.refinement)


def with_made_up(table: pa.Table, schema: Schema, seed: int, start: int) -> pa.Table:
    """The rows with the columns of made-up values in their places; `start` is the number of the first row.

    Raises:
        UserError: there are such columns, and Faker is not installed.
    """
    for place, column in enumerate(schema.sampled):
        if column.fake is not None:
            keys = table[column.fake["key"]] if column.fake["key"] else None
            kind = arrow_type(column.type)
            values = made_up(column.fake, column.name, kind, seed, start, keys, table.num_rows)
            table = table.add_column(place, column.name, pa.chunked_array([values]))
    return table


def _rows(chunks: Chunks, low: int, high: int, seed: int, tell: Tell = untold) -> Encoded:
    """Rows low to high. Programs run on whole chunks, counted from row 0: the same wherever a draw begins."""
    first, done = low // CHUNK * CHUNK, itertools.count(1)

    def made(place: int) -> Encoded:
        rows = chunks.chosen(Request(seed, place))
        tell("rows", min(next(done) * CHUNK, high - low), high - low)
        return rows

    parts = in_threads(made, range(first, high, CHUNK))
    there = slice(low - first, high - first)
    scalars, codes = (np.concatenate(part)[there] for part in zip(*parts, strict=True))
    return Encoded(scalars, codes)
