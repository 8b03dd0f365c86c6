"""What every codec shares: a table becomes int32 codes and float32 scores, and comes back exactly.

Categories, booleans and missing values become codes. A number or a time becomes a score by a monotone
piecewise-linear map through knots (score, value); where its column has atoms (values that hold a large share of the
rows) or missing values, a code says which of them it is, level 0 being an ordinary number. A category of very many
levels is a number too: the rank of its level, in an order that puts alike levels side by side
(`gans.data.codecs.ranks`), with its frequent levels as atoms.

Round trip: exact for every category, boolean, integer, time and missing value, and for numbers of a column with at most
16,384 distinct values; within float32 error for other numbers. Subclasses choose the scores of the knots.
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

from gans.data.codecs.ranks import ranked
from gans.data.layout import Encoded, Layout, round_up
from gans.data.relations import Relations
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError, in_range, nearest
from gans.files import UNREADABLE, write_atomic

pc: Any = pyarrow.compute  # its functions are made at run time

MOST_KNOTS = 16_384
TIME_STEPS = (86_400_000_000_000, 3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1)  # nanoseconds


@dataclass
class Knots:
    """The distinct values of a numeric column, ascending, and the scores [low, high] that stand for each."""

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def encode(self, values: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Scores [rows] float32. A value between knots is interpolated, one outside them clipped."""
        values = np.clip(values, self.values[0], self.values[-1])
        at = np.searchsorted(self.values, values)
        known = self.values[at] == values
        low, high = self.low[at], self.high[at]
        scores = low.copy()
        wide = known & (high > low)
        if rng is not None and wide.any():
            scores[wide] = _between(low[wide], high[wide], rng)
        elif wide.any():
            scores[wide] = (low[wide] + high[wide]) / 2
        if not known.all():
            right = at[~known]
            left = right - 1
            share = (values[~known] - self.values[left]) / (self.values[right] - self.values[left])
            start = self.high[left].astype(np.float64)
            scores[~known] = start + share * (self.low[right] - start)
        return scores

    def decode(self, scores: np.ndarray) -> np.ndarray:
        """Values [rows] float64; a score on a knot gives its value exactly, one between knots the line between them."""
        flat = self.high > self.low
        order = np.argsort(np.concatenate([np.arange(len(flat)), np.flatnonzero(flat)]), kind="stable")
        at = np.concatenate([self.low, self.high[flat]])[order].astype(np.float64)
        value = np.concatenate([self.values, self.values[flat]])[order]
        return np.interp(scores, at, value)


def _between(low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A normal draw truncated to [low, high], so that the scores of tied values follow the normal law too."""
    from scipy.special import ndtr, ndtri

    left, right = ndtr(low.astype(np.float64)), ndtr(high.astype(np.float64))
    draw = ndtri(left + (right - left) * rng.random(len(low)))
    return np.clip(draw.astype(np.float32), low, high)


@dataclass
class FittedColumn:
    """A column with what the codec learnt of it: levels, or knots and atoms; a category of very many levels has both.

    Attributes:
        levels: of a category: by code, with None last for missing; or by rank, without None.
        atoms: values of a numeric column, ascending, that are levels 1, 2, ... of its code; missing is the last level.
        origin: what the numbers are counted from, in steps of `step`.
    """

    column: Column
    levels: list[Any] = field(default_factory=list)
    knots: Knots | None = None
    atoms: np.ndarray = field(default_factory=lambda: np.zeros(0))
    origin: int = 0
    step: int = 1
    score: int = -1
    code: int = -1

    @property
    def cardinality(self) -> int:
        """Levels of its code; 0 where it has none."""
        if self.knots is None:
            return len(self.levels)
        special = len(self.atoms) + self.column.missing
        return 1 + special if special else 0

    def encode(self, array: pa.ChunkedArray, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """Scores [rows] float32 and codes [rows] int32; tied numbers are spread by `rng`.

        Raises:
            UserError: a value is of a type or level that the training table had not.
        """
        if self.knots is None:
            return np.zeros(len(array), np.float32), _encode_levels(self, array)
        missing = _encode_missing(self, array)
        if self.levels:
            values = _encode_levels(self, array)[~missing].astype(np.float64)
        else:
            values = _numbers(array.drop_null(), self)
        scores, code = np.zeros(len(missing), np.float32), np.full(len(missing), self.cardinality - 1, np.int32)
        code[~missing] = self.atom_codes(values)
        scores[~missing & (code == 0)] = self.knots.encode(values[code[~missing] == 0], rng)
        return scores, code

    def numbers(self, encoded: Encoded) -> tuple[np.ndarray, np.ndarray | None]:
        """Values [rows] of a numeric column, ranks of one of levels, and where they are missing; None for nowhere."""
        assert self.knots is not None
        values = self.knots.decode(encoded.scores[:, self.score])
        if self.code < 0:
            return values, None
        code = encoded.codes[:, self.code]
        at = np.minimum(code, len(self.atoms))
        values = np.where(at > 0, np.concatenate([[0.0], self.atoms])[at], values)
        return values, code == self.cardinality - 1 if self.column.missing else None

    def line(self) -> str:
        """What became of a category of very many levels, for the terminal; "" for other columns."""
        if self.knots is None or not self.levels:
            return ""
        alone = f"the {len(self.atoms):,} most frequent by themselves, the others " if len(self.atoms) else ""
        return f"{self.column.name}: {len(self.levels):,} levels, learnt {alone}by their rank among alike levels"

    def atom_codes(self, values: np.ndarray) -> np.ndarray:
        """For numbers [rows]: 0 for an ordinary one, 1 + place for an atom."""
        if not len(self.atoms):
            return np.zeros(len(values), np.int32)
        at = np.minimum(np.searchsorted(self.atoms, values), len(self.atoms) - 1)
        return np.where(self.atoms[at] == values, 1 + at, 0).astype(np.int32)


@dataclass
class FittedCodec:
    """A codec that has seen its table. `layout` says where each column lives.

    Columns that follow from others by `relations` have no place in it: they are left out and rebuilt.
    """

    schema: Schema
    columns: list[FittedColumn]
    relations: Relations = field(default_factory=Relations)

    def __post_init__(self) -> None:
        coded = sorted((c for c in self.columns if c.cardinality), key=lambda c: c.cardinality)
        for place, fitted in enumerate(coded):
            fitted.code = place
        for place, fitted in enumerate(c for c in self.columns if c.knots is not None):
            fitted.score = place
        bounds = [abs(float(edge)) for c in self.columns if c.knots for edge in (c.knots.low[0], c.knots.high[-1])]
        self.layout = Layout(
            scores=len([c for c in self.columns if c.knots is not None]),
            bound=round_up(max(bounds, default=1.0)),
            cardinalities=tuple(c.cardinality for c in coded),
            masks=tuple((c.score, c.code) for c in self.columns if c.score >= 0 and c.code >= 0),
            columns=tuple(self._places()),
        )

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

    def encode(self, table: pa.Table, seed: int | None = 0) -> Encoded:
        """Scores [rows, numbers] and codes [rows, categories]. Tied numbers are spread over their interval by `seed`.

        Raises:
            UserError: a column is missing, has a level or a type that the training table had not.
        """
        table = self.relations.reduce(table)
        scores = np.zeros((table.num_rows, self.layout.scores), np.float32)
        codes = np.zeros((table.num_rows, len(self.layout.cardinalities)), np.int32)
        for place, fitted in enumerate(self.columns):
            name = fitted.column.name
            if name not in table.column_names:
                raise UserError(f"column '{name}' is missing from the table; it has {', '.join(table.column_names)}.")
            own, code = fitted.encode(table[name], None if seed is None else np.random.default_rng((seed, place)))
            if fitted.score >= 0:
                scores[:, fitted.score] = own
            if fitted.code >= 0:
                codes[:, fitted.code] = code
        return Encoded(scores, codes)

    def decode(self, encoded: Encoded, fixed: Mapping[str, Any] | None = None) -> pa.Table:
        """The table: columns in the order of the training table, with its types and missing values.

        Args:
            fixed: values that columns have in every row, whatever is encoded; what follows from them follows.
        """
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
        for name, value in (fixed or {}).items():
            arrays[name] = pa.repeat(pa.scalar(value).cast(arrays[name].type), rows)
        return self.relations.restore(pa.table(arrays))

    def save(self, path: Path) -> None:
        """Write to one .npz file: marginal knots and levels, never a row."""
        arrays, meta = {}, []
        for place, fitted in enumerate(self.columns):
            meta.append(
                {"name": fitted.column.name, "levels": fitted.levels, "origin": fitted.origin, "step": fitted.step}
            )
            if fitted.knots is not None:
                arrays[f"{place}.knots"] = np.stack([fitted.knots.values, fitted.knots.low, fitted.knots.high])
                arrays[f"{place}.atoms"] = fitted.atoms
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
                reduced = relations.reduce_schema(schema)
                columns = []
                for place, row in enumerate(meta):
                    if f"{place}.knots" in data:
                        values, low, high = data[f"{place}.knots"]
                        row["knots"] = Knots(values, low.astype(np.float32), high.astype(np.float32))
                        row["atoms"] = data[f"{place}.atoms"]
                    column = reduced[row.pop("name")]
                    if pa.types.is_decimal(arrow_type(column.type)):
                        row["levels"] = [None if level is None else Decimal(level) for level in row["levels"]]
                    columns.append(FittedColumn(column=column, **row))
        except UNREADABLE as error:
            raise UserError(f"{path}: not a readable codec ({error}).") from None
        return cls(schema, columns, relations)


@dataclass(kw_only=True)
class Codec:
    """How numbers become scores. Everything that is learnt from the data is learnt in `fit`.

    Attributes:
        levels: a category of more levels than this is learnt by the ranks of its levels, but for those that hold more
            than one row in `levels`. Memory then does not grow with the levels.
    """

    levels: int = 256

    def __post_init__(self) -> None:
        in_range("codec.levels", self.levels, 2)

    def fit(self, table: pa.Table, schema: Schema, relations: Relations | None = None) -> FittedCodec:
        """Learn levels and knots from the training table; of columns that `relations` rebuild, nothing.

        Raises:
            UserError: a column cannot be held exactly in float64.
        """
        relations = relations or Relations()
        table, features = relations.reduce(table), relations.reduce_schema(schema).features
        many = [c for c in features if c.kind == "category" and c.levels > self.levels]
        fitted = {c.name: self._fit_column(table[c.name], c) for c in features if c not in many}
        if many:
            others = FittedCodec(schema, list(fitted.values())).encode(table)
            fitted |= {c.name: self._fit_ranks(table[c.name], c, others) for c in many}
        return FittedCodec(schema, [fitted[c.name] for c in features], relations)

    def atoms(self, counts: np.ndarray) -> np.ndarray:
        """Which of the distinct values, that occur counts [n] times, are levels of a code; none here."""
        return np.zeros(len(counts), bool)

    def scores(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores [low, high] of distinct ascending values [n] that occur counts [n] times."""
        raise NotImplementedError(f"{type(self).__name__} gives no scores")

    def _fit_ranks(self, array: pa.ChunkedArray, column: Column, others: Encoded) -> FittedColumn:
        """A category as the ranks of its levels, each of which keeps its whole step of the scores.

        Counts are doubled, so that a level of one row is no less spread than others.
        """
        levels, counts = ranked(array, others)
        fitted = FittedColumn(column=column, levels=levels)
        ranks, frequent = np.arange(len(levels), dtype=np.float64), counts * self.levels > counts.sum()
        fitted.atoms = ranks[frequent]
        low, high = self.scores(ranks[~frequent], 2 * counts[~frequent])
        fitted.knots = Knots(ranks[~frequent], low.astype(np.float32), high.astype(np.float32))
        return fitted

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
        low, high = self.scores(values, counts)
        keep = _thin(counts) if column.kind == "numeric" else slice(None)
        fitted.knots = Knots(values[keep], low[keep].astype(np.float32), high[keep].astype(np.float32))
        return fitted


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
    if fitted.knots is None:
        levels = pa.array(fitted.levels, kind)
        return levels.take(pa.array(encoded.codes[:, fitted.code]))
    values, missing = fitted.numbers(encoded)
    if fitted.levels:
        return pa.array(fitted.levels, kind).take(pa.array(np.rint(values).astype(np.int64), mask=missing))
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
