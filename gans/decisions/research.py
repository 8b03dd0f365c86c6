"""User research: whether conclusions that are drawn from synthetic rows hold for real ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.decisions.cases import Case, Response
from gans.decisions.segment_traits import find_personas
from gans.evaluation.inputs import Side
from gans.evaluation.intervals import Z, mean_interval
from gans.findings.answers import HIGHER, Answer, Interval, Measured
from gans.findings.uses import (
    ANOTHER_SAMPLE,
    CONTRARY,
    FOUND,
    MEASURES,
    OVERLAP,
    SEGMENTS,
    SIGNS,
    SYNTHETIC_ROWS,
)
from gans.report.arms import Drawn, coefficient_figure
from gans.words import say

REFERENCE = "held-out real rows"
SPLITS = 5
PART = 0.8  # of the held-out rows that a draw takes
LEVELS = 8  # of a column, the others are one
RIDGE = 1e-3
CLEAR = 2.58  # standard errors beyond which a coefficient or a correlation is a conclusion (99%)
MOST_ROWS = 10_000


def ask(case: Case, options: Mapping[str, Any]) -> Answer:
    """Coefficients of a logistic model, segments, and signs of correlations, from synthetic and from other real rows.

    Args:
        options: `positive` level of the target; `k` segments.

    Raises:
        UserError: a target that is no yes-or-no question.
    """
    asked, case = Response.ask(case, options.get("positive"))
    rows = min(round(PART * case.test.rows), case.real.rows, case.synthetic.rows, MOST_ROWS)
    made: dict[str, dict[str, list[float]]] = {name: {ANOTHER_SAMPLE: [], SYNTHETIC_ROWS: []} for name in MEASURES}
    drawn: dict[str, Any] = {}
    for split in range(SPLITS):
        every = {REFERENCE: case.test, ANOTHER_SAMPLE: case.real, SYNTHETIC_ROWS: case.synthetic}
        sides = {
            name: side.take(np.random.default_rng((split, at)).permutation(side.rows)[:rows])
            for at, (name, side) in enumerate(every.items())
        }
        names, fits = coefficients(sides, asked)
        signs = {arm: correlations(side) for arm, side in sides.items()}
        for arm in (ANOTHER_SAMPLE, SYNTHETIC_ROWS):
            for name, value in agree(fits[REFERENCE], fits[arm]).items():
                made[name][arm].append(value)
            made[SIGNS][arm].append(same_signs(signs[REFERENCE], signs[arm], rows))
        drawn = drawn or {"names": names, "fits": fits}
    values = {name: {arm: _interval(np.array(found)) for arm, found in arms.items()} for name, arms in made.items()}
    found = find_personas(case, options.get("k"))
    values[SEGMENTS] = {ANOTHER_SAMPLE: found.ceiling, SYNTHETIC_ROWS: found.agreement}
    fits = [*drawn["fits"][REFERENCE], *drawn["fits"][SYNTHETIC_ROWS]]
    table = [[name, *(float(fit[at]) for fit in fits)] for at, name in enumerate(drawn["names"])]
    return Answer(
        "research",
        say("Do conclusions from synthetic customers hold for real ones?"),
        say(
            "The same analyses are run on {rows:,} held-out real rows, on as many training rows (the control: what "
            "another sample of real customers would have said) and on as many synthetic rows, over {draws} draws, "
            "which overlap, so intervals are slightly too narrow: a logistic model of {target} = {positive}; rank "
            "correlations of all pairs of numbers; {k} segments, and whether held-out customers fall into the same "
            "ones. A conclusion is a coefficient or correlation of the held-out rows that differs from 0 with 99% "
            "confidence.",
            rows=rows,
            draws=SPLITS,
            target=asked.target,
            positive=asked.positive,
            k=found.k,
        ),
        ANOTHER_SAMPLE,
        [Measured(name, HIGHER, values[name], share=True) for name in (*MEASURES, SEGMENTS)],
        curves=drawn,
        tables={"coefficients": table, "columns": ["", "real", "error", "synthetic", "error"]},
    )


def _interval(found: np.ndarray) -> Interval:
    found = found[np.isfinite(found)]
    if not len(found):
        return np.nan, np.nan, np.nan
    low, high = mean_interval(found)
    return float(found.mean()), max(0.0, low), min(1.0, high)


def coefficients(sides: dict[str, Side], asked: Response) -> tuple[list[str], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Coefficients and standard errors of a logistic model by side, on numbers scaled by the reference, and levels.

    The weak ridge keeps levels that decide alone finite.
    """
    from sklearn.linear_model import LogisticRegression

    reference = sides[REFERENCE]
    names, columns = [], {side: [] for side in sides}
    for name in reference.without(asked.target).columns:
        if name in reference.levels:
            counts = np.bincount(reference.columns[name], minlength=len(reference.levels[name]))
            for code in np.argsort(-counts, kind="stable")[1:LEVELS]:
                if counts[code] >= 20:
                    names.append(f"{name} = {reference.levels[name][code]}")
                    for key, side in sides.items():
                        columns[key].append((side.columns[name] == code).astype(float))
            continue
        centre, scale = reference.columns[name].mean(), reference.columns[name].std()
        if scale > 0:
            names.append(name)
            for key, side in sides.items():
                columns[key].append(np.clip((side.columns[name] - centre) / scale, -5, 5))
    out = {}
    for key, side in sides.items():
        inputs = np.stack(columns[key], axis=1)
        labels = asked.labels(side)
        if labels.all() or not labels.any():
            out[key] = np.zeros(len(names)), np.full(len(names), np.inf)
            continue
        model = LogisticRegression(C=1 / (RIDGE * len(inputs)), max_iter=2000).fit(inputs, labels)
        chance = model.predict_proba(inputs)[:, 1]
        wide = np.column_stack([np.ones(len(inputs)), inputs])
        information = wide.T @ (wide * (chance * (1 - chance))[:, None])
        information += RIDGE * len(inputs) * np.diag([0.0] + [1.0] * len(names))
        errors = np.sqrt(np.diag(np.linalg.pinv(information)))[1:]
        out[key] = model.coef_[0], errors
    return names, out


def agree(real: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """How far the conclusions of two models agree, shares in [0, 1]."""
    clear = np.abs(real[0]) > CLEAR * real[1]
    same = np.sign(real[0]) == np.sign(other[0])
    clear_there = np.abs(other[0]) > CLEAR * other[1]
    gap = np.abs(real[0] - other[0]) <= Z * np.hypot(real[1], other[1])
    return {
        FOUND: float((same & clear_there)[clear].mean()) if clear.any() else np.nan,
        CONTRARY: 1 - float((~same & clear_there)[clear].mean()) if clear.any() else np.nan,
        OVERLAP: float(gap.mean()),
    }


def correlations(side: Side) -> np.ndarray:
    """Rank correlations of all pairs of numbers [pairs]."""
    from scipy.stats import rankdata

    names = side.numeric
    if len(names) < 2:
        return np.zeros(0)
    ranks = np.stack([rankdata(side.columns[name]) for name in names])
    ranks -= ranks.mean(axis=1, keepdims=True)
    size = np.sqrt((ranks**2).sum(axis=1))
    matrix = (ranks @ ranks.T) / np.maximum(np.outer(size, size), 1e-12)
    return matrix[np.triu_indices(len(names), 1)]


def same_signs(real: np.ndarray, other: np.ndarray, rows: int) -> float:
    """The share of the correlations that are told from 0 whose sign is the same; NaN without one."""
    clear = np.abs(real) > CLEAR / np.sqrt(rows)
    return float((np.sign(real) == np.sign(other))[clear].mean()) if clear.any() else np.nan


def draw(answer: Answer) -> Drawn:
    """Coefficients of real and synthetic rows with their intervals."""
    fits = answer.curves["fits"]
    return {
        say("Coefficients with intervals of 95%"): coefficient_figure(
            answer.curves["names"], {"real rows": fits[REFERENCE], "synthetic rows": fits[SYNTHETIC_ROWS]}
        )
    }
