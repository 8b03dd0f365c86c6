import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.config.compose import compose
from gans.data.layout import Encoded, Layout
from gans.errors import UserError
from gans.terms.base import Made
from gans.terms.condition_cross_entropy import ConditionCrossEntropy

# Wide rows: 1 score, codes of 2, 3 and 3 levels; conditions speak of the last code, then of the first.
LAYOUT = Layout(scalars=1, bound=1.0, cardinalities=(2, 3, 3), conditioned=(6, 7, 8, 1, 2))
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 8)).astype(np.float32)
CONDITION = np.zeros((4, 5), np.float32)
CONDITION[[0, 1, 2], [1, 4, 0]] = 1  # the last row has no condition
EMPTY = Encoded(np.zeros((0, 1), np.float32), np.zeros((0, 3), np.int32))


def cost(term: ConditionCrossEntropy, logits: jax.Array) -> jax.Array:
    made = Made(jnp.zeros((4, 9)), jnp.asarray(CONDITION), logits)
    return term(LAYOUT, term.fit(LAYOUT, EMPTY), made, jnp.float32(0))


def test_the_cost_is_the_cross_entropy_of_the_conditioned_column() -> None:
    def entropy(block: np.ndarray, level: int) -> float:
        return float(np.log(np.exp(block).sum()) - block[level])

    expected = entropy(LOGITS[0, 5:8], 1) + entropy(LOGITS[1, 0:2], 1) + entropy(LOGITS[2, 5:8], 0)
    np.testing.assert_allclose(cost(ConditionCrossEntropy(), jnp.asarray(LOGITS)), expected / 4, rtol=1e-5)
    np.testing.assert_allclose(
        cost(ConditionCrossEntropy(weight=3.0), jnp.asarray(LOGITS)), 3 * expected / 4, rtol=1e-5
    )


def test_descent_raises_the_given_level_and_leaves_other_columns_alone() -> None:
    slope = np.asarray(jax.grad(lambda logits: cost(ConditionCrossEntropy(), logits))(jnp.asarray(LOGITS)))
    assert slope[0, 6] < 0 < min(slope[0, 5], slope[0, 7])
    assert slope[1, 1] < 0 < slope[1, 0]
    assert not slope[0, :5].any()
    assert not slope[1, 2:].any()
    assert not slope[3].any()


def test_it_needs_conditions_that_stay_in_the_row_and_logits() -> None:
    with pytest.raises(UserError, match="it needs condition=training_by_sampling, not none"):
        compose(["term=[condition_cross_entropy]"])
    made = Made(jnp.zeros((4, 9)), jnp.asarray(CONDITION))
    with pytest.raises(UserError, match="shows no logits"):
        ConditionCrossEntropy()(LAYOUT, (), made, jnp.float32(0))
    with pytest.raises(UserError, match=r"term\.condition_cross_entropy\.weight=-1"):
        ConditionCrossEntropy(weight=-1.0)
