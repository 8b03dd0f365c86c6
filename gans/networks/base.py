"""What a network component gives."""

from dataclasses import dataclass
from typing import ClassVar

import flax.linen as nn

from gans.data.layout import Layout
from gans.errors import in_range


@dataclass(kw_only=True)
class Network:
    """A generator and a discriminator.

    Attributes:
        per_example: whether a generated row depends on its own latent only; not so with batch norm.
        latent: width of the standard normal latent vector.
        temperature: of the Gumbel-softmax of categories.
        pack: how many rows the discriminator sees side by side (PacGAN, Lin et al. 2017, arXiv:1712.04086).
        spectral_norm: divide each kernel of the discriminator by its largest singular value (Miyato et al. 2018,
            arXiv:1802.05957).
    """

    per_example: ClassVar[bool] = True

    latent: int = 100
    temperature: float = 1.0
    pack: int = 1
    spectral_norm: bool = False

    def __post_init__(self) -> None:
        in_range("network.latent", self.latent, 1)
        in_range("network.pack", self.pack, 1)
        in_range("network.temperature", self.temperature, 0, open_low=True)

    def generator(self, layout: Layout) -> nn.Module:
        """The module (latent, condition, keys, train) -> rows [batch, layout.width]."""
        raise NotImplementedError(f"{type(self).__name__} has no generator")

    def discriminator(self) -> nn.Module:
        """The module (rows, condition, keys, train) -> logits [batch]."""
        raise NotImplementedError(f"{type(self).__name__} has no discriminator")
