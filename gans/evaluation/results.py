"""What an evaluation found, as values and as JSON."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gans.evaluation.measures import MEASURES


@dataclass
class Score:
    """A figure; `low` and `high` bound its interval of 95 %, `real` is what held-out real rows have in its place."""

    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None


@dataclass
class Evaluation:
    """What was found of one synthetic table.

    Attributes:
        level: fast, standard or full.
        rows: of the tables, by name.
        target: the column that models predicted.
        scores: by the names of `gans.evaluation.measures`.
        notes: what was left out, drawn or settled, in sentences.
        details: columns and pairs by error, what gave the rows away, how models were set.
        seconds: by part.
    """

    level: str
    rows: dict[str, int]
    target: str = ""
    scores: dict[str, Score] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, found: tuple[float, float, float] | float, real: float | None = None) -> None:
        """A score with its interval, or without one."""
        value, low, high = found if isinstance(found, tuple) else (found, None, None)
        self.scores[name] = Score(float(value), low, high, real)

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


def score_rows(evaluation: Evaluation) -> Iterator[tuple[str, Score]]:
    """The scores in the order in which they are shown."""
    for kind in MEASURES:
        for name, score in evaluation.scores.items():
            if name.partition("/")[0] == kind:
                yield name, score
