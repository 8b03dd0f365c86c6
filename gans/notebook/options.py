"""What is given in Python in the form in which the commands have it."""

from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from gans.data.frames import table_like
from gans.data.schema import Schema
from gans.errors import UserError

TABLES = ("real", "test", "synthetic")
WHOLE = ("n", "k", "steps", "draws", "seed")
NUMBERS = ("cost", "margin")
LISTS = ("secrets", "shortages")
TRUTHS = ("trust", "retrain")


def options(given: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Arguments of Python as arguments of a command; those that are None are left out.

    Args:
        given: by name; tables are the paths of files, or frames of pandas, polars or Arrow.
        schema: of the run, which frames are read like.

    Raises:
        UserError: an argument is of another type, or a frame cannot be read.
    """
    out: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        if key in TABLES:
            out[key] = str(value) if isinstance(value, (str, Path)) else table_like(value, schema, key)
        elif key in TRUTHS:
            if not isinstance(value, bool):
                raise UserError(f"{key}={value!r}: allowed are True, False.")
            out[key] = value
        elif key in LISTS:
            out[key] = [value] if isinstance(value, str) else list(value)
        elif key in WHOLE:
            out[key] = whole(key, value)
        elif key in NUMBERS:
            if not isinstance(value, Real) or isinstance(value, bool):
                raise UserError(f"{key}={value!r}: a number is needed.")
            out[key] = float(value)
        elif isinstance(value, (str, Path)):
            out[key] = str(value)
        else:
            raise UserError(f"{key}={value!r}: text is needed.")
    return out


def whole(key: str, value: Any) -> int:
    """A whole number.

    Raises:
        UserError: it is none.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise UserError(f"{key}={value!r}: a whole number is needed.")
    return int(value)
