"""Customers as their events say: how many, when, and their sums."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.events.chains import HIDDEN, LINES, Chain, Shape
from gans.data.named_columns import counted_columns
from gans.histories.contexts import addends

pc: Any = pyarrow.compute  # its functions are made at run time


def counted(people: pa.Table, keys: np.ndarray, shapes: Sequence[Shape], logs: Mapping[str, pa.Table]) -> pa.Table:
    """Customers with what their logs say of them: how many events, the first and the last day, and sums.

    Args:
        people: as the generator of customers makes them; of these only what does not follow from logs is taken.
        keys: of these customers, ascending.
        logs: rows by customer and event.
    """
    columns: dict[str, Any] = {"customer": pa.array(keys)}
    columns |= {name: people[name] for name in attributes(people.column_names, shapes)}
    for shape in shapes:
        kind, log = shape.kind, logs[shape.kind]
        who = np.searchsorted(keys, log["customer"].to_numpy())
        event = log[shape.key].to_numpy() if shape.key else np.arange(len(who))
        begins = np.append(True, event[1:] != event[:-1])[: len(who)]
        columns[kind] = pa.array(np.bincount(who[begins], minlength=len(keys)))
        day = log["time"].cast(pa.timestamp("s")).to_numpy().astype("datetime64[D]")
        change = who[1:] != who[:-1]
        for name, ends in (("first", np.append(True, change)), ("last", np.append(change, True))):
            out = np.full(len(keys), np.datetime64("NaT"), "datetime64[D]")
            out[who[ends[: len(who)]]] = day[ends[: len(who)]]
            columns[f"{kind}_{name}"] = pa.array(out)
        if shape.lines:
            columns[f"{kind}_{LINES}"] = pa.array(np.bincount(who, minlength=len(keys)))
        chains: list[tuple[Chain, Any]] = [(shape.lines, slice(None))] if shape.lines else []
        chains.append((Chain(kind, tuple(f for f in shape.events.fields if f.name in shape.of_event)), begins))
        for chain, rows in chains:
            for one in chain.fields:
                if one.name in HIDDEN:
                    continue
                for total, amount in addends(one, log[one.name].combine_chunks()).items():
                    found = np.round(np.bincount(who[rows], amount[rows], len(keys)), 4)
                    columns[f"{kind}_{total}"] = pa.array(found if one.form == "number" else found.astype(np.int64))
    return pa.table(columns)


def attributes(names: Sequence[str], shapes: Sequence[Shape]) -> list[str]:
    """The columns of customers that do not follow from their events."""
    made = {name for shape in shapes for name in counted_columns(shape)}
    return [name for name in names if name not in made]


def numbers_of(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """A column as float64, 0 where it is missing."""
    return np.nan_to_num(np.asarray(column.cast(pa.float64()).fill_null(0.0)))
