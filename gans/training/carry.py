"""The networks of a run put into those of another table, feature by feature."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gans.conditions.base import FittedCondition
from gans.conditions.features import Features, features_of, levels_of
from gans.data.codecs.columns import FittedColumn
from gans.errors import UserError, nearest
from gans.networks.base import Network
from gans.training.parameter_axes import axes_of, dotted, keys_of, leaves
from gans.training.size import state_shapes
from gans.training.step import GAN, TrainState
from gans.training.transfer_settings import Transfer

PARTS = {  # of a state: the network that each is of, and what its paths lack of those of that network's variables
    "generator": ("generator", "params."),
    "statistics": ("generator", ""),
    "discriminator": ("discriminator", "params."),
    "average": ("generator", ""),
}


@dataclass(frozen=True)
class Carried:
    """What was taken over, in the shapes of the new networks.

    Attributes:
        values: by part of the state its leaves; 0 where nothing was taken over.
        there: 1 where something was, else 0.
        lines: what became of each column, in words.
    """

    settings: Transfer
    values: Mapping[str, Any]
    there: Mapping[str, Any]
    lines: list[str]

    def begin(self, state: TrainState) -> TrainState:
        """The state, of one seed or several, with what was taken over in its place; optimisers begin anew."""
        parts = {
            name: jax.tree.map(
                lambda fresh, old, there: np.where(there, old, fresh).astype(fresh.dtype),
                getattr(state, name),
                self.values[name],
                self.there[name],
            )
            for name in PARTS
        }
        return state.replace(**parts)

    def slowed(self, gan: GAN) -> GAN:
        """With optimisers by which what was taken over changes as the settings say."""
        return dataclasses.replace(
            gan,
            generator_optimizer=self._optimizer("generator", gan.generator_optimizer),
            discriminator_optimizer=self._optimizer("discriminator", gan.discriminator_optimizer),
        )

    def _optimizer(self, part: str, optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
        settings, old, there = self.settings, self.values[part], self.there[part]

        def rate(path: Any, mask: np.ndarray) -> np.ndarray:
            frozen = any(_below(_named(part, dotted(path)), layer) for layer in settings.freeze)
            return 1 - mask * (1 - settings.rate * (not frozen))

        rates = jax.tree_util.tree_map_with_path(rate, there)

        def pull(gradient: Any, parameters: Any) -> Any:
            return jax.tree.map(lambda g, p, o, t: g + settings.anchor * t * (p - o), gradient, parameters, old, there)

        def slow(updates: Any, parameters: Any) -> Any:
            del parameters
            return jax.tree.map(lambda update, rate: update * rate, updates, rates)

        chain = [optax.stateless(pull)] if settings.anchor else []
        chain.append(optimizer)
        if settings.freeze or settings.rate != 1:
            chain.append(optax.stateless(slow))
        return optax.chain(*chain) if len(chain) > 1 else optimizer


def carry(
    settings: Transfer,
    network: Network,
    gan: GAN,
    old_network: Network,
    old_gan: GAN,
    old_state: Mapping[str, Any],
) -> Carried:
    """Take over from a state what the networks of two runs have in common.

    Args:
        old_state: parts of its last state, as nested dictionaries.

    Raises:
        UserError: a column of the settings is not there, or the networks are not of one kind and size.
    """
    names = _matched(settings, gan.condition, old_gan.condition)
    entries, old_entries = (_entries(one) for one in (gan, old_gan))
    new = features_of(gan.condition, names, entries)
    old = features_of(old_gan.condition, {}, old_entries)
    places: dict[str, Any] = {}
    for part in ("generator", "discriminator"):
        own = axes_of(network, gan.layout, entries, part)
        other = axes_of(old_network, old_gan.layout, old_entries, part)
        places[part] = {path: _places(path, axes, other.get(path), new, old) for path, axes in own.items()}
    shapes, values, there = state_shapes(gan), {}, {}
    for name in PARTS:
        leaves_of, tree = jax.tree_util.tree_flatten_with_path(getattr(shapes, name))
        taken = [_taken(name, dotted(path), leaf, places, old_state) for path, leaf in leaves_of]
        values[name], there[name] = (tree.unflatten([pair[side] for pair in taken]) for side in (0, 1))
    _check_freeze(settings, there)
    return Carried(settings, values, there, _lines(names, gan.condition, old_gan.condition))


def _entries(gan: GAN) -> int:
    shape: Any = jax.eval_shape(gan.condition.wide, jnp.zeros((1, gan.condition.places), int))
    return shape.shape[1]


def _matched(settings: Transfer, new: FittedCondition, old: FittedCondition) -> dict[str, str | None]:
    """By column of the new table the name of the old column that it goes on with; None where it matches none."""
    here = {one.column.name: one for one in new.codec.columns}
    before = {one.column.name: one for one in old.codec.columns}
    for name, other in settings.columns.items():
        for one, of, whose in ((name, here, "this table"), (other, before, f"transfer.run={settings.run}")):
            if one not in of:
                raise UserError(
                    f"transfer.columns: column '{one}' is not learned of {whose}; learned are {', '.join(of)}."
                    f"{nearest(one, of)}"
                )
    out = {name: settings.columns.get(name, name) for name in here}
    twice = [other for other in set(out.values()) if list(out.values()).count(other) > 1 and other in before]
    if twice:
        raise UserError(f"transfer.columns: two columns take over '{twice[0]}'.")
    return {
        name: other if other in before and not _difference(before[other], here[name]) else None
        for name, other in out.items()
    }


def _difference(old: FittedColumn, new: FittedColumn) -> str:
    """Why the features of one column cannot stand for those of the other; nothing where they can."""
    if (old.numeric, old.ranks) != (new.numeric, new.ranks):
        return "it was of another kind"
    if new.ranks and len({tuple(level for level in one.levels if level is not None) for one in (old, new)}) > 1:
        return "ranks of its levels mean nothing among others"
    return ""


def _places(
    path: str, axes: Sequence[Any], old_axes: Sequence[Any] | None, new: Features, old: Features
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each axis of a leaf the places that are taken over, and where they are in the old one."""
    if old_axes is None or [(axis[0], *(n > 0 for n in axis[1:])) for axis in axes] != [
        (axis[0], *(n > 0 for n in axis[1:])) for axis in old_axes
    ]:
        raise UserError(
            f"transfer.run: its networks are not of this size or kind (at {path}); set network.* as that run has them."
        )
    out = []
    for axis, old_axis in zip(axes, old_axes, strict=True):
        known = {key: place for place, key in enumerate(keys_of(old_axis, old))}
        found = [(place, known[key]) for place, key in enumerate(keys_of(axis, new)) if key in known]
        out.append((np.array([one for one, _ in found], int), np.array([one for _, one in found], int)))
    return out


def _taken(
    part: str, path: str, leaf: Any, places: Mapping[str, Any], old_state: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """A leaf's values and where they are taken over."""
    value, there = np.zeros(leaf.shape, leaf.dtype), np.zeros(leaf.shape, np.float32)
    stored = _at(old_state[part], path)
    network, prefix = PARTS[part]
    axes = places[network].get(prefix + path.removeprefix("network."))
    if axes is None or stored is None:
        if stored is not None and stored.shape == leaf.shape:  # of a term's head, whose axes are its own
            return stored.astype(leaf.dtype), np.ones(leaf.shape, np.float32)
        return value, there
    if path.endswith("coupling"):  # begins at zero and is used from earlier to later columns: the order may turn round
        stored = stored + stored.T
    own, other = (np.ix_(*(pair[side] for pair in axes)) for side in (0, 1))
    value[own], there[own] = stored[other], 1
    return value, there


def _at(tree: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return tree


def _named(part: str, path: str) -> str:
    """A parameter as `transfer.freeze` names it, as in `discriminator.Dense_0.kernel`."""
    return f"{part}.{path.removeprefix('network.')}"


def _below(path: str, layer: str) -> bool:
    return path == layer or path.startswith(f"{layer}.")


def _check_freeze(settings: Transfer, there: Mapping[str, Any]) -> None:
    paths = [_named(part, path) for part in ("generator", "discriminator") for path, _ in leaves(there[part])]
    layers = sorted({path.rpartition(".")[0] for path in paths})
    for one in settings.freeze:
        if not any(_below(path, one) for path in paths):
            raise UserError(
                f"transfer.freeze: there is no '{one}'; layers are {', '.join(layers)}.{nearest(one, layers)}"
            )


def _lines(names: Mapping[str, str | None], new: FittedCondition, old: FittedCondition) -> list[str]:
    before = {one.column.name: one for one in old.codec.columns}
    out = []
    for fitted in new.codec.columns:
        name, other = fitted.column.name, names[fitted.column.name]
        if other is None:
            reason = name in before and _difference(before[name], fitted)
            out.append(f"{name}: begins afresh" + (f", since {reason}" if reason else ""))
            continue
        of = "" if other == name else f" from '{other}'"
        known, levels = set(levels_of(before[other])), levels_of(fitted)
        kept = sum(level in known for level in levels)
        counted = f", {kept} of {len(levels)} levels" if fitted.cardinality else ""
        out.append(f"{name}: taken over{of}{counted}")
    pictures = [[column.name for column in one.codec.schema.images] for one in (new, old)]
    out += [f"{name}: taken over" for name in pictures[0]] * bool(pictures[1])
    gone = [name for name in before if name not in names.values()]
    return [*out, *([f"not in this table: {', '.join(gone)}"] if gone else [])]
