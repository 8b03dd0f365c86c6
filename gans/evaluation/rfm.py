"""Recency, frequency and money: customers by fifths of how long ago, how often and for how much they bought."""

import numpy as np

from gans.evaluation.history_side import History

SHARES = 5


def rfm(real: History, synthetic: History) -> tuple[np.ndarray, np.ndarray]:
    """Shares of customers by fifths of recency, frequency and, where an event has an amount, money, of each side.

    The fifths are those of the real customers with events; shape [5, 5] or [5, 5, 5].
    """
    end = real.day.max() if len(real.who) else np.datetime64("1970-01-01")
    sides = [_rfm_numbers(side, end, real.spent is not None) for side in (real, synthetic)]
    out = []
    for side in sides:
        place = np.zeros(len(side[0]), np.int64)
        for own, reference in zip(side, sides[0], strict=True):
            edges = np.unique(np.quantile(reference, np.arange(1, SHARES) / SHARES)) if len(reference) else []
            place = place * SHARES + np.searchsorted(edges, own, side="right")
        shares = np.bincount(place, minlength=SHARES ** len(side)) / max(len(place), 1)
        out.append(shares.reshape((SHARES,) * len(side)))
    return out[0], out[1]


def _rfm_numbers(history: History, end: np.datetime64, money: bool) -> list[np.ndarray]:
    who = np.unique(history.who)
    last = np.full(history.customers, np.datetime64("0001-01-01", "D"))
    np.maximum.at(last, history.who, history.day)
    out = [(end - last[who]).astype(np.float64), history.count[who].astype(np.float64)]
    if money:
        spent = history.spent
        out.append(np.zeros(len(who)) if spent is None else spent[who])
    return out
