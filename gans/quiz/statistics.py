"""What judgements say: error rates apart, d', intervals over raters, and what their number can and cannot show.

Cards: HYPE-infinity of Zhou et al. 2019 (arXiv:1904.01121), the share of judgements that are wrong, 50% where the two
kinds cannot be told apart. Pairs: the same share of a forced choice between two (2AFC).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from gans.evaluation.intervals import Z, wilson
from gans.quiz.items import CONTROLS, REAL, SYNTHETIC

PASS = 0.65  # of the qualification
MOST_MISSED = 2  # hidden controls
MARGIN = 0.05  # within which of 50% the whole interval must lie
RESAMPLES = 2000
POWER = 0.8

Interval = tuple[float, float, float]
"""A value and the ends of its interval of 95%."""


@dataclass
class Rater:
    """The judgements of one rater, by counts.

    Attributes:
        wrong, judged: of the main items by their kind: real and synthetic, or pair.
        qualified: right answers of the qualification.
        missed: hidden controls.
        seconds: of a judgement, the median.
    """

    name: str
    wrong: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    qualified: int = 0
    qualification: int = 0
    missed: int = 0
    controls: int = 0
    seconds: float = math.nan

    @property
    def apart(self) -> str:
        """Why the rater is reported apart; "" for one who is not."""
        reasons = []
        if self.qualified < PASS * self.qualification:
            reasons.append(f"{self.qualified} of {self.qualification} right in the qualification")
        if self.missed > MOST_MISSED * self.controls / CONTROLS:
            reasons.append(f"missed {self.missed} of {self.controls} hidden controls")
        return ", ".join(reasons)


@dataclass
class Score:
    """What raters of one form make together. Of pairs there is no `real`, `synthetic` and `said_real`.

    Attributes:
        error: share of judgements that are wrong.
        real, synthetic: of those on real, and on synthetic cards.
        said_real: share of cards that were called real.
        d_prime: of telling them apart; 0 for none.
    """

    raters: int
    judgements: int
    error: Interval
    real: Interval | None
    synthetic: Interval | None
    said_real: float | None
    d_prime: Interval

    @property
    def indistinguishable(self) -> bool:
        """Whether the whole interval of the error lies within 50 +- 5%."""
        return self.error[1] >= 0.5 - MARGIN and self.error[2] <= 0.5 + MARGIN

    @property
    def told_apart(self) -> bool:
        """Whether the whole interval of the error lies below 50%."""
        return self.error[2] < 0.5


def raters_of(table: pa.Table) -> list[Rater]:
    """The raters of answers of one form, by name; one who answered several quizzes is one."""
    out: dict[str, Rater] = {}
    seconds: dict[str, list[float]] = {}
    for row in table.select(["rater", "kind", "right", "answer", "seconds"]).to_pylist():
        rater = out.setdefault(row["rater"], Rater(row["rater"]))
        wrong = row["right"] != row["answer"]
        if row["kind"] == "qualification":
            rater.qualification += 1
            rater.qualified += not wrong
        elif row["kind"] == "control":
            rater.controls += 1
            rater.missed += wrong
        elif row["kind"] in (REAL, SYNTHETIC, "pair"):
            rater.judged[row["kind"]] += 1
            rater.wrong[row["kind"]] += wrong
            seconds.setdefault(row["rater"], []).append(row["seconds"])
    for name, rater in out.items():
        rater.seconds = float(np.median(seconds[name])) if name in seconds else math.nan
    return [out[name] for name in sorted(out)]


def score(raters: Sequence[Rater], seed: int = 0) -> Score | None:
    """The score of raters of one form; None without raters.

    Each interval is that of Wilson (1927) over all judgements, widened to that of a bootstrap of raters where there are
    several: judgements of one rater go together, and few raters may agree by chance.
    """
    if not raters:
        return None
    wrong = np.array([[rater.wrong[kind] for kind in (REAL, SYNTHETIC, "pair")] for rater in raters], float)
    judged = np.array([[rater.judged[kind] for kind in (REAL, SYNTHETIC, "pair")] for rater in raters], float)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(raters), np.full(len(raters), 1 / len(raters)), RESAMPLES)  # [resamples, raters]

    def rate(places: slice) -> Interval:
        hits, rows = wrong[:, places].sum(axis=1), judged[:, places].sum(axis=1)
        values = (drawn @ hits) / np.maximum(drawn @ rows, 1)
        return hits.sum() / rows.sum(), *_widened(wilson(hits.sum(), int(rows.sum())), values, len(raters))

    pairs = judged[:, 2].sum() > 0
    d_primes = d_prime(drawn @ wrong, drawn @ judged)
    together = wrong.sum(axis=0), judged.sum(axis=0)
    value, error = float(d_prime(*together)), d_prime_error(*together)
    return Score(
        len(raters),
        int(judged.sum()),
        rate(slice(0, 3)),
        None if pairs else rate(slice(0, 1)),
        None if pairs else rate(slice(1, 2)),
        None if pairs else float((judged[:, 0] - wrong[:, 0] + wrong[:, 1]).sum() / judged.sum()),
        (value, *_widened((value - Z * error, value + Z * error), d_primes, len(raters))),
    )


def _widened(interval: tuple[float, float], resampled: np.ndarray, raters: int) -> tuple[float, float]:
    if raters < 2:
        return interval
    low, high = np.quantile(resampled, [0.025, 0.975])
    return min(interval[0], float(low)), max(interval[1], float(high))


def d_prime(wrong: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """z(hit) - z(false alarm) [...], a hit being a synthetic card that is called so; of pairs sqrt(2) z(right).

    Half a judgement is added to each count and one to each number of judgements, so that it is finite (the log-linear
    rule: Hautus 1995, "Corrections for extreme proportions and their biasing effects on estimated values of d'").

    Args:
        wrong: judgements of real cards, of synthetic cards and of pairs that are wrong [..., 3].
        judged: all such judgements [..., 3]; either of cards or of pairs.
    """
    z = norm.ppf((wrong + 0.5) / (judged + 1))
    return np.where(judged[..., 2] > 0, -math.sqrt(2) * z[..., 2], -z[..., 1] - z[..., 0])


def d_prime_error(wrong: np.ndarray, judged: np.ndarray) -> float:
    """The standard error of `d_prime`, of the same shares.

    Gourevitch & Galanter 1967, "A significance test for one-parameter isosensitivity functions".
    """
    shares = (wrong + 0.5) / (judged + 1)
    variances = shares * (1 - shares) / (np.maximum(judged, 1) * norm.pdf(norm.ppf(shares)) ** 2)
    return float(np.sqrt(2 * variances[2] if judged[2] else variances[0] + variances[1]))


def half_width(judgements: int) -> float:
    """Half of the interval of an error rate of 50% over so many independent judgements."""
    low, high = wilson(judgements / 2, judgements)
    return (high - low) / 2


def judgements_needed(width: float = MARGIN) -> int:
    """The fewest judgements whose interval, around exactly 50%, is no wider than this to each side."""
    judgements = 1
    while half_width(judgements) > width:
        judgements += 1
    return judgements


def detectable(judgements: int) -> float:
    """The error rate that so many independent judgements tell from 50% in four of five trials (normal approximation).

    It is where (Z + z(0.8)) standard errors, of 50% and of that rate, reach.
    """
    z = float(norm.ppf(POWER))
    low, high = 0.0, 0.5
    for _ in range(50):
        rate = (low + high) / 2
        reach = (Z * 0.5 + z * math.sqrt(rate * (1 - rate))) / math.sqrt(judgements)
        low, high = (rate, high) if rate + reach < 0.5 else (low, rate)
    return low


def words_by_field(table: pa.Table) -> dict[str, list[str]]:
    """What raters wrote, by field, the field that most of them name first."""
    out: dict[str, list[str]] = {}
    for row in table.select(["kind", "field", "words"]).to_pylist():
        if row["kind"] == "words":
            out.setdefault(row["field"], []).append(row["words"])
    return dict(sorted(out.items(), key=lambda pair: (pair[0] == "", -len(pair[1]), pair[0])))
