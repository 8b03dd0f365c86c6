"""A generator that answers noisy shares of levels, column by column: all that it knows of the rows before a critic."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.networks.heads import LOGITS, SEEN, seen
from gans.privacy.entry import scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.rows import PrivateRows
from gans.streams import per_example, stream
from gans.training.marginal_matching import Measurements
from gans.training.step import GAN, TrainState

ITERATIONS = 400  # of fitting the counts of columns, before a critic
LEAST = 1e-2  # that the error of a share is divided by


def measure_columns(rows: PrivateRows, share: float) -> Measurements:
    """The counts of each column, for a share of the budget."""
    measured, columns = Measurements(rows.starts), len(rows.cardinalities)
    for column in range(columns):
        measured.measure_column(rows, column, column_scale(rows.ledger, share, columns))
    return measured


def column_scale(ledger: Ledger, share: float, columns: int) -> float:
    """The scale of the noise on the counts of each of so many columns, for a share of the budget."""
    return scale_of(share * ledger.rho / columns)


def shares_of(measured: Measurements) -> Float[Array, " levels"]:
    """Shares of the levels of each column, none negative, which add up to 1."""
    counts = np.maximum(measured.single, 0)
    for column in range(len(measured.starts) - 1):
        here = measured.span(column)
        total = counts[here].sum()
        counts[here] = counts[here] / total if total else 1 / len(counts[here])
    return jnp.asarray(counts, jnp.float32)


def answered(layout: Layout, logits: Float[Array, "batch levels"]) -> Float[Array, " levels"]:
    """The mean chance of each level."""
    parts = jnp.split(logits, np.cumsum(layout.cardinalities)[:-1], axis=1)
    return jnp.concatenate([jax.nn.softmax(part, axis=1).mean(axis=0) for part in parts])


def shares_cost(layout: Layout, shown: Any, shares: Float[Array, " levels"]) -> Float[Array, ""]:
    """The squared errors of the generator's shares, relative to these, added up.

    Args:
        shown: what the generator shows beside its rows, the logits of its categories.
    """
    logits: Any = seen(shown, LOGITS)
    return jnp.sum((answered(layout, logits) - shares) ** 2 / (shares + LEAST))


def fit_columns(
    gan: GAN, state: TrainState, shares: Float[Array, " levels"], iterations: int = ITERATIONS
) -> TrainState:
    """The state with a generator that answers the shares; its optimisers begin anew afterwards."""

    def iterate(place: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        parameters, optimizer = carry
        keys = per_example(stream(state.seed, place, "shares"), gan.batch_size)

        def cost(parameters: Any) -> Array:
            _, shown = gan.generate({"params": parameters}, jnp.zeros((gan.batch_size, 0)), keys, True)
            return shares_cost(gan.layout, {SEEN: shown[SEEN]}, shares)

        updates, optimizer = gan.generator_optimizer.update(jax.grad(cost)(parameters), optimizer, parameters)
        return optax.apply_updates(parameters, updates), optimizer

    carry = state.generator, state.generator_optimizer
    generator, _ = jax.jit(lambda carry: jax.lax.fori_loop(0, iterations, iterate, carry))(carry)
    return state.replace(generator=generator, average={"params": jax.tree.map(jnp.copy, generator)})
