import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from jaxtyping import Array

from gans.errors import UserError
from gans.penalties.dragan import Dragan

BATCH, WIDTH = 6, 3
W = np.array([2.0, -1.0, 2.0], np.float32)  # of norm 3
REAL, FAKE = (jnp.asarray(np.random.default_rng(seed).normal(size=(BATCH, WIDTH)), jnp.float32) for seed in (0, 1))
CONDITION = jnp.zeros((BATCH, 2))
KEYS = jax.random.split(jax.random.key(0), BATCH)


def linear(rows: Array, condition: Array, keys: Array) -> Array:
    return rows @ W


def pay(penalty: Dragan, critic: object = linear, real: Array = REAL, fake: Array = FAKE, keys: Array = KEYS) -> float:
    return float(penalty(critic, real, fake, CONDITION[: len(real)], keys))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("target", "weight"), [(1.0, 10.0), (0.0, 2.0), (3.0, 5.0)])
def test_linear_critic(target: float, weight: float) -> None:
    np.testing.assert_allclose(pay(Dragan(weight=weight, target=target)), weight * (3 - target) ** 2, atol=1e-5)


def test_points_lie_about_the_real_rows_and_fill_the_spread() -> None:
    """For the critic x_0^2 / 2 the norm of the gradient is x_0, so the cost is the mean square of the points."""
    rows = jnp.full((4_000, WIDTH), 7.0).at[:, 0].set(5.0)
    keys = jax.random.split(jax.random.key(1), len(rows))
    width = 0.5 * float(jnp.std(rows))
    found = float(
        Dragan(weight=1.0, target=0.0)(
            lambda x, condition, keys: x[:, 0] ** 2 / 2, rows, rows, jnp.zeros((len(rows), 2)), keys
        )
    )
    expected = ((5 + width) ** 3 - 5**3) / (3 * width)  # of a uniform draw between 5 and 5 + width
    assert abs(found - expected) < 4 * (5 + width) * width / np.sqrt(12 * len(rows)) * 2
    assert found > 25


def test_generated_rows_do_not_count() -> None:
    quadratic = lambda rows, condition, keys: jnp.sum(W * rows**2, axis=-1)  # noqa: E731
    assert pay(Dragan(), quadratic) == pay(Dragan(), quadratic, REAL, 100 * FAKE)
    assert pay(Dragan(spread=0.0), quadratic) != pay(Dragan(), quadratic)


def test_the_gradient_brings_the_norm_to_the_target() -> None:
    def cost(scale: Array) -> Array:
        return Dragan()(lambda rows, condition, keys: scale * rows @ W / 3, REAL, FAKE, CONDITION, KEYS)

    np.testing.assert_allclose(jax.grad(cost)(jnp.float32(0.4)), 2 * 10 * (0.4 - 1), rtol=1e-4)


def test_wrong_shapes_and_values_raise() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        Dragan()(linear, REAL, FAKE[:3], CONDITION, KEYS)
    for key in ("weight", "target", "spread"):
        with pytest.raises(UserError, match=rf"penalty\.dragan\.{key}=-0\.5: it must be at least 0"):
            Dragan(**{key: -0.5})
