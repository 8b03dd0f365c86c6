"""How the time of a step divides among its parts, each compiled alone and run in a loop on the device."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gans.training.step import (
    GAN,
    Batch,
    Rows,
    TrainState,
    adversarial_step,
    discriminator_loss,
    generator_loss,
    penalty_costs,
)

SECONDS = 1.0
PICK, GENERATE, DISCRIMINATOR, GENERATOR = "pick rows", "generate", "discriminator gradient", "generator gradient"
PENALTIES = "of it penalty gradients"
OPTIMIZERS = ("discriminator optimizer", "generator optimizer")
REST, STEP = "average and the rest", "step"


def step_parts(gan: GAN) -> dict[str, Callable[[TrainState, Rows], Any]]:
    """By name functions (state, rows) -> arrays, each of them a part of the step, and "step", the whole of it.

    The losses are those of the step. Their rows are picked, not generated, where a part only looks at them: what the
    discriminator costs does not depend on where its rows come from.
    """

    def batch(state: TrainState, data: Rows) -> Batch:
        return gan.batch(data, state.seed, state.step, 0)

    def pick(state: TrainState, data: Rows) -> Any:
        return batch(state, data)[:2]

    def generate(state: TrainState, data: Rows) -> Any:
        rows = batch(state, data)
        return gan.generate(state.variables, rows.condition, rows.keys("latent"), True)[0]

    def of_discriminator(state: TrainState, data: Rows) -> Any:
        rows = batch(state, data)
        loss = partial(discriminator_loss, gan, batch=rows, fake=rows.real[::-1])
        return jax.grad(loss, has_aux=True)(state.discriminator)[0]

    def of_penalties(state: TrainState, data: Rows) -> Any:
        rows = batch(state, data)
        real, condition = gan.packed(rows.real), gan.packed(rows.condition)

        def loss(parameters: Any) -> Any:
            return sum(penalty_costs(gan, parameters, real, real[::-1], condition, rows.keys).values())

        return jax.grad(loss)(state.discriminator)

    def of_generator(state: TrainState, data: Rows) -> Any:
        loss = partial(generator_loss, gan, state=state, batch=batch(state, data), known=data.known)
        return jax.grad(loss, has_aux=True)(state.generator)[0]

    def discriminator_optimizer(state: TrainState, data: Rows) -> Any:
        parameters = state.discriminator
        return gan.discriminator_optimizer.update(parameters, state.discriminator_optimizer, parameters)[0]

    def generator_optimizer(state: TrainState, data: Rows) -> Any:
        return gan.generator_optimizer.update(state.generator, state.generator_optimizer, state.generator)[0]

    def step(state: TrainState, data: Rows) -> Any:
        after, _ = adversarial_step(gan, state, data)
        return after.generator, after.discriminator

    return {
        PICK: pick,
        GENERATE: generate,
        DISCRIMINATOR: of_discriminator,
        **({PENALTIES: of_penalties} if gan.penalties else {}),
        OPTIMIZERS[0]: discriminator_optimizer,
        GENERATOR: of_generator,
        OPTIMIZERS[1]: generator_optimizer,
        STEP: step,
    }


def time_parts(gan: GAN, state: TrainState, data: Rows) -> dict[str, float]:
    """Milliseconds of each part in a step, the loop's own cost included, and of "the rest".

    A part alone is not quite a part of the whole, since the compiler joins what it can. The picking of rows is taken
    off the parts that need rows, and counts by itself; what the discriminator does counts `critic_steps` times,
    what the generator does `generator_steps` times.
    """
    alone = {name: 1e3 * _seconds(part, state, data) for name, part in step_parts(gan).items()}
    updates, needs_rows = gan.critic_steps, (GENERATE, DISCRIMINATOR, PENALTIES, GENERATOR)
    of_generator = gan.generator_steps
    times = {PICK: updates + of_generator, GENERATOR: of_generator, OPTIMIZERS[1]: of_generator, STEP: 1}
    out = {
        name: times.get(name, updates) * max(value - alone[PICK] * (name in needs_rows), 0.0)
        for name, value in alone.items()
    }
    step = out.pop(STEP)
    rest = step - sum(value for name, value in out.items() if name != PENALTIES)
    return out | {REST: max(rest, 0.0), STEP: step}


def _seconds(part: Callable[[TrainState, Rows], Any], state: TrainState, data: Rows) -> float:
    """Of one call, in a compiled loop whose every turn has another step and adds to a sum, so that none is left out."""

    def loop(state: TrainState, data: Rows, turns: Any) -> Any:
        def turn(place: Any, total: Any) -> Any:
            # a number that is 0 but for the compiler, so that nothing can be taken out of the loop
            moved = jax.tree.map(
                lambda leaf: leaf + 1e-30 * total if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf,
                state.replace(step=state.step + place),
            )
            return total + sum(jnp.sum(leaf) for leaf in jax.tree.leaves(part(moved, data)))

        return jax.lax.fori_loop(0, turns, turn, jnp.zeros(()))

    run = jax.jit(loop)
    turns = 2
    while True:
        began = time.perf_counter()
        jax.block_until_ready(run(state, data, np.int32(turns)))
        spent = time.perf_counter() - began
        if turns > 2 and spent > SECONDS / 2:
            return spent / turns
        turns = max(2 * turns, min(16 * turns, int(turns * SECONDS / max(spent, 1e-6)))) if turns > 2 else 4
