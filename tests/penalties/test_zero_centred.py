import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from jaxtyping import Array

from gans.errors import UserError
from gans.penalties.base import Critic
from gans.penalties.r1 import R1
from gans.penalties.r2 import R2
from gans.penalties.zero_centred import ZeroCentred

BATCH, WIDTH = 8, 3
W = np.array([2.0, -1.0, 2.0], np.float32)  # of norm 3
RNG = np.random.default_rng(0)
REAL, FAKE = (RNG.normal(size=(BATCH, WIDTH)).astype(np.float32) for _ in range(2))
CONDITION = RNG.normal(size=(BATCH, WIDTH)).astype(np.float32)
both = pytest.mark.parametrize(("kind", "rows"), [(R1, REAL), (R2, FAKE)], ids=["r1", "r2"])


def keys(count: int = BATCH) -> Array:
    return jax.random.split(jax.random.key(0), count)


def linear(rows: Array, condition: Array, keys: Array) -> Array:
    return rows @ W


def quadratic(rows: Array, condition: Array, keys: Array) -> Array:
    return 0.5 * jnp.sum(W * rows**2, axis=-1)


def pay(penalty: ZeroCentred, critic: Critic, real: np.ndarray = REAL, fake: np.ndarray = FAKE) -> float:
    return float(penalty(critic, jnp.asarray(real), jnp.asarray(fake), jnp.asarray(CONDITION), keys()))


@both
@pytest.mark.parametrize("gamma", [0.0, 0.5, 10.0])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_linear_critic(kind: type[ZeroCentred], rows: np.ndarray, gamma: float, share: float) -> None:
    np.testing.assert_allclose(pay(kind(gamma=gamma, share=share), linear), gamma / 2 * 9, rtol=1e-5)


@both
def test_quadratic_critic_at_its_own_rows(kind: type[ZeroCentred], rows: np.ndarray) -> None:
    norms = np.linalg.norm(W * rows, axis=1)
    np.testing.assert_allclose(pay(kind(gamma=2.0), quadratic), np.mean(norms**2), rtol=1e-5)
    half = pay(kind(gamma=2.0, share=0.5), quadratic)
    np.testing.assert_allclose(half, np.mean(norms[: BATCH // 2] ** 2), rtol=1e-5)
    assert pay(kind(gamma=2.0, share=0.01), quadratic) == pytest.approx(norms[0] ** 2, rel=1e-5)  # never of no row


@both
def test_a_share_of_the_batch_is_unbiased(kind: type[ZeroCentred], rows: np.ndarray) -> None:
    """Rows of a batch come in no order, so the mean over orders is the cost of the whole batch."""
    whole = pay(kind(gamma=2.0), quadratic)
    turned = [np.roll(np.arange(BATCH), turn) for turn in range(BATCH)]
    some = [pay(kind(gamma=2.0, share=0.25), quadratic, REAL[turn], FAKE[turn]) for turn in turned]
    np.testing.assert_allclose(np.mean(some), whole, rtol=1e-5)
    assert np.std(some) > 0.1


@both
def test_descent_flattens_the_critic(kind: type[ZeroCentred], rows: np.ndarray) -> None:
    batch = jnp.asarray(REAL), jnp.asarray(FAKE), jnp.asarray(CONDITION)

    def cost(scale: Array) -> Array:
        return kind(gamma=3.0)(lambda rows, condition, keys: scale * rows @ W / 3, *batch, keys())

    for scale in (-2.0, 0.0, 0.5):
        np.testing.assert_allclose(jax.grad(cost)(jnp.float32(scale)), 3 * scale, rtol=1e-5)


@both
def test_the_critic_sees_condition_and_keys(kind: type[ZeroCentred], rows: np.ndarray) -> None:
    def critic(rows: Array, condition: Array, keys: Array) -> Array:
        return jnp.sum(rows * condition, axis=-1) * jax.vmap(jax.random.normal)(keys)

    noise = np.asarray(jax.vmap(jax.random.normal)(keys()))
    each = np.linalg.norm(CONDITION * noise[:, None], axis=1) ** 2
    np.testing.assert_allclose(pay(kind(gamma=2.0), critic), each.mean(), rtol=1e-4)
    np.testing.assert_allclose(pay(kind(gamma=2.0, share=0.5), critic), each[:4].mean(), rtol=1e-4)


@both
def test_wrong_shapes_raise(kind: type[ZeroCentred], rows: np.ndarray) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        kind()(linear, jnp.asarray(REAL), jnp.asarray(FAKE)[:3], jnp.asarray(CONDITION), keys())


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (R1, {"gamma": -1.0}, r"penalty\.r1\.gamma=-1"),
        (R2, {"gamma": -1.0}, r"penalty\.r2\.gamma=-1"),
        (R1, {"share": 0.0}, r"penalty\.r1\.share=0"),
        (R2, {"share": 1.5}, r"penalty\.r2\.share=1\.5"),
    ],
)
def test_values_out_of_range_raise(kind: type[ZeroCentred], options: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=f"{said}: it must be"):
        kind(**options)
