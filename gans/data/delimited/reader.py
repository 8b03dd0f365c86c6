"""A text file (CSV) as an Arrow table: parsed by DuckDB in a layout that was checked before, rows counted after."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.columns import typed_table
from gans.data.delimited.dialect import Dialect, cut, find_dialect, records, shown
from gans.data.delimited.numbers import UNSEEN
from gans.data.delimited.opening import PlainText, plain_text
from gans.data.delimited.options import Known, TextOptions
from gans.data.delimited.typed import TextColumn
from gans.errors import UserError

log = logging.getLogger("gans")
pc: Any = pyarrow.compute  # its functions are made at run time

LONGEST_LINE = 1 << 27  # bytes


def read_text_files(
    paths: Sequence[Path], key: str, options: TextOptions | None = None, known: Known | None = None
) -> pa.Table:
    """Text files of the same columns as one table; how each is written is a note in the metadata of its field.

    Args:
        key: what the files are called in messages, as in `data.path=FILE`.
        known: columns of a table that it should be like, whose types and formats go before what is found.

    Raises:
        UserError: a value that can be read in two ways, or does not fit its column, a line with another number of
            fields, or other columns than in the first file; the message has the line, the column, the value and the
            key that decides.
    """
    options = options or TextOptions()
    parts: list[pa.Table] = []
    dialects: list[Dialect] = []
    for path in paths:
        name = key if len(paths) == 1 else f"{key}: {path}"
        with plain_text(path, name, options.encoding) as text:
            dialect = find_dialect(text.path, name, options.delimiter, options.header)
            parts.append(_parse(text, dialect, name))
            dialects.append(dialect)
            _say(path, parts[-1], text, dialect)
    for path, dialect in zip(paths[1:], dialects[1:], strict=True):
        if sorted(dialect.names) != sorted(dialects[0].names):
            raise UserError(
                f"{key}: {path} has the columns {', '.join(dialect.names)}, {paths[0]} has "
                f"{', '.join(dialects[0].names)}."
            )
    names = dialects[0].names
    texts = {
        name: pa.chunked_array([chunk for part in parts for chunk in part[name].chunks], pa.string()) for name in names
    }
    del parts

    def columns() -> Iterator[TextColumn]:
        for name in names:  # taken out of `texts`, so that a column is in memory once
            where = partial(_where, paths, dialects, options, name)
            yield TextColumn(name, texts.pop(name), options, name in dialects[0].quoted, where)

    try:
        return typed_table(columns(), options, known, dialects[0].delimiter)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _parse(text: PlainText, dialect: Dialect, key: str) -> pa.Table:
    """All fields as text [rows, columns], empty ones without quotes null.

    Raises:
        UserError: a line has another number of fields, a quote is not closed, or rows and lines do not agree.
    """
    import duckdb

    path, sign = (word.replace("'", "''") for word in (str(text.path), dialect.delimiter))
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(dialect.names)))
    sql = (
        f"select * from read_csv('{path}', auto_detect=false, delim='{sign}', quote='\"', escape='\"', nullstr='', "
        f"allow_quoted_nulls=false, strict_mode=true, null_padding=false, header={str(dialect.header).lower()}, "
        f"hive_partitioning=false, maximum_line_size={LONGEST_LINE}, compression='none', columns={{{columns}}})"
    )
    try:
        with duckdb.connect(":memory:") as connection:
            table = connection.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        _refuse_bad_line(text, dialect, key)
        raise UserError(f"{key}: {str(error).strip().splitlines()[0]}") from None
    table = pa.table([_plain_text(column) for column in table.columns], names=dialect.names)
    if dialect.header:
        _refuse_second_header(table, text, dialect, key)
    if table.num_rows + dialect.header != text.lines:
        inside = sum(_line_ends(column) for column in table.columns)
        if table.num_rows + dialect.header + inside != text.lines:
            _refuse_bad_line(text, dialect, key, table.num_rows + dialect.header)
    return _without_blank_end(table, dialect)


def _without_blank_end(table: pa.Table, dialect: Dialect) -> pa.Table:
    """A table without the rows at its end that have no value at all, as spreadsheets write them."""
    rows = table.num_rows
    while rows > 0 and table.num_columns > 1 and not any(column[rows - 1].is_valid for column in table.columns):
        rows -= 1
    if rows < table.num_rows:
        dialect.notes.append(f"{table.num_rows - rows:,} rows without a value at the end are left out")
    return table.slice(0, rows)


def _refuse_second_header(table: pa.Table, text: PlainText, dialect: Dialect, key: str) -> None:
    """Raise UserError where the names of line 1 stand in a later line again, as where files were joined."""
    same = pc.fill_null(pc.equal(table[0], dialect.names[0]), False)
    for name in dialect.names[1:]:
        if not pc.any(same).as_py():
            return
        same = pc.and_(same, pc.fill_null(pc.equal(table[name], name), False))
    if pc.any(same).as_py():
        lines = (line for line, record in records(text.path, dialect.delimiter) if record == dialect.names)
        line = next(line for line in lines if line > 1)
        raise UserError(f"{key}: line {line:,} has the names of line 1 again ({shown(dialect.names)}); remove it.")


def _plain_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _line_ends(column: pa.ChunkedArray) -> int:
    """Line ends within the fields of a column."""
    both = pc.sum(pc.count_substring(column, "\r\n")).as_py() or 0
    return sum(pc.sum(pc.count_substring(column, sign)).as_py() or 0 for sign in "\r\n") - both


def _refuse_bad_line(text: PlainText, dialect: Dialect, key: str, parsed: int | None = None) -> None:
    """Raise UserError for the first line that does not fit; look at all of them, one after the other.

    Args:
        parsed: records that were read; others that are not empty lines are an error then.
    """
    width, count = len(dialect.names), 0
    try:
        for line, record in records(text.path, dialect.delimiter):
            count += 1
            if len(record) != width:
                first = "line 1 names" if dialect.header else "line 1 has"
                raise UserError(
                    f"line {line:,} has {len(record)} fields ({shown(record)}), {first} {width} "
                    f"({shown(dialect.names)}); put a field with {dialect.delimiter!r} in it into quotes, or set "
                    "data.delimiter."
                )
    except UserError as error:
        raise UserError(f"{key}: {error}") from None
    if parsed is not None and count != parsed and width > 1:
        raise UserError(f"{key}: {parsed:,} records were read of {count:,}; the file cannot be read safely.")


def _say(path: Path, table: pa.Table, text: PlainText, dialect: Dialect) -> None:
    """Print what was read, for a person to compare with what is in the file."""
    notes = "; ".join([*text.notes, *dialect.notes])
    log.info(
        "%s: %s rows, %s columns, of %s lines%s",
        path.name,
        f"{table.num_rows:,}",
        table.num_columns,
        f"{text.lines:,}",
        f" ({notes})" if notes else "",
    )


def _where(paths: Sequence[Path], dialects: Sequence[Dialect], options: TextOptions, column: str, text: str) -> str:
    """The value and the line where it is first: 'unknown' in line 17."""
    for path, dialect in zip(paths, dialects, strict=True):
        place = dialect.names.index(column)
        with plain_text(path, str(path), options.encoding) as plain:
            for line, record in records(plain.path, dialect.delimiter):
                if record[place].strip(UNSEEN) == text and not (line == 1 and dialect.header):
                    return f"'{cut(text)}' in line {line:,}" + (f" of {path.name}" if len(paths) > 1 else "")
    return f"'{cut(text)}'"
