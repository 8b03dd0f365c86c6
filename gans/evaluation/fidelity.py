"""How close the columns and pairs of columns of two tables are: fast enough to run during training.

Column distance: Kolmogorov-Smirnov for numbers and times, total variation for categories (0 the same, 1 disjoint).
Pair distance: |difference of Pearson correlations| / 2 for two numbers, else total variation of the contingency
table, numbers cut into ten equal-width bins of the reference. These are 1 minus "Shape" and "Trend" of the published
benchmark of tabular generators (Zhang et al. 2024, arXiv:2310.09656); a missing value is a level of its own (for
numbers, beside the KS distance: the larger of KS among present values and the difference of missing shares counts).
Of a category of more than 256 levels, those that hold more than one row in 256 count by themselves and the others in
32 groups by a hash of their names: most of its levels occur in one table only, however alike the tables are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Column, Schema
from gans.evaluation.inputs import Tables, numbers
from gans.evaluation.metrics import HIGHER, LOWER, Meaning, MostRows, metric

pc: Any = pyarrow.compute  # its functions are made at run time

BINS = 10
MOST_PAIRS = 2_000
MOST_CELLS = 65_536
MOST_LEVELS = 256
GROUPS = 32

Item = TypeVar("Item")


@dataclass
class Fidelity:
    """Distances between a synthetic and a reference table.

    Attributes:
        columns: distance by column, in [0, 1].
        pairs: distance by pair of columns, in [0, 1].
    """

    columns: dict[str, float]
    pairs: dict[tuple[str, str], float]

    def scores(self) -> dict[str, float]:
        """`column_distance` and `pair_distance`, means in [0, 1], and `score` = 1 - their mean (larger is better)."""
        columns = float(np.mean(list(self.columns.values()))) if self.columns else 0.0
        pairs = float(np.mean(list(self.pairs.values()))) if self.pairs else 0.0
        return {"column_distance": columns, "pair_distance": pairs, "score": 1 - (columns + pairs) / 2}


class Reference:
    """The reference side, prepared once: sorted values, levels, bins and joint tables.

    Above 2,000 pairs a fixed random 2,000 are used.
    """

    def __init__(self, table: pa.Table, schema: Schema) -> None:
        self.columns = schema.features
        self.prepared = [_Prepared(table[column.name], column) for column in self.columns]
        self.pairs = pairs(range(len(self.columns)), MOST_PAIRS)
        own = [prepared.view(table[column.name]) for prepared, column in zip(self.prepared, self.columns, strict=True)]
        self.joint = [_Joint(own[a], own[b]) for a, b in self.pairs]

    def compare(self, table: pa.Table) -> Fidelity:
        """Distances of `table` to the reference.

        Raises:
            KeyError: a learned column is not in `table`.
        """
        views = [prepared.view(table[c.name]) for prepared, c in zip(self.prepared, self.columns, strict=True)]
        columns = {c.name: p.distance(v) for c, p, v in zip(self.columns, self.prepared, views, strict=True)}
        pairs = {}
        for (a, b), reference in zip(self.pairs, self.joint, strict=True):
            pairs[self.columns[a].name, self.columns[b].name] = reference.distance(views[a], views[b])
        return Fidelity(columns, pairs)


def pairs(items: Iterable[Item], most: int) -> list[tuple[Item, Item]]:
    """All pairs of items, or a fixed random `most` of them."""
    found = list(combinations(items, 2))
    if len(found) <= most:
        return found
    chosen = np.random.default_rng(0).choice(len(found), most, replace=False)
    return [found[place] for place in np.sort(chosen)]


@dataclass
class _View:
    """A column as the metrics see it: codes [rows] below `size`, and its numbers [rows] (NaN: missing) if any."""

    codes: np.ndarray
    size: int
    numbers: np.ndarray | None


class _Prepared:
    def __init__(self, array: pa.ChunkedArray, column: Column) -> None:
        self.number = column.kind in ("numeric", "integer", "datetime")
        if self.number:
            values = numbers(array)
            self.sorted = np.sort(values[~np.isnan(values)])
            self.missing = float(np.isnan(values).mean())
            self.low, self.high = (self.sorted[0], self.sorted[-1]) if len(self.sorted) else (0.0, 1.0)
        else:
            self.grouped = column.levels > MOST_LEVELS
            counts = pc.value_counts(array.drop_null())
            frequent = pc.greater(counts.field(1), array.length() // MOST_LEVELS if self.grouped else 0)
            self.levels = counts.field(0).filter(frequent)
        view = self.view(array)
        self.shares = np.bincount(view.codes, minlength=view.size) / max(len(view.codes), 1)

    def view(self, array: pa.ChunkedArray) -> _View:
        """Numbers: ten bins, below, above, missing. Categories: the reference's levels, others, missing."""
        if self.number:
            values = numbers(array)
            width = (self.high - self.low) or 1.0
            bins = np.floor((values - self.low) / width * BINS)
            codes = np.where(np.isnan(values), BINS + 2, np.clip(np.nan_to_num(bins), -1, BINS) + 1)
            return _View(codes.astype(np.int64), BINS + 3, values)
        array = array.cast(self.levels.type)
        found = pc.index_in(array, value_set=self.levels)
        codes, known = pc.fill_null(found, -1).to_numpy().astype(np.int64), len(self.levels)
        others = GROUPS if self.grouped else 1
        other = codes < 0
        codes[other] = known + (name_groups(array)[other] if self.grouped else 0)
        codes[array.is_null().to_numpy()] = known + others
        return _View(codes, known + others + 1, None)

    def distance(self, view: _View) -> float:
        if view.numbers is None:
            shares = np.bincount(view.codes, minlength=view.size) / max(len(view.codes), 1)
            return float(np.abs(shares - self.shares).sum() / 2)
        there = np.sort(view.numbers[~np.isnan(view.numbers)])
        missing = abs(float(np.isnan(view.numbers).mean()) - self.missing)
        return max(ks_distance(self.sorted, there), missing)


def name_groups(array: pa.ChunkedArray) -> np.ndarray:
    """Of each value [rows] a number below 32 that depends on its text only; 0 where missing."""
    import pandas.util

    hashes: Any = pandas.util.hash_array  # pyright: ignore[reportPrivateImportUsage]
    encoded = array.combine_chunks().dictionary_encode()
    names = encoded.dictionary.cast(pa.string()).to_numpy(zero_copy_only=False)
    groups = (hashes(names, categorize=False) % GROUPS).astype(np.int64)
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.append(groups, 0)[codes]


def ks_distance(left: np.ndarray, right: np.ndarray) -> float:
    """The two-sample Kolmogorov-Smirnov statistic of sorted values; 1 where one side is empty and the other not."""
    if not len(left) or not len(right):
        return float(len(left) != len(right))
    both = np.concatenate([left, right])
    gap = np.searchsorted(left, both, "right") / len(left) - np.searchsorted(right, both, "right") / len(right)
    return float(np.abs(gap).max())


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Pearson correlation over the rows where both are there; 0 where one of them does not vary."""
    there = ~(np.isnan(left) | np.isnan(right))
    left, right = left[there], right[there]
    if len(left) < 2 or left.std() == 0 or right.std() == 0:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])


class _Joint:
    """The reference's side of a pair: the correlation of two numbers, else the shares of the cells that occur."""

    def __init__(self, left: _View, right: _View) -> None:
        self.correlation = _both(left, right)
        cells = left.codes * right.size + right.codes
        self.cells, counts = np.unique(cells, return_counts=True)
        self.shares = counts / max(len(cells), 1)

    def distance(self, left: _View, right: _View) -> float:
        if self.correlation is not None:
            return abs((_both(left, right) or 0.0) - self.correlation) / 2
        cells, size = left.codes * right.size + right.codes, left.size * right.size
        if size <= MOST_CELLS:
            counts = np.bincount(cells, minlength=size)[self.cells]
        else:
            place = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
            counts = np.bincount(place[self.cells[place] == cells], minlength=len(self.cells))
        rows = max(len(cells), 1)
        elsewhere = (len(cells) - counts.sum()) / rows
        return float(np.abs(counts / rows - self.shares).sum() + elsewhere) / 2


def _both(left: _View, right: _View) -> float | None:
    if left.numbers is None or right.numbers is None:
        return None
    return correlation(left.numbers, right.numbers)


@metric(
    "fidelity",
    {
        "score": Meaning("1 - mean distance of columns and pairs", HIGHER, 1.0, shrinks=0.5, sentence=False),
        "column_distance": Meaning("column distance, corrected", LOWER, shrinks=0.5, sentence=False),
        "pair_distance": Meaning("pair distance, corrected", LOWER, shrinks=0.5, sentence=False),
    },
    most=MostRows(None, 200_000, 1_000_000),
)
def fidelity(tables: Tables, rows: int | None) -> dict[str, float]:
    """Distances of columns and pairs."""
    reference = tables.once(("reference", rows), lambda: Reference(tables.head("real", rows), tables.schema))
    return reference.compare(tables.head("synthetic", rows)).scores()
