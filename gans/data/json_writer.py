"""Tables as JSON lines, which `read_json_lines` reads back to the same table; made by DuckDB."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.writer import joined_lines, plain_texts

pc: Any = pyarrow.compute  # its functions are made at run time


def json_lines(tables: Iterator[pa.Table]) -> Iterator[Any]:
    """The bytes of tables: an object for each row; times are ISO texts, a missing value is null."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        for table in tables:
            columns = {f"c{place}": _as_json(column) for place, column in enumerate(table.columns)}
            connection.register("batch", pa.table(columns))
            names = (name.replace("'", "''") for name in table.column_names)
            pairs = ", ".join(f"'{name}', c{place}" for place, name in enumerate(names))
            made = connection.sql(f"select json_object({pairs})::varchar from batch").to_arrow_table()[0]
            for chunk in made.chunks:
                yield joined_lines([chunk.cast(pa.string())])


def _as_json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of which DuckDB makes the JSON that is meant."""
    kind = column.type
    if pa.types.is_temporal(kind):
        return pa.chunked_array([plain_texts(chunk) for chunk in column.chunks], pa.string())
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
        return column.cast(pa.string()).cast(pa.float64()) if kind == pa.float32() else column  # the shortest decimal
    return column
