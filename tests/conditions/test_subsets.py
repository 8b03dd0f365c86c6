import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

from gans.conditions.base import FittedCondition
from gans.conditions.labels import Labels
from gans.conditions.subsets import FittedSubsets, Subsets
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.errors import UserError

ROWS, COUNT = 300, 20_000
RNG = np.random.default_rng(0)
TABLE = normalise(
    pa.table(
        {
            "plan": RNG.choice(["basic", "gold", "free"], ROWS),
            "spend": pa.array(RNG.gamma(2, 20, ROWS), mask=RNG.random(ROWS) < 0.2),
            "vip": RNG.random(ROWS) < 0.3,
            "visits": np.where(RNG.random(ROWS) < 0.4, 0, RNG.integers(1, 500, ROWS)),
            "age": RNG.integers(18, 90, ROWS),
        }
    )
)
CODEC = Quantile().fit(TABLE, detect(TABLE, {}))
ENCODED = CODEC.encode(TABLE)
WIDTH, COLUMNS = CODEC.layout.width, 5


def fit(rare: float = 0.0, **options: float) -> FittedCondition:
    return Subsets(rare=rare, **options).fit(CODEC, ENCODED)  # pyright: ignore[reportArgumentType]


def revealed(condition: FittedCondition, count: int = COUNT, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Real rows [count, width], uniformly picked or by a level, and what is given of them."""
    known = jax.tree.map(jnp.asarray, condition.known(ENCODED))
    places, columns = jax.jit(condition.pick)(known, jax.random.split(jax.random.key(seed + 1_000), count))
    picked = np.asarray(places)
    real = CODEC.layout.wide(jnp.asarray(ENCODED.scalars[picked]), jnp.asarray(ENCODED.codes[picked]))
    keys = jax.random.split(jax.random.key(seed), count)
    given = jax.jit(condition.reveal)(real, columns, keys)
    return np.asarray(real), np.asarray(given)


def test_the_row_keeps_every_column() -> None:
    condition = fit()
    assert isinstance(condition, FittedSubsets)
    assert condition.layout.partial
    assert condition.layout.width == WIDTH
    assert condition.layout.columns == CODEC.layout.columns
    assert condition.rest(ENCODED).codes.shape == ENCODED.codes.shape
    assert condition.codes(ENCODED).shape == (ROWS, 0)


@pytest.mark.parametrize("rare", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_rows_gives_columns(share: float, rare: float) -> None:
    _, given = revealed(fit(share=share, rare=rare))
    any_given = given[:, WIDTH:].any(axis=1).mean()
    assert abs(any_given - share) <= 4 * np.sqrt(share * (1 - share) / COUNT)


@pytest.mark.parametrize("most", [1, 3, 5, 40])
def test_how_many_columns_are_given_is_uniform_and_none_is_favoured(most: int) -> None:
    _, given = revealed(fit(share=1.0, most=most))
    masks = given[:, WIDTH:]
    assert set(np.unique(masks)) <= {0.0, 1.0}
    highest = min(most, COLUMNS)
    counts = np.bincount(masks.sum(axis=1).astype(int), minlength=highest + 1)
    assert counts[0] == 0
    assert len(counts) == highest + 1
    expected = COUNT / highest
    assert np.sum((counts[1:] - expected) ** 2 / expected) < 30  # at most 4 degrees of freedom: 5e-6
    mean = (highest + 1) / 2 / COLUMNS
    assert np.abs(masks.mean(axis=0) - mean).max() < 5 * 0.5 / np.sqrt(COUNT)


def test_the_condition_is_the_given_part_of_the_row_then_the_mask() -> None:
    real, given = revealed(fit(share=0.8, most=5), 600)
    rows, masks = given[:, :WIDTH], given[:, WIDTH:]
    assert given.shape == (600, WIDTH + COLUMNS)
    names = [fitted.column.name for fitted in CODEC.columns]
    for place, name in enumerate(names):
        fitted, there = CODEC[name], masks[:, place] == 1
        assert 0 < there.sum() < 600
        features = [] if fitted.scalar < 0 else [fitted.scalar]
        if fitted.code >= 0:
            start = CODEC.layout.offsets[fitted.code]
            features += list(range(start, start + fitted.cardinality))
        np.testing.assert_array_equal(rows[np.ix_(there, features)], real[np.ix_(there, features)])
        assert (rows[np.ix_(~there, features)] == 0).all()


def test_rows_that_are_picked_by_a_level_give_it_and_rare_levels_come_more_often() -> None:
    """Of 300 rows one is gold: its share of picks is that of log(1 + count), and each pick's level is given."""
    plans = np.array(["basic"] * 239 + ["free"] * 60 + ["gold"])
    table = normalise(pa.table({"plan": plans, "spend": np.arange(ROWS) / 7}))
    codec = Quantile().fit(table, detect(table, {}))
    encoded = codec.encode(table)
    condition = Subsets(share=0.4, rare=0.5, most=1).fit(codec, encoded)
    known = jax.tree.map(jnp.asarray, condition.known(encoded))
    picked, columns = jax.jit(condition.pick)(known, jax.random.split(jax.random.key(0), COUNT))
    picked, by_level = np.asarray(picked), np.asarray(columns)[:, 0] >= 0
    assert by_level.mean() == pytest.approx(0.2, abs=0.012)
    logs = np.log1p([239, 60, 1])
    found = [np.mean(plans[picked[by_level]] == plan) for plan in ("basic", "free", "gold")]
    np.testing.assert_allclose(found, logs / logs.sum(), atol=0.03)
    rest = np.bincount(picked[~by_level], minlength=ROWS)
    assert np.sum((rest - rest.mean()) ** 2 / rest.mean()) < 420  # 299 degrees of freedom: 4e-6
    real = codec.layout.wide(jnp.asarray(encoded.scalars[picked]), jnp.asarray(encoded.codes[picked]))
    given = np.asarray(condition.reveal(real, columns, jax.random.split(jax.random.key(1), COUNT)))
    masks = given[:, codec.layout.width :]
    plan = codec.columns.index(codec["plan"])
    assert (masks[by_level, plan] == 1).all()
    assert (masks[by_level].sum(axis=1) == 1).all()


def test_a_table_of_numbers_has_no_levels_to_pick() -> None:
    table = normalise(pa.table({"spend": np.arange(ROWS) / 7, "visits": np.sin(np.arange(ROWS))}))
    codec = Quantile().fit(table, detect(table, {}))
    encoded = codec.encode(table)
    condition = Subsets(share=1.0, rare=1.0).fit(codec, encoded)
    known = jax.tree.map(jnp.asarray, condition.known(encoded))
    picked, columns = condition.pick(known, jax.random.split(jax.random.key(0), 64))
    assert columns.shape == (64, 0)
    real = codec.layout.wide(jnp.asarray(encoded.scalars[picked]), jnp.asarray(encoded.codes[picked]))
    given = condition.reveal(real, columns, jax.random.split(jax.random.key(1), 64))
    assert np.asarray(given[:, codec.layout.width :]).any(axis=1).all()


def test_what_is_given_belongs_to_the_example_and_is_drawn_anew() -> None:
    condition = fit()
    real, whole = revealed(condition, 64)
    _, other = revealed(condition, 64, seed=1)
    assert not np.array_equal(whole, other)
    keys = jax.random.split(jax.random.key(0), 64)
    part = jax.jit(condition.reveal)(jnp.asarray(real[10:20]), jnp.zeros((10, 0), jnp.int32), keys[10:20])
    np.testing.assert_array_equal(part, whole[10:20])


def test_in_sampling_nothing_is_given() -> None:
    wide = fit().wide(jnp.zeros((7, 0), jnp.int32))
    np.testing.assert_array_equal(wide, np.zeros((7, WIDTH + COLUMNS)))


@pytest.mark.parametrize(("key", "value"), [("share", -0.1), ("share", 1.1), ("most", 0), ("rare", 1.5)])
def test_values_out_of_range_raise(key: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"condition\.{key}={value:g}: it must be"):
        Subsets(**{key: value})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("columns", [["plan"], ["vip", "plan"], ["age", "visits"], ["plan", "age"]])
def test_columns_of_the_layout_follow_when_labels_leave_the_row(columns: list[str]) -> None:
    condition = Labels(columns=columns).fit(CODEC, ENCODED)
    names = [fitted.column.name for fitted in CODEC.columns]
    layout = condition.layout
    assert not layout.partial
    gone = {"plan", "vip"} & set(columns)
    real = [names[place] for place in CODEC.layout.columns]
    assert [names[place] for place in layout.columns] == [name for name in real if name not in gone]
    assert len(layout.columns) == layout.width
