"""Tables as text files (CSV) that `read_text_file` reads back to the same table."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.written import Written
from gans.data.schema import Schema
from gans.files import write_atomic, write_tables

pc: Any = pyarrow.compute  # its functions are made at run time


def write_rows(path: Path, tables: Iterator[pa.Table], schema: Schema) -> None:
    """Write tables, at least one, end to end as one .csv or .parquet file, atomically.

    A text file is written as that of the training rows was. Texts are in quotes, so that they are not taken for
    numbers; numbers, times and missing values are not.
    """
    if path.suffix != ".csv":
        write_tables(path, tables)
        return

    def write(temporary: Path) -> None:
        first = next(tables)
        with temporary.open("wb") as file:
            header = [pa.array([name]) for name in first.column_names]
            file.write(_lines([_quoted(name) for name in header], schema.delimiter))
            for table in chain([first], tables):
                for batch in table.to_batches():
                    file.write(_lines(_fields(batch, schema), schema.delimiter))

    write_atomic(path, write)


def _fields(batch: pa.RecordBatch, schema: Schema) -> list[pa.Array]:
    """The fields [rows] of each column as text."""
    kept = {column.name: column for column in schema.kept}
    out = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        note = kept[name].written if name in kept else None
        if note:
            text = Written.from_json(note).text(array)
            needed = pc.match_substring_regex(text, f'["\r\n{re.escape(schema.delimiter)}]')
            text = pc.if_else(needed, _quoted(text), text)
        elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            text = _quoted(array)
        else:
            text = _plain(array)
        out.append(pc.fill_null(text, ""))
    return out


def _plain(array: pa.Array) -> pa.Array:
    """Numbers, times and truth values as every program reads them."""
    if not pa.types.is_timestamp(array.type):
        return array.cast(pa.string())
    text = array.cast(pa.timestamp(array.type.unit, "UTC" if array.type.tz else None)).cast(pa.string())
    return pc.replace_substring_regex(text, r"\.0+(Z?)$", r"\1")


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")


def _lines(fields: list[pa.Array], delimiter: str) -> Any:
    """The bytes of records."""
    ends = [*chain.from_iterable((text, delimiter) for text in fields)]
    joined = pc.binary_join_element_wise(*ends[:-1], "\n", "")
    return b"".join(joined.cast(pa.binary()).to_pylist()) if joined.offset else joined.buffers()[2]
