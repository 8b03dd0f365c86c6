"""Rows as counts in cells, cut so that the held-out rows may be shown: no count is of a few of them.

Of a column every cell holds at least five held-out rows: bins of numbers and times are merged from left to right until
they do, rarer levels are one cell, and what is fewer even so is counted in the fullest cell. The edges of bins are
round numbers, not values of rows. Of two columns counts of held-out rows are given in fives, those below five as 0, so
that no difference of sums gives one away.
"""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gans.data.schema import Column
from gans.evaluation.inputs import NUMBERS, numbers

FEWEST_ROWS = 5
MOST_BINS = 40
MOST_LEVELS = 30
MOST_GROUPS = 20
ROWS_OF_A_PAIR = 10  # held-out rows for a cell of a pair, on average
MICROSECONDS_A_DAY = 86_400e6
ROUND = (1, 2, 5, 10)


@dataclass(kw_only=True)
class ColumnCells:
    """How the values of a column are counted, and the held-out rows counted so.

    Of numbers and times the cells are: below the first edge, between neighbouring edges, from the last edge on. Of
    anything else: each of the levels, all others. The last cell is of missing values.

    Attributes:
        kind: as in the schema: numeric, integer, datetime, category, boolean.
        edges: ascending; of times in days since 1970, UTC.
        axis: two round numbers around the central 99% of the values, [] of levels.
        levels: with at least five held-out rows, the most frequent first.
        counts: held-out rows in each cell.
    """

    name: str
    kind: str
    edges: list[float]
    axis: list[float]
    levels: list[str]
    counts: list[int]

    @classmethod
    def of(cls, array: pa.ChunkedArray, column: Column) -> "ColumnCells":
        """Of the held-out values of a column."""
        cells = cls(name=column.name, kind=column.kind, edges=[], axis=[], levels=[], counts=[])
        if column.kind in NUMBERS:
            values = cells._values(array)
            edges = _round_edges(values[np.isfinite(values)], column.kind == "integer")
            cells.edges, cells.axis = edges, [edges[0], edges[-1]] if edges else []
            cells.edges = _merged(edges, cells.count(array)[:-1])
        else:
            counts = pc.value_counts(array.drop_null().cast(pa.string()))  # pyright: ignore[reportAttributeAccessIssue]
            found = dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
            common = [level for level, count in found.items() if count >= FEWEST_ROWS]
            cells.levels = sorted(common, key=lambda level: (-found[level], level))[:MOST_LEVELS]
        cells.counts = _folded(cells.count(array)).tolist()
        return cells

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers or times."""
        return self.kind in NUMBERS

    @property
    def size(self) -> int:
        """How many cells there are, that of missing values among them."""
        return 2 + len(self.edges if self.numeric else self.levels)

    def places(self, array: pa.ChunkedArray) -> np.ndarray:
        """The cell of each value, [rows]."""
        if self.numeric:
            values = self._values(array)
            return np.where(np.isnan(values), self.size - 1, np.searchsorted(self.edges, values, side="right"))
        levels = pa.array(self.levels, pa.string())
        found = pc.index_in(array.cast(pa.string()), value_set=levels)  # pyright: ignore[reportAttributeAccessIssue]
        places = pc.fill_null(found, len(self.levels)).to_numpy().astype(np.int64)
        return np.where(array.is_null().to_numpy(), self.size - 1, places)

    def count(self, array: pa.ChunkedArray) -> np.ndarray:
        """Rows in each cell, [cells]."""
        return np.bincount(self.places(array), minlength=self.size)

    def beyond(self, array: pa.ChunkedArray) -> list[int]:
        """How many values lie below the axis, and how many above it; [] of levels."""
        if not self.axis:
            return []
        values = self._values(array)
        return [int((values < self.axis[0]).sum()), int((values >= self.axis[1]).sum())]

    def groups(self, most: int) -> list[int]:
        """A coarser cut: of each cell the number of its group, of which there are about `most`; missing is the last.

        Numbers are grouped in stretches of about as many held-out rows; the rarer levels go together.
        """
        if not self.numeric:
            return [*(min(place, most - 1) for place in range(self.size - 1)), min(self.size - 1, most)]
        least, out, group, rows = sum(self.counts[:-1]) / most, [], 0, 0
        for count in self.counts[:-1]:
            if out and rows >= least:
                group, rows = group + 1, 0
            out.append(group)
            rows += count
        return [*out, group + 1]

    def _values(self, array: pa.ChunkedArray) -> np.ndarray:
        return numbers(array) / (MICROSECONDS_A_DAY if self.kind == "datetime" else 1)


@dataclass(kw_only=True)
class PairCells:
    """Two columns counted together, and the held-out rows counted so.

    Attributes:
        x: place of a column.
        y: place of the other one.
        x_groups: of each cell of the column the row of `counts`.
        y_groups: of each cell of the other one the column of `counts`.
        counts: held-out rows [groups of x, groups of y], in fives; 0 for fewer than five.
    """

    x: int
    y: int
    x_groups: list[int]
    y_groups: list[int]
    counts: list[list[int]]

    @classmethod
    def of(cls, x: int, y: int, columns: list[ColumnCells], places: list[np.ndarray]) -> "PairCells":
        """Of held-out rows, whose cells in each column are `places` [columns][rows]."""
        most = int(np.clip(math.isqrt(len(places[x]) // ROWS_OF_A_PAIR), 2, MOST_GROUPS))
        groups = [columns[place].groups(most) for place in (x, y)]
        cells = cls(x=x, y=y, x_groups=groups[0], y_groups=groups[1], counts=[])
        found = cells.count(places)
        fives = np.rint(found / FEWEST_ROWS).astype(np.int64) * FEWEST_ROWS
        cells.counts = np.where(found < FEWEST_ROWS, 0, fives).tolist()
        return cells

    def count(self, places: list[np.ndarray]) -> np.ndarray:
        """Rows [groups of x, groups of y], whose cells in each column are `places` [columns][rows]."""
        shape = max(self.x_groups) + 1, max(self.y_groups) + 1
        x, y = np.array(self.x_groups)[places[self.x]], np.array(self.y_groups)[places[self.y]]
        return np.bincount(x * shape[1] + y, minlength=shape[0] * shape[1]).reshape(shape)


def closest_pairs(associations: np.ndarray, most: int) -> list[tuple[int, int]]:
    """The pairs of columns (x, y), x < y, of the largest associations [columns, columns] in size."""
    rows, columns = np.triu_indices(len(associations), 1)
    order = np.argsort(-np.abs(associations[rows, columns]), kind="stable")[:most]
    return [(int(rows[place]), int(columns[place])) for place in order]


def _round_edges(values: np.ndarray, whole: bool) -> list[float]:
    """Round numbers, evenly spaced over the central 99% of the values; [] where there are none."""
    if not len(values):
        return []
    low, high = map(float, np.quantile(values, [0.005, 0.995]))
    span = (high - low) / MOST_BINS or abs(low) / MOST_BINS or 1.0
    if not 0 < span < math.inf:
        return []
    power = math.floor(math.log10(span))
    step = next(digit * 10.0**power for digit in ROUND if digit * 10.0**power >= span * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    edges = step * np.arange(math.floor(low / step), math.floor(high / step) + 2)
    return np.unique(np.round(edges, max(0, -math.floor(math.log10(step))))).tolist()


def _merged(edges: list[float], counts: np.ndarray) -> list[float]:
    """The edges between which lie at least five rows, of cells that hold `counts` [edges + 1]."""
    kept, rows = [], 0
    for edge, count in zip(edges, counts, strict=False):
        rows += count
        if rows >= FEWEST_ROWS:
            kept.append(edge)
            rows = 0
    if kept and rows + counts[-1] < FEWEST_ROWS:
        kept.pop()
    return kept


def _folded(counts: np.ndarray) -> np.ndarray:
    """The counts with those of one to four rows in the fullest cell."""
    few = (counts > 0) & (counts < FEWEST_ROWS)
    out = np.where(few, 0, counts)
    out[np.argmax(counts)] += counts[few].sum()
    return out
