"""How the time of a step divides among its parts, each compiled alone and run in a loop on the device."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gans.training.step import GAN, Rows, TrainState, adversarial_step

SECONDS = 1.0


def step_parts(gan: GAN) -> dict[str, Callable[[TrainState, Rows], Any]]:
    """By name functions (state, rows) -> arrays, each of them a part of the step, and "step", the whole of it.

    The updates of the discriminator are counted `critic_steps` times.
    """

    def given(state: TrainState, data: Rows) -> tuple[Any, Any, Any]:
        return gan.batch(data, state.seed, state.step, 0)

    def rows(state: TrainState, data: Rows) -> Any:
        return given(state, data)[:2]

    def generate(state: TrainState, data: Rows) -> Any:
        _, condition, keys = given(state, data)
        return gan.generate(state.variables, condition, keys("latent"), True)[0]

    def packs(state: TrainState, data: Rows) -> tuple[Any, Any, Any, Any]:
        """Real rows, the same for generated ones, conditions, keys: what the discriminator costs does not depend on
        where its rows come from."""
        real, condition, keys = given(state, data)
        return gan.packed(real), gan.packed(real[::-1]), gan.packed(condition), keys

    def adversarial(state: TrainState, data: Rows) -> Any:
        real, fake, condition, keys = packs(state, data)

        def loss(parameters: Any) -> Any:
            both = jnp.concatenate([real, fake]), jnp.concatenate([condition, condition])
            every = jnp.concatenate([keys("critic real", gan.pack), keys("critic fake", gan.pack)])
            return gan.objective.discriminator(*jnp.split(gan.critic(parameters, *both, every), 2))

        return jax.grad(loss)(state.discriminator)

    def penalties(state: TrainState, data: Rows) -> Any:
        real, fake, condition, keys = packs(state, data)

        def loss(parameters: Any) -> Any:
            def critic(rows: Any, condition: Any, keys: Any) -> Any:
                return gan.critic(parameters, rows, condition, keys)

            every = keys("penalty", gan.pack)
            return sum(penalty(critic, real, fake, condition, every) for penalty in gan.penalties.values())

        return jax.grad(loss)(state.discriminator)

    def discriminator_optimizer(state: TrainState, data: Rows) -> Any:
        return gan.discriminator_optimizer.update(
            state.discriminator, state.discriminator_optimizer, state.discriminator
        )[0]

    def generator_optimizer(state: TrainState, data: Rows) -> Any:
        return gan.generator_optimizer.update(state.generator, state.generator_optimizer, state.generator)[0]

    def step(state: TrainState, data: Rows) -> Any:
        after, _ = adversarial_step(gan, state, data)
        return after.generator, after.discriminator

    return {
        "pick rows": rows,
        "generate": generate,
        "adversarial gradient": adversarial,
        **({"penalty gradients": penalties} if gan.penalties else {}),
        "discriminator optimizer": discriminator_optimizer,
        "generator optimizer": generator_optimizer,
        "step": step,
    }


def time_parts(gan: GAN, state: TrainState, data: Rows) -> dict[str, float]:
    """Milliseconds of each part in a step, the loop's own cost included, and of "the rest": the generator's update.

    A part alone is not quite a part of the whole, since the compiler joins what it can. What a part needs (rows for
    what looks at rows) is taken off it.
    """
    found = {}
    for name, part in step_parts(gan).items():
        found[name] = 1e3 * _seconds(part, state, data)
    again = {"pick rows": 0.0, "discriminator optimizer": 0.0, "generator optimizer": 0.0, "step": 0.0}
    out = {name: max(value - again.get(name, found["pick rows"]), 0.0) for name, value in found.items()}
    steps = gan.critic_steps
    counts = {"pick rows": steps + 1, "generate": steps, "generator optimizer": 1, "step": 1}
    out = {name: value * counts.get(name, steps) for name, value in out.items()}
    step = out.pop("step")
    return out | {"generator gradient, average": max(step - sum(out.values()), 0.0), "step": step}


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
