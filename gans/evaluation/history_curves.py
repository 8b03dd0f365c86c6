"""What the pictures of histories are drawn from: shares and curves of each side, and a few synthetic customers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.evaluation.history_retention import cohorts, retention
from gans.evaluation.history_side import History, HistorySide
from gans.evaluation.rfm import rfm

COUNTS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500)  # the least of each class
GAPS = (0, 1, 2, 4, 7, 14, 30, 60, 90, 180, 365)  # days
EXAMPLES = 8
MOST_EVENTS = 80  # of an example


def curves(sides: Mapping[str, HistorySide], kind: str) -> dict[str, Any]:
    """Of a log, by side: counts and gaps in classes, weekdays, hours, retention, recency by frequency, cohorts.

    `examples` are synthetic customers, of no other side is a single one shown.
    """
    found = {name: side.events[kind] for name, side in sides.items()}
    begin, end = found["real"].day.min(), found["real"].day.max()
    return {
        "begin": str(begin),
        "end": str(end),
        "events": {name: len(one.who) for name, one in found.items()},
        "counts": {name: _classes(one.count, COUNTS) for name, one in found.items()},
        "gaps": {name: _classes(one.gaps, GAPS) for name, one in found.items()},
        "weekday": {name: _classes(one.weekday, range(7)) for name, one in found.items()},
        "hour": {name: _classes(one.hour, range(24)) for name, one in found.items()},
        "retention": {name: retention(one).tolist() for name, one in found.items()},
        "rfm": {name: _two(rfm(found["real"], one)[1]) for name, one in found.items()},
        "cohorts": {name: cohorts(one, begin, end).tolist() for name, one in found.items()},
        "examples": examples(found["synthetic"], begin),
    }


def _classes(values: np.ndarray, least: Any) -> list[float]:
    places = np.searchsorted(np.asarray(list(least)), values, side="right") - 1
    return (np.bincount(np.maximum(places, 0), minlength=len(least)) / max(len(values), 1)).tolist()


def _two(shares: np.ndarray) -> list[list[float]]:
    """Recency and frequency alone."""
    return (shares.sum(axis=2) if shares.ndim == 3 else shares).tolist()


def examples(history: History, begin: np.datetime64) -> list[dict[str, list[float]]]:
    """A few customers of different numbers of events: days since the first real event, and what was spent, if known."""
    count = history.count
    several = np.flatnonzero(count > 1)
    if not len(several):
        return []
    order = several[np.argsort(count[several], kind="stable")]
    chosen = order[np.unique(np.linspace(0, len(order) - 1, EXAMPLES + 2).astype(np.int64)[1:-1])]
    money = "amount" in history.columns.column_names
    out = []
    for who in chosen[::-1]:
        events = np.flatnonzero(history.who == who)[:MOST_EVENTS]
        amounts = history.columns["amount"].to_numpy()[events] if money else np.ones(len(events))
        days = (history.day[events] - begin).astype(np.int64)
        out.append({"days": days.tolist(), "amounts": np.round(amounts, 2).tolist(), "events": [int(count[who])]})
    return out
