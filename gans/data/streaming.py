"""Parquet files that are larger than memory: read by row groups, in shuffled windows.

One pass over the file draws a sample, from which schema, codec, relations and conditions are learned, and the rows to
hold out. Training then reads row groups in random order, several open at a time; their rows are encoded, shuffled and
dealt into windows of one size, one of which is on the device. What a window holds depends on its number and on the
seed of the split only, so that a resumed run sees the same rows.
"""

import itertools
import logging
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.detection import normalise
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.memory import free_or_guessed as free_memory

if TYPE_CHECKING:
    from gans.data.codecs import FittedCodec

log = logging.getLogger("gans")
pc: Any = pyarrow.compute  # its functions are made at run time

WINDOW = 262_144  # rows of a window, and of the sample
MOST_HELD_OUT = 50_000
OPEN = 4  # row groups whose rows are mixed
MOST_LEVELS = 20_000  # of a column, up to which the sample gets a row of each
SHARE = 0.25  # of the memory that is free, above which a table is streamed


@dataclass(frozen=True)
class ParquetStream:
    """A Parquet file as a stream of training rows.

    Attributes:
        window: rows of a window.
        holdout: share of rows to hold out, at most 50,000 rows.
        seed: of the split.
    """

    path: Path
    window: int
    holdout: float
    seed: int

    @cached_property
    def file(self) -> Any:
        """The open file.

        Raises:
            UserError: it is no Parquet file.
        """
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"data.path={self.path}: not a readable Parquet file ({error}).") from None

    @property
    def rows(self) -> int:
        """All rows of the file."""
        return self.file.metadata.num_rows

    @property
    def bytes(self) -> int:
        """Its size in memory, uncompressed."""
        metadata = self.file.metadata
        return sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))

    def line(self) -> str:
        """What is done, for the terminal."""
        return (
            f"streaming {self.path}: {self.rows:,} rows, {self.bytes / 2**30:.2f} GiB uncompressed, in windows of "
            f"{self.window:,} rows; columns are learned from {min(self.window, self.rows):,} of them "
            f"({free_memory() / 2**30:.1f} GiB of memory are free; data.stream=false reads the whole table)"
        )

    def uniform(self, group: int) -> np.ndarray:
        """A number in [0, 1) for each row of a row group, which tells where it belongs."""
        count = self.file.metadata.row_group(group).num_rows
        return np.random.default_rng((self.seed, group)).random(count)

    @cached_property
    def holdout_share(self) -> float:
        """The share of rows that is held out."""
        return min(self.holdout, MOST_HELD_OUT / self.rows)

    @cached_property
    def counts(self) -> list[int]:
        """Training rows of each row group."""
        groups = range(self.file.metadata.num_row_groups)
        return [int((self.uniform(group) >= self.holdout_share).sum()) for group in groups]

    def group(self, number: int) -> pa.Table:
        """The rows of a row group, held-out ones among them.

        Raises:
            UserError: it is damaged.
        """
        try:
            return normalise(self.file.read_row_group(number))
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"data.path={self.path}: row group {number} cannot be read ({error}).") from None

    def scan(self) -> tuple[pa.Table, pa.Table]:
        """A sample of the training rows, and the held-out rows.

        The sample has at least a row of each level of a category, of each column's missing values, and of the smallest
        and the largest value of each number.
        """
        if self.rows < 4:
            raise UserError(f"data.path={self.path}: the table has {self.rows} rows; at least 4 are needed.")
        sampled = self.holdout_share + (1 - self.holdout_share) * min(1, self.window / self.rows)
        holdout, sample, extremes = [], [], Extremes()
        for number in range(self.file.metadata.num_row_groups):
            if not self.file.metadata.row_group(number).num_rows:
                continue
            table, place = self.group(number), self.uniform(number)
            holdout.append(table.filter(pa.array(place < self.holdout_share)))
            chosen = (place >= self.holdout_share) & (place < sampled)
            training = np.flatnonzero(place >= self.holdout_share)
            chosen[training[extremes.rows(table.take(training))]] = True
            sample.append(table.filter(pa.array(chosen)))
        return pa.concat_tables(sample), pa.concat_tables(holdout)

    def pieces(self) -> Iterator[list[tuple[int, int, int, int]]]:
        """The windows from the first on, each a list of (epoch, row group, first, end): places in its shuffled rows."""
        waiting = self._shuffled_groups()
        opened: list[_OpenGroup] = []
        share = math.ceil(self.window / OPEN)
        while True:
            window, left = [], self.window
            while left:
                opened += itertools.islice(waiting, OPEN - len(opened))
                for part in opened:
                    end = min(part.place + min(share, left), self.counts[part.group])
                    if end > part.place:
                        window.append((part.epoch, part.group, part.place, end))
                    left -= end - part.place
                    part.place = end
                opened = [part for part in opened if part.place < self.counts[part.group]]
            yield window

    def _shuffled_groups(self) -> "Iterator[_OpenGroup]":
        """The row groups that have training rows, in another random order in each epoch, without end."""
        groups = [group for group, count in enumerate(self.counts) if count]
        for epoch in itertools.count():
            order = np.random.default_rng(stream_seed("groups", self.seed, epoch)).permutation(groups)
            yield from (_OpenGroup(epoch, int(group)) for group in order)


@dataclass
class _OpenGroup:
    """A row group in an epoch, and the first of its shuffled rows that is in no window yet."""

    epoch: int
    group: int
    place: int = 0


class Extremes:
    """Which rows a sample needs: the first of each level and of each missing value, smallest and largest numbers."""

    def __init__(self) -> None:
        self.levels: dict[str, pa.Array] = {}
        self.missing: set[str] = set()
        self.bounds: dict[str, tuple[Any, Any]] = {}

    def rows(self, table: pa.Table) -> np.ndarray:
        """Places in a table [rows] of what was not seen before."""
        places: list[int] = []
        for name in table.column_names:
            array = table[name].combine_chunks()
            if array.null_count and name not in self.missing:
                self.missing.add(name)
                places.append(pc.index(pc.is_null(array), True).as_py())
            if pa.types.is_string(array.type) or pa.types.is_boolean(array.type):
                places += self._levels(name, array)
            elif len(array) > array.null_count and (
                pa.types.is_primitive(array.type) or pa.types.is_decimal(array.type)
            ):
                low, high = pc.min_max(array).as_py().values()
                old = self.bounds.get(name)
                fresh = [value for value in (low, high) if old is None or value < old[0] or value > old[1]]
                places += [pc.index(array, pa.scalar(value, array.type)).as_py() for value in fresh]
                self.bounds[name] = (low, high) if old is None else (min(low, old[0]), max(high, old[1]))
        return np.unique(np.array(places, np.int64))

    def _levels(self, name: str, array: pa.Array) -> list[int]:
        seen = self.levels.get(name, array.slice(0, 0))
        if len(seen) > MOST_LEVELS:
            return []
        levels = pc.unique(array.drop_null())
        fresh = levels.filter(pc.invert(pc.is_in(levels, value_set=seen)))
        self.levels[name] = pa.concat_arrays([seen, fresh])
        return _firsts(array, fresh)


def _firsts(array: pa.Array, values: pa.Array) -> list[int]:
    """The first place of each value in an array."""
    if not len(values):
        return []
    codes = pc.index_in(array, value_set=values).to_numpy(zero_copy_only=False)
    there = np.flatnonzero(~np.isnan(codes.astype(float)))
    _, first = np.unique(codes[there], return_index=True)
    return there[first].tolist()


class EncodedWindows:
    """The windows of a stream as arrays, read in their order; another order is found, but takes longer.

    Attributes:
        left_out: rows that held what the sample did not, a level or a missing value.
    """

    def __init__(self, stream: ParquetStream, codec: "FittedCodec") -> None:
        self.stream, self.codec = stream, codec
        self.left_out = 0
        self.next, self.plan = 0, stream.pieces()
        self.open: dict[tuple[int, int], Encoded] = {}

    def window(self, number: int) -> Encoded:
        """Encoded rows [window], the same whenever they are asked for.

        Raises:
            UserError: the file cannot be read any more.
        """
        if number < self.next:
            self.next, self.plan, self.open = 0, self.stream.pieces(), {}
        for _ in range(number - self.next):
            next(self.plan)
        pieces = next(self.plan)
        self.next = number + 1
        parts = []
        for epoch, group, first, end in pieces:
            rows = self._encoded(epoch, group)
            # rows that were left out are made up for by others of their row group
            places = np.arange(first, end) % len(rows.scalars)
            parts.append(Encoded(*(part[places] for part in rows)))
        used = {(epoch, group) for epoch, group, _, _ in pieces}
        self.open = {key: rows for key, rows in self.open.items() if key in used}
        return Encoded(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _encoded(self, epoch: int, group: int) -> Encoded:
        """The training rows of a row group in the order of an epoch."""
        key = epoch, group
        if key not in self.open:
            table = self.stream.group(group)
            table = table.filter(pa.array(self.stream.uniform(group) >= self.stream.holdout_share))
            covered = self.codec.covers(table)
            if not covered.all():
                if not self.left_out:
                    log.warning("rows with a level or a missing value that the sample does not have are left out")
                self.left_out += int((~covered).sum())
                table = table.filter(pa.array(covered))
            if not table.num_rows:
                raise UserError(
                    f"data.path={self.stream.path}: no row of row group {group} is like those of the sample."
                )
            encoded = self.codec.encode(table, stream_seed("encoding", self.stream.seed, epoch, group))
            shuffle = np.random.default_rng(stream_seed("rows", self.stream.seed, epoch, group))
            order = shuffle.permutation(table.num_rows)
            self.open[key] = Encoded(*(part[order] for part in encoded))
        return self.open[key]


def stream_seed(name: str, seed: int, epoch: int, group: int = 0) -> tuple[int, ...]:
    """The seed of a random stream for `np.random.default_rng`: its name, the seed of the split, and where it is used.

    Unlike a sum of them, such a tuple is that of no other stream, seed, epoch or row group.
    """
    return zlib.crc32(name.encode()), seed, epoch, group
