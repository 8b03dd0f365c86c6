"""How near the events of synthetic customers are to those of real ones, beyond what single events show.

Customers joined with aggregates of their events are a table that every other metric judges (C2ST-Agg: Hudovernik et al.
2024, arXiv:2410.03411, SyntheRela); here is what such a table hides: gaps, weekdays and hours, what follows what, and
who comes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.evaluation.fidelity import correlation, ks_distance
from gans.evaluation.inputs import numbers

pc: Any = pyarrow.compute  # its functions are made at run time

MONTH = 30.4375  # days
MOST_MONTHS = 24
MOST_LEVELS = 30  # of a column whose order is looked at
SHARES = 5  # parts into which recency, frequency and money are cut


@dataclass
class History:
    """The events of customers, by customer and time.

    Attributes:
        customers: how many there are, those without events among them.
        who: the place of the customer of each event [events], ascending.
        time: of each, datetime64[s].
        columns: of each event; of an order of several lines the sums of their numbers.
    """

    customers: int
    who: np.ndarray
    time: np.ndarray
    columns: pa.Table

    @cached_property
    def first(self) -> np.ndarray:
        """Whether an event is its customer's first one."""
        return np.append(True, self.who[1:] != self.who[:-1])[: len(self.who)]

    @property
    def day(self) -> np.ndarray:
        """The date of each event."""
        return self.time.astype("datetime64[D]")

    @property
    def count(self) -> np.ndarray:
        """Events of each customer [customers]."""
        return np.bincount(self.who, minlength=self.customers)

    @property
    def gaps(self) -> np.ndarray:
        """Days from each event to the next of its customer."""
        return np.diff(self.day).astype(np.int64)[~self.first[1:]]


def history_of(log: pa.Table, keys: np.ndarray, key: str | None) -> History:
    """The events of a log.

    Args:
        log: `customer`, `time`, columns; rows that share customer, `key` and date are lines of one event.
        keys: of all customers, ascending.
    """
    who = np.searchsorted(keys, log["customer"].to_numpy())
    time = log["time"].cast(pa.timestamp("s"), safe=False).to_numpy()
    event = np.arange(len(who))
    if key:
        codes = np.unique(log[key].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
        _, event = np.unique(
            np.stack([who, codes, time.astype("datetime64[D]").astype(np.int64)]), axis=1, return_inverse=True
        )
        event = event.ravel()
    many = int(event.max(initial=-1)) + 1
    start = np.full(many, np.datetime64("9999-01-01", "s"))
    np.minimum.at(start, event, time)
    owner, one = np.zeros(many, np.int64), np.zeros(many, np.int64)
    owner[event], one[event] = who, np.arange(len(event))
    order = np.lexsort((start, owner))
    columns: dict[str, Any] = {}
    for name in log.column_names:
        if name in ("customer", "time", key):
            continue
        if pa.types.is_floating(log[name].type) or pa.types.is_integer(log[name].type):
            columns[name] = np.bincount(event, np.nan_to_num(numbers(log[name])), many)[order]
        elif not key:
            columns[name] = log[name].take(pa.array(one[order]))
    return History(len(keys), owner[order], start[order], pa.table(columns) if columns else pa.table({"event": order}))


def scores(real: History, synthetic: History) -> dict[str, float]:
    """Distances of synthetic to real histories; 0 is the same.

    counts, gaps: Kolmogorov-Smirnov distance of events a customer, and of days from one event to the next.
    weekday, hour: total variation.
    lag: largest difference of the correlation of a number with the one of the event before.
    order: total variation of pairs of levels that follow each other, the worst column.
    retention: largest difference of the share of customers that have an event in a month after their first one.
    rfm: total variation of customers over fifths of recency, frequency and money, cut at those of the real ones.
    impossible: share of customers with an event before the one before it, or after the last real one.
    """
    out = {
        "counts": ks_distance(np.sort(real.count.astype(float)), np.sort(synthetic.count.astype(float))),
        "gaps": ks_distance(np.sort(real.gaps.astype(float)), np.sort(synthetic.gaps.astype(float))),
        "weekday": _variation(_weekday(real), _weekday(synthetic)),
        "hour": _variation(_hour(real), _hour(synthetic)),
        "lag": max((abs(a - b) for a, b in _lags(real, synthetic)), default=0.0),
        "order": max((_variation(a, b) for a, b in _bigrams(real, synthetic)), default=0.0),
        "retention": float(np.abs(retention(real) - retention(synthetic)).max()),
        "rfm": _variation(*rfm(real, synthetic)),
        "impossible": impossible(synthetic, real.time.max()),
    }
    return {name: float(value) for name, value in out.items()}


def retention(history: History) -> np.ndarray:
    """By month after a customer's first event, from 1, the share of customers seen so long who have an event then."""
    start = history.day[history.first]
    since = np.zeros(history.customers, "datetime64[D]")
    since[history.who[history.first]] = start
    end = history.day.max()
    month = ((history.day - since[history.who]).astype(np.int64) / MONTH).astype(np.int64)
    seen = np.unique(np.stack([history.who, np.minimum(month, MOST_MONTHS + 1)]), axis=1)
    long = ((end - start).astype(np.int64) / MONTH).astype(np.int64)
    there = np.bincount(seen[1], minlength=MOST_MONTHS + 2)[1 : MOST_MONTHS + 1]
    able = np.array([(long >= number).sum() for number in range(1, MOST_MONTHS + 1)])
    return np.where(able >= 30, there / np.maximum(able, 1), 0.0)


def rfm(real: History, synthetic: History) -> tuple[np.ndarray, np.ndarray]:
    """Shares of customers by fifths of recency, frequency and, where an event has an amount, money."""
    sides = [_rfm_numbers(side, real.day.max()) for side in (real, synthetic)]
    cells = []
    for side in sides:
        place = np.zeros(len(side[0]), np.int64)
        for own, reference in zip(side, sides[0], strict=True):
            edges = np.unique(np.quantile(reference, np.arange(1, SHARES) / SHARES))
            place = place * SHARES + np.searchsorted(edges, own, side="right")
        cells.append(np.bincount(place, minlength=SHARES ** len(side)) / len(place))
    return cells[0], cells[1]


def _rfm_numbers(history: History, end: np.datetime64) -> list[np.ndarray]:
    who = np.unique(history.who)
    last = np.zeros(history.customers, "datetime64[D]")
    np.maximum.at(last, history.who, history.day)
    out: list[np.ndarray] = [(end - last[who]).astype(np.float64), history.count[who].astype(np.float64)]
    if "amount" in history.columns.column_names:
        out.append(np.bincount(history.who, history.columns["amount"].to_numpy(), history.customers)[who])
    return out


def impossible(history: History, end: np.datetime64) -> float:
    """Share of the customers of whom an event comes before the one before it, or after the end."""
    back = np.append(False, np.diff(history.time) < np.timedelta64(0, "s"))[: len(history.who)] & ~history.first
    wrong = back | (history.day > end.astype("datetime64[D]"))
    return len(np.unique(history.who[wrong])) / max(history.customers, 1)


def _weekday(history: History) -> np.ndarray:
    return _shares((history.day.astype(np.int64) + 3) % 7, 7)


def _hour(history: History) -> np.ndarray:
    return _shares((history.time - history.day).astype(np.int64) // 3600, 24)


def _shares(places: np.ndarray, many: int) -> np.ndarray:
    return np.bincount(places, minlength=many) / max(len(places), 1)


def _variation(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left - right).sum() / 2)


def _lags(*sides: History) -> list[tuple[float, ...]]:
    """By column of numbers, the rank correlation of an event's with that of the event before, of each side."""
    names = [one.name for one in sides[0].columns.schema if pa.types.is_floating(one.type)]
    return [tuple(_lag(side, side.columns[name].to_numpy()) for side in sides) for name in names]


def _lag(history: History, values: np.ndarray) -> float:
    later = np.flatnonzero(~history.first)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float)
    return correlation(ranks[later], ranks[later - 1]) if len(later) > 2 else 0.0


def _bigrams(*sides: History) -> list[tuple[np.ndarray, ...]]:
    """By column of few levels, the shares of pairs of levels of events that follow each other, of each side."""
    out = []
    for name in sides[0].columns.column_names:
        if not pa.types.is_string(sides[0].columns[name].type):
            continue
        levels = pc.unique(pa.chunked_array([c for side in sides for c in side.columns[name].chunks])).drop_null()
        if len(levels) <= MOST_LEVELS:
            out.append(tuple(_bigram(side, side.columns[name], levels) for side in sides))
    return out


def _bigram(history: History, column: pa.ChunkedArray, levels: pa.Array) -> np.ndarray:
    codes = pc.fill_null(pc.index_in(column, levels), len(levels)).to_numpy()
    later = np.flatnonzero(~history.first)
    return _shares(codes[later - 1] * (len(levels) + 1) + codes[later], (len(levels) + 1) ** 2)


def aggregated(customers: pa.Table, logs: Mapping[str, pa.Table], attributes: Sequence[str]) -> pa.Table:
    """A row a customer: attributes, and of each log counts, dates, gaps, and of its columns mean, spread and ends.

    Args:
        customers: with `customer`.
        attributes: columns of customers that are no sums of logs.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("customers", customers.select(["customer", *attributes]))
        parts, columns = "customers", [f'customers."{name}"' for name in attributes]
        for kind, log in logs.items():
            connection.register(f"log_{kind}", log)
            kept = {"n": "count(*)", "first": "min(time)::date", "last": "max(time)::date"}
            kept |= {"days": "count(distinct time::date)", "weekend": "avg((isodow(time) > 5)::int)"}
            kept |= {"hour": "avg(hour(time))", "gap_spread": "stddev_samp(gap)", "gap_most": "max(gap)"}
            for one in log.schema:
                name = f'"{one.name}"'
                if one.name in ("customer", "time", "order", "session"):
                    continue
                if pa.types.is_floating(one.type) or pa.types.is_integer(one.type):
                    for what, sql in (("mean", "avg"), ("spread", "stddev_samp"), ("least", "min"), ("most", "max")):
                        kept[f"{one.name}_{what}"] = f"{sql}({name})::double"
                elif pa.types.is_boolean(one.type):
                    kept[f"{one.name}_share"] = f"avg({name}::int)"
                else:
                    kept[f"{one.name}_levels"] = f"count(distinct {name})"
            chosen = ", ".join(f'{sql} as "{kind}_{name}"' for name, sql in kept.items())
            gap = "date_diff('day', lag(time) over (partition by customer order by time), time)"
            parts += (
                f" left join (select customer, {chosen} from (select *, {gap} as gap from log_{kind})"
                f" group by customer) as of_{kind} using (customer)"
            )
            columns += [f'of_{kind}."{kind}_{name}"' for name in kept]
        return connection.sql(f"select {', '.join(columns)} from {parts} order by customers.customer").to_arrow_table()
