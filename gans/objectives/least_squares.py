"""The least-squares loss."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.errors import in_range
from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "least_squares")
@dataclass(kw_only=True)
class LeastSquares(Objective):
    """D minimises 1/2 E (C(x) - real)^2 + 1/2 E (C(g) - fake)^2; G minimises 1/2 E (C(g) - goal)^2.

    LSGAN (Mao et al. 2016, arXiv:1611.04076, equation 9). With goal = real = 1 and fake = 0 generated rows are drawn to
    where real ones are; with (real, fake, goal) = (1, -1, 0) the Pearson chi-squared divergence is minimised.

    Attributes:
        real: what the critic should give for real rows.
        fake: what it should give for generated rows.
        goal: what the generator wants it to give for these.
    """

    real: float = 1.0
    fake: float = 0.0
    goal: float = 1.0

    def __post_init__(self) -> None:
        for key in ("real", "goal"):
            in_range(f"objective.{key}", getattr(self, key), self.fake, open_low=True)

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """Half the squared distances to the two labels."""
        return (jnp.mean((real - self.real) ** 2) + jnp.mean((fake - self.fake) ** 2)) / 2

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """Half the squared distance to the goal; `real` is not used."""
        return jnp.mean((fake - self.goal) ** 2) / 2
