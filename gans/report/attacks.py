"""The attacks on membership as a table: on the synthetic rows, and on the two tables whose answer is known."""

from typing import Any

from gans.evaluation.membership import ATTACKS, COPIES, INDEPENDENT, SYNTHETIC
from gans.evaluation.results import Evaluation
from gans.words import mark, say

RETRAINED = mark("AUC, trained again on half")
HEADS = (
    mark("attack"),
    "AUC",
    mark("TPR at 1%"),
    mark("TPR at 10%"),
    mark("AUC, isolated"),
    mark("AUC, 5% copies"),
    mark("TPR at 1%, 5% copies"),
    mark("AUC, independent columns"),
)


def attack_rows(evaluation: Evaluation) -> list[tuple[Any, ...]]:
    """The heads, then by attack its figures, each a value and its interval; no row where the attacks were left out.

    Where the run was trained again on half of its rows, its area is the last column.
    """
    panels = evaluation.details.get("membership")
    if panels is None:
        return []
    again = evaluation.details.get("membership after retraining")
    out: list[tuple[Any, ...]] = [tuple(map(say, HEADS + ((RETRAINED,) if again else ())))]
    for name in panels[SYNTHETIC]:
        own = panels[SYNTHETIC][name]
        shown = [
            *(own["all"][kind] for kind in ("auc", "tpr", "tpr10")),
            own["isolated"]["auc"] if "isolated" in own else None,
            panels[COPIES][name]["all"]["auc"],
            panels[COPIES][name]["all"]["tpr"],
            panels[INDEPENDENT][name]["all"]["auc"],
        ]
        if again:
            shown.append(again[SYNTHETIC][name]["all"]["auc"])
        out.append((say(ATTACKS[name]), *map(_cell, shown)))
    return out


def _cell(found: tuple[float, float, float] | None) -> tuple[str, str]:
    """A value, and its interval in brackets."""
    if found is None:
        return "", ""
    value, low, high = found
    return f"{value:.3f}", say("({low:.3f} to {high:.3f})", low=low, high=high)
