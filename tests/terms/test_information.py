import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout
from gans.errors import UserError
from gans.terms.base import Made
from gans.terms.information import Information

LAYOUT = Layout(scalars=1, bound=1.0, cardinalities=())
RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(50, 4)), 0.5 * RNG.normal(size=(50, 4)) + 1


def cost(fake: jax.Array | np.ndarray, weight: float = 1.0) -> jax.Array:
    made = Made(jnp.zeros((50, 1)), jnp.zeros((50, 0)), None, jnp.asarray(fake), jnp.asarray(REAL))
    return Information(weight=weight)(LAYOUT, (), made, jnp.float32(0))


def test_the_cost_is_what_numpy_computes() -> None:
    expected = np.linalg.norm(REAL.mean(0) - FAKE.mean(0)) + np.linalg.norm(REAL.std(0) - FAKE.std(0))
    np.testing.assert_allclose(cost(FAKE), expected, rtol=1e-5)
    np.testing.assert_allclose(cost(FAKE, 0.5), expected / 2, rtol=1e-5)
    assert cost(REAL) < 1e-5


def test_the_gradient_is_finite_where_features_are_constant_and_alike() -> None:
    assert np.isfinite(jax.grad(cost)(jnp.ones((50, 4)))).all()
    assert np.isfinite(jax.grad(cost)(jnp.asarray(REAL))).all()


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="shows no features"):
        Information()(LAYOUT, (), Made(jnp.zeros((50, 1)), jnp.zeros((50, 0))), jnp.float32(0))
    with pytest.raises(UserError, match=r"term\.information\.weight=-1"):
        Information(weight=-1.0)
