"""How much an attack on membership finds: the area under its curve, and the members it finds at few false alarms."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.evaluation.intervals import LEVEL, Z, area, corrected

FALSE_ALARMS = (0.01, 0.1)
DRAWS = 10_000
BEYOND = 20  # draws at least beyond the end of a corrected interval

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Strength:
    """How well an attack tells members, rows that were trained on, from non-members.

    Attributes:
        auc: area under its ROC curve with its interval of 95%; .5: it cannot tell.
        tpr: share of members that it finds while it accuses 1% of the non-members, with its interval; .01: it cannot.
        tpr10: the same at 10%.
        auc_corrected: the ends of the area's interval, corrected for the number of tests (Bonferroni): by chance one
            end of any of them misses the truth in 5% of tables.
        tpr_corrected: the same of the share at 1%.
    """

    auc: Interval
    tpr: Interval
    tpr10: Interval
    auc_corrected: tuple[float, float]
    tpr_corrected: tuple[float, float]

    @property
    def succeeds(self) -> bool:
        """Whether it does better than a guess, beyond chance, corrected for the number of tests."""
        return self.auc_corrected[0] > 0.5 or self.tpr_corrected[0] > FALSE_ALARMS[0]


def strength(members: np.ndarray, others: np.ndarray, tests: int = 1) -> Strength:
    """The strength of an attack whose scores of members [rows] and of non-members [rows] are these; larger says member.

    The area's error is DeLong's, for corrected intervals at least that of the Mann-Whitney statistic where nothing can
    be told, which is larger for few rows. At few false alarms (Carlini et al. 2022, arXiv:2112.03570, on why they are
    looked at) the threshold is an order statistic of the non-members, so that the share of like rows beyond it follows
    a beta distribution, and the members beyond it a binomial one: 10,000 draws of both, or more, are the interval.

    Args:
        tests: how many tests the corrected intervals are corrected for.
    """
    labels = np.repeat([True, False], [len(members), len(others)])
    value, error = area(labels, np.concatenate([members, others]))
    by_chance = np.sqrt((len(labels) + 1) / (12 * len(members) * len(others)))

    def around(reach: float) -> tuple[float, float]:
        return max(0.0, value - reach), min(1.0, value + reach)

    rng, times = np.random.default_rng(0), max(DRAWS, round(BEYOND * tests / LEVEL))
    curve = members_found(members, others, rng)
    shares, draws = [], []
    for false_alarms in FALSE_ALARMS:
        place = false_alarms * (len(others) + 1)
        shares.append(_at(curve, place))
        beyond = _at(curve, rng.beta(place, len(others) + 1 - place, times) * (len(others) + 1))
        draws.append(rng.binomial(len(members), beyond) / len(members))

    def between(place: int, outside: float) -> tuple[float, float]:
        low, high = np.quantile(draws[place], [outside, 1 - outside])
        return min(float(low), shares[place]), max(float(high), shares[place])

    return Strength(
        (value, *around(Z * error)),
        (shares[0], *between(0, LEVEL / 2)),
        (shares[1], *between(1, LEVEL / 2)),
        around(corrected(tests) * max(error, by_chance)),
        between(0, LEVEL / tests),
    )


def members_found(members: np.ndarray, others: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The share of members above the k-th largest of n non-members, [n + 2] for k of 0 to n + 1; ties at random.

    Above the k-th largest k / (n + 1) of like rows lie on average: at a share f of false alarms the curve is read at
    f (n + 1), so that the answer is unbiased where nothing can be told.
    """
    both = np.concatenate([members, others])
    order = np.lexsort((rng.random(len(both)), -both))  # the most suspicious first
    of_members = order < len(members)
    return np.concatenate([[0.0], np.cumsum(of_members)[~of_members] / len(members), [1.0]])


def _at(curve: np.ndarray, place: "np.ndarray | float") -> Any:
    return np.interp(place, np.arange(len(curve)), curve)
