"""Shape and trend errors as published: the definitions of sdmetrics 0.11, which the published tables used.

Zhang et al. 2024 (TabSyn, arXiv:2310.09656) and later papers print them in percent. Their known faults: a missing
number is left out or imputed, so that a wrong share of missing values goes unseen but for its own column; ten bins of
equal width see little of a long-tailed number; a level counts by itself however rare. `gans.evaluation.fidelity` has
the corrected form, with the same scale. Later releases of sdmetrics drop weak pairs, so their trend differs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.evaluation.fidelity import BINS, MOST_CELLS, MOST_PAIRS, correlation, ks_distance, pairs
from gans.evaluation.inputs import Side, Tables
from gans.evaluation.metrics import LOWER, WORST, Computed, Estimate, Meaning, MostRows, metric


def shape_errors(real: Side, other: Side) -> dict[str, float]:
    """By column the Kolmogorov-Smirnov statistic of numbers, or the total variation of levels, in [0, 1]."""
    out = {}
    for name in real.columns:
        left, right = real.columns[name], other.columns[name]
        if name in real.levels:
            out[name] = total_variation(left, right, len(real.levels[name]))
        else:
            out[name] = ks_distance(np.sort(left), np.sort(right))
    return out


def trend_errors(real: Side, other: Side) -> dict[tuple[str, str], float]:
    """By pair |difference of Pearson correlations| / 2 of two numbers, else the total variation of the cells, in [0,
    1].

    A number beside a category is cut into ten bins of equal width over the real values, with one for what lies below
    and one for the largest value and above. Of more than 2,000 pairs a fixed random 2,000 are used.
    """
    bins = [binned(real, side) for side in (real, other)]
    out = {}
    for left, right in pairs(list(real.columns), MOST_PAIRS):
        if left not in real.levels and right not in real.levels:
            both = [correlation(side.columns[left], side.columns[right]) for side in (real, other)]
            out[left, right] = abs(both[0] - both[1]) / 2
        else:
            cells, size = joint_cells(bins, left, right)
            out[left, right] = total_variation(*cells, size)
    return out


def binned(real: Side, side: Side) -> dict[str, tuple[np.ndarray, int]]:
    """By column codes [rows] and how many there can be; numbers in the bins of `real`."""
    out = {}
    for name, values in side.columns.items():
        if name in side.levels:
            out[name] = values.astype(np.int64), len(side.levels[name])
        else:
            low, high = real.columns[name].min(), real.columns[name].max()
            width = (high - low) or 1.0
            out[name] = np.clip(np.floor((values - low) / width * BINS), -1, BINS).astype(np.int64) + 1, BINS + 2
    return out


def joint_cells(
    bins: list[dict[str, tuple[np.ndarray, int]]], left: str, right: str
) -> tuple[tuple[np.ndarray, np.ndarray], int]:
    """Codes [rows] of the cells of two columns for both tables, and how many cells there are."""
    size = bins[0][left][1] * bins[0][right][1]
    cells = [side[left][0] * side[right][1] + side[right][0] for side in bins]
    if size > MOST_CELLS:
        known, both = np.unique(np.concatenate(cells), return_inverse=True)
        size, cells = len(known), np.split(both, [len(cells[0])])
    return (cells[0], cells[1]), size


def total_variation(left: np.ndarray, right: np.ndarray, size: int) -> float:
    """Half the summed differences of the shares of codes below `size`."""
    shares = [np.bincount(codes, minlength=size) / max(len(codes), 1) for codes in (left, right)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


@metric(
    "published",
    {
        "shape_error": Meaning("shape error, %, as published (sdmetrics 0.11)", LOWER, shrinks=0.5, sentence=False),
        "trend_error": Meaning("trend error, %, as published (sdmetrics 0.11)", LOWER, shrinks=0.5, sentence=False),
    },
    most=MostRows(None, 200_000, 1_000_000),
    on_test=False,
)
def published_errors(tables: Tables, rows: int | None) -> Computed:
    """Shape and trend errors, with the columns and pairs that are worst beyond what test rows have."""
    sides = {name: tables.some(name, rows, capped=False) for name in tables.sides}
    real = sides.pop("real")
    shapes = {name: shape_errors(real, side) for name, side in sides.items()}
    trends = {name: trend_errors(real, side) for name, side in sides.items()}
    shrunk = tables.floor(0.5) if "test" in sides else 1.0
    constants = [column.name for column in tables.schema.kept if column.role == "constant"]
    return Computed(
        {"shape_error": _mean_percent(shapes, shrunk), "trend_error": _mean_percent(trends, shrunk)},
        {
            "worst columns": _worst(shapes, shrunk),
            "worst pairs": _worst(trends, shrunk),
            "constant columns that vary": [name for name in constants if shapes["synthetic"][name] > 0],
        },
    )


def _mean_percent(errors: Mapping[str, Mapping[Any, float]], shrunk: float) -> Estimate:
    """The mean error of synthetic rows, beside that of test rows, of as many."""
    means = {side: 100 * float(np.mean(list(found.values()))) if found else 0.0 for side, found in errors.items()}
    return Estimate(means["synthetic"], real=shrunk * means["test"] if "test" in means else None)


def _worst(errors: Mapping[str, Mapping[Any, float]], shrunk: float) -> dict[Any, list[float | None]]:
    """The largest errors beyond what as many test rows have, beside these."""
    made, usual = errors["synthetic"], {name: shrunk * value for name, value in errors.get("test", {}).items()}
    names = sorted(made, key=lambda name: usual.get(name, 0.0) - made[name])
    return {name: [made[name], usual.get(name)] for name in names[:WORST]}
