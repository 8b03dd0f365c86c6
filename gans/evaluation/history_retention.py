"""Who comes back: the retention curve of all customers, and that of each quarter's new ones."""

import numpy as np

from gans.evaluation.history_side import History

MONTH = 30.4375  # days
MOST_MONTHS = 24
LEAST_SEEN = 100  # customers that were seen long enough, for a month of the curve


def retention(history: History) -> np.ndarray:
    """By month after the first event, from 1, the share of customers who have an event then; NaN where few were seen.

    Of a month only customers count whose first event lies so long before the end of the log.
    """
    if not len(history.who):
        return np.full(MOST_MONTHS, np.nan)
    start, month = _months(history)
    long = ((history.day.max() - start).astype(np.int64) / MONTH).astype(np.int64)
    seen = np.unique(np.stack([history.who, month]), axis=1)
    able = np.array([(long > number).sum() for number in range(1, MOST_MONTHS + 1)])
    whole = np.zeros(history.customers, np.int64)
    whole[history.who[history.first]] = long
    counted = seen[1] < whole[seen[0]]
    there = np.bincount(seen[1][counted], minlength=MOST_MONTHS + 2)[1 : MOST_MONTHS + 1]
    return np.where(able >= LEAST_SEEN, there / np.maximum(able, 1), np.nan)


def _months(history: History) -> tuple[np.ndarray, np.ndarray]:
    """The first day of each customer with events, and of each event the months since its customer's first one."""
    start = history.day[history.first]
    since = start[np.cumsum(history.first) - 1]
    month = ((history.day - since).astype(np.int64) / MONTH).astype(np.int64)
    return start, np.minimum(month, MOST_MONTHS + 1)


def cohorts(history: History, begin: np.datetime64, end: np.datetime64) -> np.ndarray:
    """By quarter of the first event [quarters] and quarters after it, the share of customers with an event; NaN: none.

    Args:
        begin, end: the days of the first and of the last real event.
    """
    quarters = int((end - begin).astype(np.int64) / (3 * MONTH)) + 1
    day = lambda days: np.clip(((days - begin).astype(np.int64) / (3 * MONTH)).astype(np.int64), 0, quarters - 1)  # noqa: E731
    start = day(history.day[history.first])
    own = start[np.cumsum(history.first) - 1]
    now = day(history.day)
    seen = np.unique(np.stack([history.who, own, now - own]), axis=1)
    out = np.zeros((quarters, quarters))
    np.add.at(out, (seen[1], seen[2]), 1)
    size = np.bincount(start, minlength=quarters)
    there = np.add.outer(np.arange(quarters), np.arange(quarters)) < quarters
    return np.where(there & (size[:, None] > 0), out / np.maximum(size[:, None], 1), np.nan)
