"""Convolutions and what surrounds them: images of any size to rows and back."""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.errors import UserError

SMALLEST = 7  # of the smaller side of an image where no further layer halves it


class Convolution(nn.Module):
    """A convolution with padding as a product of matrices: patches [pixels, size^2 channels] times one kernel.

    The same function as Flax's Conv (padding SAME for odd sizes, kernel [size, size, channels, features] flattened).
    XLA's own convolution for CPUs falls back to slow code inside a compiled loop, such as a block of steps, and under
    vmap over seeds: there it takes 40 times as long as this.
    """

    features: int
    size: int = 3
    stride: int = 1
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, h: Float[Array, "batch height width channels"]) -> Float[Array, "batch high wide features"]:
        """Features at every `stride`th pixel."""
        batch, *sides, _ = h.shape
        high, wide = (-(-side // self.stride) for side in sides)
        pads = []
        for side, out in zip(sides, (high, wide), strict=True):
            total = max((out - 1) * self.stride + self.size - side, 0)
            pads.append((total // 2, total - total // 2))
        padded = jnp.pad(h, ((0, 0), *pads, (0, 0)))
        patches = [
            padded[
                :,
                row : row + (high - 1) * self.stride + 1 : self.stride,
                column : column + (wide - 1) * self.stride + 1 : self.stride,
            ]
            for row in range(self.size)
            for column in range(self.size)
        ]
        flat = jnp.concatenate(patches, axis=-1).reshape(batch * high * wide, -1)
        return nn.Dense(self.features, kernel_init=self.kernel_init)(flat).reshape(batch, high, wide, self.features)


def halvings(layout: Layout) -> int:
    """How often an image is halved on its way to a logit, and doubled on its way from a latent."""
    height, width, _ = image_of(layout)
    return max(1, math.ceil(math.log2(min(height, width) / SMALLEST)))


def image_of(layout: Layout) -> tuple[int, int, int]:
    """Height, width and channels.

    Raises:
        UserError: the table has no image.
    """
    if layout.image is None:
        raise UserError("network: convolutions need a column of images, as data=digits has; use network=mlp.")
    return layout.image


def split_row(
    rows: Float[Array, "packs packed"], layout: Layout
) -> tuple[Float[Array, "packs height width channels"], Float[Array, "packs others"]]:
    """Images, those of a pack side by side in the channels, and the other features of packed rows."""
    height, width, channels = image_of(layout)
    each = rows.reshape(rows.shape[0], -1, layout.width)
    images = each[..., layout.numbers : layout.scalars].reshape(*each.shape[:2], height, width, channels)
    others = jnp.concatenate([each[..., : layout.numbers], each[..., layout.scalars :]], axis=-1)
    images = jnp.moveaxis(images, 1, 3).reshape(rows.shape[0], height, width, -1)
    return images, others.reshape(rows.shape[0], -1)


def other_columns(h: Float[Array, "batch features"], layout: Layout) -> Float[Array, "batch others"]:
    """What a row holds beside its image, linear in features; to be called within a compact module."""
    others = layout.width - math.prod(image_of(layout))
    return nn.Dense(others)(h) if others else h[:, :0]


def join_row(
    images: Float[Array, "batch height width channels"], others: Float[Array, "batch others"], layout: Layout
) -> Float[Array, "batch features"]:
    """A row in the wide form of the layout; the image is cut to its size."""
    height, width, _ = image_of(layout)
    flat = images[:, :height, :width].reshape(images.shape[0], -1)
    return jnp.concatenate([others[:, : layout.numbers], flat, others[:, layout.numbers :]], axis=-1)


def doubled(h: Float[Array, "batch height width channels"]) -> Float[Array, "batch high wide channels"]:
    """Every pixel four times."""
    return jnp.repeat(jnp.repeat(h, 2, axis=1), 2, axis=2)


def halved(h: Float[Array, "batch height width channels"]) -> Float[Array, "batch high wide channels"]:
    """Means of two by two pixels; a side of odd length repeats its last pixel."""
    h = jnp.pad(h, ((0, 0), (0, h.shape[1] % 2), (0, h.shape[2] % 2), (0, 0)), mode="edge")
    batch, height, width, channels = h.shape
    return h.reshape(batch, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
