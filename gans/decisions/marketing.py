"""Precision marketing: whom to contact, by a model that learned from synthetic rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.decisions.arms import paired, predictions
from gans.decisions.cases import Case, Response
from gans.decisions.segment_traits import what_sets_apart
from gans.errors import in_range
from gans.evaluation.intervals import area
from gans.findings.answers import HIGHER, REAL, SYNTHETIC, Answer
from gans.findings.uses import CUSTOMERS
from gans.report.arms import Drawn, arm_lines
from gans.report.figures import WIDTH, canvas, legend, name_axes
from gans.words import mark, say

TOP = 0.1
FEWEST = 0.02  # share of customers that are described
MOST_TRAITS = 3
POINTS = 101
PROFIT = mark("profit for every 1,000 customers")


def ask(case: Case, options: Mapping[str, Any]) -> Answer:
    """Rank held-out customers by the chance that they respond; lift, and profit at a cost and a margin.

    A customer is contacted where chance x margin exceeds the cost of a contact.

    Args:
        options: `cost` of a contact and `margin` of a response, in one currency; `positive` level of the target.

    Raises:
        UserError: a cost or margin out of range, or a target that is no yes-or-no question.
    """
    cost, margin = options.get("cost", 1.0), options.get("margin", 10.0)
    in_range("cost", cost, 0, open_low=True)
    in_range("margin", margin, 0, open_low=True)
    asked, case = Response.ask(case, options.get("positive"))
    hits, chances = asked.labels(case.test), predictions(case, asked)

    def auc(places: np.ndarray, chance: np.ndarray) -> float:
        return area(hits[places], chance[places])[0]

    def lift(places: np.ndarray, chance: np.ndarray) -> float:
        first = np.argsort(-chance[places], kind="stable")[: max(1, round(TOP * len(places)))]
        return float(hits[places][first].mean() / hits[places].mean())

    def profit(places: np.ndarray, chance: np.ndarray) -> float:
        contacted = chance[places] * margin > cost
        earned = margin * hits[places][contacted].sum() - cost * contacted.sum()
        return float(earned / len(places) * CUSTOMERS)

    rows = len(hits)
    measures = [
        paired("AUC", HIGHER, auc, chances, rows, share=True),
        paired(mark("lift at 10%"), HIGHER, lift, chances, rows),
        paired(PROFIT, HIGHER, profit, chances, rows),
    ]
    everyone = (margin * hits.mean() - cost) * CUSTOMERS
    ranks = {arm: np.argsort(-chance, kind="stable") for arm, chance in chances.items()}
    contacted = np.linspace(0, 1, POINTS)
    count = np.round(contacted * rows).astype(int)
    found = {arm: np.append(0, np.cumsum(hits[order]))[count] for arm, order in ranks.items()}
    curves = {
        "contacted": contacted,
        "lift": {
            arm: np.divide(some / hits.sum(), contacted, out=np.full(POINTS, np.nan), where=contacted > 0)
            for arm, some in found.items()
        },
        "gain": {arm: some / hits.sum() for arm, some in found.items()},
        "profit": {arm: (margin * some - cost * count) / rows * CUSTOMERS for arm, some in found.items()},
    }
    return Answer(
        "marketing",
        say(
            "Whom should we contact about {target} = {positive}, with a model that sees no real customers?",
            target=asked.target,
            positive=asked.positive,
        ),
        say(
            "Boosted trees are trained on real rows, synthetic rows, or both, and rank {rows:,} held-out real "
            "customers, {share:.1%} of whom respond. A contact costs {cost:g} and a response is worth {margin:g}, so "
            "a contact pays where the chance exceeds {chance:.1%}. Contacting everyone earns {everyone:,.0f} for "
            "every {customers:,} customers. What sets the chosen customers apart is read off synthetic ones.",
            rows=rows,
            share=hits.mean(),
            cost=cost,
            margin=margin,
            chance=cost / margin,
            everyone=everyone,
            customers=CUSTOMERS,
        ),
        REAL,
        measures,
        curves=curves,
        tables={
            "profit of contacting everyone": float(everyone),
            "chance from which a contact pays": cost / margin,
            "share to contact": float((chances[SYNTHETIC] * margin > cost).mean()),
            "what sets them apart": _traits(case, asked, cost / margin),
        },
    )


def _traits(case: Case, asked: Response, threshold: float) -> list[str]:
    """In words how synthetic customers whose chance exceeds the threshold differ; empty where nearly all or none do."""
    side = case.synthetic
    inside = asked.chances(side, side) > threshold
    if not FEWEST < inside.mean() < 1 - FEWEST:
        return []
    columns = [column for column in case.tables.schema.features if column.name != asked.target]
    table = case.tables.synthetic.slice(0, side.rows)
    return [trait.words for trait in what_sets_apart(columns, table, inside)[0][:MOST_TRAITS]]


def draw(answer: Answer) -> Drawn:
    """Gain curve, lift curve and profit curve."""
    out = {}
    for title, key, axis in (
        (say("Share of responders reached"), "gain", say("share of responders")),
        (say("Lift: responders compared with a random choice"), "lift", say("lift")),
        (say("Profit for every {customers:,} customers", customers=CUSTOMERS), "profit", say("profit")),
    ):
        figure, axes = canvas(WIDTH, 3.2)
        if key == "gain":
            axes.plot([0, 1], [0, 1], color="#9aa5ae", linestyle=":", label=say("at random"))
        elif key == "lift":
            axes.axhline(1, color="#9aa5ae", linestyle=":", label=say("at random"))
        arm_lines(axes, answer.curves["contacted"], answer.curves[key])
        name_axes(axes, say("share of customers contacted"), axis)
        legend(axes)
        out[title] = figure
    return out
