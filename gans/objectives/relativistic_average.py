"""Relativistic averages: the critic compares a row with the mean of the other side."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "relativistic_average")
@dataclass(kw_only=True)
class RelativisticAverage(Objective):
    """D minimises E s+(-(C(x) - E C(g))) + E s+(C(g) - E C(x)); G minimises the same with x and g exchanged.

    RaGAN (Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.2); s+ is softplus. The means are those of the batch.
    """

    per_example: ClassVar[bool] = False

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """How unlikely it looks that real rows are more real than the mean generated one, and the other way round."""
        return _average(real, fake)

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """The same with the roles exchanged."""
        return _average(fake, real)


def _average(above: Float[Array, " batch"], below: Float[Array, " batch"]) -> Float[Array, ""]:
    up, down = above - jnp.mean(below), below - jnp.mean(above)
    return jnp.mean(jax.nn.softplus(-up)) + jnp.mean(jax.nn.softplus(down))
