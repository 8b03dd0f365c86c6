"""Tables as a workbook of one sheet, written row by row by XlsxWriter."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.dialect import cut
from gans.data.delimited.writer import plain_texts
from gans.data.excel.cells import EXACT
from gans.data.formats import MOST_COLUMNS, check_writable
from gans.errors import UserError
from gans.files import temporary_folder

pc: Any = pyarrow.compute  # its functions are made at run time

LONGEST_TEXT = 32_767  # characters of a cell
UNWRITABLE = "(?s)^<r>.*</r>$|[\ufffe\uffff]"  # XlsxWriter takes the first for formatted text
DIGITS = 15  # of a decimal number that a cell keeps
ORIGIN = np.datetime64("1899-12-30")  # day 0
FIRST, LAST = np.datetime64("1900-03-01"), np.datetime64("9999-12-31")  # days that Excel counts right
WIDTH, WIDTH_OF_TIMES = 12, 19

Cells = tuple[list[Any], Callable[[int, int, Any], Any]]
"""The values of a column, None where one is missing, and what writes one of them: by row, column and value."""


def write_workbook(path: Path, tables: Iterator[pa.Table], out: Path) -> None:
    """Write tables, at least one and all of the same columns, below a row of names.

    Numbers, truth values, dates and times are values of Excel; a missing value is an empty cell. What Excel cannot hold
    is text in its place: whole numbers beyond 2^53, days before March 1900, times with a zone or below a millisecond.

    Args:
        out: the file, for messages.

    Raises:
        UserError: there are more rows or columns than a sheet has room for, or a text is longer than a cell.
    """
    try:
        import xlsxwriter
        from xlsxwriter.exceptions import FileCreateError

        from gans.data.excel.worksheet import ExactWorksheet
    except ImportError:
        raise UserError(f"out={out}: workbooks are written by XlsxWriter: python -m pip install XlsxWriter") from None
    with temporary_folder("gans-excel-") as folder:
        made = folder / "made.xlsx"
        book = xlsxwriter.Workbook(str(made), {"constant_memory": True, "tmpdir": str(folder), "use_zip64": True})
        try:
            _fill(book, book.add_worksheet("data", ExactWorksheet), tables, out)
            book.close()
        except FileCreateError as error:  # of an OSError
            raise error.args[0] from None
        finally:
            for sheet in book.worksheets():
                sheet._opt_close()  # it is left open where not all rows came
        shutil.copyfile(made, path)  # not written there at first: where the disk is full, the archive stays open


def _fill(book: Any, sheet: Any, tables: Iterator[pa.Table], out: Path) -> None:
    rows = 0
    sheet.freeze_panes(1, 0)
    formats = {name: book.add_format({"num_format": f"yyyy-mm-dd{name}"}) for name in ("", " hh:mm:ss")}
    for number, table in enumerate(tables):
        if number == 0:
            _name_columns(sheet, table, out)
        check_writable(out, rows + table.num_rows)
        cells = [_cells(column, sheet, formats, f"out={out}: column '{cut(name)}'") for name, column in _columns(table)]
        writers = [write for _, write in cells]
        for row in zip(*(values for values, _ in cells), strict=True):
            rows += 1
            for place, value in enumerate(row):
                if value is not None:
                    writers[place](rows, place, value)


def _columns(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    return zip(table.column_names, (column.combine_chunks() for column in table.columns), strict=True)


def _name_columns(sheet: Any, table: pa.Table, out: Path) -> None:
    if table.num_columns > MOST_COLUMNS:
        raise UserError(f"out={out}: {table.num_columns:,} columns; a sheet of Excel has room for {MOST_COLUMNS:,}.")
    for place, (name, column) in enumerate(_columns(table)):
        sheet.set_column(place, place, WIDTH_OF_TIMES if pa.types.is_timestamp(column.type) else WIDTH)
        sheet.write_string(0, place, name)


def _cells(array: pa.Array, sheet: Any, formats: dict[str, Any], name: str) -> Cells:
    """The cells of a column.

    Raises:
        UserError: a text is longer than a cell; it begins with `name`.
    """
    kind = array.type

    def number(row: int, place: int, value: Any) -> None:
        if isinstance(value, str):
            sheet.write_string(row, place, value)
        else:
            sheet.write_number(row, place, value)

    if pa.types.is_boolean(kind):
        return array.to_pylist(), sheet.write_boolean
    if pa.types.is_integer(kind):
        values = array.to_pylist()
        ends = pc.min_max(array).as_py()
        if max(abs(end or 0) for end in ends.values()) > EXACT:
            values = [value if value is None or abs(value) <= EXACT else str(value) for value in values]
        return values, number
    if pa.types.is_floating(kind) or (pa.types.is_decimal(kind) and kind.precision <= DIGITS):
        # by its text, as the shortest decimal: Arrow's own way is a digit off
        short = array if kind == pa.float64() else array.cast(pa.string()).cast(pa.float64())
        return pc.if_else(pc.is_nan(short), None, short).to_pylist(), sheet.write_number
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        form = formats["" if pa.types.is_date(kind) else " hh:mm:ss"]

        def time(row: int, place: int, value: Any) -> None:
            if isinstance(value, str):
                sheet.write_string(row, place, value)
            else:
                sheet.write_number(row, place, value, form)

        return _days(array), time
    texts = plain_texts(array)
    _check_texts(texts, name)
    return texts.to_pylist(), sheet.write_string


def _days(array: pa.Array) -> list[Any]:
    """Times as Excel counts them, in days; as text where it does not, or not so finely."""
    there = array.drop_null()
    moments = there.cast(pa.timestamp("ns" if getattr(there.type, "unit", "") == "ns" else "us")).to_numpy()
    days = (moments - ORIGIN) / np.timedelta64(1, "D")
    fine = moments != moments.astype("datetime64[ms]")
    values = days.tolist()
    for place in np.flatnonzero(fine | (moments < FIRST) | (moments > LAST + 1)).tolist():
        values[place] = plain_texts(there.slice(place, 1))[0].as_py()
    found = iter(values)
    return [next(found) if known else None for known in array.is_valid().to_pylist()]


def _check_texts(texts: pa.Array, name: str) -> None:
    odd = texts.filter(pc.match_substring_regex(texts, UNWRITABLE))
    if len(odd):
        raise UserError(f"{name} holds {cut(odd[0].as_py())!r}, which a workbook cannot hold as it is.")
    longest = pc.max(pc.utf8_length(texts)).as_py() or 0
    if longest > LONGEST_TEXT:
        raise UserError(
            f"{name} holds a text of {longest:,} characters; a cell of Excel has room for {LONGEST_TEXT:,}."
        )
