"""The gradient penalty of WGAN-GP."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.errors import in_range
from gans.penalties.base import Critic, Penalty
from gans.registry import register


@register("penalty", "gradient_penalty")
@dataclass(kw_only=True)
class GradientPenalty(Penalty):
    """weight * E (norm(grad C(xh)) - target)^2 at xh = e x + (1 - e) g, e uniform on [0, 1].

    Gulrajani et al. 2017, arXiv:1704.00028, equation 3 (weight 10, target 1). Any target >= 0; 0 gives the
    zero-centred penalty of Thanh-Tung et al. 2019, arXiv:1902.03984.
    """

    weight: float = 10.0
    target: float = 1.0

    def __post_init__(self) -> None:
        in_range("penalty.gradient_penalty.weight", self.weight, 0)
        in_range("penalty.gradient_penalty.target", self.target, 0)

    def __call__(
        self,
        critic: Critic,
        real: Float[Array, "batch width"],
        fake: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, ""]:
        """The cost, its weight included."""
        mix = jax.vmap(jax.random.uniform)(keys)[:, None]
        between = mix * real + (1 - mix) * fake
        gradient = jax.grad(lambda rows: critic(rows, condition, keys).sum())(between)
        norm = jnp.sqrt(jnp.sum(gradient**2, axis=-1) + 1e-12)
        return self.weight * jnp.mean((norm - self.target) ** 2)
