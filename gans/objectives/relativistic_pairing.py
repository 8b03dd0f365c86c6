"""Relativistic pairing: the critic compares a real with a generated row."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "relativistic_pairing")
@dataclass(kw_only=True)
class RelativisticPairing(Objective):
    """D minimises E softplus(-(C(x) - C(g))), G minimises E softplus(C(x) - C(g)), over pairs (x, g).

    RpGAN (Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1), with penalties R1 and R2 the loss of R3GAN (Huang
    et al. 2024, arXiv:2501.05441, equation 2). The best critic is log p(x) / q(x) up to a constant, as in a model of
    paired comparisons.
    """

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """Minus the mean log-probability that the real row of a pair is told from the generated one."""
        return jnp.mean(jax.nn.softplus(fake - real))

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """The same with the roles exchanged."""
        return jnp.mean(jax.nn.softplus(real - fake))
