"""Categories drawn in stages."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout
from gans.networks.heads import MOST_STAGES, draw_categories, stages

LAYOUT = Layout(scores=2, bound=3.0, cardinalities=(2, 2, 3, 4), columns=(0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5))
STARTS, SIZES = (0, 2, 4, 7), (2, 2, 3, 4)
BATCH = 400


def keys(count: int = BATCH) -> jax.Array:
    return jax.random.split(jax.random.key(3), count)


def inputs(layout: Layout, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, coupling, and the noise of the keys."""
    rng, width = np.random.default_rng(seed), sum(layout.cardinalities)
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (width,)))(keys())
    logits = rng.normal(size=(BATCH, width)).astype(np.float32)
    return logits, rng.normal(size=(width, width)).astype(np.float32) * 2, np.asarray(noise)


def one_after_another(logits: np.ndarray, coupling: np.ndarray, excluded: list[tuple[int, int]]) -> np.ndarray:
    """Codes in their order, each given those before it."""
    drawn = np.zeros_like(logits)
    for start, size in zip(STARTS, SIZES, strict=True):
        here = slice(start, start + size)
        own = logits[:, here] + drawn[:, :start] @ coupling[:start, here]
        for first, second in excluded:
            if start <= second < start + size:
                own[drawn[:, first] > 0.5, second - start] = -np.inf
        drawn[:, here] = np.eye(size)[own.argmax(axis=1)]
    return drawn


@pytest.mark.parametrize("excluded", [[], [(0, 2), (1, 8), (5, 9), (2, 9)]])
def test_few_coupled_codes_are_drawn_one_after_another(excluded: list[tuple[int, int]]) -> None:
    layout = dataclasses.replace(LAYOUT, exclusions=tuple(excluded))
    logits, coupling, noise = inputs(layout)
    rows = draw_categories(layout, jnp.asarray(logits), keys(), 1.0, jnp.asarray(coupling))
    np.testing.assert_allclose(rows, one_after_another(logits + noise, coupling, excluded), atol=1e-6)


def test_exclusions_alone_give_the_same_as_one_after_another() -> None:
    excluded = [(0, 2), (3, 8), (1, 7), (5, 9)]
    layout = dataclasses.replace(LAYOUT, exclusions=tuple(excluded))
    assert stages(layout, 1) == [[0, 2], [1], [3]]
    logits, _, noise = inputs(layout)
    rows = np.asarray(draw_categories(layout, jnp.asarray(logits), keys(), 1.0))
    expected = one_after_another(logits + noise, np.zeros((11, 11), np.float32), excluded)
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    free = np.asarray(draw_categories(LAYOUT, jnp.asarray(logits), keys(), 1.0))
    for first, second in excluded:
        assert not (rows[:, first] * rows[:, second] > 0.5).any()
        assert (free[:, first] * free[:, second] > 0.5).any()


def test_gradients_reach_every_logit_and_coupling() -> None:
    layout = dataclasses.replace(LAYOUT, exclusions=((0, 2), (3, 8)))
    logits, coupling, _ = inputs(layout)
    target = np.random.default_rng(5).normal(size=11).astype(np.float32)

    def cost(logits: jax.Array, coupling: jax.Array) -> jax.Array:
        return (draw_categories(layout, logits, keys(), 1.0, coupling) @ target).mean()

    by_logits, by_coupling = jax.grad(cost, (0, 1))(jnp.asarray(logits), jnp.asarray(coupling))
    assert np.all(np.abs(by_logits).sum(axis=0) > 0)
    later = np.array(
        [[s + n <= column for column in range(11)] for s, n in zip(STARTS, SIZES, strict=True) for _ in range(n)]
    )
    assert np.all((np.asarray(by_coupling) != 0) <= later)
    assert (np.asarray(by_coupling) != 0).sum() > 0.8 * later.sum()


@pytest.mark.parametrize("most", [1, 5, MOST_STAGES])
def test_hundreds_of_codes_take_few_stages(most: int) -> None:
    rng = np.random.default_rng(0)
    layout = Layout(scores=1, bound=1.0, cardinalities=tuple(sorted(rng.integers(2, 9, 300).tolist())))
    starts = np.array(layout.offsets) - 1
    pairs = [tuple(sorted(rng.choice(300, 2, replace=False))) for _ in range(40)]
    layout = dataclasses.replace(layout, exclusions=tuple((int(starts[a]), int(starts[b])) for a, b in pairs))
    plan = stages(layout, most)
    assert sorted(itertools.chain(*plan)) == list(range(300))
    assert max(map(len, plan)) <= -(-300 // most)
    assert len(plan) <= most + 8
    place = {code: stage for stage, codes in enumerate(plan) for code in codes}
    assert all(place[a] < place[b] for a, b in pairs)


def test_many_codes_are_one_hots_without_excluded_pairs() -> None:
    layout = Layout(scores=0, bound=1.0, cardinalities=(2,) * 50 + (3,) * 20, exclusions=((0, 98), (1, 100), (3, 102)))
    logits, coupling, _ = inputs(layout)
    rows = np.asarray(draw_categories(layout, jnp.asarray(logits), keys(), 1.0, jnp.asarray(coupling) / 10))
    assert sorted(map(len, stages(layout, MOST_STAGES)))[-1] > 1
    np.testing.assert_allclose(rows[:, :100].reshape(BATCH, 50, 2).sum(axis=2), 1, atol=1e-6)
    np.testing.assert_allclose(rows[:, 100:].reshape(BATCH, 20, 3).sum(axis=2), 1, atol=1e-6)
    assert not any((rows[:, a] * rows[:, b] > 0.5).any() for a, b in layout.exclusions)
    assert rows.min(axis=0).max() < 0.5 < rows.max(axis=0).min()  # each level is drawn, and none always


def test_given_codes_stand_and_steer_those_drawn_after_them() -> None:
    layout = dataclasses.replace(LAYOUT, partial=True, exclusions=((0, 2), (1, 9)))
    logits, _, _ = inputs(layout)
    given = np.zeros((BATCH, 13 + 6), np.float32)
    given[:, 2] = 1  # the first code is level 0, and its column is given
    given[:, 13 + 2] = 1
    rows = np.asarray(draw_categories(layout, jnp.asarray(logits), keys(), 1.0, None, jnp.asarray(given)))
    np.testing.assert_array_equal(rows[:, :2], np.tile([1, 0], (BATCH, 1)))
    assert not (rows[:, 2] > 0.5).any()
    assert (rows[:, 9] > 0.5).any()
