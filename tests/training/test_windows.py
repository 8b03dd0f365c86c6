"""Windows of training rows, and batches in parts."""

import dataclasses
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.config.compose import compose
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.training.loop import Hooks, initial_state, train
from gans.training.step import GAN, Rows, TrainState, adversarial_step
from gans.training.windows import Feed, Windows

SMALL = [
    "data.limit=400",
    "trainer.batch_size=24",
    "network.generator_widths=[8,8]",
    "network.discriminator_widths=[8]",
]


def ready(*overrides: str) -> tuple[GAN, TrainState, Rows]:
    prepared = prepare(compose([*SMALL, *overrides]))
    gan = build(prepared.run, prepared.condition)
    return gan, jax.device_put(initial_state(gan, 3, 1)), jax.device_put(prepared.rows)


def test_a_feed_gives_each_step_its_window_and_makes_the_next_meanwhile() -> None:
    asked: list[int] = []
    there = threading.Event()

    def load(number: int) -> int:
        asked.append(number)
        if number == 1:
            there.set()
        return 100 + number

    feed = Feed(Windows(load, 5), lambda rows: rows)  # pyright: ignore[reportArgumentType]
    assert feed.at(0) == 100
    assert there.wait(10)
    assert [feed.at(step) for step in (3, 5, 9, 20)] == [100, 101, 101, 104]
    feed.close()
    assert asked[:4] == [0, 1, 2, 4]


def test_what_a_window_cannot_load_reaches_the_loop() -> None:
    def load(number: int) -> Rows:
        raise OSError("gone")

    feed = Feed(Windows(load, 5), lambda rows: rows)
    with pytest.raises(OSError, match="gone"):
        feed.at(0)
    feed.close()


def test_rows_in_one_window_train_as_rows_that_stay() -> None:
    prepared = prepare(compose([*SMALL, "trainer.steps=6", "trainer.block=2"]))
    gan = build(prepared.run, prepared.condition)
    found = []
    for data in (prepared.rows, Windows(lambda number: prepared.rows, 4)):
        losses: list[float] = []
        hooks = Hooks(log=lambda metrics, step, seconds, losses=losses: losses.append(metrics["loss/generator"]))
        found.append((train(gan, data, prepared.run.trainer.schedule(), 0, hooks, None), losses))
    assert found[0][1] == found[1][1]
    for left, right in zip(*(jax.tree.leaves(outcome.state) for outcome, _ in found), strict=True):
        np.testing.assert_array_equal(left, right)


OBJECTIVES = {
    "non_saturating": [],
    "penalty": ["+experiment=wgan_gp", "trainer.batch_size=24"],
    "pairs": ["objective=relativistic_pairing", "penalty=[r1]"],
    "packs": ["network.pack=2", "network.group=2"],
}


@pytest.mark.parametrize("case", OBJECTIVES)
def test_a_batch_in_parts_has_the_gradient_of_the_whole(case: str) -> None:
    """Of networks without batch norm, and objectives that are means over pairs."""
    gan, state, rows = ready(*OBJECTIVES[case], "network.discriminator_dropout=0")
    whole, metrics = jax.jit(lambda state, rows: adversarial_step(gan, state, rows))(state, rows)
    parts = dataclasses.replace(gan, accumulate=3)
    other, others = jax.jit(lambda state, rows: adversarial_step(parts, state, rows))(state, rows)
    for left, right in zip(jax.tree.leaves(whole), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-5)
    for name, value in metrics.items():
        np.testing.assert_allclose(value, others[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_half_precision_computes_nearly_the_same_and_keeps_float32_parameters() -> None:
    gan, state, rows = ready("network.discriminator_dropout=0")
    low = dataclasses.replace(gan, precision=jnp.bfloat16)
    exact, _ = jax.jit(lambda state, rows: adversarial_step(gan, state, rows))(state, rows)
    rough, metrics = jax.jit(lambda state, rows: adversarial_step(low, state, rows))(state, rows)
    for left, right in zip(jax.tree.leaves(exact), jax.tree.leaves(rough), strict=True):
        assert left.dtype == right.dtype
    keys = jax.random.split(jax.random.key(0), 24)
    exact_rows, rough_rows = (
        jax.jit(lambda keys, one=one: one.generate(state.variables, jnp.zeros((24, 0)), keys, True)[0])(keys)
        for one in (gan, low)
    )
    scores = gan.layout.scalars
    assert rough_rows.dtype == jnp.float32
    gap = np.abs(np.asarray(exact_rows - rough_rows))[:, :scores]
    assert 0 < gap.max() < 0.05
    assert np.isfinite(metrics["loss/generator"])


def test_heads_train_with_the_discriminator() -> None:
    gan, state, rows = ready("+experiment=acgan", "network=mlp_critic", "network.discriminator_conditioning=none")
    after, metrics = jax.jit(lambda state, rows: adversarial_step(gan, state, rows))(state, rows)
    head = state.discriminator["heads"]["auxiliary_classifier"]["kernel"]
    assert np.abs(after.discriminator["heads"]["auxiliary_classifier"]["kernel"] - head).max() > 0
    assert {"head/auxiliary_classifier", "term/auxiliary_classifier"} <= set(metrics)
    np.testing.assert_allclose(metrics["head/auxiliary_classifier"], 2 * np.log(2), rtol=0.5)  # nothing is learned yet
