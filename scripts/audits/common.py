"""The table that is attacked: a few rows, and a canary in cells of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from gans.data.declared import Declared
from gans.data.domain import Domain
from gans.privacy.noise import discrete_gaussian

SIZES, NAMES = (2, 3, 4), ("a", "b", "c")
CANARY = np.array([1, 2, 3], np.int32)  # the last level of each column, which no other row has


def table(rows: int) -> np.ndarray:
    """Rows [rows, 3] that have no level of the canary."""
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, size - 1, rows) for size in SIZES], axis=1).astype(np.int32)


def with_canary(codes: np.ndarray) -> np.ndarray:
    """The same rows, and the canary as the last one."""
    return np.concatenate([codes, CANARY[None]])


def domain() -> Domain:
    """The declaration of the columns."""
    columns = zip(NAMES, SIZES, strict=True)
    return Domain([Declared(name=name, kind="category", levels=list("zyxw"[:size])) for name, size in columns])


@contextmanager
def replaced(attributes: Mapping[str, Any]) -> Iterator[None]:
    """Put others in the place of functions, by their full names."""
    with ExitStack() as stack:
        for name, other in attributes.items():
            stack.enter_context(patch(name, other))
        yield


def half_noise(counts: np.ndarray, scale: float) -> np.ndarray:
    """Half of the noise that was charged."""
    return discrete_gaussian(counts, scale / 2)


def seeded_noise(counts: np.ndarray, scale: float) -> np.ndarray:
    """Noise that whoever knows the seed draws again, and takes away."""
    noise = np.rint(np.random.default_rng(0).normal(0, scale, len(counts))).astype(np.int64)
    return counts + noise - noise


Counts = Callable[[np.ndarray, float], np.ndarray]
