"""Matching of first and second moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gans.data.layout import Encoded, Layout
from gans.errors import UserError, in_range
from gans.registry import register
from gans.terms.base import Made, Term

LEAST_DEVIATION = 0.05
ROWS = 8_192
MOST_WIDE = 1_024


@register("term", "moments")
@dataclass(kw_only=True)
class Moments(Term):
    """weight * width * mean((M1 - R) * (M2 - R)), an unbiased estimate of the squared distance of moments.

    M1 and M2 are means and uncentred second moments of the two halves of a batch of generated rows, R those of all
    training rows; features are standardised by the real mean and by the larger of the real standard deviation and
    .05. The square of one difference would be biased towards too little variance. It keeps the masses of modes from
    swinging; a large weight drowns what only the critic sees.

    Of rows wider than 1,024 features the second moments are those of 1,024 random projections on vectors of +-1, whose
    squared distance is that of all second moments in expectation, up to one part in 1,024 and the squared difference of
    traces.

    Attributes:
        weight: at the start.
        final: the last weight as a share of the first, reached along a line.
    """

    per_example: ClassVar[bool] = False

    weight: float = 0.03
    final: float = 1.0

    def __post_init__(self) -> None:
        in_range("term.moments.weight", self.weight, 0)
        in_range("term.moments.final", self.final, 0)

    def fit(
        self, layout: Layout, rows: Encoded, units: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """Mean and scale of the features [width], the first and second moments of the standardised training rows
        [width], [k, k], and the projection [width, k] of wide ones.

        Args:
            units: the mean and the scale that these are standardised by; None for those of these rows.
        """
        parts = [
            tuple(array[start : start + ROWS] for array in (rows.scalars, rows.codes))
            for start in range(0, len(rows.scalars), ROWS)
        ]
        add = jax.jit(lambda scalars, codes: _sums(layout.wide(scalars, codes)))
        total, square = (np.sum(sums, axis=0) for sums in zip(*(_get(add(*part)) for part in parts), strict=True))
        mean, square = total / len(rows.scalars), square / len(rows.scalars)
        if units is None:
            scale = 1 / np.maximum(np.sqrt(np.maximum(square - mean**2, 0)), LEAST_DEVIATION)
            known = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
            known["first"] = np.zeros_like(known["mean"])
        else:
            known = {name: units[name] for name in ("mean", "scale")}
            known["first"] = ((mean - known["mean"]) * known["scale"]).astype(np.float32)
        width = len(mean)
        if width > MOST_WIDE:
            signs = np.random.default_rng(0).integers(0, 2, (width, MOST_WIDE)) * 2 - 1
            known["projection"] = (signs / np.sqrt(MOST_WIDE)).astype(np.float32)
        product = jax.jit(lambda scalars, codes: _product(known, layout.wide(scalars, codes)))
        second = np.sum([_get(product(*part)) for part in parts], axis=0) / len(rows.scalars)
        return known | {"second": second.astype(np.float32)}

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cost, its weight included.

        Raises:
            UserError: a device has one row, which has no halves.
        """
        if len(made.rows) < 2:
            raise UserError("term=moments needs 2 rows or more on each device; trainer.batch_size is too small.")
        rows = (made.rows - known["mean"]) * known["scale"]
        means, seconds = _halves(rows).mean(axis=1), _halves(_projected(known, rows))
        gaps = jnp.einsum("hbi,hbj->hij", seconds, seconds) / seconds.shape[1] - known["second"]
        means = means - known["first"]
        distance = (means[0] * means[1]).sum() + (gaps[0] * gaps[1]).sum()
        weight = self.weight * (1 + (self.final - 1) * progress)
        return weight * distance / (rows.shape[1] + 1)


def _halves(rows: jax.Array) -> jax.Array:
    return rows[: len(rows) // 2 * 2].reshape(2, -1, rows.shape[1])


def _projected(known: Any, rows: jax.Array) -> jax.Array:
    return rows @ known["projection"] if "projection" in known else rows


def _product(known: Any, rows: jax.Array) -> jax.Array:
    rows = _projected(known, (rows - known["mean"]) * known["scale"])
    return rows.T @ rows


def _sums(rows: jax.Array) -> tuple[jax.Array, jax.Array]:
    return rows.sum(axis=0), (rows**2).sum(axis=0)


def _get(arrays: Any) -> Any:
    """On the host in double precision, so that sums over many rows stay exact."""
    return jax.tree.map(lambda array: np.asarray(array, np.float64), jax.device_get(arrays))
