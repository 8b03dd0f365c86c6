from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Layout
from gans.networks.heads import CoupledHead, RowHead, draw_categories

LAYOUT = Layout(scalars=3, bound=4.0, cardinalities=(2, 2, 3, 5), masks=((1, 0, 1),))
BLOCKS = ((3, 2), (5, 2), (7, 3), (10, 5))  # where each one-hot starts, and its size
WIDTH, BATCH = 15, 6


def keys(count: int = BATCH, seed: int = 0) -> jax.Array:
    return jax.random.split(jax.random.key(seed), count)


def head(raw: Any, each: jax.Array, temperature: float = 1.0) -> Any:
    return jax.jit(lambda raw, each: RowHead(LAYOUT, temperature).apply({}, raw, each))(jnp.asarray(raw), each)


def test_scores_are_a_bounded_tanh() -> None:
    raw = np.random.default_rng(0).normal(size=(200, WIDTH)).astype(np.float32) * 5
    raw[0, :3] = (1e6, -1e6, 0)
    rows = np.asarray(head(raw, keys(200)))
    expected = 4.0 * np.tanh(raw[:, :3] / 4.0)
    expected[:, 1] *= rows[:, 3]
    np.testing.assert_allclose(rows[:, :3], expected, atol=1e-5)
    assert np.abs(rows[:, :3]).max() <= 4.0


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_straight_through_gradient_is_that_of_the_softmax(temperature: float) -> None:
    rng = np.random.default_rng(0)
    raw, pull = (rng.normal(size=(BATCH, WIDTH)).astype(np.float32) for _ in range(2))
    pull[:, 1] = 0  # the masked score pulls at the first one-hot, too
    gradient = np.asarray(jax.grad(lambda raw: jnp.sum(pull * head(raw, keys(), temperature)))(raw))
    noise = np.stack([jax.random.gumbel(key, (WIDTH - 3,)) for key in keys()])
    for start, size in BLOCKS:
        noisy = (raw[:, start : start + size] + noise[:, start - 3 : start - 3 + size]) / temperature
        soft = np.exp(noisy - noisy.max(axis=1, keepdims=True))
        soft /= soft.sum(axis=1, keepdims=True)
        c = pull[:, start : start + size]
        expected = soft * (c - np.sum(soft * c, axis=1, keepdims=True)) / temperature
        np.testing.assert_allclose(gradient[:, start : start + size], expected, rtol=1e-3, atol=1e-5)
        assert np.abs(gradient[:, start : start + size]).max() > 0


@pytest.mark.parametrize("temperature", [0.2, 2.0])
def test_categories_follow_the_softmax(temperature: float) -> None:
    count = 5000
    logits = np.array([0, 0, 0, 0.5, -0.5, 0, 2, 1, 0, -1, 3, 0, 0.5, 1, -1], np.float32)
    rows = np.asarray(head(np.tile(logits, (count, 1)), keys(count), temperature))
    for start, size in BLOCKS:
        share = np.exp(logits[start : start + size]) / np.exp(logits[start : start + size]).sum()
        seen = rows[:, start : start + size].sum(axis=0)
        chi_square = np.sum((seen - count * share) ** 2 / (count * share))
        assert chi_square < 25  # of at most 4 degrees of freedom: once in 20,000 draws


def test_codes_of_a_row_are_independent() -> None:
    """Four fair coins side by side: sixteen equally likely outcomes."""
    layout = Layout(scalars=0, bound=1.0, cardinalities=(2, 2, 2, 2))
    rows = np.asarray(RowHead(layout).apply({}, jnp.zeros((4000, 8)), keys(4000)))
    seen = np.bincount((rows[:, 1::2] @ [1, 2, 4, 8]).round().astype(int), minlength=16)
    assert np.sum((seen - 250) ** 2 / 250) < 45  # 15 degrees of freedom: once in 10,000


@pytest.mark.parametrize("layout", [Layout(2, 1.0, ()), Layout(0, 1.0, (3,))])
def test_a_head_of_scores_or_of_codes_alone(layout: Layout) -> None:
    rows = np.asarray(RowHead(layout).apply({}, jnp.full((4, layout.width), 0.5), keys(4)))
    assert rows.shape == (4, layout.width)
    expected = np.tanh(0.5) * 2 if layout.scalars else 1.0
    np.testing.assert_allclose(rows.sum(axis=1), expected, rtol=1e-5)


# ---- couplings, exclusions

PAIR = Layout(scalars=1, bound=4.0, cardinalities=(2, 3))
LOGITS = np.array([0.4, -0.2, 0.5, 0.0, -0.5], np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum()


def joint(layout: Layout, coupling: np.ndarray | None = None, count: int = 20_000) -> np.ndarray:
    """How often each pair of levels of PAIR is drawn, [2, 3]."""
    weights = None if coupling is None else jnp.asarray(coupling, jnp.float32)
    draw = jax.jit(lambda logits, each: draw_categories(layout, logits, each, 0.7, weights))
    hots = np.asarray(draw(jnp.tile(LOGITS, (count, 1)), keys(count, 4)))
    np.testing.assert_allclose(np.sort(hots[:, 2:], axis=1), np.eye(3)[[-1] * count], atol=1e-6)
    return hots[:, :2].T @ hots[:, 2:]


def assert_law(seen: np.ndarray, law: np.ndarray) -> None:
    """Counts follow a law; where it is 0 nothing is seen."""
    expected = seen.sum() * law
    assert (seen[law == 0] == 0).all()
    there = law > 0
    assert np.sum((seen[there] - expected[there]) ** 2 / expected[there]) < 30  # 5 degrees of freedom: 1e-5


def test_a_coupling_makes_the_second_code_depend_on_the_first() -> None:
    coupling = np.random.default_rng(0).normal(size=(5, 5)) * 2
    law = np.stack([p * softmax(LOGITS[2:] + coupling[k, 2:]) for k, p in enumerate(softmax(LOGITS[:2]))])
    seen = joint(PAIR, coupling)
    assert_law(seen, law)
    upper = np.triu(np.ones((5, 5)), 2) * coupling
    upper[1, 2:] = coupling[1, 2:]
    np.testing.assert_array_equal(joint(PAIR, upper), seen)  # only what lies above the diagonal of codes counts


def test_without_coupling_the_codes_are_independent_and_drawn_alike() -> None:
    law = np.outer(softmax(LOGITS[:2]), softmax(LOGITS[2:]))
    assert_law(joint(PAIR), law)
    np.testing.assert_array_equal(joint(PAIR, np.zeros((5, 5))), joint(PAIR))  # at once or one after another


@pytest.mark.parametrize("strong", [0.0, 50.0])
def test_excluded_levels_are_never_drawn(strong: float) -> None:
    layout = Layout(1, 4.0, (2, 3), exclusions=((0, 0, 1, 0), (0, 1, 1, 1), (0, 1, 1, 2)))
    coupling = np.zeros((5, 5))
    coupling[0, 2] = strong  # a coupling that pulls at an excluded level
    law = np.zeros((2, 3))
    first = softmax(LOGITS[:2])
    law[0, 1:] = first[0] * softmax(LOGITS[3:])
    law[1, 0] = first[1]
    assert_law(joint(layout, coupling), law)
    if not strong:
        assert_law(joint(layout), law)


def test_exclusions_leave_gradients_finite() -> None:
    layout = Layout(1, 4.0, (2, 3), exclusions=((0, 0, 1, 0), (0, 1, 1, 1)))
    pull = jnp.asarray(np.random.default_rng(0).normal(size=(BATCH, 5)), jnp.float32)
    cost = jax.jit(jax.grad(lambda logits: jnp.sum(pull * draw_categories(layout, logits, keys(), 1.0))))
    gradient = cost(jnp.tile(LOGITS, (BATCH, 1)))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_what_is_drawn_first_learns_through_the_coupling() -> None:
    """A pull at the second code only reaches the logits of the first."""
    coupling = jnp.asarray(np.random.default_rng(1).normal(size=(5, 5)), jnp.float32)

    def pull(logits: jax.Array, weights: jax.Array) -> jax.Array:
        return draw_categories(PAIR, logits, keys(), 1.0, weights)[:, 2].sum()

    both = jax.jit(jax.grad(pull, (0, 1)))
    by_logits, by_coupling = both(jnp.tile(LOGITS, (BATCH, 1)), coupling)
    assert np.abs(by_logits[:, :2]).max() > 1e-3
    assert np.abs(by_coupling[:2, 2:]).max() > 1e-3
    assert np.abs(np.asarray(by_coupling)[np.tril_indices(5)]).max() == 0
    alone, _ = both(jnp.tile(LOGITS, (BATCH, 1)), jnp.zeros((5, 5)))
    assert np.abs(alone[:, :2]).max() == 0


# ---- the coupled head


def coupled(layout: Layout, count: int = BATCH, condition: Any = None) -> tuple[Any, Any, jax.Array]:
    h = jnp.asarray(np.random.default_rng(0).normal(size=(count, 7)), jnp.float32)
    module = CoupledHead(layout, width=8, slope=0.2)
    variables = jax.jit(module.init)(jax.random.key(0), h, keys(count), condition)
    return module, variables, h


ALONE = [Layout(2, 1.0, ()), Layout(0, 1.0, (3,)), Layout(0, 1.0, (2, 2, 4))]


@pytest.mark.parametrize("layout", [LAYOUT, *ALONE])
def test_a_coupled_head_gives_rows_of_the_layout(layout: Layout) -> None:
    module, variables, h = coupled(layout)
    rows = np.asarray(jax.jit(module.apply)(variables, h, keys()))
    assert rows.shape == (BATCH, layout.width)
    assert (np.abs(rows[:, : layout.scalars]) <= layout.bound).all()
    for start, size in zip(layout.offsets, layout.cardinalities, strict=True):
        np.testing.assert_allclose(np.sort(rows[:, start : start + size]), np.eye(size)[[-1] * BATCH], atol=1e-6)
    for score, code, _ in layout.masks:
        gone = rows[:, layout.offsets[code]] < 0.5
        assert (rows[gone, score] == 0).all()
        assert 0 < gone.sum() < BATCH
    gradient = jax.jit(jax.grad(lambda v: jnp.sum(module.apply(v, h, keys()) ** 2)))(variables)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_scores_of_a_coupled_head_know_the_categories() -> None:
    """With the same features, rows of different categories have different numbers, rows of the same have the same."""
    module, variables, h = coupled(PAIR, 200)
    rows = np.asarray(jax.jit(module.apply)(variables, jnp.tile(h[:1], (200, 1)), keys(200)))
    groups = [rows[(rows[:, 1] > 0.5) == first, :] for first in (True, False)]
    means = [group[group[:, 3 + level] > 0.5, 0] for group in groups for level in range(2)]
    assert all(len(scores) and np.ptp(scores) < 1e-5 for scores in means)
    assert np.ptp([scores[0] for scores in means]) > 1e-2


# ---- partial rows

PARTIAL = Layout(
    scalars=3,
    bound=4.0,
    cardinalities=(2, 2, 3, 5),
    masks=((1, 0, 1),),
    columns=(0, 1, 2, 1, 1, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5),
    partial=True,
)
PULL = np.random.default_rng(4).normal(size=WIDTH).astype(np.float32)


def partial_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows [batch, width], masks of columns [batch, 6] and of features [batch, width]."""
    rng = np.random.default_rng(3)
    codes = np.stack([rng.integers(0, size, BATCH) for size in PARTIAL.cardinalities], axis=1)
    hots = [np.eye(size)[codes[:, k]] for k, size in enumerate(PARTIAL.cardinalities)]
    scores = rng.normal(size=(BATCH, 3))
    scores[codes[:, 0] == 1, 1] = 0
    masks = rng.integers(0, 2, (BATCH, 6))
    masks[0], masks[1] = 1, 0
    return np.concatenate([scores, *hots], axis=1).astype(np.float32), masks, masks[:, PARTIAL.columns]


@pytest.mark.parametrize("exclusions", [(), ((0, 0, 2, 1),)])
@pytest.mark.parametrize("kind", ["plain", "coupled"])
def test_partial_rows_are_imposed_exactly(kind: str, exclusions: tuple[tuple[int, ...], ...]) -> None:
    layout = Layout(**{**vars(PARTIAL), "exclusions": exclusions})
    rows, masks, given = partial_rows()
    condition = jnp.asarray(np.concatenate([rows * given, masks], axis=1), jnp.float32)
    nothing = jnp.zeros_like(condition)
    if kind == "plain":
        module, variables, inputs = RowHead(layout), {}, jnp.asarray(rows[:, ::-1].copy())
    else:
        module, variables, inputs = coupled(layout, condition=condition)
    apply = jax.jit(module.apply)
    made, free = (np.asarray(apply(variables, inputs, keys(), some)) for some in (condition, nothing))
    np.testing.assert_array_equal(made[given == 1], rows[given == 1])
    np.testing.assert_array_equal(made[0], rows[0])
    np.testing.assert_array_equal(made[1], free[1])
    if kind == "plain":
        np.testing.assert_array_equal(free, np.asarray(apply(variables, inputs, keys())))
        if not exclusions:
            hots = given[:, 3:] == 0
            np.testing.assert_array_equal(made[:, 3:][hots], free[:, 3:][hots])  # drawn as without a condition
            pull = jax.jit(jax.grad(lambda raw: module.apply(variables, raw, keys(), condition).sum(axis=0) @ PULL))
            gradient = pull(inputs)
            there = np.abs(np.asarray(gradient)) > 0
            assert not there[given == 1].any()
            assert there[given == 0].mean() > 0.5


def test_given_levels_steer_what_is_drawn_after_them() -> None:
    layout = Layout(1, 4.0, (2, 3), columns=(0, 1, 1, 2, 2, 2), partial=True)
    coupling = np.random.default_rng(0).normal(size=(5, 5)) * 2
    count = 20_000
    condition = jnp.tile(jnp.array([0.0, 0, 1, 0, 0, 0, 0, 1, 0]), (count, 1))  # the first code is level 1
    weights = jnp.asarray(coupling, jnp.float32)
    draw = jax.jit(lambda logits, each: draw_categories(layout, logits, each, 1.0, weights, condition))
    hots = np.asarray(draw(jnp.tile(LOGITS, (count, 1)), keys(count)))
    assert (hots[:, 1] == 1).all()
    law = softmax(LOGITS[2:] + coupling[1, 2:])
    assert np.sum((hots[:, 2:].sum(axis=0) - count * law) ** 2 / (count * law)) < 25  # 2 degrees of freedom


def test_without_partial_rows_the_head_leaves_the_condition_alone() -> None:
    raw, condition = jnp.ones((BATCH, WIDTH)), jnp.ones((BATCH, 4))
    head = RowHead(LAYOUT)
    np.testing.assert_array_equal(head.apply({}, raw, keys(), condition), head.apply({}, raw, keys()))
