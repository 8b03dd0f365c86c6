"""Residual convolutional networks without normalisation, for small images."""

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout
from gans.errors import in_range
from gans.networks.base import Network
from gans.networks.conditioning import entering, judged, modulated
from gans.networks.convolution import (
    Convolution,
    doubled,
    halved,
    halvings,
    image_of,
    join_row,
    other_columns,
    split_row,
)
from gans.networks.heads import FEATURES, SEEN, RowHead
from gans.networks.layers import fold
from gans.registry import register

SLOPE = 0.2


class ConvolutionBlock(nn.Module):
    """h + W2 act(W1 act(h)), convolutions whose W2 starts at zero."""

    channels: int
    conditioning: str

    @nn.compact
    def __call__(
        self, h: Float[Array, "batch height width channels"], condition: Float[Array, "batch condition"]
    ) -> Float[Array, "batch height width channels"]:
        """Features of the same shape."""
        inner = Convolution(self.channels)(nn.leaky_relu(h, SLOPE))
        inner = nn.leaky_relu(modulated(inner, condition, self.conditioning), SLOPE)
        return h + Convolution(self.channels, kernel_init=nn.initializers.zeros)(inner)


class ResidualConvGenerator(nn.Module):
    """Latent -> smallest image -> blocks, doubled between them; other columns from the smallest image."""

    layout: Layout
    channels: int
    blocks: int
    temperature: float
    conditioning: str

    @nn.compact
    def __call__(
        self,
        latent: Float[Array, "batch latent"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout."""
        layout, stages = self.layout, halvings(self.layout)
        height, width, channels = image_of(layout)
        high, wide = (-(-side // 2**stages) for side in (height, width))
        h = nn.Dense(high * wide * self.channels)(entering(latent, condition, self.conditioning))
        others = other_columns(nn.leaky_relu(h, SLOPE), layout)
        h = h.reshape(-1, high, wide, self.channels)
        for stage in range(stages + 1):
            h = doubled(h) if stage else h
            for _ in range(self.blocks):
                h = ConvolutionBlock(self.channels, self.conditioning)(h, condition)
        h = Convolution(channels)(nn.leaky_relu(h, SLOPE))
        return RowHead(layout, self.temperature)(join_row(h, others, layout), fold(keys, 0), condition)


class ResidualConvDiscriminator(nn.Module):
    """Image -> blocks, halved between them -> logit; other columns join the last features."""

    layout: Layout
    channels: int
    blocks: int
    conditioning: str
    group: int

    @nn.compact
    def __call__(
        self,
        rows: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> Float[Array, " batch"]:
        """Logits."""
        h, others = split_row(rows, self.layout)
        h = Convolution(self.channels)(h)
        for stage in range(halvings(self.layout) + 1):
            h = halved(h) if stage else h
            for _ in range(self.blocks):
                h = ConvolutionBlock(self.channels, self.conditioning)(h, condition)
        flat = nn.leaky_relu(h, SLOPE).reshape(h.shape[0], -1)
        flat = entering(jnp.concatenate([flat, others], axis=-1), condition, self.conditioning)
        h = nn.leaky_relu(nn.Dense(4 * self.channels)(flat), SLOPE)
        self.sow(SEEN, FEATURES, h)
        return judged(h, condition, self.conditioning, self.group)


@register("network", "residual_conv")
@dataclass(kw_only=True)
class ResidualConv(Network):
    """Residual convolutions, equal channels and depth in both (after R3GAN, Huang et al. 2024, arXiv:2501.05441).

    Where we differ: plain convolutions in place of grouped ones, one width at all sizes.

    Attributes:
        channels: of all hidden layers.
        blocks: at each size of the image.
    """

    latent: int = 64
    channels: int = 32
    blocks: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("network.channels", self.channels, 1)
        in_range("network.blocks", self.blocks, 0)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        image_of(layout)
        return ResidualConvGenerator(layout, self.channels, self.blocks, self.temperature, self.conditioning)

    def discriminator(self, layout: Layout) -> nn.Module:
        """The discriminator."""
        return ResidualConvDiscriminator(
            layout, self.channels, self.blocks, self.discriminator_conditioning, self.group
        )
