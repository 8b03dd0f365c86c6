"""What generated rows can be scored by during training: name -> metric.

A metric of one's own is a plain function, in a package whose entry point `gans.plugins` names its module:

    @metric("churn_share", scores={"churn_share_error": -1})
    def churn_share(holdout, synthetic, schema):
        return {"churn_share_error": abs(share(holdout) - share(synthetic))}

Then `trainer.metrics=[fidelity,churn_share]` logs it, and `trainer.best=churn_share_error` chooses the generator by it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gans.data.codecs.images import brightness
from gans.data.schema import Schema
from gans.errors import UserError
from gans.evaluation import distances, published
from gans.evaluation.detection import LEAST_ROWS, Detector
from gans.evaluation.digits import SIZE, digits_network
from gans.evaluation.embedding import points
from gans.evaluation.fidelity import Reference
from gans.evaluation.images import features, kid
from gans.evaluation.inputs import Side, read_sides
from gans.evaluation.manifold import Manifold
from gans.evaluation.mixtures import mode_coverage

Judge = Callable[[pa.Table], dict[str, float]]
Scorer = Callable[[pa.Table, pa.Table, Schema], dict[str, float]]
MOST_ROWS = 2_000


def _of_tables(schema: Schema) -> str:
    return "it looks at columns of single values and not at images" if schema.images else ""


@dataclass(frozen=True)
class Metric:
    """A way to score a generated table.

    Attributes:
        prepare: (held-out rows, schema) -> a function of a generated table that gives its scores by name.
        scores: the names of those scores; 1 where larger is better, -1 where smaller is.
        least: rows that both sides need.
        lacks: why it cannot judge rows of a schema; "" where it can.
    """

    prepare: Callable[[pa.Table, Schema], Judge]
    scores: Mapping[str, int]
    least: int = 1
    lacks: Callable[[Schema], str] = _of_tables


METRICS: dict[str, Metric] = {}


def add_metric(name: str, one: Metric) -> None:
    """Make a metric selectable in trainer.metrics.

    Raises:
        ValueError: a name is taken.
    """
    others = {score for other, known in METRICS.items() for score in known.scores if other != name}
    if taken := others & set(one.scores):
        raise ValueError(f"metric {name}: the score {sorted(taken)[0]} belongs to {metric_of(sorted(taken)[0])}")
    METRICS[name] = one


def metric(
    name: str, scores: Mapping[str, int], least: int = 1, lacks: Callable[[Schema], str] = _of_tables
) -> Callable[[Scorer], Scorer]:
    """Decorator of a function (held-out rows, synthetic rows, schema) -> scores by name.

    Args:
        name: as trainer.metrics names it.
        scores: what it gives; 1 where larger is better, -1 where smaller is.
        least: rows that both sides need.
        lacks: why it cannot judge rows of a schema; "" where it can. Unless given, it judges all but images.

    Raises:
        ValueError: a score's name is taken.
    """

    def decorate(scorer: Scorer) -> Scorer:
        def prepare(holdout: pa.Table, schema: Schema) -> Judge:
            def judge(table: pa.Table) -> dict[str, float]:
                found = scorer(holdout, table, schema)
                if set(found) != set(scores) or not all(math.isfinite(value) for value in found.values()):
                    raise UserError(f"metric {name}: it gave {found}; finite {', '.join(scores)} are due.")
                return {score: float(value) for score, value in found.items()}

            return judge

        add_metric(name, Metric(prepare, scores, least, lacks))
        return scorer

    return decorate


def metric_of(score: str) -> str:
    """The metric that a score belongs to.

    Raises:
        KeyError: no metric gives it.
    """
    for name, one in METRICS.items():
        if score in one.scores:
            return name
    raise KeyError(score)


def _fidelity(holdout: pa.Table, schema: Schema) -> Judge:
    reference = Reference(holdout, schema)
    return lambda table: reference.compare(table).scores()


def _detection(holdout: pa.Table, schema: Schema) -> Judge:
    detector = Detector(holdout, schema)
    return lambda table: {"detection": detector.score(table)}


add_metric("fidelity", Metric(_fidelity, {"score": 1, "column_distance": -1, "pair_distance": -1}))
add_metric("detection", Metric(_detection, {"detection": 1}, LEAST_ROWS))


@metric("published", {"shape_error": -1, "trend_error": -1})
def _published(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> dict[str, float]:
    """Shape and trend errors in percent, as published."""
    real, made = _sides(holdout, synthetic, schema)
    trends = published.trend_errors(real, made)
    return {
        "shape_error": 100 * float(np.mean(list(published.shape_errors(real, made).values()))),
        "trend_error": 100 * float(np.mean(list(trends.values()))) if trends else 0.0,
    }


@metric("distances", {"wasserstein": -1, "jensen_shannon": -1})
def _distances(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> dict[str, float]:
    """Wasserstein and Jensen-Shannon distances of columns."""
    real, made = _sides(holdout, synthetic, schema)
    return {name: getattr(distances, name)(real, made) for name in ("wasserstein", "jensen_shannon")}


@metric("mmd", {"mmd": -1}, least=50)
def _mmd(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> dict[str, float]:
    """The unbiased squared MMD of at most 2,000 rows of each side."""
    real, made = _matrices(holdout, synthetic, schema)
    return {"mmd": distances.Mmd(real)(made)}


MANIFOLD = ("alpha_precision", "beta_recall", "precision", "recall", "coverage")


@metric("manifold", dict.fromkeys(MANIFOLD, 1), least=50)
def _manifold(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> dict[str, float]:
    """Alpha-precision, beta-recall, precision, recall and coverage of at most 2,000 rows of each side."""
    real, made = _matrices(holdout, synthetic, schema)
    rows = min(len(real), len(made))
    manifold = Manifold(real[:rows])
    found = manifold.alpha_beta(made[:rows]) | manifold.precision_recall(made[:rows])
    return {name: found[name] for name in MANIFOLD}


def _of_mixtures(schema: Schema) -> str:
    return "" if schema.mixture else "the modes are known of data=ring and data=grid only"


@metric("modes", {"modes": 1, "high_quality": 1, "reverse_kl": -1}, lacks=_of_mixtures)
def _modes(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> dict[str, float]:
    """How the points cover the modes of a mixture that is known."""
    assert schema.mixture is not None
    points = np.stack([synthetic[column.name].to_numpy() for column in schema.features], axis=1)
    return mode_coverage(points, np.array(schema.mixture["modes"]), schema.mixture["sigma"])


def _of_digits(schema: Schema) -> str:
    there = [column.type.split(", ")[1].rstrip("]") for column in schema.images]
    return "" if there == [f"{SIZE} x {SIZE} x 1"] else f"it knows images of {SIZE} x {SIZE} x 1 pixels only"


def _images(holdout: pa.Table, schema: Schema) -> Judge:
    """FID and KID on the features of the network of the digits."""
    (column,) = schema.images
    network = digits_network()
    real, _ = features(brightness(holdout[column.name], column), network)

    def judge(table: pa.Table) -> dict[str, float]:
        made, _ = features(brightness(table[column.name], column), network)
        return {"fid": distances.frechet(real, made), "kid": kid(real, made)}

    return judge


add_metric("images", Metric(_images, {"fid": -1, "kid": -1}, 100, _of_digits))


def _sides(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> tuple[Side, Side]:
    sides = read_sides(schema, holdout, synthetic).capped
    return sides["real"], sides["synthetic"]


def _matrices(holdout: pa.Table, synthetic: pa.Table, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    real, made = _sides(holdout, synthetic, schema)
    scale = real
    real, made = (side.drawn(min(side.rows, MOST_ROWS), 0) for side in (real, made))
    return points(real, scale).matrix(), points(made, scale).matrix()
