"""The step against a second, plain computation of it, and the invariants of blocks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gans.config.compose import compose
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.streams import per_example, stream
from gans.terms.base import Made
from gans.training.loop import initial_state, make_block
from gans.training.placement import place
from gans.training.step import adversarial_step

SMALL = [
    "data.limit=400",
    "trainer.batch_size=20",
    "network.generator_widths=[8,8]",
    "network.discriminator_widths=[8]",
]


def ready(*overrides):
    prepared = prepare(compose([*SMALL, *overrides]))
    gan = build(prepared.run, prepared.condition)
    return gan, jax.tree.map(jnp.asarray, prepared.rows), jax.tree.map(jnp.asarray, initial_state(gan, 3, 1))


def plain_step(gan, state, data):
    """One step as one would write it down, with an update at a time."""
    parameters, optimizer = state.discriminator, state.discriminator_optimizer
    for part in range(gan.critic_steps):
        real, condition, keys = gan.batch(data, state.seed, state.step, part)
        fake, _ = gan.generate(state.variables, condition, keys("latent"), True)

        def loss(parameters, real=real, fake=fake, condition=condition, keys=keys):
            c_real = gan.critic(parameters, real, condition, keys("critic real"))
            c_fake = gan.critic(parameters, fake, condition, keys("critic fake"))
            total = gan.objective.discriminator(c_real, c_fake)
            for name, penalty in gan.penalties.items():

                def critic(rows, condition, keys):
                    return gan.critic(parameters, rows, condition, keys)

                total += penalty(critic, real, fake, condition, keys(f"penalty {name}"))
            return total

        updates, optimizer = gan.discriminator_optimizer.update(jax.grad(loss)(parameters), optimizer, parameters)
        parameters = optax.apply_updates(parameters, updates)
    real, condition, keys = gan.batch(data, state.seed, state.step, gan.critic_steps)

    def loss(generator):
        fake, _ = gan.generate({"params": generator}, condition, keys("latent"), True)
        c_real = gan.critic(parameters, real, condition, keys("critic real"))
        total = gan.objective.generator(c_real, gan.critic(parameters, fake, condition, keys("critic fake")))
        for name, term in gan.terms.items():
            total += term(gan.layout, data.known[name], Made(fake, condition), state.step / gan.steps)
        return total

    updates, _ = gan.generator_optimizer.update(jax.grad(loss)(state.generator), state.generator_optimizer)
    return parameters, optax.apply_updates(state.generator, updates)


def assert_close(left, right, tolerance=2e-6):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance, rtol=1e-5)


FLAGSHIP = ["objective=relativistic_pairing", "penalty=[r1,r2]", "term=[moments]", "condition=subsets"]


@pytest.mark.parametrize(
    "overrides",
    [["+experiment=vanilla"], ["+experiment=cgan"], ["+experiment=wgan_gp"], FLAGSHIP],
    ids=["vanilla", "cgan", "wgan_gp", "flagship"],
)
def test_step_equals_the_plain_computation(overrides):
    gan, data, state = ready(*overrides, "optimizer.eps=1e-3")
    after, metrics = jax.jit(lambda state: adversarial_step(gan, state, data))(state)
    discriminator, generator = plain_step(gan, state, data)
    assert_close(after.discriminator, discriminator)
    assert_close(after.generator, generator)
    assert int(after.step) == 1
    assert all(np.isfinite(value) for value in metrics.values())


def test_average_follows_its_ramp():
    gan, data, state = ready()
    state = state.replace(step=jnp.asarray(5, jnp.int32))
    after, _ = adversarial_step(gan, state, data)
    decay = (1 + 5) / (10 + 5)
    expected = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average["params"], after.generator)
    assert_close(after.average["params"], expected, 1e-6)


def test_average_of_batch_norm_statistics():
    gan, data, state = ready_ctgan()
    after, _ = adversarial_step(gan, state, data)
    moved = [
        np.abs(a - b).max() for a, b in zip(*map(jax.tree.leaves, (state.statistics, after.statistics)), strict=True)
    ]
    assert min(moved) > 0
    decay = 0.1
    expected = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.statistics, after.statistics)
    assert_close({"batch_stats": after.average["batch_stats"]}, expected, 1e-6)


def ready_ctgan():
    widths = ["network.generator_widths=[8,8]", "network.discriminator_widths=[8,8]"]
    prepared = prepare(compose(["data.limit=400", "trainer.batch_size=20", "network=ctgan", *widths]))
    gan = build(prepared.run, prepared.condition)
    return gan, jax.tree.map(jnp.asarray, prepared.rows), jax.tree.map(jnp.asarray, initial_state(gan, 3, 1))


def test_packed_rows_lie_side_by_side():
    gan, _, _ = ready_ctgan()
    batch = jnp.arange(40.0).reshape(20, 2)
    np.testing.assert_array_equal(gan.packed(batch), np.arange(40.0).reshape(2, 20))


def test_the_discriminator_update_gives_the_generator_no_gradient():
    """Without a generator update (learning rate 0) the generator stays as it was, while the discriminator moves."""
    gan, data, state = ready()
    gan = dataclasses.replace(gan, generator_optimizer=optax.sgd(0.0))
    state = state.replace(generator_optimizer=gan.generator_optimizer.init(state.generator))
    after, _ = adversarial_step(gan, state, data)
    for a, b in zip(jax.tree.leaves(state.generator), jax.tree.leaves(after.generator), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(
        np.abs(a - b).max() > 0
        for a, b in zip(*map(jax.tree.leaves, (state.discriminator, after.discriminator)), strict=True)
    )


def test_blocks_of_any_length_give_the_same_bits_from_one_compilation():
    gan, data, state = ready()
    host = jax.device_get(state)
    placed = place(make_block(gan), "jit", 1)
    rows = placed.put(data)
    whole, _ = placed.run(placed.put(host), rows, placed.put(np.int32(7)))
    parts = placed.put(host)
    for steps in (2, 4, 1):
        parts, _ = placed.run(parts, rows, placed.put(np.int32(steps)))
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    assert placed.run._cache_size() == 1


def test_the_state_is_donated_and_nothing_is_transferred_within_a_block():
    gan, data, state = ready()
    placed = place(make_block(gan), "jit", 1)
    before, rows, steps = placed.put(jax.device_get(state)), placed.put(data), placed.put(np.int32(2))
    with jax.transfer_guard("disallow"):
        placed.run(before, rows, steps)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(before.generator))


def test_a_batch_draws_rows_of_the_table_with_their_conditions():
    gan, data, state = ready("+experiment=cgan")
    real, condition, _ = gan.batch(data, state.seed, state.step, 0)
    table = np.asarray(
        jnp.concatenate([gan.layout.wide(data.scores, data.codes), gan.condition.wide(data.condition)], 1)
    )
    for row in np.asarray(jnp.concatenate([real, condition], axis=1)):
        assert (np.abs(table - row).max(axis=1) == 0).any()


def test_terms_see_logits_before_noise_the_condition_and_features():
    gan, data, state = ready("+experiment=ctgan", "term=[condition_cross_entropy,information]")
    seen = {}

    class Look:
        def __call__(self, layout, known, made, progress):
            seen.update(made._asdict())
            return jnp.zeros(())

    quiet = dataclasses.replace(
        gan, terms={"information": Look()}, generator_optimizer=optax.sgd(0.0), discriminator_optimizer=optax.sgd(0.0)
    )
    state = state.replace(generator_optimizer=optax.sgd(0.0).init(0), discriminator_optimizer=optax.sgd(0.0).init(0))
    after = jax.eval_shape(lambda state: adversarial_step(quiet, state, data)[0], state)
    batch, packs = gan.batch_size, gan.batch_size // gan.pack
    assert seen["logits"].shape == (batch, gan.layout.width - gan.layout.scores)
    assert seen["condition"].shape == (batch, sum(gan.condition.cardinalities))
    assert seen["features"].shape == seen["real_features"].shape == (packs, 8)
    assert set(after.statistics) == {"batch_stats"}


def test_a_batch_of_training_by_sampling_holds_its_condition():
    gan, data, state = ready("+experiment=ctgan")
    real, condition, _ = gan.batch(data, state.seed, state.step, 0)
    np.testing.assert_array_equal(np.asarray(condition).sum(axis=1), np.ones(20))
    held = np.asarray(real)[:, list(gan.layout.conditioned)]
    np.testing.assert_array_equal((held * np.asarray(condition)).sum(axis=1), np.ones(20))


def test_streams_differ_by_seed_step_name_and_part_and_by_nothing_else():
    def bits(seed, step, name, part=0):
        key = stream(jnp.uint32(seed), jnp.int32(step), name, part)
        return tuple(np.asarray(jax.random.key_data(key)).tolist())

    assert bits(1, 2, "latent") == bits(1, 2, "latent")
    different = [
        bits(1, 2, "latent"),
        bits(2, 2, "latent"),
        bits(1, 3, "latent"),
        bits(1, 2, "rows"),
        bits(1, 2, "latent", 1),
    ]
    assert len(set(different)) == len(different)


def test_keys_of_examples_do_not_depend_on_the_batch():
    key = jax.random.key(0)
    long, late = per_example(key, 10), per_example(key, 4, 6)
    np.testing.assert_array_equal(jax.random.key_data(long)[6:], jax.random.key_data(late))
