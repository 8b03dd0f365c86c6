"""Customers with their events as an evaluation compares them: real ones, and those that a run draws."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.customer_histories import OpenHistories
from gans.data.events.chains import EVENT, HIDDEN, TYPES, Field, Shape
from gans.data.events.logs import quoted
from gans.errors import UserError, nearest
from gans.evaluation.history_side import HistorySide
from gans.histories.drawn import Drawn

pc: Any = pyarrow.compute  # its functions are made at run time

ARROW = {"number": pa.float64(), "whole": pa.int64(), "flag": pa.bool_(), "level": pa.string()}
assert set(ARROW) == set(TYPES)


def real_side(opened: OpenHistories, places: np.ndarray, attributes: Sequence[str]) -> HistorySide:
    """Some of the customers of logs that are open.

    Args:
        places: of these customers.
    """
    keys = opened.keys.take(pa.array(places))
    customers = opened.people.take(pa.array(places)).select(list(attributes)).add_column(0, "customer", keys)
    opened.connection.register("judged", pa.table({"customer": keys}))
    logs = {}
    for shape in opened.shapes:
        names = "".join(f", {quoted(one.name)}" for one in compared_fields(shape))
        query = f"select customer, {quoted(EVENT)}, time{names} from rows_{shape.kind} join judged using (customer)"
        logs[shape.kind] = opened.connection.sql(query).to_arrow_table()
    return HistorySide(customers, logs)


def compared_fields(shape: Shape) -> list[Field]:
    """The columns of the rows of a log that are compared: those of events and of their lines."""
    of_event = [one for one in shape.events.fields if one.name in shape.of_event]
    return [one for one in (*of_event, *(shape.lines.fields if shape.lines else ())) if one.name not in HIDDEN]


def drawn_side(drawn: Iterable[Drawn], shapes: Sequence[Shape], attributes: Sequence[str]) -> HistorySide:
    """Customers as a run draws them."""
    blocks = list(drawn)
    customers = pa.concat_tables([one.customers for one in blocks]).select(["customer", *attributes])
    logs = {shape.kind: pa.concat_tables([one.logs[shape.kind] for one in blocks]) for shape in shapes}
    return HistorySide(customers, {shape.kind: compared(logs[shape.kind], shape, "run") for shape in shapes})


def compared(log: pa.Table, shape: Shape, where: str) -> pa.Table:
    """The rows of a log as `HistorySide` has them, with the types of the real ones.

    Args:
        where: what the log is of, for messages.

    Raises:
        UserError: it lacks a column, or one cannot be cast.
    """
    fields = compared_fields(shape)
    names = ["customer", "time", *([shape.key] if shape.key else []), *(one.name for one in fields)]
    check_columns(log, names, f"{where}: {shape.kind}")
    event = np.arange(log.num_rows)
    if shape.key:
        event = _codes(log[shape.key])
    if shape.key == "order":
        event = event * 1_000_000 + log["time"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    columns = {"customer": log["customer"], EVENT: pa.array(event), "time": log["time"]}
    for one in fields:
        try:
            columns[one.name] = log[one.name].cast(ARROW[one.form], safe=False)
        except pa.ArrowException:
            held = f"{one.name!r} holds {log[one.name].type}; in the real log {ARROW[one.form]}"
            raise UserError(f"{where}: {shape.kind}: column {held}.") from None
    return pa.table(columns)


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    encoded = column.combine_chunks().dictionary_encode()
    return pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def check_columns(table: pa.Table, names: Sequence[str], where: str) -> None:
    """Raise UserError unless a table has these columns.

    Args:
        where: what the table is, for the message.
    """
    for name in names:
        if name not in table.column_names:
            raise UserError(
                f"{where}: it lacks the column {name!r}, and has {', '.join(table.column_names)}."
                f"{nearest(name, table.column_names)}"
            )
