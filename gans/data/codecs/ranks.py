"""An order of the levels of a category that puts levels side by side whose rows are alike in the other columns."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.layout import Encoded

pc: Any = pyarrow.compute  # its functions are made at run time

ROUNDS = 12
LEAST_SHARE = 1e-3


def ranked(array: pa.ChunkedArray, others: Encoded) -> tuple[list[Any], np.ndarray]:
    """Levels and how often they occur [levels]: by `positions` among the other columns, equal ones by name.

    Args:
        array: the column; missing values have no rank.
        others: the other columns of the same rows.
    """
    there = array.is_valid().to_numpy()
    names = pc.unique(array.drop_null())
    names = names.take(pc.array_sort_indices(names))
    level = pc.index_in(array.drop_null(), value_set=names).to_numpy()
    positions = level_positions(level, Encoded(*(part[there] for part in others)))
    order = np.argsort(positions, kind="stable")
    return names.take(pa.array(order)).to_pylist(), np.bincount(level)[order]


def level_positions(level: np.ndarray, others: Encoded) -> np.ndarray:
    """Where each level lies along the direction of the other columns in which levels differ most, [levels] float64.

    The direction maximises the covariance between two rows of one level, over pairs of different rows, so that a level
    of few rows does not differ by chance; it is found by power iteration, and no wide row is ever made. A position is
    the mean of the rows of a level, shrunk towards 0 by the share of its variance that is noise. All are 0 where levels
    do not differ.

    Args:
        level: of each row, [rows].
        others: the other columns of the rows.
    """
    counts = np.bincount(level)
    scalars = others.scalars - others.scalars.mean(axis=0) if others.scalars.size else others.scalars
    columns = list(np.ascontiguousarray(others.codes.T))
    shares = [np.bincount(column) / len(column) for column in columns]

    def along(by_scalar: np.ndarray, by_code: list[np.ndarray]) -> np.ndarray:
        out = (scalars @ by_scalar).astype(np.float64)
        for column, share, weights in zip(columns, shares, by_code, strict=True):
            out += (weights - share @ weights)[column]
        return out

    def partners(row: np.ndarray) -> np.ndarray:
        """The mean over the other rows of the same level; 0 where there is none."""
        return (np.bincount(level, row)[level] - row) / np.maximum(counts - 1, 1)[level] * (counts > 1)[level]

    rng = np.random.default_rng(0)
    by_scalar, by_code = rng.normal(size=scalars.shape[1]), [rng.normal(size=len(share)) for share in shares]
    for _ in range(ROUNDS):
        row = partners(along(by_scalar, by_code))
        by_scalar = scalars.T @ row
        by_code = [
            np.bincount(column, row, len(share)) - share * row.sum()
            for column, share in zip(columns, shares, strict=True)
        ]
        size = np.sqrt(sum(float(part @ part) for part in (by_scalar, *by_code)))
        if size == 0:
            return np.zeros(len(counts))
        by_scalar, by_code = by_scalar / size, [part / size for part in by_code]
    row = along(by_scalar, by_code)
    between, whole = float(np.mean(row * partners(row))), float(np.mean(row**2))
    if between < LEAST_SHARE * whole:
        return np.zeros(len(counts))
    return np.bincount(level, row) / (counts + (whole - between) / between)
