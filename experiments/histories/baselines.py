"""What a generator of histories is held against: events without regard to their customer, and copied customers."""

import numpy as np
import pyarrow as pa

from gans.data.events.chains import EVENT
from gans.evaluation.history_side import HistorySide


def independent_children(real: HistorySide, customers: int, seed: int) -> HistorySide:
    """Real attributes, how many events from another real customer each, and every event from any.

    Args:
        real: the training customers.
        customers: how many to make.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, real.customers.num_rows, customers)
    people = real.customers.take(pa.array(chosen)).set_column(0, "customer", pa.array(np.arange(customers)))
    logs = {}
    for kind, history in real.events.items():
        counts = history.count[rng.integers(0, history.customers, customers)]
        drawn = rng.integers(0, len(history.who), counts.sum())
        logs[kind] = _rows_of(real, kind, drawn, np.repeat(np.arange(customers), counts))
    return HistorySide(people, logs)


def copied_histories(real: HistorySide, customers: int, seed: int) -> HistorySide:
    """Training customers drawn at random, with all they did; nothing is private about them."""
    rng = np.random.default_rng(seed)
    order = np.argsort(real.customers["customer"].to_numpy(zero_copy_only=False), kind="stable")
    chosen = rng.integers(0, real.customers.num_rows, customers)
    people = real.customers.take(pa.array(order[chosen])).set_column(0, "customer", pa.array(np.arange(customers)))
    logs = {}
    for kind, history in real.events.items():
        start = np.searchsorted(history.who, chosen)
        counts = np.searchsorted(history.who, chosen, side="right") - start
        drawn = np.repeat(start - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        logs[kind] = _rows_of(real, kind, drawn, np.repeat(np.arange(customers), counts))
    return HistorySide(people, logs)


def _rows_of(real: HistorySide, kind: str, events: np.ndarray, owners: np.ndarray) -> pa.Table:
    """The rows of some events of a log, by their place in its history, for other customers; each is another event."""
    log = real.logs[kind].filter(pa.array(real.known[kind]))
    who = np.searchsorted(real.keys, log["customer"].to_numpy(zero_copy_only=False))
    code = np.unique(log[EVENT].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    time = log["time"].to_numpy()
    event = np.unique(who * (int(code.max(initial=0)) + 1) + code, return_inverse=True)[1]
    begin = np.full(int(event.max(initial=-1)) + 1, time.max())
    np.minimum.at(begin, event, time)
    owner = np.zeros(len(begin), np.int64)
    owner[event] = who
    place = np.empty(len(begin), np.int64)
    place[np.lexsort((begin.astype("datetime64[s]"), owner))] = np.arange(len(begin))
    order = np.argsort(place[event], kind="stable")
    rows = np.bincount(place[event], minlength=len(begin))
    start = np.cumsum(rows) - rows
    many = rows[events]
    taken = order[np.repeat(start[events] - np.cumsum(many) + many, many) + np.arange(many.sum())]
    out = log.take(pa.array(taken))
    numbers = np.repeat(np.arange(len(events)), many)
    out = out.set_column(out.column_names.index("customer"), "customer", pa.array(np.repeat(owners, many)))
    return out.set_column(out.column_names.index(EVENT), EVENT, pa.array(numbers))
