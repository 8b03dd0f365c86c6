"""What a column's type holds, and how the values of `where` compare with it."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gans.errors import UserError
from gans.sampling.where.literals import BOOLEAN, NUMBER, TEXT, Literal, decimal, family, has_zone, moment, written

lib: Any = pa.lib  # pyright: ignore[reportAttributeAccessIssue]
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class Grid(NamedTuple):
    """A type that holds whole multiples of `unit`, from `least` to `most` of them, seen as the type `plain`."""

    unit: Fraction
    plain: pa.DataType
    least: int
    most: int

    def value(self, steps: int) -> int | Decimal:
        """Some multiples as `plain` takes them."""
        scale = getattr(self.plain, "scale", None)
        return steps if scale is None else Decimal(f"{steps}E{-scale}")


def grid_of(kind: pa.DataType) -> Grid | None:
    """The grid of integers, decimals (units of 1) and times (units of nanoseconds); None for other types."""
    if pa.types.is_decimal(kind):
        most = 10**kind.precision - 1
        return Grid(Fraction(10) ** -kind.scale, kind, -most, most)
    plain, unit = kind, Fraction(1)
    if pa.types.is_timestamp(kind):
        plain, unit = pa.int64(), Fraction(NANOSECONDS[kind.unit])
    elif pa.types.is_date32(kind):
        plain, unit = pa.int32(), Fraction(86_400 * 10**9)
    elif pa.types.is_date64(kind):
        plain, unit = pa.int64(), Fraction(10**6)
    if not pa.types.is_integer(plain):
        return None
    limits = np.iinfo(plain.to_pandas_dtype())
    return Grid(unit, plain, int(limits.min), int(limits.max))


def holds(kind: pa.DataType) -> tuple[str, str]:
    """The family of values that a type compares with, and its words."""
    if pa.types.is_boolean(kind):
        return BOOLEAN, "true and false"
    if pa.types.is_temporal(kind):
        return TEXT, "times"
    return (TEXT, "text") if pa.types.is_string(kind) else (NUMBER, "numbers")


def exact(value: Literal, kind: pa.DataType) -> Fraction:
    """A number, or the nanoseconds from 1970 to a time; 0 for text and booleans.

    Raises:
        UserError: the value cannot be compared with what the type holds; the message goes on from "holds".
    """
    held, words = holds(kind)
    if family(value) != held:
        raise UserError(f"{words}, and {written(value)} is {family(value)}.")
    if not pa.types.is_temporal(kind):
        return Fraction(0) if isinstance(value, (bool, str)) else Fraction(decimal(value))
    zone = getattr(kind, "tz", None)
    instant = moment(str(value), lib.string_to_tzinfo(zone) if zone else None)
    if instant is None:
        raise UserError(f"times, and {written(value)} is none; write one as '2024-01-31' or '2024-01-31T12:00:00'.")
    if has_zone(str(value)) and not zone:
        raise UserError(f"times without a zone, and {written(value)} names one; leave it out.")
    return Fraction(instant)
