import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from gans.data.base import Source
from gans.data.codecs import Codec, FittedCodec
from gans.data.codecs.base import MOST_KNOTS
from gans.data.codecs.quantile import Quantile
from gans.data.codecs.standard import Standard
from gans.data.layout import Encoded
from gans.data.schema import Schema, detect, normalise
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
    assert np.isfinite(encoded.scores).all()
    assert np.abs(encoded.scores).max(initial=0) <= fitted.layout.bound
    assert np.all((encoded.codes >= 0) & (encoded.codes < np.array(fitted.layout.cardinalities)))


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).lognormal(3, 2, 4000),
        np.where(np.random.default_rng(1).random(4000) < 0.9, 0.0, np.random.default_rng(2).lognormal(3, 2, 4000)),
        np.random.default_rng(1).poisson(1.0, 4000).astype(float),
        np.random.default_rng(1).integers(0, 3, 4000) / 2,
    ],
    ids=["distinct", "nine in ten zero", "counts", "three values"],
)
def test_quantile_scores_are_standard_normal(values: np.ndarray) -> None:
    table, fitted = fit(Quantile(atom=1), pa.table({"x": values}))
    scores = np.sort(fitted.encode(table).scores[:, 0].astype(np.float64))
    share = ndtr(scores)
    steps = np.arange(len(scores) + 1) / len(scores)
    statistic = max(np.abs(share - steps[1:]).max(), np.abs(share - steps[:-1]).max())
    assert statistic < 1.63 / np.sqrt(len(scores))  # the 1 % point of Kolmogorov's law
    assert abs(scores.mean()) < 0.03
    assert abs(scores.std() - 1) < 0.03


def test_quantile_scores_of_distinct_values_are_those_of_blom() -> None:
    values = np.array([5.5, 1.5, 9.25, 2.5])
    table, fitted = fit(Quantile(), pa.table({"x": values}))
    np.testing.assert_allclose(
        fitted.encode(table).scores[:, 0], ndtri((np.array([2, 0, 3, 1]) + 0.5) / 4).astype(np.float32), rtol=1e-6
    )


def test_a_tied_value_keeps_its_step_of_the_normal_law() -> None:
    values = np.repeat([0.5, 1.5, 2.5, 7.25], [10, 20, 40, 30])
    table, fitted = fit(Quantile(), pa.table({"x": values}))
    scores = fitted.encode(table).scores[:, 0]
    edges = ndtri(np.array([0.005, 0.1, 0.3, 0.7, 0.995]))
    for k, value in enumerate([0.5, 1.5, 2.5, 7.25]):
        inside = scores[values == value]
        assert edges[k] <= inside.min() < inside.max() <= edges[k + 1]
        assert len(np.unique(inside)) > 1
    middle = fitted.encode(table, None).scores[:, 0]
    assert len(np.unique(middle)) == 4


def test_standard_scores() -> None:
    values = np.array([1.0, 2.5, 4.0, 4.0, -3.25])
    table, fitted = fit(Standard(), pa.table({"x": values}))
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(fitted.encode(table).scores[:, 0], expected, rtol=1e-6)
    assert fitted.layout.bound >= np.abs(expected).max()


@both
def test_scores_are_monotone_and_between_knots_too(codec: Codec) -> None:
    values = np.round(np.random.default_rng(5).gamma(1, 50, 500), 1)
    values[:200] = 20.0
    _, fitted = fit(codec, pa.table({"x": values}))
    asked = np.sort(np.concatenate([values, np.linspace(-50, 2 * values.max(), 999)]))
    scores = fitted.encode(pa.table({"x": asked}), None).scores[:, 0]
    assert np.all(np.diff(scores) >= 0)
    back = fitted.decode(Encoded(scores[:, None], np.zeros((len(scores), 0), np.int32)))["x"].to_numpy()
    inside = np.clip(asked, values.min(), values.max())
    known = np.unique(values)
    below = known[np.searchsorted(known, inside, "right") - 1]
    above = known[np.searchsorted(known, inside)]
    assert np.all((back >= below) & (back <= above))
    once = np.unique(values, return_counts=True)[1] == 1
    room = once[np.searchsorted(known, inside)] | isinstance(codec, Standard)  # two tied neighbours leave none
    assert room.sum() > 100
    assert np.all(np.abs(back - inside)[room] < 0.0501)


@both
def test_values_outside_the_bounds_are_clipped(codec: Codec) -> None:
    columns = {"n": [-10, 0, 100, 7], "u": pa.array([5, 9, 200, 7], pa.uint8()), "f": [0.5, 1.5, 2.5, 0.75]}
    columns["d"] = pa.array(days([10, 20, 30, 31]))
    _, fitted = fit(codec, pa.table(columns))
    beyond = pa.table(
        {
            "n": [-(2**63), 2**63 - 1],
            "u": pa.array([0, 2**64 - 1], pa.uint64()),
            "f": [-1e9, 1e9],
            "d": pa.array(days([0, 3_000_000])),
        }
    )
    back = fitted.decode(fitted.encode(beyond))
    assert back.to_pydict() == {"n": [-10, 100], "u": [5, 200], "f": [0.5, 2.5], "d": days([10, 31])}


def test_a_score_beyond_the_bound_decodes_to_the_end() -> None:
    _, fitted = fit(Quantile(), pa.table({"x": [1.5, 2.5, 9.5]}))
    back = fitted.decode(Encoded(np.array([[-99.0], [99.0]], np.float32), np.zeros((2, 0), np.int32)))
    assert back["x"].to_pylist() == [1.5, 9.5]


def mixed(seed: int = 0, rows: int = 200) -> pa.Table:
    rng = np.random.default_rng(seed)
    hole = rng.random((2, rows)) < 0.2
    return normalise(
        pa.table(
            {
                "plan": rng.choice(["basic", "gold", "zéro"], rows),
                "spend": pa.array(np.round(rng.gamma(1, 30, rows), 2), mask=hole[0]),
                "country": ["NL"] * rows,
                "visits": pa.array(rng.poisson(2, rows).astype(np.int16)),
                "customer_id": [f"c{i}" for i in range(rows)],
                "churned": pa.array(rng.random(rows) < 0.3, mask=hole[1]),
                "joined": pa.array(days(737_000 + rng.integers(0, 900, rows))),
                "nothing": pa.nulls(rows),
                "tier": pa.array([None if i % 3 else Decimal("0.50") for i in range(rows)], pa.decimal128(4, 2)),
            }
        )
    )


def test_encoding_is_deterministic_by_seed() -> None:
    table, fitted = fit(Quantile(), mixed())
    first, again, other = (fitted.encode(table, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.scores, again.scores)
    assert not np.array_equal(first.scores, other.scores)
    assert np.array_equal(first.codes, other.codes)
    assert first.scores.dtype == np.float32
    assert first.codes.dtype == np.int32
    assert fitted.decode(first).equals(fitted.decode(other))


@both
def test_columns_order_types_constants_and_ids(codec: Codec) -> None:
    table, fitted = fit(codec, mixed())
    back = fitted.decode(fitted.encode(table))
    kept = [name for name in table.column_names if name != "customer_id"]
    assert back.column_names == kept
    assert back.equals(table.select(kept))
    assert set(back["country"].to_pylist()) == {"NL"}
    assert back["nothing"].null_count == len(back)
    shuffled = table.select(list(reversed(table.column_names)))
    assert np.array_equal(fitted.encode(shuffled).scores, fitted.encode(table).scores)
    assert fitted.decode(Encoded(*(a[:0] for a in fitted.encode(table)))).schema == back.schema


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


@both
def test_saved_codec_gives_the_same(codec: Codec, tmp_path: Path) -> None:
    table, fitted = fit(codec, mixed())
    fitted.save(tmp_path / "codec.npz")
    fitted.schema.write(tmp_path / "schema.json")
    loaded = FittedCodec.load(tmp_path / "codec.npz", Schema.read(tmp_path / "schema.json"))
    assert loaded.layout == fitted.layout
    first, second = fitted.encode(table, 4), loaded.encode(table, 4)
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.codes, second.codes)
    rng = np.random.default_rng(0)
    made = Encoded(rng.normal(size=first.scores.shape).astype(np.float32), first.codes[::-1])
    assert loaded.decode(made).equals(fitted.decode(made))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_the_codec_file_holds_marginals_and_no_row(tmp_path: Path) -> None:
    table, fitted = fit(Quantile(), mixed())
    fitted.save(tmp_path / "codec.npz")
    with np.load(tmp_path / "codec.npz", allow_pickle=False) as data:
        meta = json.loads(data["meta"].tobytes())
        knots = {int(name.split(".")[0]): data[name] for name in data.files if name not in ("meta", "relations")}
    assert [row["name"] for row in meta] == ["plan", "spend", "visits", "churned", "joined", "tier"]
    for place, (values, low, high) in knots.items():
        assert np.all(np.diff(values) > 0)
        assert np.all(low <= high)
        assert np.all(high[:-1] < low[1:])
        assert len(values) == len(set(table[meta[place]["name"]].drop_null().to_pylist()))
    for row in meta:
        known = [level for level in row["levels"] if level is not None]
        assert known == sorted(known)
    assert "c17" not in json.dumps(meta)


@pytest.mark.parametrize("damage", [b"", b"hello", b"PK\x03\x04 broken", "cut", "flipped", "no meta", "extra"])
def test_damaged_codec(damage: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "codec.npz"
    _, fitted = fit(Quantile(), mixed())
    fitted.save(path)
    whole = path.read_bytes()
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    elif damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "flipped":
        path.write_bytes(whole[:60] + bytes(255 - b for b in whole[60:160]) + whole[160:])
    elif damage == "no meta":
        np.savez(path, other=np.zeros(3))
    else:
        meta = json.dumps([{"name": "plan", "levels": ["a"], "colour": 1}]).encode()
        np.savez(path, meta=np.frombuffer(meta, np.uint8))
    with pytest.raises(UserError, match=r"codec\.npz: not a readable codec"):
        FittedCodec.load(path, fitted.schema)
    with pytest.raises(UserError, match="not a readable codec"):
        FittedCodec.load(tmp_path / "none.npz", fitted.schema)


def replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return table.set_column(table.column_names.index(name), name, array)


@pytest.mark.parametrize(
    ("name", "values", "parts"),
    [
        ("plan", ["golf"] * 200, ["'plan'", "'golf'", "basic, gold", "Did you mean 'gold'"]),
        ("plan", ["gold"] * 199 + [None], ["'plan'", "row 199"]),
        ("visits", [3] * 7 + [None] * 193, ["'visits'", "row 7"]),
        ("visits", ["many"] * 200, ["'visits'", "integer", "many"]),
        ("visits", pa.array(days(range(200))), ["'visits'", "integer", "date32"]),
        ("joined", ["soon"] * 200, ["'joined'", "datetime", "soon"]),
        ("joined", [1.5] * 200, ["'joined'", "datetime"]),
        ("churned", ["maybe"] * 200, ["'churned'", "bool", "maybe"]),
        ("churned", pa.array(days(range(200))), ["'churned'", "bool", "date32"]),
        ("plan", pa.array([[1]] * 200), ["'plan'", "string", "list"]),
        ("tier", [0.75] * 200, ["'tier'", "0.75", "0.50"]),
    ],
)
def test_encode_errors_name_column_and_value(name: str, values: Any, parts: list[str]) -> None:
    table, fitted = fit(Quantile(), mixed())
    with pytest.raises(UserError) as caught:
        fitted.encode(replaced(table, name, values))
    for part in parts:
        assert part in str(caught.value)


def test_missing_column_and_columns_that_are_not_learnt() -> None:
    table, fitted = fit(Quantile(), mixed())
    with pytest.raises(UserError, match="column 'spend' is missing from the table; it has plan, country"):
        fitted.encode(table.drop_columns(["spend"]))
    assert np.array_equal(
        fitted.encode(table.drop_columns(["country", "customer_id"])).codes, fitted.encode(table).codes
    )
    for name, part in [("customer_id", "distinct"), ("country", "'NL'"), ("spent", "Did you mean 'spend'")]:
        with pytest.raises(UserError, match=part):
            fitted[name]


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


def test_thinning_keeps_the_ends_and_a_small_error() -> None:
    rng = np.random.default_rng(7)
    values = np.where(rng.random(60_000) < 0.5, 0.0, rng.lognormal(8, 1.5, 60_000))
    table, fitted = fit(Quantile(), pa.table({"x": values}))
    (knots,) = fitted["x"].knots
    assert len(np.unique(values)) > MOST_KNOTS >= len(knots.values) > MOST_KNOTS / 4
    assert (knots.values[0], knots.values[-1]) == (0.0, values.max())
    scores = fitted.encode(table).scores[:, 0]
    back = fitted.decode(fitted.encode(table))["x"].to_numpy()
    assert np.all(np.abs(back - values) <= 2e-6 * values)
    assert np.all(back[values == 0] == 0)
    assert abs(scores.mean()) < 0.02
    assert abs(scores.std() - 1) < 0.02
    whole = np.arange(40_000) * 3
    table, fitted = fit(Quantile(), pa.table({"x": np.append(whole, 1)}))
    assert fitted.decode(fitted.encode(table)).equals(table)


@both
def test_three_hundred_columns(codec: Codec) -> None:
    rng = np.random.default_rng(3)
    columns: dict[str, Any] = {}
    for i in range(100):
        columns[f"number {i}"] = np.round(rng.normal(size=50), 3)
        columns[f"level {i}"] = rng.choice([f"{k}" for k in range(2 + i % 7)], 50)
        columns[f"count {i}"] = pa.array(rng.poisson(3, 50), mask=rng.random(50) < 0.1)
    table, fitted = fit(codec, pa.table(columns))
    assert fitted.layout.scores == 200
    assert list(fitted.layout.cardinalities) == sorted(fitted.layout.cardinalities)
    assert fitted.decode(fitted.encode(table)).equals(table)


@both
@pytest.mark.parametrize("rows", [2, 3])
def test_tiny_tables(codec: Codec, rows: int) -> None:
    table, fitted = fit(codec, mixed(1, rows))
    kept = [c.name for c in fitted.schema.kept]
    assert fitted.decode(fitted.encode(table)).equals(table.select(kept))


def test_one_distinct_value_after_the_split_is_a_constant() -> None:
    table = pa.table({"rare": ["no"] * 99 + ["yes"], "x": np.arange(100) / 7})
    seeds = [s for s in range(400) if "yes" in Source(split_seed=s).split(table).holdout["rare"].to_pylist()]
    split = Source(split_seed=seeds[0]).split(table)
    fitted = Quantile().fit(split.training, split.schema)
    assert split.schema["rare"].role == "constant"
    assert set(fitted.decode(fitted.encode(split.holdout))["rare"].to_pylist()) == {"no"}


def test_masks_point_from_a_number_to_its_missing_code() -> None:
    table, fitted = fit(Quantile(), mixed())
    spend = fitted["spend"]
    assert fitted.layout.masks == ((spend.score, spend.code, 1),)
    encoded = fitted.encode(table)
    missing = table["spend"].is_null().to_numpy()
    assert np.array_equal(encoded.codes[:, spend.code] == 1, missing)
    assert np.all(encoded.scores[missing, spend.score] == 0)
