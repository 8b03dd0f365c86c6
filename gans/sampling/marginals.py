"""The values of each column by itself and how often they occur: what a condition on a range draws from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.artefacts import read_npz, reading
from gans.data.codecs import FittedCodec
from gans.data.codecs.columns import FittedColumn
from gans.data.layout import Encoded
from gans.files import write_atomic

MOST_VALUES = 16_384


@dataclass
class Marginal:
    """Distinct values of a column: scalars [m], codes [m], and the training rows that hold each [m]."""

    scalars: np.ndarray
    codes: np.ndarray
    counts: np.ndarray

    def check(self, fitted: FittedColumn) -> None:
        """Raise ValueError where the values are none that the column can have."""
        kinds = [array.dtype.kind in kind for array, kind in zip(self.arrays(), ("f", "iu", "iu"), strict=True)]
        same = {array.shape for array in self.arrays()} == {(len(self.counts),)} and len(self.counts)
        if not all(kinds) or not same or not np.isfinite(self.scalars).all() or (self.counts < 1).any():
            raise ValueError(f"column '{fitted.column.name}'")
        if self.codes.min() < 0 or self.codes.max() >= max(fitted.cardinality, 1):
            raise ValueError(f"a level that column '{fitted.column.name}' does not have")

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Its parts."""
        return self.scalars, self.codes, self.counts

    def place(self, fitted: FittedColumn, encoded: Encoded, rows: np.ndarray, values: np.ndarray) -> None:
        """Write the values [k] into the column's place of the rows [k]."""
        if fitted.scalar >= 0:
            encoded.scalars[rows, fitted.scalar] = self.scalars[values]
        if fitted.code >= 0:
            encoded.codes[rows, fitted.code] = self.codes[values]


@dataclass
class Marginals:
    """The marginals of all learned columns, in the codec's order."""

    codec: FittedCodec
    columns: list[Marginal]

    def __getitem__(self, name: str) -> Marginal:
        return self.columns[self.codec.columns.index(self.codec[name])]

    def encoded(self, name: str) -> Encoded:
        """The values of a column in its place of rows that are empty otherwise."""
        marginal = self[name]
        count = len(marginal.counts)
        rows = self.codec.empty(count)
        marginal.place(self.codec[name], rows, np.arange(count), np.arange(count))
        return rows

    def values(self, name: str) -> pa.Array:
        """The values of a column as a table holds them."""
        return self.codec.decode_column(name, self.encoded(name))

    def save(self, path: Path) -> None:
        """Write to one .npz file: one column at a time, never a row."""
        arrays: dict[str, Any] = {}
        for place, marginal in enumerate(self.columns):
            arrays[f"{place}.scores"], arrays[f"{place}.codes"] = marginal.scalars, marginal.codes
            arrays[f"{place}.counts"] = marginal.counts
        write_atomic(path, lambda temporary: np.savez_compressed(temporary, **arrays))

    @classmethod
    def load(cls, path: Path, codec: FittedCodec) -> "Marginals":
        """Read what `save` wrote.

        Raises:
            UserError: the file is missing or damaged.
        """
        with reading(path, "readable marginals"):
            data = read_npz(path)
            columns = [
                Marginal(data[f"{place}.scores"], data[f"{place}.codes"], data[f"{place}.counts"])
                for place in range(len(codec.columns))
            ]
            for fitted, marginal in zip(codec.columns, columns, strict=True):
                marginal.check(fitted)
            return cls(codec, columns)


def fit_marginals(codec: FittedCodec, encoded: Encoded) -> Marginals:
    """Count the values of each column in the training rows; of numeric ones at most 16,384, evenly by mass."""
    out = []
    for fitted in codec.columns:
        codes = encoded.codes[:, fitted.code] if fitted.code >= 0 else np.zeros(len(encoded.codes), np.int32)
        if fitted.scalar < 0:
            counts = np.bincount(codes, minlength=fitted.cardinality)
            there = np.flatnonzero(counts)
            out.append(Marginal(np.zeros(len(there), np.float32), there.astype(np.int32), counts[there]))
            continue
        scalars = encoded.scalars[:, fitted.scalar]
        values = fitted.decode_numbers(encoded)
        order = np.lexsort((values, codes))
        new = np.r_[True, (np.diff(values[order]) != 0) | (np.diff(codes[order]) != 0)]
        first = np.flatnonzero(new)
        counts = np.diff(np.r_[first, len(order)])
        if fitted.column.kind == "numeric" and len(first) > MOST_VALUES:  # others keep all, as the knots do
            mass = np.cumsum(counts)
            kept = np.unique(np.searchsorted(mass, np.linspace(mass[0], mass[-1], MOST_VALUES)))
            counts, first = np.diff(np.r_[0, mass[kept]]), first[kept]
        out.append(Marginal(scalars[order[first]], codes[order[first]].astype(np.int32), counts))
    return Marginals(codec, out)
