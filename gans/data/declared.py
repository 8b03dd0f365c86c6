"""A declared column: what is public about it, the cells that follow, and the way from its values to them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.columns import FittedColumn, numbers
from gans.data.codecs.knots import Knots
from gans.data.schema import Column, arrow_type
from gans.errors import UserError, nearest
from gans.words import say

pc: Any = pyarrow.compute  # its functions are made at run time

KINDS = ("category", "boolean", "integer", "numeric", "datetime")
BINS = 16  # of numbers, unless declared
MOST_LEVELS = 1_000
INSET = 0.001  # from the ends of a bin of whole numbers, which are halves, so that none is rounded out of it
PRIVATE = "private"  # in the place of levels or edges: they are asked of the rows, with noise
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400  # seconds


@dataclass(kw_only=True)
class Declared:
    """What is public about a column.

    Attributes:
        kind: category, boolean, integer, numeric or datetime.
        type: the Arrow type; string or int64 of levels, bool, int64 and double unless given; of times date32 where
            bounds are dates, else timestamp[us].
        levels: of a category; "private" for those that enough rows have, which are paid for.
        other: the level that stands for any that is not declared; "" where there are none such.
        low, high: of a number or a time, both of them possible values; times as 2024-12-31 or 2024-12-31 23:59:59.
        bins: of equal width, that numbers are counted in; with private edges, of equally many rows.
        edges: of bins, in the place of equal ones: where a new bin begins, within low and high; "private" for
            quantiles, which are paid for.
        points: values that are counted by themselves, such as 0 where many have none.
        decimals: of numeric values.
        missing: whether a value may be missing.
        follows: a category or boolean that decides the value, by `values`; the column is not modelled then.
        values: of each level of that one, the value.
        equals: the sum or formula of other columns that it is, as in `a + b - c` or `1.8 * a + 32`; not modelled then.
    """

    name: str
    kind: str
    type: str = ""
    levels: list[Any] | str = field(default_factory=list)
    other: str = ""
    low: Any = None
    high: Any = None
    bins: int = BINS
    edges: list[Any] | str = field(default_factory=list)
    points: list[Any] = field(default_factory=list)
    decimals: int | None = None
    missing: bool = False
    follows: str = ""
    values: dict[Any, Any] = field(default_factory=dict)
    equals: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise self._wrong(f"kind={self.kind}; allowed are {', '.join(KINDS)}")
        if self.follows and self.equals:
            raise self._wrong("follows and equals; one of them decides its value")
        for key in ("levels", "edges"):
            if isinstance(getattr(self, key), str) and getattr(self, key) != PRIVATE:
                raise self._wrong(f"{key}={getattr(self, key)}; a list, or {PRIVATE}")
        if self.kind == "boolean":
            self.levels, self.type = [False, True], self.type or "bool"
        if self.number:
            self._check_number_type()
            self._check_number()
            return
        if self.levels == PRIVATE:
            self._check_private_levels()
            return
        levels = list(self.levels)
        self.levels = [*levels, self.other] if self.other and self.other not in levels else levels
        if len(self.levels) < 2 - self.missing or len(set(map(str, self.levels))) < len(self.levels):
            raise self._wrong(f"levels={self.levels}; two or more are needed, each once")
        if len(self.levels) > MOST_LEVELS:
            raise self._wrong(
                f"{len(self.levels):,} levels; at most {MOST_LEVELS:,} are counted, declare the frequent ones and "
                "other=NAME"
            )
        if self.kind == "category" and any(isinstance(level, bool) for level in self.levels):
            raise self._wrong(f"levels={self.levels}; yes, no, on and off without quotes are truth values in YAML")
        whole = all(isinstance(level, int) for level in self.levels)
        self.type = self.type or ("int64" if whole else "string")
        self._check_type(self.levels)

    @property
    def number(self) -> bool:
        """Whether it holds numbers or times."""
        return self.kind in ("integer", "numeric", "datetime")

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole ones: integers, days, or seconds."""
        return self.kind in ("integer", "datetime")

    @property
    def derived(self) -> bool:
        """Whether other columns decide its value, so that it is not modelled."""
        return bool(self.follows or self.equals)

    @property
    def paid(self) -> str:
        """What of it is asked of the rows before its cells are known: levels, edges or ""."""
        if self.derived:
            return ""
        return next((key for key in ("levels", "edges") if getattr(self, key) == PRIVATE), "")

    def _wrong(self, what: str) -> UserError:
        return UserError(f"column '{self.name}': {what}.")

    def _check_type(self, levels: list[Any]) -> None:
        try:
            pa.array(levels, arrow_type(self.type))
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise self._wrong(f"type={self.type}: {str(error).splitlines()[0]}; levels={levels[:5]}") from None

    def _check_number_type(self) -> None:
        if self.low is None or self.high is None:
            raise self._wrong("low and high are needed; bounds are declared, not read off the rows")
        if not self.type and self.kind == "datetime":
            moments = any(isinstance(_time(end), datetime) for end in (self.low, self.high))
            self.type = "timestamp[us]" if moments else "date32[day]"
        self.type = self.type or {"integer": "int64", "numeric": "double"}[self.kind]
        self._check_type([])
        kind = arrow_type(self.type)
        if self.kind == "datetime" and not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
            raise self._wrong(f"type={self.type}; a time is a date or a timestamp")

    def _check_private_levels(self) -> None:
        self.type = self.type or "string"
        self._check_type([])
        if not pa.types.is_string(arrow_type(self.type)):
            raise self._wrong(f"levels={PRIVATE} with type={self.type}; declare levels that are not text")
        if not self.other:
            raise self._wrong(f"levels={PRIVATE}; other=NAME is needed, which stands for the rare ones")

    def _check_number(self) -> None:
        low, high = self.ends
        if not (np.isfinite([low, high]).all() and low < high):
            raise self._wrong(f"low={self.low} high={self.high}; low must be below high")
        if self.bins < 1:
            raise self._wrong(f"bins={self.bins}; at least 1 is needed")
        for key in ("edges", "points"):
            given = getattr(self, key)
            values = self._in_units([] if given == PRIVATE else given)
            if sorted(set(values)) != values or any(not low <= value <= high for value in values):
                raise self._wrong(f"{key}={given}; they must ascend within {self.low} to {self.high}")
        bins = len(self.bins_of())
        if not bins:
            raise self._wrong(f"points={self.points} are all its values; declare them as levels of a category")
        if bins + len(self.points) + self.missing < 2:
            raise self._wrong("it has one cell; more bins, edges or points are needed")

    @property
    def _unit(self) -> int:
        """Seconds in the unit of a time: those of a day of dates."""
        return DAY if pa.types.is_date(arrow_type(self.type)) else 1

    def _in_units(self, values: list[Any]) -> list[float]:
        """Numbers as they are; times counted from 1970, in days or seconds."""
        if self.kind != "datetime":
            return [float(value) for value in values]
        out = []
        for value in map(_time, values):
            moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
            out.append((moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH).total_seconds() // self._unit)
        return out

    def from_units(self, values: np.ndarray) -> list[Any]:
        """The inverse, as a declaration has it."""
        if self.kind == "numeric":
            return values.tolist()
        if self.kind == "integer":
            return [int(value) for value in values]
        moments = [datetime.fromtimestamp(value * self._unit, UTC).replace(tzinfo=None) for value in values]
        return [moment.date() for moment in moments] if self._unit == DAY else moments

    @property
    def ends(self) -> tuple[float, float]:
        """Low and high; times counted from 1970, in days or seconds, of a day that is the last one its last second."""
        low, high = self._in_units([self.low, self.high])
        last = self.kind == "datetime" and self._unit == 1 and not isinstance(_time(self.high), datetime)
        return low, high + (DAY - 1) * last

    def bins_of(self) -> np.ndarray:
        """Where each bin begins and ends [bins, 2], side by side but for points; of whole numbers at halves."""
        low, high = self.ends
        points = np.array(self._in_units(self.points))
        inner = np.array(self._in_units(self.edges)) if isinstance(self.edges, list) and self.edges else None
        if not self.whole:
            edges = np.linspace(low, high, self.bins + 1) if inner is None else np.unique([low, *inner, high])
            return np.column_stack([edges[:-1], edges[1:]])
        low, high = np.ceil(low), np.floor(high) + 1
        inner = np.rint(np.linspace(low, high, self.bins + 1)) if inner is None else np.ceil(inner)
        edges = np.unique(np.clip([low, *inner, *points, *(points + 1), high], low, high))
        single = np.isin(edges[:-1], points)  # a bin of a point begins at it, and at its end the next one
        return np.column_stack([edges[:-1], edges[1:]])[~single] - 0.5

    def bins_in_words(self) -> list[str]:
        """Each bin by its first and last value, in the language that is spoken."""
        half = 0.5 if self.whole else 0.0
        bins = [(self._word(left + half), self._word(right - half)) for left, right in self.bins_of()]
        return [left if left == right else say("{low} to {high}", low=left, high=right) for left, right in bins]

    def _word(self, number: float) -> str:
        if self.kind != "datetime":
            return f"{number:g}"
        moment = datetime.fromtimestamp(number * self._unit, UTC)
        return f"{moment:%Y-%m-%d}" if self._unit == DAY else f"{moment:%Y-%m-%d %H:%M:%S}"

    def described(self) -> Column:
        """The column as a schema has it."""
        levels = 0 if self.number else len(self.levels)
        column = Column(name=self.name, kind=self.kind, type=self.type, missing=self.missing, levels=levels)
        if self.kind == "numeric":
            column.bounds, column.decimals = [float(self.low), float(self.high)], self.decimals
        elif self.kind == "integer":
            column.bounds = [int(np.ceil(self.low)), int(np.floor(self.high))]
        elif self.kind == "datetime":
            column.bounds = [_time(end).isoformat() for end in (self.low, self.high)]
        return column

    def fitted(self) -> FittedColumn:
        """The column as a codec has it: bins are modes, points atoms; nothing of it is learned."""
        column, kind = self.described(), arrow_type(self.type)
        if not self.number:
            return FittedColumn(column=column, levels=[*self.levels, *[None] * self.missing])
        low = int(np.ceil(self.ends[0]))
        origin = low if self.kind == "datetime" or pa.types.is_integer(kind) else 0
        ends, inset = np.array([-1.0, 1.0], np.float32), INSET if self.whole else 0.0
        knots = [Knots(np.array([left + inset, right - inset]), ends, ends) for left, right in self.bins_of() - origin]
        step = 1
        if self.kind == "datetime":
            step = self._unit * 10 ** (9 if getattr(kind, "unit", "") == "ns" else 6)
        atoms = np.array(self._in_units(self.points)) - origin
        return FittedColumn(column=column, knots=knots, atoms=atoms, origin=origin * step, step=step)

    def encode(self, array: pa.ChunkedArray, fitted: FittedColumn) -> tuple[np.ndarray, np.ndarray]:
        """Where each value lies in its cell [rows] float32, 0 where that says nothing, and the cell [rows] int32.

        Raises:
            UserError: a value is outside what is declared.
        """
        missing = array.is_null().to_numpy()
        valid = self.valid(array)
        scalars, codes = np.zeros(len(array), np.float32), np.full(len(array), fitted.cardinality - 1, np.int32)
        if self.number:
            scalars[~missing], codes[~missing] = fitted.encode_numbers(self.numbers_of(valid, fitted), None)
        else:
            codes[~missing] = self._codes(valid)
        return scalars, codes

    def valid(self, array: pa.ChunkedArray) -> pa.ChunkedArray:
        """The values that are there, in the declared type.

        Raises:
            UserError: one is missing that must not, or they are of another type.
        """
        if array.null_count and not self.missing:
            raise self._outside("a missing value", "missing: true")
        try:
            return array.drop_null().cast(arrow_type(self.type))
        except pa.ArrowException as error:
            raise self._outside(f"values of type {array.type} ({str(error).splitlines()[0]})", "type") from None

    def _codes(self, valid: pa.ChunkedArray) -> np.ndarray:
        known = pa.array(self.levels, valid.type)
        found = pc.index_in(valid, value_set=known)
        if found.null_count and not self.other:
            one = valid.filter(found.is_null())[0].as_py()
            raise self._outside(f"the level {one!r}", f"levels or other{nearest(str(one), map(str, self.levels))}")
        if found.null_count:
            found = pc.fill_null(found, self.levels.index(self.other))
        return found.to_numpy().astype(np.int32)

    def numbers_of(self, valid: pa.ChunkedArray, fitted: FittedColumn) -> np.ndarray:
        """Numbers [rows] float64 from the origin; times in days or whole seconds.

        Raises:
            UserError: one is outside low and high.
        """
        low, high = self.ends
        if self.kind == "datetime":
            values = np.floor(numbers(valid, fitted))
            before = pc.less(valid, pa.scalar(_time(self.low)).cast(valid.type)).to_numpy()
            outside = before | (values > high - low)
        else:
            given = valid.cast(pa.float64(), safe=False).to_numpy()
            values, outside = given - fitted.origin, ~((given >= low) & (given <= high))
        if outside.any():
            value = valid[int(np.flatnonzero(outside)[0])].as_py()
            shown = value if self.kind == "datetime" else f"{value:g}"
            raise self._outside(f"the value {shown}", f"low={self.low} and high={self.high}")
        return values

    def _outside(self, what: str, key: str) -> UserError:
        return UserError(f"column '{self.name}' holds {what}, which its domain does not declare; see {key}.")


def _time(value: Any) -> date:
    """A date, or a moment, which is one, too.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str):
        return date.fromisoformat(value) if len(value) <= len("2024-12-31") else datetime.fromisoformat(value)
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is not a date")
    return value
