"""Customers with their logs in folders of files, as an evaluation compares them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.customer_histories import Histories
from gans.data.detection import normalise
from gans.data.events.chains import Shape
from gans.data.events.logs import EVENTS
from gans.data.files import read_table
from gans.data.formats import format_of
from gans.errors import UserError
from gans.evaluation.history_side import HistorySide
from gans.histories.sides import check_columns, compared

pc: Any = pyarrow.compute  # its functions are made at run time

NAMES = ("customers", *EVENTS)


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
        check_columns(customers, ["customer", *attributes], f"{key}={folder}: customers")
        customers = customers.select(["customer", *attributes])
    else:
        customers = _customers_of(logs, attributes, f"{key}={folder}")
    if len(customers["customer"].unique()) < customers.num_rows or customers["customer"].null_count:
        raise UserError(f"{key}={folder}: customers: a key is missing or occurs twice in the column customer.")
    return HistorySide(customers, {one.kind: compared(logs[one.kind], one, f"{key}={folder}") for one in shapes})


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
