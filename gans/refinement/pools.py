"""Choosing rows from a pool of generated ones: each with a chance in proportion to its weight, none of them twice."""

import numpy as np

NONE = 1e-200  # of the largest weight, below which a row counts as one without: ratios of such weights overflow


def inclusion(log_weights: np.ndarray, count: int) -> np.ndarray:
    """The chance of each row of a pool to be among the `count` that are chosen, [rows] in [0, 1]; they sum to `count`.

    In proportion to exp(log_weights), but for rows that this would take more than once: these are taken for certain. A
    weight of minus infinity is a row that is taken only where the others are too few.

    Args:
        log_weights: [rows], up to a constant.
        count: at most as many as there are rows.

    Raises:
        ValueError: there are fewer rows than `count`.
    """
    if len(log_weights) < count:
        raise ValueError(f"{count} of {len(log_weights)} rows")
    most = log_weights.max(initial=-np.inf)
    return proportional(np.exp(log_weights - most) if np.isfinite(most) else np.zeros(len(log_weights)), count)


def proportional(weights: np.ndarray, count: int) -> np.ndarray:
    """What `inclusion` gives, of weights [rows] >= 0; where too few are above 0, the others share the rest alike."""
    weights = np.where(weights < NONE * weights.max(initial=0.0), 0.0, weights)
    certain, rest, below = 0, weights.sum(), np.ones(len(weights), bool)
    while rest > 0:
        threshold = rest / (count - certain)  # of weights that are taken for certain; it falls with each turn
        below = weights < threshold
        if (more := len(weights) - np.count_nonzero(below)) == certain:
            chances = weights / threshold
            return np.minimum(chances, 1.0, out=chances)
        if more == count:
            return 1.0 - below
        certain, rest = more, weights.sum(where=below)
    return np.where(below, (count - certain) / max(len(weights) - certain, 1), 1.0)


def systematic(chances: np.ndarray, start: float) -> np.ndarray:
    """Places of rows chosen with these chances: those in which their running sum passes start, start + 1, and so on.

    Systematic sampling with unequal probabilities (Madow 1949, "On the theory of systematic sampling, II"): the number
    of rows is fixed, no row comes twice, and each comes exactly as often as its chance says.

    Args:
        chances: [rows] in [0, 1], which sum to a whole number.
        start: uniform in [0, 1).
    """
    ends = np.cumsum(chances)
    marks = start + np.arange(round(ends[-1]))
    return np.searchsorted(ends, np.minimum(marks, np.nextafter(ends[-1], 0)), side="right")


def lost(log_weights: np.ndarray, times: float) -> float:
    """The share of the total weight that a pool cannot give whose size is `times` the rows that are chosen from it.

    A row comes at most once, so that what its weight is above `times` the mean is lost.
    """
    weights = np.exp(log_weights - log_weights.max())
    return float(np.maximum(weights / weights.mean() - times, 0).mean())
