"""The codec of modes, its mixture recomputed by plain sums."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from gans.conditions.labels import Labels
from gans.data.codecs import FittedCodec
from gans.data.codecs.exclusions import exclude
from gans.data.codecs.knots import Mixture, ascending
from gans.data.codecs.modes import Modes
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.errors import UserError

ROWS = 3_000
RNG = np.random.default_rng(0)
PART = RNG.random(ROWS)
TWO = np.round(np.where(PART < 0.3, RNG.normal(-40, 2, ROWS), RNG.normal(10, 1, ROWS)), 3)
GAIN = np.where(PART < 0.8, 0.0, np.round(RNG.lognormal(3, 1.5, ROWS), 2))
COLUMNS: dict[str, Any] = {
    "two": TWO,
    "gain": GAIN,
    "holes": pa.array(RNG.poisson(3, ROWS) ** 2, mask=PART < 0.1),
    "wide": pa.array(np.concatenate([RNG.integers(-(2**52), 2**51, ROWS - 2), [-(2**52), 2**51]])),
    "low": pa.array(RNG.integers(-(2**63), -(2**63) + 999, ROWS)),
    "when": pa.array(RNG.integers(10**18, 10**18 + 10**15, ROWS), pa.timestamp("ns")),
    "day": pa.array([dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in RNG.integers(0, 900, ROWS)]),
    "outlier": np.where(PART < 3 / ROWS, 1e6, np.round(RNG.normal(0, 1, ROWS), 4)),
    "few": pa.array(RNG.integers(0, 2, ROWS) / 4, mask=PART > 0.5),
    "plan": RNG.choice(["a", "b"], ROWS),
}
TABLE = normalise(pa.table(COLUMNS))
SCHEMA = detect(TABLE, {"few": "numeric", "holes": "integer", "low": "integer", "wide": "integer"})
CODECS = {"plain": Modes(), "with atoms and logarithms": Modes(atom=0.2, long_tail=1), "two modes": Modes(modes=2)}
FITTED = {name: codec.fit(TABLE, SCHEMA) for name, codec in CODECS.items()}
every = pytest.mark.parametrize("name", CODECS)


@every
@pytest.mark.parametrize("seed", [0, 1, None])
def test_every_training_value_comes_back(name: str, seed: int | None) -> None:
    fitted = FITTED[name]
    encoded = fitted.encode(TABLE, seed)
    assert fitted.decode(encoded).equals(TABLE)
    assert np.abs(encoded.scalars).max() <= 0.99 + 1e-6
    assert fitted.layout.bound == 1.0
    for score, code, levels in fitted.layout.masks:
        assert np.all(encoded.scalars[encoded.codes[:, code] >= levels, score] == 0)


def test_arbitrary_numbers_come_back_within_float_error() -> None:
    values = np.exp(3 * np.random.default_rng(4).normal(size=20_000))
    table = normalise(pa.table({"x": values, "y": np.arange(20_000) / 7}))
    for codec in (Modes(), Modes(long_tail=1)):
        fitted = codec.fit(table, detect(table))
        x = fitted["x"]
        encoded = fitted.encode(table)
        back = fitted.decode(encoded)["x"].to_numpy()
        assert x.mixture is not None
        width = np.array([np.ptp(k.values) for k in x.knots])[encoded.codes[:, x.code]]
        assert np.all(np.abs(back - values) <= 1e-6 * (width + np.abs(values)))


def test_the_score_is_that_of_the_paper_and_the_modes_are_found() -> None:
    fitted = FITTED["two modes"]
    two, encoded = fitted["two"], fitted.encode(TABLE)
    assert two.mixture is not None
    assert len(two.knots) == two.cardinality == 2
    for mode in range(2):
        here = encoded.codes[:, two.code] == mode
        expected = (TWO[here] - TWO[here].mean()) / (4 * TWO[here].std())
        np.testing.assert_allclose(encoded.scalars[here, two.scalar], expected, atol=0.01)
        np.testing.assert_allclose(two.mixture.weights[mode], here.mean(), atol=0.01)
    assert sorted(TWO[encoded.codes[:, two.code] == mode].mean().round() for mode in range(2)) == [-40, 10]


def test_a_mode_is_drawn_by_its_responsibility() -> None:
    mixture = Mixture(np.array([0.25, 0.75]), np.array([0.0, 3.0]), np.array([1.0, 2.0]))
    values = np.array([-1.0, 1.0, 2.5, 3.4])
    density = np.array([0.25 * norm.pdf(values), 0.75 * norm.pdf(values, 3, 2)])
    expected = density / density.sum(axis=0)
    np.testing.assert_allclose(mixture.shares(values), expected, rtol=1e-9)
    drawn = mixture.draw(np.repeat(values, 20_000), np.random.default_rng(0)).reshape(4, -1)
    np.testing.assert_allclose((drawn == 1).mean(axis=1), expected[1], atol=0.012)
    assert np.array_equal(mixture.draw(values, None), expected.argmax(axis=0))
    assert np.array_equal(mixture.draw(np.array([4.5, 40.0]), None), [1, 1])  # 4.5 lies beyond 4 sd of the first


def test_ascending_scores_differ_by_the_least_step() -> None:
    given = np.array([-1.0, -0.5, -0.5, -1e-45, 0.0, 0.0, 0.25, 0.25, 0.25, 0.9])
    moved = ascending(given)
    assert np.all(np.diff(moved) > 0)
    up = np.nextafter(np.float32([-0.5, 0.25]), np.float32(1))
    assert moved[[0, 1, 2, 6, 7, 9]].tolist() == [-1, -0.5, up[0], 0.25, up[1], np.float32(0.9)]
    np.testing.assert_allclose(moved, given, atol=1e-7)


def test_negligible_modes_are_dropped_and_what_none_reaches_has_its_own() -> None:
    outlier = FITTED["plain"]["outlier"]
    assert outlier.mixture is not None
    assert np.all(outlier.mixture.weights[:-1] > 0.005)
    assert outlier.knots[-1].values.tolist() == [1e6]
    codes = FITTED["plain"].encode(TABLE).codes[:, outlier.code]
    assert np.array_equal(codes == len(outlier.knots) - 1, COLUMNS["outlier"] == 1e6)


def test_atoms_and_missing_are_levels_behind_the_modes() -> None:
    fitted = FITTED["with atoms and logarithms"]
    encoded = fitted.encode(TABLE)
    gain, holes = fitted["gain"], fitted["holes"]
    assert gain.mixture is not None
    assert gain.atoms.tolist() == [0.0]
    assert gain.mixture.log
    assert np.array_equal(encoded.codes[:, gain.code] == len(gain.knots), GAIN == 0)
    missing = TABLE["holes"].is_null().to_numpy()
    assert np.array_equal(encoded.codes[:, holes.code] == holes.cardinality - 1, missing)
    assert holes.cardinality == len(holes.knots) + len(holes.atoms) + 1
    plain = FITTED["plain"]["gain"]
    assert plain.mixture is not None
    assert (len(plain.atoms), plain.mixture.log) == (0, False)


def test_the_logarithm_of_a_long_tail() -> None:
    mixture = FITTED["with atoms and logarithms"]["gain"].mixture
    assert mixture is not None
    tail = GAIN[GAIN > 0]
    np.testing.assert_allclose(mixture.start, tail.min())
    np.testing.assert_allclose(
        mixture.warp(tail), np.log(1 + (tail - tail.min()) / np.median(tail - tail.min())), rtol=0.02, atol=1e-3
    )


def test_a_long_tail_above_a_value_of_most_rows_is_scaled_by_its_span() -> None:
    """The median distance from the start is 0 there."""
    values = np.round(np.append(np.full(600, 2.0), 3 + np.random.default_rng(5).lognormal(2, 1, 400)), 3)
    table = normalise(pa.table({"x": values, "y": np.arange(1_000) / 7}))
    fitted = Modes(long_tail=1).fit(table, detect(table))
    mixture = fitted["x"].mixture
    assert mixture is not None
    assert (mixture.log, mixture.start, mixture.scale) == (True, 2.0, values.max() - 2)
    assert fitted.decode(fitted.encode(table)).equals(table)


@every
def test_generated_rows_stay_within_bounds_and_decimals(name: str) -> None:
    fitted, rng = FITTED[name], np.random.default_rng(3)
    scores = rng.uniform(-1, 1, (ROWS, fitted.layout.scalars)).astype(np.float32)
    codes = np.stack([rng.integers(0, size, ROWS) for size in fitted.layout.cardinalities], axis=1).astype(np.int32)
    back = fitted.decode(Encoded(scores, codes))
    assert back.schema == TABLE.schema
    for column in ("two", "gain", "wide", "day"):
        made, real = back[column].to_numpy(), TABLE[column].to_numpy()
        assert made.min() >= real.min()
        assert made.max() <= real.max()
    made = back["two"].to_numpy()
    assert np.array_equal(made, np.round(made, 3))
    assert len(np.setdiff1d(made, TWO)) > 100  # not only training values


def test_values_outside_the_bounds_are_clipped() -> None:
    fitted = FITTED["plain"]
    beyond = TABLE.slice(0, 2).set_column(0, "two", pa.array([-1e9, 1e9]))
    assert fitted.decode(fitted.encode(beyond))["two"].to_pylist() == [TWO.min(), TWO.max()]


@every
def test_saved_codec_gives_the_same(name: str, tmp_path: Path) -> None:
    fitted = FITTED[name]
    fitted.save(tmp_path / "codec.npz")
    loaded = FittedCodec.load(tmp_path / "codec.npz", SCHEMA)
    assert loaded.layout == fitted.layout
    first, second = fitted.encode(TABLE, 4), loaded.encode(TABLE, 4)
    assert np.array_equal(first.scalars, second.scalars)
    assert np.array_equal(first.codes, second.codes)
    assert loaded.decode(second).equals(TABLE)


def test_modes_are_drawn_and_exclude_nothing_while_atoms_do() -> None:
    gain = np.where(PART < 0.5, 0.0, np.round(RNG.lognormal(3, 0.2, ROWS) + 100 * (PART > 0.7), 2))
    plan = np.where(gain == 0, "none", np.where(gain > 90, "big", "small"))
    table = normalise(pa.table({"gain": gain, "plan": plan}))
    codec = Modes(atom=0.2, modes=2).fit(table, detect(table))
    codec, summary = exclude(codec, codec.encode(table))
    names, levels = codec.code_names()
    gain_code, atom = names.index("gain"), len(codec["gain"].knots)
    words = [f"other than 0.0, mode {mode}" for mode in range(1, atom + 1)]
    assert levels[gain_code] == [*words, 0.0]
    found = {frozenset([(i, x), (j, y)]) for i, x, j, y in codec.exclusions.tolist()}
    plan_code = names.index("plan")
    assert found == {frozenset([(gain_code, atom), (plan_code, level)]) for level in (0, 2)}  # big and small
    assert len(summary) > 0


def test_bins_of_a_condition_follow_the_values() -> None:
    fitted = FITTED["plain"]
    encoded = fitted.encode(TABLE)
    codes = Labels(columns=["two", "holes"], bins=4).fit(fitted, encoded).codes(encoded)
    assert np.all(np.diff([TWO[codes[:, 0] == k].mean() for k in range(4)]) > 0)
    assert np.array_equal(codes[:, 1] == codes[:, 1].max(), TABLE["holes"].is_null().to_numpy())


@pytest.mark.parametrize(("key", "value"), [("modes", 0), ("long_tail", -1.0), ("atom", 0.0)])
def test_values_out_of_range_raise(key: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"codec\.{key}="):
        Modes(**{key: value})  # pyright: ignore[reportArgumentType]
