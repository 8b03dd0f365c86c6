"""Answers are those of sampled rows, measurements average by precision, and a fit answers what was measured."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gans.data.layout import Layout
from gans.networks.product_mixture import ProductMixture, ProductMixtureNetwork
from gans.privacy.entry import scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.marginals import PrivateMarginals
from gans.privacy.rows import PrivateRows
from gans.streams import per_example
from gans.training.marginal_matching import MarginalFit, Measurements, match_marginals

SIZES = (2, 3, 4)
STARTS = np.array([0, 2, 5, 9])
LAYOUT = Layout(scalars=1, bound=1.0, cardinalities=SIZES, masks=((0, 2, 3),), columns=(2, 0, 0, 1, 1, 1, 2, 2, 2, 2))


def small(components: int = 8) -> tuple[ProductMixture, dict[str, object]]:
    generator = ProductMixture(LAYOUT, components, 4, (16,))
    return generator, generator.init(jax.random.key(3), jnp.arange(2), method="logits")["params"]


def test_answers_are_the_shares_of_sampled_rows() -> None:
    generator, parameters = small(4)
    parameters = jax.tree.map(lambda leaf: 3 * leaf, parameters)  # further from uniform
    answers = MarginalFit(generator, optax.adam(1e-3), SIZES).answers(parameters)
    count = 40_000
    keys, latent = per_example(jax.random.key(0), count), jax.random.normal(jax.random.key(1), (count, 4))
    rows = np.asarray(generator.apply({"params": parameters}, latent, jnp.zeros((count, 0)), keys, False))
    hots = rows[:, 1:]
    assert hots.mean(axis=0) == pytest.approx(np.asarray(answers.single), abs=0.012)
    together = hots.T @ hots / count
    for first, second in ((0, 1), (0, 2), (1, 2)):
        here = slice(*STARTS[first : first + 2]), slice(*STARTS[second : second + 2])
        assert together[here] == pytest.approx(np.asarray(answers.pairs)[here], abs=0.012)
    there = hots[:, 5:8].sum(axis=1) > 0.5
    assert (rows[~there, 0] == 0).all()  # an atom has no place within a bin
    assert np.histogram(rows[there, 0], 4, (-1, 1))[0] / there.sum() == pytest.approx(0.25, abs=0.02)


def test_rows_do_not_depend_on_their_neighbours() -> None:
    generator = ProductMixtureNetwork(components=8, generator_widths=[8]).generator(LAYOUT)
    keys, latent = per_example(jax.random.key(0), 6), jax.random.normal(jax.random.key(1), (6, 128))
    variables = generator.init(jax.random.key(2), latent, jnp.zeros((6, 0)), keys, False)
    rows = generator.apply(variables, latent, jnp.zeros((6, 0)), keys, False)
    alone = generator.apply(variables, latent[4:5], jnp.zeros((1, 0)), keys[4:5], False)
    assert np.asarray(rows)[4:5] == pytest.approx(np.asarray(alone), abs=1e-6)


def test_measurements_average_by_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([np.array([90, 10]), np.array([60, 40])])
    monkeypatch.setattr("gans.privacy.rows.discrete_gaussian", lambda found, scale: next(given))
    rows = PrivateRows(np.zeros((5, 3), int), SIZES, ("a", "b", "c"), Ledger(100.0, 1e-5))
    found = Measurements(rows.starts)
    found.measure_column(rows, 0, 1.0)
    found.measure_column(rows, 0, 2.0)
    assert found.single[:2] == pytest.approx([(90 + 60 / 4) / 1.25, (10 + 40 / 4) / 1.25])
    assert found.single_precision[:2] == pytest.approx([1.25, 1.25])


def test_a_fit_answers_what_was_measured_and_spends_the_whole_budget() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 5_000)
    codes = np.stack([first, np.where(rng.random(5_000) < 0.9, 2 * first, 1), rng.integers(0, 4, 5_000)], axis=1)
    rows = PrivateRows(codes, SIZES, ("a", "b", "c"), Ledger(20.0, 1e-5))
    generator, parameters = small(32)
    fit, told = MarginalFit(generator, optax.adam(1e-2), SIZES), []
    fitted, measured = match_marginals(fit, parameters, rows, PrivateMarginals(iterations=200), told.append)
    real = np.histogram2d(codes[:, 0], codes[:, 1], bins=(np.arange(3), np.arange(4)))[0] / 5_000
    before, after = (np.abs(np.asarray(fit.answers(p).pairs)[:2, 2:5] - real).sum() for p in (parameters, fitted))
    assert after < 0.05 < before / 4
    assert measured.rows == pytest.approx(5_000, rel=0.01)
    assert rows.ledger.spent == pytest.approx(rows.ledger.rho, rel=1e-5)
    assert rows.ledger.spent <= rows.ledger.rho * (1 + 1e-9)
    assert told == sorted(told)
    assert sum("a with b" in entry.what for entry in rows.ledger.entries) >= 1


def test_true_shares_have_a_loss_of_one_and_a_fit_ends_there() -> None:
    """Errors are weighed by the variance of their noise, so that a network that fits better has learned the noise."""
    rng = np.random.default_rng(1)
    sizes = (20, 30, 40)
    codes = np.stack([rng.integers(0, size, 4_000) for size in sizes], axis=1)
    rows = PrivateRows(codes, sizes, ("a", "b", "c"), Ledger(100.0, 1e-5))
    measured = Measurements(rows.starts)
    for column in range(3):
        measured.measure_column(rows, column, 3.0)
    measured.measure_pair(rows, 0, 1, 5.0)
    measured.measure_pair(rows, 1, 2, 8.0)
    measured.measure_pair(rows, 1, 2, 4.0)
    target = measured.target()
    true = rows._pairs / 4_000
    errors = [np.sum(np.asarray(target[1].single) * (np.diag(true) - np.asarray(target[0].single)) ** 2)]
    errors += [np.sum(np.asarray(target[1].pairs) * (true - np.asarray(target[0].pairs)) ** 2)]
    assert sum(errors) == pytest.approx(1, abs=0.1)
    layout = Layout(
        scalars=0, bound=1.0, cardinalities=sizes, masks=(), columns=tuple(np.repeat([0, 1, 2], sizes).tolist())
    )
    generator = ProductMixture(layout, 64, 16, (64,))
    parameters = generator.init(jax.random.key(3), jnp.arange(2), method="logits")["params"]
    fit = MarginalFit(generator, optax.adam(1e-2), sizes)
    begin = parameters, fit.optimizer.init(parameters), target
    ended, overfitted = (fit.learn(*begin, 3_000, enough)[0] for enough in (1.0, 0.0))
    assert float(fit.loss(ended, target)) == pytest.approx(1, abs=0.05)
    assert float(fit.loss(overfitted, target)) < 0.8
    apart = [np.abs(np.asarray(fit.answers(one).pairs) - true)[20:50, 50:].sum() for one in (ended, overfitted)]
    assert apart[0] < apart[1]


def test_the_scale_of_a_cost() -> None:
    assert scale_of(0.5) == pytest.approx(1.0)
