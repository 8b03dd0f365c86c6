"""Checkpoints by Orbax: asynchronous, atomic, the last few kept, checked by a digest of their content.

The best generator so far lies inside each checkpoint, so that "best" always means the parameters that were scored.
"""

import hashlib
import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.serialization import to_state_dict

from gans.artefacts import check_bytes, parse_json, read_json
from gans.errors import UserError

log = logging.getLogger("gans")


class Checkpoints:
    """Trees of arrays (nested dictionaries) with a JSON record, by step."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        import orbax.checkpoint as ocp

        logging.getLogger("absl").setLevel(logging.ERROR)
        process = jax.process_index()
        alone = ocp.options.MultiprocessingOptions(
            primary_host=process, active_processes={process}, barrier_sync_key_prefix=f"process{process}"
        )
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep, create=False, enable_async_checkpointing=True, multiprocessing_options=alone
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.ocp, self.folder = ocp, folder
        try:
            self.manager = ocp.CheckpointManager(folder.absolute(), options=options)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise UserError(f"{folder}: not a readable folder of checkpoints ({_first_line(error)}).") from None

    def save(self, step: int, tree: Any, record: dict[str, Any]) -> None:
        """Begin to write; training goes on meanwhile. `tree` must not be changed afterwards.

        Raises:
            OSError: an earlier checkpoint could not be written.
        """
        tree = to_state_dict(tree)
        args = self.ocp.args.Composite(
            tree=self.ocp.args.StandardSave(tree), record=self.ocp.args.JsonSave(record | {"sha256": digest(tree)})
        )
        self.manager.save(step, args=args, force=True)

    def latest(self, shapes: Mapping[str, Any] | None = None) -> tuple[int, Any, dict[str, Any]] | None:
        """The newest whole checkpoint: (step, tree as nested dictionaries, record); None where there is none.

        A damaged one is passed over with a warning. What it says of its arrays is looked at before they are read.

        Args:
            shapes: of leaves that the tree must have, by path as in "best.generator.params.Dense_0.bias".

        Raises:
            UserError: checkpoints are there and all of them are damaged, or are not of these networks.
        """
        steps = sorted(self.manager.all_steps(), reverse=True)
        for step in steps:
            try:
                self._check(step, shapes or {})
                args = self.ocp.args.Composite(tree=self.ocp.args.StandardRestore(), record=self.ocp.args.JsonRestore())
                found = self.manager.restore(step, args=args)
                tree, record = jax.tree.map(np.asarray, found["tree"]), dict(found["record"])
                if digest(tree) != record.pop("sha256"):
                    raise ValueError("its content does not match its digest")
            except Exception as error:
                reason = _first_line(error)
                log.warning("checkpoint %s of %s is damaged and passed over (%s)", step, self.folder, reason)
                continue
            return step, tree, record
        if steps:
            raise UserError(f"{self.folder}: all checkpoints ({', '.join(map(str, steps))}) are damaged.")
        return None

    def _check(self, step: int, shapes: Mapping[str, Any]) -> None:
        """Raise ValueError or UserError where the arrays of a checkpoint are not these, or do not fit into memory."""
        folder = self.folder / str(step)
        for name in ("_CHECKPOINT_METADATA", "tree/_METADATA", "record/metadata"):
            read_json(folder / name)
        for path in folder.rglob("*"):
            if path.is_symlink():
                raise ValueError(f"{path} is a link")
        check_bytes(folder, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
        there, asked = {}, 0
        for name, stored in _stored_arrays((folder / "tree").absolute()):
            shape, size = tuple(map(int, stored["shape"])), np.dtype(stored["dtype"]).itemsize
            there[name] = shape
            asked += size * max(math.prod(shape), math.prod(stored["chunks"]))
        check_bytes(folder, asked)
        for name, shape in shapes.items():
            if there.get(name) != tuple(shape):
                raise ValueError(
                    f"{name} is {_shown(there.get(name))}; the networks of its config have {_shown(shape)}"
                )

    def drop_after(self, step: int) -> None:
        """Delete checkpoints newer than a step: those that `latest` passed over."""
        for other in self.manager.all_steps():
            if other > step:
                self.manager.delete(other)

    def wait(self) -> None:
        """Until all is on disk.

        Raises:
            OSError: it could not be written.
        """
        self.manager.wait_until_finished()

    def close(self) -> None:
        """Wait, and stop the writing threads."""
        self.manager.close()


def _stored_arrays(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and description (shape, chunks, dtype) of each array of a checkpoint, none of which is read."""
    import tensorstore

    files = {"driver": "file", "path": f"{folder}/"}
    one_file = (folder / "manifest.ocdbt").is_file()
    store = tensorstore.KvStore.open({"driver": "ocdbt", "base": files} if one_file else files).result()
    for key in store.list().result():
        name = key.decode()
        if name.endswith("/.zarray"):
            yield name.removesuffix("/.zarray"), parse_json(store.read(key).result().value)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).split("\n", 1)[0].split(" [tensorstore_spec", 1)[0]


def _shown(shape: Any) -> str:
    return "not there" if shape is None else f"[{', '.join(map(str, shape))}]"


def digest(tree: Any) -> str:
    """SHA-256 of the leaves of a tree, with their paths, types and shapes."""
    sum_ = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        array = np.ascontiguousarray(leaf)
        sum_.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        sum_.update(array.tobytes())
    return sum_.hexdigest()
