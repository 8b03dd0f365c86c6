"""Convolutions as products of matrices beside Flax's own, and rows with an image in them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout
from gans.errors import UserError
from gans.networks.convolution import Convolution, doubled, halved, halvings, image_of, join_row, split_row

RNG = np.random.default_rng(0)
LAYOUT = Layout(scalars=2 + 4 * 3 * 2, bound=1.0, cardinalities=(2,), image=(4, 3, 2))


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (4, 2), (3, 2), (1, 1), (5, 1)])
@pytest.mark.parametrize("sides", [(8, 8), (7, 5)])
def test_the_same_function_as_a_convolution_of_flax(size: int, stride: int, sides: tuple[int, int]) -> None:
    h = jnp.asarray(RNG.normal(size=(2, *sides, 3)), jnp.float32)
    ours, plain = Convolution(5, size, stride), nn.Conv(5, (size, size), stride, padding="SAME")
    variables = ours.init(jax.random.key(0), h)
    dense = variables["params"]["Dense_0"]
    other = {"params": {"kernel": dense["kernel"].reshape(size, size, 3, 5), "bias": dense["bias"]}}
    np.testing.assert_allclose(ours.apply(variables, h), plain.apply(other, h), atol=1e-5)


def test_a_row_is_taken_apart_and_put_together_again() -> None:
    rows = jnp.asarray(RNG.normal(size=(5, LAYOUT.width)), jnp.float32)
    images, others = split_row(rows, LAYOUT)
    assert images.shape == (5, 4, 3, 2)
    np.testing.assert_array_equal(images[1, 2, 1], rows[1, 2 + (2 * 3 + 1) * 2 :][:2])
    np.testing.assert_array_equal(join_row(images, others, LAYOUT), rows)


def test_images_of_a_pack_lie_side_by_side_in_the_channels() -> None:
    rows = jnp.asarray(RNG.normal(size=(6, LAYOUT.width)), jnp.float32)
    images, others = split_row(rows.reshape(3, -1), LAYOUT)
    alone, _ = split_row(rows, LAYOUT)
    assert (images.shape, others.shape) == ((3, 4, 3, 4), (3, 8))
    np.testing.assert_array_equal(images[1], np.concatenate([alone[2], alone[3]], axis=-1))


def test_halving_and_doubling() -> None:
    h = jnp.asarray(RNG.normal(size=(2, 5, 4, 3)), jnp.float32)
    np.testing.assert_allclose(halved(doubled(h)), h, rtol=1e-6)
    np.testing.assert_allclose(halved(h)[0, 0, 1], np.asarray(h)[0, :2, 2:].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(halved(h)[0, 2, 0], np.asarray(h)[0, 4, :2].mean(0), rtol=1e-5)


@pytest.mark.parametrize(("side", "times"), [(7, 1), (8, 1), (14, 1), (28, 2), (32, 3), (64, 4)])
def test_how_often_an_image_is_halved(side: int, times: int) -> None:
    assert halvings(Layout(scalars=side * side, bound=1.0, cardinalities=(), image=(side, side, 1))) == times


def test_a_table_without_an_image_is_refused() -> None:
    with pytest.raises(UserError, match="need a column of images"):
        image_of(Layout(scalars=2, bound=1.0, cardinalities=()))
