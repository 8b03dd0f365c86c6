"""What `where` allows in one column: intersected, evaluated over rows, checked against what the column holds."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Column, arrow_type
from gans.errors import UserError, nearest
from gans.sampling.where.comparable import Grid, exact, grid_of, holds
from gans.sampling.where.literals import Literal, key, written, written_name

pc: Any = pyarrow.compute  # its functions are made at run time


@dataclass(frozen=True)
class Allowed:
    """The values that a column may hold.

    Attributes:
        values: the set allowed, None for any. Bounds and `excluded` then say nothing more.
        excluded: values that are not allowed.
        low, high: bounds, None for unbounded; each belongs to the range unless it is open.
        missing: False: a missing value is not allowed; True: nothing else is; None: it is allowed beside `values`.
    """

    column: str
    values: tuple[Literal, ...] | None = None
    excluded: tuple[Literal, ...] = ()
    low: Literal | None = None
    high: Literal | None = None
    low_open: bool = False
    high_open: bool = False
    missing: bool | None = False

    def __post_init__(self) -> None:
        if self.missing is None and self.values is None:
            raise ValueError("missing=None needs values")
        key(self._name, self._literals)

    @classmethod
    def any_of(cls, column: str, values: list[Literal | None]) -> "Allowed":
        """One of some values, None for missing.

        Raises:
            UserError: there are none, or they cannot be compared with each other.
        """
        if not values:
            raise UserError(f"where: {written_name(column)} in () allows nothing; name at least one value.")
        there = _distinct(column, values)
        null = None in values
        return cls(column, there or None, missing=(None if there else True) if null else False)

    @classmethod
    def compare(cls, column: str, sign: str, value: Literal | None) -> "Allowed":
        """`column sign value`, sign one of == != < <= > >=; a missing value satisfies only == null.

        Raises:
            UserError: null, true or false in an order.
        """
        if sign == "==":
            return cls.any_of(column, [value])
        if sign == "!=":
            return cls(column, excluded=() if value is None else (value,))
        if value is None or isinstance(value, bool):
            raise UserError(
                f"where: {written_name(column)} {sign} {written(value)}: {written(value)} has no order; use == or !=."
            )
        if sign[0] == ">":
            return cls(column, low=value, low_open=sign == ">")
        return cls(column, high=value, high_open=sign == "<")

    @classmethod
    def none_of(cls, column: str, values: list[Literal | None]) -> "Allowed":
        """None of some values; a missing value is not allowed either."""
        return cls(column, excluded=_distinct(column, values))

    @property
    def _name(self) -> str:
        return written_name(self.column)

    @property
    def _literals(self) -> list[Literal]:
        ends = [end for end in (self.low, self.high) if end is not None]
        return [*(self.values or ()), *self.excluded, *ends]

    def __str__(self) -> str:
        """As the grammar has it, so that it can be parsed again."""
        name = self._name
        if self.missing:
            return f"{name} is null"
        if self.values is not None:
            values = [*self.values, None] if self.missing is None else list(self.values)
            return f"{name} == {written(values[0])}" if len(values) == 1 else f"{name} in {_list(values)}"
        parts = []
        below, above = "<" if self.low_open else "<=", "<" if self.high_open else "<="
        if self.low is not None and self.high is not None:
            parts.append(f"{written(self.low)} {below} {name} {above} {written(self.high)}")
        elif self.low is not None:
            parts.append(f"{name} {below.replace('<', '>')} {written(self.low)}")
        elif self.high is not None:
            parts.append(f"{name} {above} {written(self.high)}")
        if len(self.excluded) == 1:
            parts.append(f"{name} != {written(self.excluded[0])}")
        elif self.excluded:
            parts.append(f"{name} not in {_list(list(self.excluded))}")
        return " and ".join(parts) or f"{name} is not null"

    def intersect(self, other: "Allowed") -> "Allowed":
        """What both allow.

        Raises:
            UserError: that is nothing, or the values of the two cannot be compared.
        """
        both = self._merge(other)
        if both is None:
            raise UserError(f"where: {self} and {other} allows nothing.")
        return both

    def _merge(self, other: "Allowed") -> "Allowed | None":
        if self.missing or other.missing:
            return None if False in (self.missing, other.missing) else Allowed(self.column, missing=True)
        missing = None if self.missing is None and other.missing is None else False
        order = key(self._name, self._literals + other._literals)
        if self.values is not None or other.values is not None:
            values = self.values if self.values is not None else other.values or ()
            for rule in (self, other):
                values = rule._only(values, order)
            if not values:
                return Allowed(self.column, missing=True) if missing is None else None
            return Allowed(self.column, tuple(values), missing=missing)
        low, low_open = _bound((self, other), "low", order)
        high, high_open = _bound((self, other), "high", order)
        if low is not None and high is not None and order(low) >= order(high):
            point = order(low) == order(high) and not low_open and not high_open
            rest = [low] if point else []
            return Allowed(self.column, (low,)) if other._only(self._only(rest, order), order) else None
        span = Allowed(self.column, low=low, high=high, low_open=low_open, high_open=high_open)
        excluded = _distinct(self.column, [*self.excluded, *other.excluded])
        gone = {order(value) for value in excluded}
        span = replace(
            span,
            low_open=low_open or (low is not None and order(low) in gone),
            high_open=high_open or (high is not None and order(high) in gone),
        )
        return replace(span, excluded=tuple(span._only(excluded, order)))

    def _only(self, values: Iterable[Literal], order: Callable[[Any], Any]) -> list[Literal]:
        """Those of some values that fit."""
        inside = None if self.values is None else {order(value) for value in self.values}
        outside = {order(value) for value in self.excluded}
        low, high = (None if end is None else order(end) for end in (self.low, self.high))
        out = []
        for value in values:
            place = order(value)
            fits = (inside is None or place in inside) and place not in outside
            fits = fits and (low is None or place > low or (place == low and not self.low_open))
            fits = fits and (high is None or place < high or (place == high and not self.high_open))
            if fits:
                out.append(value)
        return out

    def mask(self, array: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Which rows of a column are allowed, bool [rows].

        Numbers compare by value, text by code point, times by the instant: one without a zone is read in the
        column's zone. On a float column a number is rounded to the column's precision.

        Raises:
            UserError: a value cannot be compared with what the column holds.
        """
        array = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array], array.type)
        kind = array.type
        missing = array.is_null(nan_is_null=pa.types.is_floating(kind)).to_numpy()
        if self.missing:
            return missing
        if pa.types.is_null(kind):
            fits = np.zeros(len(array), bool)
        elif pa.types.is_floating(kind):
            fits = self._fit_floats(array.to_numpy(), kind)
        else:
            fits = self._fit(array)
        return (fits & ~missing) | (missing & (self.missing is None))

    def _fit_floats(self, numbers: np.ndarray, kind: pa.DataType) -> np.ndarray:
        def rounded(value: Any) -> Any:
            self._exact(value, kind)
            with np.errstate(over="ignore"):
                return numbers.dtype.type(value)

        fits = ~np.isin(numbers, [rounded(value) for value in self.excluded])
        if self.values is not None:
            fits &= np.isin(numbers, [rounded(value) for value in self.values])
        if self.low is not None:
            fits &= numbers > rounded(self.low) if self.low_open else numbers >= rounded(self.low)
        if self.high is not None:
            fits &= numbers < rounded(self.high) if self.high_open else numbers <= rounded(self.high)
        return fits

    def _fit(self, array: pa.ChunkedArray) -> np.ndarray:
        kind = array.type
        for value in self._literals:
            self._exact(value, kind)
        values, excluded, low, high = self.values, self.excluded, self.low, self.high
        low_open, high_open = self.low_open, self.high_open
        grid = grid_of(kind)
        if grid:
            first, last = self._steps(grid.unit, kind)
            low = grid.least if first is None else max(first, grid.least)
            high = grid.most if last is None else min(last, grid.most)
            if low > high:
                return np.zeros(len(array), bool)
            low, high, low_open, high_open = grid.value(low), grid.value(high), False, False
            values = None if values is None else self._on_grid_of(values, grid, kind)
            excluded = self._on_grid_of(excluded, grid, kind)
            array = array.cast(grid.plain)
        plain = array.type
        fits = pc.invert(pc.is_in(array, value_set=pa.array(excluded, plain)))
        if values is not None:
            fits = pc.and_(fits, pc.is_in(array, value_set=pa.array(values, plain)))
        if low is not None:
            fits = pc.and_(fits, (pc.greater if low_open else pc.greater_equal)(array, pa.scalar(low, plain)))
        if high is not None:
            fits = pc.and_(fits, (pc.less if high_open else pc.less_equal)(array, pa.scalar(high, plain)))
        return pc.fill_null(fits, False).to_numpy()

    def _on_grid_of(self, values: Iterable[Literal], grid: Grid, kind: pa.DataType) -> list[Any]:
        """The values that a column of whole steps can hold, as it holds them."""
        steps = [self._exact(value, kind) / grid.unit for value in values]
        return [grid.value(int(n)) for n in steps if n.denominator == 1 and grid.least <= n <= grid.most]

    def _steps(self, unit: Fraction, kind: pa.DataType) -> tuple[int | None, int | None]:
        """The first and last whole multiple of `unit` in the range."""
        low = None if self.low is None else self._exact(self.low, kind) / unit
        high = None if self.high is None else self._exact(self.high, kind) / unit
        first = None if low is None else math.floor(low) + 1 if self.low_open else math.ceil(low)
        last = None if high is None else math.ceil(high) - 1 if self.high_open else math.floor(high)
        return first, last

    def _exact(self, value: Literal, kind: pa.DataType) -> Fraction:
        try:
            return exact(value, kind)
        except UserError as error:
            raise UserError(f"where: {self}: column {self._name} holds {error}") from None

    def levels(self, levels: list[Any]) -> np.ndarray:
        """Which levels of a category are allowed, bool [levels]; the level None is missing.

        Raises:
            UserError: a value named is no level, or no level is left.
        """
        large = any(isinstance(level, int) and level >= 2**63 for level in levels)
        array = pa.array(levels, pa.uint64() if large else None)
        out = self.mask(array)
        named = [Allowed(self.column, (value,)) for value in (*(self.values or ()), *self.excluded)]
        absent = [rule for rule in named if not rule.mask(array).any()]
        if absent or not out.any():
            rule = absent[0] if absent else self
            shown = ", ".join(written(level) for level in levels[:20]) + (", ..." if len(levels) > 20 else "")
            near = nearest(str(rule.values[0]), [str(level) for level in levels]) if rule.values else ""
            raise UserError(f"where: {rule} does not occur in the training table; allowed are {shown}.{near}")
        return out

    def check(self, column: Column) -> None:
        """See that the column can hold what is allowed.

        Raises:
            UserError: it is left out, is a constant that does not fit, has no missing value, holds another type, or
            its training rows do not reach the values.
        """
        kind = arrow_type(column.type)
        if column.role == "dropped":
            raise UserError(f"where: {self}: column {self._name} is left out ({column.reason}).")
        if column.role == "constant":
            value = column.bounds[0] if column.bounds else None
            held = pa.array([value], pa.string() if isinstance(value, str) else kind).cast(kind)
            if not self.mask(held)[0]:
                raise UserError(f"where: {self}: column {self._name} is constant; every row holds {written(value)}.")
            return
        self.mask(pa.array([], kind))
        if self.missing and not column.missing:
            raise UserError(f"where: {self}: the column has no missing value in the training table.")
        if not self.missing and column.bounds is not None:
            self._check_bounds(column, kind)

    def _check_bounds(self, column: Column, kind: pa.DataType) -> None:
        assert column.bounds is not None
        low, high = column.bounds
        span = Allowed(self.column, low=low, high=high)
        bottom, top = span._exact(low, kind), span._exact(high, kind)
        grid, words = grid_of(kind), holds(kind)[1]
        unit = grid.unit if grid else None
        if column.kind == "integer":
            unit, words = Fraction(1), "whole numbers"
        elif column.kind == "numeric" and column.decimals is not None:
            unit = Fraction(1, 10**column.decimals)
            words = (
                f"numbers of {column.decimals} decimal{'s' * (column.decimals > 1)}"
                if column.decimals
                else "whole numbers"
            )
        where = [] if self.values is None else [Allowed(self.column, (value,)) for value in self.values]
        for rule in where or [self]:
            if rule._misses(bottom, top, unit, kind):
                raise UserError(f"where: {rule}: the training rows hold {words} from {low} to {high}.")

    def _misses(self, bottom: Fraction, top: Fraction, unit: Fraction | None, kind: pa.DataType) -> bool:
        """Whether nothing from `bottom` to `top`, in multiples of `unit`, is allowed."""
        if self.values:
            value = self._exact(self.values[0], kind)
            return not bottom <= value <= top or (unit is not None and value % unit != 0)
        if unit is not None:
            first, last = self._steps(unit, kind)
            first = max(math.ceil(bottom / unit), math.ceil(bottom / unit) if first is None else first)
            last = min(math.floor(top / unit), math.floor(top / unit) if last is None else last)
            gone = {self._exact(value, kind) / unit for value in self.excluded}
            return last - first + 1 <= sum(n.denominator == 1 and first <= n <= last for n in gone)
        low = bottom if self.low is None else self._exact(self.low, kind)
        high = top if self.high is None else self._exact(self.high, kind)
        return low > top or high < bottom or (low == top and self.low_open) or (high == bottom and self.high_open)


def _list(values: list[Any]) -> str:
    return f"({', '.join(written(value) for value in values)})"


def _distinct(column: str, values: Iterable[Literal | None]) -> tuple[Literal, ...]:
    there = [value for value in values if value is not None]
    order = key(written_name(column), there)
    return tuple({order(value): value for value in reversed(there)}.values())[::-1]


def _bound(rules: Iterable[Allowed], side: str, order: Callable[[Any], Any]) -> tuple[Any, bool]:
    """The tighter of the bounds of one side, and whether it is open."""
    ends = [(getattr(rule, side), getattr(rule, f"{side}_open")) for rule in rules]
    ends = [(order(end), end, is_open) for end, is_open in ends if end is not None]
    if not ends:
        return None, False
    tight = (max if side == "low" else min)(place for place, _, _ in ends)
    at = [(end, is_open) for place, end, is_open in ends if place == tight]
    return at[0][0], any(is_open for _, is_open in at)
