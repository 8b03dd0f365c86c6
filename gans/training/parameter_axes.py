"""What each axis of a network's parameters stands for: units of its own, features of rows, entries of a condition.

That is found by building the networks for layouts of other sizes, shapes only: an axis that grows by one for one level
more holds the levels, and so on. What the networks of this project put side by side has one order: units, then rows
(scalars and one-hots, for each row of a pack), then conditions.
"""

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gans.conditions.features import Features
from gans.data.layout import Layout
from gans.networks.base import Network
from gans.networks.heads import SEEN

Key = Hashable
Axis = tuple[int, int, int, int]
"""How many units, copies of the scalars, copies of the one-hots, and copies of the condition an axis has."""


@dataclass(frozen=True)
class Sizes:
    """A layout with the length of its condition."""

    layout: Layout
    condition: int

    def parts(self) -> np.ndarray:
        """Scalars that are no pixels, one-hots, entries of the condition."""
        return np.array([self.layout.numbers, self.layout.width - self.layout.scalars, self.condition])


def axes_of(network: Network, layout: Layout, condition: int, part: str) -> dict[str, list[Axis]]:
    """The axes of every parameter and statistic of a network, by path.

    What would need a part that the network has not, as a column beside a lone image would, no axis of it holds.

    Args:
        part: generator or discriminator.
    """
    base = Sizes(layout, condition)
    shapes = _shapes(network, base, part)
    larger = [(one, _shapes(network, one, part)) for one in _larger(base)]
    grown = [(one, other) for one, other in larger if other.keys() == shapes.keys()]
    matrix = np.array([one.parts() - base.parts() for one, _ in grown]).reshape(-1, 3)
    out = {}
    for path, shape in shapes.items():
        growth = np.array([[size - own for size, own in zip(other[path], shape, strict=True)] for _, other in grown])
        growth = growth.reshape(len(grown), len(shape))
        copies = np.rint(np.linalg.lstsq(matrix, growth, rcond=None)[0]).astype(int).T.reshape(-1, 3)
        out[path] = [
            (int(size - copy @ base.parts()), *map(int, copy)) for size, copy in zip(shape, copies, strict=True)
        ]
    return out


def _larger(base: Sizes) -> list[Sizes]:
    """One more scalar, level, and entry of the condition; a partial row among conditions grows with the row."""
    layout, inside = base.layout, int(base.layout.partial)
    last = layout.columns[-1:] or (0,)
    scalar = dataclasses.replace(layout, scalars=layout.scalars + 1, columns=(*last, *layout.columns))
    out = [Sizes(scalar, base.condition + inside), Sizes(layout, base.condition + 1)]
    if layout.cardinalities:
        *others, most = layout.cardinalities
        level = dataclasses.replace(layout, cardinalities=(*others, most + 1), columns=(*layout.columns, *last))
        out.append(Sizes(level, base.condition + inside))
    return out


def _shapes(network: Network, sizes: Sizes, part: str) -> dict[str, tuple[int, ...]]:
    rows = max(2, network.group)
    keys = jax.random.split(jax.random.key(0), rows)
    module: nn.Module = getattr(network, part)(sizes.layout)
    width = network.latent if part == "generator" else network.pack * sizes.layout.width
    condition = sizes.condition * (1 if part == "generator" else network.pack)
    given = jnp.zeros((rows, width)), jnp.zeros((rows, condition))
    made: Any = jax.eval_shape(partial(module.init, train=True), jax.random.key(0), *given, keys)
    return {path: leaf.shape for path, leaf in leaves({k: v for k, v in made.items() if k != SEEN})}


def leaves(tree: Any) -> list[tuple[str, Any]]:
    """The leaves of nested dictionaries by path, as in `params.Dense_0.kernel`."""
    return [(dotted(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]


def dotted(path: Sequence[Any]) -> str:
    """A path of JAX in a tree, as in `params.Dense_0.kernel`."""
    return jax.tree_util.keystr(tuple(path), simple=True, separator=".")


def keys_of(axis: Axis, features: Features) -> Sequence[Key]:
    """What stands at each place of an axis."""
    units, scalars, hots, conditions = axis
    out: list[Key] = [("unit", place) for place in range(units)]
    for copy in range(max(scalars, hots)):
        out += [(copy, key) for key in features.scalars] if copy < scalars else []
        out += [(copy, key) for key in features.hots] if copy < hots else []
    for copy in range(conditions):
        out += [("condition", copy, key) for key in features.condition]
    return out
