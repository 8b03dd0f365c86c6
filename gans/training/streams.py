"""Random streams: functions of (seed, step, name), so that a resumed run draws what an unbroken one would."""

import zlib

import jax
import jax.numpy as jnp
from jaxtyping import Array, Integer, Key


def stream(
    seed: Integer[Array, ""], step: Integer[Array, ""], name: str, part: Integer[Array, ""] | int = 0
) -> Key[Array, ""]:
    """The key of the stream `name` at a step; `part` tells the critic's extra steps apart."""
    key = jax.random.key(seed)
    for number in (step, zlib.crc32(name.encode()) & 0x7FFFFFFF, part):
        key = jax.random.fold_in(key, number)
    return key


def per_example(key: Key[Array, ""], count: int, start: Integer[Array, ""] | int = 0) -> Key[Array, " batch"]:
    """One key an example, by its number: the same whatever batch or device it falls into."""
    return jax.vmap(lambda number: jax.random.fold_in(key, number))(start + jnp.arange(count))
