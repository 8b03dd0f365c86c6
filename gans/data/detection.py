"""What each column of a table is, found in the table: kinds, bounds, decimals, personal data."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.notes import delimiter_note, delimiter_of, note_of, noted
from gans.data.personal.handling import Handling
from gans.data.schema import KINDS, MOST_DECIMALS, Column, Schema
from gans.errors import UserError, nearest, one_of

pc: Any = pyarrow.compute  # its functions are made at run time

ID_NAME = re.compile(r"(?i:(^|[^a-z])(id|uuid|guid|key|index|rownumber)$)|[a-z]I[Dd]$")


def normalise(table: pa.Table) -> pa.Table:
    """Plain columns: dictionaries, views and extension types unpacked, NaN as missing.

    Raises:
        UserError: no rows, no columns, a name twice, or an infinite number.
    """
    if table.num_columns == 0 or table.num_rows == 0:
        raise UserError(f"the table is empty: {table.num_rows} rows, {table.num_columns} columns.")
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise UserError(f"the table has two columns named '{twice[0]}'.")
    arrays = []
    for name in table.column_names:
        array = table[name]
        kind = array.type
        if image_text(kind):
            arrays.append(array)
            continue
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            kind = pa.string()
        if pa.types.is_float16(kind):
            array, kind = _halves(array), pa.float32()
        if pa.types.is_decimal(kind):
            kind = pa.decimal128(kind.precision, kind.scale) if kind.precision <= 38 else pa.float64()
        array = array.cast(kind) if kind != array.type else array
        if pa.types.is_floating(kind):
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
            if pc.any(pc.is_inf(array)).as_py():
                raise UserError(f"column '{name}' holds an infinite number; remove it or write it as missing.")
        arrays.append(array)
    fields = [
        noted(pa.field(name, array.type), note_of(table.field(name)))
        for name, array in zip(table.column_names, arrays, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(fields, delimiter_note(table)))


def detect(
    table: pa.Table,
    kinds: Mapping[str, str] | None = None,
    drop: Iterable[str] = (),
    personal: Handling | None = None,
    learns: bool = True,
) -> Schema:
    """Find the schema of a normalised table.

    Args:
        kinds: kinds that the user fixed, by column.
        drop: columns to leave out.
        personal: what is done with personal data; left out unless given.
        learns: whether a column must be left to learn.

    Raises:
        UserError: an override names a column that is not there, or a kind that does not fit the values; keys about
        personal data contradict each other; nothing is left to learn.
    """
    kinds, drop, personal = dict(kinds or {}), list(drop), personal or Handling()
    personal.check(drop)
    for key, names in (("data.kinds", kinds), ("data.drop", drop), *personal.named().items()):
        for name in names:
            if name not in table.column_names:
                allowed = ", ".join(table.column_names)
                raise UserError(
                    f"{key}: column '{name}' is not in the table; it has {allowed}.{nearest(name, table.column_names)}"
                )
    for name, kind in kinds.items():
        one_of(f"data.kinds.{name}", kind, KINDS)
    columns = [find_column(name, table[name], kinds.get(name), name in drop) for name in table.column_names]
    columns = [_handled(column, table[column.name], personal, column.name in kinds) for column in columns]
    for column in columns:
        column.written = note_of(table.field(column.name))
    schema = Schema(columns, delimiter=delimiter_of(table))
    if len(schema.images) > 1:
        names = ", ".join(column.name for column in schema.images)
        raise UserError(f"the table has several columns of images ({names}); leave out all but one by data.drop.")
    if learns and not schema.features and not schema.images:
        raise UserError("no column is left to learn: " + "; ".join(schema.lines()))
    if personal.fake_key and schema[personal.fake_key].role != "feature":
        raise UserError(f"data.fake_key={personal.fake_key}: the column is not learned; allowed is a learned column.")
    return schema


def _handled(column: Column, array: pa.ChunkedArray, personal: Handling, fixed: bool) -> Column:
    """The column after what is done with personal data; `fixed`: the user fixed its kind."""
    if column.role in ("image", "constant"):
        return column
    dropped = column.role == "dropped"
    changes = personal.changes(column.name, array, column.levels, column.reason if dropped else "", fixed)
    if dropped and changes.get("role") == "feature":
        column = find_column(column.name, array, "category" if pa.types.is_string(array.type) else "integer")
    return dataclasses.replace(column, **changes)


def find_column(name: str, array: pa.ChunkedArray, kind: str | None = None, dropped: bool = False) -> Column:
    """What a column is; `kind` where that is known."""
    if (text := image_text(array.type)) and kind is None:
        return _image_column(name, array, text, dropped)
    valid = array.drop_null()
    column = Column(name=name, kind=kind or "text", type=str(array.type), missing=array.null_count > 0)
    if kind is not None:
        _check_kind(name, kind, valid)
    if dropped or not _can_be_learned(array.type):
        column.role = "dropped"
        column.reason = "data.drop names it" if dropped else f"values of type {array.type} cannot be learned"
        return column
    column.levels = pc.count_distinct(valid).as_py() if len(valid) else 0
    if kind is None:
        column.kind, column.reason = _find_kind(name, valid, column.levels, column.missing)
    else:
        column.reason = f"data.kinds.{name}={kind}"
    if column.levels + column.missing <= 1:
        value = valid[0].as_py() if column.levels else None
        value = value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
        column.role, column.reason, column.bounds = "constant", repr(value), [value, value]
        return column
    if column.kind in ("id", "text"):
        column.role = "dropped"
        return column
    column.reason = ""
    if column.kind in ("numeric", "integer", "datetime"):
        low, high = pc.min_max(valid).as_py().values()
        if column.kind == "datetime":
            column.bounds = [low.isoformat(), high.isoformat()]
        else:
            column.bounds = [int(low), int(high)] if column.kind == "integer" else [float(low), float(high)]
    if column.kind == "numeric":
        column.decimals = _decimals(valid)
    return column


def image_text(kind: pa.DataType) -> str:
    """The type of a column of images in words, "image[uint8, 8 x 8 x 1]"; "" for another type."""
    if (
        not isinstance(kind, pa.FixedShapeTensorType)
        or len(kind.shape) != 3
        or kind.permutation not in (None, [0, 1, 2])
    ):
        return ""
    plain = pa.types.is_uint8(kind.value_type) or pa.types.is_floating(kind.value_type)
    return f"image[{kind.value_type}, {' x '.join(map(str, kind.shape))}]" if plain else ""


def _image_column(name: str, array: pa.ChunkedArray, text: str, dropped: bool) -> Column:
    """A column of images, whose bounds are those of its pixels, at most 0 to 255 for bytes.

    Raises:
        UserError: an image is missing or holds what is no number.
    """
    if dropped:
        return Column(name=name, kind="image", type=text, role="dropped", reason="data.drop names it")
    values: list[np.ndarray] = [chunk.to_numpy_ndarray() for chunk in array.chunks if len(chunk)]  # pyright: ignore[reportAttributeAccessIssue]
    if array.null_count or not all(np.isfinite(chunk).all() for chunk in values):
        raise UserError(f"column '{name}': an image is missing or holds NaN or inf; remove its row.")
    low, high = (float(best(list(map(best, values)))) for best in (np.min, np.max))
    if low == high:
        raise UserError(f"column '{name}': all pixels of all images are {low:g}; there is nothing to learn.")
    return Column(name=name, kind="image", type=text, role="image", bounds=[low, high])


def _can_be_learned(kind: pa.DataType) -> bool:
    plain = (
        pa.types.is_boolean,
        pa.types.is_string,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_timestamp,
        pa.types.is_date,
        pa.types.is_null,
    )
    return any(test(kind) for test in plain)


def _find_kind(name: str, valid: pa.ChunkedArray, levels: int, missing: bool) -> tuple[str, str]:
    kind, rows = valid.type, len(valid)
    if pa.types.is_boolean(kind):
        return "boolean", ""
    if pa.types.is_temporal(kind):
        return "datetime", ""
    if pa.types.is_string(kind):
        return _find_text_kind(valid, levels)
    if levels <= 2:
        return "category", ""
    values = valid.cast(pa.float64(), safe=False).to_numpy()
    whole = pa.types.is_integer(kind) or bool(np.all(values == np.floor(values)) and np.abs(values).max() < 2**53)
    if not whole:
        return "numeric", ""
    low, high = pc.min_max(valid).as_py().values()
    distinct = rows >= 20 and levels > 0.9 * rows
    if high - low >= 2**53:  # such as hashes
        return ("id", "nearly every value is distinct, and they span more than 2^53") if distinct else ("category", "")
    if distinct and levels == rows and not missing and high - low < 2 * rows:
        return "id", "every value is distinct, and they follow each other"
    if distinct and ID_NAME.search(name):
        return "id", "by its name, and nearly every value is distinct"
    return "integer", ""


def _find_text_kind(valid: pa.ChunkedArray, levels: int) -> tuple[str, str]:
    rows = len(valid)
    words = pc.mean(pc.add(pc.count_substring(valid, " "), 1)).as_py() or 0
    if rows >= 20 and words > 4 and levels > 0.5 * rows:
        return "text", "free text"
    if rows >= 20 and levels > 0.95 * rows:
        return ("id", "nearly every value is distinct") if words < 1.5 else ("text", "free text")
    return "category", ""


def _check_kind(name: str, kind: str, valid: pa.ChunkedArray) -> None:
    numbers = pa.types.is_integer(valid.type) or pa.types.is_floating(valid.type) or pa.types.is_decimal(valid.type)
    temporal = pa.types.is_timestamp(valid.type) or pa.types.is_date(valid.type)
    fits = {
        "numeric": numbers,
        "integer": numbers,
        "datetime": temporal,
        "boolean": pa.types.is_boolean(valid.type),
        "category": _can_be_learned(valid.type) and not temporal,
    }
    if not fits.get(kind, True) and not pa.types.is_null(valid.type):
        raise UserError(f"data.kinds.{name}={kind}: the column holds values of type {valid.type}.")
    if kind == "integer" and (pa.types.is_floating(valid.type) or pa.types.is_decimal(valid.type)):
        values = valid.cast(pa.float64()).to_numpy()
        if np.any(values != np.floor(values)):
            bad = values[values != np.floor(values)][0]
            raise UserError(f"data.kinds.{name}=integer: the column holds {bad:g}, which is not whole.")


def _decimals(valid: pa.ChunkedArray) -> int | None:
    """The decimals with which all numbers are written, in the precision of their type; None for more than six."""
    kind = valid.type if pa.types.is_floating(valid.type) else pa.float64()
    values = valid.cast(kind).to_numpy()
    if float(np.abs(values).max()) >= 2**53:
        return None
    sample = values if len(values) <= 100_000 else values[:: len(values) // 100_000]
    for decimals in range(MOST_DECIMALS + 1):
        if all(np.array_equal(_rounded(some, decimals), some) for some in (sample, values)):
            return decimals
    return None


def _rounded(values: np.ndarray, decimals: int) -> np.ndarray:
    """The numbers of the same type that lie nearest to the values with so many decimals."""
    return np.round(values.astype(np.float64), decimals).astype(values.dtype)


def _halves(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers of float16 as float32, with the decimals that they were written with: 1.1, not 1.0996."""
    valid = array.drop_null()
    finite = len(valid) and bool(np.isfinite(valid.to_numpy()).all())
    decimals = _decimals(valid) if finite else None
    wide = array.cast(pa.float64())
    return (wide if decimals is None else pc.round(wide, decimals)).cast(pa.float32())
