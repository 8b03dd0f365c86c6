"""Precision marketing: whom to contact, by a model that learnt from synthetic rows."""

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

TOP = 0.1
FEWEST = 0.02  # share of customers that are described
MOST_TRAITS = 3
POINTS = 101


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
        paired("lift at 10 %", HIGHER, lift, chances, rows),
        paired(f"profit for every {CUSTOMERS:,} customers", HIGHER, profit, chances, rows),
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
        f"Whom should we contact about {asked.target} = {asked.positive}, with a model that sees no real customers?",
        f"Boosted trees learn from real rows, synthetic rows, or both, and rank {rows:,} held-out real customers, "
        f"{hits.mean():.1%} of whom respond. A contact costs {cost:g} and a response is worth {margin:g}, so that a "
        f"contact pays where the chance exceeds {cost / margin:.1%}. Contacting everybody earns {everyone:,.0f} for "
        f"every {CUSTOMERS:,} customers. What sets the chosen customers apart is told from synthetic ones.",
        REAL,
        measures,
        curves=curves,
        tables={
            "profit of contacting everybody": float(everyone),
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
        ("Share of responders reached", "gain", "share of responders"),
        ("Lift: responders compared with a random choice", "lift", "lift"),
        (f"Profit for every {CUSTOMERS:,} customers", "profit", "profit"),
    ):
        figure, axes = canvas(WIDTH, 3.2)
        if key == "gain":
            axes.plot([0, 1], [0, 1], color="#9aa5ae", linestyle=":", label="at random")
        elif key == "lift":
            axes.axhline(1, color="#9aa5ae", linestyle=":", label="at random")
        arm_lines(axes, answer.curves["contacted"], answer.curves[key])
        name_axes(axes, "share of customers contacted", axis)
        legend(axes)
        out[title] = figure
    return out
