"""Metadata of SDV as a schema, and a schema as metadata of SDV: its JSON of one table, V1 or SINGLE_TABLE_V1.

Written from the public description of the format, https://docs.sdv.dev/sdv/concepts/metadata/metadata-json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute

from gans.artefacts import read_json, reading
from gans.data.frames.times import times_of
from gans.data.personal.kinds import NONE, OTHER
from gans.data.schema import Column, Schema
from gans.errors import UserError, nearest, one_of

pc: Any = pyarrow.compute  # its functions are made at run time

WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
SDTYPES = ("numerical", "categorical", "boolean", "datetime", "id", "text")
PERSONAL = {
    "email": "email",
    "phone_number": "phone",
    "name": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "ssn": "national_id",
    "ipv4_address": "ip",
    "mac_address": "mac",
    "iban": "iban",
    "credit_card_number": "card",
    "address": "address",
    "user_name": "user_name",
    "license_plate": "plate",
}
"""Sdtypes whose values can be made up, and the kind of personal data that each is."""

SENSITIVE = (
    *("unknown", "email", "name", "first_name", "last_name", "phone_number", "ssn", "user_name", "user_agent_string"),
    *("ipv4_address", "ipv6_address", "mac_address", "license_plate", "vin", "credit_card_number", "iban", "bban"),
    *("swift8", "swift11", "address", "street_address", "secondary_address", "postcode", "city", "state", "state_abbr"),
    *("administrative_unit", "country_code", "latitude", "longitude"),
)


class Conformed(NamedTuple):
    """A table as metadata describes it.

    Attributes:
        table: with times in place of text that says them.
        kinds: by column.
        drop: columns that are left out: keys and free text.
        formats: of strftime, by column of text that says times.
        personal: kinds of personal data by column, those of `data.personal`: what is sensitive, and `none` where `pii`
            is false.
    """

    table: pa.Table
    kinds: dict[str, str]
    drop: list[str]
    formats: dict[str, str]
    personal: dict[str, str]


def schema_of(metadata: Any) -> dict[str, str]:
    """Kinds by column, those of `gans.data.schema.KINDS`.

    A number is `integer` by its computer_representation, else `numeric`. A primary key, an id and what is sensitive are
    `id`; a sensitive sdtype with `pii` false is `category`.

    Args:
        metadata: a dict, the path of a JSON file, or an object with `to_dict`.

    Raises:
        UserError: it cannot be read, is of another version or of several tables, or an sdtype is not known.
    """
    return _kinds(_table_of(metadata))


def conform(metadata: Any, table: pa.Table, fixed: Mapping[str, str]) -> Conformed:
    """Check a table against its metadata, and parse text that says times.

    Args:
        table: as read from a frame.
        fixed: kinds that the user fixed, by column; these columns are not checked.

    Raises:
        UserError: as `schema_of`; a column is in one of the two only, or its values do not fit its sdtype.
    """
    described = _table_of(metadata)
    kinds, columns = _kinds(described), described["columns"]
    for name in columns:
        if name not in table.column_names:
            near = nearest(name, table.column_names)
            raise UserError(
                f"metadata: column '{name}' is not in the frame; it has {', '.join(table.column_names)}.{near}"
            )
    for name in table.column_names:
        if name not in columns:
            raise UserError(
                f"metadata: column '{name}' of the frame is not described; allowed are {', '.join(columns)}."
                f"{nearest(name, columns)}"
            )
    formats = {}
    for place, name in enumerate(table.column_names):
        if name in fixed or kinds[name] in ("id", "text"):
            continue
        array, column = table[name], columns[name]
        _check(name, array, column["sdtype"], kinds[name])
        if kinds[name] == "numeric" and "computer_representation" not in column and pa.types.is_integer(array.type):
            kinds[name] = "integer"
        if kinds[name] == "datetime" and _is_text(array.type):
            formats[name] = _format(name, column)
            table = table.set_column(place, name, _times(name, array, formats[name]))
    personal = {name: kind for name, column in columns.items() if (kind := _personal(column))}
    hidden = [name for name, kind in kinds.items() if kind in ("id", "text") and name not in fixed]
    drop = [name for name in hidden if personal.get(name, NONE) == NONE]
    return Conformed(table, {**kinds, **fixed}, drop, formats, personal)


def metadata_of(schema: Schema, table_name: str) -> dict[str, Any]:
    """A schema as metadata V1 of one table, which `schema_of` reads back to the same kinds.

    Raises:
        UserError: a column holds images.
    """
    columns = {column.name: _described(column) for column in schema.columns}
    return {"METADATA_SPEC_VERSION": "V1", "tables": {table_name: {"columns": columns}}, "relationships": []}


def _table_of(metadata: Any) -> dict[str, Any]:
    """The part of metadata that describes the table: its columns, and maybe its primary key."""
    if isinstance(metadata, (str, Path)):
        with reading(f"metadata={metadata}", "a readable JSON file"):
            found = read_json(Path(metadata).expanduser())
    else:
        found = metadata.to_dict() if hasattr(metadata, "to_dict") else metadata
    if not isinstance(found, Mapping):
        raise UserError(
            f"metadata={type(found).__name__}: allowed are a dict, the path of a JSON file, an object with to_dict()."
        )
    one_of("metadata: METADATA_SPEC_VERSION", found.get("METADATA_SPEC_VERSION", ""), ("V1", "SINGLE_TABLE_V1"))
    if found["METADATA_SPEC_VERSION"] == "V1":
        tables = found.get("tables")
        if not isinstance(tables, Mapping) or len(tables) != 1:
            raise UserError(f"metadata: its tables are {', '.join(tables or ()) or 'none'}; allowed is one.")
        found = next(iter(tables.values()))
    columns = found.get("columns") if isinstance(found, Mapping) else None
    if not isinstance(columns, Mapping) or not all(isinstance(column, Mapping) for column in columns.values()):
        raise UserError('metadata: `columns` must be as in {"age": {"sdtype": "numerical"}}.')
    return {"columns": {str(name): column for name, column in columns.items()}, "primary_key": found.get("primary_key")}


def _kinds(described: dict[str, Any]) -> dict[str, str]:
    columns, key = described["columns"], described["primary_key"]
    kinds = {name: _kind(name, column) for name, column in columns.items()}
    for name in [] if key is None else [key] if isinstance(key, str) else key:
        if name not in kinds:
            raise UserError(
                f"metadata: primary_key='{name}' is not among its columns; allowed are {', '.join(columns)}."
                f"{nearest(str(name), columns)}"
            )
        kinds[name] = "id"
    return kinds


def _kind(name: str, column: Mapping[str, Any]) -> str:
    sdtype, stored = column.get("sdtype", ""), column.get("computer_representation", "Float")
    if sdtype == "numerical":
        one_of(f"metadata: column '{name}': computer_representation", stored, ("Float", *WHOLE))
        return "integer" if stored in WHOLE else "numeric"
    if sdtype in SDTYPES:
        return {"categorical": "category"}.get(sdtype, sdtype)
    if "pii" not in column:
        one_of(f"metadata: column '{name}': sdtype", sdtype, (*SDTYPES, *SENSITIVE))
    return "id" if column.get("pii", True) else "category"


def _personal(column: Mapping[str, Any]) -> str:
    """The kind of personal data that metadata says of a column, `none` where it says that it is none, or ""."""
    sdtype, pii = column.get("sdtype", ""), column.get("pii")
    if sdtype in SDTYPES and not pii:
        return ""
    return PERSONAL.get(sdtype, OTHER) if pii is None or pii else NONE


def _check(name: str, array: pa.ChunkedArray, sdtype: str, kind: str) -> None:
    """Raise UserError unless the values of a column fit its sdtype."""
    encoded = pa.types.is_dictionary(array.type)
    values: Any = array.type.value_type if encoded else array.type
    number = pa.types.is_integer(values) or pa.types.is_floating(values) or pa.types.is_decimal(values)
    if number:
        allowed = ("numerical", "categorical", "id")
    elif pa.types.is_boolean(values):
        allowed = ("boolean", "categorical")
    elif pa.types.is_timestamp(values) or pa.types.is_date(values):
        allowed = ("datetime",)
    elif _is_text(values):
        allowed = ("categorical", "id", "text") if encoded else ("categorical", "datetime", "id", "text")
    else:
        allowed = SDTYPES if pa.types.is_null(values) else ("id", "text")
    wanted = "categorical" if kind == "category" else sdtype
    if wanted not in allowed:
        raise UserError(
            f"metadata: column '{name}' is {sdtype}, but holds values of type {values}; allowed are "
            f"{', '.join(allowed)}."
        )
    if kind == "integer" and not pa.types.is_integer(values) and number:
        plain = array.cast(pa.float64()).drop_null()
        broken = plain.filter(pc.and_(pc.not_equal(plain, pc.floor(plain)), pc.invert(pc.is_nan(plain))))
        if len(broken):
            raise UserError(
                f"metadata: column '{name}' holds {broken[0].as_py():g}, which is not whole; allowed is "
                "computer_representation=Float."
            )


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _format(name: str, column: Mapping[str, Any]) -> str:
    pattern = column.get("datetime_format")
    if not isinstance(pattern, str):
        raise UserError(f"metadata: column '{name}' holds text; give its datetime_format, such as '%Y-%m-%d'.")
    return pattern


def _times(name: str, array: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    try:
        return times_of(array, pattern)
    except UserError as error:
        raise UserError(f"metadata: column '{name}': datetime_format: {error}") from None


def _described(column: Column) -> dict[str, Any]:
    if column.kind == "image":
        raise UserError(f"column '{column.name}' holds images, which metadata of SDV cannot describe.")
    sdtype = {kind: sdtype for sdtype, kind in PERSONAL.items()}.get(column.personal)
    if sdtype and column.role != "feature":
        return {"sdtype": sdtype, "pii": True}
    if column.kind == "numeric":
        return {"sdtype": "numerical", "computer_representation": "Float"}
    if column.kind == "integer":
        named = column.type.replace("uint", "UInt").replace("int", "Int") if "int" in column.type else "Int64"
        return {"sdtype": "numerical", "computer_representation": named}
    if column.kind == "datetime":
        written = (column.written or {}).get("format", "").replace("%-", "%") if column.frame else ""
        return {"sdtype": "datetime", "datetime_format": column.format or written or _pattern(column)}
    return {"sdtype": {"category": "categorical"}.get(column.kind, column.kind)}


def _pattern(column: Column) -> str:
    """The format that tells the times of a column apart."""
    if column.type.startswith("date"):
        return "%Y-%m-%d"
    fraction = any("." in str(bound) for bound in column.bounds or [])
    return f"%Y-%m-%d %H:%M:%S{'.%f' if fraction else ''}{'%z' if 'tz=' in column.type else ''}"
