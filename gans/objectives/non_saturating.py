"""The non-saturating loss of the first GAN."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "non_saturating")
@dataclass(kw_only=True)
class NonSaturating(Objective):
    """D minimises E s+(-C(x)) + E s+(C(g)); G minimises E s+(-C(g)), with s+ = softplus.

    Goodfellow et al. 2014, arXiv:1406.2661, section 3: the same fixed point as minimax, with a strong gradient early
    on.
    """

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """-E log D(x) - E log(1 - D(g))."""
        return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """-E log D(g); `real` is not used."""
        return jnp.mean(jax.nn.softplus(-fake))
