"""Random streams, each a function of a seed, a name and numbers: a resumed run draws what an unbroken one would.

Neither `seed + k` nor a tuple without a name is a stream: neighbouring seeds would share numbers.
"""

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Array, Integer, Key


def stream(
    seed: "Integer[Array, '']", step: "Integer[Array, '']", name: str, part: "Integer[Array, ''] | int" = 0
) -> "Key[Array, '']":
    """The key of the stream `name` at a step; `part` tells the critic's extra steps apart."""
    import jax

    key = jax.random.key(seed)
    for number in (step, _number(name), part):
        key = jax.random.fold_in(key, number)
    return key


def streams(
    seed: "Integer[Array, '']", step: "Integer[Array, '']", names: "Sequence[str]", part: "Integer[Array, ''] | int" = 0
) -> "Key[Array, ' names']":
    """The keys of several streams: those of `stream`, by a third of its operations for each of three names."""
    import jax

    fold = jax.vmap(jax.random.fold_in, (None, 0))
    keys = fold(jax.random.fold_in(jax.random.key(seed), step), np.array([_number(name) for name in names]))
    return jax.vmap(lambda key: jax.random.fold_in(key, part))(keys)


def per_example(key: "Key[Array, '']", count: int, start: "Integer[Array, ''] | int" = 0) -> "Key[Array, ' batch']":
    """One key an example, by its number: the same whatever batch or device it falls into."""
    import jax
    import jax.numpy as jnp

    return jax.vmap(lambda number: jax.random.fold_in(key, number))(start + jnp.arange(count))


def host_stream(name: str, seed: int, *numbers: int) -> np.random.Generator:
    """The generator of the stream `name` on the host."""
    return np.random.default_rng(_entropy(name, seed, *numbers))


def uniform(name: str, seed: int, numbers: tuple[int, ...], start: int, count: int) -> np.ndarray:
    """Numbers `start` to `start + count` of a stream on the host, [count] in [0, 1).

    Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") enciphers a counter, so that any place
    is reached at once; each count gives four numbers.
    """
    ahead, skip = divmod(start, 4)
    bits = np.random.Philox(_entropy(name, seed, *numbers)).advance(ahead)
    return np.random.Generator(bits).random(skip + count)[skip:]


def derived_seed(name: str, seed: int, *numbers: int) -> int:
    """A seed of its own, in [0, 2^31), for what takes a whole number."""
    return int(_entropy(name, seed, *numbers).generate_state(1)[0] >> 1)


def _entropy(name: str, seed: int, *numbers: int) -> np.random.SeedSequence:
    """The number of numbers is one of them: NumPy fills up with zeros, so that (1,) and (1, 0) would be the same."""
    return np.random.SeedSequence([seed, _number(name), len(numbers), *numbers])


def _number(name: str) -> int:
    return zlib.crc32(name.encode()) & 0x7FFFFFFF
