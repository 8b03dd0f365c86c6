"""Intervals and tests over training seeds and data sets.

Agarwal et al. 2021 (rliable, arXiv:2108.13264): interquartile means, stratified bootstrap intervals, probability of
improvement. Demsar 2006 (JMLR 7): ranks and their critical difference. Holm 1979: tests of many pairs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.evaluation.intervals import LEVEL

RESAMPLES = 2_000


def interquartile_mean(values: np.ndarray) -> np.ndarray:
    """The mean of the middle half along the last axis: a quarter is cut off at both ends (scipy's `trim_mean`)."""
    from scipy.stats import trim_mean

    return np.asarray(trim_mean(values, 0.25, axis=-1) if values.size else np.full(values.shape[:-1], np.nan))


def stratified_interval(
    groups: Sequence[np.ndarray], statistic: Callable[[np.ndarray], np.ndarray], seed: int = 0
) -> tuple[float, float]:
    """The percentile interval of 95% of a statistic of all values; each group is drawn anew with replacement.

    NaN where no group has two values: with one seed nothing is known of other seeds.

    Args:
        statistic: along the last axis of [draws, values].
    """
    groups = [group for group in groups if len(group)]
    if not any(len(group) > 1 for group in groups):
        return np.nan, np.nan
    rng = np.random.default_rng(seed)
    drawn = [group[rng.integers(0, len(group), (RESAMPLES, len(group)))] for group in groups]
    low, high = np.quantile(statistic(np.concatenate(drawn, axis=1)), [0.025, 0.975])
    return float(low), float(high)


def probability_of_improvement(
    left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], seed: int = 0
) -> tuple[float, float, float]:
    """The chance that a run of `left` beats one of `right` on a data set drawn at random, with its interval.

    By data set the share of pairs of runs that left wins, ties by half (Mann & Whitney), averaged. Values: larger is
    better; -inf for a run that diverged. No interval where a side has one seed only.
    """
    names = [name for name in left if len(left[name]) and len(right.get(name, ()))]
    if not names:
        return np.nan, np.nan, np.nan
    rng, chances, draws = np.random.default_rng(seed), [], np.zeros(RESAMPLES)
    for name in names:
        there, here = left[name][:, None], right[name][None]
        won = (there > here) + 0.5 * (there == here)
        chances.append(won.mean())
        counts = [rng.multinomial(many, np.full(many, 1 / many), RESAMPLES) / many for many in won.shape]
        draws += np.einsum("ri,ij,rj->r", counts[0], won, counts[1]) / len(names)
    if all(min(len(left[name]), len(right[name])) < 2 for name in names):
        return float(np.mean(chances)), np.nan, np.nan
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.mean(chances)), float(low), float(high)


def paired_test(left: np.ndarray, right: np.ndarray) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test of pairs [pairs]; 1 where they are all equal.

    A run that diverged, -inf, loses by more than any other; pairs of which both diverged say nothing.
    """
    from scipy.stats import wilcoxon

    both = np.isneginf(left) & np.isneginf(right)
    with np.errstate(invalid="ignore"):
        gaps = (left - right)[~both]
    finite = np.abs(gaps[np.isfinite(gaps)])
    gaps = np.where(np.isinf(gaps), np.sign(gaps) * (finite.max(initial=0) + 1), gaps)
    if not len(gaps) or not np.any(gaps):
        return 1.0
    found: Any = wilcoxon(gaps)
    return float(found.pvalue)


def holm(values: Sequence[float]) -> np.ndarray:
    """p-values [tests] corrected for their number (Holm 1979)."""
    found = np.asarray(values, np.float64)
    order = np.argsort(found, kind="stable")
    steps = np.maximum.accumulate(found[order] * np.arange(len(found), 0, -1))
    out = np.empty(len(found))
    out[order] = np.minimum(steps, 1)
    return out


@dataclass
class Ranks:
    """Mean ranks of variants over blocks, a data set and a seed each.

    Attributes:
        means: [variants]; 1 is best.
        difference: mean ranks that differ by less are not told apart (Nemenyi).
        p_value: of Friedman's test that all variants are alike; NaN of fewer than three variants or two blocks.
        blocks: their number.
    """

    means: np.ndarray
    difference: float
    p_value: float
    blocks: int


def ranks(values: np.ndarray) -> Ranks:
    """Of values [blocks, variants], larger is better, -inf of a run that diverged."""
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    blocks, many = values.shape
    means = rankdata(-values, axis=1).mean(axis=0)
    p_value = np.nan
    if many > 2 and blocks > 1 and not all((row == row[0]).all() for row in values):
        p_value = float(friedmanchisquare(*np.where(np.isneginf(values), np.finfo(float).min, values).T).pvalue)
    width = float(studentized_range.ppf(1 - LEVEL, many, np.inf)) / np.sqrt(2) if many > 1 else np.nan
    return Ranks(means, float(width * np.sqrt(many * (many + 1) / (6 * blocks))), p_value, blocks)


@dataclass
class Variance:
    """How far scores differ by training seed and by sampling.

    Attributes:
        seed: variance between training seeds, beyond what sampling explains; at least 0.
        sampling: variance between samples of one generator.
        p_value: of the F test that seeds do not differ.
    """

    seed: float
    sampling: float
    p_value: float

    @property
    def share(self) -> float:
        """The share of the training seed in the variance of one score, in [0, 1]."""
        total = self.seed + self.sampling
        return self.seed / total if total else 0.0


def variance_of(groups: Sequence[np.ndarray]) -> Variance | None:
    """Of scores by training seed, each [draws]: analysis of variance with random effects.

    None where there are fewer than two seeds with two draws each, equally many.
    """
    from scipy.stats import f as f_distribution

    if len(groups) < 2 or len({len(group) for group in groups}) != 1 or len(groups[0]) < 2:
        return None
    table = np.stack(groups)
    seeds, draws = table.shape
    between = draws * table.mean(1).var(ddof=1)
    within = float(table.var(axis=1, ddof=1).mean())
    if within == 0:
        return Variance(float(between / draws), 0.0, 0.0 if between else 1.0)
    p_value = float(f_distribution.sf(between / within, seeds - 1, seeds * (draws - 1)))
    return Variance(max(0.0, float((between - within) / draws)), within, p_value)
