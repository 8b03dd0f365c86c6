"""Tables as the lines of text files (CSV), which `read_text_files` reads back to the same table."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.written import Written
from gans.data.schema import Schema

pc: Any = pyarrow.compute  # its functions are made at run time


def text_lines(tables: Iterator[pa.Table], schema: Schema, delimiter: str) -> Iterator[Any]:
    """The bytes of tables of the same columns, below a line of names.

    They are written as the text file of the training rows was. Texts are in quotes, so that they are not taken for
    numbers; numbers, times and missing values are not.
    """
    for number, table in enumerate(tables):
        if number == 0:
            yield joined_lines([_quoted(pa.array([name])) for name in table.column_names], delimiter)
        for batch in table.to_batches():
            yield joined_lines(_fields(batch, schema, delimiter), delimiter)


def _fields(batch: pa.RecordBatch, schema: Schema, delimiter: str) -> list[pa.Array]:
    """The fields [rows] of each column as text."""
    kept = {column.name: column for column in schema.kept}
    out = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        note = kept[name].written if name in kept else None
        if note:
            text = Written.from_json(note).text(array)
            needed = pc.match_substring_regex(text, f'["\r\n{re.escape(delimiter)}]')
            text = pc.if_else(needed, _quoted(text), text)
        elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            text = _quoted(array)
        else:
            text = plain_texts(array)
        out.append(pc.fill_null(text, ""))
    return out


def plain_texts(array: pa.Array) -> pa.Array:
    """Numbers, times and truth values as every program reads them."""
    if not pa.types.is_timestamp(array.type):
        return array.cast(pa.string())
    text = array.cast(pa.timestamp(array.type.unit, "UTC" if array.type.tz else None)).cast(pa.string())
    return pc.replace_substring_regex(text, r"\.0+(Z?)$", r"\1")


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")


def joined_lines(fields: list[pa.Array], delimiter: str = "") -> Any:
    """The bytes of records, of the text [rows] of each field."""
    ends = [*chain.from_iterable((text, delimiter) for text in fields)]
    joined = pc.binary_join_element_wise(*ends[:-1], "\n", "")
    return b"".join(joined.cast(pa.binary()).to_pylist()) if joined.offset else joined.buffers()[2]
