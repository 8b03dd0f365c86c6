"""Terms with a head on the discriminator's features, and feature matching, against numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout
from gans.errors import UserError
from gans.terms.auxiliary_classifier import AuxiliaryClassifier
from gans.terms.base import Made
from gans.terms.feature_matching import FeatureMatching
from gans.terms.mutual_information import MutualInformation

RNG = np.random.default_rng(0)
LAYOUT = Layout(scalars=2, bound=1.0, cardinalities=(), labels=(2, 3))
CODES = Layout(scalars=2, bound=1.0, cardinalities=(), labels=(3,), continuous=2)
CONDITION = np.concatenate([np.eye(2)[[0, 1, 1, 0]], np.eye(3)[[2, 0, 1, 1]]], 1).astype(np.float32)
REAL, FAKE = (jnp.asarray(RNG.normal(size=(4, 5)), jnp.float32) for _ in range(2))


def entropy(predicted: np.ndarray, condition: np.ndarray, sizes: tuple[int, ...]) -> float:
    total, start = 0.0, 0
    for size in sizes:
        own = np.asarray(predicted, float)[:, start : start + size]
        logs = own - np.log(np.exp(own).sum(1, keepdims=True))
        total -= (condition[:, start : start + size] * logs).sum(1).mean()
        start += size
    return total


def test_both_sides_pay_for_classes_in_the_discriminator_and_one_in_the_generator() -> None:
    term, made = AuxiliaryClassifier(weight=2.0), Made(FAKE[:, :2], jnp.asarray(CONDITION), predicted=FAKE)
    real, fake = (entropy(np.asarray(side), CONDITION, (2, 3)) for side in (REAL, FAKE))
    np.testing.assert_allclose(term.discriminator(LAYOUT, REAL, FAKE, made.condition), 2 * (real + fake), rtol=1e-5)
    np.testing.assert_allclose(term(LAYOUT, (), made, jnp.float32(0)), 2 * fake, rtol=1e-5)
    assert term.head(LAYOUT, 3).features == 15  # pyright: ignore[reportAttributeAccessIssue]


def test_a_label_that_is_not_given_costs_nothing() -> None:
    nothing = jnp.zeros_like(jnp.asarray(CONDITION))
    np.testing.assert_allclose(AuxiliaryClassifier().discriminator(LAYOUT, REAL, FAKE, nothing), 0)


def test_descent_makes_a_row_of_its_class() -> None:
    def cost(predicted: jax.Array) -> jax.Array:
        made = Made(FAKE[:, :2], jnp.asarray(CONDITION), predicted=predicted)
        return AuxiliaryClassifier()(LAYOUT, (), made, jnp.float32(0))

    slope = np.asarray(jax.grad(cost)(FAKE))
    assert (slope[CONDITION == 1] < 0).all()
    assert (slope[CONDITION == 0] > 0).all()


def test_information_is_the_entropy_of_categories_and_half_the_square_of_numbers() -> None:
    condition = np.concatenate([np.eye(3)[[0, 2, 1, 1]], RNG.uniform(-1, 1, (4, 2))], 1).astype(np.float32)
    squares = ((np.asarray(FAKE)[:, 3:] - condition[:, 3:]) ** 2).sum(1).mean() / 2
    expected = 0.5 * (entropy(np.asarray(FAKE), condition, (3,)) + squares)
    term = MutualInformation(weight=0.5)
    for real in (REAL, FAKE):  # what it says of real rows does not count
        np.testing.assert_allclose(term.discriminator(CODES, real, FAKE, jnp.asarray(condition)), expected, rtol=1e-5)
    made = Made(FAKE[:, :2], jnp.asarray(condition), predicted=FAKE)
    np.testing.assert_allclose(term(CODES, (), made, jnp.float32(0)), expected, rtol=1e-5)


def test_matched_features_cost_nothing_and_others_the_square_of_their_means() -> None:
    term = FeatureMatching(weight=3.0)
    made = Made(FAKE[:, :2], jnp.asarray(CONDITION), None, FAKE, REAL)
    expected = 3 * ((np.asarray(REAL).mean(0) - np.asarray(FAKE).mean(0)) ** 2).sum()
    np.testing.assert_allclose(term(LAYOUT, (), made, jnp.float32(0)), expected, rtol=1e-5)
    same = made._replace(real_features=FAKE[::-1])
    np.testing.assert_allclose(term(LAYOUT, (), same, jnp.float32(0)), 0, atol=1e-10)
    with pytest.raises(UserError, match="shows no features"):
        term(LAYOUT, (), Made(FAKE[:, :2], jnp.asarray(CONDITION)), jnp.float32(0))


@pytest.mark.parametrize("term", [AuxiliaryClassifier, MutualInformation, FeatureMatching])
def test_a_negative_weight_is_refused(term: type) -> None:
    with pytest.raises(UserError, match=r"weight=-1"):
        term(weight=-1.0)
