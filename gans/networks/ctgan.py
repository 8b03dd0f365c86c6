"""The networks of CTGAN."""

from dataclasses import dataclass, field
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout
from gans.errors import in_range
from gans.networks.base import Network
from gans.networks.conditioning import entering, modulated
from gans.networks.heads import RowHead
from gans.networks.layers import fold
from gans.networks.mlp import MLPDiscriminator
from gans.registry import register


class CTGANGenerator(nn.Module):
    """Blocks h -> [relu(batch norm(W h)), h], then a row head."""

    layout: Layout
    widths: tuple[int, ...]
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
        """Rows in the wide form of the layout; batch statistics in training, running ones in sampling."""
        h = entering(latent, condition, self.conditioning)
        for width in self.widths:
            normal = nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5)(nn.Dense(width)(h))
            h = jnp.concatenate([nn.relu(modulated(normal, condition, self.conditioning)), h], axis=-1)
        return RowHead(self.layout, self.temperature)(nn.Dense(self.layout.width)(h), fold(keys, 0), condition)


@register("network", "ctgan")
@dataclass(kw_only=True)
class CTGAN(Network):
    """Generator of concatenating blocks with batch norm, discriminator on packs of ten rows with dropout .5.

    Xu et al. 2019, arXiv:1907.00503, section 4.4. Where we differ: categories are hard one-hots (straight-through), and
    sampling uses running statistics, not those of the sampled batch.

    Attributes:
        generator_widths: units of each block of the generator.
        discriminator_widths: units of each hidden layer of the discriminator.
        dropout: share of the discriminator's units that are left out at random in training.
    """

    per_example: ClassVar[bool] = False

    latent: int = 128
    temperature: float = 0.2
    pack: int = 10
    generator_widths: list[int] = field(default_factory=lambda: [256, 256])
    discriminator_widths: list[int] = field(default_factory=lambda: [256, 256])
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("generator_widths", "discriminator_widths"):
            for width in getattr(self, key):
                in_range(f"network.{key}", width, 1)
        in_range("network.dropout", self.dropout, 0, 1, open_high=True)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        return CTGANGenerator(layout, tuple(self.generator_widths), self.temperature, self.conditioning)

    def discriminator(self, layout: Layout) -> nn.Module:
        """The discriminator."""
        widths = tuple(self.discriminator_widths)
        return MLPDiscriminator(widths, self.dropout, 0.2, self.discriminator_conditioning, self.group)
