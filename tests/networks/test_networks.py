from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from gans.config.components import load_components
from gans.data.layout import Layout
from gans.errors import UserError
from gans.networks.dcgan import DCGAN
from gans.networks.layers import dropout, fold
from gans.networks.mlp import MLP
from gans.networks.residual import ResidualTrunk
from gans.networks.residual_conv import ResidualConv
from gans.registry import COMPONENTS

load_components()
NETWORKS = COMPONENTS["network"]
LAYOUT = Layout(scalars=3, bound=4.0, cardinalities=(2, 2, 3, 5), masks=((1, 0, 1),))
IMAGE = Layout(scalars=3 + 8 * 9 * 2, bound=4.0, cardinalities=(2, 2, 3, 5), masks=((1, 0, 1),), image=(8, 9, 2))
CODES = (2, 2, 3, 5)
WIDTH, CONDITION, BATCH = 15, 4, 6


def layout_of(network: Any) -> Layout:
    """One with an image for a network that refuses tables without."""
    rows, labels = (jnp.zeros((BATCH, width)) for width in (WIDTH, CONDITION))
    try:
        jax.eval_shape(lambda: network.discriminator(LAYOUT).init(jax.random.key(0), rows, labels, keys(), False))
    except UserError:
        return IMAGE
    return LAYOUT


def test_convolutions_need_an_image_and_others_do_not() -> None:
    for kind, layout in ((DCGAN, IMAGE), (ResidualConv, IMAGE), (MLP, LAYOUT)):
        assert layout_of(kind()) is layout


def keys(count: int = BATCH, seed: int = 0) -> jax.Array:
    return jax.random.split(jax.random.key(seed), count)


class Made:
    """Generator and discriminator of a network with their variables and an input."""

    def __init__(self, network: Any) -> None:
        rng = np.random.default_rng(0)
        self.latent = jnp.asarray(rng.normal(size=(BATCH, network.latent)), jnp.float32)
        self.condition = jnp.asarray(rng.normal(size=(BATCH, CONDITION)), jnp.float32)
        self.layout = layout_of(network)
        self.rows = jnp.asarray(rng.normal(size=(BATCH, self.layout.width)), jnp.float32)
        self.generator, self.discriminator = network.generator(self.layout), network.discriminator(self.layout)
        init = jax.jit(lambda module, *args: module.init(*args, True), static_argnums=0)
        self.g = init(self.generator, jax.random.key(0), self.latent, self.condition, keys())
        self.d = init(self.discriminator, jax.random.key(1), self.rows, self.condition, keys())
        self.apply_g = jax.jit(
            lambda g, *args: self.generator.apply(g, *args, mutable=["batch_stats"]), static_argnums=4
        )
        self.apply_d = jax.jit(self.discriminator.apply, static_argnums=4)

    def generate(self, train: bool, pick: slice = slice(None), of: jax.Array | None = None) -> np.ndarray:
        each = keys() if of is None else of
        return np.asarray(self.apply_g(self.g, self.latent[pick], self.condition[pick], each[pick], train)[0])

    def judge(self, train: bool, pick: slice = slice(None), of: jax.Array | None = None) -> np.ndarray:
        each = keys() if of is None else of
        return np.asarray(self.discriminator.apply(self.d, self.rows[pick], self.condition[pick], each[pick], train))


@pytest.fixture(scope="module", params=NETWORKS)
def made(request: pytest.FixtureRequest) -> tuple[Any, Made]:
    network = NETWORKS[request.param]()
    return network, Made(network)


def test_shapes(made: tuple[Any, Made]) -> None:
    _, parts = made
    for train in (True, False):
        assert parts.generate(train).shape == (BATCH, parts.layout.width)
        assert parts.judge(train).shape == (BATCH,)
        assert np.isfinite(parts.judge(train)).all()


def test_rows_are_one_hots_bounded_scores_and_masked(made: tuple[Any, Made]) -> None:
    _, parts = made
    for train in (True, False):
        rows, layout = parts.generate(train), parts.layout
        for start, size in zip(layout.offsets, CODES, strict=True):
            block = rows[:, start : start + size]
            np.testing.assert_allclose(np.sort(block, axis=1), np.eye(size)[[-1] * BATCH], atol=1e-6)
        assert (np.abs(rows[:, : layout.scalars]) <= layout.bound).all()
        there = rows[:, layout.scalars] > 0.5
        assert (rows[~there, 1] == 0).all()
        assert (rows[there, 1] != 0).all()


def test_condition_and_keys_matter(made: tuple[Any, Made]) -> None:
    network, parts = made
    rows, logits = parts.generate(False), parts.judge(False)
    assert not np.allclose(rows, parts.generate(False, of=keys(seed=5)))
    np.testing.assert_array_equal(rows, parts.generate(False))
    np.testing.assert_array_equal(logits, parts.judge(False, of=keys(seed=5)))  # no noise outside training
    parts.condition = parts.condition + 1
    try:
        assert np.allclose(rows[:, 0], parts.generate(False)[:, 0]) != network.takes_condition
        assert not np.allclose(logits, parts.judge(False))
    finally:
        parts.condition = parts.condition - 1


def test_an_example_does_not_depend_on_the_rest_of_the_batch(made: tuple[Any, Made]) -> None:
    network, parts = made
    one = slice(4, 5)
    np.testing.assert_allclose(parts.generate(False)[one], parts.generate(False, one), atol=2e-5)
    for train in (True, False):
        np.testing.assert_allclose(parts.judge(train)[one], parts.judge(train, one), atol=2e-5)
    same = np.allclose(parts.generate(True)[:3, 0], parts.generate(True, slice(0, 3))[:, 0], atol=2e-5)
    assert same == network.per_example


def test_wrong_shapes_raise(made: tuple[Any, Made]) -> None:
    _, parts = made
    with pytest.raises(jaxtyping.TypeCheckError):
        parts.generator.apply(parts.g, parts.latent, parts.condition[:2], keys(), False)
    with pytest.raises(jaxtyping.TypeCheckError):
        parts.discriminator.apply(parts.d, parts.rows, parts.condition, keys(2), False)


def shapes(network: Any, condition: int = CONDITION) -> tuple[Any, Any]:
    """Variables of generator and discriminator as shapes."""

    def init() -> tuple[Any, Any]:
        latent, rows, labels = (jnp.zeros((2, width)) for width in (network.latent, WIDTH, condition))
        key = jax.random.key(0)
        generator = network.generator(LAYOUT).init(key, latent, labels, keys(2), True)
        return generator, network.discriminator(LAYOUT).init(key, rows, labels, keys(2), True)

    return jax.eval_shape(init)


def kernels(tree: Any) -> list[tuple[int, ...]]:
    """Shapes of the dense layers, in their order."""
    found = jax.tree_util.tree_leaves_with_path(tree["params"])
    shapes = {jax.tree_util.keystr(path): leaf.shape for path, leaf in found}
    names = [name for name in shapes if "Dense" in name and "kernel" in name]
    for name in names:
        assert shapes[name.replace("kernel", "bias")] == shapes[name][1:]
    return [shapes[name] for name in sorted(names)]


@pytest.mark.parametrize("condition", [0, CONDITION])
def test_layers_of_the_mlp(condition: int) -> None:
    g, d = shapes(MLP(), condition)
    assert kernels(g) == [(100 + condition, 256), (256, 512), (512, 128), (128, WIDTH)]
    assert kernels(d) == [(WIDTH + condition, 256), (256, 128), (128, 1)]
    assert set(g) == set(d) == {"params"}


def test_layers_of_the_other_networks() -> None:
    ctgan, residual = shapes(NETWORKS["ctgan"]()), shapes(NETWORKS["residual"]())
    inputs = 128 + CONDITION
    assert kernels(ctgan[0]) == [(inputs, 256), (256 + inputs, 256), (512 + inputs, WIDTH)]
    assert kernels(ctgan[1]) == [(WIDTH + CONDITION, 256), (256, 256), (256, 1)]
    assert sorted(kernels(residual[0])) == sorted([(64 + CONDITION, 256), *[(256, 256)] * 4, (256, WIDTH)])
    assert sorted(kernels(residual[1])) == sorted([(WIDTH + CONDITION, 256), *[(256, 256)] * 4, (256, 1)])


def test_the_mlp_discriminator_is_what_numpy_computes() -> None:
    parts = Made(MLP(slope=0.1))
    h = np.concatenate([parts.rows, parts.condition], axis=1)
    for place in range(3):
        layer = parts.d["params"][f"Dense_{place}"]
        h = h @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
        h = np.where(h > 0, h, 0.1 * h) if place < 2 else h
    np.testing.assert_allclose(parts.judge(False), h[:, 0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("blocks", [1, 3])
def test_residual_blocks_start_as_the_identity(blocks: int) -> None:
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=(5, 7)), jnp.float32)
    trunk, nothing = ResidualTrunk(width=8, blocks=blocks, slope=0.2, conditioning="none"), jnp.zeros((5, 0))
    variables = trunk.init(jax.random.key(0), inputs, nothing)
    assert len(variables["params"]) == 1 + 2 * blocks
    first = variables["params"]["Dense_0"]
    linear = np.asarray(inputs) @ np.asarray(first["kernel"]) + np.asarray(first["bias"])
    expected = np.where(linear > 0, linear, 0.2 * linear)
    np.testing.assert_allclose(trunk.apply(variables, inputs, nothing), expected, rtol=1e-4, atol=1e-6)
    gradient = jax.grad(lambda v: jnp.sum(trunk.apply(v, inputs, nothing)))(variables)["params"]
    assert np.abs(gradient["Dense_2"]["kernel"]).max() > 0  # zero, yet it learns


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_dropout_rate_and_scale(rate: float) -> None:
    h = jnp.ones((64, 1001))
    out = np.asarray(dropout(h, keys(64), rate, train=True))
    kept = round((1 - rate) * 256) / 256
    assert abs(kept - (1 - rate)) <= 1 / 512
    np.testing.assert_allclose(np.unique(out), [0, 1 / kept], rtol=1e-6)
    assert abs((out > 0).mean() - kept) < 4 * np.sqrt(kept * (1 - kept) / out.size)
    assert abs((out > 0).mean(axis=0).std() - np.sqrt(kept * (1 - kept) / 64)) < 0.01  # no feature is favoured


def test_dropout_belongs_to_the_example() -> None:
    h = jnp.asarray(np.random.default_rng(0).normal(size=(8, 37)), jnp.float32)
    out = np.asarray(dropout(h, keys(8), 0.4, train=True))
    np.testing.assert_array_equal(out, dropout(h, keys(8), 0.4, train=True))
    np.testing.assert_array_equal(out[2:5], dropout(h[2:5], keys(8)[2:5], 0.4, train=True))
    assert not np.array_equal(out == 0, np.asarray(dropout(h, keys(8, seed=1), 0.4, train=True)) == 0)
    assert not np.array_equal(out[0] == 0, out[1] == 0)


@pytest.mark.parametrize(("rate", "train"), [(0.4, False), (0.0, True), (0.0, False)])
def test_dropout_off_is_the_identity(rate: float, train: bool) -> None:
    h = jnp.asarray(np.random.default_rng(0).normal(size=(4, 9)), jnp.float32)
    np.testing.assert_array_equal(dropout(h, keys(4), rate, train), h)


def test_dropout_passes_the_gradient_of_what_it_keeps() -> None:
    h = jnp.ones((4, 50))
    out = np.asarray(dropout(h, keys(4), 0.5, train=True))
    gradient = jax.grad(lambda h: jnp.sum(dropout(h, keys(4), 0.5, train=True)))(h)
    np.testing.assert_array_equal(gradient, out)


def test_dropout_of_nearly_everything_is_finite() -> None:
    assert np.isfinite(dropout(jnp.ones((4, 50)), keys(4), 0.999, train=True)).all()


def test_folded_keys_differ_by_layer_and_example() -> None:
    data = [np.asarray(jax.random.key_data(fold(keys(), layer))) for layer in range(3)]
    assert len(np.unique(np.concatenate(data), axis=0)) == 3 * BATCH
    np.testing.assert_array_equal(data[1][2:4], jax.random.key_data(fold(keys()[2:4], 1)))


def test_generator_dropout_stays_on_in_sampling() -> None:
    latent, condition = jnp.ones((BATCH, 100)), jnp.zeros((BATCH, 0))
    for rate, alike in ((0.3, False), (0.0, True)):
        generator: nn.Module = MLP(generator_dropout=rate, generator_widths=[16, 16, 16]).generator(LAYOUT)
        apply = jax.jit(generator.apply, static_argnums=4)
        variables = jax.jit(generator.init, static_argnums=4)(jax.random.key(0), latent, condition, keys(), False)
        scores = np.asarray(apply(variables, latent, condition, keys(), False))[:, 0]
        assert np.allclose(scores, scores[0], atol=1e-6) == alike
        trained = np.asarray(apply(variables, latent, condition, keys(), True))[:, 0]
        np.testing.assert_array_equal(scores, trained)


def test_batch_norm_uses_running_statistics_in_sampling() -> None:
    parts = Made(NETWORKS["ctgan"]())
    _, changed = parts.apply_g(parts.g, parts.latent, parts.condition, keys(), True)
    dense = parts.g["params"]["Dense_0"]
    h = np.concatenate([parts.latent, parts.condition], axis=1) @ np.asarray(dense["kernel"]) + np.asarray(
        dense["bias"]
    )
    first = changed["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(first["mean"], 0.1 * h.mean(axis=0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(first["var"], 0.9 + 0.1 * h.var(axis=0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("mlp", "latent", 0),
        ("mlp", "temperature", 0.0),
        ("mlp", "generator_dropout", 1.0),
        ("mlp", "discriminator_dropout", -0.1),
        ("mlp", "slope", 1.5),
        ("mlp", "pack", 0),
        ("residual", "width", 0),
        ("residual", "blocks", -1),
        ("residual", "discriminator_width", 0),
        ("residual", "discriminator_blocks", -1),
        ("ctgan", "dropout", 1.0),
    ],
)
def test_values_out_of_range_raise(name: str, key: str, value: float) -> None:
    with pytest.raises(UserError, match=f"network\\.{key}={value:g}: it must be"):
        NETWORKS[name](**{key: value})


def test_an_unknown_head_raises() -> None:
    with pytest.raises(UserError, match=r"network\.head=couple: allowed are plain, coupled"):
        NETWORKS["residual"](head="couple")


@pytest.mark.parametrize("name", ["mlp", "ctgan"])
@pytest.mark.parametrize("key", ["generator_widths", "discriminator_widths"])
def test_widths_below_one_raise(name: str, key: str) -> None:
    with pytest.raises(UserError, match=f"network\\.{key}=0: it must be at least 1"):
        NETWORKS[name](**{key: [8, 0]})


def test_ctgan_has_a_block_or_a_layer_for_each_width() -> None:
    parts = Made(NETWORKS["ctgan"](generator_widths=[5, 7, 3], discriminator_widths=[6]))
    dense = parts.g["params"]
    inputs = parts.latent.shape[1] + parts.condition.shape[1]
    shapes = [dense[f"Dense_{place}"]["kernel"].shape for place in range(3)]
    assert shapes == [(inputs, 5), (inputs + 5, 7), (inputs + 12, 3)]
    assert dense["Dense_3"]["kernel"].shape[0] == inputs + 15
    assert [parts.d["params"][f"Dense_{place}"]["kernel"].shape[1] for place in range(2)] == [6, 1]
