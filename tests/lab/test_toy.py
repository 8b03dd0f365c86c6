"""A toy learns as `gans.train` does; what is seen of it is what its networks say."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.config.compose import compose
from gans.evaluation.mixtures import mode_coverage
from gans.lab.setting import overrides, read_setting
from gans.lab.toy import CELLS, COUNTED, SHOWN, Toy
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.streams import per_example, stream
from gans.training.loop import initial_state, make_block

SMALL = {"network.generator_widths": [16], "network.discriminator_widths": [16], "trainer.batch_size": 64}


@pytest.fixture(scope="module")
def toy() -> Toy:
    return Toy(read_setting(SMALL))


def same(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def test_it_learns_as_a_run_of_the_same_setting(toy: Toy) -> None:
    toy.reset(3)
    toy.train(5)
    run = compose([*overrides(read_setting(SMALL | {"seed": 3}))])
    ready = prepare(run, run.data.read())
    gan = build(ready.run, ready.condition)
    state, _ = jax.jit(make_block(gan))(initial_state(gan, 3, 1), ready.rows, np.int32(5))
    for part in ("generator", "discriminator", "average"):
        for own, other in zip(
            jax.tree.leaves(getattr(toy.state, part)), jax.tree.leaves(getattr(state, part)), strict=True
        ):
            np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_a_step_of_one_network_changes_that_one_only(toy: Toy, part: str) -> None:
    toy.reset(0)
    toy.train(3)
    before = toy.state
    toy.train(1, generator=part == "generator", discriminator=part == "discriminator")
    of_generator = ("generator", "generator_optimizer", "average")
    of_discriminator = ("discriminator", "discriminator_optimizer")
    for name in (*of_generator, *of_discriminator):
        learns = name in (of_generator if part == "generator" else of_discriminator)
        assert same(getattr(before, name), getattr(toy.state, name)) != learns, name
    assert toy.step == 4


def test_a_generator_alone_follows_the_discriminator_as_it_stands(toy: Toy) -> None:
    toy.reset(0)
    toy.train(20, generator=False)
    before = toy.look(False)
    for _ in range(20):
        toy.train(1, discriminator=False)
    after = toy.look(False)
    np.testing.assert_array_equal(before["surface"], after["surface"])
    way = after["points"][: len(before["arrows"])] - before["points"][: len(before["arrows"])]
    assert np.mean(np.sum(way * before["arrows"], axis=1) > 0) > 0.9  # points go where the arrows show


def test_rates_change_without_another_program(toy: Toy) -> None:
    toy.reset(0)
    toy.train(1)
    moved = []
    for rate in (1e-3, 1e-1):
        toy.reset(0)
        before = jax.device_get(toy.state.discriminator)
        toy.setting["optimizer.discriminator_learning_rate"] = rate
        toy.train(1)
        change = jax.tree.map(
            lambda one, other: np.abs(one - other).max(), before, jax.device_get(toy.state.discriminator)
        )
        moved.append(max(jax.tree.leaves(change)))
    assert moved[1] == pytest.approx(100 * moved[0], rel=0.05)
    toy.setting["optimizer.discriminator_learning_rate"] = 1e-3


def test_what_is_seen_is_what_the_networks_say(toy: Toy) -> None:
    toy.reset(0)
    toy.train(50)
    seen = toy.look(False)
    gan, parameters = toy._gan, toy.state.discriminator  # pyright: ignore[reportPrivateUsage]
    keys = jax.random.split(jax.random.key(0), 1)
    half = toy.extent / CELLS
    corner = jnp.array([[-toy.extent + half, toy.extent - half]])  # the left cell of the highest row
    logit = gan.critic(parameters, corner, jnp.zeros((1, 0)), keys)[0]
    assert seen["surface"][CELLS - 1, 0] == pytest.approx(float(logit), rel=1e-5)
    made = seen["points"]
    assert made.shape == (SHOWN, 2)
    assert np.abs(made).max() < toy.extent
    step = 1e-3 * seen["arrows"][:1] / np.linalg.norm(seen["arrows"][:1])
    fake = [gan.critic(parameters, jnp.array(one), jnp.zeros((1, 0)), keys) for one in (made[:1], made[:1] + step)]
    assert gan.objective.generator(fake[1], fake[1]) < gan.objective.generator(fake[0], fake[0])
    middle = seen["grid"][len(seen["grid"]) // 2]
    rows, _ = gan.generate_at(toy.state.variables, jnp.zeros((1, 2)), jnp.zeros((1, 0)), keys, False)
    np.testing.assert_allclose(middle, rows[0], atol=1e-5)  # the median of each latent is 0


def test_divergences_are_those_of_histograms(toy: Toy) -> None:
    toy.reset(0)
    toy.train(200)
    seen = toy.look(True)
    assert 0 < seen["js"] < np.log(2)
    assert seen["kl"] > 0
    assert toy.look(False)["kl"] != seen["kl"]  # the averaged generator is another one
    assert len(toy.modes) == 8


def test_modes_are_counted_as_runs_count_them(toy: Toy) -> None:
    toy.reset(0)
    toy.train(400)
    seen = toy.look(False)
    keys = per_example(stream(jnp.zeros((), int), jnp.zeros((), int), "shown"), COUNTED)
    gan = toy._gan  # pyright: ignore[reportPrivateUsage]
    made = np.asarray(gan.generate(toy.state.variables, jnp.zeros((COUNTED, 0)), keys, False)[0])
    deviation = np.sqrt(1 / 2 + 0.05**2)  # of a ring of radius 1 with sigma .05, each way
    expected = mode_coverage(made, toy.modes, 0.05 / deviation)
    assert seen["modes"] == expected["modes"]
    assert seen["high_quality"] == pytest.approx(expected["high_quality"], abs=0.02)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ({"network.latent": 1, "network.prior": "uniform"}, (441, 2)),
        ({"network.latent": 3, "network.pack": 2, "network.spectral_norm": True}, None),
        ({"data": "moons", "optimizer": "sgd", "objective": "relativistic_average"}, (441, 2)),
    ],
)
def test_other_settings_are_seen_too(change: dict[str, Any], shape: Any) -> None:
    toy = Toy(read_setting(SMALL | change))
    toy.train(20)
    seen = toy.look(False)
    assert (seen["grid"].shape if "grid" in seen else None) == shape
    assert all(np.isfinite(value).all() for value in seen.values())
    assert ("modes" in seen) == (change.get("data") is None)


def test_a_drawn_density_is_learned() -> None:
    density = np.zeros((64, 64))
    density[8:24, 40:56] = 1  # above on the right
    toy = Toy(read_setting(SMALL | {"data": "drawing"}), density)
    assert np.abs(toy.real.mean(axis=0)).max() < 0.1
    apart = Toy(read_setting(SMALL | {"data": "drawing"}), density + 3 * density[::-1, ::-1])
    low = (apart.real < 0).all(axis=1).mean()
    assert low == pytest.approx(0.75, abs=0.05)
