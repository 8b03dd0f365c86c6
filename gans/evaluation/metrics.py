"""What generated rows can be scored by during training: name -> metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from gans.data.schema import Schema
from gans.evaluation.detection import LEAST_ROWS, Detector
from gans.evaluation.fidelity import Reference

Judge = Callable[[pa.Table], dict[str, float]]


@dataclass(frozen=True)
class Metric:
    """A way to score a generated table.

    Attributes:
        prepare: (held-out rows, schema) -> a function of a generated table that gives its scores by name.
        scores: the names of those scores; 1 where larger is better, -1 where smaller is.
        least: rows that both sides need.
    """

    prepare: Callable[[pa.Table, Schema], Judge]
    scores: Mapping[str, int]
    least: int = 1


def _fidelity(holdout: pa.Table, schema: Schema) -> Judge:
    reference = Reference(holdout, schema)
    return lambda table: reference.compare(table).scores()


def _detection(holdout: pa.Table, schema: Schema) -> Judge:
    detector = Detector(holdout, schema)
    return lambda table: {"detection": detector.score(table)}


METRICS = {
    "fidelity": Metric(_fidelity, {"score": 1, "column_distance": -1, "pair_distance": -1}),
    "detection": Metric(_detection, {"detection": 1}, LEAST_ROWS),
}


def metric_of(score: str) -> str:
    """The metric that a score belongs to.

    Raises:
        KeyError: no metric gives it.
    """
    for name, metric in METRICS.items():
        if score in metric.scores:
            return name
    raise KeyError(score)
