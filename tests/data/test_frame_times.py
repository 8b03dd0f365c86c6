"""Dates and times that a frame has as text, and frames read like the table of a run."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gans.data.detection import detect, normalise
from gans.data.frames import Frame, learnable_where, read_frame, read_times, table_like, to_frame
from gans.data.schema import Schema
from gans.errors import UserError

ROWS = 60
DAYS = pd.Timestamp("2023-01-05") + pd.to_timedelta(np.arange(ROWS) * 17, unit="D")
ISO = DAYS[1:].strftime("%Y-%m-%d")
PATTERNS = {
    "iso": "%Y-%m-%d",
    "clock": "%Y-%m-%d %H:%M",
    "letter": "%Y-%m-%dT%H:%M:%S",
    "day": "%d/%m/%Y",
    "month": "%m/%d/%Y",
    "point": "%d.%m.%Y",
    "named": "%d %b %Y",
    "chinese": "%Y年%m月%d日",
}


def make_frame(**columns: Any) -> pd.DataFrame:
    written = {name: DAYS.strftime(pattern) for name, pattern in PATTERNS.items()}
    return pd.DataFrame({**written, "plan": ["a", "b"] * (ROWS // 2), "age": range(ROWS), **columns})


def read(frame: Any, kinds: dict[str, str] | None = None, formats: dict[str, str] | None = None) -> Frame:
    out = read_frame(frame)
    read_times(out, kinds or {}, formats or {})
    return out


def schema_of(found: Frame) -> Schema:
    """As a run has it."""
    schema = detect(
        normalise(found.table), dict.fromkeys({"age", "lasting"} & set(found.table.column_names), "integer")
    )
    schema.frame = found.form
    for column in schema.columns:
        for name, value in found.fields[column.name].items():
            setattr(column, name, value)
    return schema


@pytest.mark.parametrize("library", ["pandas", "object", "polars", "arrow"])
def test_dates_in_text_become_times_and_come_back_as_the_same_text(library: str) -> None:
    frame = make_frame()
    given = {
        "pandas": lambda: frame,
        "object": lambda: frame.astype(dict.fromkeys(PATTERNS, object)),
        "polars": lambda: pl.from_pandas(frame),
        "arrow": lambda: pa.Table.from_pandas(frame, preserve_index=False),
    }[library]()
    found = read(given)
    for name in PATTERNS:
        days = found.table[name].cast(pa.timestamp("us")).cast(pa.date32()).to_pylist()
        assert days == [day.date() for day in DAYS], name
    schema = schema_of(found)
    assert {column.kind for column in schema.columns if column.name in PATTERNS} == {"datetime"}
    again = to_frame(found.table, schema)
    if library == "polars":
        assert again.equals(given)
    elif library == "arrow":
        assert again.to_pandas().equals(given.to_pandas())
    else:
        pd.testing.assert_frame_equal(again, given)


def test_the_word_for_a_missing_date_comes_back() -> None:
    texts = [*DAYS[:-5].strftime("%Y-%m-%d"), *["unknown"] * 5]
    found = read(make_frame(left=texts))
    assert found.table["left"].null_count == 5
    assert list(to_frame(found.table, schema_of(found))["left"]) == texts


def test_a_kind_that_is_fixed_keeps_text_and_a_category_stays_one() -> None:
    frame = make_frame(tier=pd.Categorical(DAYS.strftime("%Y-%m-%d")))
    found = read(frame, {"iso": "category", "day": "id"})
    kinds = {name: str(found.table[name].type) for name in ("iso", "day", "tier", "month")}
    assert kinds.pop("month") == "date32[day]"
    assert not [kind for kind in kinds.values() if "date" in kind]


def test_other_text_is_left_alone() -> None:
    frame = make_frame(code=[f"A-{place}" for place in range(ROWS)], digits=[str(20240000 + k) for k in range(ROWS)])
    found = read(frame)
    for name in ("plan", "code", "digits"):
        assert found.table[name].equals(read_frame(frame).table[name])


def test_one_column_settles_the_order_of_day_and_month_in_another() -> None:
    unclear = (pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(ROWS) % 12, unit="D")).strftime("%d/%m/%Y")
    frame = make_frame(paid=unclear).drop(columns="month")
    assert read(frame).table["paid"][3].as_py().isoformat() == "2023-01-04"


@pytest.mark.parametrize(
    ("texts", "kinds", "formats", "said"),
    [
        (
            [*DAYS[1:].strftime("%Y-%m-%d"), "2024-02-30"],
            {},
            {},
            r"column 'd': '2024-02-30' is not a date.*kinds\['d'\]='category'",
        ),
        (["01/02/2024", "03/04/2024"] * 30, {}, {}, r"fits %d/%m/%Y and %m/%d/%Y.*set formats\['d'\]='%d/%m/%Y' or"),
        (["2024-01-31", "2024-01-31 10:00"] * 30, {}, {}, "column 'd': '2024-01-31 10:00' is not written as the other"),
        (["01-02-99", "03-04-98"] * 30, {}, {}, "a year of two digits"),
        (
            [*DAYS[1:].strftime("%Y-%m-%d"), "31 soon 7"],
            {},
            {},
            "'31 soon 7' is not like the other 98.3%.*None in the place of",
        ),
        (["soon", "later"] * 30, {"d": "datetime"}, {}, r"kinds\['d'\]='datetime': the column holds 'soon'"),
        (
            ["2024-01-31", "2024-02-30"] * 30,
            {"d": "datetime"},
            {},
            "holds '2024-02-30', which is not a date",
        ),
        (["2024-01-31", "soon", "now"] * 20, {"d": "datetime"}, {"d": "%d.%m.%Y"}, "'2024-01-31' does not fit"),
        (["31.12.2024"] * 60, {}, {"d": "dd.mm"}, r"formats\['d'\]='dd.mm': a format is needed"),
        (["31.12.2024"] * 60, {}, {"e": "%d.%m.%Y"}, r"formats\['e'\]: no such column; there are d, age"),
        (["31.12.2024"] * 60, {}, {"age": "%Y"}, r"formats\['age'\]='%Y': the column holds int64"),
    ],
    ids=["day", "order", "clock", "century", "odd", "words", "fixed", "format", "pattern", "name", "number"],
)
def test_what_is_no_date_is_named(texts: list[str], kinds: dict[str, str], formats: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(pd.DataFrame({"d": texts, "age": range(60)}), kinds, formats)


def test_a_condition_is_written_as_the_frame_writes_its_dates() -> None:
    schema = schema_of(read(make_frame()))
    where = learnable_where({"day": slice("01/02/2023", "01/03/2023"), "clock": "2023-01-05 00:00", "iso": "x"}, schema)
    assert where == {"day": slice("2023-02-01", "2023-03-01"), "clock": "2023-01-05T00:00:00", "iso": "x"}


# Frames like the table of a run


def test_a_frame_is_read_like_the_training_frame() -> None:
    lasting = pd.to_timedelta(np.arange(ROWS), unit="D")
    schema = schema_of(read(make_frame(lasting=lasting)))
    test = make_frame(lasting=lasting + pd.Timedelta(hours=12), notes=[[1]] * ROWS)  # hours, and what no run compares
    found = table_like(test, schema, "test")
    assert found["lasting"].to_pylist() == list(range(ROWS))
    assert found.select(PATTERNS).equals(read(make_frame()).table.select(PATTERNS))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.assign(day="soon"), "test: column 'day' contains text that is not a date or time"),
        (lambda frame: frame.head(0), "test: the frame is empty"),
        (lambda frame: frame.assign(age=[[1]] * ROWS), "test: column 'age' of the frame has the dtype object"),
        (lambda frame: [1, 2], "test: frame=builtins.list: allowed are pandas.DataFrame"),
    ],
    ids=["text", "empty", "lists", "list"],
)
def test_what_is_no_frame_like_it_is_refused(change: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        table_like(change(make_frame()), schema_of(read(make_frame())), "test")
