"""What an evaluation found, as values and as JSON."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gans.evaluation.metrics import PARTS, all_metrics, metric_of


@dataclass
class Score:
    """A value; `low` and `high` bound its interval of 95%, `real` is what held-out real rows have in its place.

    Attributes:
        rows: that it was measured on: synthetic ones, or as `gans.evaluation.metrics.Estimate` has it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None
    rows: int | None = None


@dataclass
class Evaluation:
    """What was found of one synthetic table.

    Attributes:
        level: fast, standard or full.
        rows: of the tables, by name.
        target: the column that models predicted.
        scores: by the names of the registry.
        notes: what was left out, drawn or settled, in sentences.
        details: columns and pairs by error, what gave the rows away, how models were set.
        seconds: by metric.
    """

    level: str
    rows: dict[str, int]
    target: str = ""
    scores: dict[str, Score] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not finite is null."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {" x ".join(key) if isinstance(key, tuple) else key: plain(one) for key, one in value.items()}
            if isinstance(value, (list, tuple)):
                return [plain(one) for one in value]
            if isinstance(value, (float, np.floating)):
                return float(f"{value:.6g}") if math.isfinite(value) else None
            return value.item() if isinstance(value, np.generic) else value

        return plain(
            {
                "level": self.level,
                "rows": self.rows,
                "target": self.target,
                "scores": {name: vars(score) for name, score in self.scores.items()},
                "notes": self.notes,
                "details": self.details,
                "seconds": self.seconds,
            }
        )

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> "Evaluation":
        """What `to_json` gave, as far as it is about scores, rows and details.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        scores = {
            name: Score(**{key: score[key] for key in Score.__dataclass_fields__})
            for name, score in stored["scores"].items()
        }
        return cls(stored["level"], stored["rows"], stored["target"], scores, stored["notes"], stored["details"])


def score_rows(evaluation: Evaluation) -> Iterator[tuple[str, Score]]:
    """The scores in the order in which they are shown: by part, then as the registry has them."""
    known = list(all_metrics().values())
    for part in PARTS:
        for one in known:
            for name, score in evaluation.scores.items():
                if one.part == part and metric_of(name) == one.name:
                    yield name, score
