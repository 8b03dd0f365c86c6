"""R1: the gradient penalty on real rows."""

from dataclasses import dataclass

from jaxtyping import Array, Float, Key

from gans.penalties.base import Critic
from gans.penalties.zero_centred import ZeroCentred
from gans.registry import register


@register("penalty", "r1")
@dataclass(kw_only=True)
class R1(ZeroCentred):
    """On real rows (Mescheder et al. 2018, arXiv:1801.04406, equation 9)."""

    name = "r1"

    def __call__(
        self,
        critic: Critic,
        real: Float[Array, "batch width"],
        fake: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, ""]:
        """The cost, its weight included."""
        return self.cost(critic, real, condition, keys)
