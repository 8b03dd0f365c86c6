from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Encoded, Layout
from gans.errors import UserError
from gans.terms import moments
from gans.terms.base import Made
from gans.terms.moments import Moments

LAYOUT = Layout(scalars=2, bound=4.0, cardinalities=(2, 3))
WIDTH = LAYOUT.width


def encoded(rows: int, seed: int = 0, shift: float = 0.0) -> Encoded:
    """Rows whose numbers depend on one another and on a category; the last level of the second code is rare."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, 2, rows), rng.choice(3, rows, p=[0.7, 0.299, 0.001])], axis=1)
    first = rng.normal(size=rows) + codes[:, 0]
    scores = np.stack([first, 0.5 * first + rng.normal(size=rows) + shift], axis=1)
    return Encoded(scores.astype(np.float32), codes.astype(np.int32))


def wide(rows: Encoded) -> np.ndarray:
    return np.concatenate([rows.scalars, np.eye(2)[rows.codes[:, 0]], np.eye(3)[rows.codes[:, 1]]], axis=1)


TRAINING = encoded(3_000)
KNOWN = Moments().fit(LAYOUT, TRAINING)


def features(rows: np.ndarray) -> np.ndarray:
    """First and second moments of standardised rows, in one array."""
    real = wide(TRAINING)
    z = (rows - real.mean(axis=0)) / np.maximum(real.std(axis=0), 0.05)
    return np.concatenate([z.mean(axis=0), (z.T @ z / len(z)).ravel()])


def made(rows: jax.Array) -> Made:
    return Made(rows, jnp.zeros((len(rows), 0)))


def cost(term: Moments, rows: np.ndarray, progress: float = 0.0) -> float:
    return float(term(LAYOUT, KNOWN, made(jnp.asarray(rows, jnp.float32)), jnp.float32(progress)))


@pytest.mark.parametrize("part", [7, 1_000, 8_192])
def test_fit_gives_the_moments_of_numpy(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "ROWS", part)
    rows = Encoded(TRAINING.scalars[:100], TRAINING.codes[:100]) if part == 7 else TRAINING
    known, real = Moments().fit(LAYOUT, rows), wide(rows)
    np.testing.assert_allclose(known["mean"], real.mean(axis=0), atol=1e-5)
    scale = 1 / np.maximum(real.std(axis=0), 0.05)
    assert scale[-1] == 20 > scale[:-1].max()  # of the rare level
    np.testing.assert_allclose(known["scale"], scale, rtol=1e-4)
    np.testing.assert_allclose(
        known["second"], np.cov(real.T, bias=True) * np.outer(scale, scale), rtol=1e-3, atol=1e-4
    )
    assert {array.dtype for array in known.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("rows", [2, 3, 50, 51])
def test_the_cost_is_what_numpy_computes(rows: int) -> None:
    fake, target = wide(encoded(rows, 5, 0.7)), features(wide(TRAINING))
    half = rows // 2
    one, two = features(fake[:half]) - target, features(fake[half : 2 * half]) - target
    expected = 0.25 * WIDTH * (one @ two) / len(target)
    np.testing.assert_allclose(cost(Moments(weight=0.25), fake), expected, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_the_estimate_is_unbiased(shift: float) -> None:
    """Its mean over batches is the squared distance that a very large batch has, and 0 for rows of the same law."""
    pool = wide(encoded(200_000, 9, shift))
    term, rng, target = Moments(weight=1.0), np.random.default_rng(0), features(wide(TRAINING))
    batches = jnp.asarray(pool[rng.integers(0, len(pool), (4_000, 40))], jnp.float32)
    each = jax.jit(jax.vmap(lambda rows: term(LAYOUT, KNOWN, made(rows), jnp.float32(0))))(batches)
    each = np.asarray(each, np.float64)
    true = np.sum((features(pool) - target) ** 2) / (WIDTH + 1)
    error = each.std() / np.sqrt(len(each))
    assert abs(each.mean() - true) < 4 * error
    biased = np.mean([np.sum((features(rows) - target) ** 2) for rows in np.asarray(batches[:400])]) / (WIDTH + 1)
    assert biased > true + 10 * error  # the square of one difference: variance on top
    assert true > 10 * error if shift else true < 0.01
    assert each.min() < 0


def test_the_gradient_pulls_the_mean_to_the_real_one() -> None:
    for shift in (-1.0, 1.0):
        fake = jnp.asarray(wide(encoded(2_000, 3, shift)), jnp.float32)
        gradient = jax.grad(lambda rows: Moments()(LAYOUT, KNOWN, made(rows), jnp.float32(0)))(fake)
        assert np.sign(np.asarray(gradient)[:, 1].sum()) == np.sign(shift)


def test_the_weight_moves_along_a_line() -> None:
    fake = wide(encoded(60, 5, 2.0))
    first = cost(Moments(weight=0.1), fake)
    assert first > 0
    for progress in (0.0, 0.25, 0.5, 1.0):
        assert cost(Moments(weight=0.1), fake, progress) == pytest.approx(first)
        share = 1 + (0.2 - 1) * progress
        assert cost(Moments(weight=0.1, final=0.2), fake, progress) == pytest.approx(share * first, rel=1e-4)
    assert cost(Moments(weight=0.0), fake) == 0


@pytest.mark.parametrize("layout", [Layout(2, 4.0, ()), Layout(0, 1.0, (2, 3))])
def test_rows_of_scores_or_of_codes_alone(layout: Layout) -> None:
    rows = Encoded(TRAINING.scalars[:, : layout.scalars], TRAINING.codes[:, : len(layout.cardinalities)])
    known = Moments().fit(layout, rows)
    fake = layout.wide(jnp.asarray(rows.scalars), jnp.asarray(rows.codes))
    assert abs(float(Moments(weight=1.0)(layout, known, made(fake), jnp.float32(0)))) < 0.01


@pytest.mark.parametrize("key", ["weight", "final"])
def test_negative_values_raise(key: str) -> None:
    with pytest.raises(UserError, match=rf"term\.moments\.{key}=-0\.5: it must be at least 0"):
        Moments(**{key: -0.5})


def test_one_row_has_no_halves() -> None:
    with pytest.raises(UserError, match=r"term=moments needs 2 rows or more.*trainer\.batch_size"):
        cost(Moments(), wide(encoded(1)))


def test_costs_of_sites_in_the_units_of_all_add_up_to_the_cost_of_all_rows() -> None:
    """A site that lacks a level would else pull its share to nothing with the weight of one over a tiny deviation."""
    rng = np.random.default_rng(0)
    layout = Layout(scalars=1, bound=9.0, cardinalities=(3,))
    sites = [
        Encoded(rng.normal(place, 1, (rows, 1)).astype(np.float32), rng.choice(3, (rows, 1), p=shares).astype(np.int32))
        for place, (rows, shares) in enumerate([(300, [0.9, 0.1, 0]), (100, [0.0, 0.2, 0.8])])
    ]
    every = Encoded(*(np.concatenate(parts) for parts in zip(*sites, strict=True)))
    term = Moments(weight=1.0)
    pooled = term.fit(layout, every)
    made = layout.wide(jnp.asarray(every.scalars[::2] * 1.3), jnp.asarray(every.codes[::2]))

    def gradient(known: Any) -> Any:
        cost = lambda rows: term(layout, known, Made(rows, jnp.zeros((len(rows), 0))), jnp.float32(0))  # noqa: E731
        return jax.grad(cost)(made)

    own = [gradient(term.fit(layout, site, pooled)) for site in sites]
    assert np.allclose(0.75 * own[0] + 0.25 * own[1], gradient(pooled), atol=1e-6)
    alone = [gradient(term.fit(layout, site)) for site in sites]
    assert not np.allclose(0.75 * alone[0] + 0.25 * alone[1], gradient(pooled), atol=1e-4)
