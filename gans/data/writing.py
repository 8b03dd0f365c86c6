"""Tables written to one file, of a kind by its name: Parquet, text (CSV), JSON lines or Excel."""

import contextlib
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.data.delimited.writer import text_lines
from gans.data.formats import check_writable, compression_of, format_of
from gans.data.json_writer import json_lines
from gans.data.schema import Schema
from gans.files import write_atomic, write_tables

GZIP_LEVEL = 6  # as the program gzip; the library's own, 9, takes several times as long for a few percent


def write_rows(path: Path, tables: Iterator[pa.Table], schema: Schema | None = None) -> None:
    """Write tables, at least one and all of the same columns, end to end as one file, atomically.

    One table is held at a time. What `gans.data.files.read_table` reads of the file is the same table.

    Args:
        schema: of the training rows, whose text file says how another one is written.

    Raises:
        UserError: tables are not written to a file of that name, or it has no room for the rows or a text.
    """
    check_writable(path)
    kind = format_of(path)
    if kind == "parquet":
        write_tables(path, tables)
    elif kind == "excel":
        from gans.data.excel.writer import write_workbook

        write_atomic(path, lambda temporary: write_workbook(temporary, tables, path))
    elif kind == "json":
        write_atomic(path, lambda temporary: _write_parts(temporary, json_lines(tables), compression_of(path)))
    else:
        schema = schema or Schema([])
        sign = "\t" if ".tsv" in path.name.lower() else schema.delimiter
        lines = text_lines(tables, schema, sign)
        write_atomic(path, lambda temporary: _write_parts(temporary, lines, compression_of(path)))


def _write_parts(path: Path, parts: Iterator[Any], compression: str | None) -> None:
    with _opened(path, compression) as write:
        for part in parts:
            write(part)


@contextlib.contextmanager
def _opened(path: Path, compression: str | None) -> Iterator[Callable[[Any], Any]]:
    """The function that writes bytes to a file; the same bytes make the same file."""
    with path.open("wb") as file:
        if compression is None:
            yield file.write
        elif compression == "gzip":
            with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as packed:
                yield packed.write
        else:
            with pa.CompressedOutputStream(file, compression) as packed:
                yield packed.write
