"""Notes of a text file that go with its table: in the metadata of Arrow fields, until the schema has them."""

import json
from typing import Any

import pyarrow as pa

WRITTEN = b"gans.written"
DELIMITER = b"gans.delimiter"


def noted(field: pa.Field, written: dict[str, Any] | None) -> pa.Field:
    """A field with the note of how its values are written, the JSON of `gans.data.delimited.written.Written`."""
    return field.with_metadata({WRITTEN: json.dumps(written, ensure_ascii=False).encode()}) if written else field


def note_of(field: pa.Field) -> dict[str, Any] | None:
    """The note in a field; None without one."""
    note = (field.metadata or {}).get(WRITTEN)
    return None if note is None else json.loads(note)


def delimiter_of(table: pa.Table) -> str:
    """The sign between the fields of the file that a table was read from; a comma where it was none."""
    return (table.schema.metadata or {}).get(DELIMITER, b",").decode()


def delimiter_note(table: pa.Table) -> dict[bytes, bytes]:
    """The metadata of a table that keep that sign."""
    sign = delimiter_of(table)
    return {} if sign == "," else {DELIMITER: sign.encode()}
