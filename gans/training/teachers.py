"""The teachers of PATE: critics that each see rows of their own, and vote on generated ones."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from gans.data.layout import Encoded
from gans.privacy.entry import Entry, scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.noise import discrete_gaussian
from gans.streams import per_example, stream
from gans.training.private_step import generator_step, secret_key, updated_critic
from gans.training.step import GAN, TrainState


class OwnRows(NamedTuple):
    """The rows of each teacher, padded; no row is with two.

    Attributes:
        scalars: [teachers, room, numbers].
        codes: [teachers, room, categories].
        counts: how many rows each teacher has [teachers].
    """

    scalars: Any
    codes: Any
    counts: Any


def dealt(rows: Encoded, teachers: int) -> OwnRows:
    """Rows dealt out to teachers, each by a draw of its own from the system.

    So one row more or less changes one teacher. Were rows dealt in turn, or in equal parts, it would move others.
    """
    owners = np.random.default_rng(secrets.randbits(128)).integers(0, teachers, len(rows.codes))
    return owned(rows, owners, teachers, max(int(np.bincount(owners).max(initial=1)), 1))


def owned(rows: Encoded, owners: np.ndarray, teachers: int, room: int) -> OwnRows:
    """The rows of each teacher.

    Args:
        owners: the teacher of each row [rows].
        room: for the rows of one teacher.
    """
    counts = np.bincount(owners, minlength=teachers)
    order = np.argsort(owners, kind="stable")
    places = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    scalars, codes = (np.zeros((teachers, room, part.shape[1]), part.dtype) for part in rows)
    scalars[owners[order], places], codes[owners[order], places] = rows.scalars[order], rows.codes[order]
    return OwnRows(scalars, codes, counts.astype(np.int32))


@dataclass(frozen=True)
class Teachers:
    """What each teacher computes; nothing is computed across them but the votes.

    Attributes:
        gan: whose critic each of them has, by itself.
        steps: updates of each for a step of the generator.
        batch: own rows of an update, and generated ones.
    """

    gan: GAN
    count: int
    steps: int
    batch: int

    def init(self, seed: Int[Array, ""]) -> tuple[Any, Any]:
        """Parameters and states of the optimisers of all [teachers, ...]."""
        parameters = self.gan.init(seed).discriminator["network"]
        several = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.count, *leaf.shape)), parameters)
        return several, jax.vmap(self.gan.discriminator_optimizer.init)(several)

    def logits(self, parameters: Any, rows: Array, keys: Array) -> Float[Array, " rows"]:
        """What one teacher says of rows."""
        return self.gan.critic({"network": parameters, "heads": {}}, rows, jnp.zeros((len(rows), 0)), keys)

    def learn(self, teacher: tuple[Any, Any], own: OwnRows, variables: Any, key: Key[Array, ""]) -> tuple[Any, Any]:
        """One teacher after its updates on its rows [room, ...]; one without rows stays as it is."""
        layout = self.gan.layout

        def update(carry: tuple[Any, Any], place: Any) -> tuple[tuple[Any, Any], None]:
            parameters, optimizer = carry
            here, latent, judged = jax.random.split(jax.random.fold_in(key, place), 3)
            picked = jax.random.randint(here, (self.batch,), 0, jnp.maximum(own.counts, 1))
            real = layout.wide(own.scalars[picked], own.codes[picked])
            none = jnp.zeros((self.batch, 0))
            fake, _ = self.gan.generate(variables, none, per_example(latent, self.batch), True)
            keys = per_example(judged, 2 * self.batch)

            def cost(parameters: Any) -> Array:
                logits = self.logits(parameters, jnp.concatenate([real, fake]), keys)
                return self.gan.objective.discriminator(*jnp.split(logits, 2))

            gradient = jax.grad(cost)(parameters)
            updates, optimizer = self.gan.discriminator_optimizer.update(gradient, optimizer, parameters)
            return (optax.apply_updates(parameters, updates), optimizer), None

        after, _ = jax.lax.scan(update, teacher, jnp.arange(self.steps))
        return jax.tree.map(lambda new, old: jnp.where(own.counts > 0, new, old), after, teacher)

    def votes(
        self, teachers: tuple[Any, Any], own: OwnRows, variables: Any, rows: Float[Array, "rows width"], key: Any
    ) -> tuple[tuple[Any, Any], Int[Array, " rows"]]:
        """The teachers after their updates, and how many of them call each row a real one."""
        keys = per_example(key, self.count)
        teachers = jax.vmap(self.learn, (0, OwnRows(0, 0, 0), None, 0))(teachers, own, variables, keys)
        judged = per_example(key, len(rows))
        logits = jax.vmap(lambda parameters: self.logits(parameters, rows, judged))(teachers[0])
        return teachers, jnp.sum(logits > 0, axis=0)


def noisy_votes(votes: np.ndarray, ledger: Ledger, scale: float) -> np.ndarray:
    """Counts of votes [rows] with noise: one row has one teacher, which changes each of them by one at most."""
    what = f"votes of teachers on {len(votes)} generated rows"
    ledger.charge(Entry(what, "discrete Gaussian", len(votes) ** 0.5, scale))
    return discrete_gaussian(votes, scale)


def generated(gan: GAN, state: TrainState, count: int) -> Float[Array, "rows width"]:
    """Rows that teachers vote on and the critic learns from."""
    keys = per_example(stream(state.seed, state.step, "votes"), count)
    rows, _ = gan.generate(state.variables, jnp.zeros((count, 0)), keys, True)
    return rows


def taught(gan: GAN, state: TrainState, rows: Float[Array, "rows width"], target: Float[Array, " rows"]) -> TrainState:
    """The state after `critic_steps` updates of the critic towards the noisy shares of votes on these rows.

    The cross-entropy is linear in the share, so that noise, which may take it out of [0, 1], cancels in the mean.
    """

    def cost(parameters: Any, part: Any) -> Array:
        keys = per_example(stream(state.seed, state.step, "critic", part), len(rows))
        logits = gan.critic(parameters, rows, jnp.zeros((len(rows), 0)), keys)
        return jnp.mean(target * jax.nn.softplus(-logits) + (1 - target) * jax.nn.softplus(logits))

    return updated_critic(gan, state, jax.grad(cost))


def train_with_teachers(
    gan: GAN,
    teachers: Teachers,
    votes: int,
    state: TrainState,
    rows: Encoded,
    ledger: Ledger,
    shares: Float[Array, " levels"],
    matching: float,
    advance: Callable[[int], None] = lambda step: None,
) -> TrainState:
    """All steps, each with an equal part of what is left of the budget; `advance` is told how many are done.

    Args:
        votes: generated rows that teachers vote on in a step.
        rows: the private ones.
    """
    own = jax.tree.map(jnp.asarray, dealt(rows, teachers.count))
    scale = votes**0.5 * scale_of(ledger.left / gan.steps)
    key, vote = secret_key(), jax.jit(teachers.votes)
    generate = jax.jit(lambda state: generated(gan, state, votes))

    @jax.jit
    def update(state: TrainState, rows: Array, target: Array) -> TrainState:
        return generator_step(gan, taught(gan, state, rows, target), shares, matching)

    state_of_teachers = jax.jit(teachers.init)(state.seed)
    for step in range(gan.steps):
        made = generate(state)
        state_of_teachers, counts = vote(state_of_teachers, own, state.variables, made, jax.random.fold_in(key, step))
        noisy = noisy_votes(np.asarray(counts), ledger, scale) / teachers.count
        state = update(state, made, jnp.asarray(noisy, jnp.float32))
        advance(step + 1)
    return state
