"""What a figure shows of one column: counts of the real and of the synthetic rows, never a row."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gans.data.schema import Column
from gans.evaluation.inputs import numbers
from gans.words import say

BINS = 40
MOST_LEVELS = 12
FEWEST_ROWS = 5
MICROSECONDS_A_DAY = 86_400e6
DAYS = (-719_162, 2_932_896)  # the years 1 to 9999, what an axis of times can show


@dataclass(kw_only=True)
class Histogram:
    """Numbers or times in shared bins over the central 99% of the real ones (all, where those are one value).

    The first row of each array is real, the second synthetic.

    Attributes:
        edges: borders of the bins [bins + 1]; times in days since 1970, UTC.
        counts: rows in each bin [2, bins].
        outside: rows beyond the bins [2].
        missing: rows without a value [2].
        time: whether the edges are times.
    """

    edges: np.ndarray
    counts: np.ndarray
    outside: np.ndarray
    missing: np.ndarray
    time: bool

    @property
    def rows(self) -> np.ndarray:
        """Rows [2]."""
        return self.counts.sum(axis=1) + self.outside + self.missing

    def note(self) -> str:
        """Shares that the bins do not show, for under the figure."""
        out = ""
        if self.outside.any():
            real, synthetic = shares(self.outside, self.rows)
            out = (
                say("beyond the axis: {real:.1%} real, {synthetic:.1%} synthetic", real=real, synthetic=synthetic)
                + "\n"
            )
        return (out + _missing_note(self.missing, self.rows)).rstrip()


@dataclass(kw_only=True)
class Levels:
    """Levels of a category; the first row of each array is real, the second synthetic.

    Attributes:
        names: the most frequent levels of the real rows, at most 12, each with at least 5 real rows.
        counts: rows of each level [2, levels].
        other: rows of all other levels [2].
        folded: number of the other levels.
        missing: rows without a value [2].
    """

    names: list[str]
    counts: np.ndarray
    other: np.ndarray
    folded: int
    missing: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Rows [2]."""
        return self.counts.sum(axis=1) + self.other + self.missing

    def note(self) -> str:
        """The missing shares, for under the figure."""
        return _missing_note(self.missing, self.rows)


def marginal(real: pa.ChunkedArray, synthetic: pa.ChunkedArray, column: Column) -> Histogram | Levels:
    """Counts of one column: a histogram of numbers or times, levels of anything else."""
    if column.kind in ("numeric", "integer", "datetime"):
        return _histogram(real, synthetic, column.kind)
    return _levels(real, synthetic)


def shares(counts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Counts [2, ...] as shares of the rows [2]; 0 where there is no row."""
    return counts / np.maximum(rows, 1).reshape(-1, *[1] * (counts.ndim - 1))


def _missing_note(missing: np.ndarray, rows: np.ndarray) -> str:
    real, synthetic = shares(missing, rows)
    if not missing.any():
        return ""
    return say("missing: {real:.1%} real, {synthetic:.1%} synthetic", real=real, synthetic=synthetic)


def _histogram(real: pa.ChunkedArray, synthetic: pa.ChunkedArray, kind: str) -> Histogram:
    sides = [numbers(array) / (MICROSECONDS_A_DAY if kind == "datetime" else 1) for array in (real, synthetic)]
    present = [values[~np.isnan(values)] for values in sides]
    edges = _edges(present[0], kind == "integer")
    if kind == "datetime":
        edges = np.clip(edges, *DAYS)
    counts = np.stack([np.histogram(values, edges)[0] for values in present])
    inside, there = counts.sum(axis=1), np.array([len(values) for values in present])
    missing = np.array([len(values) for values in sides]) - there
    return Histogram(edges=edges, counts=counts, outside=there - inside, missing=missing, time=kind == "datetime")


def _edges(values: np.ndarray, whole: bool) -> np.ndarray:
    """Bins over the central 99% of the values, or over all where those 99% are one value."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        low, high = values.min(), values.max()
    if whole:
        low, high = np.floor(low), np.ceil(high)
        width = max(1.0, np.ceil((high - low + 1) / BINS))
        edges = np.arange(low - 0.5, high + 0.5 + width, width)
        if len(edges) > 1 and edges[0] < edges[-1]:
            return edges
    if low == high:
        margin = max(0.5, abs(low) / 100)
        low, high = low - margin, high + margin
    return np.linspace(low, high, BINS + 1)


def _levels(real: pa.ChunkedArray, synthetic: pa.ChunkedArray) -> Levels:
    counts = [_count(real), _count(synthetic)]
    common = [level for level, count in counts[0].items() if count >= FEWEST_ROWS]
    names = sorted(common, key=lambda level: (-counts[0][level], level))[:MOST_LEVELS]
    shown = np.array([[side.get(name, 0) for name in names] for side in counts], dtype=np.int64).reshape(2, len(names))
    return Levels(
        names=names,
        counts=shown,
        other=np.array([sum(side.values()) for side in counts]) - shown.sum(axis=1),
        folded=len(counts[0].keys() | counts[1].keys()) - len(names),
        missing=np.array([real.null_count, synthetic.null_count]),
    )


def _count(array: pa.ChunkedArray) -> dict[str, int]:
    found = pc.value_counts(array.drop_null().cast(pa.string()))  # pyright: ignore[reportAttributeAccessIssue]
    return dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True))
