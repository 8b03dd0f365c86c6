"""Cells of a sheet: their names, and their values as texts and as Arrow."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

EXACT = 2**53  # up to which a number of Excel is a whole number


def column_letters(number: int) -> str:
    """The letters of a column, from 0: A, ..., Z, AA."""
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def cell_name(column: int, row: int) -> str:
    """The name of a cell, by its column from 0 and its row from 1: B17."""
    return f"{column_letters(column)}{row}"


def text_of(value: Any) -> str:
    """A value as a text file would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= EXACT else repr(value)
    return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)


def values_of(cells: Sequence[Any]) -> tuple[list[Any], set[type]]:
    """Cells with None where one is empty, and the types of the others."""
    values = [None if cell == "" else cell for cell in cells]
    return values, set(map(type, values)) - {type(None)}


def numbers(values: Sequence[float | None]) -> pa.Array:
    """Numbers of Excel as int64 where all are whole, else float64."""
    out = pa.array(values, pa.float64())
    whole = pc.and_(pc.equal(out, pc.floor(out)), pc.less_equal(pc.abs(out), EXACT))
    return out.cast(pa.int64()) if pc.all(whole).as_py() else out
