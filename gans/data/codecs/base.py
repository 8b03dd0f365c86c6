"""What every codec shares: a table becomes int32 codes and float32 scalars, and comes back exactly.

Categories, booleans and missing values become codes. A number or a time becomes a scalar by a monotone
piecewise-linear map through knots (scalar, value); where its column has several modes, each with a map of its own,
atoms (values that hold a large share of the rows) or missing values, a code says which of them it is: first the
modes, then the atoms, missing last. A category of very many levels is a number too: the rank of its level, in an order
that puts alike levels side by side (`gans.data.codecs.ranks`), with its frequent levels as atoms.

Round trip: exact for every category, boolean, integer, time and missing value, and for numbers of a column with at most
16,384 distinct values; within float32 error for other numbers. Subclasses choose the scalars of the knots.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.artefacts import parse_json, read_npz, reading
from gans.data.codecs.columns import FittedColumn, numbers, time_grid
from gans.data.codecs.images import FittedImage
from gans.data.codecs.knots import Knots, Mixture, ascending
from gans.data.codecs.ranks import ranked
from gans.data.layout import Encoded, Layout, round_up
from gans.data.relations import Relations
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError, in_range, nearest
from gans.files import write_atomic

pc: Any = pyarrow.compute  # its functions are made at run time

MOST_KNOTS = 16_384


@dataclass
class FittedCodec:
    """A codec that has seen its table. `layout` says where each column lives.

    Columns that follow from others by `relations` have no place in it: they are left out and rebuilt.

    Attributes:
        exclusions: levels that never occur together, as rows (code, level, later code, level) [m, 4].
    """

    schema: Schema
    columns: list[FittedColumn]
    relations: Relations = field(default_factory=Relations)
    exclusions: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.int32))

    @property
    def image(self) -> FittedImage | None:
        """The column of images, whose pixels are the last scalars; None without one."""
        return image_of(self.schema)

    def __post_init__(self) -> None:
        coded, numeric = columns_of_codes(self.columns), columns_of_scalars(self.columns)
        for place, fitted in enumerate(coded):
            fitted.code = place
        for place, fitted in enumerate(numeric):
            fitted.scalar = place
        bounds = [abs(float(edge)) for c in self.columns for k in c.knots for edge in (k.low[0], k.high[-1])]
        image = self.image
        self.layout = Layout(
            scalars=len(numeric) + (image.pixels if image else 0),
            bound=round_up(max(bounds, default=1.0)),
            image=image.shape if image else None,
            cardinalities=tuple(c.cardinality for c in coded),
            masks=tuple((c.scalar, c.code, len(c.knots)) for c in self.columns if c.scalar >= 0 and c.code >= 0),
            exclusions=tuple(map(tuple, self.exclusions.tolist())),
            columns=tuple(self._places()),
        )

    def _places(self) -> list[int]:
        """The place of the column of each feature of a wide row."""
        scalars = [place for place, c in enumerate(self.columns) if c.scalar >= 0]
        scalars += [len(self.columns)] * (self.image.pixels if self.image else 0)
        coded = sorted((c.code, place, c.cardinality) for place, c in enumerate(self.columns) if c.code >= 0)
        return scalars + [place for _, place, cardinality in coded for _ in range(cardinality)]

    def __getitem__(self, name: str) -> FittedColumn:
        for fitted in self.columns:
            if fitted.column.name == name:
                return fitted
        names = [fitted.column.name for fitted in self.columns]
        column = self.schema[name]
        raise UserError(
            f"column '{name}' is not learned ({self.relations.explain(name) or column.reason or column.role}); "
            f"learned are {', '.join(names)}.{nearest(name, names)}"
        )

    def empty(self, rows: int) -> Encoded:
        """Rows of zeros."""
        codes = np.zeros((rows, len(self.layout.cardinalities)), np.int32)
        return Encoded(np.zeros((rows, self.layout.scalars), np.float32), codes)

    def decode_column(self, name: str, encoded: Encoded) -> pa.Array:
        """A learned column by itself."""
        return self[name].decode(encoded)

    def code_names(self) -> tuple[list[str], list[list[Any]]]:
        """Of each code the column's name and its levels in words; None is missing."""
        coded = sorted((c for c in self.columns if c.code >= 0), key=lambda c: c.code)
        return [c.column.name for c in coded], [c.words() for c in coded]

    def encode(self, table: pa.Table, seed: int | tuple[int, ...] | None = 0) -> Encoded:
        """Scores [rows, numbers] and codes [rows, categories]. Tied numbers are spread over their interval by `seed`.

        Args:
            seed: a whole number, or several that together name a random stream; None for the middle of the intervals.

        Raises:
            UserError: a column is missing, has a level or a type that the training table had not.
        """
        return encode_columns(self.columns, self.image, self.relations.reduce(table), seed)

    def covers(self, table: pa.Table) -> np.ndarray:
        """Which rows [rows] of a table hold levels and missing values of the training table only.

        Raises:
            UserError: a column is missing, or of another type.
        """
        table = self.relations.reduce(table)
        out = np.ones(table.num_rows, bool)
        for fitted in self.columns:
            name = fitted.column.name
            if name not in table.column_names:
                raise UserError(f"column '{name}' is missing from the table; it has {', '.join(table.column_names)}.")
            out &= fitted.covers(table[name])
        return out

    def decode(self, encoded: Encoded) -> pa.Table:
        """The table: columns in the order of the training table, with its types and missing values."""
        rows = len(encoded.scalars)
        arrays, fitted_by_name = {}, {fitted.column.name: fitted for fitted in self.columns}
        for column in self.relations.reduce_schema(self.schema).kept:
            kind = arrow_type(column.type)
            if column.role == "constant":
                value = column.bounds[0] if column.bounds else None
                written = pa.array([value], pa.string() if isinstance(value, str) else kind).cast(kind)
                arrays[column.name] = written.take(pa.array(np.zeros(rows, int)))
            elif self.image and column.role == "image":
                arrays[column.name] = self.image.decode(encoded.scalars[:, self.layout.numbers :])
            else:
                arrays[column.name] = fitted_by_name[column.name].decode(encoded)
        return self.relations.restore(pa.table(arrays))

    def save(self, path: Path) -> None:
        """Write to one .npz file: marginal knots and levels, never a row."""
        arrays, meta = {}, []
        for place, fitted in enumerate(self.columns):
            meta.append(
                {"name": fitted.column.name, "levels": fitted.levels, "origin": fitted.origin, "step": fitted.step}
            )
            for mode, knots in enumerate(fitted.knots):
                arrays[f"{place}.knots.{mode}"] = np.stack([knots.values, knots.low, knots.high])
                arrays[f"{place}.atoms"] = fitted.atoms
            if fitted.mixture is not None:
                meta[-1]["mixture"] = fitted.mixture.to_json()
        arrays["exclusions"] = self.exclusions
        arrays["relations"] = np.frombuffer(self.relations.to_json().encode(), np.uint8)
        with_meta = {"meta": np.frombuffer(json.dumps(meta, default=str).encode(), np.uint8), **arrays}
        write_atomic(path, lambda temporary: np.savez_compressed(temporary, **with_meta))

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "FittedCodec":
        """Read what `save` wrote.

        Raises:
            UserError: the file is missing or damaged.
        """
        with reading(path, "a readable codec"):
            data = read_npz(path)
            relations = Relations.from_json(data["relations"].tobytes().decode())
            reduced, columns = relations.reduce_schema(schema), []
            for place, row in enumerate(parse_json(data["meta"].tobytes())):
                modes = range(sum(name.startswith(f"{place}.knots.") for name in data))
                parts = [data[f"{place}.knots.{mode}"] for mode in modes]
                row["knots"] = [Knots(v, low.astype(np.float32), high.astype(np.float32)) for v, low, high in parts]
                row["atoms"] = data[f"{place}.atoms"] if parts else np.zeros(0)
                if "mixture" in row:
                    row["mixture"] = Mixture.from_json(row["mixture"])
                column = reduced[row.pop("name")]
                if pa.types.is_decimal(arrow_type(column.type)):
                    row["levels"] = [None if level is None else Decimal(level) for level in row["levels"]]
                columns.append(FittedColumn(column=column, **row))
            for fitted in columns:
                fitted.check()
            if [fitted.column.name for fitted in columns] != [column.name for column in reduced.features]:
                raise ValueError("its columns are not those of the schema")
            codec = cls(schema, columns, relations, data["exclusions"])
            codec.check()
            return codec

    def check(self) -> None:
        """Raise ValueError, or what decoding raises, where what was read from a file does not fit together."""
        sizes = np.array([*self.layout.cardinalities, 0], np.int64)
        rows = self.exclusions
        if rows.ndim != 2 or rows.shape[1] != 4 or rows.dtype.kind not in "iu":
            raise ValueError(f"exclusions {rows.dtype} {rows.shape}")
        codes, levels = rows[:, ::2], rows[:, 1::2]
        if ((codes < 0) | (codes >= len(sizes) - 1)).any() or ((levels < 0) | (levels >= sizes[codes])).any():
            raise ValueError("an exclusion of levels that are not there")
        self.decode(self.empty(1))  # what does not fit together fails here, not in the middle of a sample


def image_of(schema: Schema) -> FittedImage | None:
    """The column of images of a table; None without one."""
    return next(map(FittedImage, schema.images), None)


def columns_of_scalars(columns: list[FittedColumn]) -> list[FittedColumn]:
    """The columns that have a scalar, in the order of their scalars."""
    return [fitted for fitted in columns if fitted.numeric]


def columns_of_codes(columns: list[FittedColumn]) -> list[FittedColumn]:
    """The columns that have a code, in the order of their codes: those of few levels first."""
    return sorted((fitted for fitted in columns if fitted.cardinality), key=lambda fitted: fitted.cardinality)


def encode_columns(
    columns: list[FittedColumn],
    image: FittedImage | None,
    table: pa.Table,
    seed: int | tuple[int, ...] | None = 0,
) -> Encoded:
    """Scores [rows, numbers and pixels] and codes [rows, categories] of columns that need not have a codec yet.

    Raises:
        UserError: a column is missing, has a level or a type that the training table had not.
    """
    scalar = {fitted.column.name: place for place, fitted in enumerate(columns_of_scalars(columns))}
    code = {fitted.column.name: place for place, fitted in enumerate(columns_of_codes(columns))}
    scalars = np.zeros((table.num_rows, len(scalar) + (image.pixels if image else 0)), np.float32)
    codes = np.zeros((table.num_rows, len(code)), np.int32)
    parts = seed if seed is None or isinstance(seed, tuple) else (seed,)
    for place, fitted in enumerate(columns):
        name = fitted.column.name
        if name not in table.column_names:
            raise UserError(f"column '{name}' is missing from the table; it has {', '.join(table.column_names)}.")
        rng = None if parts is None else np.random.default_rng((*parts, place))
        own_scalars, own_codes = fitted.encode(table[name], rng)
        if name in scalar:
            scalars[:, scalar[name]] = own_scalars
        if name in code:
            codes[:, code[name]] = own_codes
    if image:
        scalars[:, len(scalar) :] = image.encode(table[image.column.name])
    return Encoded(scalars, codes)


@dataclass(kw_only=True)
class Codec:
    """How numbers become scalars. Everything that is learned from the data is learned in `fit`.

    Attributes:
        atom: a value that holds more than this share of the present ones is an atom; 1 for none.
        levels: a category of more levels than this is learned by the ranks of its levels, but for those that hold more
            than one row in `levels`. Memory then does not grow with the levels.
    """

    atom: float = 1.0
    levels: int = 256

    def __post_init__(self) -> None:
        in_range("codec.atom", self.atom, 0, 1, open_low=True)
        in_range("codec.levels", self.levels, 2)

    def fit(
        self,
        table: pa.Table,
        schema: Schema,
        relations: Relations | None = None,
        values: Mapping[str, pa.ChunkedArray] | None = None,
    ) -> FittedCodec:
        """Learn levels and knots from the training table; of columns that `relations` rebuild, nothing.

        Args:
            values: by column those that knots are learned from, where these are not the table's.

        Raises:
            UserError: a column cannot be held exactly in float64.
        """
        relations = relations or Relations()
        table, features = relations.reduce(table), relations.reduce_schema(schema).features
        many = [c for c in features if c.kind == "category" and c.levels > self.levels]
        known = values or {}
        fitted = {c.name: self._fit_column(known.get(c.name, table[c.name]), c) for c in features if c not in many}
        if many:
            others = encode_columns(list(fitted.values()), image_of(schema), table)
            fitted |= {c.name: self._fit_ranks(table[c.name], c, others) for c in many}
        return FittedCodec(schema, [fitted[c.name] for c in features], relations)

    def atoms(self, counts: np.ndarray) -> np.ndarray:
        """Which of the distinct values, that occur counts [n] times, are atoms; at least two values remain."""
        heavy = counts > self.atom * counts.sum()
        return heavy if len(counts) - heavy.sum() >= 2 else np.zeros_like(heavy)

    def mixture(self, values: np.ndarray, counts: np.ndarray) -> Mixture | None:
        """The modes among which distinct ascending values [n] that occur counts [n] times are split; None for one."""
        del values, counts
        return None

    def scalars(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores [low, high] of distinct ascending values [n] that occur counts [n] times."""
        raise NotImplementedError(f"{type(self).__name__} gives no scalars")

    def _fit_ranks(self, array: pa.ChunkedArray, column: Column, others: Encoded) -> FittedColumn:
        """A category as the ranks of its levels, each of which keeps its whole step of the scalars.

        Counts are doubled, so that a level of one row is no less spread than others.
        """
        levels, counts = ranked(array, others)
        fitted = FittedColumn(column=column, levels=levels + [None] * column.missing)
        ranks, frequent = np.arange(len(levels), dtype=np.float64), counts * self.levels > counts.sum()
        fitted.atoms = ranks[frequent]
        return self._fit_knots(fitted, ranks[~frequent], 2 * counts[~frequent])

    def _fit_column(self, array: pa.ChunkedArray, column: Column) -> FittedColumn:
        if column.kind in ("category", "boolean"):
            levels = pc.unique(array.drop_null()).to_pylist()
            levels = sorted(levels) + [None] * column.missing
            return FittedColumn(column=column, levels=levels)
        fitted = FittedColumn(column=column)
        valid = array.drop_null()
        if column.kind == "datetime":
            fitted.origin, fitted.step = time_grid(valid, column)
        elif column.kind == "integer" and pa.types.is_integer(array.type):
            fitted.origin = int(pc.min(valid).as_py())
        values, counts = np.unique(numbers(valid, fitted), return_counts=True)
        if column.kind != "numeric" and values[-1] - values[0] >= 2**53:
            raise UserError(
                f"column '{column.name}': its values span more than 2^53, too much to be held exactly; "
                f"set data.kinds.{column.name}=id to leave it out"
                f"{', or round its times' if column.kind == 'datetime' else ', or category to learn each value'}."
            )
        atoms = self.atoms(counts)
        fitted.atoms = values[atoms]
        return self._fit_knots(fitted, values[~atoms], counts[~atoms])

    def _fit_knots(self, fitted: FittedColumn, values: np.ndarray, counts: np.ndarray) -> FittedColumn:
        """The column with its modes and knots."""
        column = fitted.column
        fitted.mixture = self.mixture(values, counts)
        if fitted.mixture is None:
            fitted.knots = [_knots(column, values, counts, *self.scalars(values, counts))]
            return fitted
        for scalars, share in zip(fitted.mixture.scalars(values), fitted.mixture.shares(values), strict=True):
            here = share > 0
            own = ascending(scalars[here])
            fitted.knots.append(_knots(column, values[here], counts[here], own, own))
        return fitted


def _knots(column: Column, values: np.ndarray, counts: np.ndarray, low: np.ndarray, high: np.ndarray) -> Knots:
    keep = _thin(counts) if column.kind == "numeric" else slice(None)
    return Knots(values[keep], low[keep].astype(np.float32), high[keep].astype(np.float32))


def _thin(counts: np.ndarray) -> np.ndarray | slice:
    """Which distinct values become knots where there are too many: both ends, heavy ones, and evenly by mass."""
    if len(counts) <= MOST_KNOTS:
        return slice(None)
    mass = np.cumsum(counts)
    even = np.searchsorted(mass, np.linspace(0, mass[-1], MOST_KNOTS))
    heavy = np.flatnonzero(counts > mass[-1] / MOST_KNOTS)
    return np.unique(np.concatenate([[0], np.minimum(even, len(counts) - 1), heavy, [len(counts) - 1]]))
