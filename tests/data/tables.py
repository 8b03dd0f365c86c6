"""Frames of many dtypes, for property-based tests: a strategy of columns of pandas, with missing values and without."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

CENTS = st.integers(-(10**5), 10**5).map(lambda cents: cents / 100)
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2030, 1, 1))
MOMENTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)).map(lambda time: time.replace(microsecond=0))
HOURS = st.integers(0, 500).map(lambda hours: pd.Timedelta(hours=hours))
WORDS = st.sampled_from(["", "a", "b", "é", "None", "nan", "it's"])

CELLS: dict[str, st.SearchStrategy[Any]] = {  # by dtype, what its cells hold; "dtype of ..." is an object or a category
    "int8": st.integers(-128, 127),
    "uint64": st.integers(2**64 - 500, 2**64 - 1),
    "float32": CENTS,
    "float64": CENTS,
    "bool": st.booleans(),
    "Int64": st.integers(-(2**40), 2**40),
    "Float32": CENTS,
    "boolean": st.booleans(),
    "string[python]": WORDS,
    "string[pyarrow]": WORDS,
    "datetime64[ns]": MOMENTS,
    "datetime64[s]": MOMENTS,
    "datetime64[us, Europe/Rome]": MOMENTS,
    "timedelta64[ns]": HOURS,
    "period[M]": DAYS.map(lambda day: pd.Period(day, "M")),
    "category of numbers": st.integers(10_000, 10_400),
    "category of days": MOMENTS.map(lambda time: pd.Timestamp(time).normalize()),
    "category of text": WORDS,
    "object of numbers": st.integers(-9, 9),
    "object of booleans": st.booleans(),
    "object of days": DAYS,
    "object of decimals": st.integers(-(10**6), 10**6).map(lambda cents: Decimal(cents) / 100),
    "object of text": WORDS,
    "object of times": st.times().map(lambda time: time.replace(microsecond=0)),
}
NEVER_MISSING = ("int8", "uint64", "bool")


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """A frame [4 to 40 rows] of one to five columns, and a column of noise."""
    rows = draw(st.integers(4, 40))
    columns: dict[str, pd.Series] = {}
    for name in draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5, unique=True)):
        cell = CELLS[name]
        if name not in NEVER_MISSING and draw(st.booleans()):
            cell = st.one_of(st.none(), cell)
        cells = draw(st.lists(cell, min_size=rows, max_size=rows))
        columns[name] = column_of(name, cells)
    return pd.DataFrame({**columns, "noise": np.random.default_rng(0).normal(size=rows)})


def column_of(name: str, cells: list[Any]) -> pd.Series:
    """Cells as a column of a dtype of CELLS."""
    dtype = name.partition(" of ")[0]
    if dtype == "category":
        return pd.Series(pd.Categorical(cells))
    if name == "datetime64[us, Europe/Rome]":
        return pd.Series(cells, dtype="datetime64[us]").dt.tz_localize("UTC").dt.tz_convert("Europe/Rome")
    return pd.Series(cells, dtype=dtype)  # pyright: ignore[reportArgumentType]
