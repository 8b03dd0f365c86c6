"""Risk control: credit scoring by synthetic rows, and what they add where bad cases are few."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from gans.decisions.arms import balanced, paired, predictions
from gans.decisions.cases import Case, Response
from gans.errors import UserError, in_range
from gans.evaluation.inputs import read_sides
from gans.evaluation.intervals import RESAMPLES, area
from gans.findings.answers import ADDED, HIGHER, LOWER, REAL, SYNTHETIC, Answer, Interval, Measured
from gans.report.arms import Drawn, arm_lines, arm_points
from gans.report.figures import WIDTH, canvas, legend, name_axes
from gans.runs.again import train_again
from gans.words import mark, say

BINS = 10
LEAST_BAD = 10


def ask(case: Case, options: Mapping[str, Any]) -> Answer:
    """Scores of held-out cases: AUC, KS, Brier, calibration, population stability; then shortages of bad cases.

    Args:
        options: `positive`, the bad level of the target; `shortages`, shares of the bad training cases that are kept,
            as in [0.2,0.05]: for each the run's generator is trained anew on the smaller table, in folders of the run,
            for `steps` steps (those of the run unless given).

    Raises:
        UserError: a target that is no yes-or-no question, or a shortage that is no share or leaves fewer than 10 cases.
    """
    asked, case = Response.ask(case, options.get("positive"))
    shares = shortages(options, int(asked.labels(case.real).sum()))
    bad, chances = asked.labels(case.test), predictions(case, asked)
    rows = len(bad)
    measures = [
        paired("AUC", HIGHER, lambda at, p: area(bad[at], p[at])[0], chances, rows, share=True),
        paired("KS", HIGHER, lambda at, p: kolmogorov_smirnov(bad[at], p[at]), chances, rows, share=True),
        paired(
            mark("Brier score"), LOWER, lambda at, p: float(np.mean((p[at] - bad[at]) ** 2)), chances, rows, share=True
        ),
        paired(
            mark("calibration error"), LOWER, lambda at, p: calibration_error(bad[at], p[at]), chances, rows, share=True
        ),
        stability(case, asked),
    ]
    tables: dict[str, Any] = {}
    for share in shares:
        found, kept = shortage(case, asked, share, options.get("steps"))
        measures.append(found)
        tables[found.name] = kept
    curves = {"bad": bad, "chances": chances}
    return Answer(
        "risk",
        say(
            "Does a score for {target} = {positive} trained on synthetic cases work on real ones, and do synthetic "
            "cases help if bad ones are rare?"
            if shares
            else "Does a score for {target} = {positive} trained on synthetic cases work on real ones?",
            target=asked.target,
            positive=asked.positive,
        ),
        say(
            "Boosted trees are trained on real rows, synthetic rows, or both, and score {rows:,} held-out real cases, "
            "{share:.1%} of which are bad. Calibration error: mean distance between forecast and observed share over "
            "ten equal groups. Population stability: of the real model's scores between held-out and synthetic rows; "
            "below 0.1 is stable. Shortages: only part of the bad training cases is kept, a generator is trained on "
            "what is left, and its bad cases fill up the class, compared with class weights and SMOTE.",
            rows=rows,
            share=bad.mean(),
        ),
        REAL,
        measures,
        curves=curves,
        tables=tables,
    )


def kolmogorov_smirnov(bad: np.ndarray, score: np.ndarray) -> float:
    """The largest distance between the score distributions of bad and good cases, in [0, 1]."""
    from scipy.stats import ks_2samp

    result: Any = ks_2samp(score[bad], score[~bad], method="asymp")
    return float(result.statistic)


def calibration_error(bad: np.ndarray, chance: np.ndarray) -> float:
    """Mean absolute distance of forecast and observed share over ten groups of equal size, by forecast."""
    groups = np.array_split(np.argsort(chance, kind="stable"), BINS)
    weights = [len(group) / len(bad) for group in groups]
    return float(np.dot(weights, [abs(chance[group].mean() - bad[group].mean()) for group in groups if len(group)]))


def population_stability(expected: np.ndarray, actual: np.ndarray) -> float:
    """PSI = sum (a - e) ln(a / e) over tenths of the expected scores: below .1 stable, above .25 another population."""
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (expected, actual)]
    e, a = ((count + 0.5) / (count.sum() + 0.5 * len(count)) for count in counts)
    return float(np.sum((a - e) * np.log(a / e)))


def stability(case: Case, asked: Response) -> Measured:
    """Population stability of the real model's scores, of synthetic rows against held-out ones.

    Two draws of one population differ, too: both the value and its interval are those of the distance itself, less the
    bias that draws add. The control is one half of the held-out rows against the other.
    """
    score = asked.task.fit(asked.asked(case.real))
    held, made = (score(asked.task.inputs(asked.asked(side)))[:, 1] for side in (case.test, case.synthetic))
    order = np.random.default_rng(0).permutation(len(held))
    return Measured(
        mark("population stability index"),
        LOWER,
        {
            REAL: stability_interval(held[order[: len(held) // 2]], held[order[len(held) // 2 :]]),
            SYNTHETIC: stability_interval(held, made),
        },
    )


def stability_interval(expected: np.ndarray, actual: np.ndarray) -> Interval:
    """Population stability with its interval, by draws of both sides, without the bias of a draw, at least 0."""
    value, rng = population_stability(expected, actual), np.random.default_rng(0)
    drawn = np.array(
        [
            population_stability(*(side[rng.integers(0, len(side), len(side))] for side in (expected, actual)))
            for _ in range(RESAMPLES)
        ]
    )
    bias = drawn.mean() - value  # of a draw of a draw; that of the first draw is as large
    low, high = np.quantile(drawn, [0.025, 0.975]) - 2 * bias
    return max(0.0, value - bias), max(0.0, float(low)), max(0.0, float(high))


def shortages(options: Mapping[str, Any], cases: int) -> list[float]:
    """The shares of bad cases, of which there are so many, that are asked for.

    Raises:
        UserError: one is no number, not between 0 and 1, or leaves fewer than 10 cases.
    """
    out = []
    for text in options.get("shortages", []):
        try:
            share = float(text)
        except ValueError:
            raise UserError(f"shortages={text}: a share is needed, as in shortages=[0.2,0.05].") from None
        in_range("shortages", share, 0, 1, open_low=True, open_high=True)
        if round(share * cases) < LEAST_BAD:
            raise UserError(
                f"shortages={text}: of {cases} bad cases {round(share * cases)} are left; {LEAST_BAD} are needed."
            )
        out.append(share)
    return out


def shortage(case: Case, asked: Response, share: float, steps: int | None = None) -> tuple[Measured, dict[str, Any]]:
    """AUC by arm where only a share of the bad training cases is there; how many of either kind there are."""
    bad = np.flatnonzero(asked.labels(case.real))
    left = np.random.default_rng((case.run.seed, 1)).permutation(bad)[: round(share * len(bad))]
    kept = np.sort(np.concatenate([np.flatnonzero(~asked.labels(case.real)), left]))
    reduced = case.tables.real.take(kept)
    missing = len(bad) - len(left)
    mark = hashlib.blake2b(
        f"{case.target} {asked.positive} {steps}".encode() + kept.tobytes(), digest_size=4
    ).hexdigest()
    sampler = train_again(case.run, reduced, case.folder / f"shortage-{share:g}-{mark}", steps).sampler()
    values = case.tables.real[case.target].filter(pa.array(asked.labels(case.tables.sides["real"])))
    rare = sampler.sample(missing, case.run.seed, {case.target: values[0].as_py()})
    tables = read_sides(case.tables.schema, reduced, rare, case.tables.test, case.target)
    sides = tables.capped
    chances = balanced(sides["real"], sides["synthetic"], sides["test"], asked)
    labels = asked.labels(sides["test"])
    found = paired(
        say("AUC with {share:.0%} of the bad cases", share=share),
        HIGHER,
        lambda at, p: area(labels[at], p[at])[0],
        chances,
        len(labels),
        share=True,
    )
    return found, {"bad training cases": len(left), "synthetic bad cases": missing, "training rows": len(kept)}


def draw(answer: Answer) -> Drawn:
    """ROC curves, reliability, and AUC by shortage."""
    bad, chances = answer.curves["bad"], answer.curves["chances"]
    grid = np.linspace(0, 1, 101)
    figure, axes = canvas(WIDTH, 3.2)
    axes.plot([0, 1], [0, 1], color="#9aa5ae", linestyle=":", label=say("at random"))
    arm_lines(axes, grid, {arm: _roc(bad, chance, grid) for arm, chance in chances.items()})
    name_axes(axes, say("share of good cases refused"), say("share of bad cases found"))
    legend(axes)
    lower, reliable = canvas(WIDTH, 3.2)
    reliable.plot([0, 1], [0, 1], color="#9aa5ae", linestyle=":", label=say("ideal"))
    for arm, chance in chances.items():
        groups = [group for group in np.array_split(np.argsort(chance), BINS) if len(group)]
        points = np.array([(chance[group].mean(), bad[group].mean()) for group in groups])
        arm_lines(reliable, points[:, 0], {arm: points[:, 1]}, marker="o")
    name_axes(reliable, say("forecast share of bad cases"), say("observed share"))
    legend(reliable)
    out = {say("Bad cases found"): figure, say("Calibration"): lower}
    few = {one.name.removeprefix("AUC "): one.values for one in answer.measures if ADDED in one.values}
    if few:
        out[say("Few bad cases: AUC on held-out rows")] = arm_points(few, "AUC")
    return out


def _roc(bad: np.ndarray, score: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Share of bad cases found at shares of good cases refused."""
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(bad, score)
    return np.interp(grid, false, true)
