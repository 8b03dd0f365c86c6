"""What holds in every event of real customers, and so in every one that is drawn."""

import dataclasses

import numpy as np
import pyarrow as pa

from gans.data.events.chains import Chain
from gans.data.events.weeks import weekday


def with_rules(chain: Chain, table: pa.Table) -> Chain:
    """The chain with the hours of each weekday in which there are events, and the numbers that share their sign.

    Args:
        table: children, with their columns, and `time` where the chain is timed.
    """
    numbers = {
        one.name: np.nan_to_num(table[one.name].cast(pa.float64()).to_numpy())
        for one in chain.learned
        if one.form in ("number", "whole")
    }
    fields, before = [], []
    for one in chain.fields:
        sign = ""
        if one.name in numbers:
            sign = next((name for name in before if _same_sign(numbers[name], numbers[one.name])), "")
            before.append(one.name)
        fields.append(dataclasses.replace(one, sign=sign))
    opening: tuple[tuple[int, ...], ...] = ()
    if chain.timed:
        time = table["time"].cast(pa.timestamp("s")).to_numpy()
        day = time.astype("datetime64[D]")
        seen = np.zeros((7, 24), bool)
        seen[weekday(day), (time - day).astype(np.int64) // 3600] = True
        opening = tuple(tuple(np.flatnonzero(hours).tolist()) for hours in seen)
    return dataclasses.replace(chain, fields=tuple(fields), opening=opening)


def _same_sign(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether no row has a number below 0 beside one above, and some have two below 0."""
    return bool(((left < 0) & (right < 0)).any() and not (left * right < 0).any())


def signed(table: pa.Table, chain: Chain) -> pa.Table:
    """The table with each number of the sign of the column that it shares it with."""
    for one in chain.fields:
        if one.sign:
            values, other = (table[name].cast(pa.float64()).to_numpy() for name in (one.name, one.sign))
            kind, missing = table.schema.field(one.name).type, np.isnan(values)
            turned = np.where(values * np.nan_to_num(other) < 0, -values, values)
            place = table.column_names.index(one.name)
            table = table.set_column(place, one.name, pa.array(turned, mask=missing).cast(kind))
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
