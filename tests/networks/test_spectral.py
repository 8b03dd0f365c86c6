from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.config.compose import compose
from gans.networks.mlp import MLPDiscriminator
from gans.networks.spectral import largest_singular_value, spectrally_normalised

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (64, 64), (1, 7), (7, 1)])
def test_the_value_is_that_of_a_decomposition(shape: tuple[int, int]) -> None:
    kernel = RNG.normal(size=shape).astype(np.float32)
    exact = np.linalg.svd(kernel, compute_uv=False)[0]
    assert 0.94 * exact < float(largest_singular_value(jnp.asarray(kernel))) <= exact * (1 + 1e-5)


def test_the_gradient_is_that_of_the_first_pair_of_vectors() -> None:
    left, right = (np.linalg.qr(RNG.normal(size=(4, 4)))[0] for _ in range(2))
    kernel = (left * np.array([5.0, 1, 0.5, 0.1])) @ right.T
    gradient = jax.grad(largest_singular_value)(jnp.asarray(kernel, jnp.float32))
    np.testing.assert_allclose(gradient, np.outer(left[:, 0], right[:, 0]), atol=1e-4)


def test_a_kernel_of_zeros_stays_finite() -> None:
    value, gradient = jax.value_and_grad(largest_singular_value)(jnp.zeros((3, 3)))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_kernels_are_normalised_and_nothing_else() -> None:
    tree = {"a": {"kernel": jnp.asarray(RNG.normal(size=(6, 4)), jnp.float32), "bias": jnp.full(4, 9.0)}}
    out = spectrally_normalised(tree)
    np.testing.assert_array_equal(out["a"]["bias"], 9)
    np.testing.assert_allclose(np.linalg.norm(out["a"]["kernel"], 2), 1, rtol=0.05)
    again = spectrally_normalised({"a": {**tree["a"], "kernel": 7 * tree["a"]["kernel"]}})
    np.testing.assert_allclose(again["a"]["kernel"], out["a"]["kernel"], rtol=1e-4)
    image = spectrally_normalised({"kernel": jnp.asarray(RNG.normal(size=(3, 3, 2, 5)), jnp.float32)})["kernel"]
    np.testing.assert_allclose(np.linalg.norm(np.asarray(image).reshape(-1, 5), 2), 1, rtol=0.05)


def test_a_normalised_critic_is_lipschitz() -> None:
    model: Any = MLPDiscriminator((64, 32), 0.0, 0.2)
    rows, other = (jnp.asarray(RNG.normal(size=(200, 8)), jnp.float32) for _ in range(2))
    nothing, keys = jnp.zeros((200, 0)), jax.random.split(jax.random.key(0), 200)
    parameters = model.init(jax.random.key(1), rows, nothing, keys, True)["params"]
    steep = jax.tree.map(lambda leaf: 10 * leaf, parameters)

    def slope(parameters: Any) -> float:
        here, there = (model.apply({"params": parameters}, side, nothing, keys, True) for side in (rows, other))
        return float((jnp.abs(here - there) / jnp.linalg.norm(rows - other, axis=1)).max())

    assert slope(spectrally_normalised(steep)) <= 1.05 < slope(steep)


def test_a_run_has_it() -> None:
    assert compose(["+experiment=hinge_sn"]).network.spectral_norm
    assert not compose(["+experiment=wgan_gp"]).network.spectral_norm
