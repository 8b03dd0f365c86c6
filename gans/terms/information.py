"""The information loss of CTAB-GAN: means and deviations of the critic's features."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.errors import UserError, in_range
from gans.registry import register
from gans.terms.base import Made, Term


@register("term", "information")
@dataclass(kw_only=True)
class Information(Term):
    """weight * (norm(E f(x) - E f(g)) + norm(sd f(x) - sd f(g))), f the last hidden layer of the discriminator.

    Zhao et al. 2022, arXiv:2204.00401, after TableGAN (Park et al. 2018, arXiv:1806.03384).

    Attributes:
        weight: of the cost.
    """

    per_example: ClassVar[bool] = False

    weight: float = 1.0

    def __post_init__(self) -> None:
        in_range("term.information.weight", self.weight, 0)

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cost, its weight included."""
        if made.features is None or made.real_features is None:
            raise UserError("term=[information]: the discriminator of this network shows no features.")
        means = made.real_features.mean(axis=0) - made.features.mean(axis=0)
        deviations = _deviation(made.real_features) - _deviation(made.features)
        return self.weight * (_norm(means) + _norm(deviations))


def _deviation(features: jax.Array) -> jax.Array:
    return jnp.sqrt(features.var(axis=0) + 1e-12)  # a slope at 0


def _norm(gap: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(gap**2) + 1e-12)
