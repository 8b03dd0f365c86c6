"""Levels of categories that few rows hold: said, or merged into one."""

from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Column, Schema

pc: Any = pyarrow.compute  # its functions are made at run time

RARE = 5  # rows, below which a level says much of few people
MERGED = "other"
MOST_NAMED = 10


def rare_levels(array: pa.ChunkedArray, fewest: int) -> tuple[Any, int]:
    """The levels of a category that fewer rows hold, and how many rows hold one of them."""
    counts = pc.value_counts(array.drop_null())
    few = counts.filter(pc.less(counts.field("counts"), fewest))
    return few.field("values"), pc.sum(few.field("counts")).as_py() or 0


def rare_line(table: pa.Table, schema: Schema, fewest: int, merged: bool) -> list[str]:
    """One line about the rare levels of all columns, for the terminal; none without any."""
    if merged:
        return []
    parts = []
    for column in _categories(schema):
        levels, rows = rare_levels(table[column.name], fewest)
        if len(levels):
            named = f"{len(levels):,} {'level' if len(levels) == 1 else 'levels'}"
            parts.append(f"{column.name} {named} in {rows:,} {'row' if rows == 1 else 'rows'}")
    if not parts:
        return []
    more = f" and {len(parts) - MOST_NAMED} more columns" if len(parts) > MOST_NAMED else ""
    return [
        f"rare levels, of fewer than data.rare={fewest} rows: {', '.join(parts[:MOST_NAMED])}{more}; "
        "data.merge_rare=true merges those of text"
    ]


def merge_rare(training: pa.Table, holdout: pa.Table, schema: Schema, fewest: int) -> tuple[pa.Table, pa.Table]:
    """Both tables with the rare levels of text, and levels that the training rows do not hold, as one level.

    The schema gets the number of levels that are left. A column with a single rare level stays as it is: merged, it
    would only have another name.
    """
    for column in _categories(schema):
        if column.type != "string":
            continue
        rare, _ = rare_levels(training[column.name], fewest)
        if len(rare) < 2 or len(rare) == column.levels:
            continue
        common = pc.unique(training[column.name].drop_null())
        common = common.filter(pc.invert(pc.is_in(common, value_set=rare)))
        name = MERGED
        while name in common.to_pylist():
            name = f"{name} (rare)"
        training, holdout = (_replaced(table, column.name, common, name) for table in (training, holdout))
        column.levels = len(common) + 1
    return training, holdout


def _categories(schema: Schema) -> list[Column]:
    return [column for column in schema.features if column.kind == "category"]


def _replaced(table: pa.Table, name: str, common: Any, other: str) -> pa.Table:
    array = table[name]
    there = pc.or_(pc.is_in(array, value_set=common), pc.is_null(array))
    return table.set_column(table.column_names.index(name), name, pc.if_else(there, array, other))
