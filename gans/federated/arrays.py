"""Parts of the state of training as a flat dictionary of arrays, and back."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
from flax.serialization import from_state_dict, to_state_dict

from gans.federated.proximal import Pulled
from gans.training.parameter_axes import dotted
from gans.training.step import TrainState

Arrays = dict[str, np.ndarray]


def arrays_of(state: TrainState, parts: Iterable[str]) -> Arrays:
    """The arrays of some parts, by path as in "generator/Dense_0.kernel"."""
    out = {}
    for part in parts:
        leaves, _ = jax.tree_util.tree_flatten_with_path(_plain(getattr(state, part)))
        out |= {f"{part}/{dotted(path)}": np.asarray(leaf) for path, leaf in leaves}
    return out


def with_arrays(state: TrainState, parts: Iterable[str], arrays: Mapping[str, np.ndarray]) -> TrainState:
    """The state with these parts taken from arrays, in the types that it has; whole numbers are rounded.

    Raises:
        ValueError: an array is missing or of another shape.
    """
    new = {}
    for part in parts:
        leaves, tree = jax.tree_util.tree_flatten_with_path(_plain(getattr(state, part)))
        found = [_like(leaf, arrays.get(f"{part}/{dotted(path)}")) for path, leaf in leaves]
        new[part] = _replaced(getattr(state, part), tree.unflatten(found))
    return state.replace(**new)


def tree_of(state: TrainState, parts: Iterable[str]) -> dict[str, Any]:
    """Some parts as nested dictionaries, as a checkpoint has them."""
    return {part: to_state_dict(_plain(getattr(state, part))) for part in parts}


def with_tree(state: TrainState, tree: Mapping[str, Any]) -> TrainState:
    """The state with the parts that `tree_of` gave."""
    new = {}
    for part, value in tree.items():
        old = getattr(state, part)
        new[part] = _replaced(old, from_state_dict(_plain(old), value))
    return state.replace(**new)


def unusable(arrays: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> str:
    """Why arrays cannot take the place of others, in words; "" where they can."""
    if missing := sorted(expected.keys() - arrays.keys()):
        return f"{missing[0]} is missing"
    if more := sorted(arrays.keys() - expected.keys()):
        return f"{more[0]} was not asked for"
    for path, one in expected.items():
        other = arrays[path]
        if other.shape != one.shape:
            return f"{path} is {list(other.shape)}, not {list(one.shape)}"
        if other.dtype.kind not in "fiu":
            return f"{path} is of type {other.dtype}"
        with np.errstate(over="ignore"):
            kept = other.astype(one.dtype)
        if not np.isfinite(other).all() or not np.isfinite(kept).all():
            return f"{path} is not finite"
    return ""


def bytes_of(arrays: Mapping[str, np.ndarray]) -> int:
    """What they take, without their names."""
    return sum(array.nbytes for array in arrays.values())


def _plain(part: Any) -> Any:
    """Of the state of an optimiser what belongs to the optimiser."""
    return part.inner if isinstance(part, Pulled) else part


def _replaced(part: Any, inner: Any) -> Any:
    return part._replace(inner=inner) if isinstance(part, Pulled) else inner


def _like(old: Any, new: Any) -> np.ndarray:
    """A new leaf in the type of an old one."""
    if np.shape(new) != np.shape(old):
        raise ValueError(f"an array is {np.shape(new)}, not {np.shape(old)}")
    dtype = np.asarray(old).dtype
    return (np.rint(new) if dtype.kind in "iu" else np.asarray(new)).astype(dtype)
