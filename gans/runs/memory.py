"""How much memory a run will take, estimated before anything is trained.

What the compiled step takes is known exactly once it is compiled, see `gans.training.programs`.
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from gans.config.run import Run
from gans.errors import UserError
from gans.memory import free_memory, gibibytes
from gans.runs.build import build
from gans.runs.prepare import Prepared
from gans.sampling.chunks import CHUNK, THREADS

COMPILING = 2**29  # what the compiler takes for programs of this size
COPIES = 3  # of the state: on the device, fetched for a checkpoint, and being written
OF_A_CELL = 48  # bytes that distances between tables take beside a column's value
OF_A_GENERATED_CELL = 18  # that a refinement takes: adjusted, cut in parts, and as the trees have it
OF_A_FEATURE = 6  # values for each feature of a wide row, while a chunk is generated
WIDE = 10_000  # features of a row, above which levels are what makes networks large


@dataclass(frozen=True)
class Need:
    """What a part of a run takes.

    Attributes:
        key: of the config that decides it, with its value.
        what: in words.
        size: bytes.
        remedy: what to do about it.
    """

    key: str
    what: str
    size: int
    remedy: str


def check_memory(run: Run, ready: Prepared) -> None:
    """Refuse a run that does not fit into the memory that is free.

    Raises:
        UserError: it does not; the message names the key of the part that takes most.
    """
    lasting, passing = lasting_needs(run, ready), passing_needs(run, ready)
    needed, free = total(lasting, passing), free_memory()
    if free is not None and needed > free:
        most = max((*lasting, *passing), key=lambda need: need.size)
        raise UserError(
            f"{most.key}: {most.what} of about {gibibytes(most.size)} of the {gibibytes(needed)} that the run needs, "
            f"{gibibytes(free)} are free; {most.remedy}."
        )


def total(lasting: list[Need], passing: list[Need]) -> int:
    """Bytes at the worst moment: all that lasts, what compiling takes, and the largest part that does not last."""
    return COMPILING + sum(need.size for need in lasting) + max(need.size for need in passing)


def lasting_needs(run: Run, ready: Prepared) -> list[Need]:
    """What is there from the first step to the last: networks with their optimizers, and encoded rows."""
    gan = build(run, ready.condition)
    state: Any = jax.eval_shape(gan.init, jax.ShapeDtypeStruct((), np.uint32))
    networks = (COPIES * tree_bytes(state) + 2 * tree_bytes(state.average)) * run.trainer.seeds
    wide = gan.layout.width > WIDE
    key = f"codec.levels={run.codec.levels}" if wide else f"network.width={getattr(run.network, 'width', '')}"
    remedy = "lower codec.levels" if wide else "lower network.width or trainer.seeds"
    return [
        Need(key, "networks and optimizers", networks, remedy),
        Need("data", "encoded rows", tree_bytes(ready.rows), "set data.limit, or data.stream=true for Parquet"),
    ]


def passing_needs(run: Run, ready: Prepared) -> list[Need]:
    """What is there for a while only: a look at the scores, the refinement, the samples."""
    training, columns = ready.split.training, len(ready.codec.columns)
    stored = sum(part.itemsize * part.shape[1] for part in ready.encoded)
    of_a_row = 2 * training.nbytes // max(training.num_rows, 1) + 2 * stored + OF_A_CELL * columns
    chunks = THREADS * CHUNK * 4 * OF_A_FEATURE * ready.condition.layout.width
    samples = run.sample_rows(training.num_rows)
    looks = run.trainer.evaluate_rows
    cells = sum(part.shape[1] for part in ready.encoded)
    generated = run.refine.needs(training.num_rows, cells)
    return [
        Need(f"trainer.evaluate_rows={looks}", "a look at the scores", chunks + looks * of_a_row,
             "lower trainer.evaluate_rows"),
        Need(f"samples={samples}", "the samples", chunks + samples * of_a_row, "lower samples"),
        Need("refine", "the refinement", chunks + generated * cells * OF_A_GENERATED_CELL if generated else 0,
             "set refine=none"),
        Need(f"codec.levels={run.codec.levels}", "generated chunks of wide rows", chunks, "lower codec.levels"),
    ]  # fmt: skip


def tree_bytes(tree: Any) -> int:
    """Bytes of all arrays of a tree, or of the shapes of arrays."""
    return sum(int(np.prod(np.shape(leaf))) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(tree))
