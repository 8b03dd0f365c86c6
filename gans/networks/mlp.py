"""Plain multilayer perceptrons with dropout: the network of the plainest variants."""

from dataclasses import dataclass, field

import flax.linen as nn
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout
from gans.errors import in_range
from gans.networks.base import Network
from gans.networks.conditioning import entering, judged, modulated
from gans.networks.heads import FEATURES, SEEN, RowHead
from gans.networks.layers import dropout, fold
from gans.registry import register


class MLPGenerator(nn.Module):
    """Latent -> 256 -> 512 -> 128 -> row: leaky relu, dropout after the first two layers, a row head at the end.

    Dropout is a part of the generator's noise, so it stays on in sampling (as in Isola et al. 2017, arXiv:1611.07004,
    section 3): the discriminator has judged the distribution with it, and without it the columns come out narrower.
    """

    layout: Layout
    widths: tuple[int, ...]
    dropout: float
    slope: float
    temperature: float
    conditioning: str = "concatenate"

    @nn.compact
    def __call__(
        self,
        latent: Float[Array, "batch latent"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout."""
        h = entering(latent, condition, self.conditioning)
        for place, width in enumerate(self.widths):
            h = nn.leaky_relu(modulated(nn.Dense(width)(h), condition, self.conditioning), self.slope)
            if place < 2:
                h = dropout(h, fold(keys, place), self.dropout, train=True)
        raw = nn.Dense(self.layout.width)(h)
        return RowHead(self.layout, self.temperature)(raw, fold(keys, len(self.widths)), condition)


class MLPDiscriminator(nn.Module):
    """Row -> 256 -> 128 -> logit: leaky relu and dropout after each layer."""

    widths: tuple[int, ...]
    dropout: float
    slope: float
    conditioning: str = "concatenate"
    group: int = 1

    @nn.compact
    def __call__(
        self,
        rows: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> Float[Array, " batch"]:
        """Logits."""
        h = entering(rows, condition, self.conditioning)
        for place, width in enumerate(self.widths):
            h = nn.leaky_relu(modulated(nn.Dense(width)(h), condition, self.conditioning), self.slope)
            h = dropout(h, fold(keys, place), self.dropout, train)
        self.sow(SEEN, FEATURES, h)
        return judged(h, condition, self.conditioning, self.group)


@register("network", "mlp")
@dataclass(kw_only=True)
class MLP(Network):
    """Generator 100-256-512-128-width, discriminator width-256-128-1.

    A logit instead of a sigmoid: the sigmoid is inside the loss. The condition is concatenated to the input of both
    (Mirza & Osindero 2014, arXiv:1411.1784).

    Attributes:
        generator_widths: units of each hidden layer of the generator.
        discriminator_widths: units of each hidden layer of the discriminator.
        generator_dropout: share of the generator's units that are left out at random in training.
        discriminator_dropout: the same of the discriminator.
        slope: of the leaky ReLU below 0.
    """

    generator_widths: list[int] = field(default_factory=lambda: [256, 512, 128])
    discriminator_widths: list[int] = field(default_factory=lambda: [256, 128])
    generator_dropout: float = 0.3
    discriminator_dropout: float = 0.3
    slope: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("generator_widths", "discriminator_widths"):
            for width in getattr(self, key):
                in_range(f"network.{key}", width, 1)
        in_range("network.generator_dropout", self.generator_dropout, 0, 1, open_high=True)
        in_range("network.discriminator_dropout", self.discriminator_dropout, 0, 1, open_high=True)
        in_range("network.slope", self.slope, 0, 1)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        widths = tuple(self.generator_widths)
        return MLPGenerator(layout, widths, self.generator_dropout, self.slope, self.temperature, self.conditioning)

    def discriminator(self, layout: Layout) -> nn.Module:
        """The discriminator."""
        widths = tuple(self.discriminator_widths)
        return MLPDiscriminator(
            widths, self.discriminator_dropout, self.slope, self.discriminator_conditioning, self.group
        )
