"""Any table that is written as a text file reads back to the same table."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gans.data.delimited.numbers import UNSEEN
from gans.data.delimited.typed import MISSING_WORDS
from gans.data.delimited.written import Written
from gans.data.detection import detect, normalise
from gans.data.files import read_files
from gans.data.notes import note_of
from gans.data.writing import write_rows
from gans.errors import UserError

pc: Any = pyarrow.compute  # its functions are made at run time

WORDS = st.one_of(
    st.sampled_from(
        ["", "NA", "None", "null", "12", "007", "1E5", "2024-01-31", "a,b", 'say "x"', "two\nlines", " x ", "naïve ✓"]
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
)
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int8": (pa.int8(), st.integers(-128, 127)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "double": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "float": (pa.float32(), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "price": (pa.float64(), st.integers(0, 10**7).map(lambda cents: cents / 100)),
    "decimal": (pa.decimal128(12, 2), st.decimals(-(10**6), 10**6, places=2)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.string(), WORDS),
    "date": (pa.date32(), st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1))),
    "seconds": (
        pa.timestamp("s"),
        st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(lambda t: t.replace(microsecond=0)),
    ),
    "micros": (pa.timestamp("us"), st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))),
    "zoned": (
        pa.timestamp("us", "Europe/Rome"),
        st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC)),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A table of 4 to 30 rows, with a column of plain numbers and up to four others, some cells missing."""
    rows = draw(st.integers(4, 30))
    columns = {"n": pa.array([place % 3 for place in range(rows)], pa.int64())}
    for place, name in enumerate(draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))):
        kind, values = VALUES[name]
        cells = st.lists(st.one_of(values, st.none()) if draw(st.booleans()) else values, min_size=rows, max_size=rows)
        columns[f"{name} {place}"] = pa.array(draw(cells), kind)
    return pa.table(columns)


def check(table: pa.Table) -> None:
    """Reading with the schema gives the table; without it the same values, or a refusal.

    A text column of nothing but dates, truth values or grouped numbers is read as such, as people's quoted exports
    need: it is written again as it was.
    """
    schema = detect(normalise(table))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        write_rows(path, iter([table]), schema)
        known = {column.name: column for column in schema.columns}
        again = read_files([path], "out", None, known)
        assert again.column_names == table.column_names
        for name in table.column_names:
            if table[name].null_count < len(table):
                assert again[name].type == table[name].type, name
                assert again[name].to_pylist() == table[name].to_pylist(), name
        try:
            plain = read_files([path], "out")
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017
            return
    for name in table.column_names:
        read = plain[name]
        if pa.types.is_string(table[name].type) and not pa.types.is_string(read.type):
            written = Written.from_json(note_of(plain.schema.field(name)) or {}).text(read.combine_chunks())
            texts = [(text or "").strip(UNSEEN) for text in table[name].to_pylist()]
            assert ["" if text in MISSING_WORDS else text for text in texts] == [
                "" if text in MISSING_WORDS else text for text in pc.fill_null(written, "").to_pylist()
            ], name
        else:
            pairs = zip(table[name].to_pylist(), read.to_pylist(), strict=True)
            assert all(same(value, again) for value, again in pairs), name


def same(value: Any, read: Any) -> bool:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value == read
    if isinstance(value, dt.date):
        return value == read
    if isinstance(read, str):  # twenty digits could be a code
        return isinstance(value, int) and str(value) == read
    return float(value) == read or np.float32(value) == np.float32(read)  # the shortest text of a float32


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(tables())
@example(pa.table({"n": pa.array([0, 1, 2, 0]), "text": ["", "", "", "2024-01-31"]}))
@example(pa.table({"n": pa.array([0, 1, 2, 0]), "text": ["NA", "2024-01-31", "", "2024-02-01"]}))
@example(pa.table({"n": pa.array([0, 1, 2, 0]), "text": ["true", "", "false", None]}))
@example(pa.table({"n": pa.array([0, 1, 2, 0]), "text": ["$1,000", "$20,000", "$3", " $4 "]}))
def test_round_trips(table: pa.Table) -> None:
    check(table)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_many_round_trips(table: pa.Table) -> None:
    check(table)
