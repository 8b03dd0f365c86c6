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
from gans.training.programs import quick_to_compile
from gans.training.size import generator_shapes
from gans.training.step import adversarial_step

SMALL = [
    "data.limit=400",
    "trainer.batch_size=20",
    "network.generator_widths=[8,8]",
    "network.discriminator_widths=[8]",
]


# not Adam, which hides a gradient's scale: these know their state of before and the parameters
PLAIN = optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.1, momentum=0.9))


def ready(*overrides):
    prepared = prepare(compose([*SMALL, *overrides]))
    gan = build(prepared.run, prepared.condition)
    return gan, jax.tree.map(jnp.asarray, prepared.rows), jax.tree.map(jnp.asarray, initial_state(gan, 3, 1))


def with_optimizer(gan, state, optimizer):
    """The same GAN with this optimizer on both sides, and its state."""
    gan = dataclasses.replace(gan, generator_optimizer=optimizer, discriminator_optimizer=optimizer)
    return gan, state.replace(
        generator_optimizer=optimizer.init(state.generator), discriminator_optimizer=optimizer.init(state.discriminator)
    )


def side_by_side(batch, pack):
    return jnp.stack([jnp.concatenate(list(batch[start : start + pack])) for start in range(0, len(batch), pack)])


def plain_step(gan, state, data):
    """One step as one would write it down, with an update at a time and real and generated rows apart."""
    pack, parameters, optimizer = gan.pack, state.discriminator, state.discriminator_optimizer
    metrics = {f"{kind}/{part}": [] for kind in ("loss", "gradient") for part in ("discriminator", "generator")}

    def judge(parameters, rows, condition, keys):
        """Logits and features of packs, and what each head says of each row."""
        logits, shown = gan.discriminator.apply(
            {"params": parameters["network"]}, rows, condition, keys, True, mutable=["intermediates"]
        )
        features = shown["intermediates"]["features"][0]
        said = {}
        for name, head in gan.heads.items():
            of_packs = head.apply({"params": parameters["heads"][name]}, features)
            said[name] = jnp.concatenate(jnp.split(of_packs[:, None], pack, axis=2), axis=1).reshape(
                len(rows) * pack, -1
            )
        return logits, features, said

    for part in range(gan.critic_steps):
        real, labels, keys = gan.batch(data, state.seed, state.step, part)
        fake, _ = gan.generate(state.variables, labels, keys("latent"), True)
        packs = [side_by_side(batch, pack) for batch in (real, fake, labels)]

        def loss(parameters, packs=packs, labels=labels, keys=keys):
            real, fake, condition = packs
            c_real, _, of_real = judge(parameters, real, condition, keys("critic real", pack))
            c_fake, _, of_fake = judge(parameters, fake, condition, keys("critic fake", pack))
            adversarial = total = gan.objective.discriminator(c_real, c_fake)
            for name, penalty in gan.penalties.items():

                def critic(rows, condition, keys):
                    return judge(parameters, rows, condition, keys)[0]

                total += penalty(critic, real, fake, condition, keys(f"penalty {name}", pack))
            for name in gan.heads:
                total += gan.terms[name].discriminator(gan.layout, of_real[name], of_fake[name], labels)
            return total, adversarial

        gradient, adversarial = jax.grad(loss, has_aux=True)(parameters)
        updates, optimizer = gan.discriminator_optimizer.update(gradient, optimizer, parameters)
        parameters = optax.apply_updates(parameters, updates)
        metrics["loss/discriminator"].append(adversarial)
        metrics["gradient/discriminator"].append(length(gradient))
    state = state.replace(discriminator=parameters, discriminator_optimizer=optimizer)
    for part in range(gan.critic_steps, gan.critic_steps + gan.generator_steps):
        real, labels, keys = gan.batch(data, state.seed, state.step, part)

        def loss(generator, state=state, real=real, labels=labels, keys=keys):
            fake, shown = gan.generate({"params": generator, **state.statistics}, labels, keys("latent"), True)
            (logits,) = jax.tree.leaves(shown["intermediates"])
            condition = side_by_side(labels, pack)
            c_real, real_features, _ = judge(parameters, side_by_side(real, pack), condition, keys("critic real", pack))
            c_fake, features, said = judge(parameters, side_by_side(fake, pack), condition, keys("critic fake", pack))
            adversarial = total = gan.objective.generator(c_real, c_fake)
            for name, term in gan.terms.items():
                made = Made(fake, labels, logits, features, real_features, said.get(name))
                total += term(gan.layout, data.known[name], made, state.step / gan.steps)
            return total, ({name: tree for name, tree in shown.items() if name == "batch_stats"}, adversarial)

        gradient, (statistics, adversarial) = jax.grad(loss, has_aux=True)(state.generator)
        updates, generator_optimizer = gan.generator_optimizer.update(
            gradient, state.generator_optimizer, state.generator
        )
        state = state.replace(
            generator=optax.apply_updates(state.generator, updates),
            statistics=statistics,
            generator_optimizer=generator_optimizer,
        )
        metrics["loss/generator"].append(adversarial)
        metrics["gradient/generator"].append(length(gradient))
    means = {name: jnp.mean(jnp.stack(values)) for name, values in metrics.items()}
    return state, means


def step(gan, state, data):
    """The step, compiled: op by op it takes many times as long."""
    return jax.jit(lambda state, data: adversarial_step(gan, state, data))(state, data)


def length(tree):
    return jnp.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(tree)))


def assert_close(left, right, tolerance=2e-6):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance, rtol=1e-5)


DROPOUT = "network.discriminator_dropout=0.3"  # the discriminator's keys count then
VARIANTS = {
    "vanilla": ["+experiment=vanilla", DROPOUT],
    "cgan": ["+experiment=cgan", DROPOUT],
    "wgan_gp": ["+experiment=wgan_gp"],
    "flagship": ["objective=relativistic_pairing", "penalty=[r1,r2]", "term=[moments]", "condition=subsets"],
    "classifier, packs and batch norm": [
        *("+experiment=ctgan", "network.pack=2", "trainer.critic_steps=2", "network.discriminator_conditioning=none"),
        "trainer.generator_steps=3",
        "term=[condition_cross_entropy,auxiliary_classifier,feature_matching]",
    ],
    "mutual information": ["+experiment=infogan", "network.pack=2", "trainer.critic_steps=3"],
}


@pytest.mark.parametrize("overrides", VARIANTS.values(), ids=VARIANTS)
def test_step_equals_the_plain_computation(overrides):
    gan, data, state = ready(*overrides)
    gan, state = with_optimizer(gan, state.replace(step=jnp.asarray(3, jnp.int32)), PLAIN)
    after, metrics = step(gan, state, data)
    expected, expected_metrics = jax.jit(lambda state: plain_step(gan, state, data))(state)
    for part in ("discriminator", "generator", "statistics", "discriminator_optimizer", "generator_optimizer"):
        assert_close(getattr(after, part), getattr(expected, part))
    for before, now in ((state.discriminator, after.discriminator), (state.generator, after.generator)):
        moved = max(np.abs(a - b).max() for a, b in zip(*map(jax.tree.leaves, (before, now)), strict=True))
        assert moved > 1000 * 2e-6  # of the tolerance
    assert int(after.step) == 4
    for name, value in expected_metrics.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-4, err_msg=name)
    assert all(np.isfinite(value) for value in metrics.values())


def test_average_follows_its_ramp():
    gan, data, state = ready()
    state = state.replace(step=jnp.asarray(5, jnp.int32))
    after, _ = step(gan, state, data)
    decay = (1 + 5) / (10 + 5)
    expected = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average["params"], after.generator)
    assert_close(after.average["params"], expected, 1e-6)


def test_average_of_batch_norm_statistics():
    gan, data, state = ready_ctgan()
    after, _ = step(gan, state, data)
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


def test_the_generator_alone_has_the_shapes_that_it_has_in_the_state():
    gan, _, state = ready_ctgan()
    found = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), generator_shapes(gan))
    assert found == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), state.average)


def test_a_program_on_a_cpu_is_quick_to_compile_unless_the_user_says_how(monkeypatch):
    if jax.default_backend() != "cpu":
        pytest.skip("a CPU is needed")
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    level = "xla_backend_optimization_level"
    assert (quick_to_compile(), quick_to_compile(once=True)) == ({level: 1}, {level: 0})
    jax.jit(lambda x: x + 1, compiler_options=quick_to_compile())(1.0)  # XLA knows it
    monkeypatch.setenv("XLA_FLAGS", f"--{level}=3")
    assert quick_to_compile() is None


def test_packed_rows_lie_side_by_side():
    gan, _, _ = ready_ctgan()
    batch = jnp.arange(40.0).reshape(20, 2)
    np.testing.assert_array_equal(gan.packed(batch), np.arange(40.0).reshape(2, 20))


def test_the_discriminator_update_gives_the_generator_no_gradient():
    """Without a generator update (learning rate 0) the generator stays as it was, while the discriminator moves."""
    gan, data, state = ready()
    gan = dataclasses.replace(gan, generator_optimizer=optax.sgd(0.0))
    state = state.replace(generator_optimizer=gan.generator_optimizer.init(state.generator))
    after, _ = step(gan, state, data)
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
        jnp.concatenate([gan.layout.wide(data.scalars, data.codes), gan.condition.wide(data.condition)], 1)
    )
    for row in np.asarray(jnp.concatenate([real, condition], axis=1)):
        assert (np.abs(table - row).max(axis=1) == 0).any()


def dense(h, layer):
    return h @ np.asarray(layer["kernel"], float) + np.asarray(layer["bias"], float)


def test_terms_see_logits_before_noise_the_condition_and_features():
    """All that a term is shown, from the parameters on in numpy."""
    gan, data, state = ready(
        *("+experiment=ctgan", "term=[condition_cross_entropy,information]", "network.pack=4", "network.dropout=0"),
        "trainer.critic_steps=2",
    )
    seen = {}

    class Look:
        def __call__(self, layout, known, made, progress):
            jax.debug.callback(lambda shown: seen.update(shown), {**made._asdict(), "progress": progress})
            return jnp.zeros(())

    gan, state = with_optimizer(dataclasses.replace(gan, terms={"information": Look()}), state, optax.sgd(0.0))
    step(gan, state.replace(step=jnp.asarray(gan.steps // 4, jnp.int32)), data)
    jax.effects_barrier()
    real, condition, keys = gan.batch(data, state.seed, jnp.asarray(gan.steps // 4, jnp.int32), gan.critic_steps)
    latent = [jax.random.normal(jax.random.fold_in(key, 0), (gan.latent,)) for key in keys("latent")]
    h = np.concatenate([np.stack(latent), condition], axis=1).astype(float)
    for layer in ("Dense_0", "Dense_1"):  # batch norm begins with scale 1 and shift 0
        raw = dense(h, state.generator[layer])
        normal = (raw - raw.mean(axis=0)) / np.sqrt(raw.var(axis=0) + 1e-5)
        h = np.concatenate([np.maximum(normal, 0), h], axis=1)
    logits = dense(h, state.generator["Dense_2"])[:, gan.layout.scalars :]
    np.testing.assert_allclose(seen["logits"], logits, rtol=1e-3, atol=1e-4)
    hots = np.asarray(seen["rows"])[:, gan.layout.scalars :]
    np.testing.assert_allclose(hots.sum(axis=1), len(gan.layout.cardinalities), rtol=1e-5)
    assert (hots[np.arange(20), logits.argmax(axis=1)] < 0.5).any()  # of the noise, that the logits lack
    np.testing.assert_array_equal(seen["condition"], condition)
    for name, rows in (("features", np.asarray(seen["rows"])), ("real_features", np.asarray(real))):
        h = np.concatenate([rows.reshape(5, -1), np.asarray(condition).reshape(5, -1)], axis=1)
        h = dense(h, state.discriminator["network"]["Dense_0"])
        h = np.where(h > 0, h, 0.2 * h)
        np.testing.assert_allclose(seen[name], h, rtol=1e-3, atol=1e-4)
    assert seen["predicted"] is None
    assert seen["progress"] == pytest.approx(0.25, abs=1 / gan.steps)


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


def test_uniform_latents_are_of_the_same_quantiles_as_normal_ones():
    gan, _, _ = ready("network.prior=uniform")
    normal = jax.random.normal(jax.random.key(0), (20_000, 1))
    drawn = np.asarray(gan.of_prior(normal))
    assert np.abs(drawn).max() <= 1
    np.testing.assert_allclose(np.quantile(drawn, [0.1, 0.25, 0.5, 0.9]), [-0.8, -0.5, 0, 0.8], atol=0.02)
    assert np.array_equal(np.argsort(drawn, axis=0), np.argsort(normal, axis=0))
    assert ready()[0].of_prior(normal) is normal
