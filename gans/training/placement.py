"""Where the step runs: one device, data-parallel over a mesh or by pmap, over processes, and vmapped over seeds.

The step is written for the whole batch. Its random numbers belong to examples, not to devices; `Spread` is all that it
knows of devices, so every placement computes the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gans.training.programs import quick_to_compile

AXIS = "data"


@dataclass(frozen=True)
class Spread:
    """How a batch is spread inside the step. This one: not at all."""

    def shard(self, batch: Any) -> Any:
        """Of an array [batch, ...], what this device computes."""
        return batch

    def mean(self, tree: Any) -> Any:
        """The mean over devices of what each computed."""
        return tree


@dataclass(frozen=True)
class MeshSpread(Spread):
    """The compiler splits the batch over a mesh and inserts the means."""

    mesh: Mesh

    def shard(self, batch: Any) -> Any:
        """The same array, its first axis laid over the mesh."""
        return jax.lax.with_sharding_constraint(batch, NamedSharding(self.mesh, PartitionSpec(AXIS)))


@dataclass(frozen=True)
class AxisSpread(Spread):
    """Each device of a pmap takes its slice of the batch, and gradients are averaged by name."""

    devices: int

    def shard(self, batch: Any) -> Any:
        """This device's slice."""
        size = batch.shape[0] // self.devices
        return jax.lax.dynamic_slice_in_dim(batch, jax.lax.axis_index(AXIS) * size, size)

    def mean(self, tree: Any) -> Any:
        """pmean."""
        return jax.lax.pmean(tree, AXIS)


def mesh_of_all() -> Mesh:
    """All devices of all processes on one axis."""
    return Mesh(np.array(jax.devices()), (AXIS,))


def spread_for(placement: str) -> Spread:
    """The spread of a placement: jit, sharded or pmap."""
    if placement == "sharded":
        return MeshSpread(mesh_of_all())
    return AxisSpread(jax.local_device_count()) if placement == "pmap" else Spread()


@dataclass(frozen=True)
class Placed:
    """A compiled block with the functions that bring a tree onto its devices and back."""

    run: Callable[[Any, Any, Any], tuple[Any, Any]]
    put: Callable[[Any], Any]
    get: Callable[[Any], Any]


def place(block: Callable[[Any, Any, Any], tuple[Any, Any]], placement: str, seeds: int) -> Placed:
    """Compile `block(state, data, steps) -> (state, metrics)` once for a placement; the state is donated.

    With several seeds the state has a leading axis [seeds, ...], vmapped.
    """
    inner = jax.vmap(block, in_axes=(0, None, None)) if seeds > 1 else block
    if placement == "pmap":
        devices = jax.local_devices()
        replicated = NamedSharding(Mesh(np.array(devices), (AXIS,)), PartitionSpec(AXIS))
        mapped = jax.pmap(inner, axis_name=AXIS, donate_argnums=0, devices=devices)

        def put(tree: Any) -> Any:
            def copies(leaf: Any) -> Any:
                return jax.device_put(np.broadcast_to(np.asarray(leaf), (len(devices), *np.shape(leaf))), replicated)

            return jax.tree.map(copies, tree)

        def get(tree: Any) -> Any:
            return jax.tree.map(lambda leaf: np.array(leaf[0]), tree)

        return Placed(mapped, put, get)

    everywhere = NamedSharding(mesh_of_all(), PartitionSpec()) if placement == "sharded" else None
    options = quick_to_compile()
    compiled = jax.jit(
        inner, donate_argnums=0, in_shardings=everywhere, out_shardings=everywhere, compiler_options=options
    )

    def put(tree: Any) -> Any:
        if everywhere is None:
            return jax.tree.map(jax.device_put, tree)
        return jax.tree.map(lambda leaf, where=everywhere: _replicate(leaf, where), tree)

    def get(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: np.array(leaf.addressable_data(0)), tree)

    return Placed(compiled, put, get)


def _replicate(leaf: Any, sharding: NamedSharding) -> Any:
    value = np.asarray(leaf)
    return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])
