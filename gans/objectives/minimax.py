"""The minimax game of the first GAN."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "minimax")
@dataclass(kw_only=True)
class Minimax(Objective):
    """D minimises E s+(-C(x)) + E s+(C(g)); G minimises -E s+(C(g)), with s+ = softplus.

    Goodfellow et al. 2014, arXiv:1406.2661, equation 1, with D = sigmoid(C). The game as published: the discriminator
    pays nothing else.
    """

    takes: ClassVar[tuple[str, ...] | None] = ()

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """-E log D(x) - E log(1 - D(g))."""
        return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """E log(1 - D(g)); `real` is not used."""
        return -jnp.mean(jax.nn.softplus(fake))
