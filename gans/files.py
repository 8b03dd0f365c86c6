"""Files that are whole or not there: written to a temporary name, then renamed."""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

# what reading a missing or damaged .npz or .json file raises
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def write_atomic(path: Path, write: Callable[[Path], Any]) -> None:
    """Call `write` with a temporary path beside `path`, then rename it. On an error nothing stays behind."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # not the temporary name, and pyarrow gives none
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text atomically, in UTF-8."""
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_table(path: Path, table: Any) -> None:
    """Write an Arrow table as .parquet or .csv, by the file's suffix, atomically."""
    write_tables(path, iter([table]))


def write_tables(path: Path, tables: Iterator[Any]) -> None:
    """Write Arrow tables, at least one and all of one schema, end to end as one file, as `write_table` would.

    Only one table is held at a time. In Parquet each is a row group.
    """

    def write(temporary: Path) -> None:
        first = next(tables)
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            writer: Any = pq.ParquetWriter(temporary, first.schema, compression="zstd")
        else:
            import pyarrow.csv as csv

            writer = csv.CSVWriter(temporary, first.schema)
        with writer:
            for table in chain([first], tables):
                writer.write_table(table)

    write_atomic(path, write)
