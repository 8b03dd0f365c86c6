"""Rows from a trained generator. Row i depends on the seed and on i only, not on how many rows are drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.config import Run, read_run
from gans.data.codecs import FittedCodec
from gans.data.layout import Encoded
from gans.data.schema import Schema
from gans.errors import UserError, in_range
from gans.training.build import build
from gans.training.checkpoints import Checkpoints
from gans.training.step import GAN
from gans.training.streams import per_example, stream

CHUNK = 4096


class Sampler:
    """A generator with its codec and condition.

    Attributes:
        parameters: and statistics of the averaged generator that scored best.
    """

    def __init__(self, gan: GAN, codec: FittedCodec, condition: FittedCondition, parameters: Any = None) -> None:
        self.gan, self.codec, self.condition, self.parameters = gan, codec, condition, parameters

        def chunk(parameters: Any, labels: Any, seed: Any, start: Any) -> tuple[Any, Any]:
            keys = per_example(stream(seed, jnp.zeros((), jnp.int32), "sample"), CHUNK, start)
            return gan.layout.compact(gan.generate(parameters, condition.wide(labels), keys, False)[0])

        self._chunk = jax.jit(chunk)

    def sample(self, n: int, seed: int = 0, where: Mapping[str, Any] | None = None) -> pa.Table:
        """A table [n, columns] with the columns, types and missing values of the training table.

        Args:
            where: values that columns are fixed to; every row satisfies it.

        Raises:
            UserError: n or seed out of range, or `where` names a column that is no condition or a value that does not
            occur.
        """
        in_range("n", n, 1)
        in_range("seed", seed, 0, 2**31 - 1)
        codes, values = self.condition.fix(where or {})
        labels = self.condition.draw(n, seed, codes)
        encoded = self.condition.join(self._rows(n, seed, labels), labels)
        for name, value in values.items():
            if self.codec[name].code >= 0:
                encoded.codes[:, self.codec[name].code] = value is None
        return self.codec.decode(encoded, {name: value for name, value in values.items() if value is not None})

    def _rows(self, n: int, seed: int, labels: np.ndarray) -> Encoded:
        parts = []
        for start in range(0, n, CHUNK):
            part = np.zeros((CHUNK, labels.shape[1]), np.int32)
            part[: min(CHUNK, n - start)] = labels[start : start + CHUNK]
            parts.append(self._chunk(self.parameters, part, np.int32(seed), np.int32(start)))
        scores, codes = zip(*jax.device_get(parts), strict=True)
        return Encoded(np.concatenate(scores)[:n], np.concatenate(codes)[:n])


def load_sampler(run_dir: Path, member: int | None = None) -> tuple[Sampler, Run]:
    """The sampler of a run directory, with the run's config. Needs no training table.

    Args:
        member: which of several seeds, by place; None for the one that scored best on held-out rows.

    Raises:
        UserError: the folder is no run directory, holds no checkpoint, or the member is not there.
    """
    run = read_run(run_dir / "config.yaml")
    schema = Schema.read(run_dir / "schema.json")
    codec = FittedCodec.load(run_dir / "checkpoints" / "codec.npz", schema)
    condition = FittedCondition.load(run_dir / "checkpoints" / "condition.npz", codec)
    gan = build(run, condition)
    checkpoints = Checkpoints(run_dir / "checkpoints")
    try:
        found = checkpoints.latest()
    finally:
        checkpoints.close()
    if found is None:
        raise UserError(f"run={run_dir}: it holds no checkpoint yet.")
    best = found[1]["best"]
    values = best["value"] * (run.trainer.direction or 1)
    if member is None:
        member = 0 if np.isnan(values).all() else int(np.nanargmax(values))
    in_range("member", member, 0, len(values) - 1)
    trained = best["step"][member] > 0
    if not trained:
        raise UserError(
            f"run={run_dir}: it has not been scored yet, so that there is no best generator; go on with the run."
        )
    return Sampler(gan, codec, condition, jax.tree.map(lambda leaf: leaf[member], best["generator"])), run
