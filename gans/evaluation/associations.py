"""How strongly the columns of a table hang together, two at a time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gans.data.schema import Column
from gans.evaluation.fidelity import correlation
from gans.evaluation.inputs import numbers

MOST_ROWS = 10_000
MOST_LEVELS = 50


def associations(table: pa.Table, reference: pa.Table, columns: list[Column]) -> np.ndarray:
    """The association of every two columns of `table`, [columns, columns].

    Two numbers: Pearson correlation in [-1, 1]. Two categories: Cramer's V in [0, 1], corrected for bias (Bergsma
    2013). A category and a number: the correlation ratio in [0, 1], corrected likewise. Rows where one of the two
    is missing are left out; 0 where one does not vary. Above 10,000 rows evenly spaced ones are used; the 50 most
    frequent levels of `reference` count, the others as one.
    """
    if table.num_rows > MOST_ROWS:
        table = table.take(np.linspace(0, table.num_rows - 1, MOST_ROWS).astype(np.int64))
    views = [_view(table[column.name], reference[column.name], column) for column in columns]
    out = np.eye(len(columns))
    for i in range(len(columns)):
        for j in range(i):
            out[i, j] = out[j, i] = _association(views[i], views[j])
    return out


def _view(array: pa.ChunkedArray, reference: pa.ChunkedArray, column: Column) -> np.ndarray:
    """Numbers as float64 with NaN where missing; levels as codes with -1 where missing."""
    if column.kind in ("numeric", "integer", "datetime"):
        return numbers(array)
    counts = pc.value_counts(reference.drop_null())  # pyright: ignore[reportAttributeAccessIssue]
    order = np.argsort(-counts.field(1).to_numpy(), kind="stable")[:MOST_LEVELS]
    levels = counts.field(0).take(pa.array(order))
    found = pc.index_in(array.cast(levels.type), value_set=levels)  # pyright: ignore[reportAttributeAccessIssue]
    codes = pc.fill_null(found, len(levels)).to_numpy().astype(np.int64)
    return np.where(array.is_null().to_numpy(), -1, codes)


def _association(left: np.ndarray, right: np.ndarray) -> float:
    numeric = [view.dtype == np.float64 for view in (left, right)]
    if all(numeric):
        return correlation(left, right)
    if not any(numeric):
        return cramers_v(left, right)
    return correlation_ratio(right, left) if numeric[0] else correlation_ratio(left, right)


def cramers_v(left: np.ndarray, right: np.ndarray) -> float:
    """Cramer's V of two code arrays [rows], corrected for bias, in [0, 1]; -1 is missing."""
    there = (left >= 0) & (right >= 0)
    rows = int(there.sum())
    if not rows:
        return 0.0
    width = int(right.max()) + 1
    cells = np.bincount(left[there] * width + right[there], minlength=(int(left.max()) + 1) * width).reshape(-1, width)
    cells = cells[cells.any(axis=1)][:, cells.any(axis=0)]
    many = np.array(cells.shape)
    if many.min() < 2:
        return 0.0
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / rows
    phi = ((cells - expected) ** 2 / expected).sum() / rows
    smallest = (many - (many - 1) ** 2 / (rows - 1)).min() - 1
    corrected = phi - np.prod(many - 1) / (rows - 1)
    return float(np.sqrt(min(corrected / smallest, 1))) if corrected > 0 and smallest > 0 else 0.0


def correlation_ratio(codes: np.ndarray, values: np.ndarray) -> float:
    """The root of the share of variance of `values` [rows] that `codes` [rows] explain, in [0, 1], bias corrected."""
    there = (codes >= 0) & ~np.isnan(values)
    codes, values = codes[there], values[there]
    if not len(values):
        return 0.0
    values = values - values.mean()
    counts, sums = np.bincount(codes), np.bincount(codes, weights=values)
    sums, counts = sums[counts > 0], counts[counts > 0]
    total, free = float(values @ values), len(values) - len(counts)
    if len(counts) < 2 or free < 1 or total == 0:
        return 0.0
    unexplained = 1 - (sums**2 / counts).sum() / total
    return float(np.sqrt(np.clip(1 - unexplained * (len(values) - 1) / free, 0, 1)))
