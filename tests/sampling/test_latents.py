"""Rows at fixed latents: the same inputs whatever the parameters, and a walk that closes."""

import jax
import jax.numpy as jnp
import numpy as np

from gans.config.compose import compose
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.sampling.latents import CORNERS, closed_path, independent, walk
from gans.streams import per_example, stream

WIDTHS = ["network.generator_widths=[8,8]", "network.discriminator_widths=[8]"]


def ready(*overrides):
    found = prepare(compose(["data.limit=400", "trainer.batch_size=20", *WIDTHS, *overrides]))
    gan = build(found.run, found.condition)
    return found, gan, gan.init(jnp.uint32(0)).average


def test_generate_is_generate_at_the_latents_that_it_draws():
    _, gan, average = ready()
    keys = per_example(stream(jnp.uint32(3), jnp.int32(0), "sample"), 7)
    condition = jnp.zeros((7, 0))
    outer, inner = jax.vmap(jax.vmap(jax.random.fold_in, (0, None)), (None, 0))(keys, jnp.arange(2))
    latents = jax.vmap(lambda key: jax.random.normal(key, (gan.latent,)))(outer)
    drawn, _ = gan.generate(average, condition, keys, False)
    at, _ = gan.generate_at(average, latents, condition, inner, False)
    np.testing.assert_array_equal(drawn, at)


def test_a_path_passes_its_corners_closes_and_keeps_to_the_prior():
    corners = jax.random.normal(jax.random.key(0), (CORNERS, 500))
    path = np.array(closed_path(corners, 24))
    np.testing.assert_array_equal(path[:: 24 // CORNERS], corners)
    np.testing.assert_allclose(path[4], (corners[0] + corners[1]) / np.sqrt(2), rtol=1e-5, atol=1e-6)
    steps = np.linalg.norm(path - np.roll(path, 1, axis=0), axis=1)
    lengths = np.linalg.norm(path, axis=1)
    np.testing.assert_allclose(lengths, np.sqrt(500), rtol=0.1)
    np.testing.assert_allclose(steps, np.pi / 2 / 8 * lengths.mean(), rtol=0.1)


def test_along_a_walk_only_the_latent_changes(monkeypatch):
    found, gan, average = ready("+experiment=cgan", "condition.columns=[gender]")
    rows = walk(gan, found.condition, 5, 12)(average)
    assert len(np.unique(rows.scalars, axis=0)) > 1
    monkeypatch.setattr(
        "gans.sampling.latents.closed_path", lambda corners, rows: jnp.repeat(corners[:1], rows, axis=0)
    )
    rows = walk(gan, found.condition, 5, 12)(average)
    for part in rows:
        np.testing.assert_allclose(part, np.repeat(part[:1], 12, axis=0), atol=1e-6)


def test_rows_are_the_same_for_the_same_parameters_and_others_for_others():
    found, gan, average = ready()
    other = gan.init(jnp.uint32(1)).average
    for fixed in (walk(gan, found.condition, 5, 12), independent(gan, found.condition, 5, 12)):
        first, again, changed = fixed(average), fixed(average), fixed(other)
        for left, right in zip(first, again, strict=True):
            np.testing.assert_array_equal(left, right)
        assert not np.array_equal(first.scalars, changed.scalars)
    rows = independent(gan, found.condition, 5, 12)(average)
    assert len(np.unique(rows.scalars, axis=0)) == 12
