"""Intervals of 95% for what is measured on rows."""

from collections.abc import Callable

import numpy as np

Z = 1.959963984540054
RESAMPLES = 300
LEVEL = 0.05


def corrected(tests: int) -> float:
    """Standard errors to an end of an interval, so that by chance one end of any of so many is missed in 5% of cases.

    Bonferroni; of two intervals the ends are those of 95% each.
    """
    from scipy.stats import norm

    return float(norm.isf(LEVEL / tests))


def wilson(hits: float, rows: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share, hits of rows (Wilson 1927); z standard errors to each end."""
    if rows == 0:
        return 0.0, 1.0
    share = hits / rows
    centre, spread = share + z**2 / (2 * rows), z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    low, high = ((centre + sign * spread) / (1 + z**2 / rows) for sign in (-1, 1))
    return 0.0 if hits == 0 else float(low), 1.0 if hits == rows else float(high)


def difference(hits: tuple[float, float], rows: tuple[int, int], z: float = Z) -> tuple[float, float]:
    """The interval of the difference of two independent shares (Newcombe 1998, hybrid score)."""
    shares = [hit / max(row, 1) for hit, row in zip(hits, rows, strict=True)]
    (low, high), (low_b, high_b) = (wilson(hit, row, z) for hit, row in zip(hits, rows, strict=True))
    gap = shares[0] - shares[1]
    return (
        float(gap - np.hypot(shares[0] - low, high_b - shares[1])),
        float(gap + np.hypot(high - shares[0], shares[1] - low_b)),
    )


def area(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve of scores [rows] for labels [rows], and its standard error.

    DeLong et al. 1988, by mid-ranks (Sun & Xu 2014).
    """
    from scipy.stats import rankdata

    labels = np.asarray(labels, bool)
    positive, negative = scores[labels], scores[~labels]
    many, few = len(positive), len(negative)
    together = rankdata(np.concatenate([positive, negative]))
    above = (together[:many] - rankdata(positive)) / few
    below = 1 - (together[many:] - rankdata(negative)) / many
    variance = np.var(above, ddof=1) / many + np.var(below, ddof=1) / few if min(many, few) > 1 else np.nan
    return float(above.mean()), float(np.sqrt(variance))


def area_interval(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float, float]:
    """The area under the curve with its interval, within [0, 1]."""
    value, error = area(labels, scores)
    return value, max(0.0, value - Z * error), min(1.0, value + Z * error)


def bootstrap(statistic: Callable[[np.ndarray], float], rows: int, seed: int = 0) -> tuple[float, float]:
    """The percentile interval of a statistic of places [rows], drawn 300 times with replacement.

    A draw for which it is not defined, NaN, is left out.
    """
    rng = np.random.default_rng(seed)
    values = np.array([statistic(rng.integers(0, rows, rows)) for _ in range(RESAMPLES)])
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def mean_error(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard error; NaN where there is no value, or one only."""
    if not len(values):
        return np.nan, np.nan
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """The interval of 95% of a mean by Student's t, which holds for few values too; NaN below two."""
    from scipy.stats import t

    mean, error = mean_error(values)
    spread = float(t.ppf(1 - LEVEL / 2, len(values) - 1)) * error if len(values) > 1 else np.nan
    return mean - spread, mean + spread
