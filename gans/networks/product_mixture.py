"""A mixture of products: what the generator of private marginals is."""

from dataclasses import dataclass, field
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from gans.data.layout import Layout
from gans.errors import in_range
from gans.networks.heads import anywhere_in_bins, draw_categories
from gans.networks.mlp import MLP
from gans.registry import register

INPUTS = 0  # the key of the fixed inputs: part of the network, not of a run


class ProductMixture(nn.Module):
    """Rows [batch, width], each from one of several products of categorical distributions.

    The inputs of the components are fixed, so that the probability of levels together is a mean over components of
    products, without sampling. A number lies anywhere within the bin that is drawn.
    """

    layout: Layout
    components: int
    latent: int
    widths: tuple[int, ...]

    def setup(self) -> None:
        """The layers, which both methods share."""
        self.hidden = [nn.Dense(width) for width in self.widths]
        self.out = nn.Dense(self.layout.width - self.layout.scalars)

    def logits(self, places: Int[Array, " batch"]) -> Float[Array, "batch levels"]:
        """The logits of all levels in the components with these numbers."""
        h = jax.random.normal(jax.random.key(INPUTS), (self.components, self.latent))[places]
        for layer in self.hidden:
            h = jnp.concatenate([h, jax.nn.relu(layer(h))], axis=-1)
        return self.out(h)

    def __call__(
        self,
        latent: Float[Array, "batch latent"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout; the first latent number draws the component."""
        del condition, train
        share = jax.scipy.stats.norm.cdf(latent[:, 0].astype(jnp.float32))
        places = jnp.minimum((share * self.components).astype(jnp.int32), self.components - 1)
        hots = draw_categories(self.layout, self.logits(places), keys, 1.0)
        return anywhere_in_bins(self.layout, hots, keys)


@register("network", "product_mixture")
@dataclass(kw_only=True)
class ProductMixtureNetwork(MLP):
    """Residual layers as those of CTGAN's generator, on fixed inputs: GEM (Liu et al. 2021, arXiv:2106.07153).

    MargNet (2025, arXiv:2511.13893) has 512 components and two layers of 256, too. Its inputs are uniform, ours normal.

    Attributes:
        components: products that are mixed.
    """

    takes_condition: ClassVar[bool] = False

    latent: int = 128
    components: int = 512
    generator_widths: list[int] = field(default_factory=lambda: [256, 256])

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("network.components", self.components, 1)

    def generator(self, layout: Layout) -> nn.Module:
        """The generator for rows of this layout."""
        return ProductMixture(layout, self.components, self.latent, tuple(self.generator_widths))
