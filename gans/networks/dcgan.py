"""The convolutional networks of DCGAN, for small images."""

from dataclasses import dataclass
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout
from gans.errors import in_range
from gans.networks.base import Network
from gans.networks.conditioning import entering, judged, modulated
from gans.networks.convolution import Convolution, doubled, halvings, image_of, join_row, other_columns, split_row
from gans.networks.heads import FEATURES, SEEN, RowHead
from gans.networks.layers import fold
from gans.registry import register


class DCGANGenerator(nn.Module):
    """Latent -> smallest image -> doubled and convolved with batch norm until it has its size; other columns from the
    smallest image."""

    layout: Layout
    channels: int
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
        """Rows in the wide form of the layout; batch statistics in training, running ones in sampling."""

        def normal(h: Array) -> Array:
            h = nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)(h)
            return nn.relu(modulated(h, condition, self.conditioning))

        layout, stages = self.layout, halvings(self.layout)
        height, width, channels = image_of(layout)
        high, wide = (-(-side // 2**stages) for side in (height, width))
        most = self.channels * 2 ** (stages - 1)
        h = nn.Dense(high * wide * most)(entering(latent, condition, self.conditioning))
        h = normal(h.reshape(-1, high, wide, most))
        others = other_columns(h.reshape(h.shape[0], -1), layout)
        for stage in reversed(range(stages)):
            last = stage == 0
            h = Convolution(channels if last else self.channels * 2 ** (stage - 1))(doubled(h))
            h = h if last else normal(h)
        return RowHead(layout, self.temperature)(join_row(h, others, layout), fold(keys, 0), condition)


class DCGANDiscriminator(nn.Module):
    """Image -> convolutions with stride two and leaky relu -> logit; other columns join the last features."""

    layout: Layout
    channels: int
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
        h = nn.leaky_relu(Convolution(self.channels)(h), 0.2)
        for stage in range(halvings(self.layout)):
            h = Convolution(self.channels * 2**stage, size=4, stride=2)(h)
            h = nn.leaky_relu(modulated(h, condition, self.conditioning), 0.2)
        flat = entering(jnp.concatenate([h.reshape(h.shape[0], -1), others], axis=-1), condition, self.conditioning)
        h = nn.leaky_relu(nn.Dense(4 * self.channels)(flat), 0.2)
        self.sow(SEEN, FEATURES, h)
        return judged(h, condition, self.conditioning, self.group)


@register("network", "dcgan")
@dataclass(kw_only=True)
class DCGAN(Network):
    """Convolutions for small images (Radford et al. 2015, arXiv:1511.06434), from 8 x 8 pixels on.

    Where we differ: pixels are doubled and then convolved (Odena et al. 2016, "Deconvolution and checkerboard
    artifacts") in place of transposed convolutions; the discriminator has no batch norm, as gradient penalties want
    it, and a hidden layer, at which columns beside the image join.

    Attributes:
        channels: of the largest hidden layer of features; smaller ones have twice as many.
    """

    per_example: ClassVar[bool] = False

    latent: int = 64
    channels: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("network.channels", self.channels, 1)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        image_of(layout)
        return DCGANGenerator(layout, self.channels, self.temperature, self.conditioning)

    def discriminator(self, layout: Layout) -> nn.Module:
        """The discriminator."""
        return DCGANDiscriminator(layout, self.channels, self.discriminator_conditioning, self.group)
