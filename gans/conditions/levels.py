"""Training rows by the levels of discrete columns: rows of rare levels can be picked more often than they occur."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key


def by_level(codes: np.ndarray, sizes: tuple[int, ...], log_frequency: bool = True) -> dict[str, np.ndarray]:
    """The rows by level, and how often a level is picked.

    Rows are sorted by the level of each column, `order [rows, columns]`; the rows of a level start at `start [levels]`
    and are `count [levels]`; `ends [levels]` are the cumulated shares of log(1 + count), or of the count, in a column.

    Args:
        codes: [rows, columns].
        sizes: levels of each column.
    """
    count = np.concatenate([np.bincount(codes[:, place], minlength=size) for place, size in enumerate(sizes)])
    parts = np.split(count, np.cumsum(sizes)[:-1])
    shares = [(np.log1p(part) if log_frequency else part).cumsum() for part in parts]
    return {
        "order": np.argsort(codes, axis=0, kind="stable").astype(np.int32),
        "start": np.concatenate([np.cumsum(part) - part for part in parts]).astype(np.int32),
        "count": count.astype(np.int32),
        "ends": np.concatenate([share / share[-1] for share in shares]).astype(np.float32),
    }


def pick_level(known: Any, sizes: tuple[int, ...], key: Key[Array, ""]) -> tuple[Array, Array, Array]:
    """A row, the place of a column and its level: any column, a level by its share, any of the rows that have it.

    CTGAN's training by sampling (Xu et al. 2019, arXiv:1907.00503, section 4.3).

    Args:
        known: what `by_level` gave.
    """
    cardinalities = jnp.asarray(sizes)
    first = jnp.cumsum(cardinalities) - cardinalities
    which, level, row = jax.random.split(key, 3)
    column = jax.random.randint(which, (), 0, len(sizes))
    entry = _search(known["ends"], jax.random.uniform(level), first[column], cardinalities[column], max(sizes))
    place = known["start"][entry] + jax.random.randint(row, (), 0, known["count"][entry])
    return known["order"][place, column], column, entry - first[column]


def _search(ends: Array, value: Array, first: Array, size: Array, most: int) -> Array:
    """The place of the first of `ends[first : first + size]`, ascending, that is larger than the value; size <= most.

    A binary search: float32 keeps its precision within a column, and the place never leaves it.
    """
    low, high = first, first + size - 1
    for _ in range(most.bit_length()):
        middle = (low + high) // 2
        beyond = ends[middle] <= value
        low, high = jnp.where(beyond, jnp.minimum(middle + 1, high), low), jnp.where(beyond, high, middle)
    return low
