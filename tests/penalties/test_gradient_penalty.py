import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from jaxtyping import Array

from gans.errors import UserError
from gans.penalties.base import Critic
from gans.penalties.gradient_penalty import GradientPenalty

BATCH, WIDTH = 6, 3
W = np.array([2.0, -1.0, 2.0], np.float32)  # of norm 3
RNG = np.random.default_rng(0)
REAL, FAKE = (jnp.asarray(RNG.normal(size=(BATCH, WIDTH)), jnp.float32) for _ in range(2))
CONDITION = jnp.zeros((BATCH, 2))


def keys(count: int = BATCH, seed: int = 0) -> Array:
    return jax.random.split(jax.random.key(seed), count)


def linear(rows: Array, condition: Array, keys: Array) -> Array:
    return rows @ W


def quadratic(rows: Array, condition: Array, keys: Array) -> Array:
    return 0.5 * jnp.sum(W * rows**2, axis=-1)


def pay(penalty: GradientPenalty, critic: Critic, real: Array = REAL, fake: Array = FAKE) -> float:
    return float(penalty(critic, real, fake, CONDITION, keys()))


@pytest.mark.parametrize("target", [0.0, 1.0, 3.0, 7.5])
@pytest.mark.parametrize("weight", [0.0, 1.0, 10.0])
def test_linear_critic(target: float, weight: float) -> None:
    cost = pay(GradientPenalty(weight=weight, target=target), linear)
    np.testing.assert_allclose(cost, weight * (3 - target) ** 2, rtol=1e-5, atol=1e-8)


def test_defaults_are_those_of_the_paper() -> None:
    np.testing.assert_allclose(pay(GradientPenalty(), linear), 10 * (3 - 1) ** 2, rtol=1e-5)


def test_quadratic_critic_at_known_points() -> None:
    """Where real and generated rows coincide, so do the interpolates."""
    norms = np.linalg.norm(W * REAL, axis=1)
    cost = pay(GradientPenalty(weight=2.0, target=0.5), quadratic, REAL, REAL)
    np.testing.assert_allclose(cost, 2 * np.mean((norms - 0.5) ** 2), rtol=1e-5)


@pytest.mark.parametrize("target", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("scale", [0.2, 2.0])
def test_descent_brings_the_gradient_norm_to_the_target(target: float, scale: float) -> None:
    penalty = GradientPenalty(weight=10.0, target=target)

    def cost(scale: Array) -> Array:
        return penalty(lambda rows, condition, keys: scale * rows @ W / 3, REAL, FAKE, CONDITION, keys())

    gradient = float(jax.grad(cost)(jnp.float32(scale)))
    np.testing.assert_allclose(gradient, 2 * 10 * (scale - target), rtol=1e-4)
    assert np.sign(gradient) == np.sign(scale - target)


def test_gradient_is_finite_where_the_critic_is_flat() -> None:
    def cost(w: Array) -> Array:
        return GradientPenalty()(lambda rows, condition, keys: rows @ w, REAL, FAKE, CONDITION, keys())

    value, gradient = jax.value_and_grad(cost)(jnp.zeros(WIDTH))
    np.testing.assert_allclose(value, 10, rtol=1e-4)
    assert np.isfinite(gradient).all()


def interpolates(real: np.ndarray, fake: np.ndarray, keys: Array, kind: str = "linear") -> np.ndarray:
    """Positive points [batch, width], read off the cost of one example for the critics x_j^2 / 2."""

    def coordinate(place: int) -> Array:
        def cost(real: Array, fake: Array, key: Array) -> Array:
            return GradientPenalty(weight=1.0, target=0.0, interpolates=kind)(
                lambda rows, condition, keys: rows[:, place] ** 2 / 2,
                real[None],
                fake[None],
                jnp.zeros((1, 0)),
                key[None],
            )

        return jnp.sqrt(jax.vmap(cost)(real, fake, keys))

    return np.stack([coordinate(place) for place in range(real.shape[1])], axis=1)


def test_interpolates_are_uniform_between_real_and_fake() -> None:
    count = 2000
    rng = np.random.default_rng(1)
    real, fake = rng.uniform(4, 6, (count, WIDTH)), rng.uniform(1, 3, (count, WIDTH))
    points = interpolates(real.astype(np.float32), fake.astype(np.float32), keys(count))
    share = (points - fake) / (real - fake)
    np.testing.assert_allclose(share, share[:, :1].repeat(WIDTH, 1), atol=1e-4)  # on the line, not in the box
    assert share.min() > -1e-4
    assert share.max() < 1 + 1e-4
    places = np.sort(share[:, 0])
    assert np.abs(places - (np.arange(count) + 0.5) / count).max() < 1.63 / np.sqrt(count)  # Kolmogorov, 1%


def test_spherical_interpolates_lie_on_the_arc() -> None:
    """Of rows of one length: as long as they, in their plane, at a uniform share of the angle between them."""
    count = 2000
    real, fake = np.random.default_rng(2).uniform(0.1, 1, (2, count, WIDTH))
    real, fake = (2 * rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (real, fake))
    points = interpolates(real.astype(np.float32), fake.astype(np.float32), keys(count), "spherical")
    apart = np.arccos((real * fake).sum(axis=1) / 4)
    clear = apart > 0.1
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 2, rtol=1e-3)
    assert np.abs(np.linalg.det(np.stack([real, fake, points], axis=1))).max() < 1e-3
    share = np.arccos(np.clip((points * fake).sum(axis=1) / 4, -1, 1))[clear] / apart[clear]
    places = np.sort(share)
    assert np.abs(places - (np.arange(len(places)) + 0.5) / len(places)).max() < 1.63 / np.sqrt(len(places))


def test_spherical_interpolates_of_equal_opposite_and_zero_rows_are_finite() -> None:
    for fake in (REAL, -REAL, jnp.zeros_like(REAL)):
        penalty = GradientPenalty(interpolates="spherical")
        value, slope = jax.value_and_grad(
            lambda scale, fake=fake, penalty=penalty: penalty(
                lambda rows, condition, keys: scale * quadratic(rows, condition, keys), REAL, fake, CONDITION, keys()
            )
        )(jnp.float32(1))
        assert np.isfinite([value, slope]).all()
    same = pay(GradientPenalty(weight=2.0, target=0.5, interpolates="spherical"), quadratic, REAL, REAL)
    np.testing.assert_allclose(same, 2 * np.mean((np.linalg.norm(W * REAL, axis=1) - 0.5) ** 2), rtol=1e-4)


def test_an_unknown_kind_of_interpolates_raises() -> None:
    with pytest.raises(UserError, match=r"allowed are linear, spherical\. Did you mean 'spherical'"):
        GradientPenalty(interpolates="spheric")


def test_an_example_depends_on_its_own_key_only() -> None:
    penalty, every = GradientPenalty(weight=1.0, target=0.3), keys()

    def cost(rows: np.ndarray) -> float:
        return float(penalty(quadratic, REAL[rows], FAKE[rows], CONDITION[rows], every[rows]))

    alone = [cost(np.array([row])) for row in range(BATCH)]
    np.testing.assert_allclose(cost(np.arange(BATCH)), np.mean(alone), rtol=1e-5)
    np.testing.assert_allclose(cost(np.array([4, 1])), np.mean([alone[4], alone[1]]), rtol=1e-5)
    other = float(penalty(quadratic, REAL, FAKE, CONDITION, keys(seed=9)))
    assert abs(other - np.mean(alone)) > 1e-3


def test_the_critic_sees_condition_and_keys() -> None:
    condition = jnp.asarray(RNG.normal(size=(BATCH, WIDTH)), jnp.float32)

    def critic(rows: Array, condition: Array, keys: Array) -> Array:
        noise = jax.vmap(jax.random.normal)(keys)
        return jnp.sum(rows * condition, axis=-1) * noise

    cost = GradientPenalty(weight=1.0, target=0.0)(critic, REAL, FAKE, condition, keys())
    noise = np.asarray(jax.vmap(jax.random.normal)(keys()))
    np.testing.assert_allclose(
        cost, np.mean(np.linalg.norm(np.asarray(condition) * noise[:, None], axis=1) ** 2), rtol=1e-4
    )


def test_wrong_shapes_raise() -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        GradientPenalty()(linear, REAL, FAKE[:3], CONDITION, keys())


@pytest.mark.parametrize("key", ["weight", "target"])
def test_negative_values_raise(key: str) -> None:
    with pytest.raises(UserError, match=rf"penalty\.gradient_penalty\.{key}=-0\.5: it must be at least 0"):
        GradientPenalty(**{key: -0.5})
