import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

from gans.conditions.codes import STEPS, Codes
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.errors import UserError

TABLE = normalise(pa.table({"a": np.random.default_rng(0).normal(size=50), "b": ["x", "y"] * 25}))
CODEC = Quantile().fit(TABLE, detect(TABLE, {}))
ENCODED = CODEC.encode(TABLE)
FITTED = Codes(categories=[3, 2], continuous=1).fit(CODEC, ENCODED)


def test_codes_are_uniform_and_have_nothing_to_do_with_rows() -> None:
    keys = jax.random.split(jax.random.key(0), 20_000)
    rows, codes = map(np.asarray, FITTED.pick(FITTED.known(ENCODED), keys))
    assert (rows.min(), rows.max()) == (0, 49)
    for place, levels in enumerate((3, 2)):
        counts = np.bincount(codes[:, place], minlength=levels)
        assert np.abs(counts / 20_000 - 1 / levels).max() < 0.02
    assert abs(codes[:, 2].mean() / STEPS - 0.5) < 0.01
    assert abs(np.corrcoef(rows, codes[:, 0])[0, 1]) < 0.03


def test_the_wide_form_has_one_hots_and_numbers_between_minus_one_and_one() -> None:
    wide = np.asarray(FITTED.wide(jnp.array([[2, 0, 0], [1, 1, STEPS - 1]])))
    np.testing.assert_allclose(wide, [[0, 0, 1, 1, 0, -1], [0, 1, 0, 0, 1, 1]], atol=1e-4)
    assert np.abs(wide[:, 5]).max() < 1
    assert (FITTED.layout.labels, FITTED.layout.continuous) == ((3, 2), 1)


def test_codes_of_a_row_depend_on_its_number_only() -> None:
    whole = FITTED.draw(100, 5)
    np.testing.assert_array_equal(FITTED.draw(30, 5, None, 40), whole[40:70])
    assert whole.dtype == np.int32
    assert (whole.max(0) < [3, 2, STEPS]).all()


def test_saved_and_loaded(tmp_path) -> None:
    FITTED.save(tmp_path / "condition.npz")
    again = type(FITTED).load(tmp_path / "condition.npz", CODEC, FITTED.rule)
    np.testing.assert_array_equal(again.draw(10, 1), FITTED.draw(10, 1))


def test_no_code_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="condition=codes needs a code"):
        Codes(categories=[], continuous=0)
    with pytest.raises(UserError, match=r"condition\.categories=1"):
        Codes(categories=[1])
