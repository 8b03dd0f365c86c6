import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gans.data.codecs import Codec, FittedCodec
from gans.data.codecs.quantile import Quantile
from gans.data.codecs.standard import Standard
from gans.data.detection import detect, normalise
from gans.data.schema import Schema
from gans.errors import UserError

ROWS = 60
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=ROWS)
both = pytest.mark.parametrize("codec", [Quantile(), Standard()], ids=["quantile", "standard"])


def cycle(values: Sequence[Any], kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([values[i % len(values)] for i in range(ROWS)], kind)


def fit(codec: Codec, table: pa.Table, kinds: dict[str, str] | None = None) -> tuple[pa.Table, FittedCodec]:
    table = normalise(table)
    return table, codec.fit(table, detect(table, kinds))


def round_trip(codec: Codec, values: pa.Array, kind: str | None = None) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    table, fitted = fit(codec, pa.table({"x": values, "noise": NOISE}), {"x": kind} if kind else None)
    return table["x"], fitted.decode(fitted.encode(table))["x"]


def days(numbers: Sequence[int]) -> list[dt.date]:
    return [dt.date(1, 1, 1) + dt.timedelta(days=int(i)) for i in numbers]


def integers(low: int, high: int, kind: pa.DataType) -> pa.Array:
    rng = np.random.default_rng(1)
    values = [low, high] + [low + int(rng.random() * (high - low)) // 3 * 3 for _ in range(ROWS // 2 - 2)]
    return cycle(values, kind)


EXACT = {
    "int8": integers(-128, 127, pa.int8()),
    "int16": integers(-(2**15), 2**15 - 1, pa.int16()),
    "int32": integers(-(2**31), 2**31 - 1, pa.int32()),
    "int64 wide": integers(-(2**52), 2**51, pa.int64()),
    "int64 lowest": integers(-(2**63), -(2**63) + 999, pa.int64()),
    "int64 highest": integers(2**63 - 999, 2**63 - 1, pa.int64()),
    "uint8": integers(0, 255, pa.uint8()),
    "uint16": integers(0, 2**16 - 1, pa.uint16()),
    "uint32": integers(0, 2**32 - 1, pa.uint32()),
    "uint64": integers(0, 9, pa.uint64()),
    "uint64 highest": integers(2**64 - 999, 2**64 - 1, pa.uint64()),
    "integer missing": cycle([3, None, -7, 12, 12]),
    "whole floats": cycle([3.0, None, -7.0, 2.0**22]),
    "whole float32": cycle([3.0, -7.0, 2.0**23], pa.float32()),
    "whole decimals": cycle([Decimal("100.00"), Decimal("-99.00"), Decimal("5.00"), None], pa.decimal128(5, 2)),
    "huge decimals": cycle([Decimal(5), Decimal(10**6), Decimal(-3)], pa.decimal128(38, 0)),
    "decimals": cycle([Decimal("999.99"), Decimal("-0.01"), Decimal("0.29"), None], pa.decimal128(5, 2)),
    "decimal category": cycle([Decimal("0.10"), Decimal("0.25"), None], pa.decimal128(4, 2)),
    "boolean": cycle([True, False]),
    "boolean missing": cycle([True, None, False]),
    "true or missing": cycle([True, None]),
    "text": cycle(["", " ", "a", "A", "a ", "None", "null", "nan", "日本", "𝔘", "e\u0301", "é", "\n", "it's"]),
    "text missing": cycle(["b", None, "a"]),
    "number category": cycle([0.1, 1e300, None]),
    "float32 category": cycle([0.1, 0.2], pa.float32()),
    "date32": pa.array(days(RNG.integers(735_000, 738_000, ROWS))),
    "date32 missing": cycle([*days([735_000, 735_001, 735_400]), None]),
    "date sentinels": cycle(days([0, 693_595, 737_000, 737_001, 3_652_058])),
    "date64": pa.array(days(RNG.integers(700_000, 738_000, ROWS)), pa.date64()),
    "one date or missing": cycle([*days([735_000]), None]),
    "timestamp s": pa.array(RNG.integers(-(10**9), 10**9, ROWS), pa.timestamp("s")),
    "timestamp ms": pa.array(RNG.integers(-(10**12), 10**12, ROWS), pa.timestamp("ms")),
    "timestamp us": pa.array(RNG.integers(-(10**15), 10**15, ROWS), pa.timestamp("us")),
    "timestamp us sentinel": cycle([0, 10**15, 253_402_214_400_000_000], pa.timestamp("us")),
    "timestamp ns": pa.array(RNG.integers(10**18, 10**18 + 10**15, ROWS), pa.timestamp("ns")),
    "timestamp ns long": pa.array(np.array(["1700-01-01", "1970-01-01", "2262-04-11"] * 20, "datetime64[ns]")),
    "timestamp ns missing": cycle([10**18, None, 10**18 + 1], pa.timestamp("ns")),
    "timestamp zone": cycle([10**15, 10**15 + 1, None], pa.timestamp("us", tz="Europe/Amsterdam")),
    "timestamp offset": pa.array(RNG.integers(0, 10**6, ROWS), pa.timestamp("s", tz="+05:30")),
    "two decimals": pa.array([round(v, 2) for v in (NOISE * 1e4).tolist()]),
    "six decimals": pa.array([round(v, 6) for v in (NOISE * 1e3).tolist()]),
    "decimals missing": cycle([0.1, 0.2, 0.3, None, 12345.678]),
    "tied": cycle([0.0] * 17 + [0.1, 0.7, 0.9]),
    "two heavy ends": cycle([-0.5] * 5 + [0.1, 0.2] + [9.25] * 5),
}


@both
@pytest.mark.parametrize("name", EXACT)
def test_round_trip_is_exact(codec: Codec, name: str) -> None:
    real, back = round_trip(codec, EXACT[name])
    assert back.type == real.type == EXACT[name].type
    assert back.to_pylist() == real.to_pylist()
    assert back.null_count == EXACT[name].null_count


@both
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", cycle([1.5, None])),
        ("integer", cycle([7, None])),
        ("numeric", cycle([0.25, 0.5])),
        ("category", cycle([1011, 2022, 3033, None])),
        ("category", cycle([1.5, 2.5, 3.5])),
        ("category", cycle([True, False])),
        ("category", cycle([Decimal(10**20), Decimal(10**20 + 1), None], pa.decimal128(38, 0))),
        ("category", cycle([2**63 - 1, -(2**63), 0])),
    ],
)
def test_round_trip_of_fixed_kinds(codec: Codec, kind: str, values: pa.Array) -> None:
    real, back = round_trip(codec, values, kind)
    assert back.to_pylist() == real.to_pylist()


@both
@pytest.mark.parametrize(
    "values",
    [NOISE, NOISE * 1e-300, NOISE * 1e12, np.exp(8 * NOISE), np.where(NOISE > 0, NOISE, 0), NOISE.astype(np.float32)],
    ids=["normal", "tiny", "large", "heavy", "half zero", "float32"],
)
def test_arbitrary_floats_come_back(codec: Codec, values: np.ndarray) -> None:
    real, back = round_trip(codec, pa.array(values))
    scale = np.ptp(values) if isinstance(codec, Standard) else np.abs(values)
    assert np.all(np.abs(back.to_numpy() - real.to_numpy()) <= 1e-6 * scale)
    assert back.type == real.type


@pytest.mark.parametrize("values", [[3.0, None, -7.0, 2.0**52], [1.0, 2.0**53 - 1, 2.0**53 - 2, 5.0]])
def test_whole_floats_far_apart_come_back(values: list[float]) -> None:
    real, back = round_trip(Quantile(), cycle(values))
    assert back.to_pylist() == real.to_pylist()


def test_the_largest_floats_come_back() -> None:
    real, back = round_trip(Quantile(), cycle([1.7e308, -1.7e308, 1.0, 2.5]))
    assert back.to_pylist() == real.to_pylist()


CELLS: dict[str, tuple[st.SearchStrategy[Any], pa.DataType]] = {
    "whole": (st.integers(-(10**6), 10**6), pa.int64()),
    "small": (st.integers(-128, 127), pa.int8()),
    "cents": (st.integers(-(10**7), 10**7).map(lambda v: v / 100), pa.float64()),
    "text": (st.sampled_from(["", "a", "b", "é", "None"]), pa.string()),
    "flag": (st.booleans(), pa.bool_()),
    "day": (st.dates(), pa.date32()),
    "moment": (st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), pa.timestamp("us")),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(2, 40))
    columns = {}
    for name in draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, unique=True)):
        cell, kind = CELLS[name]
        cell = st.one_of(st.none(), cell) if draw(st.booleans()) else cell
        columns[name] = pa.array(draw(st.lists(cell, min_size=rows, max_size=rows)), kind)
    return normalise(pa.table(columns))


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(table=tables())
def test_random_tables_come_back(table: pa.Table) -> None:
    table = table.append_column("noise", [NOISE[: table.num_rows]])
    schema = detect(table)
    fitted = Quantile().fit(table, schema)
    encoded = fitted.encode(table, 3)
    back = fitted.decode(encoded)
    assert back.equals(table.select([c.name for c in schema.kept]))
    assert np.isfinite(encoded.scalars).all()
    assert np.abs(encoded.scalars).max(initial=0) <= fitted.layout.bound
    assert np.all((encoded.codes >= 0) & (encoded.codes < np.array(fitted.layout.cardinalities)))


@pytest.mark.parametrize(
    "constant",
    [
        pa.scalar("x"),
        pa.scalar(5, pa.int8()),
        pa.scalar(2**64 - 1, pa.uint64()),
        pa.scalar(0.1),
        pa.scalar(0.1, pa.float32()),
        pa.scalar(True),
        pa.scalar(Decimal("0.10")),
        pa.scalar(dt.date(9999, 12, 31)),
        pa.scalar(dt.date(2020, 1, 1), pa.date64()),
        pa.scalar(10**18 + 1, pa.timestamp("ns")),
        pa.scalar(10**15 + 1, pa.timestamp("us", tz="Europe/Amsterdam")),
        pa.scalar(None, pa.timestamp("us")),
        pa.scalar(None, pa.int32()),
    ],
    ids=str,
)
def test_constants_are_written_back(constant: pa.Scalar, tmp_path: Path) -> None:
    values = pa.array([constant.as_py()] * ROWS, constant.type) if constant.type != pa.timestamp("ns") else None
    values = pa.array([constant.value] * ROWS, constant.type) if values is None else values
    table, fitted = fit(Quantile(), pa.table({"x": values, "noise": NOISE}))
    fitted.schema.write(tmp_path / "schema.json")
    fitted.schema = Schema.read(tmp_path / "schema.json")
    assert fitted.schema["x"].role == "constant"
    back = fitted.decode(fitted.encode(table))["x"]
    assert back.type == constant.type
    assert back.equals(table["x"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (cycle([-(2**62), 2**62, 5]), "integer"),
        (cycle([0, 2**64 - 1, 5], pa.uint64()), "integer"),
        (cycle([1.0, 2.0**60, 5.0]), "integer"),
        (cycle([0, 10**18 + 1, 7], pa.timestamp("ns")), "datetime"),
    ],
)
@both
def test_a_span_that_float64_cannot_hold_is_refused(codec: Codec, values: pa.Array, kind: str) -> None:
    with pytest.raises(UserError, match=r"column 'x': its values span more than 2\^53.*data\.kinds\.x=id"):
        fit(codec, pa.table({"x": values, "noise": NOISE}), {"x": kind})


@both
def test_three_hundred_columns(codec: Codec) -> None:
    rng = np.random.default_rng(3)
    columns: dict[str, Any] = {}
    for i in range(100):
        columns[f"number {i}"] = np.round(rng.normal(size=50), 3)
        columns[f"level {i}"] = rng.choice([f"{k}" for k in range(2 + i % 7)], 50)
        columns[f"count {i}"] = pa.array(rng.poisson(3, 50), mask=rng.random(50) < 0.1)
    table, fitted = fit(codec, pa.table(columns))
    assert fitted.layout.scalars == 200
    assert list(fitted.layout.cardinalities) == sorted(fitted.layout.cardinalities)
    assert fitted.decode(fitted.encode(table)).equals(table)
