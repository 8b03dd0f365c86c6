"""Children drawn one after another, for many parents at once.

A child depends on the seed, its parent and its place only: not on which parents are drawn beside it.
"""

import datetime as dt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.conditions.context import Context, FittedContext
from gans.data.codecs.columns import FittedColumn
from gans.data.events.chains import Chain, Field
from gans.data.events.rules import days_to_opening, nearest_opening, signed
from gans.data.events.weeks import WEEKDAYS, date, week, weekday
from gans.data.layout import Encoded
from gans.data.schema import arrow_type
from gans.histories.averages import with_counts
from gans.histories.contexts import HOUR, LATER, SOON, WEEK, WEEKDAY, WEEKS, Clock, Known, addends, soon
from gans.runs.saved import SavedRun
from gans.streams import stream

pc: Any = pyarrow.compute  # its functions are made at run time

KINDS = {"number": pa.float64(), "whole": pa.int64(), "flag": pa.bool_(), "level": pa.string()}
ROOM = 1 << 32  # above all places of events: random numbers of another use
SIZES = (256, 1024)  # rows of the two compiled programs: with more, what a layer gives no longer fits in the cache


class ChainSampler:
    """Draws the children of a learned chain."""

    def __init__(self, chain: Chain, saved: SavedRun) -> None:
        self.chain, self.opening, self.days_to_opening = chain, nearest_opening(chain), days_to_opening(chain)
        names = {WEEKS, WEEKDAY, SOON, HOUR, *(one.name for one in chain.fields)}
        self.constants = {
            column.name: pa.scalar(column.bounds[0] if column.bounds else None, arrow_type(column.type))
            for column in saved.schema.columns
            if column.role == "constant" and column.name in names
        }
        self.learned = saved.files.has_checkpoint  # else all children are alike
        if not self.learned:
            return
        self.codec, self.gan, condition = saved.codec, saved.gan, saved.gan.condition
        assert isinstance(condition, FittedContext)
        self.condition, self.masks = condition, condition.masks()
        self.parameters = jax.device_put(saved.sampler().parameters)
        assert isinstance(condition.rule, Context)
        context = condition.rule.columns
        self.context = [fitted for fitted in self.codec.columns if fitted.column.name in context]
        self.timed = [fitted for fitted in self.codec.columns if fitted.column.name in (WEEKS, WEEKDAY, SOON)]
        self.own = [f for f in self.codec.columns if f.column.name not in context]
        columns = np.array(self.gan.layout.columns, int)

        def rows(parameters: Any, scalars: Any, codes: Any, masks: Any, seed: Any, parents: Any, places: Any) -> Any:
            partial = self.gan.layout.wide(scalars, codes) * masks[:, columns]
            base = stream(seed, jnp.int32(0), chain.name)
            keys = jax.vmap(lambda parent, place: jax.random.fold_in(jax.random.fold_in(base, parent), place))(
                parents, places
            )
            made = self.gan.generate(parameters, jnp.concatenate([partial, masks], axis=-1), keys, False)[0]
            return self.gan.layout.compact(made)

        self._rows = jax.jit(rows)

    def next(self, known: Known, days: np.ndarray | None, seed: int, parents: np.ndarray) -> pa.Table:
        """The next child of each parent: its fields, and of a timed chain weeks, weekday and hour.

        Args:
            days: of the children whose day is given, datetime64[D] [rows].
            parents: a number for each parent, from which its random numbers follow.
        """
        assert known.clock is None or days is not None
        if not self.learned:
            return pa.table({name: pa.repeat(value, len(parents)) for name, value in self.constants.items()})
        context, rows = known.table(self.chain), len(known.place)
        encoded = self.codec.empty(rows)
        inputs: list[tuple[FittedColumn, Any]] = [(fitted, context[fitted.column.name]) for fitted in self.context]
        given = np.zeros(rows, bool)
        if known.clock is not None and days is not None:
            given = known.day_given
            day = np.where(given, days, known.clock.before)
            apart = week(day) - week(known.clock.before)
            values = {
                WEEKS: pa.chunked_array([apart]),
                WEEKDAY: pa.chunked_array([WEEKDAYS[weekday(day)]]),
                SOON: pa.chunked_array([soon(day, known.clock.before)]),
            }
            inputs += [(fitted, values[fitted.column.name]) for fitted in self.timed]
        for fitted, column in inputs:
            encode(encoded, fitted, column)
        made = self._made(encoded, np.where(given[:, None], self.masks[1], self.masks[0]), seed, parents, known.place)
        columns = {fitted.column.name: fitted.decode(made) for fitted in self.own}
        columns |= {name: pa.repeat(value, rows) for name, value in self.constants.items()}
        return self.codec.relations.restore(pa.table(columns))

    def _made(self, encoded: Encoded, masks: np.ndarray, seed: int, parents: np.ndarray, places: np.ndarray) -> Encoded:
        """Rows of the generator, by programs of two sizes."""
        rows, parts, low = len(masks), [], 0
        while low < rows:
            size = SIZES[0] if rows - low <= SIZES[0] else SIZES[1]
            here = slice(low, min(low + size, rows))
            arrays = [encoded.scalars[here], encoded.codes[here], masks[here], parents[here], places[here]]
            scalars, codes, mask, parent, place = (_padded(array, size) for array in arrays)
            numbers = parent.astype(np.int32), place.astype(np.int32)
            parts.append(self._rows(self.parameters, scalars, codes, mask.astype(np.float32), np.int32(seed), *numbers))
            low += size
        scalars, codes = (np.concatenate(part)[:rows] for part in zip(*map(jax.device_get, parts), strict=True))
        return Encoded(scalars, codes)

    def draw(
        self,
        parents: pa.Table,
        count: np.ndarray,
        sums: dict[str, np.ndarray],
        seed: int,
        numbers: np.ndarray,
        first: np.ndarray | None = None,
        last: np.ndarray | None = None,
    ) -> tuple[np.ndarray, pa.Table]:
        """All children: the place of the parent of each, ascending, and their columns by place of the child.

        Args:
            parents: the columns that a child may depend on, [parents].
            count: children of each parent.
            sums: by total of the chain, of each parent.
            numbers: of each parent, from which its random numbers follow.
            first, last: of a timed chain the days of the first and the last child.
        """
        chain, most = self.chain, int(count.max(initial=0))
        left = {name: values.astype(np.float64).copy() for name, values in sums.items()}
        before = {one.name: _Column(one, len(count)) for one in chain.fields}
        day = None if first is None else first.copy()
        hour, gap = np.full(len(count), -1), np.full(len(count), -1)
        who, tables = [], []
        for place in range(most):
            active = np.flatnonzero(count > place)
            clock = days = None
            if day is not None and last is not None:
                clock = Clock(day[active], last[active], hour[active], gap[active])
                days = day[active] if place == 0 else last[active]
            known = Known(
                parents.take(pa.array(active)),
                count[active],
                np.full(len(active), place),
                {name: values[active] for name, values in left.items()},
                {name: column.take(active) for name, column in before.items()},
                clock,
            )
            made = self.next(known, days, seed, numbers[active])
            if clock is not None and days is not None and day is not None:
                new, time = self._times(made, known, days, uniform(seed, numbers[active], known.place + ROOM))
                gap[active] = week(new) - week(day[active]) if place else -1
                day[active], hour[active] = new, (time - new).astype(np.int64) // 3600
                made = made.append_column("time", pa.array(time))
            made = with_counts(with_products(signed(made, chain, known.parents), chain), chain)
            for one in chain.fields:
                for total, amount in addends(one, made[one.name].combine_chunks()).items():
                    left[total][active] -= amount
                before[one.name].put(active, made[one.name].combine_chunks())
            who.append(active)
            tables.append(made.select([*(["time"] if chain.timed else []), *(one.name for one in chain.fields)]))
        if not tables:
            return np.zeros(0, np.int64), self._nothing()
        parent = np.concatenate(who)
        order = np.argsort(parent, kind="stable")
        return parent[order], pa.concat_tables(tables).take(pa.array(order))

    def _nothing(self) -> pa.Table:
        """The columns of children of whom there are none."""
        times = {"time": pa.array([], pa.timestamp("s"))} if self.chain.timed else {}
        return pa.table(times | {one.name: pa.array([], KINDS[one.form]) for one in self.chain.fields})

    def _times(
        self, made: pa.Table, known: Known, days: np.ndarray, chance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The day of each event, and its time: not before that of the event before nor after the last day.

        One that would leave no days for those behind it lies where the next of so many events does that fall on the
        days that are left by chance.

        Args:
            days: of the events whose day is given, datetime64[D] [rows].
            chance: in [0, 1) [rows].
        """
        clock = known.clock
        assert clock is not None
        ahead = week(clock.last) - week(clock.before)
        weeks = np.clip(made[WEEKS].to_numpy(), 0, ahead)
        words = np.searchsorted(np.sort(WEEKDAYS), made[WEEKDAY].to_pandas().to_numpy().astype(str))
        drawn = date(week(clock.before) + weeks, np.argsort(WEEKDAYS)[words])
        drawn = np.where(drawn < clock.before + WEEK, drawn + WEEK, drawn)  # the weekday stays
        days_on = made[SOON].to_pandas().to_numpy().astype(str)
        near = days_on != LATER
        drawn = np.where(near, clock.before + np.where(near, days_on, "0").astype(np.int64), drawn)
        behind = np.maximum(known.count - known.place - 1, 1)
        left = (clock.last - clock.before).astype(np.int64)
        spread = clock.before + (left * (1 - (1 - chance) ** (1 / behind))).astype(np.int64)
        drawn = np.where(drawn > clock.last - (behind > 1), spread, drawn)
        drawn = drawn + self.days_to_opening[weekday(drawn)]
        day = np.where(known.day_given, days, np.clip(drawn, clock.before, clock.last))
        hours = np.zeros(len(day), np.int64)
        if self.chain.hours:
            hours = self.opening[weekday(day), made[HOUR].to_pandas().to_numpy().astype(np.int64)]
        return day, day.astype("datetime64[s]") + hours.astype("timedelta64[h]")


class _Column:
    """The last value of a field at each parent, null before the first child."""

    def __init__(self, field: Field, parents: int) -> None:
        self.field, self.none = field, np.ones(parents, bool)
        kinds: dict[str, Any] = {"number": np.float64, "whole": np.int64, "flag": bool, "level": object}
        self.values = np.zeros(parents, kinds[field.form])

    def put(self, places: np.ndarray, values: pa.Array) -> None:
        self.none[places] = np.asarray(values.is_null())
        blank = {"number": 0.0, "whole": 0, "flag": False, "level": ""}[self.field.form]
        self.values[places] = pc.fill_null(values, blank).to_numpy(zero_copy_only=False)

    def take(self, places: np.ndarray) -> pa.Array:
        return pa.array(self.values[places], KINDS[self.field.form], mask=self.none[places])


def with_products(table: pa.Table, chain: Chain) -> pa.Table:
    """The table with the columns that are products of others, in cents."""
    for one in chain.fields:
        if one.product:
            a, b = (table[name].cast(pa.float64()) for name in one.product)
            table = table.append_column(one.name, pc.round(pc.multiply(a, b), 4))
    return table


def encode(rows: Encoded, fitted: FittedColumn, column: pa.ChunkedArray) -> None:
    """Put a column into the first rows, with levels, bounds and missing values that the codec knows."""
    scalars, codes = fitted.encode(within(fitted, column), None)
    if fitted.scalar >= 0:
        rows.scalars[: len(column), fitted.scalar] = scalars
    if fitted.code >= 0:
        rows.codes[: len(column), fitted.code] = codes


def within(fitted: FittedColumn, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with levels, bounds and missing values that the codec knows."""
    edges = [] if fitted.levels else [_scalar(edge, column.type) for edge in fitted.column.bounds or ()]
    if fitted.levels:
        known = pa.array([level for level in fitted.levels if level is not None], column.type)
        strange = pc.and_(pc.invert(pc.is_in(column, known)), pc.is_valid(column))
        if pc.any(strange).as_py():
            column = pc.if_else(strange, None if fitted.column.missing else known[0], column)
    elif edges:
        low, high = edges
        column = pc.min_element_wise(pc.max_element_wise(column, low, skip_nulls=False), high, skip_nulls=False)
    if column.null_count and not fitted.column.missing:
        blank = edges[0] if edges else pa.scalar(fitted.levels[0] if fitted.levels else 0, column.type)
        column = pc.fill_null(column, blank)
    return column


def _scalar(edge: Any, type_: pa.DataType) -> pa.Scalar:
    """A bound of a column, which is ISO text for a date or a time."""
    return pa.scalar(dt.datetime.fromisoformat(edge)).cast(type_) if isinstance(edge, str) else pa.scalar(edge, type_)


def uniform(seed: int, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """A number in [0, 1) that follows from the seed, the customer and the place of the event (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + places.astype(np.uint64)
        mixed = mixed * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(seed + 1)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) / float(1 << 53)


def _padded(array: np.ndarray, size: int) -> np.ndarray:
    """An array with its first row repeated to `size` rows."""
    return np.concatenate([array, np.repeat(array[:1], size - len(array), axis=0)])
