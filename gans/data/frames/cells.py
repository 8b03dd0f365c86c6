"""Single values that name columns or categories, for JSON: text, numbers, dates, times, tuples, intervals, periods."""

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np

from gans.data.frames.arrow import NotLearnableError
from gans.data.frames.zones import zone_from_json, zone_to_json


def to_cell(value: Any) -> Any:
    """A value for JSON.

    Raises:
        NotLearnableError: JSON cannot say it.
    """
    import pandas as pd

    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [to_cell(part) for part in value]}
    if value is pd.NA or value is pd.NaT:
        return {"missing": str(value)}
    if isinstance(value, pd.Timestamp):
        wall = value.tz_localize(None).isoformat()
        return {"timestamp": wall if value.tz is None else value.tz_convert("UTC").tz_localize(None).isoformat()} | (
            {"unit": value.unit} | ({} if value.tz is None else {"zone": zone_to_json(value.tz)})
        )
    if isinstance(value, pd.Timedelta):
        return {"duration": value.isoformat(), "unit": value.unit}
    if isinstance(value, pd.Period):
        return {"period": value.ordinal, "freq": value.freqstr}
    if isinstance(value, pd.Interval):
        return {"interval": [to_cell(value.left), to_cell(value.right)], "closed": value.closed}
    for name, kind in (("datetime", datetime.datetime), ("date", datetime.date), ("time", datetime.time)):
        if isinstance(value, kind):
            return {name: value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    raise NotLearnableError(f"{value!r} of type {type(value).__name__} cannot be stored; write it as text or a number")


def from_cell(cell: Any) -> Any:
    """What `to_cell` wrote."""
    import pandas as pd

    if not isinstance(cell, dict):
        return cell
    name, value = next(iter(cell.items()))
    if name == "timestamp":
        stamp = pd.Timestamp(value).as_unit(cell["unit"])
        return stamp.tz_localize("UTC").tz_convert(zone_from_json(cell["zone"])) if "zone" in cell else stamp
    if name == "interval":
        return pd.Interval(from_cell(value[0]), from_cell(value[1]), cell["closed"])
    makers: dict[str, Any] = {
        "float": float,
        "tuple": lambda parts: tuple(map(from_cell, parts)),
        "missing": lambda text: pd.NA if text == "<NA>" else pd.NaT,
        "duration": lambda text: pd.Timedelta(text).as_unit(cell["unit"]),
        "period": lambda ordinal: pd.Period(ordinal=ordinal, freq=cell["freq"]),
        "datetime": datetime.datetime.fromisoformat,
        "date": datetime.date.fromisoformat,
        "time": datetime.time.fromisoformat,
        "decimal": Decimal,
    }
    return makers[name](value)
