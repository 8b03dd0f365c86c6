"""The attacks on membership as a table: on the synthetic rows, and on the two tables whose answer is known."""

from typing import Any

from gans.evaluation.membership import ATTACKS, COPIES, INDEPENDENT, SYNTHETIC
from gans.evaluation.results import Evaluation, Score
from gans.findings.sentence import ranged

RETRAINED = "trained again on half"
HEADS = ("attack", "AUC", "TPR at 1 %", "TPR at 10 %", "AUC, isolated", "AUC, 5 % copies", "TPR at 1 %, 5 % copies",
         "AUC, independent columns")  # fmt: skip


def attack_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """The heads, then by attack its figures as texts; no row where the attacks were left out.

    Where the run was trained again on half of its rows, its area is the last column.
    """
    panels = evaluation.details.get("membership")
    if panels is None:
        return []
    again = evaluation.details.get("membership after retraining")
    out: list[tuple[str, ...]] = [HEADS + ((f"AUC, {RETRAINED}",) if again else ())]
    for name in panels[SYNTHETIC]:
        own = panels[SYNTHETIC][name]
        row = [
            ATTACKS[name],
            *(_shown(own["all"][kind]) for kind in ("auc", "tpr", "tpr10")),
            _shown(own["isolated"]["auc"]) if "isolated" in own else "",
            _shown(panels[COPIES][name]["all"]["auc"]),
            _shown(panels[COPIES][name]["all"]["tpr"]),
            _shown(panels[INDEPENDENT][name]["all"]["auc"]),
        ]
        if again:
            row.append(_shown(again[SYNTHETIC][name]["all"]["auc"]))
        out.append(tuple(row))
    return out


def _shown(interval: Any) -> str:
    return ranged(Score(*interval))
