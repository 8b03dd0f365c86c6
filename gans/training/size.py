"""How much memory networks take, known from their shapes before any of it is allocated."""

import math
from typing import Any

import jax
import numpy as np

from gans.errors import UserError
from gans.memory import free_or_guessed
from gans.training.step import GAN

ROWS = 4096  # that the generator makes at once


def state_shapes(gan: GAN) -> Any:
    """The state of training as shapes and types; nothing is computed."""
    return jax.eval_shape(gan.init, np.uint32(0))


def generator_shapes(gan: GAN) -> Any:
    """Parameters and statistics of the averaged generator as shapes and types."""
    return jax.eval_shape(lambda seed: dict(gan.init_generator(seed)), np.uint32(0))


def check_generator(gan: GAN, what: str) -> Any:
    """The shapes of the generator, which fits into the memory that is free with a chunk of its rows.

    Args:
        what: names the config in the message.

    Raises:
        UserError: it does not.
    """
    width = gan.layout.width + gan.latent + sum(gan.condition.cardinalities)
    _check(what, 4 * ROWS * width)  # before networks of that width are looked at
    shapes = generator_shapes(gan)
    leaves = jax.tree.leaves(shapes)
    widest = max((side for leaf in leaves for side in leaf.shape), default=0)
    _check(what, sum(map(_bytes, leaves)) + 4 * ROWS * (widest + width))
    return shapes


def check_training(gan: GAN, seeds: int) -> None:
    """Raise UserError where the state of training and its copies do not fit into the memory that is free.

    Args:
        seeds: that train at once.
    """
    _check("network", 2 * seeds * sum(map(_bytes, jax.tree.leaves(state_shapes(gan)))))


def _bytes(leaf: Any) -> int:
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _check(what: str, asked: int) -> None:
    if asked > (free := free_or_guessed()):
        raise UserError(
            f"{what}: its networks take {asked / 2**30:,.1f} GiB of memory, and {free / 2**30:,.1f} GiB are free; make "
            "their widths smaller."
        )
