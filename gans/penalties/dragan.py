"""The gradient penalty of DRAGAN."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.errors import in_range
from gans.penalties.base import Critic, Penalty
from gans.penalties.gradient_penalty import norm_cost
from gans.registry import register


@register("penalty", "dragan")
@dataclass(kw_only=True)
class Dragan(Penalty):
    """weight * E (norm(grad C(x + d)) - target)^2, d = spread * std(x) * u, u uniform on [0, 1] in every column.

    Kodali et al. 2017, arXiv:1705.07215, section 2.3, with the noise of their code: std(x) is that of all entries of
    the batch of real rows. About real rows only, so the generator's rows cost no second look.

    Attributes:
        weight: of the penalty.
        target: the norm of the gradient that costs nothing.
        spread: how far about the real rows, in their standard deviation.
    """

    weight: float = 10.0
    target: float = 1.0
    spread: float = 0.5

    def __post_init__(self) -> None:
        for key in ("weight", "target", "spread"):
            in_range(f"penalty.dragan.{key}", getattr(self, key), 0)

    def __call__(
        self,
        critic: Critic,
        real: Float[Array, "batch width"],
        fake: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, ""]:
        """The cost, its weight included; `fake` is not used."""
        noise = jax.vmap(lambda key: jax.random.uniform(key, real.shape[1:]))(keys)
        about = real + self.spread * jnp.std(real) * noise
        return self.weight * norm_cost(critic, about, condition, keys, self.target)
