"""What is known of a child before it is drawn: parent, place, what is left of the parent's sums, what came before.

What is left, shared among the children that are left, steers a chain towards its parent's sums: it is what a child has
on average, the share of children of a level, the time between two; and at the last child of a real chain its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.customer_histories import Children
from gans.data.events.chains import Chain, Field, Shape
from gans.data.events.weeks import WEEKDAYS, week, weekday
from gans.data.named_columns import counted_columns

pc: Any = pyarrow.compute  # its functions are made at run time

WEEKS, WEEKDAY, SOON, HOUR = "time.weeks", "time.weekday", "time.soon", "time.hour"
WEEK = 7  # days; an event within so many is told by them, since a week and a weekday may lie before the event before
LATER = "later"
DAY_GIVEN = "day is given"


@dataclass
class Clock:
    """Days around the next event of each of some customers, datetime64[D] [rows].

    Attributes:
        before: of the event before; of the first event its own.
        last: of the last event.
        hour: of the event before, -1 at the first one.
        gap: weeks from the event two before to the one before; -1 where there are not two.
    """

    before: np.ndarray
    last: np.ndarray
    hour: np.ndarray
    gap: np.ndarray


@dataclass
class Known:
    """What is known of the next child of each of some parents, [rows] each.

    Attributes:
        parents: columns of the parents that the child may depend on.
        count: children of the parent.
        place: of this child, from 0.
        left: by total of the chain, what of the parent's sum is left for this child and those behind it.
        before: by field, its value at the child before; null at the first.
    """

    parents: pa.Table
    count: np.ndarray
    place: np.ndarray
    left: Mapping[str, np.ndarray]
    before: Mapping[str, pa.Array]
    clock: Clock | None = None

    @property
    def day_given(self) -> np.ndarray:
        """Whether the day is the parent's: that of the first and that of the last event."""
        return (self.place == 0) | (self.place == self.count - 1)

    def table(self, chain: Chain) -> pa.Table:
        """The columns of the context."""
        children = self.count - self.place  # that are left
        columns = {f"of {name}": self.parents[name] for name in self.parents.column_names}
        columns |= {"all children": pa.array(self.count), "children left": pa.array(children)}
        columns |= {
            f"left {total} a child": pa.array(np.round(self.left[total] / children, 6)) for total in chain.totals
        }
        columns |= {f"before {name}": values for name, values in self.before.items()}
        if self.clock is not None:
            first, clock = self.place == 0, self.clock
            columns["before week"] = pa.array(week(clock.before))
            columns["before weekday"] = pa.array(WEEKDAYS[weekday(clock.before)], mask=first)
            columns["before gap"] = pa.array(clock.gap, mask=clock.gap < 0)
            if chain.hours:
                columns["before hour"] = pa.array(clock.hour, mask=clock.hour < 0)
            weeks = week(clock.last) - week(clock.before)
            columns["weeks left"] = pa.array(weeks)
            columns["weeks left a child"] = pa.array(np.round(weeks / children, 6))
            columns["last weekday"] = pa.array(WEEKDAYS[weekday(clock.last)])
            columns[DAY_GIVEN] = pa.array(self.day_given)
        return pa.table(columns)


def addends(one: Field, values: pa.ChunkedArray | pa.Array) -> dict[str, np.ndarray]:
    """What each row adds to the sums of its parent, float64 [rows] by total."""
    if one.form in ("number", "whole"):
        return {one.name: pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)}
    if one.form == "flag":
        return {one.name: pc.fill_null(values, False).cast(pa.float64()).to_numpy(zero_copy_only=False)}
    return {
        total: pc.fill_null(pc.equal(values, level), False).cast(pa.float64()).to_numpy(zero_copy_only=False)
        for total, level in zip(one.totals, one.levels, strict=True)
    }


def training_rows(children: Children, parents: pa.Table) -> tuple[pa.Table, list[str]]:
    """Every child of real chains with its context; and the names of the columns of the context.

    Args:
        parents: by place, the columns that a child may depend on.
    """
    chain, parent, table = children.chain, children.parent, children.table
    rows = len(parent)
    first = np.append(True, parent[1:] != parent[:-1])[:rows]
    start = np.maximum.accumulate(np.where(first, np.arange(rows), 0))
    count = np.bincount(parent, minlength=parents.num_rows)[parent]
    place = np.arange(rows) - start
    left, before = {}, {}
    for one in chain.fields:
        values = table[one.name].combine_chunks()
        for total, amount in addends(one, values).items():
            gone = np.cumsum(amount) - amount
            gone -= gone[start]
            left[total] = np.bincount(parent, amount, parents.num_rows)[parent] - gone
        before[one.name] = _shifted(values, first)
    known = Known(parents.take(pa.array(parent)), count, place, left, before)
    own = {one.name: pc.abs(table[one.name]) if one.negative_if else table[one.name] for one in chain.learned}
    if chain.timed:
        time = table["time"].cast(pa.timestamp("s")).to_numpy()
        day = time.astype("datetime64[D]")
        hour = (time - day).astype(np.int64) // 3600
        previous = np.where(first, day, np.roll(day, 1))
        weeks = week(day) - week(previous)
        known.clock = Clock(
            before=previous,
            last=day[np.minimum(start + count - 1, rows - 1)],
            hour=np.where(first, -1, np.roll(hour, 1)),
            gap=np.where(place > 1, np.roll(weeks, 1), -1),
        )
        timed = {WEEKS: pa.array(weeks), WEEKDAY: pa.array(WEEKDAYS[weekday(day)]), SOON: soon(day, previous)}
        own = timed | ({HOUR: pa.array(hour.astype(str))} if chain.hours else {}) | own
    context = known.table(chain)
    return pa.table({**{name: context[name] for name in context.column_names}, **own}), context.column_names


def soon(day: np.ndarray, before: np.ndarray) -> pa.Array:
    """Days since the event before, "0" to "6", or "later" [rows].

    Args:
        day, before: of an event and of the one before, datetime64[D] [rows].
    """
    days = (day - before).astype(np.int64)
    return pa.array(np.where(days < WEEK, days.astype(str), LATER))


def _shifted(values: pa.Array, first: np.ndarray) -> pa.Array:
    """The value of the row before, null in the first row of a parent."""
    places = np.maximum(np.arange(len(values)) - 1, 0)
    return values.take(pa.array(places, mask=first))


def parent_columns(people: pa.Table, shape: Shape) -> list[str]:
    """The columns of customers that their events may depend on: all but the sums and days that the chain is led by."""
    led = set(counted_columns(shape))
    return [name for name in people.column_names if name not in led]
