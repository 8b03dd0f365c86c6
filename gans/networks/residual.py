"""Residual multilayer perceptrons without normalisation."""

from dataclasses import dataclass

import flax.linen as nn
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout
from gans.errors import in_range, one_of
from gans.networks.base import Network
from gans.networks.conditioning import entering, judged, modulated
from gans.networks.heads import FEATURES, SEEN, CoupledHead, RowHead
from gans.networks.layers import fold
from gans.registry import register

HEADS = ("plain", "coupled")


class ResidualTrunk(nn.Module):
    """Inputs -> [batch, width]: a linear layer, then blocks h + W2 act(W1 act(h)) whose W2 starts at zero."""

    width: int
    blocks: int
    slope: float
    conditioning: str

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "batch inputs"], condition: Float[Array, "batch condition"]
    ) -> Float[Array, "batch width"]:
        """Features after the last activation."""
        h = nn.Dense(self.width)(entering(inputs, condition, self.conditioning))
        for _ in range(self.blocks):
            inner = nn.Dense(self.width)(nn.leaky_relu(h, self.slope))
            inner = modulated(inner, condition, self.conditioning)
            h = h + nn.Dense(self.width, kernel_init=nn.initializers.zeros)(nn.leaky_relu(inner, self.slope))
        return nn.leaky_relu(h, self.slope)


class ResidualGenerator(nn.Module):
    """A residual trunk and a row head."""

    layout: Layout
    width: int
    blocks: int
    slope: float
    temperature: float
    head: str
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
        h = ResidualTrunk(self.width, self.blocks, self.slope, self.conditioning)(latent, condition)
        if self.head == "coupled":
            return CoupledHead(self.layout, self.width, self.slope, self.temperature)(h, fold(keys, 0), condition)
        return RowHead(self.layout, self.temperature)(nn.Dense(self.layout.width)(h), fold(keys, 0), condition)


class ResidualDiscriminator(nn.Module):
    """A residual trunk and a linear logit."""

    width: int
    blocks: int
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
        h = ResidualTrunk(self.width, self.blocks, self.slope, self.conditioning)(rows, condition)
        self.sow(SEEN, FEATURES, h)
        return judged(h, condition, self.conditioning, self.group)


@register("network", "residual")
@dataclass(kw_only=True)
class Residual(Network):
    """Equal width and depth, no dropout, no normalisation (after R3GAN, Huang et al. 2024, arXiv:2501.05441).

    Attributes:
        width: units of a block, of the generator and of the discriminator unless it has its own.
        blocks: residual blocks, likewise.
        slope: of the leaky ReLU below 0.
        discriminator_width: of the discriminator; null for the same.
        discriminator_blocks: of the discriminator; null for the same.
        head: how the generator draws categories: plain, each by itself, or coupled, one after another.
    """

    latent: int = 64
    width: int = 256
    blocks: int = 2
    slope: float = 0.2
    discriminator_width: int | None = None
    discriminator_blocks: int | None = None
    head: str = "plain"

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("network.width", self.width, 1)
        in_range("network.blocks", self.blocks, 0)
        in_range("network.slope", self.slope, 0, 1)
        if self.discriminator_width is not None:
            in_range("network.discriminator_width", self.discriminator_width, 1)
        if self.discriminator_blocks is not None:
            in_range("network.discriminator_blocks", self.discriminator_blocks, 0)
        one_of("network.head", self.head, HEADS)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        return ResidualGenerator(
            layout, self.width, self.blocks, self.slope, self.temperature, self.head, self.conditioning
        )

    def discriminator(self, layout: Layout) -> nn.Module:
        """The discriminator."""
        width = self.width if self.discriminator_width is None else self.discriminator_width
        blocks = self.blocks if self.discriminator_blocks is None else self.discriminator_blocks
        return ResidualDiscriminator(width, blocks, self.slope, self.discriminator_conditioning, self.group)
