import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtr, ndtri

from gans.data.base import Source
from gans.data.codecs import Codec, FittedCodec
from gans.data.codecs.base import MOST_KNOTS
from gans.data.codecs.quantile import Quantile
from gans.data.codecs.standard import Standard
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.data.schema import Schema
from gans.errors import UserError

both = pytest.mark.parametrize("codec", [Quantile(), Standard()], ids=["quantile", "standard"])


def fit(codec: Codec, table: pa.Table, kinds: dict[str, str] | None = None) -> tuple[pa.Table, FittedCodec]:
    table = normalise(table)
    return table, codec.fit(table, detect(table, kinds))


def days(numbers: Sequence[int]) -> list[dt.date]:
    return [dt.date(1, 1, 1) + dt.timedelta(days=int(i)) for i in numbers]


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
    scores = np.sort(fitted.encode(table).scalars[:, 0].astype(np.float64))
    share = ndtr(scores)
    steps = np.arange(len(scores) + 1) / len(scores)
    statistic = max(np.abs(share - steps[1:]).max(), np.abs(share - steps[:-1]).max())
    assert statistic < 1.63 / np.sqrt(len(scores))  # the 1% point of Kolmogorov's law
    assert abs(scores.mean()) < 0.03
    assert abs(scores.std() - 1) < 0.03


def test_quantile_scores_of_distinct_values_are_those_of_blom() -> None:
    values = np.array([5.5, 1.5, 9.25, 2.5])
    table, fitted = fit(Quantile(), pa.table({"x": values}))
    np.testing.assert_allclose(
        fitted.encode(table).scalars[:, 0], ndtri((np.array([2, 0, 3, 1]) + 0.5) / 4).astype(np.float32), rtol=1e-6
    )


def test_a_tied_value_keeps_its_step_of_the_normal_law() -> None:
    values = np.repeat([0.5, 1.5, 2.5, 7.25], [10, 20, 40, 30])
    table, fitted = fit(Quantile(), pa.table({"x": values}))
    scores = fitted.encode(table).scalars[:, 0]
    edges = ndtri(np.array([0.005, 0.1, 0.3, 0.7, 0.995]))
    for k, value in enumerate([0.5, 1.5, 2.5, 7.25]):
        inside = scores[values == value]
        assert edges[k] <= inside.min() < inside.max() <= edges[k + 1]
        assert len(np.unique(inside)) > 1
    middle = fitted.encode(table, None).scalars[:, 0]
    assert len(np.unique(middle)) == 4


def test_standard_scores() -> None:
    values = np.array([1.0, 2.5, 4.0, 4.0, -3.25])
    table, fitted = fit(Standard(), pa.table({"x": values}))
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(fitted.encode(table).scalars[:, 0], expected, rtol=1e-6)
    assert fitted.layout.bound >= np.abs(expected).max()


@pytest.mark.parametrize("codec", [Quantile(atom=1), Standard()], ids=["quantile", "standard"])
def test_scores_are_monotone_and_between_knots_too(codec: Codec) -> None:
    values = np.round(np.random.default_rng(5).gamma(1, 50, 500), 1)
    values[:200] = 20.0
    _, fitted = fit(codec, pa.table({"x": values}))
    asked = np.sort(np.concatenate([values, np.linspace(-50, 2 * values.max(), 999)]))
    scores = fitted.encode(pa.table({"x": asked}), None).scalars[:, 0]
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
    assert np.array_equal(first.scalars, again.scalars)
    assert not np.array_equal(first.scalars, other.scalars)
    assert np.array_equal(first.codes, other.codes)
    assert first.scalars.dtype == np.float32
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
    assert np.array_equal(fitted.encode(shuffled).scalars, fitted.encode(table).scalars)
    assert fitted.decode(Encoded(*(a[:0] for a in fitted.encode(table)))).schema == back.schema


@both
def test_saved_codec_gives_the_same(codec: Codec, tmp_path: Path) -> None:
    table, fitted = fit(codec, mixed())
    fitted.save(tmp_path / "codec.npz")
    fitted.schema.write(tmp_path / "schema.json")
    loaded = FittedCodec.load(tmp_path / "codec.npz", Schema.read(tmp_path / "schema.json"))
    assert loaded.layout == fitted.layout
    first, second = fitted.encode(table, 4), loaded.encode(table, 4)
    assert np.array_equal(first.scalars, second.scalars)
    assert np.array_equal(first.codes, second.codes)
    rng = np.random.default_rng(0)
    made = Encoded(rng.normal(size=first.scalars.shape).astype(np.float32), first.codes[::-1])
    assert loaded.decode(made).equals(fitted.decode(made))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_the_codec_file_holds_marginals_and_no_row(tmp_path: Path) -> None:
    table, fitted = fit(Quantile(), mixed())
    fitted.save(tmp_path / "codec.npz")
    with np.load(tmp_path / "codec.npz", allow_pickle=False) as data:
        meta = json.loads(data["meta"].tobytes())
        knots = {int(name.split(".")[0]): data[name] for name in data.files if ".knots." in name}
        atoms = {place: data[f"{place}.atoms"] for place in knots}
        assert len(data.files) == 3 + len(knots) + len(atoms)  # meta, relations, exclusions
    assert [row["name"] for row in meta] == ["plan", "spend", "visits", "churned", "joined", "tier"]
    for place, (values, low, high) in knots.items():
        assert np.all(np.diff(values) > 0)
        assert np.all(low <= high)
        assert np.all(high[:-1] < low[1:])
        assert not set(values) & set(atoms[place])
        assert len(values) + len(atoms[place]) == len(set(table[meta[place]["name"]].drop_null().to_pylist()))
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


def test_missing_column_and_columns_that_are_not_learned() -> None:
    table, fitted = fit(Quantile(), mixed())
    with pytest.raises(UserError, match="column 'spend' is missing from the table; it has plan, country"):
        fitted.encode(table.drop_columns(["spend"]))
    assert np.array_equal(
        fitted.encode(table.drop_columns(["country", "customer_id"])).codes, fitted.encode(table).codes
    )
    for name, part in [("customer_id", "distinct"), ("country", "'NL'"), ("spent", "Did you mean 'spend'")]:
        with pytest.raises(UserError, match=part):
            fitted[name]


def test_rows_of_unknown_levels_and_missing_values_are_not_covered() -> None:
    table, fitted = fit(Quantile(), mixed())
    assert fitted.covers(table).all()
    for name, value, allowed in [("plan", "golf", False), ("plan", None, False), ("visits", None, False)]:
        assert fitted.covers(replaced(table, name, [value, *table[name].to_pylist()[1:]])).tolist() == [
            allowed,
            *[True] * 199,
        ]
    for name in ("spend", "churned"):
        assert fitted.covers(replaced(table, name, [None, *table[name].to_pylist()[1:]])).all()


@pytest.mark.parametrize(("unit", "second"), [("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("step", [86_400, 3_600, 60, 1])
def test_times_are_counted_in_the_largest_step_that_leads_to_all(unit: str, second: int, step: int) -> None:
    ticks = (1_000 + step * np.array([5, 0, 7, 11])) * second
    _, fitted = fit(Quantile(), pa.table({"x": pa.array(ticks, pa.timestamp(unit)), "y": [0.5, 1.5, 2.5, 7.25]}))
    assert (fitted["x"].origin, fitted["x"].step) == (1_000 * second, step * second)


def test_thinning_keeps_the_ends_and_a_small_error() -> None:
    rng = np.random.default_rng(7)
    values = np.where(rng.random(60_000) < 0.5, 0.0, rng.lognormal(8, 1.5, 60_000))
    table, fitted = fit(Quantile(atom=1), pa.table({"x": values}))
    (knots,) = fitted["x"].knots
    assert len(np.unique(values)) > MOST_KNOTS >= len(knots.values) > MOST_KNOTS / 4
    assert (knots.values[0], knots.values[-1]) == (0.0, values.max())
    scores = fitted.encode(table).scalars[:, 0]
    back = fitted.decode(fitted.encode(table))["x"].to_numpy()
    assert np.all(np.abs(back - values) <= 2e-6 * values)
    assert np.all(back[values == 0] == 0)
    assert abs(scores.mean()) < 0.02
    assert abs(scores.std() - 1) < 0.02
    whole = np.arange(40_000) * 3
    table, fitted = fit(Quantile(), pa.table({"x": np.append(whole, 1)}))
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
    visits = fitted["visits"]  # has atoms
    assert fitted.layout.masks == ((spend.scalar, spend.code, 1), (visits.scalar, visits.code, 1))
    encoded = fitted.encode(table)
    missing = table["spend"].is_null().to_numpy()
    assert np.array_equal(encoded.codes[:, spend.code] == 1, missing)
    assert np.all(encoded.scalars[missing, spend.scalar] == 0)
