"""The step of a private critic: noisy sums of clipped gradients for the critic, and the critic for the generator.

Which rows are drawn, and the noise, come from a secret key of the system; all other randomness comes from the seed.
"""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Key

from gans.networks.heads import SEEN
from gans.privacy.clipping import batch_room, clipped_sum, poisson_sample, with_noise
from gans.streams import per_example, stream
from gans.training.column_shares import shares_cost
from gans.training.step import GAN, Rows, TrainState, updated_generator

BLOCK = 50  # steps between two looks of the host


class PrivateCritic(flax.struct.PyTreeNode):
    """How the critic sees real rows.

    Attributes:
        rate: chance of each row to be drawn for an update.
        clip: norm of the gradient of a pair, at most.
        scale: standard deviation of the noise on their sum.
        expected: rows of an update, by the noisy number of rows: what the sum is divided by.
        rows: that are there, and may be drawn; those behind them are padding.
    """

    rate: float = flax.struct.field(pytree_node=False)
    clip: float = flax.struct.field(pytree_node=False)
    scale: Any
    expected: Any
    rows: Any


def secret_key() -> Key[Array, ""]:
    """A key from the randomness of the system, which is not written down."""
    return jax.random.wrap_key_data(jnp.array([secrets.randbits(32), secrets.randbits(32)], jnp.uint32))


def critic_gradient(
    gan: GAN, private: PrivateCritic, state: TrainState, parameters: Any, data: Rows, part: Any, key: Key[Array, ""]
) -> Any:
    """The noisy gradient of the critic's parameters {"network", "heads"}: the one look of an update at the rows."""
    room = batch_room(len(data.codes), private.rate)
    drawing = jax.random.fold_in(key, 0)
    picked, there = poisson_sample(drawing, len(data.codes), private.rate, room, private.rows)
    real = gan.layout.wide(data.scalars[picked], data.codes[picked])
    none = jnp.zeros((room, 0))
    fake, _ = gan.generate(
        state.variables, none, per_example(stream(state.seed, state.step, "latent", part), room), True
    )
    keys = per_example(stream(state.seed, state.step, "critic", part), 2 * room)

    def critic(network: Any, rows: Array) -> Array:
        return gan.critic(parameters | {"network": network}, rows, jnp.zeros((2 * room, 0)), keys)

    pairs = jax.vmap(lambda real, fake: gan.objective.discriminator(real[None], fake[None]))
    summed = clipped_sum(critic, pairs, parameters["network"], real, fake, there, private.clip)
    noisy = with_noise(jax.random.fold_in(key, 1), summed, private.scale)
    return {"network": jax.tree.map(lambda leaf: leaf / private.expected, noisy), "heads": parameters["heads"]}


def critic_updates(gan: GAN, private: PrivateCritic, state: TrainState, data: Rows, key: Key[Array, ""]) -> TrainState:
    """`critic_steps` updates of the critic by noisy gradients."""
    return updated_critic(
        gan,
        state,
        lambda parameters, part: critic_gradient(
            gan, private, state, parameters, data, part, jax.random.fold_in(key, part)
        ),
    )


def updated_critic(gan: GAN, state: TrainState, gradient: Callable[[Any, Any], Any]) -> TrainState:
    """The state after `critic_steps` updates by the gradient of (parameters, which of them it is)."""

    def update(carry: tuple[Any, Any], part: Any) -> tuple[tuple[Any, Any], None]:
        parameters, optimizer = carry
        updates, optimizer = gan.discriminator_optimizer.update(gradient(parameters, part), optimizer, parameters)
        return (optax.apply_updates(parameters, updates), optimizer), None

    carry, _ = jax.lax.scan(update, (state.discriminator, state.discriminator_optimizer), jnp.arange(gan.critic_steps))
    return state.replace(discriminator=carry[0], discriminator_optimizer=carry[1])


def generator_step(gan: GAN, state: TrainState, shares: Float[Array, " levels"], matching: float) -> TrainState:
    """The state at the next step: the generator and its average, by the critic and by noisy shares; it sees no row."""
    none = jnp.zeros((gan.batch_size, 0))
    latent, judged = (
        per_example(stream(state.seed, state.step, name, gan.critic_steps), gan.batch_size)
        for name in ("latent", "critic")
    )

    def cost(parameters: Any) -> Array:
        fake, shown = gan.generate({"params": parameters}, none, latent, True)
        logits = gan.critic(state.discriminator, fake, none, judged)
        of_shares = shares_cost(gan.layout, {SEEN: shown[SEEN]}, shares)
        return gan.objective.generator(jnp.zeros_like(logits), logits) + matching * of_shares

    state = updated_generator(gan, state, jax.grad(cost)(state.generator), state.statistics)
    return state.replace(step=state.step + 1)


def private_block(gan: GAN, matching: float) -> Callable[..., TrainState]:
    """One compiled program of steps: (state, critic, rows, shares, secret key, how many) -> state."""

    @partial(jax.jit, donate_argnums=0)
    def block(
        state: TrainState,
        private: PrivateCritic,
        data: Rows,
        shares: Float[Array, " levels"],
        key: Key[Array, ""],
        steps: Any,
    ) -> TrainState:
        def step(_: Any, state: TrainState) -> TrainState:
            state = critic_updates(gan, private, state, data, jax.random.fold_in(key, state.step))
            return generator_step(gan, state, shares, matching)

        return jax.lax.fori_loop(0, steps, step, state)

    return block


def train_private_critic(
    gan: GAN,
    private: PrivateCritic,
    state: TrainState,
    data: Rows,
    shares: Float[Array, " levels"],
    matching: float,
    advance: Callable[[int], None] = lambda step: None,
) -> TrainState:
    """All steps, in blocks of one compiled program; `advance` is told how many are done after each."""
    block, key = private_block(gan, matching), secret_key()
    for done in range(0, gan.steps, BLOCK):
        state = block(state, private, data, shares, key, min(BLOCK, gan.steps - done))
        jax.block_until_ready(state.step)
        advance(min(done + BLOCK, gan.steps))
    return state
