"""How near the events of synthetic customers are to those of real ones, beyond what single events show.

Customers joined with aggregates of their events are a table that every other metric judges (C2ST-Agg is then the score
against unseen rows: Hudovernik et al. 2024, arXiv:2410.03411); here is what such a table hides: gaps, weekdays and
hours, what follows what, and who comes back.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Column
from gans.evaluation.associations import associations
from gans.evaluation.fidelity import correlation, ks_distance
from gans.evaluation.history_curves import curves
from gans.evaluation.history_retention import retention
from gans.evaluation.history_side import MOST_LEVELS, History, HistorySide
from gans.evaluation.inputs import Tables, numbers
from gans.evaluation.metrics import LOWER, WORST, Computed, Meaning, metric
from gans.evaluation.rfm import rfm

pc: Any = pyarrow.compute  # its functions are made at run time

CHANCE = 5e-5  # below which it is no accident that of the customers with an event at an hour none is real


def scores_of(real: HistorySide, synthetic: HistorySide, kind: str) -> dict[str, float]:
    """Distances of the synthetic to the real events of a log; 0 is the same.

    What needs a column that is not there, or two events of a customer, is left out.
    """
    left, right = real.events[kind], synthetic.events[kind]
    out = {
        "history_counts": _ks(left.count, right.count),
        "history_gaps": _ks(left.gaps, right.gaps),
        "history_weekday": variation(left.weekday, right.weekday, 7),
        "history_hour": variation(left.hour, right.hour, 24),
        "history_keys": float(1 - synthetic.known[kind].mean()) if len(synthetic.known[kind]) else 0.0,
        "history_impossible": impossible(real, synthetic, kind),
    }
    out |= {f"history_{name}": max(found.values()) for name, found in _worst(real, synthetic, kind).items() if found}
    apart = np.abs(retention(left) - retention(right))
    if np.isfinite(apart).any():
        out["history_retention"] = float(np.nanmax(apart))
    out["history_rfm"] = float(np.abs(np.subtract(*rfm(left, right))).sum() / 2)
    if left.spent is not None and right.spent is not None:
        out["history_value"] = _ks(left.spent, right.spent)
    return out


def _worst(real: HistorySide, synthetic: HistorySide, kind: str) -> dict[str, dict[str, float]]:
    """By score, by column or pair, how far association and order are off."""
    left, right = real.events[kind], synthetic.events[kind]
    return {
        "lag": {name: abs(a - b) for name, (a, b) in lags(left, right).items()},
        "order": {name: float(np.abs(a - b).sum() / 2) for name, (a, b) in bigrams(left, right).items()},
        "parent": {name: abs(a - b) for name, (a, b) in parent_associations(real, synthetic, kind).items()},
    }


def impossible(real: HistorySide, synthetic: HistorySide, kind: str) -> float:
    """Share of the customers of whom an event lies where no real one can.

    That is: before the first real event or after the last one, before the customer came (`since`, where no real event
    is), or at a closed hour of the week.
    """
    known, made = real.events[kind], synthetic.events[kind]
    if not len(known.who) or not len(made.who):
        return 0.0
    wrong = (made.day > known.day.max()) | (made.day < known.day.min())
    wrong |= closed(known, made)[made.weekday, made.hour]
    if all("since" in side.customers.column_names for side in (real, synthetic)):
        early = [_before_since(side, kind) for side in (real, synthetic)]
        if not early[0].any():
            wrong |= early[1]
    return len(np.unique(made.who[wrong])) / max(made.customers, 1)


def closed(real: History, synthetic: History) -> np.ndarray:
    """The hours of the week [7, 24] in which no real customer has an event, and too many synthetic ones for chance.

    That each of so many customers is a synthetic one has a chance of (synthetic / all customers) ** many, if real and
    synthetic ones differ in nothing. Whole weekdays and hours of the day are looked at, too. Customers are counted, not
    events, because those of one customer go together.
    """
    share = synthetic.customers / max(real.customers + synthetic.customers, 1)
    out = np.zeros((7, 24), bool)
    for shape in ((7, 24), (7, 1), (1, 24)):
        known, made = (_customers_by_hour(side, shape) for side in (real, synthetic))
        out |= (known == 0) & (share**made <= CHANCE)
    return out


def _customers_by_hour(history: History, shape: tuple[int, int]) -> np.ndarray:
    """How many customers have an event, by weekday and hour of the day [7, 24], by one of them [7, 1] or [1, 24]."""
    days, hours = shape
    many = days * hours
    place = history.weekday % days * hours + history.hour % hours
    return np.bincount(np.unique(history.who * many + place) % many, minlength=many).reshape(shape)


def _before_since(side: HistorySide, kind: str) -> np.ndarray:
    since = side.of_customers(kind, "since").cast(pa.timestamp("s")).to_numpy(zero_copy_only=False)
    return side.events[kind].day < since.astype("datetime64[D]")


def variation(left: np.ndarray, right: np.ndarray, many: int) -> float:
    """Total variation of two lots of whole numbers below `many`."""
    return float(np.abs(_shares(left, many) - _shares(right, many)).sum() / 2)


def _shares(places: np.ndarray, many: int) -> np.ndarray:
    return np.bincount(places, minlength=many) / max(len(places), 1)


def _ks(left: np.ndarray, right: np.ndarray) -> float:
    return ks_distance(np.sort(left.astype(np.float64)), np.sort(right.astype(np.float64)))


def lags(*sides: History) -> dict[str, list[float]]:
    """By column of numbers, the rank correlation of an event's with that of the event before, of each side."""
    return {
        one.name: [_lag(side, side.columns[one.name].to_numpy()) for side in sides]
        for one in sides[0].columns.schema
        if pa.types.is_floating(one.type)
    }


def _lag(history: History, values: np.ndarray) -> float:
    later = np.flatnonzero(~history.first)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    return correlation(ranks[later], ranks[later - 1]) if len(later) > 2 else 0.0


def bigrams(*sides: History) -> dict[str, list[np.ndarray]]:
    """By column of few levels in all, the shares of pairs of levels of events that follow each other, of each side."""
    out = {}
    for name in sides[0].columns.column_names:
        if not pa.types.is_string(sides[0].columns[name].type):
            continue
        levels = pc.unique(pa.chunked_array([c for side in sides for c in side.columns[name].chunks])).drop_null()
        if len(levels) <= MOST_LEVELS:
            out[name] = [_bigram(side, side.columns[name], levels) for side in sides]
    return out


def _bigram(history: History, column: pa.ChunkedArray, levels: pa.Array) -> np.ndarray:
    codes = pc.fill_null(pc.index_in(column, levels), len(levels)).to_numpy()
    later = np.flatnonzero(~history.first)
    return _shares(codes[later - 1] * (len(levels) + 1) + codes[later], (len(levels) + 1) ** 2)


def parent_associations(real: HistorySide, synthetic: HistorySide, kind: str) -> dict[str, tuple[float, ...]]:
    """By pair of a customer's and an event's column, the association over events, real and synthetic.

    Numbers are compared by their ranks.
    """
    own = real.customers.column_names[1:]
    tables = [_with_parents(side, own, kind) for side in (real, synthetic)]
    columns = [Column(name=one.name, kind=_kind(one.type), type=str(one.type)) for one in tables[0].schema]
    found = [associations(table, tables[0], columns) for table in tables]
    return {
        f"{columns[parent].name} x {columns[child].name}": tuple(float(one[parent, child]) for one in found)
        for parent in range(len(own))
        for child in range(len(own), len(columns))
    }


def _with_parents(side: HistorySide, own: list[str], kind: str) -> pa.Table:
    import pandas as pd

    history = side.events[kind]
    columns = {f"customer's {name}": side.of_customers(kind, name) for name in own}
    columns |= {name: history.columns[name] for name in history.columns.column_names}
    table = pa.table(columns | {"hour": pa.array(history.hour), "weekday": pa.array(history.weekday)})
    for place, one in enumerate(table.schema):
        if _kind(one.type) == "numeric":
            table = table.set_column(place, one.name, pa.array(pd.Series(numbers(table[one.name])).rank().to_numpy()))
    return table


def _kind(kind: pa.DataType) -> str:
    numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_temporal(kind)
    return "numeric" if numeric else "category"


LESS: dict[str, Any] = {"better": LOWER, "shrinks": 0.5, "sentence": False}


@metric(
    "histories",
    {
        "history_counts": Meaning("events per customer, KS distance", **LESS),
        "history_gaps": Meaning("days between events, KS distance", **LESS),
        "history_weekday": Meaning("weekdays, total variation", **LESS),
        "history_hour": Meaning("hours, total variation", **LESS),
        "history_lag": Meaning("correlation with the event before, worst column off by", **LESS),
        "history_order": Meaning("what follows what, total variation of the worst column", **LESS),
        "history_parent": Meaning("association of customer and event, worst pair off by", **LESS),
        "history_retention": Meaning("retention curve, worst month off by", **LESS),
        "history_rfm": Meaning("recency, frequency and money in fifths, total variation", **LESS),
        "history_value": Meaning("spending per customer, KS distance", **LESS),
        "history_keys": Meaning("rows of no known customer, share", LOWER, 0.0, sentence=False),
        "history_impossible": Meaning("customers with an impossible event, share", LOWER, 0.0, sentence=False),
    },
    part="histories",
    in_training=False,
    asked=lambda tables: bool(tables.histories),
)
def histories(tables: Tables, rows: int | None) -> Computed:
    """What synthetic customers did beside what the real ones did, by log, and the curves that show it."""
    del rows
    real, synthetic = tables.histories["real"], tables.histories["synthetic"]
    scores, details = {}, {}
    for kind in real.logs:
        scores |= {f"{name}/{kind}": value for name, value in scores_of(real, synthetic, kind).items()}
        worst = _worst(real, synthetic, kind)
        details[kind] = curves(tables.histories, kind) | {
            name: dict(sorted(found.items(), key=lambda one: -one[1])[:WORST]) for name, found in worst.items()
        }
    return Computed(scores, {"histories": details})
