"""Feature matching."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.errors import UserError, in_range
from gans.registry import register
from gans.terms.base import Made, Term


@register("term", "feature_matching")
@dataclass(kw_only=True)
class FeatureMatching(Term):
    """weight * norm(E f(x) - E f(g))^2, f the last hidden layer of the discriminator.

    Salimans et al. 2016, arXiv:1606.03498, section 3.1. Where we differ: it is added to the generator's objective and
    does not replace it.

    Attributes:
        weight: of the cost.
    """

    per_example: ClassVar[bool] = False

    weight: float = 1.0

    def __post_init__(self) -> None:
        in_range("term.feature_matching.weight", self.weight, 0)

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cost, its weight included."""
        if made.features is None or made.real_features is None:
            raise UserError("term=[feature_matching]: the discriminator of this network shows no features.")
        gap = made.real_features.mean(axis=0) - made.features.mean(axis=0)
        return self.weight * jnp.sum(gap**2)
