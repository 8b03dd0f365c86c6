"""Categories drawn in stages."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout
from gans.networks.heads import (
    LOGITS,
    MOST_SLOTS,
    MOST_STAGES,
    SEEN,
    CoupledHead,
    blocks,
    draw_categories,
    seen,
    stages,
)

LAYOUT = Layout(scalars=2, bound=3.0, cardinalities=(2, 2, 3, 4), columns=(0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5))
STARTS, SIZES = (0, 2, 4, 7), (2, 2, 3, 4)
BATCH = 400


def keys(count: int = BATCH) -> jax.Array:
    return jax.random.split(jax.random.key(3), count)


def without(layout: Layout, pairs: list[tuple[int, int]]) -> Layout:
    """The layout with pairs of one-hot entries as exclusions."""
    codes = np.repeat(np.arange(len(layout.cardinalities)), layout.cardinalities)
    levels = np.concatenate([np.arange(size) for size in layout.cardinalities])
    exclusions = [(codes[a], levels[a], codes[b], levels[b]) for a, b in pairs]
    return dataclasses.replace(layout, exclusions=tuple(tuple(map(int, cell)) for cell in exclusions))


def inputs(layout: Layout, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, coupling, and the noise of the keys."""
    rng, width = np.random.default_rng(seed), sum(layout.cardinalities)
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (width,)))(keys())
    logits = rng.normal(size=(BATCH, width)).astype(np.float32)
    return logits, rng.normal(size=(width, width)).astype(np.float32) * 2, np.asarray(noise)


def one_after_another(
    logits: np.ndarray, coupling: np.ndarray, excluded: list[tuple[int, int]], context: np.ndarray | None = None
) -> np.ndarray:
    """Codes in their order, each given those before it and those of the context, zero where it gives nothing."""
    drawn = np.zeros_like(logits) if context is None else context.copy()
    for start, size in zip(STARTS, SIZES, strict=True):
        here = slice(start, start + size)
        if drawn[:, here].any():
            continue
        own = logits[:, here] + drawn @ coupling[:, here]
        for first, second in [*excluded, *(pair[::-1] for pair in excluded)]:
            if start <= second < start + size:
                own[drawn[:, first] > 0.5, second - start] = -np.inf
        drawn[:, here] = np.eye(size)[own.argmax(axis=1)]
    return drawn


@pytest.mark.parametrize("excluded", [[], [(0, 2), (1, 8), (5, 9), (2, 9)]])
def test_few_coupled_codes_are_drawn_one_after_another(excluded: list[tuple[int, int]]) -> None:
    layout = without(LAYOUT, excluded)
    logits, coupling, noise = inputs(layout)
    rows = draw_categories(layout, jnp.asarray(logits), keys(), 1.0, jnp.asarray(coupling))
    np.testing.assert_allclose(rows, one_after_another(logits + noise, coupling, excluded), atol=1e-6)


def test_exclusions_alone_give_the_same_as_one_after_another() -> None:
    excluded = [(0, 2), (3, 8), (1, 7), (5, 9)]
    layout = without(LAYOUT, excluded)
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
    layout = without(LAYOUT, [(0, 2), (3, 8)])
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
    layout = Layout(scalars=1, bound=1.0, cardinalities=tuple(sorted(rng.integers(2, 9, 300).tolist())))
    starts = np.array(layout.offsets) - 1
    pairs = [tuple(sorted(rng.choice(300, 2, replace=False))) for _ in range(40)]
    layout = without(layout, [(int(starts[a]), int(starts[b])) for a, b in pairs])
    plan = stages(layout, most)
    assert sorted(itertools.chain(*plan)) == list(range(300))
    assert max(map(len, plan)) <= -(-300 // most)
    assert len(plan) <= most + 8
    place = {code: stage for stage, codes in enumerate(plan) for code in codes}
    assert all(place[a] < place[b] for a, b in pairs)


def test_many_codes_are_one_hots_without_excluded_pairs() -> None:
    pairs = [(0, 98), (1, 100), (3, 102)]
    layout = without(Layout(scalars=0, bound=1.0, cardinalities=(2,) * 50 + (3,) * 20), pairs)
    logits, coupling, _ = inputs(layout)
    rows = np.asarray(draw_categories(layout, jnp.asarray(logits), keys(), 1.0, jnp.asarray(coupling) / 10))
    assert sorted(map(len, stages(layout, MOST_STAGES)))[-1] > 1
    np.testing.assert_allclose(rows[:, :100].reshape(BATCH, 50, 2).sum(axis=2), 1, atol=1e-6)
    np.testing.assert_allclose(rows[:, 100:].reshape(BATCH, 20, 3).sum(axis=2), 1, atol=1e-6)
    assert not any((rows[:, a] * rows[:, b] > 0.5).any() for a, b in pairs)
    assert rows.min(axis=0).max() < 0.5 < rows.max(axis=0).min()  # each level is drawn, and none always


def test_given_codes_stand_and_steer_those_drawn_after_them() -> None:
    layout = dataclasses.replace(without(LAYOUT, [(0, 2), (1, 9)]), partial=True)
    logits, _, _ = inputs(layout)
    given = np.zeros((BATCH, 13 + 6), np.float32)
    given[:, 2] = 1  # the first code is level 0, and its column is given
    given[:, 13 + 2] = 1
    rows = np.asarray(draw_categories(layout, jnp.asarray(logits), keys(), 1.0, None, jnp.asarray(given)))
    np.testing.assert_array_equal(rows[:, :2], np.tile([1, 0], (BATCH, 1)))
    assert not (rows[:, 2] > 0.5).any()
    assert (rows[:, 9] > 0.5).any()


@pytest.mark.parametrize("coupled", [False, True])
def test_a_given_later_code_steers_those_drawn_before_it(coupled: bool) -> None:
    layout = dataclasses.replace(without(LAYOUT, [(0, 9), (4, 9), (2, 8)]), partial=True)
    logits, coupling, _ = inputs(layout)
    given = np.zeros((BATCH, 13 + 6), np.float32)
    given[:, 2 + 9] = given[:, 13 + 5] = 1  # the last code is its third level, and its column is given
    weights = jnp.asarray(coupling) / 10 if coupled else None

    def draw(logits: jax.Array) -> jax.Array:
        return draw_categories(layout, logits, keys(), 1.0, weights, jnp.asarray(given))

    rows = np.asarray(draw(jnp.asarray(logits)))
    np.testing.assert_array_equal(rows[:, 7:], np.tile([0, 0, 1, 0], (BATCH, 1)))
    assert not (rows[:, [0, 4]] > 0.5).any()
    assert (rows[:, [1, 2, 3, 5, 6]] > 0.5).any(axis=0).all()
    slope = jax.grad(lambda logits: (draw(logits) ** 2).sum())(jnp.asarray(logits))
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() < 10  # the masks of excluded levels are no way for a gradient


def test_a_context_steers_all_codes_and_is_not_drawn() -> None:
    """The first and third code are drawn, given the second and the last one."""
    excluded = [(0, 3), (1, 8), (5, 9), (2, 5)]
    layout = dataclasses.replace(without(LAYOUT, excluded), partial=True, context=(1, 3))
    logits, coupling, noise = inputs(layout)
    rng = np.random.default_rng(2)
    given = np.concatenate([np.eye(2)[rng.integers(0, 2, BATCH)], np.eye(4)[rng.integers(0, 4, BATCH)]], axis=1)
    context = np.zeros((BATCH, 11), np.float32)
    context[:, [2, 3, 7, 8, 9, 10]] = given
    masks = np.tile([0, 0, 0, 1, 0, 1], (BATCH, 1))
    condition = jnp.asarray(np.concatenate([np.zeros((BATCH, 2)), context, masks], axis=1), jnp.float32)
    assert stages(layout, MOST_STAGES) == [[0], [2]]

    def draw(logits: jax.Array) -> jax.Array:
        return draw_categories(layout, logits, keys(), 1.0, jnp.asarray(coupling), condition)

    expected = one_after_another(logits + noise, coupling, excluded, context)
    np.testing.assert_allclose(draw(jnp.asarray(logits)), expected, atol=1e-6)
    assert (expected > 0.5).any(axis=0).all()
    slope = np.asarray(jax.grad(lambda logits: (draw(logits) ** 2).sum())(jnp.asarray(logits)))
    assert not slope[:, [2, 3, 7, 8, 9, 10]].any()
    assert np.abs(slope[:, [0, 1, 4, 5, 6]]).max(axis=0).all()


def test_exclusions_are_no_way_for_a_gradient() -> None:
    """What is drawn after the first code is excluded by it, and not coupled: it does not depend on its logits."""
    layout = without(LAYOUT, [(0, 2), (1, 8), (0, 7)])
    logits, _, _ = inputs(layout)
    slope = jax.grad(lambda logits: draw_categories(layout, logits, keys(), 1.0)[:, 7].sum())(jnp.asarray(logits))
    assert not np.asarray(slope)[:, :7].any()
    assert np.abs(np.asarray(slope)[:, 7:]).max() > 0


def test_a_coupled_head_shows_the_logits_that_its_stages_drew_from() -> None:
    layout = Layout(scalars=1, bound=1.0, cardinalities=(2,) * 50 + (3,) * 20)
    h = jnp.asarray(np.random.default_rng(0).normal(size=(BATCH, 5)), jnp.float32)
    head: Any = CoupledHead(layout, width=4, slope=0.2)
    parameters = head.init(jax.random.key(0), h, keys())["params"]
    rng = np.random.default_rng(1)
    coupling = jnp.asarray(rng.normal(size=parameters["coupling"].shape), jnp.float32)
    rows, others = head.apply({"params": parameters | {"coupling": coupling}}, h, keys(), mutable=[SEEN])
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (160,)))(keys())
    noisy, rows = np.asarray(seen(others, LOGITS)) + np.asarray(noise), np.asarray(rows)[:, 1:]
    for start, size in [(2 * k, 2) for k in range(50)] + [(100 + 3 * k, 3) for k in range(20)]:
        here = slice(start, start + size)
        assert np.mean(noisy[:, here].argmax(axis=1) == rows[:, here].argmax(axis=1)) > 0.999


@pytest.mark.parametrize(
    ("sizes", "count"), [((2,) * 20 + (300,), 2), ((2, 2, 2, 3, 3, 4, 40, 41, 200), 4), (tuple(range(40, 400, 20)), 16)]
)
def test_blocks_keep_the_order_and_padding_at_most_doubles_them(sizes: tuple[int, ...], count: int) -> None:
    plan = stages(Layout(scalars=0, bound=1.0, cardinalities=sizes), MOST_STAGES)
    parts = blocks(plan, sizes)
    assert list(itertools.chain(*parts)) == plan
    for block in parts:
        widths = [[sizes[code] for code in stage] for stage in block]
        slots = len(block) * max(map(len, widths)) * max(map(max, widths))
        assert len(block) == 1 or slots <= min(2 * sum(map(sum, widths)), MOST_SLOTS)
    assert len(parts) == count


def test_blocks_of_many_codes_draw_as_one_after_another() -> None:
    """Stages of several codes of unlike sizes, the last one shorter: as by NumPy, stage by stage."""
    sizes = tuple([2] * 30 + [3] * 25 + [5] * 6)
    layout = Layout(scalars=0, bound=1.0, cardinalities=sizes)
    logits, coupling, noise = inputs(layout)
    coupling /= 5
    rows = np.asarray(draw_categories(layout, jnp.asarray(logits), keys(), 1.0, jnp.asarray(coupling)))
    starts, drawn = np.array(layout.offsets), np.zeros_like(logits)
    assert any(len(block) > 1 for block in blocks(stages(layout, MOST_STAGES), sizes))
    for stage in stages(layout, MOST_STAGES):
        raised = logits + noise + drawn @ coupling
        for code in stage:
            here = slice(starts[code], starts[code] + sizes[code])
            drawn[:, here] = np.eye(sizes[code])[raised[:, here].argmax(axis=1)]
    same = (np.abs(rows - drawn) < 1e-5).all(axis=1)
    assert same.mean() > 0.99  # a tie to the last bit may fall otherwise
