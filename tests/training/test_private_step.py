"""The critic sees rows by noisy sums only, the generator not at all, and it learns from them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gans.config.compose import compose
from gans.data.declared import Declared
from gans.data.domain import Domain
from gans.runs.build import build
from gans.training.column_shares import answered, fit_columns
from gans.training.private_step import (
    PrivateCritic,
    critic_gradient,
    critic_updates,
    generator_step,
    secret_key,
    train_private_critic,
)
from gans.training.step import GAN, Rows

ROWS = 400


def gan_of(*overrides: str) -> GAN:
    codec = Domain([Declared(name=name, kind="category", levels=["x", "y", "z"]) for name in "ab"]).codec()
    small = [f"network.{key}=16" for key in ("width", "discriminator_width", "latent")]
    run = compose(["+experiment=dp_gan", *small, "network.blocks=0", "trainer.batch_size=64", *overrides])
    return build(run, run.condition.fit(codec, codec.empty(1)))


@pytest.fixture(scope="module")
def data() -> Rows:
    """Two columns that are always equal, of three levels."""
    levels = np.random.default_rng(0).integers(0, 3, ROWS)
    return Rows(jnp.zeros((ROWS, 0)), jnp.asarray(np.stack([levels, levels], axis=1), jnp.int32), ())


def private(scale: float, rate: float = 0.25) -> PrivateCritic:
    return PrivateCritic(rate, 1.0, scale, rate * ROWS, ROWS)


def test_noise_is_on_the_sum_and_divided_with_it(data: Rows) -> None:
    gan = gan_of()
    state = gan.init(jnp.uint32(0))

    @jax.jit
    def gradient(key: Any, scale: Any) -> Any:
        return critic_gradient(gan, private(scale), state, state.discriminator, data, 0, key)["network"]

    keys = jax.random.split(jax.random.key(0), 60)
    apart = [jax.tree.leaves(jax.tree.map(jnp.subtract, gradient(key, 50.0), gradient(key, 0.0))) for key in keys]
    noise = np.concatenate([np.asarray(leaf).ravel() for leaves in apart for leaf in leaves])
    assert noise.std() == pytest.approx(50.0 / (0.25 * ROWS), rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    whole = gradient(keys[0], 0.0)
    assert float(optax.tree.norm(whole)) < 2  # rows drawn / rows expected, each at most 1


def test_every_update_draws_other_rows_and_other_noise(data: Rows) -> None:
    """The same batch again, or the same noise, would void the accounting."""
    gan = gan_of("trainer.critic_steps=3", "optimizer.learning_rate=1e-6")
    state = gan.init(jnp.uint32(0))
    drawn: list[np.ndarray] = []

    def remembered(key: Any, tree: Any, scale: float) -> Any:
        jax.debug.callback(lambda key: drawn.append(np.asarray(key)), jax.random.key_data(key))
        return tree

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gans.training.private_step.with_noise", remembered)
        train_private_critic(
            gan_of("trainer.critic_steps=3", "trainer.steps=4"), private(1.0), state, data, shares(gan), 1.0
        )
    jax.effects_barrier()
    assert len(drawn) == 12
    assert len({tuple(key) for key in drawn}) == 12


def shares(gan: GAN) -> Any:
    return jnp.concatenate([jnp.full(size, 1 / size) for size in gan.layout.cardinalities])


def test_secret_keys_come_from_the_system() -> None:
    data = [tuple(np.asarray(jax.random.key_data(secret_key()))) for _ in range(3)]
    assert len(set(data)) == 3


def test_the_generator_sees_no_row(data: Rows) -> None:
    """Its step is a function of the state and of noisy shares; with a critic that did not move, rows change nothing."""
    gan = gan_of()
    state = gan.init(jnp.uint32(0))
    after = jax.jit(lambda state: generator_step(gan, state, shares(gan), 1.0))(state)
    assert int(after.step) == 1
    assert not np.array_equal(jax.tree.leaves(after.generator)[0], jax.tree.leaves(state.generator)[0])
    moved = jax.jit(lambda state: critic_updates(gan, private(1.0), state, data, jax.random.key(0)))(state)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, moved.generator, state.generator))


def test_columns_are_fitted_before_a_critic(data: Rows) -> None:
    gan = gan_of()
    wanted = jnp.asarray([0.7, 0.2, 0.1, 0.05, 0.05, 0.9])
    state = fit_columns(gan, gan.init(jnp.uint32(0)), wanted, 1_000)
    made, _ = gan.generate(state.average, jnp.zeros((4_000, 0)), jax.random.split(jax.random.key(0), 4_000), False)
    assert np.asarray(made.mean(axis=0)) == pytest.approx(np.asarray(wanted), abs=0.03)
    assert answered(gan.layout, jnp.zeros((5, 6))) == pytest.approx(1 / 3)


def test_it_learns_which_levels_go_together_but_not_through_much_noise(data: Rows) -> None:
    gan = gan_of("trainer.steps=800", "optimizer.learning_rate=5e-3")

    def together(scale: float, seed: int) -> float:
        state = fit_columns(gan, gan.init(jnp.uint32(seed)), shares(gan), 50)
        state = train_private_critic(gan, private(scale), state, data, shares(gan), 1.0)
        made, _ = gan.generate(state.average, jnp.zeros((3_000, 0)), jax.random.split(jax.random.key(0), 3_000), False)
        return float((made[:, :3] * made[:, 3:]).sum(axis=1).mean())

    assert np.mean([together(1.0, seed) for seed in range(3)]) > 0.65  # a third by chance
    assert together(5_000.0, 0) < 0.5
