"""Excel workbooks as an Arrow table: dates, numbers and truth values as they are, texts as those of text files."""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.delimited.columns import typed_table
from gans.data.delimited.dialect import cut
from gans.data.delimited.numbers import UNSEEN
from gans.data.delimited.options import Known, TextOptions
from gans.data.delimited.typed import TextColumn
from gans.data.delimited.values import ValueColumn, mixed_column, value_column
from gans.data.excel.cells import numbers, text_of, values_of
from gans.data.excel.workbook import Sheet, read_sheet
from gans.errors import UserError

log = logging.getLogger("gans")

DAYS, MOMENTS, NUMBERS = {dt.date}, {dt.date, dt.datetime}, {int, float}
NAMES = {
    dt.date: "a date",
    dt.datetime: "a time",
    dt.time: "a time of day",
    dt.timedelta: "a span of time",
    bool: "a truth value",
    int: "a number",
    float: "a number",
}


def read_workbooks(
    paths: Sequence[Path], key: str, options: TextOptions | None = None, known: Known | None = None, prefer: str = ""
) -> pa.Table:
    """A sheet of each workbook, all of the same columns, as one table.

    Args:
        key: what the files are called in messages, as in `data.path=FILE`.
        known: columns of a table that it should be like, whose types and formats go before what is found.
        prefer: the name of the sheet that is taken where it is there and none is given.

    Raises:
        UserError: a workbook cannot be read, or its sheet holds no plain table; a column holds values of several types;
            the message has the cell.
    """
    options = options or TextOptions()
    sheets: list[Sheet] = []
    for path in paths:
        name = key if len(paths) == 1 else f"{key}: {path}"
        sheets.append(read_sheet(path, name, options.sheet, prefer, options.header))
        found = sheets[-1]
        log.info("%s: %s rows, %s columns", path.name, f"{len(found):,}", len(found.columns))
        if sorted(found.columns) != sorted(sheets[0].columns):
            raise UserError(
                f"{key}: {path} has the columns {', '.join(found.columns)}, {paths[0]} has "
                f"{', '.join(sheets[0].columns)}."
            )
    names = list(sheets[0].columns)
    columns = (_column(name, sheets, options) for name in names)
    try:
        return typed_table(columns, options, known)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _column(name: str, sheets: list[Sheet], options: TextOptions) -> TextColumn | ValueColumn:
    """A column by the types of its cells.

    Raises:
        UserError: they have several, and the person does not say that they are text; or they are spans of time.
    """
    values, types = values_of([*chain.from_iterable(sheet.columns[name] for sheet in sheets)])
    moments = dt.datetime in types or (
        types == {dt.date, str} and any(isinstance(value, str) and ":" in value for value in values)
    )

    def shown(cell: Any) -> str:
        return f"{cell} 00:00:00" if moments and type(cell) is dt.date else text_of(cell)

    def where(text: str) -> str:
        return _where(sheets, name, lambda cell: shown(cell).strip(UNSEEN) == text, f"'{cut(text)}' in ")

    def texts() -> pa.ChunkedArray:
        return pa.chunked_array([pa.array([None if one is None else shown(one) for one in values], pa.string())])

    if types <= {str}:
        return TextColumn(name, pa.chunked_array([pa.array(values, pa.string())]), options, quoted=True, where=where)
    if types <= {str, dt.time} or options.types.get(name) == "text":
        return TextColumn(name, texts(), options, where=where)
    for kinds, array in ((NUMBERS, numbers), ({bool}, pa.array), (DAYS, _days), (MOMENTS, _moments)):
        if types <= kinds:
            return value_column(name, pa.chunked_array([array(values)]), options, where)
    others = types - {str}
    if dt.timedelta not in others and any(others <= kinds for kinds in (NUMBERS, {bool}, MOMENTS)):
        return mixed_column(name, texts(), options, where)
    found = {NAMES[kind]: _where(sheets, name, lambda cell, kind=kind: type(cell) is kind) for kind in others}
    listed = " and ".join(f"{what} in {place}" for what, place in sorted(found.items()))
    remedy = "format them alike" if len(found) > 1 else "write it as a number of hours or minutes"
    raise UserError(f"column '{cut(name)}' holds {listed}; {remedy}, or set data.types.{cut(name)}=text.")


def _days(values: list[dt.date | None]) -> pa.Array:
    return pa.array(values, pa.date32())


def _moments(values: list[dt.date | None]) -> pa.Array:
    return pa.array(np.array(values, "datetime64[us]"))  # calamine has dates where the time is midnight


def _where(sheets: list[Sheet], name: str, is_it: Callable[[object], bool], before: str = "") -> str:
    """The first cell of a column of which something is true: cell B17."""
    for sheet in sheets:
        for row, cell in enumerate(sheet.columns[name]):
            if cell != "" and is_it(cell):
                return f"{before}{sheet.place(name, row)}" + (f" of {sheet.file}" if len(sheets) > 1 else "")
    return before.removesuffix(" in ")
