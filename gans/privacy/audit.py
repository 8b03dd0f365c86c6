"""How much a mechanism leaks at least, from the scores of an attack on runs with and without a canary.

A canary is a row that nothing else resembles. Whoever tells runs with it from runs without it with a true positive rate
t and a false positive rate f shows that epsilon is at least log((t - delta) / f) (Kairouz et al. 2015,
arXiv:1311.0776). What is shown of rates by a finite number of runs is a Clopper-Pearson bound.
"""

import math
from dataclasses import dataclass

import numpy as np

from gans.privacy.ledger import Ledger


@dataclass(frozen=True)
class Audit:
    """Lower bounds of epsilon.

    Attributes:
        epsilon: that holds whatever the mechanism is.
        epsilon_if_gaussian: that holds if the scores are those of a Gaussian mechanism, and is nearer to the truth.
        true_positives, false_positives: rates at the threshold 0.
        runs: on each side.
    """

    epsilon: float
    epsilon_if_gaussian: float
    true_positives: float
    false_positives: float
    runs: int

    def exceeds(self, stated: float) -> bool:
        """Whether a bound lies above what was promised: the promise is broken."""
        return max(self.epsilon, self.epsilon_if_gaussian) > stated


def audit(present: np.ndarray, absent: np.ndarray, delta: float, confidence: float = 0.95) -> Audit:
    """Bounds from the scores of runs with the canary [n] and without it [n], which are log-likelihood ratios.

    For the first bound a threshold is chosen on one half of the runs and judged on the other; for the Gaussian one it
    is 0, where both errors are the same.

    Args:
        delta: of the guarantee.
        confidence: of each bound, by itself.
    """
    from scipy.stats import norm

    half = min(len(present), len(absent)) // 2
    thresholds = np.unique(np.concatenate([present[:half], absent[:half]]))
    low, high = _rates(present[:half], absent[:half], thresholds, confidence)
    best = thresholds[np.argmax(np.maximum(low - delta, 0) / high)]
    low, high = (float(rates[0]) for rates in _rates(present[half:], absent[half:], np.array([best]), confidence))
    epsilon = max(math.log((low - delta) / high), 0.0) if low > delta else 0.0
    low, high = (float(rates[0]) for rates in _rates(present, absent, np.zeros(1), confidence))
    shift = float(norm.ppf(low) - norm.ppf(high))  # mu of Gaussian differential privacy
    hits, false = (float((side > 0).mean()) for side in (present, absent))
    return Audit(epsilon, epsilon_of_gaussian(shift, delta) if shift > 0 else 0.0, hits, false, len(present))


def _rates(
    present: np.ndarray, absent: np.ndarray, thresholds: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Clopper-Pearson bounds at each threshold: of the least true and of the largest false positive rate."""
    from scipy.stats import beta

    runs, alpha = len(present), (1 - confidence) / 2
    hits, false = (len(side) - np.searchsorted(np.sort(side), thresholds, side="right") for side in (present, absent))
    low = np.where(hits > 0, beta.ppf(alpha, np.maximum(hits, 1), runs - hits + 1), 0.0)
    high = np.where(false < runs, beta.ppf(1 - alpha, false + 1, np.maximum(runs - false, 1)), 1.0)
    return low, high


def epsilon_of_gaussian(mu: float, delta: float) -> float:
    """The epsilon at this delta of a Gaussian mechanism whose shift is mu standard deviations.

    Dong et al. 2019, arXiv:1905.02383, corollary 1.
    """
    from scipy.stats import norm

    low, high = 0.0, mu * mu / 2 + mu * math.sqrt(2 * math.log(1 / delta)) + 1
    for _ in range(100):
        middle = (low + high) / 2
        here = norm.cdf(-middle / mu + mu / 2) - math.exp(middle) * norm.cdf(-middle / mu - mu / 2)
        low, high = (low, middle) if here <= delta else (middle, high)
    return high


def canary_score(ledger: Ledger, shifts: list[float]) -> float:
    """The log-likelihood ratio of a canary by what a ledger's Gaussian mechanisms answered.

    Args:
        shifts: of each, by how much the answer in the canary's cell is above the count without it.
    """
    scales = [entry.scale for entry in ledger.entries if entry.mechanism == "discrete Gaussian"]
    return math.fsum((shift - 0.5) / scale**2 for shift, scale in zip(shifts, scales, strict=True))
