"""The arms that every predictive use compares: models of real rows only, of synthetic rows only, and of both."""

from collections.abc import Callable

import numpy as np

from gans.decisions.cases import Case, Response
from gans.evaluation.inputs import Side, joined
from gans.evaluation.intervals import bootstrap
from gans.evaluation.utility import smote
from gans.findings.answers import ADDED, BOTH, REAL, SMOTE, SYNTHETIC, WEIGHTS, Measured


def predictions(case: Case, asked: Response) -> dict[str, np.ndarray]:
    """By arm the chances of yes for the held-out rows."""
    sides = {REAL: case.real, SYNTHETIC: case.synthetic, BOTH: joined(case.real, case.synthetic)}
    return {arm: asked.chances(side, case.test) for arm, side in sides.items()}


def balanced(real: Side, rare: Side, test: Side, asked: Response) -> dict[str, np.ndarray]:
    """By arm the chances of yes for the test rows: real rows only, and the ways to help a rare class.

    Class weights let both classes weigh the same; SMOTE (arXiv:1106.1813) and synthetic rows of the rare class fill it
    up. SMOTE is left out where the class has too few rows for its five neighbours, or no column holds numbers.
    """
    labels = asked.labels(real)
    out = {
        REAL: asked.chances(real, test),
        WEIGHTS: asked.chances(real, test, {"scale_pos_weight": float((~labels).sum() / max(labels.sum(), 1))}),
    }
    if (more := smote(asked.task, asked.asked(real))) is not None:
        out[SMOTE] = asked.task.fit(more)(asked.task.inputs(asked.asked(test)))[:, 1]

    out[ADDED] = asked.chances(joined(real, rare), test)
    return out


def paired(
    name: str,
    better: str,
    statistic: Callable[[np.ndarray, np.ndarray], float],
    predictions: dict[str, np.ndarray],
    rows: int,
    share: bool = False,
) -> Measured:
    """A statistic of places and predictions for every arm, and its differences to real rows only.

    Intervals are bootstrapped over test rows, those of differences by the same draws for both.
    """
    everything = np.arange(rows)
    values, gains = {}, {}
    for arm, predicted in predictions.items():

        def of(places: np.ndarray, predicted: np.ndarray = predicted) -> float:
            return statistic(places, predicted)

        values[arm] = (of(everything), *bootstrap(of, rows))
        if arm != REAL:

            def gain(places: np.ndarray, predicted: np.ndarray = predicted) -> float:
                return statistic(places, predicted) - statistic(places, predictions[REAL])

            gains[arm] = (gain(everything), *bootstrap(gain, rows))
    return Measured(name, better, values, gains, share)
