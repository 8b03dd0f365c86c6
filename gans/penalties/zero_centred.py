"""What R1 and R2 share: a zero-centred gradient penalty."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.errors import in_range
from gans.penalties.base import Critic, Penalty


@dataclass(kw_only=True)
class ZeroCentred(Penalty):
    """gamma / 2 * E norm(grad C)^2.

    Attributes:
        name: of the penalty in the configuration.
        gamma: the weight.
        share: the share of the batch on which the mean is taken: an unbiased estimate that costs less.
    """

    name: ClassVar[str]
    gamma: float = 0.5
    share: float = 1.0

    def __post_init__(self) -> None:
        in_range(f"penalty.{self.name}.gamma", self.gamma, 0)
        in_range(f"penalty.{self.name}.share", self.share, 0, 1, open_low=True)

    def cost(
        self,
        critic: Critic,
        rows: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, ""]:
        """The penalty at these rows."""
        count = max(1, round(self.share * rows.shape[0]))
        gradient = jax.grad(lambda some: critic(some, condition[:count], keys[:count]).sum())(rows[:count])
        return self.gamma / 2 * jnp.mean(jnp.sum(gradient**2, axis=-1))
