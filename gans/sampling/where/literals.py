"""The values that `where` names: None for missing, true and false, numbers, and text. A date is ISO text."""

import datetime
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from gans.errors import UserError

Literal = bool | int | float | Decimal | str
BOOLEAN, NUMBER, TEXT = "true or false", "a number", "text"
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.(\d{1,9}))?)?)(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?", re.ASCII
)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NAME = re.compile(r"[^\W\d][\w.-]*")
WORDS = ("and", "or", "in", "is", "not", "null", "true", "false")
ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r"}


def literal(column: str, given: Any) -> Literal | None:
    """A value given from Python: NaN and pandas' NA and NaT are missing, numpy's scalars plain, times ISO text.

    Raises:
        UserError: it is no value that a column can hold.
    """
    value = given
    if isinstance(value, np.datetime64):
        finer = {"Y": "D", "M": "D", "W": "D", "h": "m"}.get(np.datetime_data(value.dtype)[0])
        return None if np.isnat(value) else str(value.astype(f"datetime64[{finer}]") if finer else value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, Decimal)):
        return None if value != value else number(column, decimal(value))
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise UserError(
        f"where: {column}: {given!r} is no value; allowed are a number, text, True, False, None, a date, "
        "a list of them, slice(low, high) or pandas.Interval."
    )


def number(column: str, value: Decimal | str) -> int | float | Decimal:
    """One form for equal numbers: whole ones int, others float where its digits are the same, else Decimal.

    Raises:
        UserError: it is infinite or beyond what a float can hold.
    """
    try:
        exact = Decimal(value)
        near = float(exact)
    except (InvalidOperation, OverflowError):
        exact, near = Decimal(0), math.inf
    if math.isinf(near) or (near == 0 and exact != 0):
        raise UserError(f"where: {column}: the number {value} is out of range.")
    whole = exact == exact.to_integral_value()
    if whole and abs(exact) < 2**64:
        return int(exact)
    if Decimal(repr(near)) == exact:
        return near
    return int(exact) if whole else exact


def decimal(value: int | float | Decimal) -> Decimal:
    """A number by the digits that it is written with."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def family(value: Literal) -> str:
    """BOOLEAN, NUMBER or TEXT: only values of one family are compared."""
    return BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER


def moment(text: str, zone: datetime.tzinfo | None = None) -> int | None:
    """Nanoseconds from 1970 to an ISO time, read in `zone` (None: UTC) where it names none. None: it is no time."""
    match = TIME.fullmatch(text)
    if not match:
        return None
    day, clock, fraction, offset = match.groups()
    clock = (clock or "00:00").partition(".")[0]
    try:
        when = datetime.datetime.fromisoformat(f"{day}T{clock}{offset or ''}")
    except ValueError:
        return None
    when = when if offset else when.replace(tzinfo=zone or datetime.UTC)
    return (when - EPOCH) // datetime.timedelta(seconds=1) * 10**9 + int((fraction or "").ljust(9, "0"))


def has_zone(text: str) -> bool:
    """Whether an ISO time names its zone."""
    match = TIME.fullmatch(text)
    return match is not None and match[4] is not None


def key(column: str, values: Iterable[Literal]) -> Callable[[Any], Any]:
    """How the values are compared: numbers by value, text by code point, and by time where all are ISO times.

    Raises:
        UserError: they cannot all be compared with each other.
    """
    first: dict[Any, Literal] = {}
    for value in values:
        first.setdefault(family(value), value)
    if len(first) > 1:
        (one, left), (two, right) = list(first.items())[:2]
        raise UserError(
            f"where: {column}: {written(left)} is {one} and {written(right)} is {two}; a column holds only one of them."
        )
    if NUMBER in first:
        return decimal
    if BOOLEAN in first or any(moment(str(value)) is None for value in values):
        return lambda value: value
    zones = {has_zone(str(value)): value for value in values}
    if len(zones) > 1:
        raise UserError(
            f"where: {column}: {written(zones[True])} names its zone and {written(zones[False])} does not; "
            "write the zone in all of them or in none."
        )
    return moment


def written(value: Any) -> str:
    """A value as the grammar has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return str(value)
    for sign, char in ESCAPES.items():
        value = value.replace(char, "\\" + sign) if sign != '"' else value
    return f"'{value}'"


def written_name(name: str) -> str:
    """A column name as the grammar has it."""
    plain = NAME.fullmatch(name) and name.lower() not in WORDS
    return name if plain else "`" + name.replace("`", "``") + "`"
