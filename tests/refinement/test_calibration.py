"""Calibration: generated scores get the quantiles of the real ones, and nothing else changes."""

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs import FittedCodec
from gans.data.codecs.modes import Modes
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.refinement.calibration import Calibration, calibrate

ROWS = 5_000
NAMES = ("size", "gap", "spike")  # ordinary, with missing values, with an atom at 0


def to_table(rows: int, scale: float, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    spike = np.where(rng.random(rows) < 0.3, 0.0, np.round(rng.gamma(2, 10 * scale, rows) + 1, 3))
    return normalise(
        pa.table(
            {
                "size": np.round(rng.lognormal(3, scale, rows), 3),
                "gap": pa.array(np.round(rng.normal(scale, scale, rows), 3), mask=rng.random(rows) < 0.2),
                "spike": spike,
                "word": rng.choice(["x", "y"], rows),
            }
        )
    )


TABLE = to_table(ROWS, 1.0, 0)
CODEC = Quantile(atom=0.05).fit(TABLE, detect(TABLE, {}))
REAL = CODEC.encode(TABLE)


def distorted(rows: int = 2 * ROWS) -> Encoded:
    """Rows of the same kinds with scores that are too narrow, shifted and skewed."""
    made = CODEC.encode(to_table(rows, 1.0, 1))
    return Encoded((0.3 + 0.5 * made.scalars + 0.1 * made.scalars**2).astype(np.float32), made.codes)


MADE = distorted()


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibrate(CODEC, REAL, MADE)


def ordinary(codec: FittedCodec, name: str, rows: Encoded) -> np.ndarray:
    """Rows that hold a number which is neither missing nor an atom."""
    array = codec.decode_column(name, rows)
    values = array.to_numpy(zero_copy_only=False)
    return ~np.isnan(values) & ((values != 0) | (name != "spike"))


@pytest.mark.parametrize("name", NAMES)
def test_scores_get_the_real_quantiles(calibration: Calibration, name: str) -> None:
    adjusted, slot = calibration.adjust(MADE), CODEC[name].scalar
    ranks = np.linspace(0.005, 0.995, 100)
    real, made, now = (
        np.quantile(rows.scalars[ordinary(CODEC, name, rows), slot], ranks) for rows in (REAL, MADE, adjusted)
    )
    np.testing.assert_allclose(now, real, atol=0.03)
    assert np.abs(made - real).max() > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_ranks_are_kept(calibration: Calibration, name: str) -> None:
    slot, here = CODEC[name].scalar, ordinary(CODEC, name, MADE)
    before, after = (rows.scalars[here, slot] for rows in (MADE, calibration.adjust(MADE)))
    order = np.argsort(before, kind="stable")
    steps, own = np.diff(after[order]), np.diff(before[order])
    assert (steps >= 0).all()
    inner = slice(20, -20)  # the outermost rows meet at the last quantiles
    assert (steps[inner][own[inner] > 0] > 0).mean() > 0.99


def test_atoms_missing_values_and_codes_stay(calibration: Calibration) -> None:
    before = MADE.scalars.copy()
    adjusted = calibration.adjust(MADE)
    np.testing.assert_array_equal(MADE.scalars, before)
    np.testing.assert_array_equal(adjusted.codes, MADE.codes)
    for name, share in (("gap", 0.2), ("spike", 0.3)):
        slot, special = CODEC[name].scalar, ~ordinary(CODEC, name, MADE)
        assert special.mean() == pytest.approx(share, abs=0.03)
        np.testing.assert_array_equal(adjusted.scalars[special, slot], MADE.scalars[special, slot])
        assert (adjusted.scalars[~special, slot] != MADE.scalars[~special, slot]).mean() > 0.9


def test_given_columns_stay(calibration: Calibration) -> None:
    given = np.array([fitted.column.name == "size" for fitted in CODEC.columns], np.int32)
    free, held = calibration.adjust(MADE), calibration.adjust(MADE, given)
    slot = CODEC["size"].scalar
    np.testing.assert_array_equal(held.scalars[:, slot], MADE.scalars[:, slot])
    others = np.arange(MADE.scalars.shape[1]) != slot
    np.testing.assert_array_equal(held.scalars[:, others], free.scalars[:, others])
    assert not np.array_equal(free.scalars[:, slot], MADE.scalars[:, slot])


def test_columns_of_several_modes_are_left_alone() -> None:
    rng = np.random.default_rng(3)
    both = np.where(rng.random(ROWS) < 0.5, rng.normal(-5, 1, ROWS), rng.normal(5, 1, ROWS))
    table = normalise(pa.table({"both": both}))
    codec = Modes().fit(table, detect(table, {}))
    assert len(codec["both"].knots) > 1
    real = codec.encode(table)
    made = Encoded((0.5 * real.scalars).astype(np.float32), real.codes)
    np.testing.assert_array_equal(calibrate(codec, real, made).adjust(made).scalars, made.scalars)


def test_few_rows_are_left_alone() -> None:
    few = distorted(511)
    np.testing.assert_array_equal(calibrate(CODEC, REAL, few).adjust(few).scalars, few.scalars)


def test_equal_scores_stay_finite() -> None:
    """A generator that makes one value only."""
    flat = Encoded(np.zeros_like(MADE.scalars), MADE.codes)
    assert np.isfinite(calibrate(CODEC, REAL, flat).adjust(flat).scalars).all()


def test_arrays_are_read_back(calibration: Calibration) -> None:
    again = Calibration.read(CODEC, calibration.arrays())
    assert len(again.generated) == len(NAMES)
    np.testing.assert_array_equal(again.adjust(MADE).scalars, calibration.adjust(MADE).scalars)
