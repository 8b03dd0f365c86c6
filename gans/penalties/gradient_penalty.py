"""The gradient penalty of WGAN-GP."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.errors import in_range, one_of
from gans.penalties.base import Critic, Penalty
from gans.registry import register


@register("penalty", "gradient_penalty")
@dataclass(kw_only=True)
class GradientPenalty(Penalty):
    """weight * E (norm(grad C(xh)) - target)^2 at xh = e x + (1 - e) g, e uniform on [0, 1], or on their arc.

    Gulrajani et al. 2017, arXiv:1704.00028, equation 3 (weight 10, target 1). Any target >= 0; 0 gives the
    zero-centred penalty of Thanh-Tung et al. 2019, arXiv:1902.03984.

    Attributes:
        weight: of the penalty.
        target: the norm of the gradient that costs nothing.
        interpolates: linear; or spherical, sin(e w) / sin(w) x + sin((1 - e) w) / sin(w) g for an angle w between x
            and g (Shoemake 1985), as in CTAB-GAN+ (Zhao et al. 2022, arXiv:2204.00401).
    """

    weight: float = 10.0
    target: float = 1.0
    interpolates: str = "linear"

    def __post_init__(self) -> None:
        in_range("penalty.gradient_penalty.weight", self.weight, 0)
        in_range("penalty.gradient_penalty.target", self.target, 0)
        one_of("penalty.gradient_penalty.interpolates", self.interpolates, ("linear", "spherical"))

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
        shares = (mix, 1 - mix) if self.interpolates == "linear" else _arc(real, fake, mix)
        between = shares[0] * real + shares[1] * fake
        return self.weight * norm_cost(critic, between, condition, keys, self.target)


def norm_cost(
    critic: Critic,
    rows: Float[Array, "batch width"],
    condition: Float[Array, "batch condition"],
    keys: Key[Array, " batch"],
    target: float,
) -> Float[Array, ""]:
    """E (norm(grad C) - target)^2 at these rows."""
    gradient = jax.grad(lambda rows: critic(rows, condition, keys).sum())(rows)
    norm = jnp.sqrt(jnp.sum(gradient**2, axis=-1) + 1e-12)
    return jnp.mean((norm - target) ** 2)


def _arc(
    real: Float[Array, "batch width"], fake: Float[Array, "batch width"], mix: Float[Array, "batch 1"]
) -> tuple[Array, Array]:
    """The shares [batch, 1] of both in a point on the arc between them; on the line where they have one direction."""
    lengths = jnp.linalg.norm(real, axis=-1) * jnp.linalg.norm(fake, axis=-1)
    cosine = jnp.sum(real * fake, axis=-1) / jnp.maximum(lengths, 1e-12)
    angle = jnp.arccos(jnp.clip(cosine, -0.9999, 0.9999))[:, None]
    near = cosine[:, None] > 0.9999
    real_share, fake_share = (jnp.sin(share * angle) / jnp.sin(angle) for share in (mix, 1 - mix))
    return jnp.where(near, mix, real_share), jnp.where(near, 1 - mix, fake_share)
