"""A generator fitted to noisy counts of columns and of pairs of columns, which are chosen where it answers worst."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from gans.networks.product_mixture import ProductMixture
from gans.privacy.entry import scale_of
from gans.privacy.marginals import PrivateMarginals
from gans.privacy.rows import PrivateRows

SPENT = 1e-6  # of the budget, below which nothing is left
WITHIN_NOISE = 1.0  # the loss that true shares have, by the noise alone (the discrepancy principle, Morozov 1966)


class Answers(NamedTuple):
    """Shares of levels, and of levels of one column with levels of another."""

    single: Any
    pairs: Any


@dataclass
class Measurements:
    """Noisy counts; those of a marginal that was measured again are averaged by precision, 1 / variance.

    Attributes:
        starts: where the levels of each column begin, and where the last ones end [columns + 1].
        single: of each level [levels].
        pairs: of levels of two columns [levels, levels], those of the first column first.
        single_precision, pair_precision: of these; 0 where nothing was measured.
    """

    starts: np.ndarray
    single: np.ndarray = field(init=False)
    pairs: np.ndarray = field(init=False)
    single_precision: np.ndarray = field(init=False)
    pair_precision: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        levels = int(self.starts[-1])
        self.single, self.single_precision = np.zeros(levels), np.zeros(levels)
        self.pairs, self.pair_precision = np.zeros((levels, levels)), np.zeros((levels, levels))

    def span(self, column: int) -> slice:
        """Where the levels of a column are."""
        return slice(self.starts[column], self.starts[column + 1])

    def measure_column(self, rows: PrivateRows, column: int, scale: float) -> None:
        """Ask for the counts of a column."""
        here = self.span(column)
        _average(self.single[here], self.single_precision[here], rows.one_way(column, scale), scale)

    def measure_pair(self, rows: PrivateRows, first: int, second: int, scale: float) -> None:
        """Ask for the counts of two columns together."""
        here = self.span(first), self.span(second)
        _average(self.pairs[here], self.pair_precision[here], rows.two_way(first, second, scale), scale)

    @property
    def rows(self) -> float:
        """How many rows there are, by the sums of the columns' counts, precise ones weighing more; at least 1."""
        spans = [self.span(column) for column in range(len(self.starts) - 1)]
        totals = [self.single[here].sum() for here in spans]
        variances = [(1 / self.single_precision[here]).sum() for here in spans]
        return max(float(np.average(totals, weights=1 / np.array(variances))), 1.0)

    def target(self) -> tuple[Answers, Answers]:
        """Shares to be answered, and their weights, by which the squared errors of the true shares add up to about 1.

        The weight of a cell is one in the variance of its share, over the number of cells that were measured.
        """
        cells = np.count_nonzero(self.single_precision) + np.count_nonzero(self.pair_precision)
        shares = Answers(self.single / self.rows, self.pairs / self.rows)
        scale = self.rows**2 / cells
        weights = Answers(self.single_precision * scale, self.pair_precision * scale)
        return jax.tree.map(lambda array: jnp.asarray(array, jnp.float32), (shares, weights))


def _average(kept: np.ndarray, precision: np.ndarray, counts: np.ndarray, scale: float) -> None:
    """Average counts into what is kept, by precision, in place."""
    own = scale**-2
    kept[...] = (kept * precision + counts * own) / (precision + own)
    precision += own


@dataclass(frozen=True)
class MarginalFit:
    """The compiled programs: what the generator answers, and how it learns to answer.

    Attributes:
        sizes: levels of each column.
    """

    generator: ProductMixture
    optimizer: optax.GradientTransformation
    sizes: tuple[int, ...]

    def shares(self, parameters: Any) -> Float[Array, "components levels"]:
        """The chance of each level in each component."""
        places = jnp.arange(self.generator.components)
        logits: Any = self.generator.apply({"params": parameters}, places, method="logits")
        parts = jnp.split(logits, np.cumsum(self.sizes)[:-1], axis=1)
        return jnp.concatenate([jax.nn.softmax(part, axis=1) for part in parts], axis=1)

    @partial(jax.jit, static_argnums=0)
    def answers(self, parameters: Any) -> Answers:
        """Exact shares, by a mean over the components; those of two levels of one column mean nothing."""
        shares = self.shares(parameters)
        return Answers(shares.mean(axis=0), shares.T @ shares / self.generator.components)

    def loss(self, parameters: Any, target: tuple[Answers, Answers]) -> Float[Array, ""]:
        """The squared errors of the answers, times their weights, added up."""
        errors = jax.tree.map(
            lambda answer, share, weight: jnp.sum(weight * (answer - share) ** 2), self.answers(parameters), *target
        )
        return errors.single + errors.pairs

    @partial(jax.jit, static_argnums=0)
    def learn(
        self, parameters: Any, state: Any, target: tuple[Answers, Answers], most: Any, enough: Any
    ) -> tuple[Any, Any]:
        """Parameters and state of the optimiser after some iterations, in one program.

        Args:
            most: iterations.
            enough: the loss from which on there are no more.
        """

        def goes_on(carry: Any) -> Any:
            _, _, loss, iteration = carry
            return (iteration < most) & (loss > enough)

        def iterate(carry: Any) -> Any:
            parameters, state, _, iteration = carry
            loss, gradient = jax.value_and_grad(self.loss)(parameters, target)
            updates, state = self.optimizer.update(gradient, state, parameters)
            return optax.apply_updates(parameters, updates), state, loss, iteration + 1

        return jax.lax.while_loop(goes_on, iterate, (parameters, state, jnp.inf, 0))[:2]


def match_marginals(
    fit: MarginalFit,
    parameters: Any,
    rows: PrivateRows,
    plan: PrivateMarginals,
    advance: Callable[[float], None] = lambda spent: None,
) -> tuple[Any, Measurements]:
    """Spend the budget of the rows' ledger; the generator's parameters, and what they were fitted to.

    Args:
        advance: is told what was spent of the budget, after each round.
    """
    ledger, columns = rows.ledger, len(rows.cardinalities)
    measured, budget = Measurements(rows.starts), rows.ledger.rho
    for column in range(columns):
        measured.measure_column(rows, column, scale_of(plan.single * budget / columns))
    fresh = parameters, fit.optimizer.init(parameters)
    parameters, state = fit.learn(*fresh, measured.target(), np.int32(plan.iterations), 0.0)
    pairs = np.array(list(combinations(range(columns), 2)), int).reshape(-1, 2)
    cells = np.prod(np.array(rows.cardinalities)[pairs], axis=1)
    share = ledger.left / math.ceil(plan.rounds * columns)
    while len(pairs) and ledger.left > SPENT * budget:
        share = ledger.left if ledger.left < 2 * share else share
        scale, noise = scale_of((1 - plan.choice) * share), scale_of(plan.choice * share)
        expected = math.sqrt(2 / math.pi) * scale * cells  # the L1 norm of the noise
        before = np.asarray(fit.answers(parameters).pairs, np.float64) * measured.rows
        place = rows.worst_pair(pairs, before, expected, noise)
        first, second = pairs[place]
        measured.measure_pair(rows, first, second, scale)
        parameters, state = fit.learn(parameters, state, measured.target(), np.int32(plan.iterations), 0.0)
        after = np.asarray(fit.answers(parameters).pairs, np.float64) * measured.rows
        here = measured.span(first), measured.span(second)
        if np.abs(after[here] - before[here]).sum() < expected[place]:
            share *= 2
        advance(ledger.spent)
    parameters, _ = fit.learn(*fresh, measured.target(), np.int32(plan.finish), WITHIN_NOISE)
    return parameters, measured
