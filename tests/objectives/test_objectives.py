from collections.abc import Callable

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from gans.config.components import load_components
from gans.config.compose import compose
from gans.errors import UserError
from gans.objectives.hinge import Hinge
from gans.objectives.least_squares import LeastSquares
from gans.objectives.minimax import Minimax
from gans.objectives.non_saturating import NonSaturating
from gans.objectives.relativistic_average import RelativisticAverage
from gans.objectives.relativistic_pairing import RelativisticPairing
from gans.registry import COMPONENTS

load_components()
OBJECTIVES = COMPONENTS["objective"]
REAL, FAKE = np.array([0.3, -1.2, 2.5]), np.array([-0.7, 0.4, 1.1])

Loss = Callable[[np.ndarray, np.ndarray], float]


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def log_loss(real: np.ndarray, fake: np.ndarray) -> float:
    return -np.log(probability(real)).mean() - np.log(1 - probability(fake)).mean()


def average_loss(above: np.ndarray, below: np.ndarray) -> float:
    up, down = above - below.mean(), below - above.mean()
    return -np.log(probability(up)).mean() - np.log(1 - probability(down)).mean()


# name: discriminator's loss, generator's loss, takes, needs
EXPECTED: dict[str, tuple[Loss, Loss, tuple[str, ...] | None, tuple[str, ...]]] = {
    "hinge": (
        lambda real, fake: np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean(),
        lambda _, fake: -fake.mean(),
        None,
        (),
    ),
    "least_squares": (
        lambda real, fake: ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2,
        lambda _, fake: ((fake - 1) ** 2).mean() / 2,
        None,
        (),
    ),
    "relativistic_average": (average_loss, lambda real, fake: average_loss(fake, real), None, ()),
    "minimax": (log_loss, lambda _, fake: np.log(1 - probability(fake)).mean(), (), ()),
    "non_saturating": (log_loss, lambda _, fake: -np.log(probability(fake)).mean(), None, ()),
    "relativistic_pairing": (
        lambda real, fake: -np.log(probability(real - fake)).mean(),
        lambda real, fake: -np.log(probability(fake - real)).mean(),
        None,
        (),
    ),
    "wasserstein": (
        lambda real, fake: fake.mean() - real.mean(),
        lambda _, fake: -fake.mean(),
        None,
        ("gradient_penalty", "optimizer.clip", "network.spectral_norm"),
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("rows", [2, 3])
def test_losses_are_those_of_numpy(name: str, rows: int) -> None:
    objective, (discriminator, generator, _, _) = OBJECTIVES[name](), EXPECTED[name]
    real, fake = REAL[:rows], FAKE[:rows]
    args = jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32)
    np.testing.assert_allclose(objective.discriminator(*args), discriminator(real, fake), rtol=1e-5)
    np.testing.assert_allclose(objective.generator(*args), generator(real, fake), rtol=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_fall_where_the_discriminator_is_right_and_where_it_is_deceived(name: str) -> None:
    """Of any objective, also of a plugin's: by steps and not by gradients, which might be stopped or turned."""
    objective = OBJECTIVES[name]()
    real, fake = jnp.array([0.3, 0.1, 0.6]), jnp.array([0.5, 0.4, 0.2])
    start, deceived = objective.discriminator(real, fake), objective.generator(real, fake)
    for step in (0.05, 0.2):
        assert objective.discriminator(real + step, fake) < start < objective.discriminator(real - step, fake)
        assert objective.discriminator(real, fake - step) < start < objective.discriminator(real, fake + step)
        assert objective.generator(real, fake + step) < deceived < objective.generator(real, fake - step)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_point_the_right_way(name: str) -> None:
    """Between the labels of least squares and within the margins of the hinge; elsewhere these two turn or rest."""
    objective = OBJECTIVES[name]()
    real, fake = jnp.array([0.3, 0.1, 0.9]), jnp.array([0.7, 0.4, 0.2])
    by_real, by_fake = jax.grad(objective.discriminator, (0, 1))(real, fake)
    assert (np.asarray(by_real) < 0).all()
    assert (np.asarray(by_fake) > 0).all()
    assert (np.asarray(jax.grad(objective.generator, 1)(real, fake)) < 0).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_finite_at_extreme_logits(name: str) -> None:
    objective = OBJECTIVES[name]()
    for high in (1e4, -1e4):
        real, fake = jnp.array([high, -high]), jnp.array([-high, -high])
        for loss in (objective.discriminator, objective.generator):
            value, gradients = jax.value_and_grad(loss, (0, 1))(real, fake)
            assert np.isfinite(value)
            assert np.isfinite(gradients).all()


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("shapes", [((3,), (2,)), ((3, 1), (3, 1)), ((3,), (3, 1))])
def test_wrong_shapes_raise(name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    objective, (real, fake) = OBJECTIVES[name](), map(jnp.zeros, shapes)
    for loss in (objective.discriminator, objective.generator):
        with pytest.raises(jaxtyping.TypeCheckError):
            loss(real, fake)


@pytest.mark.parametrize("name", EXPECTED)
def test_takes_and_needs(name: str) -> None:
    assert (OBJECTIVES[name].takes, OBJECTIVES[name].needs) == EXPECTED[name][2:]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_run_takes_exactly_the_allowed_penalties(name: str) -> None:
    takes, needs = OBJECTIVES[name].takes, OBJECTIVES[name].needs
    if needs:
        with pytest.raises(UserError, match=f"objective={name} needs one of {', '.join(needs)}"):
            compose([f"objective={name}"])
    else:
        assert compose([f"objective={name}"]).penalty == {}
    for penalty in COMPONENTS["penalty"]:
        overrides = [f"objective={name}", f"penalty=[{','.join({penalty, *needs[:1]})}]"]
        if takes is None or penalty in takes:
            assert penalty in compose(overrides).penalty
        else:
            with pytest.raises(UserError, match=f"penalty=\\[{penalty}\\]: objective={name} does not take it"):
                compose(overrides)


def test_an_undecided_critic_pays_twice_log_two() -> None:
    zero = jnp.zeros(5)
    np.testing.assert_allclose(NonSaturating().discriminator(zero, zero), 2 * np.log(2), rtol=1e-6)


def test_only_the_non_saturating_generator_learns_from_a_sure_critic() -> None:
    real, fake = jnp.full(4, 12.0), jnp.full(4, -12.0)
    np.testing.assert_allclose(jax.grad(NonSaturating().generator, 1)(real, fake), -0.25, rtol=1e-4)
    np.testing.assert_allclose(jax.grad(Minimax().generator, 1)(real, fake), 0, atol=1e-5)


def pairs_loss(critic: jax.Array, p: np.ndarray, q: np.ndarray) -> jax.Array:
    """The discriminator's loss over all pairs (x, g) of levels, weighted by p(x) q(g)."""
    loss = RelativisticPairing().discriminator
    single = jax.vmap(jax.vmap(lambda real, fake: loss(real[None], fake[None]), (None, 0)), (0, None))
    return jnp.sum(single(critic, critic) * p[:, None] * q)


def test_the_best_relativistic_critic_is_the_log_ratio_up_to_a_constant() -> None:
    p, q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.4])
    best = jnp.asarray(np.log(p / q), jnp.float32)
    for constant in (0.0, 3.0):
        np.testing.assert_allclose(jax.grad(pairs_loss)(best + constant, p, q), 0, atol=1e-6)
    np.testing.assert_allclose(pairs_loss(best + 3, p, q), pairs_loss(best, p, q), rtol=1e-5)
    for direction in np.eye(4, dtype=np.float32):
        for step in (-0.3, 0.3):
            assert pairs_loss(best + step * direction, p, q) > pairs_loss(best, p, q) + 1e-4


def test_relativistic_losses_see_differences_only() -> None:
    real, fake, objective = jnp.asarray(REAL, jnp.float32), jnp.asarray(FAKE, jnp.float32), RelativisticPairing()
    for loss in (objective.discriminator, objective.generator):
        np.testing.assert_allclose(loss(real + 5, fake + 5), loss(real, fake), rtol=1e-5)
        np.testing.assert_allclose(loss(real, real), np.log(2), rtol=1e-6)
    np.testing.assert_allclose(objective.generator(real, fake), objective.discriminator(fake, real), rtol=1e-6)
    assert (np.asarray(jax.grad(objective.generator)(real, fake)) > 0).all()


def test_a_hinge_rests_beyond_its_margin() -> None:
    sure = jax.grad(Hinge().discriminator, (0, 1))(jnp.array([1.5, 0.5]), jnp.array([-1.5, -0.5]))
    np.testing.assert_array_equal(sure, [[0, -0.5], [0, 0.5]])


def test_least_squares_rests_at_its_labels_and_turns_beyond() -> None:
    objective = LeastSquares(real=1.0, fake=-1.0, goal=0.0)
    by_real, by_fake = jax.grad(objective.discriminator, (0, 1))(jnp.array([1.0, 3.0]), jnp.array([-1.0, -3.0]))
    np.testing.assert_allclose([by_real, by_fake], [[0, 1], [0, -1]])
    np.testing.assert_allclose(jax.grad(objective.generator, 1)(jnp.zeros(2), jnp.array([0.0, 2.0])), [0, 1])


@pytest.mark.parametrize("key", ["real", "goal"])
def test_labels_of_least_squares_that_pull_the_wrong_way_raise(key: str) -> None:
    with pytest.raises(UserError, match=rf"objective\.{key}=-1: it must be more than 0"):
        LeastSquares(**{key: -1.0})


def test_relativistic_averages_do_not_see_a_shift() -> None:
    real, fake, objective = jnp.asarray(REAL, jnp.float32), jnp.asarray(FAKE, jnp.float32), RelativisticAverage()
    for loss in (objective.discriminator, objective.generator):
        np.testing.assert_allclose(loss(real + 5, fake + 5), loss(real, fake), rtol=1e-5)
        np.testing.assert_allclose(loss(jnp.full(3, 2.0), jnp.full(3, 2.0)), 2 * np.log(2), rtol=1e-6)
