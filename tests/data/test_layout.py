import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout, one_hot, round_up

LAYOUTS = [
    Layout(scalars=2, bound=3.0, cardinalities=(2, 2, 3, 5, 5), masks=((1, 0, 1),)),
    Layout(scalars=0, bound=1.0, cardinalities=(2, 7)),
    Layout(scalars=3, bound=1.0, cardinalities=()),
    Layout(scalars=1, bound=1.0, cardinalities=(300,)),
    Layout(scalars=4, bound=1.0, cardinalities=(2,) * 40 + (3, 9)),
]


def rows(layout: Layout, count: int = 17) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(count, layout.scalars)).astype(np.float32)
    codes = [rng.integers(0, size, count) for size in layout.cardinalities]
    return scores, np.array(codes, np.int32).reshape(len(codes), count).T


@pytest.mark.parametrize("layout", LAYOUTS)
def test_wide_is_scores_then_one_hots(layout: Layout) -> None:
    scores, codes = rows(layout)
    expected = np.concatenate([scores, *(np.eye(n)[codes[:, k]] for k, n in enumerate(layout.cardinalities))], axis=1)
    assert expected.shape == (17, layout.width)
    np.testing.assert_array_equal(layout.wide(jnp.asarray(scores), jnp.asarray(codes)), expected.astype(np.float32))
    hots = one_hot(jnp.asarray(codes), layout.cardinalities)
    np.testing.assert_array_equal(hots, expected[:, layout.scalars :])
    assert hots.dtype == jnp.float32


@pytest.mark.parametrize("layout", LAYOUTS)
def test_compact_is_the_inverse_of_wide(layout: Layout) -> None:
    scores, codes = rows(layout)
    wide = layout.wide(jnp.asarray(scores), jnp.asarray(codes))
    for compact in (layout.compact, jax.jit(layout.compact)):
        back_scores, back_codes = compact(wide)
        np.testing.assert_array_equal(back_scores, scores)
        np.testing.assert_array_equal(back_codes, codes)
        assert back_codes.dtype == jnp.int32


def test_compact_takes_the_largest_entry_of_soft_rows() -> None:
    layout = LAYOUTS[0]
    soft = np.random.default_rng(1).normal(size=(50, layout.width)).astype(np.float32)
    starts = np.cumsum([layout.scalars, *layout.cardinalities])
    expected = [soft[:, a:b].argmax(1) for a, b in itertools.pairwise(starts)]
    np.testing.assert_array_equal(layout.compact(jnp.asarray(soft))[1], np.stack(expected, axis=1))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_offsets_and_groups_say_where_each_code_starts(layout: Layout) -> None:
    starts = [layout.scalars + sum(layout.cardinalities[:k]) for k in range(len(layout.cardinalities))]
    assert list(layout.offsets) == starts
    listed = [(s + k * size, size) for s, count, size in layout.groups() for k in range(count)]
    assert listed == list(zip(starts, layout.cardinalities, strict=True))
    sizes = [size for _, _, size in layout.groups()]
    assert len(sizes) == len(set(layout.cardinalities))


def test_masked_zeroes_the_score_of_a_missing_value() -> None:
    layout = Layout(scalars=4, bound=3.0, cardinalities=(2, 2, 3), masks=((3, 0, 1), (1, 1, 1)))
    scores, codes = rows(layout, 40)
    hots = one_hot(jnp.asarray(codes), layout.cardinalities)
    expected = scores.copy()
    expected[codes[:, 0] == 1, 3] = 0
    expected[codes[:, 1] == 1, 1] = 0
    assert (expected == 0).sum() > 10
    np.testing.assert_array_equal(layout.masked(jnp.asarray(scores), hots), expected)


def test_masked_keeps_the_score_on_every_leading_level() -> None:
    layout = Layout(scalars=3, bound=1.0, cardinalities=(2, 4, 7), masks=((2, 1, 3), (0, 0, 1), (1, 2, 3)))
    scores, codes = rows(layout, 60)
    expected = scores * np.stack([codes[:, 0] < 1, codes[:, 2] < 3, codes[:, 1] < 3], axis=1)
    hots = one_hot(jnp.asarray(codes), layout.cardinalities)
    np.testing.assert_array_equal(layout.masked(jnp.asarray(scores), hots), expected)


def test_masked_scales_by_a_soft_entry_and_lets_its_gradient_through() -> None:
    layout = Layout(scalars=1, bound=3.0, cardinalities=(2,), masks=((0, 0, 1),))
    hots = jnp.array([[0.25, 0.75]])
    np.testing.assert_allclose(layout.masked(jnp.array([[2.0]]), hots), [[0.5]])
    slope = jax.grad(lambda h: layout.masked(jnp.array([[2.0]]), h).sum())(hots)
    np.testing.assert_allclose(slope, [[2.0, 0.0]])


def test_without_masks_scores_are_left_alone() -> None:
    scores = jnp.ones((3, 2))
    assert Layout(scalars=2, bound=1.0, cardinalities=(2,)).masked(scores, jnp.zeros((3, 2))) is scores


@pytest.mark.parametrize(("value", "bound"), [(3.0, 3.0), (3.01, 3.1), (2.95, 3.0), (0.0, 0.0), (4.1999, 4.2)])
def test_round_up_to_the_next_tenth(value: float, bound: float) -> None:
    assert round_up(value) == bound
