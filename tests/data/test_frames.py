import datetime as dt
import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.data.frames import learnable_where, read_frame, to_frame
from gans.data.layout import Encoded
from gans.data.schema import Schema
from gans.errors import UserError

SPEC: Any = importlib.util.spec_from_file_location("tables", Path(__file__).with_name("tables.py"))
tables = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tables)

ROWS = 120
RNG = np.random.default_rng(0)


def fit(frame: Any) -> tuple[Any, pa.Table, Schema]:
    """The codec of a frame, its table, and its schema as JSON brings it back."""
    read = read_frame(frame)
    table = normalise(read.table)
    schema = detect(table, read.kinds)
    schema.frame = json.loads(json.dumps(read.form))
    for column in schema.columns:
        column.frame = json.loads(json.dumps(read.fields[column.name]["frame"]))
    return Quantile().fit(table, schema), table, schema


def drawn(codec: Any, rows: int) -> Encoded:
    """Rows as a generator might give them."""
    rng = np.random.default_rng(1)
    scalars = rng.normal(0, 2, (rows, codec.layout.scalars)).clip(-codec.layout.bound, codec.layout.bound)
    codes = [rng.integers(0, levels, rows) for levels in codec.layout.cardinalities]
    stacked = np.stack(codes, 1) if codes else np.zeros((rows, 0))
    return Encoded(scalars.astype(np.float32), stacked.astype(np.int32))


def check(frame: pd.DataFrame) -> None:
    codec, table, schema = fit(frame)
    kept = [column.name for column in schema.kept]
    pd.testing.assert_frame_equal(to_frame(codec.decode(codec.encode(table)), schema), frame[kept])
    rows = to_frame(codec.decode(drawn(codec, 50)), schema)
    assert rows.dtypes.to_dict() == frame[kept].dtypes.to_dict()
    for name in kept:
        real, made = frame[name], rows[name]
        assert real.isna().any() or not made.isna().any(), name
        known, values = real.dropna(), made.dropna()
        if schema[name].kind in ("category", "boolean"):
            assert set(values) <= set(known), name
        elif len(values):
            assert known.min() <= values.min() <= values.max() <= known.max(), name
        if name in ("float32", "float64", "Float32"):
            cents = values.astype("float64").round(2).astype(values.dtype)
            assert (cents == values).all(), name


@settings(derandomize=True, max_examples=100, deadline=None, database=None)
@given(frame=tables.frames())
def test_random_frames_come_back(frame: pd.DataFrame) -> None:
    check(frame)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None, database=None)
@given(frame=tables.frames())
def test_many_random_frames_come_back(frame: pd.DataFrame) -> None:
    check(frame)


@settings(derandomize=True, max_examples=30, deadline=None, database=None)
@given(frame=tables.frames())
def test_the_same_table_through_a_parquet_file(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    import pyarrow.parquet as pq

    table = read_frame(frame).table
    path = tmp_path_factory.mktemp("parquet") / "x.parquet"
    pq.write_table(table, path)
    back, plain = normalise(read_table(str(path), "data.path")), normalise(table)
    assert back.cast(plain.schema).equals(plain)  # Parquet has no times in seconds


def test_an_index_of_pandas_in_a_parquet_file_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pd.DataFrame({"a": [1, 2, 3]}, index=[7, 5, 9]).to_parquet(tmp_path / "x.parquet")
    with caplog.at_level("WARNING", "gans"):
        assert read_table(str(tmp_path / "x.parquet"), "data.path").column_names == ["a"]


CODES = np.sort(RNG.choice(np.arange(10_000, 99_999), 60, replace=False))


@pytest.mark.parametrize(
    "values",
    [
        RNG.choice(CODES, ROWS),
        RNG.choice(CODES / 8, ROWS),
        pd.Timestamp("2024-01-01") + pd.to_timedelta(CODES, unit="D"),
    ],
    ids=["whole", "fractions", "days"],
)
def test_categories_that_are_numbers_or_days_give_known_ones_only(values: Any) -> None:
    values = np.resize(np.asarray(values), ROWS)
    frame = pd.DataFrame({"code": pd.Categorical(values), "noise": RNG.normal(size=ROWS)})
    codec, _, schema = fit(frame)
    rows = to_frame(codec.decode(drawn(codec, 500)), schema)
    assert schema["code"].kind == "category"
    assert not rows["code"].isna().any()
    assert rows["code"].dtype == frame["code"].dtype


@pytest.mark.parametrize(
    "names",
    [
        [0, 1, 2],
        [None, 1.5, ("a", 1)],
        pd.MultiIndex.from_tuples([("money", "x"), ("money", "y"), ("who", "z")], names=["room", None]),
        pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"]),
        pd.Index([dt.date(2024, 1, 1), "a", 7], name="day"),
    ],
    ids=["whole", "mixed", "levels", "days", "objects"],
)
def test_names_that_are_not_text_come_back(names: Any) -> None:
    if isinstance(names, list) and None in names:
        names = pd.Index(names, dtype=object, tupleize_cols=False)
    frame = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.integers(0, 5, ROWS), "c": ["u", "v"] * (ROWS // 2)})
    frame.columns = names
    codec, table, schema = fit(frame)
    back = to_frame(codec.decode(codec.encode(table)), schema)
    pd.testing.assert_index_equal(back.columns, frame.columns, exact="equiv")


def test_where_has_the_names_and_values_of_the_frame() -> None:
    waits = pd.to_timedelta(RNG.integers(0, 50, ROWS), unit="h")
    frame = pd.DataFrame({0: waits, 1: RNG.integers(0, 5, ROWS), "bin": pd.cut(RNG.normal(size=ROWS), 3)})
    _, _, schema = fit(frame)
    first = frame["bin"].cat.categories[0]
    asked = learnable_where({0: pd.Timedelta(hours=3), 1: 3, "bin": first}, schema)
    assert asked == {"0": 3, "1": 3, "bin": str(first)}


@pytest.mark.parametrize(
    "cells",
    [[1, None, 4], [True, False, None], [Decimal("1.10"), None], [dt.date(2024, 1, 1), dt.date(2024, 1, 3), np.nan]],
    ids=["whole", "booleans", "decimals", "days"],
)
def test_objects_stay_objects(cells: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Series((cells * ROWS)[:ROWS], dtype=object), "noise": RNG.normal(size=ROWS)})
    codec, table, schema = fit(frame)
    back = to_frame(codec.decode(codec.encode(table)), schema)["x"]
    assert back.dtype == object
    assert [type(value) for value in back] == [type(value) for value in frame["x"]]


@pytest.mark.parametrize(
    "zone", ["dateutil/Europe/Rome", "Europe/Rome", dt.timezone(dt.timedelta(hours=5, minutes=30))]
)
def test_zones_of_every_library_come_back(zone: Any) -> None:
    when = pd.Series(pd.date_range("2024-01-01", periods=ROWS, freq="h", tz=zone))
    frame = pd.DataFrame({"when": when, "noise": RNG.normal(size=ROWS)})
    codec, table, schema = fit(frame)
    pd.testing.assert_frame_equal(to_frame(codec.decode(codec.encode(table)), schema), frame)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([Decimal(k) / 100 for k in range(ROWS)], pa.decimal256(50, 2)),
        pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
        pa.array([k % 24 * 3_600 for k in range(ROWS)], pa.time32("s")),
        pa.array([b"a", b"bc"] * (ROWS // 2)),
        pa.array((np.arange(ROWS) / 10).astype(np.float16)),
    ],
    ids=lambda array: str(array.type),
)
def test_tables_of_arrow_come_back(array: pa.Array) -> None:
    table = pa.table({"x": array, "noise": RNG.normal(size=ROWS)})
    codec, plain, schema = fit(table)
    back = to_frame(codec.decode(codec.encode(plain)), schema)
    assert back.schema == table.schema
    assert back["x"].to_pylist() == table["x"].to_pylist()


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([[1], [2]], "values of type list"),
        ([1, "a"], "numbers and text"),
        ([1j, 2j], "complex128"),
        ([2**70, 1], "dtype object"),
    ],
)
def test_what_cannot_be_learned_is_refused(cells: list[Any], said: str) -> None:
    with pytest.raises(UserError, match=f"column 'x' of the frame has the dtype .*{said}|{said}"):
        read_frame(pd.DataFrame({"x": cells}))
    with pytest.raises(UserError, match="the same as text"):
        read_frame(pd.DataFrame([[1, 2]], columns=pd.Index([1, "1"], dtype=object)))
