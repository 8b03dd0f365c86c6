"""What a network component gives."""

from dataclasses import dataclass
from typing import ClassVar

import flax.linen as nn

from gans.data.layout import Layout
from gans.errors import in_range, one_of
from gans.networks.conditioning import DISCRIMINATOR, GENERATOR

PRIORS = ("normal", "uniform")


@dataclass(kw_only=True)
class Network:
    """A generator and a discriminator.

    Attributes:
        per_example: whether a generated row depends on its own latent only; not so with batch norm.
        takes_condition: whether the generator can be given anything.
        latent: width of the latent vector.
        prior: of each latent: normal, the standard one, or uniform on [-1, 1].
        temperature: of the Gumbel-softmax of categories.
        pack: how many rows the discriminator sees side by side (PacGAN, Lin et al. 2017, arXiv:1712.04086).
        spectral_norm: divide each kernel of the discriminator by its largest singular value (Miyato et al. 2018,
            arXiv:1802.05957).
        group: packs of a batch whose deviation the discriminator sees beside their features; 1 for none.
        conditioning: how the condition enters the generator: concatenate to the latent, or film, a scale and a shift of
            hidden features.
        discriminator_conditioning: how it enters the discriminator: concatenate, film, projection on the last
            features, or none, as a term wants it whose head has to tell the condition.
    """

    per_example: ClassVar[bool] = True
    takes_condition: ClassVar[bool] = True

    latent: int = 100
    prior: str = "normal"
    temperature: float = 1.0
    pack: int = 1
    spectral_norm: bool = False
    group: int = 1
    conditioning: str = "concatenate"
    discriminator_conditioning: str = "concatenate"

    def __post_init__(self) -> None:
        in_range("network.latent", self.latent, 1)
        one_of("network.prior", self.prior, PRIORS)
        in_range("network.pack", self.pack, 1)
        in_range("network.group", self.group, 1)
        one_of("network.conditioning", self.conditioning, GENERATOR)
        one_of("network.discriminator_conditioning", self.discriminator_conditioning, DISCRIMINATOR)
        in_range("network.temperature", self.temperature, 0, open_low=True)

    @property
    def together(self) -> int:
        """Rows that the discriminator looks at together: they are computed on one device."""
        return self.pack * self.group

    def generator(self, layout: Layout) -> nn.Module:
        """The module (latent, condition, keys, train) -> rows [batch, layout.width]."""
        raise NotImplementedError(f"{type(self).__name__} has no generator")

    def discriminator(self, layout: Layout) -> nn.Module:
        """The module (rows, condition, keys, train) -> logits [batch] for packs of rows of this layout."""
        raise NotImplementedError(f"{type(self).__name__} has no discriminator")
