"""Snapshots are made: a chunk of rows of the averaged generator, counted beside the held-out rows."""

import base64
import io
import logging
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gans.data.codecs.images import brightness
from gans.data.layout import Encoded
from gans.data.schema import Column, Schema
from gans.errors import one_line
from gans.evaluation.associations import associations
from gans.evaluation.cells import ColumnCells, PairCells, closest_pairs
from gans.evaluation.detection import LEAST_ROWS, Detector
from gans.runs.build import build
from gans.runs.prepare import Prepared
from gans.runs.snapshots import PICTURE, VERSION, Real, Snapshot, Snapshots
from gans.sampling.chunks import CHUNK
from gans.sampling.latents import independent, walk

log = logging.getLogger("gans")

MOST_COLUMNS = 200  # that are counted
MOST_ASSOCIATED = 40  # of them, that are seen beside each other
MOST_PAIRS = 6
MOST_TELLING = 10
MOST_LETTERS = 80  # of a text
WALK = 24  # rows
ACROSS = 8  # images of a grid, and down
MOST_PIXELS = 32  # of an image, across and down


class SnapshotWriter:
    """Makes and writes the snapshots of a run.

    Rows are the first chunk that its sampler draws, with the run's seed. A snapshot that cannot be made is left out.
    """

    def __init__(self, ready: Prepared, snapshots: Snapshots) -> None:
        self.ready, self.snapshots = ready, snapshots
        schema, holdout = ready.split.schema, ready.split.holdout
        self.columns = schema.features[:MOST_COLUMNS]
        self.associated = self.columns[:MOST_ASSOCIATED]
        self.cells = [ColumnCells.of(holdout[column.name], column) for column in self.columns]
        self.real = self._real()
        enough = holdout.num_rows >= LEAST_ROWS and len(self.associated) > 0
        self.detector = Detector(holdout, Schema(self.associated)) if enough else None
        gan, seed = build(ready.run, ready.condition), ready.run.seed
        many = independent(gan, ready.condition, seed, ACROSS * ACROSS) if schema.images else None
        self.fixed = many or walk(gan, ready.condition, seed, WALK)

    def begin(self) -> None:
        """Write what does not change."""
        self.snapshots.write_real(self.real)

    def write(self, average: Any, metrics: dict[str, float], step: int, seconds: float) -> None:
        """Write the snapshot of a step, unless it is there.

        Raises:
            OSError: it cannot be written.
        """
        if self.snapshots.path(step).is_file():
            return
        try:
            snapshot = self.make(average, metrics, step, seconds)
        except Exception as error:
            log.warning("trainer.snapshots: left out at step %s, %s", f"{step:,}", one_line(error))
            return
        self.snapshots.write(snapshot)

    def make(self, average: Any, metrics: dict[str, float], step: int, seconds: float) -> Snapshot:
        """The snapshot of a generator: parameters and statistics `average`."""
        sampler, seed = self.ready.sampler, self.ready.run.seed
        sampler.parameters = average
        table, fixed = sampler.sample(CHUNK, seed), self.fixed(average)
        images = self.ready.split.schema.images
        places = self._places(table)
        auc, losses = self.detector.telling(table) if self.detector else (None, {})
        names = [column.name for column in self.columns]
        return Snapshot(
            version=VERSION,
            step=step,
            seconds=round(seconds, 3),
            rows=table.num_rows,
            metrics={name: float(f"{value:.6g}") for name, value in metrics.items() if math.isfinite(value)},
            counts=[cells.count(table[cells.name]).tolist() for cells in self.cells],
            beyond=[cells.beyond(table[cells.name]) for cells in self.cells],
            associations=self._associations(table),
            pairs=[pair.count(places).tolist() for pair in self.real.pairs],
            detector=auc if auc is None else round(auc, 4),
            telling=[[names.index(n), round(loss, 4)] for n, loss in list(losses.items())[:MOST_TELLING] if loss > 0],
            walk=[] if images else self._texts(fixed),
            images=self._grid(fixed, images[0]) if images else None,
        )

    def _real(self) -> Real:
        holdout = self.ready.split.holdout
        places, found = self._places(holdout), self._associations(holdout)
        pairs = [PairCells.of(x, y, self.cells, places) for x, y in closest_pairs(np.array(found), MOST_PAIRS)]
        shown = [replace(cells, levels=[level[:MOST_LETTERS] for level in cells.levels]) for cells in self.cells]
        return Real(version=VERSION, rows=holdout.num_rows, columns=shown, associations=found, pairs=pairs)

    def _places(self, table: pa.Table) -> list[np.ndarray]:
        return [cells.places(table[cells.name]) for cells in self.cells[:MOST_ASSOCIATED]]

    def _associations(self, table: pa.Table) -> list[list[float]]:
        return np.round(associations(table, self.ready.split.holdout, self.associated), 3).tolist()

    def _texts(self, rows: Encoded) -> list[list[str | None]]:
        """The values of each row as texts."""
        table = self.ready.codec.decode(rows)
        return [list(row) for row in zip(*(texts(table[c.name], c) for c in self.columns), strict=True)]

    def _grid(self, rows: Encoded, column: Column) -> str:
        """Images side by side, as an address that holds them."""
        from PIL import Image

        images = brightness(self.ready.codec.decode(rows)[column.name], column)
        height, width, channels = images.shape[1:]
        whole = images.reshape(ACROSS, ACROSS, height, width, channels).swapaxes(1, 2)
        bytes_ = np.rint(255 * whole.reshape(ACROSS * height, ACROSS * width, channels)).astype(np.uint8)
        picture = Image.fromarray(bytes_[..., 0] if channels == 1 else bytes_[..., :3])
        picture.thumbnail((ACROSS * MOST_PIXELS, ACROSS * MOST_PIXELS))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        return PICTURE + base64.b64encode(buffer.getvalue()).decode()


def texts(array: pa.ChunkedArray, column: Column) -> list[str | None]:
    """Values for people; None where missing."""
    if pa.types.is_floating(array.type):
        form = ".6g" if column.decimals is None else f".{column.decimals}f"
        return [None if value is None else f"{value:{form}}" for value in array.to_pylist()]
    texts = pc.utf8_slice_codeunits(array.cast(pa.string()), 0, MOST_LETTERS)  # pyright: ignore[reportAttributeAccessIssue]
    return texts.to_pylist()
