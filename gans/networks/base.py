"""What a network component gives."""

from dataclasses import dataclass

import flax.linen as nn

from gans.data.layout import Layout
from gans.errors import in_range


@dataclass(kw_only=True)
class Network:
    """A generator and a discriminator.

    Attributes:
        latent: width of the standard normal latent vector.
        temperature: of the Gumbel-softmax of categories.
    """

    latent: int = 100
    temperature: float = 1.0

    def __post_init__(self) -> None:
        in_range("network.latent", self.latent, 1)
        in_range("network.temperature", self.temperature, 0, open_low=True)

    def generator(self, layout: Layout) -> nn.Module:
        """The module (latent, condition, keys, train) -> rows [batch, layout.width]."""
        raise NotImplementedError(f"{type(self).__name__} has no generator")

    def discriminator(self) -> nn.Module:
        """The module (rows, condition, keys, train) -> logits [batch]."""
        raise NotImplementedError(f"{type(self).__name__} has no discriminator")
