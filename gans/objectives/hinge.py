"""The hinge loss."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "hinge")
@dataclass(kw_only=True)
class Hinge(Objective):
    """D minimises E relu(1 - C(x)) + E relu(1 + C(g)); G minimises -E C(g).

    Lim & Ye 2017, arXiv:1705.02894, equations 11 and 12: rows that the critic is sure enough of teach it nothing.
    """

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """What is missing to a margin of 1 on both sides."""
        return jnp.mean(jax.nn.relu(1 - real)) + jnp.mean(jax.nn.relu(1 + fake))

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """-E C(g); `real` is not used."""
        return -jnp.mean(fake)
