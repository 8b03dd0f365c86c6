"""A sheet of a workbook as columns of values; formulas without a value and merged cells are refused."""

import logging
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gans.data.delimited.dialect import HEAD, cut, has_header, shown
from gans.data.excel.cells import cell_name, column_letters, text_of
from gans.errors import UserError, nearest

log = logging.getLogger("gans")

BLOCK = 1 << 22  # bytes of a sheet's XML that are looked at together
LONGEST_CELL = 1 << 16  # bytes that the XML of a cell takes, at most a formula and its value
CELL = re.compile(rb"<c ([^>]*)>(<f[^>]*?(?:/>|>[^<]*</f>))?(?:<v>([^<]*)</v>|<v ?/>)?</c>")
REFERENCE, OLE = re.compile(rb'\br="([A-Z]+[0-9]+)"'), b"\xd0\xcf\x11\xe0"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass
class Sheet:
    """The table of a sheet.

    Attributes:
        file: its name.
        columns: the values of each column by name, as calamine gives them; "" where a cell is empty.
        row: of the first values, as Excel counts.
        first: number of the first column, from 0.
    """

    file: str
    columns: dict[str, tuple[Any, ...]]
    row: int
    first: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def place(self, column: str, row: int) -> str:
        """The cell of a row, from 0: 'cell B17'."""
        number = self.first + list(self.columns).index(column)
        return f"cell {cell_name(number, self.row + row)}"


def read_sheet(path: Path, key: str, sheet: str | None, prefer: str, header: bool | None) -> Sheet:
    """The table of a sheet: what stands in its cells, without empty rows and columns at the ends.

    Args:
        key: what the file is called in messages, as in `data.path=FILE`.
        sheet: its name; the first one that is not hidden unless given.
        prefer: the name of the sheet that is taken where it is there and none is given.
        header: whether the first row holds names, where the person says it.

    Raises:
        UserError: the workbook cannot be read, has no such sheet, or the sheet holds no plain table.
    """
    try:
        import python_calamine as calamine
    except ImportError:
        raise UserError(
            f"{key}: workbooks are read by python-calamine: python -m pip install python-calamine"
        ) from None
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            title = _chosen(book, calamine, key, sheet, prefer)
            found = book.get_sheet_by_name(title)
            rows, start, merged = found.to_python(), found.start or (0, 0), found.merged_cell_ranges or []
    except calamine.PasswordError:
        raise UserError(f"{key}: the workbook is protected by a password; save it without one.") from None
    except (calamine.CalamineError, OSError) as error:
        reason = " ".join(str(error).split())[:120]
        remedy = " It may be of the old format .xls: save it as .xlsx." if _starts(path, OLE) else ""
        raise UserError(f"{key}: not a readable Excel workbook ({reason}).{remedy}") from None
    name = f"{key}: sheet '{title}'"
    columns, row, left = _filled(rows, start, name)
    _refuse_merged(merged, (row, left), (row + len(columns[0]) - 1, left + len(columns) - 1), name)
    names, header = _names(columns, row, name, header)
    try:
        _check_parts(path, title, name)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise UserError(f"{key}: not a readable Excel workbook ({error}).") from None
    values = {text: column[int(header) :] for text, column in zip(names, columns, strict=True)}
    return Sheet(path.name, values, row + header, left)


def _starts(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _chosen(book: Any, calamine: Any, key: str, sheet: str | None, prefer: str) -> str:
    """The name of the sheet that is read; which one of several is said."""
    tables = [one for one in book.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
    names = [one.name for one in tables]
    listed = ", ".join(f"'{name}'" for name in names)
    if sheet is not None:
        if sheet not in names:
            raise UserError(f"data.sheet={sheet}: {key} has the sheets {listed}.{nearest(sheet, names)}")
        return sheet
    seen = [one.name for one in tables if one.visible == calamine.SheetVisibleEnum.Visible] or names
    if not seen:
        raise UserError(f"{key}: the workbook has no sheet of cells.")
    title = next((name for name in seen if prefer and name.casefold() == prefer.casefold()), seen[0])
    if len(names) > 1:
        log.info("%s: sheet '%s' of %s; data.sheet=NAME takes another", Path(book.path).name, title, listed)
    return title


def _filled(rows: list[list[Any]], start: tuple[int, int], name: str) -> tuple[list[tuple[Any, ...]], int, int]:
    """The columns of the filled part of a sheet, its first row, from 1, and its first column, from 0.

    Args:
        rows: as calamine gives them.
        start: row and column of the first cell, from 0.
        name: what the sheet is called in messages.

    Raises:
        UserError: nothing is filled, or a row or a column in the middle is empty.
    """
    filled = [number for number, row in enumerate(rows) if any(row) or any(cell != "" for cell in row)]
    if not filled:
        raise UserError(f"{name} is empty: 0 rows, 0 columns.")
    columns = list(zip(*rows[filled[0] : filled[-1] + 1], strict=True))
    used = [place for place, column in enumerate(columns) if any(cell != "" for cell in column)]
    for what, numbers, shown_as in (
        ("row", filled, lambda number: f"{start[0] + number + 1:,}"),
        ("column", used, lambda number: column_letters(start[1] + number)),
    ):
        if len(numbers) <= numbers[-1] - numbers[0]:
            gap = next(number for number, there in enumerate(numbers, numbers[0]) if number != there)
            raise UserError(
                f"{name}: {what} {shown_as(gap)} is empty and others follow; remove it, and what is no part of the "
                "table."
            )
    return columns[used[0] : used[-1] + 1], start[0] + filled[0] + 1, start[1] + used[0]


def _refuse_merged(
    merged: list[tuple[tuple[int, int], tuple[int, int]]], first: tuple[int, int], last: tuple[int, int], name: str
) -> None:
    """Raise UserError where merged cells lie in the filled part.

    Args:
        merged: row and column of the first and of the last cell of each area, from 0.
        first, last: row, from 1, and column, from 0, of the first and of the last cell that is filled.
    """
    for (top, left), (bottom, right) in merged:
        if top < last[0] and left <= last[1] and bottom >= first[0] - 1 and right >= first[1]:
            area = f"{cell_name(left, top + 1)}:{cell_name(right, bottom + 1)}"
            raise UserError(f"{name}: the cells {area} are merged; split them, each cell needs a value of its own.")


def _names(columns: list[tuple[Any, ...]], row: int, name: str, header: bool | None) -> tuple[list[str], bool]:
    """The names of the columns, and whether the first row holds them.

    Raises:
        UserError: it could be names or values, leaves one out, or has one twice.
    """
    first = [text_of(column[0]) for column in columns]
    if header is None:
        head = zip(*(column[1 : HEAD + 1] for column in columns), strict=True)
        header, note = has_header(first, [[text_of(cell) for cell in cells] for cells in head], name, f"row {row:,}")
        if note:
            log.info("%s", note)
    names = [" ".join(text.split()) for text in first] if header else [""] * len(first)
    if header and not all(names[1:]):  # the index of a frame has none
        raise UserError(
            f"{name}: row {row:,} ({shown(first)}) leaves a column without a name; it may be a title: remove the rows "
            "above the names of the columns."
        )
    names = [text or f"column{place}" for place, text in enumerate(names, 1)]
    if twice := [text for text, times in Counter(names).items() if times > 1]:
        raise UserError(f"{name}: row {row:,} names '{cut(twice[0])}' twice; every column needs a name of its own.")
    return names, header


def _check_parts(path: Path, title: str, name: str) -> None:
    """Look through the XML of a sheet for what a reader of values takes for empty cells.

    Cells with an error, such as #DIV/0!, are missing values, which is said.

    Raises:
        UserError: the value of a formula is not stored, as in files that no spreadsheet program has saved; or a part
            of the workbook is damaged.
    """
    errors: dict[str, list[str]] = {}
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():  # calamine does not look at checksums
            raise UserError(f"{name}: the workbook is damaged ({damaged}).")
        part = _part(archive, title)
        if part is None:
            return
        with archive.open(part) as file:
            rest = b""
            while block := file.read(BLOCK):
                text, end = rest + block, 0
                for match in CELL.finditer(text) if b"<f" in text or b't="e"' in text else ():
                    attributes, formula, value = match.groups()
                    end = match.end()
                    if b't="e"' in attributes:
                        errors.setdefault((value or b"").decode(), []).append(_reference(attributes))
                    elif formula and not value and b't="str"' not in attributes:
                        raise UserError(
                            f"{name}: the value of the formula in cell {_reference(attributes)} is not stored; open "
                            "the workbook in Excel or LibreOffice and save it there."
                        )
                rest = text[max(end, len(text) - LONGEST_CELL) :]
    if errors:
        found = ", ".join(f"{error} ({len(cells):,}, the first in {cells[0]})" for error, cells in errors.items())
        log.warning("%s: cells with errors are missing values: %s", name, found)


def _reference(attributes: bytes) -> str:
    match = REFERENCE.search(attributes)
    return match[1].decode() if match else "?"


def _part(archive: zipfile.ZipFile, title: str) -> str | None:
    """The file within a workbook that holds a sheet."""
    try:
        sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()
        relation = next(one.get(RELATION) for one in sheets if one.tag.endswith("}sheet") and one.get("name") == title)
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        target = next(str(one.get("Target")) for one in relations if one.get("Id") == relation)
    except (KeyError, StopIteration, ElementTree.ParseError):
        return None
    part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return part if part in archive.namelist() else None
