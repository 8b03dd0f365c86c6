"""Inequalities `low <= high` between two numbers or two times, kept because the model sees `high - low`.

Dates and times of any units are compared with each other, a date as the first moment of its day; but where `high` is a
date and some rows have a `low` later on that very day, the day of `low` is compared.

The difference takes the place of `high`; where either is missing it is missing, so that `low` may be missing only
where `high` is too. The rebuilt `high` is clipped into its training range, then raised to `low` where that is larger.

What is sought is conservative: no row violates it; re-pairing the rows at random would violate it in at least 1%;
the difference varies less than `high` itself by a tenth at least (it is then the easier column to learn); and, of two
numbers, rows lie close to the border, in difference and in ratio: amounts of different size that happen to go together
keep away from it. A pair is passed over where `high` has values that many rows share, such as round amounts, and the
difference has not: they would be smeared. Each column is replaced once, by its tightest pair.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.relations.base import (
    KEY,
    NUMBERS,
    Columns,
    Relation,
    decimals_of,
    from_numbers,
    from_ticks,
    is_exact,
    is_two_valued,
    numbers,
    pc,
    quoted,
    scaled,
    ticks,
    ticks_per_day,
)
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError

LEAST_VIOLATED = 0.01  # of randomly re-paired rows
LEAST_EXPLAINED = 0.1  # of the variance of `high`
SHARED = 0.01  # a value that this share of rows has is a heavy one
CLOSE = 0.05  # of the median distance from the border
CLOSE_ROWS = 20  # that many rows lie so close above it and none below: no chance, were there no border
MOST_SMEARED = 0.1  # of the rows may lose a heavy value
LEAST_ROWS = 100
FIRST_LOOK = 512


@dataclass(kw_only=True)
class Order(Relation):
    """low <= high where both are there.

    Attributes:
        type: the Arrow type of `high`.
        bounds: its smallest and largest value; times in ticks.
        decimals: of `high` and of the difference; None where there are many.
        step: of the difference of two times, in ticks of the finer of their units; 0 for numbers.
        whole: whether the difference is a whole number.
        days: whether of `low`, a time, the day counts only, since `high` is a date.
        levels: of a `high` that has two values, these; empty for others.
    """

    kind = "order"
    drops = False
    low: str
    high: str
    type: str = ""
    bounds: list[float] = field(default_factory=list)
    decimals: list[int | None] = field(default_factory=list)
    step: int = 0
    whole: bool = False
    days: bool = False
    levels: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As in `start <= end`."""
        return f"{quoted(self.low)} <= {quoted(self.high)}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The lower one."""
        return (self.low,)

    @property
    def determined(self) -> str:
        """The higher one."""
        return self.high

    @property
    def seen_name(self) -> str:
        """The difference."""
        return f"{self.high} - {self.low}"

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """The range of `high` and the grid of the difference."""
        low = self.need(self.low, schema, (*NUMBERS, "datetime"), table)
        high = self.need(self.high, schema, (*NUMBERS, "datetime"), table)
        times = high.kind == "datetime"
        if reason := _not_comparable(low, high):
            raise UserError(f"{KEY}: '{self.text}': {low.type} and {high.type} cannot be compared{reason}.")
        alone = table[self.low].is_null().to_numpy() & table[self.high].is_valid().to_numpy()
        if alone.any():
            raise UserError(
                f"{KEY}: '{self.text}': in {int(alone.sum()):,} rows '{self.low}' is missing and '{self.high}' is not, "
                f"so that '{self.high}' cannot be learned as the difference."
            )
        self.type = high.type
        there = table.filter(table[self.high].is_valid())
        if times:
            self.days = False
            self.days = _date_after_time(low, high) and bool(self._violated(there).any())
            difference = np.subtract(*reversed(self._moments(there[self.low], there[self.high])))
            self.step = max(int(np.gcd.reduce(difference)), 1)
            high_ticks = ticks(there[self.high])
            self.bounds, self.whole = [int(high_ticks.min()), int(high_ticks.max())], True
            varies = len(np.unique(difference)) > 1
        else:
            values = numbers(there[self.high])
            both = (decimals_of(high), decimals_of(low))
            self.decimals = [both[0], None if None in both else max(filter(None, both), default=0)]
            self.bounds, self.whole = [float(values.min()), float(values.max())], self.decimals[1] == 0
            self.levels = np.unique(values).tolist() if is_two_valued(schema[self.high]) else []
            varies = len(np.unique(self._difference(there))) > 1
        if not varies:
            raise UserError(f"{KEY}: '{self.text}': the difference is the same in every row.")

    def holds(self, table: pa.Table) -> np.ndarray:
        """True where either is missing."""
        return ~self._violated(table)

    def _moments(self, low: Any, high: Any) -> tuple[np.ndarray, np.ndarray]:
        """Both times in ticks of the finer unit, int64 [rows]; any number where missing.

        Raises:
            UserError: the finer unit does not reach as far as a value of the coarser one.
        """
        units = [ticks_per_day(array.type) for array in (low, high)]
        out = []
        for name, array, unit in zip((self.low, self.high), (low, high), units, strict=True):
            moments, factor = ticks(array), max(units) // unit
            if factor > 1 and len(moments) and np.abs(moments).max() > (2**63 - 1) // factor:
                raise UserError(f"{KEY}: '{self.text}': '{name}' has a value that the unit of the other cannot hold.")
            out.append(moments * factor)
        if self.days:
            out[0] = out[0] // max(units) * max(units)
        return out[0], out[1]

    def _violated(self, table: pa.Table) -> np.ndarray:
        low, high = table[self.low], table[self.high]
        if low.type != high.type and _zoned(low.type) is not None and _zoned(low.type) == _zoned(high.type):
            start, end = self._moments(low, high)
            return (start > end) & pc.and_(pc.is_valid(low), pc.is_valid(high)).to_numpy()
        try:
            return pc.fill_null(pc.greater(table[self.low], table[self.high]), False).to_numpy()
        except pa.ArrowException:
            kinds = f"{table[self.low].type} and {table[self.high].type}"
            raise UserError(f"'{self.text}': {kinds} cannot be compared.") from None

    def repair(self, table: pa.Table) -> pa.Table:
        """high = max(low, high)."""
        place, kind = table.column_names.index(self.high), table[self.high].type
        low = table[self.low]
        if pa.types.is_temporal(kind) and low.type != kind:
            low = self._least(low, kind)
        if pa.types.is_integer(kind) and not pa.types.is_integer(low.type):
            low = pc.ceil(low)
        violated = pa.array(self._violated(table))
        try:
            mended = pc.if_else(violated, low.cast(kind), table[self.high])
        except pa.ArrowException as error:
            raise UserError(f"'{self.text}': a value of '{self.low}' is none of '{self.high}': {error}.") from None
        return table.set_column(place, self.high, mended)

    def _least(self, low: Any, kind: pa.DataType) -> pa.Array:
        """The smallest times of a type that are no less than `low`."""
        gone = low.is_null().to_numpy(zero_copy_only=False)
        start, _ = self._moments(low, pa.nulls(len(low), kind))
        return from_ticks(_raised(start, low.type, kind), gone, kind)

    def _difference(self, columns: Columns) -> np.ndarray:
        low, high = numbers(columns[self.low]), numbers(columns[self.high])
        decimals = self.decimals[1]
        return high - low if decimals is None else (scaled(high, decimals) - scaled(low, decimals)) / 10.0**decimals

    def reduce(self, columns: Columns) -> pa.Array:
        """high - low, missing where either is; of two times in steps."""
        if not self.step:
            return from_numbers(self._difference(columns), pa.int64() if self.whole else pa.float64())
        missing = pc.or_(pc.is_null(columns[self.low]), pc.is_null(columns[self.high]))
        start, end = self._moments(columns[self.low], columns[self.high])
        steps = (end - start) // self.step
        return pa.array(steps, mask=missing.to_numpy(zero_copy_only=False))

    def restore(self, columns: Columns) -> pa.Array:
        """low + difference, within the training range of `high` where `low` allows."""
        kind, (least, most) = arrow_type(self.type), self.bounds
        if self.step:
            low, steps = columns[self.low], columns[self.high]
            missing = pc.or_(pc.is_null(low), pc.is_null(steps)).to_numpy(zero_copy_only=False)
            start, _ = self._moments(low, pa.nulls(len(low), kind))
            end = start + pc.fill_null(steps, 0).to_numpy(zero_copy_only=False) * self.step
            start, end = (_raised(moments, low.type, kind) for moments in (start, end))
            return from_ticks(np.maximum(np.clip(end, int(least), int(most)), start), missing, kind)
        low, difference = numbers(columns[self.low]), numbers(columns[self.high])
        decimals, fine = self.decimals
        high = low + difference if fine is None else (scaled(low, fine) + scaled(difference, fine)) / 10.0**fine
        high = np.maximum(np.clip(high, least, most), low)
        if self.levels:
            return from_numbers(_level_above(high, low, np.array(self.levels)), kind, decimals)
        if decimals is not None:
            high = np.round(high, decimals)
            high = np.round(np.where(high < low, high + 10.0**-decimals, high), decimals)
        return from_numbers(high, kind)


def _zoned(kind: pa.DataType) -> bool | None:
    """Whether times of a type have a time zone; None for what is no time."""
    if pa.types.is_timestamp(kind):
        return kind.tz is not None  # pyright: ignore[reportAttributeAccessIssue]
    return False if pa.types.is_date(kind) else None


def _not_comparable(low: Column, high: Column) -> str:
    """Why two columns cannot be ordered, "" where they can."""
    if low.kind != "datetime" and high.kind != "datetime":
        return ""
    zones = [_zoned(arrow_type(column.type)) for column in (low, high)]
    if None in zones:
        return ": one is a time, the other a number"
    return "" if zones[0] == zones[1] else ": one has a time zone and the other has none; give both one, or none"


def _date_after_time(low: Column, high: Column) -> bool:
    return pa.types.is_timestamp(arrow_type(low.type)) and pa.types.is_date(arrow_type(high.type))


def _raised(moments: np.ndarray, low: pa.DataType, high: pa.DataType) -> np.ndarray:
    """Ticks of the finer unit of two types as ticks of `high`, raised to whole ones; of date64 to whole days."""
    units = [ticks_per_day(kind) for kind in (low, high)]
    if pa.types.is_date64(high) and high != low:
        return -(-moments // max(units)) * units[1]
    return -(-moments // (max(units) // units[1]))


def _level_above(values: np.ndarray, low: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """For each value the nearest of `levels` that is no less than `low`; NaN where there is none."""
    off = np.where(levels[:, None] >= low, np.abs(levels[:, None] - values), np.inf)
    nearest = levels[np.argmin(np.where(np.isnan(off), np.inf, off), axis=0)]
    return np.where(np.isfinite(off).any(0) & ~np.isnan(values), nearest, np.nan)


def find_orders(
    table: pa.Table, sample: pa.Table, schema: Schema, skip: Collection[str], accept: Callable[[Relation], bool]
) -> Iterator[Order]:
    """Fitted inequalities, the tightest first, no column replaced twice.

    Args:
        sample: rows of `table` to look at first.
        skip: columns that are not to be replaced, nor to be compared with.
        accept: whether a found one is taken.
    """
    features = [c for c in schema.features if (is_exact(c) or c.kind == "datetime") and c.name not in skip]
    if len(features) < 2:
        return
    values = np.stack([_comparable(sample, c) for c in features], 1)
    candidates = []
    for low, column in enumerate(features):
        same = [(c.type == column.type) if "datetime" in (c.kind, column.kind) else True for c in features]
        fits = ~(values[:FIRST_LOOK, low, None] > values[:FIRST_LOOK]).any(0) & np.array(same)
        pairs = [(high, values[:, low], values[:, high]) for high in np.flatnonzero(fits).tolist() if high != low]
        for high, other in enumerate(features):
            if not same[high] and not _not_comparable(column, other):
                pairs.append((high, *_in_one_unit(values[:, low], values[:, high], column, other)))
        for high, lows, highs in pairs:
            if evidence := _evidence(lows, highs, column.kind == "datetime"):
                candidates.append((-evidence["explained"], low, high, evidence))
    replaced: set[int] = set()
    for _, low, high, evidence in sorted(candidates, key=lambda candidate: candidate[:3]):
        order = Order(low=features[low].name, high=features[high].name)
        if high in replaced:
            continue
        try:
            order.fit(table, schema)
        except UserError:
            continue
        order.support |= evidence
        if accept(order):
            replaced.add(high)
            yield order


def _comparable(table: pa.Table, column: Column) -> np.ndarray:
    array = table[column.name]
    if column.kind != "datetime":
        return numbers(array)
    return np.where(array.is_null().to_numpy(), np.nan, ticks(array).astype(np.float64))


def _in_one_unit(
    low: np.ndarray, high: np.ndarray, low_column: Column, high_column: Column
) -> tuple[np.ndarray, np.ndarray]:
    """Ticks of two types of times as ticks of the finer unit; of `low` its day where rows of a later date need that."""
    units = [ticks_per_day(arrow_type(column.type)) for column in (low_column, high_column)]
    low, high = (ticks * (max(units) // unit) for ticks, unit in zip((low, high), units, strict=True))
    if _date_after_time(low_column, high_column) and (low > high).any():
        low = np.floor(low / max(units)) * max(units)
    return low, high


def _evidence(low: np.ndarray, high: np.ndarray, times: bool) -> dict[str, float] | None:
    """How tight the pair is; None where it is not taken."""
    both = ~(np.isnan(low) | np.isnan(high))
    low, high = low[both], high[both]
    if len(low) < LEAST_ROWS or (low > high).any() or high.var() == 0 or low.var() == 0:
        return None
    violated = float(np.searchsorted(np.sort(high), low, "left").mean() / len(high))
    explained = float(1 - (high - low).var() / high.var())
    smeared = _heavy(high) - _heavy(high - low)
    if violated < LEAST_VIOLATED or explained < LEAST_EXPLAINED or smeared > MOST_SMEARED:
        return None
    if not times and _close(low, high) < CLOSE_ROWS:
        return None
    return {"violated_if_repaired": round(violated, 3), "explained": round(explained, 3)}


def _close(low: np.ndarray, high: np.ndarray) -> int:
    """Rows near low = high: both by their difference and by its share of their size, against the medians of these."""
    difference = high - low
    share = difference / np.maximum(np.abs(low) + np.abs(high), np.finfo(float).tiny)
    near = (difference <= CLOSE * np.median(difference)) & (share <= CLOSE * np.median(share))
    return int(near.sum())


def _heavy(values: np.ndarray) -> float:
    """The share of rows whose value at least one in a hundred has."""
    counts = np.unique(np.round(values, 9), return_counts=True)[1] / len(values)
    return float(counts[counts >= SHARED].sum())
