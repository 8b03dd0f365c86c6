"""Training by sampling: what is picked in training, what is drawn in sampling, what `where` gives."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

from gans.conditions.training_by_sampling import FittedTrainingBySampling, TrainingBySampling
from gans.data.codecs.modes import Modes
from gans.data.detection import detect, normalise
from gans.errors import UserError
from gans.sampling.marginals import fit_marginals
from gans.sampling.matching import condition_choices
from gans.sampling.where.grammar import Where
from gans.sampling.where.plan import make_plan

ROWS = 2_000
RNG = np.random.default_rng(0)
RARE = np.where(np.arange(ROWS) < 2, "rare", RNG.choice(["often", "seldom"], ROWS, p=[0.9, 0.1]))
TABLE = normalise(
    pa.table(
        {
            "vip": RNG.random(ROWS) < 0.02,
            "spend": pa.array(RNG.gamma(2, 20, ROWS), mask=RNG.random(ROWS) < 0.15),
            "rare": RNG.permutation(RARE),
            "region": pa.array(RNG.choice(["n", "s", "w"], ROWS, p=[0.5, 0.3, 0.2]), mask=RNG.random(ROWS) < 0.1),
        }
    )
)
CODEC = Modes(modes=3).fit(TABLE, detect(TABLE))
ENCODED = CODEC.encode(TABLE)
NAMES = ["vip", "rare", "region"]
TRUE = {name: ENCODED.codes[:, CODEC[name].code] for name in (*NAMES, "spend")}


def fit(**options: Any) -> FittedTrainingBySampling:
    condition = TrainingBySampling(**options).fit(CODEC, ENCODED)
    assert isinstance(condition, FittedTrainingBySampling)
    return condition


CONDITION = fit()
KEYS = jax.random.split(jax.random.key(0), 60_000)
PICK = jax.jit(CONDITION.pick)
PICKED, CODES = (np.asarray(part) for part in PICK(CONDITION.known(ENCODED), KEYS))


def test_all_discrete_columns_condition_and_stay_in_the_row() -> None:
    assert [fitted.column.name for fitted in CONDITION.columns] == NAMES
    assert CONDITION.cardinalities == (2, 3, 4)
    assert CONDITION.layout.cardinalities == CODEC.layout.cardinalities
    assert CONDITION.layout.masks == CODEC.layout.masks
    assert np.array_equal(CONDITION.rest(ENCODED).codes, ENCODED.codes)
    offsets = [CODEC.layout.offsets[CODEC[name].code] for name in NAMES]
    expected = [offset + level for offset, size in zip(offsets, (2, 3, 4), strict=True) for level in range(size)]
    assert list(CONDITION.layout.conditioned) == expected


def test_a_picked_row_has_the_picked_level() -> None:
    given = CODES >= 0
    assert np.all(given.sum(axis=1) == 1)
    assert set(CODES[~given].tolist()) == {-1}
    real = np.stack([TRUE[name] for name in NAMES], axis=1)[PICKED]
    assert np.array_equal(real[given], CODES[given])


def test_columns_are_picked_uniformly_levels_by_log_frequency_and_rows_of_a_level_uniformly() -> None:
    picked = varied = 0
    for place, name in enumerate(NAMES):
        here = CODES[:, place] >= 0
        assert abs(here.mean() - 1 / 3) < 5 * np.sqrt(2 / 9 / len(CODES))
        counts = np.bincount(TRUE[name])
        expected = np.log(1 + counts) / np.log(1 + counts).sum()
        found = np.bincount(CODES[here, place]) / here.sum()
        assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / here.sum()))
        for level in range(len(counts)):
            rows, times = np.unique(PICKED[CODES[:, place] == level], return_counts=True)
            share = times.sum() / counts[level]
            if share >= 12:  # each row of the level is picked, if there are enough picks
                assert len(rows) == counts[level]
                picked += 1
            if counts[level] >= 100:  # as Poisson counts vary
                assert abs(times.var() / share - 1) < 0.5
                varied += 1
    assert min(picked, varied) > 2


def test_an_example_depends_on_its_own_key_only() -> None:
    one = PICK(CONDITION.known(ENCODED), KEYS[7:9])
    assert np.array_equal(one[0], PICKED[7:9])
    assert np.array_equal(one[1], CODES[7:9])


def test_a_level_that_no_training_row_has_is_never_picked() -> None:
    known = fit().known(type(ENCODED)(ENCODED.scalars, np.where(ENCODED.codes == 1, 0, ENCODED.codes)))
    codes = np.asarray(PICK(known, KEYS[:5_000])[1])
    assert 1 not in codes
    assert set(codes[:, 2].tolist()) == {-1, 0, 2, 3}


def test_the_wide_condition_is_one_hot_with_zeros_elsewhere() -> None:
    codes = np.array([[1, -1, -1], [-1, 2, -1], [-1, -1, 3], [-1, 0, 2]])
    expected = np.zeros((4, 9))
    expected[0, 1] = expected[1, 2 + 2] = expected[2, 5 + 3] = expected[3, 2] = expected[3, 5 + 2] = 1
    assert np.array_equal(CONDITION.wide(jnp.asarray(codes)), expected)


def test_conditions_are_sampled_by_their_true_frequency() -> None:
    drawn = np.asarray(CONDITION.wide(jnp.asarray(CONDITION.draw(300_000, 3))))
    expected = np.concatenate([np.bincount(TRUE[name]) for name in NAMES]) / ROWS / 3
    assert np.all(drawn.sum(axis=1) == 1)
    assert np.all(np.abs(drawn.mean(axis=0) - expected) < 5 * np.sqrt(expected / 300_000))
    weights = CONDITION.counts / CONDITION.counts.sum()
    np.testing.assert_allclose(weights, expected, rtol=1e-12)  # without any chance


def test_a_perfect_conditional_generator_is_not_biased() -> None:
    """Real rows that have the drawn level: every column keeps its distribution."""
    drawn, rng = CONDITION.draw(100_000, 5), np.random.default_rng(1)
    real = np.stack([TRUE[name] for name in NAMES], axis=1)
    rows = np.zeros(len(drawn), int)
    for place in range(3):
        for level in range(CONDITION.cardinalities[place]):
            here = drawn[:, place] == level
            rows[here] = rng.choice(np.flatnonzero(real[:, place] == level), here.sum())
    for column in (*real.T, TRUE["spend"]):
        true = np.bincount(column) / ROWS
        assert np.abs(np.bincount(column[rows], minlength=len(true)) / len(rows) - true).sum() / 2 < 0.006


def test_a_draw_is_by_row_number() -> None:
    whole = CONDITION.draw(1_000, 7)
    assert np.array_equal(CONDITION.draw(300, 7, start=500), whole[500:800])
    assert not np.array_equal(CONDITION.draw(1_000, 8), whole)


@pytest.mark.parametrize(("name", "value"), [("vip", True), ("rare", "rare"), ("region", "w"), ("region", None)])
def test_where_sets_the_entry_of_its_own_column(name: str, value: Any) -> None:
    marginals = fit_marginals(CODEC, ENCODED)
    plan = make_plan(Where.of({name: value}), [], marginals)
    drawn = CONDITION.draw(50, 0, condition_choices(CONDITION, plan.allowed, marginals))
    expected = np.zeros(9)
    expected[[0, 2, 5][NAMES.index(name)] + CODEC[name].levels.index(value)] = 1
    assert np.array_equal(CONDITION.wide(jnp.asarray(drawn)), np.tile(expected, (50, 1)))


def test_of_several_given_columns_the_rarest_is_the_condition_and_levels_follow_their_frequency() -> None:
    choices = {0: np.array([True, False]), 2: np.array([True, False, True, False])}
    drawn = CONDITION.draw(50_000, 0, choices)
    assert np.all(drawn[:, :2] == -1)
    counts = np.bincount(TRUE["region"])
    expected = counts[0] / (counts[0] + counts[2])
    assert set(drawn[:, 2].tolist()) == {0, 2}
    assert abs((drawn[:, 2] == 0).mean() - expected) < 5 * np.sqrt(expected * (1 - expected) / 50_000)


def test_rows_keep_what_was_generated() -> None:
    assert np.array_equal(CONDITION.join(CONDITION.rest(ENCODED), CONDITION.draw(ROWS, 0)).codes, ENCODED.codes)


def test_modes_of_numbers_condition_too() -> None:
    condition = fit(numbers=True)
    spend = CODEC["spend"]
    assert [fitted.column.name for fitted in condition.columns] == ["vip", "spend", "rare", "region"]
    assert condition.cardinalities == (2, spend.cardinality, 3, 4)
    assert np.array_equal(condition.codes(ENCODED)[:, 1], TRUE["spend"])
    marginals = fit_marginals(CODEC, ENCODED)
    choices = condition_choices(condition, make_plan(Where.of({"spend": None}), [], marginals).allowed, marginals)
    assert np.array_equal(choices[1], np.arange(spend.cardinality) == spend.cardinality - 1)


def test_save_and_load(tmp_path: Path) -> None:
    CONDITION.save(tmp_path / "condition.npz")
    loaded = FittedTrainingBySampling.load(tmp_path / "condition.npz", CODEC, CONDITION.rule)
    assert loaded.layout == CONDITION.layout
    assert np.array_equal(loaded.draw(500, 4), CONDITION.draw(500, 4))
    with np.load(tmp_path / "condition.npz", allow_pickle=False) as data:
        assert data["combinations"].shape == (9, 3)  # counts of single levels, never a row


def test_a_table_of_numbers_only_raises() -> None:
    table = normalise(pa.table({"x": np.arange(50) / 7, "y": np.arange(50) / 3}))
    codec = Modes(modes=1).fit(table, detect(table))
    with pytest.raises(UserError, match="no category or boolean; use condition=none"):
        TrainingBySampling().fit(codec, codec.encode(table))
