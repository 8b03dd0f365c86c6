import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs import FittedCodec
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.data.schema import Schema
from gans.errors import UserError

ROWS = 400
RNG = np.random.default_rng(0)
DRAWN = RNG.random(ROWS)
START = dt.date(2020, 1, 1)


def mixed(ordinary: list[Any], atoms: list[Any], missing: bool, kind: pa.DataType) -> pa.Array:
    """Half of the rows an atom, a tenth missing if any, the others ordinary values."""
    values = [atoms[int(u * 2 * len(atoms))] if u < 0.5 else ordinary[i] for i, u in enumerate(DRAWN)]
    return pa.array(values, kind, mask=(DRAWN > 0.9) if missing else np.zeros(ROWS, bool))


COUNTS = RNG.integers(100, 90_000, ROWS).tolist()
COLUMNS: dict[str, tuple[list[Any], list[Any], pa.DataType]] = {
    "integer": (COUNTS, [0, 40_000], pa.int64()),
    "highest integer": ([2**63 - 1 - v for v in COUNTS], [2**63 - 1], pa.int64()),
    "whole float": ([float(v) for v in COUNTS], [-1.0, 99_999.0], pa.float64()),
    "float": (RNG.normal(size=ROWS).tolist(), [0.1, -7.0, 1 / 3], pa.float64()),
    "float32": (RNG.normal(size=ROWS).astype(np.float32).tolist(), [0.1, 5.0], pa.float32()),
    "cents": ([v / 100 for v in COUNTS], [0.0, 12.34], pa.float64()),
    "decimal": ([Decimal(v).scaleb(-2) for v in COUNTS], [Decimal("0.00"), Decimal("450.29")], pa.decimal128(7, 2)),
    "date": ([START + dt.timedelta(days=v % 3_000) for v in COUNTS], [dt.date(9999, 12, 31), START], pa.date32()),
    "time": ([10**15 + 7 * v for v in COUNTS], [0, 10**15 + 3], pa.timestamp("us")),
    "nanoseconds": ([10**18 + v for v in COUNTS], [10**18], pa.timestamp("ns")),
}
columns = pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
named = pytest.mark.parametrize("name", COLUMNS)


def fitted(values: pa.Array, **options: float) -> tuple[pa.Table, FittedCodec]:
    table = normalise(pa.table({"x": values, "noise": RNG.normal(size=len(values))}))
    return table, Quantile(**options).fit(table, detect(table, {}))


@named
@columns
def test_round_trip_beside_atoms_is_exact(name: str, missing: bool) -> None:
    ordinary, atoms, kind = COLUMNS[name]
    table, codec = fitted(mixed(ordinary, atoms, missing, kind))
    assert len(codec["x"].atoms) == len(atoms)
    assert codec["x"].cardinality == 1 + len(atoms) + missing
    for seed in (0, None):
        back = codec.decode(codec.encode(table, seed))["x"]
        assert back.type == table["x"].type == kind
        assert back.equals(table["x"])


@named
@columns
def test_codes_say_which_atom_and_scores_are_of_the_others(name: str, missing: bool) -> None:
    ordinary, atoms, kind = COLUMNS[name]
    table, codec = fitted(mixed(ordinary, atoms, missing, kind))
    column, encoded = codec["x"], codec.encode(table)
    code, score = encoded.codes[:, column.code], encoded.scalars[:, column.scalar]
    levels = sorted(pa.array(atoms, kind).to_pylist())
    expected = [
        len(atoms) + 1 if value is None else 1 + levels.index(value) if value in levels else 0
        for value in table["x"].to_pylist()
    ]
    assert code.tolist() == expected
    assert (score[code > 0] == 0).all()
    assert (column.scalar, column.code, 1) in codec.layout.masks
    there = score[code == 0]
    assert abs(there.mean()) < 0.02
    assert abs(there.std() - 1) < 0.03


@named
def test_an_ordinary_number_never_decodes_outside_the_ordinary_ones(name: str) -> None:
    """Whatever the score, a row whose code is 0 lies between the ends of the ordinary values; an atom is its value."""
    ordinary, atoms, kind = COLUMNS[name]
    table, codec = fitted(mixed(ordinary, atoms, True, kind))
    column = codec["x"]
    scores = np.zeros((2_000, codec.layout.scalars), np.float32)
    scores[:, column.scalar] = np.linspace(-6, 6, 2_000)
    seen = table["x"].drop_null().to_pylist()
    levels = sorted(pa.array(atoms, kind).to_pylist())
    rest = [value for value in seen if value not in levels]
    for level in range(column.cardinality):
        codes = np.full((2_000, len(codec.layout.cardinalities)), level, np.int32)
        back = codec.decode(Encoded(scores, codes))["x"].to_pylist()
        if level == 0:
            assert back == sorted(back)
            assert (back[0], back[-1]) == (min(rest), max(rest))
        else:
            assert set(back) == {None if level > len(levels) else levels[level - 1]}


@pytest.mark.parametrize("missing", [0, 7])
def test_a_column_of_heavy_values_alone_has_no_atoms(missing: int) -> None:
    values = pa.array([1.5, 2.5, 4.0] * 30 + [None] * missing)
    table, codec = fitted(values)
    assert len(codec["x"].atoms) == 0
    assert codec["x"].cardinality == (2 if missing else 0)
    assert codec.decode(codec.encode(table))["x"].equals(table["x"])
    _, codec = fitted(pa.array([1.5] * 30 + [2.5] * 30 + [7.25]))
    assert len(codec["x"].atoms) == 0  # at least two values must remain
    _, codec = fitted(pa.array([1.5] * 30 + [2.5] * 30 + [7.25, 8.5]))
    assert codec["x"].atoms.tolist() == [1.5, 2.5]


@pytest.mark.parametrize(("atom", "found"), [(0.02, [0.0, 1.0, 2.0]), (0.05, [0.0, 1.0]), (0.2, [0.0]), (1.0, [])])
def test_the_share_from_which_a_value_is_an_atom(atom: float, found: list[float]) -> None:
    """Of 100 present values 30 are 0, 10 are 1 and 5 are 2: more than the share, so 5 in 100 is none at .05."""
    rest = np.arange(55) / 7 + 10
    values = pa.array([0.0] * 30 + [1.0] * 10 + [2.0] * 5 + rest.tolist() + [None] * 100)
    _, codec = fitted(values, atom=atom)
    assert codec["x"].atoms.tolist() == found


@pytest.mark.parametrize("atom", [0.0, -0.1, 1.5])
def test_shares_out_of_range_raise(atom: float) -> None:
    with pytest.raises(UserError, match=rf"codec\.atom={atom:g}: it must be"):
        Quantile(atom=atom)


def test_a_new_value_beside_atoms_is_an_ordinary_one() -> None:
    _, codec = fitted(mixed([float(v) for v in COUNTS], [0.0, 40_000.0], False, pa.float64()))
    asked = pa.table({"x": [0.0, 5.0, 39_999.5, 40_000.0, 1e9], "noise": [0.0] * 5})
    back = codec.decode(codec.encode(asked, None))["x"].to_pylist()
    rest = sorted(set(COUNTS) - {40_000})
    assert back[0] == 0
    assert back[1] == min(back[1:]) == min(codec["x"].knots[0].values)
    assert abs(back[2] - 39_999.5) <= 1
    assert back[3] == 40_000
    assert back[4] <= max(rest)


def test_saved_atoms_come_back(tmp_path: Path) -> None:
    arrays = {name: mixed(*COLUMNS[name][:2], True, COLUMNS[name][2]) for name in COLUMNS}
    table = normalise(pa.table(arrays))
    codec = Quantile().fit(table, detect(table, {}))
    codec.save(tmp_path / "codec.npz")
    codec.schema.write(tmp_path / "schema.json")
    loaded = FittedCodec.load(tmp_path / "codec.npz", Schema.read(tmp_path / "schema.json"))
    assert loaded.layout == codec.layout
    for name in COLUMNS:
        assert np.array_equal(loaded[name].atoms, codec[name].atoms)
        assert len(loaded[name].atoms) == len(COLUMNS[name][1])
    first, second = codec.encode(table, 4), loaded.encode(table, 4)
    assert np.array_equal(first.scalars, second.scalars)
    assert np.array_equal(first.codes, second.codes)
    assert loaded.decode(second).equals(table)


def test_columns_of_the_layout_name_the_column_of_each_feature() -> None:
    rows = 50
    table = normalise(
        pa.table(
            {
                "plan": ["a", "b", "c", "d", "e"] * 10,
                "spend": pa.array(np.arange(rows) / 7, mask=np.arange(rows) % 5 == 0),
                "vip": [True, False] * 25,
                "visits": np.where(np.arange(rows) % 2, 0, np.arange(rows)),
                "height": np.arange(rows) / 3,
            }
        )
    )
    codec = Quantile().fit(table, detect(table, {}))
    layout, names = codec.layout, [fitted.column.name for fitted in codec.columns]
    assert names == ["plan", "spend", "vip", "visits", "height"]
    of = [names[place] for place in layout.columns]
    assert len(of) == layout.width
    assert of[: layout.scalars] == ["spend", "visits", "height"]
    assert sorted(of[layout.scalars :]) == ["plan"] * 5 + ["spend"] * 2 + ["vip"] * 2 + ["visits"] * 2
    for fitted_column in codec.columns:
        if fitted_column.code >= 0:
            start = layout.offsets[fitted_column.code]
            assert set(of[start : start + fitted_column.cardinality]) == {fitted_column.column.name}
