"""The perceptrons of the toy mixtures: batch norm in the generator, maxout in the discriminator."""

from dataclasses import dataclass, field
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout
from gans.errors import in_range
from gans.networks.base import Network
from gans.networks.conditioning import entering, judged, modulated
from gans.networks.heads import FEATURES, SEEN, RowHead
from gans.networks.layers import fold
from gans.registry import register


class NormalisedGenerator(nn.Module):
    """Layers relu(batch norm(W h)), then a row head."""

    layout: Layout
    widths: tuple[int, ...]
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
        h = entering(latent, condition, self.conditioning)
        for width in self.widths:
            h = nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)(nn.Dense(width)(h))
            h = nn.relu(modulated(h, condition, self.conditioning))
        return RowHead(self.layout, self.temperature)(nn.Dense(self.layout.width)(h), fold(keys, 0), condition)


class MaxoutDiscriminator(nn.Module):
    """Layers of maxout units, each the largest of several linear pieces (Goodfellow et al. 2013, arXiv:1302.4389)."""

    widths: tuple[int, ...]
    pieces: int
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
        h = entering(rows, condition, self.conditioning)
        for width in self.widths:
            pieces = nn.Dense(width * self.pieces)(h).reshape(h.shape[0], self.pieces, width)
            h = modulated(jnp.max(pieces, axis=1), condition, self.conditioning)
        self.sow(SEEN, FEATURES, h)
        return judged(h, condition, self.conditioning, self.group)


@register("network", "maxout")
@dataclass(kw_only=True)
class Maxout(Network):
    """Four layers of 400 in the generator, three of 200 maxout units with five pieces in the discriminator.

    The networks of the toy mixtures of PacGAN (Lin et al. 2017, arXiv:1712.04086) and VEEGAN.

    Attributes:
        generator_widths: units of each hidden layer of the generator.
        discriminator_widths: units of each hidden layer of the discriminator.
        pieces: linear pieces of a unit, of which it is the largest.
    """

    per_example: ClassVar[bool] = False

    latent: int = 2
    generator_widths: list[int] = field(default_factory=lambda: [400, 400, 400, 400])
    discriminator_widths: list[int] = field(default_factory=lambda: [200, 200, 200])
    pieces: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("generator_widths", "discriminator_widths"):
            for width in getattr(self, key):
                in_range(f"network.{key}", width, 1)
        in_range("network.pieces", self.pieces, 1)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        return NormalisedGenerator(layout, tuple(self.generator_widths), self.temperature, self.conditioning)

    def discriminator(self, layout: Layout) -> nn.Module:
        """The discriminator."""
        widths = tuple(self.discriminator_widths)
        return MaxoutDiscriminator(widths, self.pieces, self.discriminator_conditioning, self.group)
