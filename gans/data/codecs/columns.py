"""A column with what the codec learned of it: how its values become scalars and codes, and come back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.knots import Knots, Mixture
from gans.data.layout import Encoded
from gans.data.schema import Column, arrow_type
from gans.errors import UserError, nearest

pc: Any = pyarrow.compute  # its functions are made at run time

TIME_STEPS = (86_400_000_000_000, 3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1)  # nanoseconds


@dataclass
class FittedColumn:
    """A column with what the codec learned of it: levels, or knots and atoms; a category of very many levels has both.

    Attributes:
        levels: of a category, by code or by rank, with None last for missing.
        knots: of numbers or ranks, for each of their modes, which are the first levels of the code.
        mixture: what splits the numbers among several modes; None where these are bins side by side.
        atoms: numbers or ranks, ascending, that are the next levels of the code; missing is the last level.
        origin: what the numbers are counted from, in steps of `step`.
    """

    column: Column
    levels: list[Any] = field(default_factory=list)
    knots: list[Knots] = field(default_factory=list)
    mixture: Mixture | None = None
    atoms: np.ndarray = field(default_factory=lambda: np.zeros(0))
    origin: int = 0
    step: int = 1
    scalar: int = -1
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
        """Whether it is learned as numbers: as it holds numbers or times, or ranks of very many levels."""
        return bool(self.knots)

    @property
    def ranks(self) -> bool:
        """Whether its numbers are ranks of levels."""
        return self.numeric and bool(self.levels)

    def check(self) -> None:
        """Raise ValueError, TypeError or an error of Arrow where what was read from a file is not of such a column."""
        name, kind = self.column.name, arrow_type(self.column.type)
        if not isinstance(self.levels, list) or not all(isinstance(one, int) for one in (self.origin, self.step)):
            raise TypeError(f"column '{name}': its levels, origin or step")
        if not self.levels and not self.knots:
            raise ValueError(f"column '{name}': neither levels nor numbers")
        if self.levels:
            there = pa.array(self.levels, kind)
            if there.null_count != self.column.missing or (self.column.missing and there[-1].is_valid):
                raise ValueError(f"column '{name}': its missing level")
        elif not 0 < self.step < 2**63 or abs(self.origin) >= 2**64:
            raise ValueError(f"column '{name}': step {self.step}, origin {self.origin}")
        if self.mixture is not None and len(self.mixture.means) != len(self.knots):
            raise ValueError(f"column '{name}': {len(self.mixture.means)} modes and {len(self.knots)} curves")
        for values in (self.atoms, *(part for knots in self.knots for part in (knots.values, knots.low, knots.high))):
            if values.ndim != 1 or values.dtype.kind != "f" or not np.isfinite(values).all():
                raise ValueError(f"column '{name}': its numbers")
        if any(not len(knots.values) for knots in self.knots):
            raise ValueError(f"column '{name}': a curve without points")
        most = len(self.levels) - self.column.missing
        if self.ranks and any(
            len(v) and (v.min() < 0 or v.max() >= most) for v in (self.atoms, *(k.values for k in self.knots))
        ):
            raise ValueError(f"column '{name}': a rank beyond its levels")

    def encode(self, array: pa.ChunkedArray, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """Scores [rows] float32 and codes [rows] int32; zeros where it has none.

        Raises:
            UserError: a value is of a type or level that the training table had not.
        """
        scalars = np.zeros(len(array), np.float32)
        if not self.numeric:
            return scalars, _encode_levels(self, array)
        missing = _encode_missing(self, array)
        valid = array.drop_null()
        values = _encode_levels(self, valid).astype(np.float64) if self.ranks else numbers(valid, self)
        codes = np.full(len(array), self.cardinality - 1, np.int32)
        scalars[~missing], codes[~missing] = self.encode_numbers(values, rng)
        return scalars, codes

    def covers(self, array: pa.ChunkedArray) -> np.ndarray:
        """Which values [rows] it can encode: levels of the training table, and missing ones if there were any."""
        known = array.is_valid()
        if self.levels:
            levels = pa.array(self.levels[: len(self.levels) - self.column.missing], arrow_type(self.column.type))
            known = pc.is_in(array.cast(levels.type), value_set=levels)
        known = known.to_numpy(zero_copy_only=False) if isinstance(known, pa.Array) else known.to_numpy()
        return known | array.is_null().to_numpy() if self.column.missing else known

    def decode(self, encoded: Encoded) -> pa.Array:
        """The column as the table holds it."""
        kind = arrow_type(self.column.type)
        if self.levels:
            return pa.array(self.levels, kind).take(pa.array(self.decode_levels(encoded)))
        return _decode_numbers(self, encoded, kind)

    def decode_levels(self, encoded: Encoded) -> np.ndarray:
        """Which of the levels each row [rows] of a category holds."""
        if not self.numeric:
            return encoded.codes[:, self.code]
        ranks = self.decode_numbers(encoded).astype(np.int64)
        return np.where(self.missing(encoded), len(self.levels) - 1, ranks) if self.column.missing else ranks

    def words(self) -> list[Any]:
        """The levels of its code in words; None is missing."""
        if not self.numeric:
            return self.levels
        modes, count = len(self.knots), len(self.atoms)
        codes = np.zeros((count, self.code + 1), np.int32)
        codes[:, self.code] = modes + np.arange(count)
        atoms = self.decode(Encoded(np.zeros((count, self.scalar + 1), np.float32), codes)).to_pylist()
        other = f"other than {', '.join(map(str, atoms))}" if atoms else "there"
        if self.ranks and atoms:
            other = f"one of {len(self.levels) - self.column.missing - count:,} others"
        others = [other] if modes == 1 else [f"{other}, mode {mode}" for mode in range(1, modes + 1)]
        return [*others, *atoms, *[None] * self.column.missing]

    def line(self) -> str:
        """What became of a category of very many levels, for the terminal; "" for other columns."""
        if not self.ranks:
            return ""
        alone = f"the {len(self.atoms):,} most frequent by themselves, the others " if len(self.atoms) else ""
        count = len(self.levels) - self.column.missing
        return f"{self.column.name}: {count:,} levels, learned {alone}by their rank among alike levels"

    def missing(self, encoded: Encoded) -> np.ndarray:
        """Whether each row is missing, which is the last level; for columns that may be."""
        return encoded.codes[:, self.code] == self.cardinality - 1

    def encode_numbers(self, values: np.ndarray, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """Scores [rows] float32 and levels [rows] int32 of numbers from the origin, or ranks; none is missing.

        Args:
            rng: draws the mode of a number and the scalar of a tied one; without it the likeliest and the middle.
        """
        codes = np.zeros(len(values), np.int32)
        if self.mixture is None and len(self.knots) > 1:  # bins side by side
            codes = np.searchsorted([knots.values[0] for knots in self.knots[1:]], values, side="right").astype(
                np.int32
            )
        if self.mixture is not None:
            ends = min(knots.values[0] for knots in self.knots), max(knots.values[-1] for knots in self.knots)
            codes = self.mixture.draw(np.clip(values, *ends), rng)
        codes = self.atom_codes(values, codes)
        scalars = np.zeros(len(values), np.float32)
        for mode, knots in enumerate(self.knots):
            here = codes == mode
            scalars[here] = knots.encode(values[here], rng)
        return scalars, codes

    def atom_codes(self, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The codes [rows] int32, of ordinary numbers whose values [rows] are atoms those of the atoms."""
        if not len(self.atoms):
            return codes
        at = np.minimum(np.searchsorted(self.atoms, values), len(self.atoms) - 1)
        atom = (codes < len(self.knots)) & (self.atoms[at] == values)
        return np.where(atom, len(self.knots) + at, codes).astype(np.int32)

    def decode_numbers(self, encoded: Encoded) -> np.ndarray:
        """Numbers [rows] float64 with the column's decimals, counted from the origin, or ranks; any where missing."""
        scalars = encoded.scalars[:, self.scalar]
        if self.code < 0:
            return self._rounded(self.knots[0].decode(scalars))
        codes = encoded.codes[:, self.code]
        values = np.concatenate([self.atoms, [0.0]])[np.clip(codes - len(self.knots), 0, len(self.atoms))]
        for mode, knots in enumerate(self.knots):
            here = codes == mode
            values[here] = knots.decode(scalars[here])
        return self._rounded(values)

    def _rounded(self, values: np.ndarray) -> np.ndarray:
        if self.ranks or self.column.kind in ("integer", "datetime"):
            return np.rint(values)
        return values if self.column.decimals is None else np.round(values, self.column.decimals)


def time_grid(valid: pa.ChunkedArray, column: Column) -> tuple[int, int]:
    """The first of the times, and the largest step from day to nanosecond that leads to all others, in ticks."""
    ticks = _ticks(valid, column)
    origin = int(ticks.min())
    since = _since(ticks, origin)
    tick = 1 if _tick_type(valid.type).unit == "ns" else 1_000
    steps = (step // tick for step in TIME_STEPS if step >= tick)
    return origin, next(step for step in steps if not np.any(since % np.uint64(step)))


def _ticks(array: pa.ChunkedArray, column: Column) -> np.ndarray:
    """Times as int64: nanoseconds where the column has them, else microseconds, which reach from year 1 to 9999."""
    unit = _tick_type(arrow_type(column.type))
    return array.cast(pa.timestamp(unit.unit, tz=getattr(array.type, "tz", None))).cast(pa.int64()).to_numpy()


def _tick_type(kind: pa.DataType) -> pa.TimestampType:
    return pa.timestamp("ns" if getattr(kind, "unit", "") == "ns" else "us", tz=getattr(kind, "tz", None))


def _since(values: np.ndarray, origin: int) -> np.ndarray:
    """Whole numbers of 64 bits counted from `origin`, uint64: exact for any two, 0 for what lies before it."""
    return np.where(values >= origin, values.astype(np.uint64) - np.uint64(origin % 2**64), np.uint64(0))


def numbers(valid: pa.ChunkedArray, fitted: FittedColumn) -> np.ndarray:
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


def _decode_numbers(fitted: FittedColumn, encoded: Encoded, kind: pa.DataType) -> pa.Array:
    column = fitted.column
    values = fitted.decode_numbers(encoded)
    missing = fitted.missing(encoded) if column.missing else None
    if column.kind == "datetime":
        ticks = _whole(values, fitted.step, fitted.origin).view(np.int64)
        return pa.array(ticks, pa.int64(), mask=missing).cast(_tick_type(kind)).cast(kind, safe=False)
    if column.kind == "integer" and pa.types.is_integer(kind):
        whole = _whole(values, 1, fitted.origin)
        whole = whole if kind == pa.uint64() else whole.view(np.int64)
        return pa.array(whole, mask=missing).cast(kind)
    return pa.array(values, pa.float64(), mask=missing).cast(kind, safe=False)


def _whole(values: np.ndarray, step: int, origin: int) -> np.ndarray:
    """The inverse of `_since`, for values counted in steps: uint64, whose bits are those of int64."""
    return values.astype(np.uint64) * np.uint64(step) + np.uint64(origin % 2**64)
