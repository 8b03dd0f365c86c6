"""The Wasserstein-1 distance by its dual."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "wasserstein")
@dataclass(kw_only=True)
class Wasserstein(Objective):
    """The critic minimises E C(g) - E C(x); G minimises -E C(g).

    Arjovsky et al. 2017, arXiv:1701.07875, equation 2; the critic must be kept Lipschitz: by a gradient penalty
    (Gulrajani et al. 2017, arXiv:1704.00028) by clipped parameters, or by spectral normalisation.
    """

    needs: ClassVar[tuple[str, ...]] = ("gradient_penalty", "optimizer.clip", "network.spectral_norm")

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """Minus the estimate of the distance."""
        return jnp.mean(fake) - jnp.mean(real)

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """-E C(g); `real` is not used."""
        return -jnp.mean(fake)
