"""What holds in every event of real customers, and so in every one that is drawn."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.events.chains import Chain
from gans.data.events.weeks import weekday

pc: Any = pyarrow.compute  # its functions are made at run time


def with_opening(chain: Chain, time: pa.ChunkedArray) -> Chain:
    """The chain with the hours of each weekday in which there are events.

    Args:
        time: of these events.
    """
    time = time.cast(pa.timestamp("s")).to_numpy()
    day = time.astype("datetime64[D]")
    seen = np.zeros((7, 24), bool)
    seen[weekday(day), (time - day).astype(np.int64) // 3600] = True
    return dataclasses.replace(chain, opening=tuple(tuple(np.flatnonzero(hours).tolist()) for hours in seen))


def signed(table: pa.Table, chain: Chain, parents: pa.Table) -> pa.Table:
    """The table with the numbers that are learned by their size alone below 0 where their flag says so.

    Args:
        table: children [rows].
        parents: of each of them, which may have the flag [rows].
    """
    for one in chain.learned:
        if one.negative_if:
            flag = (table if one.negative_if in table.column_names else parents)[one.negative_if]
            turned = pc.if_else(flag, pc.negate(table[one.name]), table[one.name])
            table = table.set_column(table.column_names.index(one.name), one.name, turned)
    return table


def days_to_opening(chain: Chain) -> np.ndarray:
    """By weekday the days to the next one that has events, 0 if it has some itself, int64 [7]."""
    has_events = np.array([bool(hours) for hours in chain.opening] or [True] * 7)
    ahead = (np.arange(7)[:, None] + np.arange(7)) % 7
    return has_events[ahead].argmax(axis=1)


def nearest_opening(chain: Chain) -> np.ndarray:
    """By weekday and hour the nearest hour in which that weekday has events, int64 [7, 24]; the hour itself if none."""
    out = np.tile(np.arange(24), (7, 1))
    for day, hours in enumerate(chain.opening):
        if hours:
            out[day] = np.array(hours)[np.abs(np.arange(24)[:, None] - np.array(hours)).argmin(axis=1)]
    return out
