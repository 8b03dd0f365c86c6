"""What a penalty gives."""

from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Array, Float, Key


class Critic(Protocol):
    """The discriminator closed over its parameters."""

    def __call__(
        self,
        rows: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, " batch"]:
        """Logits."""
        ...


@dataclass(kw_only=True)
class Penalty:
    """A non-negative cost of the critic on a batch."""

    def __call__(
        self,
        critic: Critic,
        real: Float[Array, "batch width"],
        fake: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, ""]:
        """The cost, its weight included."""
        raise NotImplementedError(f"{type(self).__name__} has no cost")
