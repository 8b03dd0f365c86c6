"""The columns of a file as a table: those that leave doubt after the others, which may settle it."""

import logging
from collections.abc import Iterable, Sequence

import pyarrow as pa

from gans.data.delimited.alike import like
from gans.data.delimited.options import Known, TextOptions
from gans.data.delimited.typed import Doubt, Evidence, TextColumn, Typed
from gans.data.delimited.values import ValueColumn
from gans.data.notes import DELIMITER, noted
from gans.errors import UserError, nearest

log = logging.getLogger("gans")


def typed_table(
    columns: Iterable[TextColumn | ValueColumn], options: TextOptions, known: Known | None, delimiter: str = ","
) -> pa.Table:
    """Columns as one table; how each is written is a note in the metadata of its field.

    Args:
        known: columns of a table that it should be like.
        delimiter: between the fields of the file.

    Raises:
        UserError: the person has to say what a column is.
    """
    known = known or {}
    evidence, typed, waiting = Evidence(delimiter == ";"), {}, {}
    order: list[str] = []
    for column in columns:
        name = column.name
        order.append(name)
        try:
            alike = _alike(column, known, options)
            typed[name] = alike or column.typed(evidence, settle=False)
        except Doubt:
            waiting[name] = column
    for name, column in waiting.items():
        typed[name] = column.typed(evidence, settle=True)
    fields = []
    for name in order:
        one = typed[name]
        if one.note:
            log.info("column '%s': %s", name, one.note)
        fields.append(noted(pa.field(name, one.values.type), one.written.to_json() if one.written else None))
    schema = pa.schema(fields, {DELIMITER: delimiter.encode()})
    return pa.table([typed[name].values for name in order], schema=schema)


def _alike(column: TextColumn | ValueColumn, known: Known, options: TextOptions) -> Typed | None:
    """A column as the other table has it; None where that has no such column, or a value does not fit."""
    if column.name not in known or column.name in options.formats:
        return None
    other = known[column.name]
    return column.alike(other) if isinstance(column, ValueColumn) else like(column.texts, other)


def check_names(options: TextOptions, names: Sequence[str]) -> None:
    """Raise UserError where an option is about a column that is not there."""
    for key, given in (("types", options.types), ("formats", options.formats)):
        for name in given:
            if name not in names:
                raise UserError(
                    f"data.{key}.{name}: no such column; there are {', '.join(names)}.{nearest(name, names)}"
                )
