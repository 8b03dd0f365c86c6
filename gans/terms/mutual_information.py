"""The mutual information of InfoGAN."""

from dataclasses import dataclass
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.errors import in_range
from gans.registry import register
from gans.terms.base import HeadTerm, Made, cross_entropy


class CodeHead(nn.Module):
    """Features -> 128 -> logits of categorical codes, means of continuous ones."""

    entries: int
    width: int = 128

    @nn.compact
    def __call__(self, features: Float[Array, "packs features"]) -> Float[Array, "packs entries"]:
        """What Q says of the codes."""
        return nn.Dense(self.entries)(nn.leaky_relu(nn.Dense(self.width)(features), 0.2))


@register("term", "mutual_information")
@dataclass(kw_only=True)
class MutualInformation(HeadTerm):
    """G, and Q with the body that it shares with D, pay -weight * E log Q(c | G(z, c)) up to a constant.

    Chen et al. 2016, arXiv:1606.03657, equation 5: a lower bound of the mutual information of codes and rows. Q of a
    categorical code is a softmax, of a continuous one a Gaussian around its mean. Where we differ: the standard
    deviation of that Gaussian is 1.

    Attributes:
        weight: of the cost.
    """

    conditions: ClassVar[tuple[str, ...] | None] = ("codes",)

    weight: float = 1.0

    def __post_init__(self) -> None:
        in_range("term.mutual_information.weight", self.weight, 0)

    def head(self, layout: Layout, pack: int) -> nn.Module:
        """The network Q on top of the features."""
        return CodeHead(pack * (sum(layout.labels) + layout.continuous))

    def discriminator(
        self,
        layout: Layout,
        real: Float[Array, "batch entries"],
        fake: Float[Array, "batch entries"],
        condition: Float[Array, "batch entries"],
    ) -> Float[Array, ""]:
        """The cost of generated rows; real ones have no code."""
        return self._cost(layout, fake, condition)

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The same cost, for G."""
        assert made.predicted is not None
        return self._cost(layout, made.predicted, made.condition)

    def _cost(self, layout: Layout, predicted: Array, condition: Array) -> Array:
        labels = sum(layout.labels)
        squares = jnp.sum((predicted[:, labels:] - condition[:, labels:]) ** 2, axis=-1)
        return self.weight * (cross_entropy(layout, predicted, condition) + jnp.mean(squares) / 2)
