"""What a site tells of a column: its levels, or a sketch of its quantiles, with counts.

A sketch holds values that occur, ascending, each standing for the rows between its neighbours. A value that holds
1/points of the rows or more stands for itself; others are put together until they hold that much, or `floor` rows if
these are more. So no share of rows below any value is off by more than 1/points + 2 floor/rows.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import KINDS, Column, arrow_type
from gans.errors import UserError

pc: Any = pyarrow.compute  # its functions are made at run time

ORDERED = ("numeric", "integer", "datetime")


@dataclass(kw_only=True)
class ColumnSketch:
    """One column of one site.

    Attributes:
        type: of Arrow.
        kind: as the site finds it; of `gans.data.schema.KINDS`.
        left_out: why the site does not learn it, and so tells nothing else of it; "" where it does.
        missing: rows without a value.
        withheld: rows of levels that fewer rows hold than the floor; these levels are not told.
        values: as text, ascending.
        counts: rows that each stands for.
    """

    name: str
    type: str
    kind: str
    left_out: str = ""
    missing: int = 0
    withheld: int = 0
    values: list[str] = dataclasses.field(default_factory=list)
    counts: list[int] = dataclasses.field(default_factory=list)

    @property
    def rows(self) -> int:
        """Of the site."""
        return self.missing + self.withheld + sum(self.counts)

    def array(self, kind: pa.DataType) -> pa.Array:
        """The values as an Arrow type."""
        return pa.nulls(0) if pa.types.is_null(kind) else pa.array(self.values, pa.string()).cast(kind)

    def check(self, rows: int) -> None:
        """Raise UserError where it is none that a table of so many rows can have."""
        counts = [self.missing, self.withheld, *self.counts]
        if len(self.values) != len(self.counts) or any(not isinstance(n, int) or not 0 <= n <= rows for n in counts):
            raise UserError(f"column '{self.name}': its counts are not those of a column.")
        if self.kind not in KINDS:
            raise UserError(f"column '{self.name}': kind={self.kind}; allowed are {', '.join(KINDS)}.")
        if not self.left_out and self.rows != rows:
            raise UserError(f"column '{self.name}': {self.rows:,} rows are told of it, and {rows:,} are there.")
        try:
            values = self.array(arrow_type(self.type))
            if len(values) != len(self.counts) or values.null_count:
                raise ValueError("a value of it is missing")
            if pa.types.is_floating(values.type) and not pc.all(pc.is_finite(values)).as_py() and len(values):
                raise ValueError("a value of it is not finite")
        except (KeyError, ValueError, pa.ArrowException) as error:
            raise UserError(f"column '{self.name}': {str(error).splitlines()[0]}.") from None


def sketch_column(column: Column, array: pa.ChunkedArray, points: int, floor: int) -> ColumnSketch:
    """What is told of a column.

    Args:
        points: a sketch has about so many values at most.
        floor: rows below which a level is withheld, and that a value of a sketch stands for at least.
    """
    told = ColumnSketch(name=column.name, type=column.type, kind=column.kind)
    if column.role in ("dropped", "faked"):
        told.left_out = column.reason or column.role
        return told
    counted = pc.value_counts(array.drop_null())
    values, counts = counted.field("values"), counted.field("counts").to_numpy(zero_copy_only=False)
    order = pc.array_sort_indices(values).to_numpy()
    values, counts = values.take(pa.array(order)), counts[order]
    if column.kind in ORDERED and counts.sum() < floor:
        told.withheld, values, counts = int(counts.sum()), values[:0], counts[:0]
    elif column.kind in ORDERED:
        keep, counts = condensed(counts, points, floor)
        values = values.take(pa.array(keep))
    else:
        often = counts >= floor
        told.withheld = int(counts[~often].sum())
        values, counts = values.filter(pa.array(often)), counts[often]
    told.missing = array.null_count
    told.values, told.counts = values.cast(pa.string()).to_pylist(), counts.tolist()
    return told


def condensed(counts: np.ndarray, points: int, floor: int) -> tuple[np.ndarray, np.ndarray]:
    """Of ascending values that occur counts [n] times: the places of those that are told [m], and what they stand for.

    A value stands for the rows of its group: the middle row of the group holds it.
    """
    if len(counts) == 0:
        return np.zeros(0, int), counts
    size = max(counts.sum() / points, floor)
    heavy = counts >= size
    before = np.cumsum(counts) - counts
    group = (before // size).astype(np.int64)
    first = np.ones(len(counts), bool)
    first[1:] = (group[1:] != group[:-1]) | heavy[1:] | heavy[:-1]
    starts = _merged(np.flatnonzero(first), counts, floor)
    sums = np.add.reduceat(counts, starts)
    ends = np.cumsum(sums)
    middle = np.searchsorted(np.cumsum(counts), ends - sums + (sums + 1) // 2)
    return middle, sums


def _merged(starts: np.ndarray, counts: np.ndarray, floor: int) -> np.ndarray:
    """The starts of the groups, those of fewer rows than the floor put to the smaller of their neighbours."""
    sums, kept = np.add.reduceat(counts, starts).tolist(), starts.tolist()
    place = 0
    while len(kept) > 1 and place < len(kept):
        if sums[place] >= floor:
            place += 1
            continue
        left = place > 0 and (place == len(kept) - 1 or sums[place - 1] <= sums[place + 1])
        at = place if left else place + 1  # the group that its left neighbour takes in
        sums[at - 1] += sums.pop(at)
        kept.pop(at)
        place = max(at - 1, 0)
    return np.array(kept, int)
