"""Columns of files whose values have a type: of Excel workbooks and JSON."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited import times
from gans.data.delimited.options import TextOptions
from gans.data.delimited.typed import Evidence, TextColumn, Typed
from gans.data.schema import Column, arrow_type

pc: Any = pyarrow.compute  # its functions are made at run time

EIGHT_DIGITS = (19_000_101, 20_991_231)  # the least and the largest number that can be a day


class ValueColumn:
    """Numbers, times or truth values, missing ones null."""

    def __init__(self, name: str, values: pa.ChunkedArray) -> None:
        self.name, self.values = name, values

    def typed(self, evidence: Evidence, settle: bool) -> Typed:
        """The column as it is, as `TextColumn.typed` has it."""
        del evidence, settle
        return Typed(self.values)

    def alike(self, known: Column) -> Typed | None:
        """The column as that of another table; None where a value does not fit."""
        kind, own = arrow_type(known.type), self.values.type
        if pa.types.is_string(kind):
            return Typed(texts_of(self.values))
        if _family(kind) != _family(own):
            return None
        try:
            if pa.types.is_decimal(kind):
                return Typed(texts_of(self.values).cast(kind))
            values = self.values.cast(pa.float64()) if pa.types.is_floating(kind) else self.values
            return Typed(values.cast(kind))
        except pa.ArrowException:
            return None


def value_column(
    name: str, values: pa.ChunkedArray, options: TextOptions, where: Callable[[str], str]
) -> TextColumn | ValueColumn:
    """A column of values; one of texts where the person says that it is, or eight digits may be days."""
    if options.null_words:
        lost = pc.is_in(texts_of(values), value_set=pa.array(options.null_words, pa.string()))
        values = pc.if_else(lost, pa.scalar(None, values.type), values)
    dates = name in options.formats and not pa.types.is_temporal(values.type)
    if options.types.get(name) == "text" or dates or _may_be_days(values):
        return TextColumn(name, texts_of(values), options, where=where)
    return ValueColumn(name, values)


def mixed_column(name: str, texts: pa.ChunkedArray, options: TextOptions, where: Callable[[str], str]) -> TextColumn:
    """A column of texts and other values, as a text file would have it, with a point in numbers."""
    point = options if options.decimal else dataclasses.replace(options, decimal=".")
    return TextColumn(name, texts, point, where=where)


def texts_of(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as text files have them."""
    if pa.types.is_floating(values.type):
        return pc.replace_substring_regex(values.cast(pa.string()), r"\.0$", "")
    if pa.types.is_timestamp(values.type):
        return pc.replace_substring_regex(values.cast(pa.string()), r"\.0+$", "")
    return values.cast(pa.string())


def _family(kind: pa.DataType) -> str:
    return "times" if pa.types.is_temporal(kind) else "truths" if pa.types.is_boolean(kind) else "numbers"


def _may_be_days(values: pa.ChunkedArray) -> bool:
    """Whether all numbers are days written as 20240131."""
    if not pa.types.is_integer(values.type) or values.null_count == len(values):
        return False
    ends = pc.min_max(values).as_py()
    within = ends["min"] >= EIGHT_DIGITS[0] and ends["max"] <= EIGHT_DIGITS[1]
    return within and times.eight_digits(pc.unique(values).cast(pa.string()))
