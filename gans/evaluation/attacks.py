"""Whether synthetic rows are copies of training rows, or nearly; and what an attacker who holds them learns of secrets.

Distances to the nearest record are a check for copies and say nothing of privacy (arXiv:2505.01524): the attacks on
membership are in membership.py.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.evaluation.anonymity import ATTACKS as GUESSES
from gans.evaluation.anonymity import anonymity
from gans.evaluation.embedding import Points, points
from gans.evaluation.inputs import Side, Tables
from gans.evaluation.intervals import Z, corrected, difference, wilson
from gans.evaluation.metrics import (
    LEAST_OF_EACH,
    LEAST_TEST,
    LOWER,
    NEAR,
    Computed,
    Estimate,
    Meaning,
    MostRows,
    metric,
)
from gans.evaluation.neighbours import nearest_manhattan
from gans.words import say

NEAREST = 0.05
NEARLY = 0.05

Interval = tuple[float, float, float]


def share(hits: np.ndarray) -> Interval:
    """A share with its interval."""
    low, high = wilson(float(hits.sum()), len(hits))
    return float(hits.mean()), low, high


@dataclass
class Closest:
    """Whether synthetic rows lie nearer to training than to test rows.

    Attributes:
        share: of synthetic rows strictly nearer to a training row, of equally many; with its interval, which knows that
            training and test rows are a draw, too: the rows that one of them wins count together.
        balanced: what that share is where neither side is favoured: one half, less half of the ties.
    """

    share: Interval
    balanced: float


def closest(synthetic: Points, real: Points, test: Points) -> Closest:
    """The distance to the closest record as the published benchmark has it: L1, by the training range.

    A check for copies, never a measure of privacy.
    """
    (there, winner), (here, other) = (nearest_manhattan(synthetic, side) for side in (real, test))
    nearer, ties = (there < here)[:, 0], (there == here)[:, 0]
    value = float(nearer.mean())
    owner = np.where(nearer, winner[:, 0], len(real) + other[:, 0])
    sums = np.bincount(owner, weights=nearer - value)
    error = Z * float(np.sqrt((sums**2).sum())) / len(nearer)
    return Closest((value, max(0.0, value - error), min(1.0, value + error)), float((1 - ties.mean()) / 2))


def copies(side: Side, real: Side) -> np.ndarray:
    """Whether a row [rows] equals a training row in every column."""
    hashes = [_hash(one) for one in (side, real)]
    return np.isin(hashes[0], hashes[1])


def repeated(side: Side) -> np.ndarray:
    """Whether a row [rows] equals another one of its table in every column."""
    _, place, counts = np.unique(_hash(side), return_inverse=True, return_counts=True)
    return counts[place] > 1


def _hash(side: Side) -> np.ndarray:
    import pandas as pd
    import pandas.util

    hashes: Any = pandas.util.hash_pandas_object  # pyright: ignore[reportPrivateImportUsage]
    return hashes(pd.DataFrame(side.columns), index=False).to_numpy()


@dataclass
class Nearness:
    """How near synthetic and test rows are to their training rows.

    Attributes:
        near: share of synthetic rows as near to a training row as the nearest 5% of the test rows.
        near_test: the same share of the test rows: .05, or more where distances tie.
        ratio: share of synthetic rows whose ratio of the nearest to the second nearest distance is as low as that of
            5% of the test rows; more says that synthetic rows point to single training rows.
        ratio_test: the same share of the test rows.
    """

    near: Interval
    near_test: float
    ratio: Interval
    ratio_test: float


def nearness(synthetic: Points, real: Points, test: Points) -> Nearness:
    """Near copies, and the nearest-neighbour distance ratio (Zhao et al. 2021, arXiv:2102.08369), beside test rows.

    The intervals know that the 5% of the test rows are of a draw, and that a training row draws several synthetic
    ones.
    """
    (here, owner), (there, _) = (nearest_manhattan(side, real, 2) for side in (synthetic, test))

    def beside(made: np.ndarray, unseen: np.ndarray) -> tuple[Interval, float]:
        low = np.quantile(unseen, NEAREST)
        hits, usual = made <= low, float((unseen <= low).mean())
        value = float(hits.mean())
        sums = np.bincount(owner[:, 0], weights=hits - value)
        error = Z * float(np.sqrt((sums**2).sum() / len(made) ** 2 + usual * (1 - usual) / len(unseen)))
        return (value, max(0.0, value - error), min(1.0, value + error)), usual

    ratios = [
        np.where(side[:, 1] == 0, 1.0, side[:, 0] / np.maximum(side[:, 1], np.finfo(np.float32).tiny))
        for side in (here, there)
    ]
    near, ratio = beside(here[:, 0], there[:, 0]), beside(*ratios)
    return Nearness(*near, *ratio)


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
    secret: str,
    synthetic: tuple[Side, Points],
    members: tuple[Side, Points],
    others: tuple[Side, Points],
    tests: int = 2,
) -> Inference:
    """Guess a secret by the nearest synthetic row in all other columns (the points leave the secret out).

    The inference attack of Giomi et al. 2023 (arXiv:2211.10459), with test rows as the control. A number is right
    within 5% of the range of the middle nine tenths of the training rows, a level where it is the same. Rows whose
    secret is missing are left out. The interval of the advantage is corrected for so many tests.
    """
    numeric = secret not in members[0].levels
    values = members[0].columns[secret]
    slack = NEARLY * float(np.subtract(*np.quantile(values, [0.95, 0.05]))) if numeric else 0
    hits = []
    for side, known in (members, others):
        place = nearest_manhattan(known, synthetic[1])[1][:, 0]
        guess, truth = synthetic[0].columns[secret][place], side.columns[secret]
        right = np.abs(guess - truth) <= slack
        hits.append(right[~side.missing(secret)])
    rows = len(hits[0]), len(hits[1])
    low, high = difference((hits[0].sum(), hits[1].sum()), rows, corrected(tests))
    advantage = float(hits[0].mean() - hits[1].mean()), low, high
    return Inference(share(hits[0]), share(hits[1]), advantage)


NEIGHBOURS = MostRows(None, 10_000, 20_000)


@metric(
    "copies",
    {"exact_copies": Meaning("exact copies of training rows", LOWER, sentence=False)},
    part="privacy",
    in_training=False,
    on_test=False,
)
def exact_copies(tables: Tables, rows: int | None) -> Computed:
    """Exact copies, beside how many fresh real rows equal a training row.

    Where there are fewer than 100 test rows: beside how many training rows equal another one.
    """
    del rows
    sides = tables.sides
    hits = copies(sides["synthetic"], sides["real"])
    if "test" in sides and sides["test"].rows >= LEAST_TEST:
        usual = copies(sides["test"], sides["real"])
    else:
        usual = repeated(sides["real"])
    gap = difference((hits.sum(), usual.sum()), (len(hits), len(usual)))
    return Computed(
        {"exact_copies": Estimate(*share(hits), float(usual.mean()))},
        {"exact copies beyond real rows": [float(hits.mean() - usual.mean()), *gap]},
    )


WITH_TEST: dict[str, Any] = {
    "part": "privacy",
    "level": "standard",
    "least": LEAST_OF_EACH,
    "least_test": LEAST_TEST,
    "most": NEIGHBOURS,
    "in_training": False,
    "on_test": False,
}


@metric(
    "nearness",
    {
        "dcr_share": Meaning("DCR share (a check for copies, not privacy)", NEAR, sentence=False),
        "nndr_share": Meaning("low nearest-neighbour distance ratios", LOWER, sentence=False),
        "near_copies": Meaning("near copies of training rows", LOWER, sentence=False),
    },
    **WITH_TEST,
)
def distances_to_training_rows(tables: Tables, rows: int | None) -> dict[str, Estimate]:
    """How near synthetic rows are to training rows, beside test rows."""
    scale = tables.capped["real"]
    both = min(scale.rows, tables.capped["test"].rows, rows or scale.rows)
    real, test = (points(tables.drawn(side, both, 1), scale) for side in ("real", "test"))
    synthetic = points(tables.drawn("synthetic", rows), scale)
    nearer = closest(synthetic, real, test)
    near = nearness(synthetic, points(tables.drawn("real", rows), scale), test)
    return {
        "dcr_share": Estimate(*nearer.share, nearer.balanced),
        "near_copies": Estimate(*near.near, near.near_test),
        "nndr_share": Estimate(*near.ratio, near.ratio_test),
    }


def _sides_of_attack(tables: Tables, rows: int | None) -> tuple[Side, Side, Side]:
    """Synthetic rows, training rows, and as many rows that were not trained on, or more."""
    others = tables.drawn("test", rows, 2)
    return tables.drawn("synthetic", rows, 2), tables.drawn("real", others.rows, 2), others


@metric(
    "secrets",
    {"attribute": Meaning("attribute inference, advantage over unseen rows", NEAR, 0.0, sentence=False)},
    **WITH_TEST,
    asked=lambda tables: bool(tables.secrets),
)
def secrets(tables: Tables, rows: int | None) -> Computed:
    """What an attacker learns of the secrets."""
    scale, sides = tables.capped["real"], _sides_of_attack(tables, rows)
    scores, right = {}, {}
    for secret in tables.secrets:
        made, members, others = ((side, points(side.without(secret), scale)) for side in sides)
        found = attribute_inference(secret, made, members, others, tables.criteria_tests)
        scores[f"attribute/{secret}"] = Estimate(*found.advantage, rows=sides[1].rows + sides[2].rows)
        right[secret] = {"right of training rows": found.members, "right of test rows": found.others}
    return Computed(scores, {"secrets": right})


@metric(
    "anonymeter",
    {
        "singling_out": Meaning("singling-out risk (anonymeter)", NEAR, 0.0, sentence=False),
        "linkability": Meaning("linkability risk (anonymeter)", NEAR, 0.0, sentence=False),
    },
    **WITH_TEST | {"level": "fast", "least": 1, "least_test": 1},
    asked=lambda tables: tables.anonymeter is not None,
)
def singling_out_and_linkability(tables: Tables, rows: int | None) -> Computed:
    """Singling-out and linkability by the package anonymeter."""
    assert tables.anonymeter is not None
    found, failed = anonymity(tables, tables.anonymeter, rows)
    notes = [
        say("{name}: left out, anonymeter failed ({reason})", name=name, reason=reason)
        for name, reason in failed.items()
    ]
    asked = min(GUESSES, tables.real.num_rows, 0 if tables.test is None else tables.test.num_rows)
    return Computed({name: Estimate(*value, rows=asked) for name, value in found.items()}, {}, notes)
