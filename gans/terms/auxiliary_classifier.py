"""The classifier of AC-GAN."""

from dataclasses import dataclass
from typing import Any, ClassVar

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.errors import in_range
from gans.registry import register
from gans.terms.base import HeadTerm, Made, cross_entropy


@register("term", "auxiliary_classifier")
@dataclass(kw_only=True)
class AuxiliaryClassifier(HeadTerm):
    """D pays weight * (CE(P(c | x), c) + CE(P(c | g), c)), G pays weight * CE(P(c | g), c).

    Odena et al. 2016, arXiv:1610.09585, equations 2 and 3: P is a linear layer on the discriminator's features. The
    cross entropies of several labels are added.

    Attributes:
        weight: of the cost.
    """

    conditions: ClassVar[tuple[str, ...] | None] = ("labels", "training_by_sampling")

    weight: float = 1.0

    def __post_init__(self) -> None:
        in_range("term.auxiliary_classifier.weight", self.weight, 0)

    def head(self, layout: Layout, pack: int) -> nn.Module:
        """A linear layer."""
        return nn.Dense(pack * sum(layout.labels))

    def discriminator(
        self,
        layout: Layout,
        real: Float[Array, "batch entries"],
        fake: Float[Array, "batch entries"],
        condition: Float[Array, "batch entries"],
    ) -> Float[Array, ""]:
        """Both cross entropies."""
        return self.weight * (cross_entropy(layout, real, condition) + cross_entropy(layout, fake, condition))

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cross entropy of generated rows."""
        assert made.predicted is not None
        return self.weight * cross_entropy(layout, made.predicted, made.condition)
