"""How well points cover a mixture of Gaussians whose modes are known."""

import numpy as np

from gans.data.schema import Schema
from gans.evaluation.inputs import Tables
from gans.evaluation.metrics import HIGHER, LOWER, Meaning, metric

WITHIN = 3.0


def mode_coverage(points: np.ndarray, modes: np.ndarray, sigma: float) -> dict[str, float]:
    """modes, high_quality and reverse_kl of points [rows, dimensions] for equally likely modes [modes, dimensions].

    A point is of high quality within three standard deviations (Euclidean) of its nearest mode; a mode is covered by
    one such point; reverse KL is that of the shares of the modes among all points, each counted at its nearest mode,
    to equal shares, in nats. Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761) and table 1 of Lin et al. 2017
    (PacGAN,
    arXiv:1712.04086).

    Raises:
        ValueError: there are no points.
    """
    if not len(points):
        raise ValueError("no points: nothing can be said of their modes")
    apart = np.linalg.norm(points[:, None] - modes[None], axis=-1)
    nearest = apart.argmin(axis=1)
    good = apart.min(axis=1) <= WITHIN * sigma
    shares = np.bincount(nearest, minlength=len(modes)) / len(points)
    there = shares[shares > 0]
    return {
        "modes": float(len(np.unique(nearest[good]))),
        "high_quality": float(good.mean()),
        "reverse_kl": float((there * np.log(there * len(modes))).sum()),
    }


def _of_mixtures(schema: Schema) -> str:
    return "" if schema.mixture else "the modes are known of data=ring and data=grid only"


@metric(
    "modes",
    {
        "modes": Meaning("modes that are covered", HIGHER),
        "high_quality": Meaning("share of points within three standard deviations of a mode", HIGHER),
        "reverse_kl": Meaning("reverse KL of the shares of the modes, nats", LOWER),
    },
    lacks=_of_mixtures,
)
def modes(tables: Tables, rows: int | None) -> dict[str, float]:
    """How the points cover the modes of a mixture that is known."""
    mixture, table = tables.schema.mixture, tables.head("synthetic", rows)
    assert mixture is not None
    points = np.stack([table[column.name].to_numpy() for column in tables.schema.features], axis=1)
    return mode_coverage(points, np.array(mixture["modes"]), mixture["sigma"])
