"""A draft of a domain, read off the rows: where to begin, and not private until a person has gone through it."""

import dataclasses
import math
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.columns import FittedColumn, numbers
from gans.data.declared import BINS, MOST_LEVELS, PRIVATE, Declared
from gans.data.domain import Domain
from gans.data.level_order import in_order
from gans.data.schema import Column, Schema
from gans.errors import UserError

pc: Any = pyarrow.compute  # its functions are made at run time

POINT = 0.1  # share of the rows from which on a number is counted by itself
FEW = 20  # distinct whole numbers that are levels
DIGITS = 2  # that edges keep
OTHER = "other"  # the level of what is rare


def draft_domain(table: pa.Table, schema: Schema, private: bool = False) -> Domain:
    """What a table looks like, as a declaration; columns that are not learned are left out.

    Levels are in an order that says nothing of how frequent they are.

    Args:
        private: whether levels of text, and edges, are left to be asked of the rows with noise, so that what is left
            to a person are kinds, bounds, points and coded levels.

    Raises:
        UserError: no column is left.
    """
    columns = [_draft(table[column.name], column, private) for column in schema.features]
    if not columns:
        raise UserError("no column is left to declare.")
    return Domain(columns, "read off the rows", [one.name for one in schema.columns if one.role != "feature"])


def _draft(array: pa.ChunkedArray, column: Column, private: bool) -> Declared:
    same = {"name": column.name, "type": column.type, "missing": column.missing}
    if column.kind == "boolean":
        return Declared(kind="boolean", **same)
    valid = array.drop_null()
    if column.kind == "datetime":
        first, last = (pc.year(end).as_py() for end in pc.min_max(valid).values())
        edges = PRIVATE if private else []
        return Declared(kind="datetime", low=date(first, 1, 1), high=date(last, 12, 31), edges=edges, **same)
    distinct = pc.count_distinct(valid).as_py()
    if column.kind == "category" or (pa.types.is_integer(valid.type) and distinct <= FEW):
        if private and pa.types.is_string(valid.type):
            return Declared(kind="category", levels=PRIVATE, other=OTHER, **same)
        counts = sorted(pc.value_counts(valid).to_pylist(), key=lambda one: -one["counts"])
        levels, other = [one["values"] for one in counts], ""
        if len(levels) > MOST_LEVELS - 1 and pa.types.is_string(valid.type):
            levels, other = levels[: MOST_LEVELS - 1], OTHER
        levels = in_order(sorted(levels)) if pa.types.is_string(valid.type) else sorted(levels)
        return Declared(kind="category", levels=levels, other=other, **same)
    drafted = _draft_number(valid, column)
    return dataclasses.replace(drafted, edges=PRIVATE) if private else drafted


def _draft_number(valid: pa.ChunkedArray, column: Column) -> Declared:
    """Bounds rounded outwards, edges at rounded quantiles, and frequent values by themselves."""
    values = numbers(valid, FittedColumn(column=column))
    found, counts = np.unique(values, return_counts=True)
    points = found[counts > POINT * len(values)].tolist()
    step = 10 ** (math.floor(math.log10(max(found[-1] - found[0], 1e-9))) - 1)
    low, high = math.floor(found[0] / step) * step, math.ceil(found[-1] / step) * step
    low, high = min(low, float(found[0])), max(high, float(found[-1]), low + step)
    quantiles = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    rounded = sorted({float(f"{value:.{DIGITS}g}") for value in quantiles})
    edges = [edge for edge in rounded if low < edge < high]
    if column.kind == "integer":
        low, high = math.floor(low), math.ceil(high)
        edges, points = sorted(set(map(round, edges))), [*map(int, points)]
    return Declared(
        name=column.name, kind=column.kind, type=column.type, low=low, high=high, edges=edges, points=points,
        decimals=column.decimals if column.kind == "numeric" else None, missing=column.missing,
    )  # fmt: skip
