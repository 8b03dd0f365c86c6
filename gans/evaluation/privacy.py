"""How near synthetic rows are to training rows, and what an attacker who holds them can tell.

Distances to the nearest record prove no privacy (arXiv:2505.01524): they are proxies. The attacks are those of
someone who has the synthetic table and, for one of them, real rows that were not trained on; stronger ones exist.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.evaluation.embedding import Points
from gans.evaluation.inputs import NULL, Side, joined
from gans.evaluation.intervals import area_interval, difference, wilson
from gans.evaluation.neighbours import nearest_manhattan

NEAR = 0.05
FALSE_ALARMS = 0.01
RESAMPLES = 200
NEARLY = 0.05

Interval = tuple[float, float, float]


def share(hits: np.ndarray) -> Interval:
    """A share with its interval."""
    low, high = wilson(float(hits.sum()), len(hits))
    return float(hits.mean()), low, high


def dcr_share(synthetic: Points, real: Points, test: Points) -> Interval:
    """Share of synthetic rows strictly nearer to a training row than to a test row, of equally many; .5 is ideal.

    The distance to the closest record as the published benchmark has it: L1, numbers by the training range. A proxy.
    """
    there, here = (nearest_manhattan(synthetic, side)[0][:, 0] for side in (real, test))
    return share(there < here)


def copies(side: Side, real: Side) -> np.ndarray:
    """Whether a row [rows] equals a training row in every column."""
    hashes = [_hash(one) for one in (side, real)]
    return np.isin(hashes[0], hashes[1])


def _hash(side: Side) -> np.ndarray:
    import pandas as pd
    import pandas.util

    hashes: Any = pandas.util.hash_pandas_object  # pyright: ignore[reportPrivateImportUsage]
    return hashes(pd.DataFrame(side.columns), index=False).to_numpy()


@dataclass
class Nearness:
    """How near synthetic and test rows are to their training rows.

    Attributes:
        near: share of synthetic rows as near to a training row as the nearest 5 % of the test rows; .05 is ideal.
        near_test: the same share of the test rows, above .05 where distances tie.
        ratio: share of synthetic rows whose ratio of the nearest to the second nearest distance is below that of 95 %
        of
            the test rows; .05 is ideal, more says that synthetic rows point to single training rows.
        ratio_test: the same share of the test rows.
    """

    near: Interval
    near_test: Interval
    ratio: Interval
    ratio_test: Interval


def nearness(synthetic: Points, real: Points, test: Points) -> Nearness:
    """Near copies, and the nearest-neighbour distance ratio (Zhao et al. 2021, arXiv:2102.08369), beside test rows."""
    here, there = (nearest_manhattan(side, real, 2)[0] for side in (synthetic, test))
    near = np.quantile(there[:, 0], NEAR)
    ratios = [side[:, 0] / np.maximum(side[:, 1], np.finfo(np.float32).tiny) for side in (here, there)]
    ratios = [np.where(side[:, 1] == 0, 1.0, ratio) for side, ratio in zip((here, there), ratios, strict=True)]
    low = np.quantile(ratios[1], NEAR)
    return Nearness(
        share(here[:, 0] <= near), share(there[:, 0] <= near), share(ratios[0] <= low), share(ratios[1] <= low)
    )


@dataclass
class Attack:
    """How well an attack tells training rows from others.

    Attributes:
        auc: area under its ROC curve with its interval (DeLong); .5: it cannot tell.
        tpr: share of training rows that it finds while it accuses 1 % of the others, with its interval; .01: it cannot.
    """

    auc: Interval
    tpr: Interval


def attack(members: np.ndarray, others: np.ndarray) -> Attack:
    """The attack whose scores of members [rows] and of others [rows] are these; larger says member.

    The share of members found at 1 % false alarms is by linear interpolation of the ROC curve, so that ties count in
    part; its interval is a bootstrap of both sides (Carlini et al. 2022, arXiv:2112.03570, on why it is looked at).
    """
    labels = np.repeat([True, False], [len(members), len(others)])
    value = area_interval(labels, np.concatenate([members, others]))
    rng = np.random.default_rng(0)
    draws = [
        _found(rng.choice(members, len(members)), rng.choice(others, len(others)), FALSE_ALARMS)
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Attack(value, (_found(members, others, FALSE_ALARMS), float(low), float(high)))


def _found(members: np.ndarray, others: np.ndarray, false_alarms: float) -> float:
    """The true positive rate at a false positive rate, on the line between the points of the ROC curve."""
    order, found = np.sort(others), np.sort(members)
    beyond = order[max(0, len(order) - int(len(order) * false_alarms) - 2)]  # by then there are more false alarms
    steps = np.append(np.inf, np.unique(np.concatenate([found[found >= beyond], order[order >= beyond]]))[::-1])
    false = np.append(1 - np.searchsorted(order, steps, "left") / len(order), 1.0)
    true = np.append(1 - np.searchsorted(found, steps, "left") / len(found), 1.0)
    last = np.append(np.diff(false) > 0, True)  # of several thresholds with as many false alarms the lowest
    return float(np.interp(false_alarms, false[last], true[last]))


def nearest_attack(synthetic: Points, members: Points, others: Points) -> Attack:
    """Membership by the distance to the nearest synthetic row: the nearer, the more likely a member.

    The simplest one of Chen et al. 2020 (GAN-Leaks, arXiv:1909.03935): it needs no discriminator and no other rows.
    """
    return attack(*(-nearest_manhattan(side, synthetic)[0][:, 0] for side in (members, others)))


def density_attack(synthetic: Side, reference: Side, members: Side, others: Side) -> Attack:
    """Membership by the ratio of the synthetic to the real density at a row: where it is high, the model overfitted.

    DOMIAS (van Breugel et al. 2023, arXiv:2302.12580), with the ratio from boosted trees that tell synthetic rows from
    `reference`, real rows that were not trained on; no shadow model is needed.
    """
    from xgboost import XGBClassifier

    rows = joined(synthetic, reference)
    labels = np.repeat([1, 0], [synthetic.rows, reference.rows])
    weight = np.repeat([1 / synthetic.rows, 1 / reference.rows], [synthetic.rows, reference.rows]) * len(labels) / 2
    model = XGBClassifier(n_estimators=100, max_depth=6, enable_categorical=True, random_state=0)
    model.fit(rows.frame(), labels, sample_weight=weight)
    found, other = (model.predict(side.frame(), output_margin=True) for side in (members, others))
    return attack(found.astype(np.float64), other.astype(np.float64))


@dataclass
class Inference:
    """How often an attacker who knows all other columns of a person finds the secret.

    Attributes:
        members: share of training rows for which the guess was right, with its interval.
        others: share of test rows, what can be known without having been in the table.
        advantage: the difference, with its interval; 0 is ideal, more is what the table gave away about its people.
    """

    members: Interval
    others: Interval
    advantage: Interval


def attribute_inference(
    secret: str, synthetic: tuple[Side, Points], members: tuple[Side, Points], others: tuple[Side, Points]
) -> Inference:
    """Guess a secret by the nearest synthetic row in all other columns (the points leave the secret out).

    The inference attack of Giomi et al. 2023 (arXiv:2211.10459), with test rows as the control. A number is right
    within 5 % of the range of the training rows, a level where it is the same.
    """
    numeric = secret not in members[0].levels
    values = members[0].columns[secret]
    slack = NEARLY * (values.max() - values.min()) if numeric else 0
    hits = []
    for side, known in (members, others):
        place = nearest_manhattan(known, synthetic[1])[1][:, 0]
        guess, truth = synthetic[0].columns[secret][place], side.columns[secret]
        right = np.abs(guess - truth) <= slack
        if not numeric and NULL in side.levels[secret]:
            right = right[truth != side.levels[secret].index(NULL)]
        hits.append(right)
    low, high = difference((hits[0].sum(), hits[1].sum()), (len(hits[0]), len(hits[1])))
    advantage = float(hits[0].mean() - hits[1].mean()), low, high
    return Inference(share(hits[0]), share(hits[1]), advantage)
