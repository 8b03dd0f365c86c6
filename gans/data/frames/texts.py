"""Dates and times that a frame has as text: learned as times; and frames read as the training frame was."""

import logging
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.alike import like
from gans.data.delimited.dialect import cut
from gans.data.delimited.options import TextOptions
from gans.data.delimited.times import looks_like_times, order_of, parse
from gans.data.delimited.typed import Doubt, Evidence, TextColumn, Typed
from gans.data.frames.frame import Frame, read_frame, text_name
from gans.data.frames.times import times_of
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError, nearest

log = logging.getLogger("gans")
pc: Any = pyarrow.compute  # its functions are made at run time


class FrameTexts(TextColumn):
    """The texts of a column of a frame, whose options are arguments of Python."""

    def key(self, key: str) -> str:
        """The argument about the column."""
        return f"{key}[{self.name!r}]"

    def as_text(self) -> str:
        """What a person sets, so that the column stays text."""
        return f"{self.key('kinds')}='category'"

    def as_missing(self, word: str) -> str:
        """What a person does, so that a text is a missing value."""
        return f"None in the place of '{cut(word)}' makes it missing"


def read_times(read: Frame, kinds: Mapping[str, str], formats: Mapping[str, str]) -> None:
    """Make times of the text columns of a frame that say dates or times, as text files (CSV) are read.

    Args:
        read: is changed.
        kinds: that are fixed, by column; only `datetime` is looked at.
        formats: of strftime, by column.

    Raises:
        UserError: a text is no date among dates, two formats fit, a column that is fixed as datetime holds something
            else, or a format is of a column that is not there or holds no text.
    """
    names, options = read.table.column_names, TextOptions(formats=dict(formats))
    for name, pattern in formats.items():
        if name not in names:
            raise UserError(f"formats[{name!r}]: no such column; there are {', '.join(names)}.{nearest(name, names)}")
        if not _is_text(read.table[name].type):
            raise UserError(
                f"formats[{name!r}]='{pattern}': the column holds {read.table[name].type}; formats are of text."
            )
        if "%" not in pattern:
            raise UserError(f"formats[{name!r}]='{pattern}': a format is needed, as in '%d/%m/%Y %H:%M'.")
    evidence, waiting, found = Evidence(), [], {}
    for name in names:
        fixed = name in formats or kinds.get(name, "datetime") == "datetime"
        if not (fixed and _is_text(read.table[name].type)) or name in read.unread:
            continue
        column = FrameTexts(name, read.table[name].cast(pa.string()), options)
        try:
            found[name] = column.dates(evidence, settle=False)
        except Doubt:
            waiting.append(column)
    for column in waiting:
        found[column.name] = column.dates(evidence, settle=True)
    for name, typed in found.items():
        if typed is not None:
            if typed.note:
                log.info("column '%s': %s", name, typed.note)
            _put(read, name, typed)
        elif kinds.get(name) == "datetime":
            raise _no_times(name, read.table[name])


def table_like(frame: Any, schema: Schema, key: str) -> pa.Table:
    """A frame as a table like that of a run: text as times where that has times, durations in its units.

    Columns that the run does not compare need not be of a dtype that can be learned.

    Args:
        key: what the frame was given as, for messages.

    Raises:
        UserError: it is no frame, is empty, or a column cannot be read as the run's.
    """
    kept = {column.name: column for column in schema.kept}
    try:
        labels = frame.column_names if isinstance(frame, pa.Table) else getattr(frame, "columns", ())
        read = read_frame(frame, [name for name in map(text_name, labels) if name not in kept])
        table = read.table
        for place, name in enumerate(table.column_names):
            if name in kept:
                array = _like(table[name], read.fields[name]["frame"], kept[name])
                table = table.set_column(place, name, array)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None
    return table


def _like(array: pa.ChunkedArray, back: dict[str, Any], column: Column) -> pa.ChunkedArray:
    """A column as that of another table is.

    Raises:
        UserError: it is text that is no time, where the other one has times.
    """
    own, known = _step(back), _step(column.frame)
    if own and known:
        return pc.divide(pc.multiply(array, own), known)
    if not (_is_text(array.type) and column.role == "feature" and pa.types.is_temporal(arrow_type(column.type))):
        return array
    if column.format:
        return times_of(array, column.format)
    texts = array.cast(pa.string())
    typed = like(texts, column) if texts.null_count < len(texts) else None
    if typed is None:
        raise UserError(f"column '{column.name}' contains text that is not a date or time; the run has {column.type}.")
    return typed.values


def _step(back: dict[str, Any]) -> int | None:
    """The unit of durations and times of day, in ticks; None of other columns."""
    return back["step"] if "step" in back else _step(back["of"]) if "of" in back else None


def _put(read: Frame, name: str, typed: Typed) -> None:
    """Replace a column by times, and keep how they were written."""
    read.table = read.table.set_column(read.table.column_names.index(name), name, typed.values)
    if typed.written:
        read.fields[name]["written"] = typed.written.to_json()


def _no_times(name: str, texts: pa.ChunkedArray) -> UserError:
    """The error for a column of text that is to be times and holds none."""
    words = pc.unique(texts.drop_null().cast(pa.string()))
    looks = looks_like_times(words)
    if looks.all() and (patterns := order_of(words).patterns):
        looks = parse(words, patterns[0])[1]  # of the shape of dates, but one such as 2024-02-30
    odd = words[int(looks.argmin())].as_py() if len(words) else ""
    return UserError(
        f"kinds[{name!r}]='datetime': the column holds {cut(odd)!r}, which is not a date; write all values as "
        f"2024-01-31 or 2024-01-31 13:05, or say how they are written, as in formats={{{name!r}: '%d.%m.%Y'}}."
    )


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
