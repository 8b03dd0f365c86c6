"""What every codec shares: a table becomes int32 codes and float32 scores, and comes back exactly.

Categories, booleans and missing values become codes. A number or a time becomes a score by a monotone
piecewise-linear map through knots (score, value); where its column has several modes, each with a map of its own,
atoms (values that hold a large share of the rows) or missing values, a code says which of them it is: first the
modes, then the atoms, missing last. Round trip: exact for every category, boolean, integer, time and missing value,
and for numbers of a column with at most 16,384 distinct values; within float32 error for other numbers. Subclasses
choose the scores of the knots.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.knots import Knots, Mixture, ascending
from gans.data.layout import Encoded, Layout, round_up
from gans.data.relations import Relations
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError, in_range, nearest
from gans.files import UNREADABLE, write_atomic

pc: Any = pyarrow.compute  # its functions are made at run time

MOST_KNOTS = 16_384
TIME_STEPS = (86_400_000_000_000, 3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1)  # nanoseconds


@dataclass
class FittedColumn:
    """A column with what the codec learnt of it: levels (with None last for missing), or knots and atoms.

    Attributes:
        knots: of a numeric column, for each of its modes, which are the first levels of its code.
        mixture: what splits the numbers among several modes.
        atoms: values of a numeric column, ascending, that are the next levels of its code; missing is the last level.
        origin: what the numbers are counted from, in steps of `step`.
    """

    column: Column
    levels: list[Any] = field(default_factory=list)
    knots: list[Knots] = field(default_factory=list)
    mixture: Mixture | None = None
    atoms: np.ndarray = field(default_factory=lambda: np.zeros(0))
    origin: int = 0
    step: int = 1
    score: int = -1
    code: int = -1

    @property
    def cardinality(self) -> int:
        """Levels of its code; 0 where it has none."""
        if not self.numeric:
            return len(self.levels)
        levels = len(self.knots) + len(self.atoms) + self.column.missing
        return levels if levels > 1 else 0

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers or times and not levels."""
        return bool(self.knots)

    def missing(self, encoded: Encoded) -> np.ndarray:
        """Whether each row is missing, which is the last level; for columns that may be."""
        return encoded.codes[:, self.code] == self.cardinality - 1

    def encode_numbers(self, values: np.ndarray, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """Scores [rows] float32 and levels [rows] int32 of numbers, counted from the origin; none is missing.

        Args:
            rng: draws the mode of a number and the score of a tied one; without it the likeliest and the middle.
        """
        codes = np.zeros(len(values), np.int32)
        if self.mixture is not None:
            ends = min(knots.values[0] for knots in self.knots), max(knots.values[-1] for knots in self.knots)
            codes = self.mixture.draw(np.clip(values, *ends), rng)
        if len(self.atoms):
            at = np.minimum(np.searchsorted(self.atoms, values), len(self.atoms) - 1)
            codes = np.where(self.atoms[at] == values, len(self.knots) + at, codes).astype(np.int32)
        scores = np.zeros(len(values), np.float32)
        for mode, knots in enumerate(self.knots):
            here = codes == mode
            scores[here] = knots.encode(values[here], rng)
        return scores, codes

    def decode_numbers(self, encoded: Encoded) -> np.ndarray:
        """Numbers [rows] float64, counted from the origin; any where missing."""
        scores = encoded.scores[:, self.score]
        if self.code < 0:
            return self.knots[0].decode(scores)
        codes = encoded.codes[:, self.code]
        values = np.concatenate([self.atoms, [0.0]])[np.clip(codes - len(self.knots), 0, len(self.atoms))]
        for mode, knots in enumerate(self.knots):
            here = codes == mode
            values[here] = knots.decode(scores[here])
        return values


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

    def __post_init__(self) -> None:
        coded = sorted((c for c in self.columns if c.cardinality), key=lambda c: c.cardinality)
        for place, fitted in enumerate(coded):
            fitted.code = place
        for place, fitted in enumerate(c for c in self.columns if c.numeric):
            fitted.score = place
        bounds = [abs(float(edge)) for c in self.columns for k in c.knots for edge in (k.low[0], k.high[-1])]
        layout = Layout(
            scores=len([c for c in self.columns if c.numeric]),
            bound=round_up(max(bounds, default=1.0)),
            cardinalities=tuple(c.cardinality for c in coded),
            masks=tuple((c.score, c.code, len(c.knots)) for c in self.columns if c.score >= 0 and c.code >= 0),
            columns=tuple(self._places()),
        )
        self.layout = dataclasses.replace(layout, exclusions=tuple(map(tuple, self.exclusions.tolist())))

    def _places(self) -> list[int]:
        """The place of the column of each feature of a wide row."""
        scores = [place for place, c in enumerate(self.columns) if c.score >= 0]
        coded = sorted((c.code, place, c.cardinality) for place, c in enumerate(self.columns) if c.code >= 0)
        return scores + [place for _, place, cardinality in coded for _ in range(cardinality)]

    def __getitem__(self, name: str) -> FittedColumn:
        for fitted in self.columns:
            if fitted.column.name == name:
                return fitted
        names = [fitted.column.name for fitted in self.columns]
        column = self.schema[name]
        raise UserError(
            f"column '{name}' is not learnt ({self.relations.explain(name) or column.reason or column.role}); "
            f"learnt are {', '.join(names)}.{nearest(name, names)}"
        )

    def empty(self, rows: int) -> Encoded:
        """Rows of zeros."""
        codes = np.zeros((rows, len(self.layout.cardinalities)), np.int32)
        return Encoded(np.zeros((rows, self.layout.scores), np.float32), codes)

    def decode_column(self, name: str, encoded: Encoded) -> pa.Array:
        """A learnt column by itself."""
        return _decode_column(self[name], encoded, arrow_type(self[name].column.type))

    def code_names(self) -> tuple[list[str], list[list[Any]]]:
        """Of each code the column's name and its levels in words; None is missing."""
        coded = sorted((c for c in self.columns if c.code >= 0), key=lambda c: c.code)
        return [c.column.name for c in coded], [self._words(c) for c in coded]

    def _words(self, fitted: FittedColumn) -> list[Any]:
        if not fitted.numeric:
            return fitted.levels
        modes = len(fitted.knots)
        at = self.empty(len(fitted.atoms))
        at.codes[:, fitted.code] = modes + np.arange(len(fitted.atoms))
        atoms = self.decode_column(fitted.column.name, at).to_pylist()
        other = f"other than {', '.join(map(str, atoms))}" if atoms else "there"
        others = [other] if modes == 1 else [f"{other}, mode {mode}" for mode in range(1, modes + 1)]
        return [*others, *atoms, *[None] * fitted.column.missing]

    def encode(self, table: pa.Table, seed: int | None = 0) -> Encoded:
        """Scores [rows, numbers] and codes [rows, categories]. Tied numbers are spread over their interval by `seed`.

        Raises:
            UserError: a column is missing, has a level or a type that the training table had not.
        """
        table = self.relations.reduce(table)
        scores, codes = encoded = self.empty(table.num_rows)
        for place, fitted in enumerate(self.columns):
            name = fitted.column.name
            if name not in table.column_names:
                raise UserError(f"column '{name}' is missing from the table; it has {', '.join(table.column_names)}.")
            array = table[name]
            if not fitted.numeric:
                codes[:, fitted.code] = _encode_levels(fitted, array)
                continue
            missing = _encode_missing(fitted, array)
            values = _numbers(array.drop_null(), fitted)
            rng = None if seed is None else np.random.default_rng((seed, place))
            scores[~missing, fitted.score], levels = fitted.encode_numbers(values, rng)
            if fitted.code >= 0:
                codes[:, fitted.code] = fitted.cardinality - 1
                codes[~missing, fitted.code] = levels
        return encoded

    def decode(self, encoded: Encoded) -> pa.Table:
        """The table: columns in the order of the training table, with its types and missing values."""
        rows = len(encoded.scores)
        arrays, fitted_by_name = {}, {fitted.column.name: fitted for fitted in self.columns}
        for column in self.relations.reduce_schema(self.schema).kept:
            kind = arrow_type(column.type)
            if column.role == "constant":
                value = column.bounds[0] if column.bounds else None
                written = pa.array([value], pa.string() if isinstance(value, str) else kind).cast(kind)
                arrays[column.name] = written.take(pa.array(np.zeros(rows, int)))
            else:
                arrays[column.name] = _decode_column(fitted_by_name[column.name], encoded, kind)
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
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                meta = json.loads(data["meta"].tobytes())
                relations = Relations.from_json(data["relations"].tobytes().decode())
                reduced, exclusions = relations.reduce_schema(schema), data["exclusions"]
                columns = []
                for place, row in enumerate(meta):
                    modes = range(sum(name.startswith(f"{place}.knots.") for name in data.files))
                    parts = [data[f"{place}.knots.{mode}"] for mode in modes]
                    row["knots"] = [Knots(v, low.astype(np.float32), high.astype(np.float32)) for v, low, high in parts]
                    row["atoms"] = data[f"{place}.atoms"] if parts else np.zeros(0)
                    if "mixture" in row:
                        row["mixture"] = Mixture.from_json(row["mixture"])
                    column = reduced[row.pop("name")]
                    if pa.types.is_decimal(arrow_type(column.type)):
                        row["levels"] = [None if level is None else Decimal(level) for level in row["levels"]]
                    columns.append(FittedColumn(column=column, **row))
        except UNREADABLE as error:
            raise UserError(f"{path}: not a readable codec ({error}).") from None
        return cls(schema, columns, relations, exclusions)


@dataclass(kw_only=True)
class Codec:
    """How numbers become scores. Everything that is learnt from the data is learnt in `fit`.

    Attributes:
        atom: a value that holds more than this share of the present ones is an atom; 1 for none.
    """

    atom: float = 1.0

    def __post_init__(self) -> None:
        in_range("codec.atom", self.atom, 0, 1, open_low=True)

    def fit(self, table: pa.Table, schema: Schema, relations: Relations | None = None) -> FittedCodec:
        """Learn levels and knots from the training table; of columns that `relations` rebuild, nothing.

        Raises:
            UserError: a column cannot be held exactly in float64.
        """
        relations = relations or Relations()
        table, features = relations.reduce(table), relations.reduce_schema(schema).features
        return FittedCodec(schema, [self._fit_column(table[c.name], c) for c in features], relations)

    def atoms(self, counts: np.ndarray) -> np.ndarray:
        """Which of the distinct values, that occur counts [n] times, are atoms; at least two values remain."""
        found = counts > self.atom * counts.sum()
        return found if len(counts) - found.sum() >= 2 else np.zeros_like(found)

    def mixture(self, values: np.ndarray, counts: np.ndarray) -> Mixture | None:
        """The modes among which distinct ascending values [n] that occur counts [n] times are split; None for one."""
        del values, counts
        return None

    def scores(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores [low, high] of distinct ascending values [n] that occur counts [n] times."""
        raise NotImplementedError(f"{type(self).__name__} gives no scores")

    def _fit_column(self, array: pa.ChunkedArray, column: Column) -> FittedColumn:
        if column.kind in ("category", "boolean"):
            levels = pc.unique(array.drop_null()).to_pylist()
            levels = sorted(levels) + [None] * column.missing
            return FittedColumn(column=column, levels=levels)
        fitted = FittedColumn(column=column)
        valid = array.drop_null()
        if column.kind == "datetime":
            ticks = _ticks(valid, column)
            fitted.origin = int(ticks.min())
            since = _since(ticks, fitted.origin)
            tick = 1 if _tick_type(array.type).unit == "ns" else 1_000
            steps = (step // tick for step in TIME_STEPS if step >= tick)
            fitted.step = next(step for step in steps if not np.any(since % np.uint64(step)))
        elif column.kind == "integer" and pa.types.is_integer(array.type):
            fitted.origin = int(pc.min(valid).as_py())
        values, counts = np.unique(_numbers(valid, fitted), return_counts=True)
        if column.kind != "numeric" and values[-1] - values[0] >= 2**53:
            raise UserError(
                f"column '{column.name}': its values span more than 2^53, too much to be held exactly; "
                f"set data.kinds.{column.name}=id to leave it out"
                f"{', or round its times' if column.kind == 'datetime' else ', or category to learn each value'}."
            )
        atoms = self.atoms(counts)
        fitted.atoms, values, counts = values[atoms], values[~atoms], counts[~atoms]
        fitted.mixture = self.mixture(values, counts)
        if fitted.mixture is None:
            fitted.knots = [_knots(column, values, counts, *self.scores(values, counts))]
            return fitted
        for scores, share in zip(fitted.mixture.scores(values), fitted.mixture.shares(values), strict=True):
            here = share > 0
            own = ascending(scores[here])
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


def _ticks(array: pa.ChunkedArray, column: Column) -> np.ndarray:
    """Times as int64: nanoseconds where the column has them, else microseconds, which reach from year 1 to 9999."""
    unit = _tick_type(arrow_type(column.type))
    return array.cast(pa.timestamp(unit.unit, tz=getattr(array.type, "tz", None))).cast(pa.int64()).to_numpy()


def _tick_type(kind: pa.DataType) -> pa.TimestampType:
    return pa.timestamp("ns" if getattr(kind, "unit", "") == "ns" else "us", tz=getattr(kind, "tz", None))


def _since(values: np.ndarray, origin: int) -> np.ndarray:
    """Whole numbers of 64 bits counted from `origin`, uint64: exact for any two, 0 for what lies before it."""
    return np.where(values >= origin, values.astype(np.uint64) - np.uint64(origin % 2**64), np.uint64(0))


def _numbers(valid: pa.ChunkedArray, fitted: FittedColumn) -> np.ndarray:
    """Values [rows] float64 of a column without missing ones, counted from its origin in its steps."""
    column = fitted.column
    try:
        if column.kind == "datetime":
            whole, part = np.divmod(_since(_ticks(valid, column), fitted.origin), np.uint64(fitted.step))
            return whole + part / fitted.step
        if fitted.origin and pa.types.is_integer(valid.type):
            return _since(valid.to_numpy(), fitted.origin).astype(np.float64)
        return valid.cast(pa.float64(), safe=False).to_numpy() - fitted.origin
    except pa.ArrowException as error:
        raise UserError(f"column '{column.name}' is {column.kind}: {error}.") from None


def _encode_levels(fitted: FittedColumn, array: pa.ChunkedArray) -> np.ndarray:
    known = fitted.levels[:-1] if fitted.levels[-1] is None else fitted.levels
    kind = arrow_type(fitted.column.type)
    try:
        found = pc.index_in(array.cast(kind), value_set=pa.array(known, kind))
    except pa.ArrowException as error:
        raise UserError(f"column '{fitted.column.name}' is {fitted.column.type}: {error}.") from None
    _encode_missing(fitted, array)
    codes = pc.fill_null(found, -1).to_numpy().astype(np.int32)
    unseen = (codes < 0) & ~array.is_null().to_numpy()
    if unseen.any():
        value = array[int(np.flatnonzero(unseen)[0])].as_py()
        allowed = ", ".join(map(str, known[:10])) + (", ..." if len(known) > 10 else "")
        raise UserError(
            f"column '{fitted.column.name}': the value {value!r} was not in the training table, which had {allowed}."
            f"{nearest(str(value), map(str, known))}"
        )
    return np.where(codes < 0, len(known), codes)


def _encode_missing(fitted: FittedColumn, array: pa.ChunkedArray) -> np.ndarray:
    missing = array.is_null().to_numpy()
    if not fitted.column.missing and missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise UserError(
            f"column '{fitted.column.name}' is missing in row {row}; the training table had no missing value there."
        )
    return missing


def _decode_column(fitted: FittedColumn, encoded: Encoded, kind: pa.DataType) -> pa.Array:
    column = fitted.column
    if not fitted.numeric:
        levels = pa.array(fitted.levels, kind)
        return levels.take(pa.array(encoded.codes[:, fitted.code]))
    values = fitted.decode_numbers(encoded)
    missing = fitted.missing(encoded) if column.missing else None
    if column.kind == "datetime":
        ticks = _whole(values, fitted.step, fitted.origin).view(np.int64)
        return pa.array(ticks, pa.int64(), mask=missing).cast(_tick_type(kind)).cast(kind, safe=False)
    if column.kind == "integer" and pa.types.is_integer(kind):
        whole = _whole(values, 1, fitted.origin)
        whole = whole if kind == pa.uint64() else whole.view(np.int64)
        return pa.array(whole, mask=missing).cast(kind)
    decimals = 0 if column.kind == "integer" else column.decimals
    values = values if decimals is None else np.round(values, decimals)
    return pa.array(values, pa.float64(), mask=missing).cast(kind, safe=False)


def _whole(values: np.ndarray, step: int, origin: int) -> np.ndarray:
    """The inverse of `_since`, for values counted in steps: uint64, whose bits are those of int64."""
    return np.rint(values).astype(np.uint64) * np.uint64(step) + np.uint64(origin % 2**64)
