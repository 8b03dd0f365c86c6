"""Customers who are given: what their table lacks is drawn to fit, and then their events."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.events.weeks import in_weeks
from gans.data.files import read_table
from gans.data.schema import arrow_type
from gans.errors import UserError
from gans.histories.counted import attributes, numbers_of
from gans.histories.draw import encode
from gans.histories.drawn import Drawn
from gans.histories.saved import BLOCK, SavedHistories
from gans.sampling.chunks import CHUNK, Given, Request

KEY = "customer"


class GivenCustomers:
    """A table of customers, for a run of histories.

    Attributes:
        rows: how many there are.
    """

    def __init__(self, saved: SavedHistories, path: str) -> None:
        """Read the table.

        Raises:
            UserError: it cannot be read, has no column of the run, a key twice, or a value that the run does not know.
        """
        self.saved, self.name = saved, f"customers={path}"
        self.table = read_table(path, "customers")
        self.rows = self.table.num_rows
        if not self.rows:
            raise UserError(f"{self.name}: the table is empty.")
        self.sampler = saved.people.sampler()
        self.codec, condition = self.sampler.codec, self.sampler.generator.condition
        self.known = self._known()
        self.reduced = self._reduced()
        if not self.known.column_names:
            sampled = [column.name for column in saved.people.schema.sampled]
            named = attributes(sampled, saved.shapes) + [shape.kind for shape in saved.shapes]
            raise UserError(f"{self.name}: it has none of the columns of the run's customers: {', '.join(named)}.")
        learned = {fitted.column.name for fitted in self.codec.columns}
        lacks = [name for name in learned if name not in self.known.column_names]
        if lacks and not condition.takes_any_column:
            raise UserError(f"{self.name}: it lacks {', '.join(lacks)}; runs with condition=subsets draw these.")
        self._check_keys()
        self._check_counts()

    def draw(self, seed: int, start: int, stop: int) -> Iterator[Drawn]:
        """Customers `start` to `stop` of the table, with their events, a block at a time."""
        most = {shape.kind: self._most(shape.kind) for shape in self.saved.shapes}
        for low in range(start, stop, BLOCK):
            high = min(low + BLOCK, stop)
            numbers = np.arange(low, high)
            found = self.saved.histories(self._people(low, high, seed), numbers, seed, most)
            yield self._named(found, low, high)

    def _most(self, kind: str) -> int:
        """The most events that one of them may have."""
        given = numbers_of(self.known[kind]).max(initial=0) if kind in self.known.column_names else 0
        return max(int(given), self.saved.most_events(kind))

    def _known(self) -> pa.Table:
        """The columns that the generator of customers has, as it has them."""
        table, names, out = self.table, self.table.column_names, {}
        for shape in self.saved.shapes:
            ends = [f"{shape.kind}_first", f"{shape.kind}_last"]
            if set(ends) <= set(names):
                if shape.since and shape.since not in names:
                    raise UserError(f"{self.name}: beside {ends[0]} it needs the column '{shape.since}'.")
                ends += [shape.since] if shape.since else []
                dates = pa.table({name: self._cast(name, table[name], pa.date32()) for name in ends})
                weeks = in_weeks(dates, [shape])
                out |= {name: weeks[name] for name in weeks.column_names if name != shape.since}
        out |= {name: table[name] for name in names if name != KEY and name not in out}
        schema = self.saved.people.schema
        columns = {one.name: arrow_type(one.type) for one in schema.sampled if one.role == "feature"}
        return pa.table({name: self._cast(name, out[name], kind) for name, kind in columns.items() if name in out})

    def _reduced(self) -> pa.Table:
        """The known columns as the model sees them: a total as its average, the higher end of an order as a distance.

        Raises:
            UserError: what they are counted from is not given.
        """
        out = self.known
        for name, relation in self.codec.relations.building.items():
            if name not in self.known.column_names or relation.drops or relation.keeps:
                continue
            for other in relation.parents:
                if other not in self.known.column_names:
                    raise UserError(f"{self.name}: column '{name}' needs '{other}' beside it ({relation.text}).")
            column = relation.reduce({one: self.known[one] for one in relation.columns})
            out = out.set_column(out.column_names.index(name), name, column)
        return out

    def _cast(self, name: str, column: Any, kind: pa.DataType) -> pa.ChunkedArray:
        try:
            return column.cast(kind)
        except pa.ArrowException:
            raise UserError(f"{self.name}: column '{name}' holds {column.type}; the run has {kind} there.") from None

    def _check_keys(self) -> None:
        """Raise UserError for keys that are missing or not unique, and values that no training row has."""
        if KEY in self.table.column_names:
            keys = self.table[KEY]
            if keys.null_count:
                raise UserError(f"{self.name}: {keys.null_count:,} of {self.rows:,} rows have no customer.")
            if (different := len(keys.unique())) < self.rows:
                raise UserError(f"{self.name}: {self.rows - different:,} keys of customers occur twice.")
        for fitted in self.codec.columns:
            name = fitted.column.name
            if name in self.known.column_names and not (fits := fitted.covers(self.reduced[name])).all():
                value = self.known[name][int(fits.argmin())].as_py()
                shown = "a missing value" if value is None else repr(value)
                raise UserError(
                    f"{self.name}: column '{name}' holds {shown}, which no training row has; leave the column out, or "
                    "write what they have."
                )

    def _check_counts(self) -> None:
        """Raise UserError for counts that no customer can have, and dates outside the log or in the wrong order."""
        for shape in self.saved.shapes:
            kind, ends, until = (
                shape.kind,
                [f"{shape.kind}_first", f"{shape.kind}_last"],
                np.datetime64(shape.until, "D"),
            )
            if kind in self.known.column_names:
                count, most = numbers_of(self.known[kind]), self.saved.most_events(kind)
                if len(wrong := count[(count < 0) | (count > most)]):
                    raise UserError(
                        f"{self.name}: column '{kind}' holds {wrong[0]:.0f}; the training customers have 0 to {most}."
                    )
            there = [name for name in ends if name in self.table.column_names]
            if len(there) == 1:
                raise UserError(f"{self.name}: it has {there[0]} alone; give {' and '.join(ends)}, or none of them.")
            dates = {name: self._days(name) for name in (*there, *([shape.since] if shape.since else []))}
            for name, days in dates.items():
                if (late := days > until).any():
                    raise UserError(
                        f"{self.name}: column '{name}' holds {days[late.argmax()]}; the events end on {until}."
                    )
            if there and (wrong := dates[ends[0]] > dates[ends[1]]).any():
                first, last = (dates[name][wrong.argmax()] for name in ends)
                raise UserError(f"{self.name}: {ends[0]} is {first}, after {ends[1]}, which is {last}.")

    def _days(self, name: str) -> np.ndarray:
        """A column of dates of the table, datetime64[D] [rows]; not a time where it is not there or missing."""
        if name not in self.table.column_names:
            return np.full(self.rows, np.datetime64("NaT"), "datetime64[D]")
        return self._cast(name, self.table[name], pa.date32()).to_numpy().astype("datetime64[D]")

    def _people(self, low: int, high: int, seed: int) -> pa.Table:
        """Customers as the generator makes them, with the columns that are given as they are."""
        chunks, parts, first = self.sampler.chunks(), [], low // CHUNK * CHUNK
        given = [fitted for fitted in self.codec.columns if fitted.column.name in self.known.column_names]
        mask = np.array([fitted in given for fitted in self.codec.columns], np.float32)
        for start in range(first, high, CHUNK):
            rows = self.codec.empty(CHUNK)
            there, reduced = (table.slice(start, CHUNK) for table in (self.known, self.reduced))
            for fitted in given:
                encode(rows, fitted, reduced[fitted.column.name])
            made = self.codec.decode(chunks.chosen(Request(seed, start, given=Given(rows, mask))))
            for name in self.known.column_names:
                made = made.set_column(made.column_names.index(name), name, _filled(there[name], made[name]))
            parts.append(made)
        return pa.concat_tables(parts).slice(low - first, high - low)

    def _named(self, found: Drawn, low: int, high: int) -> Drawn:
        """With the keys and the columns of the table."""
        table, customers, logs = self.table.slice(low, high - low), found.customers, dict(found.logs)
        own = [name for name in table.column_names if name not in customers.column_names]
        shared = attributes(self.known.column_names, self.saved.shapes)
        for name in shared:
            customers = customers.set_column(customers.column_names.index(name), name, table[name])
        for name in own:
            customers = customers.append_column(name, table[name])
        if KEY in table.column_names:
            keys = self.table[KEY].combine_chunks()
            for name, log in logs.items():
                logs[name] = log.set_column(0, KEY, keys.take(pa.array(log[KEY].to_numpy() - 1)))
            customers = customers.set_column(0, KEY, table[KEY])
        return Drawn(customers, logs)


def _filled(column: pa.ChunkedArray, made: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column, with those behind it as they were made: a chunk is whole."""
    rest = made.slice(len(column)).cast(column.type)
    return pa.chunked_array([*column.chunks, *rest.chunks], column.type)
