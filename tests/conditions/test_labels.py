import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

from gans.conditions.base import FittedCondition
from gans.conditions.labels import Labels
from gans.conditions.none import Unconditional
from gans.data.codecs import FittedCodec
from gans.data.codecs.quantile import Quantile
from gans.data.codecs.standard import Standard
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.sampling.marginals import fit_marginals
from gans.sampling.matching import condition_choices
from gans.streams import uniform

ROWS = 1_000


def table() -> pa.Table:
    rng = np.random.default_rng(0)
    plan = rng.choice(["basic", "gold", "free"], ROWS, p=[0.6, 0.3, 0.1])
    churned = rng.random(ROWS) < np.where(plan == "free", 0.0, 0.4)
    start = dt.date(2020, 1, 1)
    columns = {
        "vip": np.arange(ROWS) % 9 == 0,
        "plan": plan,
        "spend": pa.array(rng.gamma(2, 20, ROWS), mask=rng.random(ROWS) < 0.15),
        "churned": churned,
        "age": rng.integers(18, 90, ROWS),
        "region": pa.array(rng.choice(["n", "s"], ROWS), mask=rng.random(ROWS) < 0.1),
        "zip": rng.choice([1011, 2022, 3033], ROWS),
        "tier": pa.array([Decimal("0.10") if i % 3 else Decimal("0.25") for i in range(ROWS)]),
        "joined": pa.array([start + dt.timedelta(days=int(d)) for d in rng.integers(0, 900, ROWS)]),
        "shop_id": [f"c{i}" for i in range(ROWS)],
        "country": ["NL"] * ROWS,
    }
    return normalise(pa.table(columns))


TABLE = table()
SCHEMA = detect(TABLE, {"zip": "category"})
CODEC = Quantile().fit(TABLE, SCHEMA)
ENCODED = CODEC.encode(TABLE)


def fit(*columns: str, bins: int = 10) -> FittedCondition:
    return Labels(columns=list(columns), bins=bins).fit(CODEC, ENCODED)


def test_codes_of_categories_are_their_levels() -> None:
    condition = fit("plan", "churned", "region")
    codes = condition.codes(ENCODED)
    assert codes.dtype == np.int32
    levels = [["basic", "free", "gold"], [False, True], ["n", "s", None]]
    for place, (name, known) in enumerate(zip(["plan", "churned", "region"], levels, strict=True)):
        assert [known[code] for code in codes[:, place]] == TABLE[name].to_pylist()
    assert condition.cardinalities == (3, 2, 3)


@pytest.mark.parametrize("columns", [["plan"], ["region", "plan"], ["age"], ["spend", "churned"], ["spend", "age"]])
def test_join_is_the_inverse_of_rest(columns: list[str]) -> None:
    condition = fit(*columns)
    rest, codes = condition.rest(ENCODED), condition.codes(ENCODED)
    back = condition.join(rest, codes)
    assert np.array_equal(back.scalars, ENCODED.scalars)
    assert np.array_equal(back.codes, ENCODED.codes)
    given = {"plan", "region", "churned"} & set(columns)
    assert rest.codes.shape[1] == ENCODED.codes.shape[1] - len(given)
    assert condition.layout.scalars == CODEC.layout.scalars
    sizes = {name: CODEC[name].cardinality for name in given}
    assert condition.layout.width == CODEC.layout.width - sum(sizes.values())


def test_masks_follow_their_codes_when_codes_leave_the_row() -> None:
    condition = fit("vip", "plan")
    spend = CODEC["spend"]
    assert CODEC["vip"].code < spend.code
    ((score, code, _),) = condition.layout.masks
    assert score == spend.scalar
    assert np.array_equal(condition.rest(ENCODED).codes[:, code], ENCODED.codes[:, spend.code])
    assert code == spend.code - 1


def test_bins_have_equal_mass() -> None:
    for name, bins in (("age", 4), ("spend", 5), ("age", 10)):
        condition = fit(name, bins=bins)
        codes = condition.codes(ENCODED)[:, 0]
        there = TABLE[name].is_valid().to_numpy()
        counts = np.bincount(codes[there], minlength=bins)
        assert len(counts) == bins
        assert np.all(np.abs(counts / there.sum() - 1 / bins) < 0.03)
        values = TABLE[name].drop_null().to_numpy()
        assert np.all(np.diff([values[codes[there] == k].mean() for k in range(bins)]) > 0)
        ends = [(values[codes[there] == k].min(), values[codes[there] == k].max()) for k in range(bins)]
        assert all(ends[k][1] < ends[k + 1][0] for k in range(bins - 1))


def test_missing_numbers_have_a_bin_of_their_own() -> None:
    condition = fit("spend", bins=5)
    assert condition.cardinalities == (6,)
    codes = condition.codes(ENCODED)[:, 0]
    assert np.array_equal(codes == 5, TABLE["spend"].is_null().to_numpy())


def test_bins_of_few_values_are_those_values() -> None:
    small = normalise(pa.table({"n": [1] * 70 + [2] * 20 + [5] * 10, "x": np.arange(100) / 7}))
    codec = Standard().fit(small, detect(small))
    encoded = codec.encode(small)
    condition = Labels(columns=["n"], bins=10).fit(codec, encoded)
    codes = condition.codes(encoded)[:, 0]
    assert len({*codes[:70]}) == len({*codes[70:90]}) == len({*codes[90:]}) == 1
    assert codes[0] < codes[70] <= codes[90]
    assert codes.max() < condition.cardinalities[0]


def test_wide_conditions_are_one_hot() -> None:
    condition = fit("plan", "spend", bins=4)
    codes = condition.codes(ENCODED)[:50]
    expected = np.concatenate([np.eye(n)[codes[:, k]] for k, n in enumerate(condition.cardinalities)], axis=1)
    np.testing.assert_array_equal(condition.wide(jnp.asarray(codes)), expected)


def test_without_a_condition_the_row_is_whole() -> None:
    condition = Unconditional().fit(CODEC, ENCODED)
    assert condition.cardinalities == ()
    assert condition.layout == CODEC.layout
    assert condition.draw(5, 0).shape == condition.codes(ENCODED)[:5].shape == (5, 0)
    assert condition.wide(jnp.zeros((5, 0), jnp.int32)).shape == (5, 0)
    marginals = fit_marginals(CODEC, ENCODED)
    assert condition_choices(condition, {"plan": np.ones(3, bool)}, marginals) == {}


# ---- what is drawn


def only(condition: FittedCondition, **codes: int) -> dict[int, np.ndarray]:
    """Choices of one code for each of these columns."""
    names = [fitted.column.name for fitted in condition.columns]
    places = {names.index(name): code for name, code in codes.items()}
    return {place: np.arange(condition.cardinalities[place]) == code for place, code in places.items()}


def shares(codes: np.ndarray) -> dict[tuple[int, ...], float]:
    found, counts = np.unique(codes, axis=0, return_counts=True)
    return {tuple(row.tolist()): count / len(codes) for row, count in zip(found, counts, strict=True)}


def test_draws_follow_the_joint_frequencies() -> None:
    condition = fit("plan", "churned", "region")
    real = shares(condition.codes(ENCODED))
    drawn = shares(condition.draw(100_000, 3))
    assert set(drawn) <= set(real)
    for row, share in real.items():
        assert abs(drawn.get(row, 0) - share) < 5 * np.sqrt(share * (1 - share) / 100_000)
    assert condition.counts.sum() == ROWS


def test_the_first_rows_of_a_longer_draw_are_a_shorter_draw() -> None:
    condition = fit("plan", "spend")
    for fixed in ({}, only(condition, plan=1)):
        long = condition.draw(5_000, 7, fixed)
        for n in (1, 10, 4_999):
            assert np.array_equal(condition.draw(n, 7, fixed), long[:n])
        assert not np.array_equal(condition.draw(5_000, 8, fixed), long)
    assert condition.draw(0, 0).shape == (0, 2)


def test_a_draw_is_by_row_number() -> None:
    condition = fit("plan", "spend")
    whole = condition.draw(1_000, 7)
    for start in (0, 1, 2, 3, 4, 5, 498, 999):
        for rows in (0, 1, min(6, 1_000 - start), 1_000 - start):
            assert np.array_equal(condition.draw(rows, 7, start=start), whole[start : start + rows])
    places = uniform("condition", 7, (0,), 0, 1_000)
    ends = np.cumsum(condition.counts)
    expected = [condition.combinations[np.flatnonzero(u * ends[-1] < ends)[0]] for u in places]
    assert np.array_equal(whole, expected)
    far = condition.draw(5, 7, start=2**31 - 5)
    assert np.array_equal(far[2:], condition.draw(3, 7, start=2**31 - 3))


def test_with_a_fixed_code_the_others_follow_their_conditional_law() -> None:
    condition = fit("plan", "churned")
    codes = condition.codes(ENCODED)
    drawn = condition.draw(50_000, 1, only(condition, plan=2))
    assert set(drawn[:, 0]) == {2}
    real = codes[codes[:, 0] == 2, 1].mean()
    assert abs(drawn[:, 1].mean() - real) < 5 * np.sqrt(real * (1 - real) / 50_000)


def test_fixed_values_are_kept_where_they_never_occur_together() -> None:
    condition = fit("plan", "churned", "region")
    codes = condition.codes(ENCODED)
    assert not np.any((codes[:, 0] == 1) & (codes[:, 1] == 1))  # nobody on the free plan leaves
    drawn = condition.draw(50_000, 1, only(condition, plan=1, churned=1))
    assert set(map(tuple, drawn[:, :2].tolist())) == {(1, 1)}
    real = np.bincount(codes[:, 2]) / ROWS
    np.testing.assert_allclose(np.bincount(drawn[:, 2]) / 50_000, real, atol=0.015)


def test_columns_that_never_occur_together_are_drawn_independently() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 4, ROWS)
    second = np.where(first < 2, rng.integers(2, 4, ROWS), rng.integers(0, 2, ROWS))
    table = normalise(pa.table({"a": first.astype(str), "b": second.astype(str), "c": rng.normal(size=ROWS)}))
    codec = Quantile().fit(table, detect(table))
    condition = Labels(columns=["a", "b"]).fit(codec, codec.encode(table))
    low = np.array([True, True, False, False])
    drawn = condition.draw(20_000, 1, {0: low, 1: low})
    shares = np.bincount(drawn[:, 0] * 2 + drawn[:, 1], minlength=4) / 20_000
    np.testing.assert_allclose(shares, 0.25, atol=0.03)


# ---- which codes leave an allowed value


@pytest.mark.parametrize(
    ("name", "allowed", "levels"),
    [
        ("plan", ["gold"], ["gold"]),
        ("plan", ["basic", "free"], ["basic", "free"]),
        ("churned", [True], [True]),
        ("region", [None, "s"], [None, "s"]),
        ("zip", [2022], [2022]),
        ("tier", [Decimal("0.10")], [Decimal("0.10")]),
    ],
)
def test_choices_of_levels(name: str, allowed: list[Any], levels: list[Any]) -> None:
    condition, marginals = fit("vip", name), fit_marginals(CODEC, ENCODED)
    mask = np.array([value in allowed for value in marginals.values(name).to_pylist()])
    (place, codes), *rest = condition_choices(condition, {name: mask}, marginals).items()
    assert (place, rest) == (1, [])
    assert [level for level, there in zip(CODEC[name].levels, codes, strict=True) if there] == sorted(
        levels, key=CODEC[name].levels.index
    )


@pytest.mark.parametrize(("low", "high"), [(18, 89), (40, 40), (30, 50), (85, 200)])
def test_choices_of_a_range_are_the_bins_that_it_meets(low: int, high: int) -> None:
    condition, marginals = fit("age", bins=6), fit_marginals(CODEC, ENCODED)
    mask = np.array([low <= value <= high for value in marginals.values("age").to_pylist()])
    ages = TABLE["age"].to_numpy()
    expected = set(condition.codes(ENCODED)[(ages >= low) & (ages <= high), 0].tolist())
    assert set(np.flatnonzero(condition_choices(condition, {"age": mask}, marginals)[0]).tolist()) == expected


def test_choices_of_missing_numbers() -> None:
    condition, marginals = fit("spend", bins=6), fit_marginals(CODEC, ENCODED)
    mask = marginals.values("spend").is_null().to_numpy(zero_copy_only=False)
    assert np.flatnonzero(condition_choices(condition, {"spend": mask}, marginals)[0]).tolist() == [6]


# ---- fitting, saving


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        (["plna"], "'plna' is not in the table.*Did you mean 'plan'"),
        (["shop_id"], "'shop_id' is not learned.*distinct"),
        (["country"], "'country' is not learned.*'NL'"),
    ],
)
def test_columns_that_cannot_condition(columns: list[str], part: str) -> None:
    with pytest.raises(UserError, match=part):
        fit(*columns)


def test_no_column_left_beside_the_conditions() -> None:
    small = normalise(pa.table({"a": ["x", "y"] * 5, "b": [True, False] * 5}))
    codec = Quantile().fit(small, detect(small))
    with pytest.raises(UserError, match="no column is left to generate"):
        Labels(columns=["a", "b"]).fit(codec, codec.encode(small))
    only = Labels(columns=["a"]).fit(codec, codec.encode(small))
    assert only.layout.width == 2


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, r"condition\.columns is empty"),
        ({"columns": [""]}, r"condition\.columns is empty"),
        ({"columns": ["a", "b", "a"]}, "column 'a' is named twice"),
        ({"columns": ["a"], "bins": 1}, r"condition\.bins=1: it must be at least 2"),
    ],
)
def test_options(options: dict[str, Any], part: str) -> None:
    with pytest.raises(UserError, match=part):
        Labels(**options)


def test_save_and_load(tmp_path: Path) -> None:
    condition = fit("plan", "spend", "churned", bins=7)
    condition.save(tmp_path / "condition.npz")
    CODEC.save(tmp_path / "codec.npz")
    codec = FittedCodec.load(tmp_path / "codec.npz", SCHEMA)
    loaded = FittedCondition.load(tmp_path / "condition.npz", codec, condition.rule)
    assert loaded.cardinalities == condition.cardinalities
    assert loaded.layout == condition.layout
    assert np.array_equal(loaded.codes(ENCODED), condition.codes(ENCODED))
    some = only(condition, plan=1)
    assert np.array_equal(loaded.draw(500, 4, some), condition.draw(500, 4, some))
    with np.load(tmp_path / "condition.npz", allow_pickle=False) as data:
        assert len(data["combinations"]) == len(np.unique(condition.codes(ENCODED), axis=0)) < ROWS / 4


def test_save_and_load_without_conditions(tmp_path: Path) -> None:
    Unconditional().fit(CODEC, ENCODED).save(tmp_path / "condition.npz")
    loaded = FittedCondition.load(tmp_path / "condition.npz", CODEC, Unconditional())
    assert loaded.cardinalities == ()
    assert loaded.draw(3, 0).shape == (3, 0)


@pytest.mark.parametrize("damage", [b"", b"hello", b"PK\x03\x04 broken", "cut"])
def test_damaged_condition(damage: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "condition.npz"
    fit("plan").save(path)
    path.write_bytes(damage if isinstance(damage, bytes) else path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"condition\.npz: not a readable condition"):
        FittedCondition.load(path, CODEC, Labels(columns=["plan"]))
    with pytest.raises(UserError, match="not a readable condition"):
        FittedCondition.load(tmp_path / "none.npz", CODEC, Labels(columns=["plan"]))


def test_rest_of_no_rows() -> None:
    condition = fit("plan", "spend")
    none = Encoded(ENCODED.scalars[:0], ENCODED.codes[:0])
    assert condition.codes(none).shape == (0, 2)
    assert condition.join(condition.rest(none), condition.codes(none)).codes.shape == none.codes.shape


# ---- atoms


def test_bins_hold_atoms_and_missing_has_its_own() -> None:
    rng = np.random.default_rng(0)
    gain = np.where(rng.random(ROWS) < 0.4, 0, rng.integers(100, 9_000, ROWS)).astype(float)
    hole = rng.random(ROWS) < 0.1
    there = normalise(pa.table({"gain": pa.array(gain, mask=hole), "noise": rng.normal(size=ROWS)}))
    codec = Quantile().fit(there, detect(there))
    encoded = codec.encode(there)
    assert codec["gain"].atoms.tolist() == [0]
    condition = Labels(columns=["gain"], bins=4).fit(codec, encoded)
    codes, present = condition.codes(encoded)[:, 0], gain[~hole]
    edges = np.unique(np.quantile(present, [0.25, 0.5, 0.75]))
    np.testing.assert_array_equal(codes[~hole], np.searchsorted(edges, present, side="right"))
    assert (codes[hole] == len(edges) + 1).all()
    assert condition.cardinalities == (len(edges) + 2,)
    marginals = fit_marginals(codec, encoded)
    values = marginals.values("gain").to_pylist()
    for value, code in (
        (0, codes[~hole][present == 0][0]),
        (present.max(), codes[~hole].max()),
        (None, len(edges) + 1),
    ):
        chosen = condition_choices(condition, {"gain": np.array([one == value for one in values])}, marginals)[0]
        assert np.flatnonzero(chosen).tolist() == [code]
