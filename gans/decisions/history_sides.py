"""Customers with their logs as an evaluation compares them: of a run, of folders, and of rows that were drawn."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.customer_histories import Histories, OpenHistories
from gans.data.detection import normalise
from gans.data.events.chains import AFTER, TYPES, Field, Shape
from gans.data.events.logs import EVENTS, quoted
from gans.data.files import read_table
from gans.data.formats import format_of
from gans.errors import UserError, nearest
from gans.evaluation.history_side import HistorySide
from gans.histories.contexts import parent_columns
from gans.histories.saved import Drawn

pc: Any = pyarrow.compute  # its functions are made at run time

NAMES = ("customers", *EVENTS)
ARROW = {"number": pa.float64(), "whole": pa.int64(), "flag": pa.bool_(), "level": pa.string()}
assert set(ARROW) == set(TYPES)


def attributes_of(people: pa.Table, shapes: Sequence[Shape]) -> list[str]:
    """The columns of customers, as they are learnt, that are no counts, dates and sums of their events."""
    own = [set(parent_columns(people, shape.kind, shape.events.totals)) for shape in shapes]
    return [name for name in people.column_names if all(name in names for names in own)]


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
        query = f"select customer, event, time{names} from rows_{shape.kind} join judged using (customer)"
        logs[shape.kind] = opened.connection.sql(query).to_arrow_table()
    return HistorySide(customers, logs)


def compared_fields(shape: Shape) -> list[Field]:
    """The columns of the rows of a log that are compared: those of events and of their lines."""
    of_event = [one for one in shape.events.fields if one.name in shape.of_event]
    return [*of_event, *(one for one in (shape.lines.fields if shape.lines else ()) if one.name != AFTER)]


def drawn_side(drawn: Iterable[Drawn], shapes: Sequence[Shape], attributes: Sequence[str]) -> HistorySide:
    """Customers as a run draws them."""
    blocks = list(drawn)
    customers = pa.concat_tables([one.customers for one in blocks]).select(["customer", *attributes])
    logs = {shape.kind: pa.concat_tables([one.logs[shape.kind] for one in blocks]) for shape in shapes}
    return HistorySide(customers, {shape.kind: _compared(logs[shape.kind], shape, "run") for shape in shapes})


def folder_side(folder: str, key: str, shapes: Sequence[Shape], attributes: Sequence[str]) -> HistorySide:
    """Customers of a folder of files, as `gans sample` writes them for a run of histories.

    Args:
        key: under which the folder was given.

    Raises:
        UserError: a file is missing, cannot be read, or lacks a column.
    """
    files = folder_files(folder, key)
    logs = {}
    for shape in shapes:
        if shape.kind not in files:
            raise UserError(f"{key}={folder}: it has no {shape.kind}.parquet, which the real customers have.")
        logs[shape.kind] = normalise(read_table(str(files[shape.kind]), key))
    if "customers" in files:
        customers = normalise(read_table(str(files["customers"]), key))
        _check_columns(customers, ["customer", *attributes], f"{key}={folder}: customers")
        customers = customers.select(["customer", *attributes])
    else:
        customers = _customers_of(logs, attributes, f"{key}={folder}")
    if len(customers["customer"].unique()) < customers.num_rows or customers["customer"].null_count:
        raise UserError(f"{key}={folder}: customers: a key is missing or occurs twice in the column customer.")
    return HistorySide(customers, {one.kind: _compared(logs[one.kind], one, f"{key}={folder}") for one in shapes})


def folder_files(folder: str, key: str) -> dict[str, Path]:
    """The files of customers and logs in a folder, by name.

    Raises:
        UserError: it is no folder, or holds no log.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise UserError(f"{key}={folder}: no such folder.")
    found = {one.name.split(".")[0]: one for one in sorted(path.iterdir()) if one.is_file() and format_of(one)}
    files = {name: found[name] for name in NAMES if name in found}
    if not set(EVENTS) & set(files):
        raise UserError(
            f"{key}={folder}: it holds no log; write orders.parquet, views.parquet or social.parquet, and "
            "customers.parquet, with the columns customer and time."
        )
    return files


def source_of(folder: str, key: str) -> Histories:
    """The files of a folder as real customers with their logs."""
    return Histories(**{name: str(path) for name, path in folder_files(folder, key).items()})  # pyright: ignore[reportArgumentType]


def _customers_of(logs: Mapping[str, pa.Table], attributes: Sequence[str], where: str) -> pa.Table:
    """The customers of logs without a table of customers, with the columns of a log that are the customer's."""
    keys = pc.unique(pa.chunked_array([chunk for log in logs.values() for chunk in log["customer"].chunks]))
    columns = {"customer": keys}
    for name in attributes:
        log = next((log for log in logs.values() if name in log.column_names), None)
        if log is None:
            raise UserError(f"{where}: no file has the column {name!r} of the real customers.")
        columns[name] = log[name].take(pc.index_in(keys, log["customer"].combine_chunks()))
    return pa.table(columns)


def _compared(log: pa.Table, shape: Shape, where: str) -> pa.Table:
    """The rows of a log as `HistorySide` has them, with the types of the real ones."""
    fields = compared_fields(shape)
    names = ["customer", "time", *([shape.key] if shape.key else []), *(one.name for one in fields)]
    _check_columns(log, names, f"{where}: {shape.kind}")
    event = np.arange(log.num_rows)
    if shape.key:
        event = _codes(log[shape.key])
    if shape.key == "order":
        event = event * 1_000_000 + log["time"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    columns = {"customer": log["customer"], "event": pa.array(event), "time": log["time"]}
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


def _check_columns(table: pa.Table, names: Sequence[str], where: str) -> None:
    for name in names:
        if name not in table.column_names:
            raise UserError(
                f"{where}: it lacks the column {name!r}, and has {', '.join(table.column_names)}."
                f"{nearest(name, table.column_names)}"
            )
