"""Customers and what they did, as an evaluation takes them: the customers, and the rows of each log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.events.chains import EVENT
from gans.data.events.logs import quoted

NO_COLUMNS = ("customer", EVENT, "time")  # of a log: keys and time
MOST_LEVELS = 30
WHO, KEY, GAP = "place of customer", "key of customer", "days since the event before"  # names that logs hardly have


@dataclass
class History:
    """The events of customers, by customer and time.

    Attributes:
        customers: how many there are, those without events among them.
        who: the place of the customer of each event [events], ascending.
        time: of each, datetime64[s].
        columns: of each event: of its rows the sums of numbers and the most frequent levels, and `rows`, their number.
    """

    customers: int
    who: np.ndarray
    time: np.ndarray
    columns: pa.Table

    @cached_property
    def first(self) -> np.ndarray:
        """Whether an event is its customer's first one."""
        return np.append(True, self.who[1:] != self.who[:-1])[: len(self.who)]

    @cached_property
    def day(self) -> np.ndarray:
        """The date of each event."""
        return self.time.astype("datetime64[D]")

    @property
    def weekday(self) -> np.ndarray:
        """The weekday of each event, from 0 for Monday."""
        return (self.day.astype(np.int64) + 3) % 7

    @property
    def hour(self) -> np.ndarray:
        """The hour of each event."""
        return (self.time - self.day).astype(np.int64) // 3600

    @property
    def count(self) -> np.ndarray:
        """Events of each customer [customers]."""
        return np.bincount(self.who, minlength=self.customers)

    @property
    def gaps(self) -> np.ndarray:
        """Days from each event to the next of its customer."""
        return np.diff(self.day).astype(np.int64)[~self.first[1:]]

    @property
    def spent(self) -> np.ndarray | None:
        """What each customer spent [customers]; None where events have no amount."""
        if "amount" not in self.columns.column_names:
            return None
        return np.bincount(self.who, self.columns["amount"].to_numpy(), self.customers)


@dataclass(frozen=True)
class Form:
    """What aggregates of events have: those of two sides that are compared have the same.

    Attributes:
        several: by log, whether an event has several rows.
        few_levels: by log the columns of events that have at most 30 levels.
    """

    several: Mapping[str, bool]
    few_levels: Mapping[str, Sequence[str]]


@dataclass
class HistorySide:
    """Customers with their logs: the real, the synthetic, or the test ones.

    Attributes:
        customers: `customer`, the key, and attributes.
        logs: by name rows: `customer`, `number of event` (rows that share both are one event), `time` and columns.
    """

    customers: pa.Table
    logs: Mapping[str, pa.Table]

    @cached_property
    def keys(self) -> np.ndarray:
        """The keys of the customers, ascending."""
        return np.unique(self.customers["customer"].to_numpy(zero_copy_only=False))

    @cached_property
    def known(self) -> dict[str, np.ndarray]:
        """By log, whether the customer of each row is one of the customers [rows]."""
        out = {}
        for kind, log in self.logs.items():
            who = log["customer"].to_numpy(zero_copy_only=False)
            place = np.minimum(np.searchsorted(self.keys, who), len(self.keys) - 1)
            out[kind] = self.keys[place] == who
        return out

    @cached_property
    def events(self) -> dict[str, History]:
        """By log, the events of known customers."""
        return {kind: _history(log, self.keys, self.known[kind]) for kind, log in self.logs.items()}

    def of_customers(self, kind: str, name: str) -> pa.ChunkedArray:
        """A column of the customers, for each event of a log."""
        order = np.argsort(self.customers["customer"].to_numpy(zero_copy_only=False), kind="stable")
        return self.customers[name].take(pa.array(order[self.events[kind].who]))

    @cached_property
    def form(self) -> "Form":
        """What its aggregates have."""
        return Form(
            {kind: bool((one.columns["rows"].to_numpy() > 1).any()) for kind, one in self.events.items()},
            {
                kind: [
                    one.name
                    for one in history.columns.schema
                    if pa.types.is_string(one.type) and len(history.columns[one.name].unique()) <= MOST_LEVELS
                ]
                for kind, history in self.events.items()
            },
        )

    def aggregates(self, form: "Form | None" = None) -> pa.Table:
        """A row a customer, by key: attributes, and of each log what `_aggregates` says.

        Of the columns of few levels also the most frequent one, of many it says little.

        Args:
            form: of the side that this one is compared with; its own unless given.
        """
        import duckdb

        form = form or self.form
        with duckdb.connect() as connection:
            connection.register("customers", self.customers)
            joined, columns = "customers", [f"customers.{quoted(name)}" for name in self.customers.column_names[1:]]
            for kind, history in self.events.items():
                rows = history.columns.append_column(WHO, pa.array(history.who))
                connection.register(f"log_{kind}", rows.append_column("time", pa.array(history.time)))
                known = history.columns if form.several[kind] else history.columns.drop_columns(["rows"])
                kept = _aggregates(known)
                chosen = ", ".join(f"{sql} as {quoted(f'{kind} {name}')}" for name, sql in kept.items())
                who, key = quoted(WHO), quoted(KEY)
                gap = f"date_diff('day', lag(time) over (partition by {who} order by time), time) as {quoted(GAP)}"
                connection.register(f"keys_{kind}", pa.table({WHO: np.arange(len(self.keys)), KEY: self.keys}))
                joined += (
                    f" left join (select {key}, {chosen} from (select *, {gap} from log_{kind}) "
                    f"join keys_{kind} using ({who}) group by {key}) as of_{kind} "
                    f"on of_{kind}.{key} = customers.customer"
                )
                columns += [
                    f"coalesce(of_{kind}.{quoted(f'{kind} {name}')}, 0) as {quoted(f'{kind} {name}')}"
                    if name == "events"
                    else f"of_{kind}.{quoted(f'{kind} {name}')}"
                    for name in kept
                ]
            query = f"select {', '.join(columns)} from {joined} order by customers.customer"
            table = connection.sql(query).to_arrow_table()
        for kind, names in form.few_levels.items():
            for name in names:
                table = table.append_column(f"{kind} {name} most often", _most_often(self.events[kind], name))
        return table


def _aggregates(columns: pa.Table) -> dict[str, str]:
    """What is known of the events of a customer, by name, as SQL."""
    out = {
        "events": "count(*)",
        "first day": "min(time)::date",
        "last day": "max(time)::date",
        "different days": "count(distinct time::date)",
        "weekend share": "round(avg((isodow(time) > 5)::int), 6)",
        "mean hour": "round(avg(hour(time)), 6)",
        "spread of hours": "round(stddev_samp(hour(time)), 6)",
        "shortest gap": f"min({quoted(GAP)})",
        "longest gap": f"max({quoted(GAP)})",
        "spread of gaps": f"round(stddev_samp({quoted(GAP)}), 6)",
    }
    for one in columns.schema:
        name = quoted(one.name)
        if pa.types.is_floating(one.type) or pa.types.is_integer(one.type):
            parts = (("sum", "sum"), ("mean", "avg"), ("spread", "stddev_samp"), ("least", "min"), ("most", "max"))
            out |= {f"{one.name} {what}": f"round({sql}({name})::double, 6)" for what, sql in parts}
        elif pa.types.is_boolean(one.type):
            out[f"{one.name} share"] = f"round(avg({name}::int), 6)"
        else:
            out[f"{one.name} levels"] = f"count(distinct {name})"
    return out


def _most_often(history: History, name: str) -> pa.ChunkedArray:
    """By customer the most frequent level of the events; null without any."""
    there = np.unique(history.who)
    places = np.zeros(history.customers, np.int64)
    places[there] = _modes(history.columns[name], np.searchsorted(there, history.who))
    return history.columns[name].take(pa.array(places, mask=history.count == 0))


def _history(log: pa.Table, keys: np.ndarray, known: np.ndarray) -> History:
    """The events of a log, rows that share customer and event being one."""
    log = log.filter(pa.array(known))
    who = np.searchsorted(keys, log["customer"].to_numpy(zero_copy_only=False))
    time = log["time"].cast(pa.timestamp("s"), safe=False).to_numpy()
    numbers = np.unique(log[EVENT].to_numpy(zero_copy_only=False), return_inverse=True)[1].astype(np.int64)
    event = np.unique(who * (int(numbers.max(initial=0)) + 1) + numbers, return_inverse=True)[1].ravel()
    many = int(event.max(initial=-1)) + 1
    start = np.full(many, np.datetime64("9999-01-01", "s"))
    np.minimum.at(start, event, time)
    owner, one = np.zeros(many, np.int64), np.zeros(many, np.int64)
    owner[event], one[event] = who, np.arange(len(event))
    order = np.lexsort((start, owner))
    rows = np.bincount(event, minlength=many)
    columns: dict[str, Any] = {"rows": rows[order]}
    for name in log.column_names:
        if name in NO_COLUMNS:
            continue
        column = log[name]
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            values = np.nan_to_num(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
            columns[name] = np.bincount(event, values, many)[order]
        else:
            columns[name] = column.take(pa.array(one[order] if len(event) == many else _modes(column, event)[order]))
    return History(len(keys), owner[order], start[order], pa.table(columns))


def _modes(column: pa.ChunkedArray, event: np.ndarray) -> np.ndarray:
    """For each event the place of a row with its most frequent level, the first by name among equals."""
    encoded = column.combine_chunks().dictionary_encode()
    size = len(encoded.dictionary) + 1
    names = encoded.dictionary.cast(pa.string()).to_numpy(zero_copy_only=False)
    rank = np.append(np.argsort(np.argsort(names)), size - 1)
    codes = rank[encoded.indices.fill_null(size - 1).to_numpy(zero_copy_only=False).astype(np.int64)]
    cells, places, counts = np.unique(event * size + codes, return_index=True, return_counts=True)
    order = np.lexsort((cells % size, -counts, cells // size))
    first = np.append(True, np.diff(cells[order] // size) > 0)
    return places[order][first]
