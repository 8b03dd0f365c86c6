"""Snapshots of a run: what its generator made at some of its steps, as counts beside those of held-out rows.

In the folder `real.json.gz` holds what stays as it is, and `STEP.json.gz` a snapshot each. No row of the table is in
them. A folder may come from a stranger: what is read is bounded in size, and each number of a shape that fits.
"""

import gzip
import json
import logging
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gans.artefacts import of_fields, parse_json, read_bytes, reading
from gans.errors import UserError
from gans.evaluation.cells import MOST_GROUPS, ColumnCells, PairCells
from gans.files import write_atomic

log = logging.getLogger("gans")

VERSION = 1
MOST_BYTES = 2**20  # of a file
MOST_TEXT = 2**23  # bytes that it unpacks to
REAL = "real.json.gz"
PICTURE = "data:image/png;base64,"


@dataclass(kw_only=True)
class Real:
    """What does not change in a run.

    Attributes:
        rows: held out.
        columns: how the values of each are counted, with the held-out counts; at most 200, in the table's order.
        associations: of the first columns with each other in held-out rows, [at most 40, at most 40].
        pairs: of columns that hang together most in held-out rows, at most six.
    """

    version: int
    rows: int
    columns: list[ColumnCells]
    associations: list[list[float]]
    pairs: list[PairCells]

    def check(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        _counts(self.version, self.rows)
        for column in self.columns:
            if _array(column.counts).shape != (column.size,) or len(column.axis) != 2 * bool(column.axis):
                raise ValueError(f"column {column.name[:40]!r} has {len(column.counts)} counts")
            _counts(*column.counts)
            edges = _array([*column.axis[:1], *column.edges, *column.axis[1:]])
            if (np.diff(edges) < 0).any() or (column.edges and not column.axis):
                raise ValueError(f"column {column.name[:40]!r} has edges that do not ascend")
        _array(self.associations, (len(self.associations), len(self.associations)))
        if len(self.associations) > len(self.columns):
            raise ValueError("more associations than columns")
        for pair in self.pairs:
            shape, size = [], MOST_GROUPS + 2  # the last stretch of numbers, and missing values
            for place, groups in ((pair.x, pair.x_groups), (pair.y, pair.y_groups)):
                if not 0 <= place < len(self.columns) or len(groups) != self.columns[place].size:
                    raise ValueError(f"a pair of column {place} with {len(groups)} groups")
                if not 0 <= min(groups) <= max(groups) < size or len(set(groups)) != max(groups) + 1:
                    raise ValueError("groups that do not follow each other")
                shape.append(max(groups) + 1)
            _counts(*_array(pair.counts, tuple(shape)).ravel().tolist())

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of each pair, the shape of its counts."""
        return [(max(pair.x_groups) + 1, max(pair.y_groups) + 1) for pair in self.pairs]


@dataclass(kw_only=True)
class Snapshot:
    """What the averaged generator made at a step; of several seeds that of the first.

    Attributes:
        seconds: of training so far.
        rows: generated.
        metrics: of the steps before, and held-out scores if it was scored at this step, by name.
        counts: of each column of `Real.columns`, rows in each cell.
        beyond: of each column, rows below and above its axis; [] of levels.
        associations: as those of `Real`.
        pairs: counts as those of `Real.pairs`, here exact.
        detector: the area under the curve of a small detector of generated among held-out rows; None for too few rows.
        telling: columns by which it goes, [place of the column, what it loses without it], largest first; at most
            ten, none where it loses nothing.
        walk: rows along a closed path through the latent space, the same in each snapshot: the text of each column;
            [] of images.
        images: an 8 x 8 grid of images at latents that are the same in each snapshot, as an address that holds a PNG;
            None of tables.
    """

    version: int
    step: int
    seconds: float
    rows: int
    metrics: dict[str, float]
    counts: list[list[int]]
    beyond: list[list[int]]
    associations: list[list[float]]
    pairs: list[list[list[int]]]
    detector: float | None
    telling: list[list[float]]
    walk: list[list[str | None]]
    images: str | None

    def check(self, real: Real, step: int) -> None:
        """Raise ValueError where it is no snapshot of this step, or the parts do not fit those of `real`."""
        _counts(self.version, self.step, self.rows)
        _array([self.seconds, self.detector or 0.0, *self.metrics.values()])
        if self.step != step:
            raise ValueError(f"it is of step {self.step}")
        if not len(self.counts) == len(self.beyond) == len(real.columns):
            raise ValueError(f"it has {len(self.counts)} columns, the run {len(real.columns)}")
        for column, counts, beyond in zip(real.columns, self.counts, self.beyond, strict=True):
            _array(counts, (column.size,))
            _array(beyond, (len(column.axis),))
            _counts(*counts, *beyond)
        _array(self.associations, np.shape(real.associations))
        for shape, pair in zip(real.shapes, self.pairs, strict=True):
            _counts(*_array(pair, shape).ravel().tolist())
        for place, loss in self.telling:
            _array([loss])
            if place not in range(len(real.columns)):
                raise ValueError(f"a telling column {place}")
        if any(len(row) != len(real.columns) for row in self.walk):
            raise ValueError("a row of the walk has other columns")
        if self.images is not None and not re.fullmatch(rf"{PICTURE}[A-Za-z0-9+/]+=*", self.images):
            raise ValueError("images that are no PNG")


class Snapshots:
    """The snapshots in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def steps(self) -> list[int]:
        """The steps of which there is one, ascending; [] where there is no folder."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        return sorted(int(match[1]) for name in names if (match := re.fullmatch(r"(\d{8,12})\.json\.gz", name)))

    @cached_property
    def real(self) -> Real:
        """What does not change.

        Raises:
            UserError: the file is missing, damaged, of another version, or too large.
        """
        path = self.folder / REAL
        with reading(path, "what snapshots are beside"):
            row = _unpacked(path)
            row["columns"] = [of_fields(ColumnCells, column) for column in row["columns"]]
            row["pairs"] = [of_fields(PairCells, pair) for pair in row["pairs"]]
            real = Real(**row)
            real.check()
            return real

    def read(self, step: int) -> Snapshot:
        """The snapshot of a step.

        Raises:
            UserError: as `real`.
        """
        real, path = self.real, self.path(step)
        with reading(path, "a readable snapshot"):
            snapshot = of_fields(Snapshot, _unpacked(path))
            snapshot.check(real, step)
            return snapshot

    def whole(self) -> Iterator[Snapshot]:
        """All that can be read, by step; of a damaged one a line is logged.

        Raises:
            UserError: of `real`.
        """
        for step in self.steps() if self.real else []:
            try:
                yield self.read(step)
            except UserError as error:
                log.warning("%s Left out.", error)

    def path(self, step: int) -> Path:
        """The file of the snapshot of a step."""
        return self.folder / f"{step:08d}.json.gz"

    def drop_after(self, step: int) -> None:
        """Remove the snapshots of later steps."""
        for later in self.steps():
            if later > step:
                self.path(later).unlink(missing_ok=True)

    def write_real(self, real: Real) -> None:
        """Write what does not change, atomically."""
        self.folder.mkdir(exist_ok=True)
        _write(self.folder / REAL, real)
        self.__dict__.pop("real", None)

    def write(self, snapshot: Snapshot) -> None:
        """Write a snapshot, atomically."""
        _write(self.path(snapshot.step), snapshot)


def _write(path: Path, content: Real | Snapshot) -> None:
    text = json.dumps(asdict(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode(), mtime=0)
    write_atomic(path, lambda temporary: temporary.write_bytes(packed))


def _unpacked(path: Path) -> dict[str, Any]:
    """The mapping in a file of packed JSON.

    Raises:
        UserError, ValueError, OSError, zlib.error: it is missing, damaged, of another version, or too large.
    """
    unpacking = zlib.decompressobj(wbits=31)
    text = unpacking.decompress(read_bytes(path, MOST_BYTES), MOST_TEXT)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError(f"it is cut off, or unpacks to more than {MOST_TEXT:,} bytes")
    row = parse_json(text)
    if row["version"] != VERSION:
        raise ValueError(f"it is of version {row['version']}, read is {VERSION}")
    return row


def _array(values: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Finite numbers, of a shape where one is due; ValueError else."""
    out = np.array(values, np.float64)
    out = out.reshape(shape) if shape is not None and not out.size else out
    if not np.isfinite(out).all() or (shape is not None and out.shape != shape):
        raise ValueError(f"numbers of shape {out.shape}, or not finite")
    return out


def _counts(*values: float) -> None:
    """Raise ValueError unless these are whole numbers from 0."""
    if not all(value >= 0 and value == int(value) for value in values):
        raise ValueError("counts below 0")
