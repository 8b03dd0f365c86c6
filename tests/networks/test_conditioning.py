"""How a condition enters the networks."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.networks.conditioning import group_deviation, judged, modulated

RNG = np.random.default_rng(0)
H = jnp.asarray(RNG.normal(size=(6, 3)), jnp.float32)
Y = jnp.asarray(np.eye(2)[[0, 1, 1, 0, 1, 0]], jnp.float32)


class Judge(nn.Module):
    conditioning: str
    group: int = 1

    @nn.compact
    def __call__(self, h: jax.Array, condition: jax.Array) -> jax.Array:
        return judged(h, condition, self.conditioning, self.group)


class Film(nn.Module):
    @nn.compact
    def __call__(self, h: jax.Array, condition: jax.Array) -> jax.Array:
        return modulated(h, condition, "film")


def test_a_projected_condition_adds_its_inner_product_with_the_features() -> None:
    logits, variables = Judge("projection").init_with_output(jax.random.key(0), H, Y)
    dense, v = variables["params"]["Dense_0"], variables["params"]["projection"]["kernel"]
    expected = H @ dense["kernel"][:, 0] + dense["bias"][0] + ((np.asarray(Y) @ v) * H).sum(1)
    np.testing.assert_allclose(logits, expected, rtol=1e-5)
    assert "bias" not in variables["params"]["projection"]


def test_film_scales_and_shifts_each_feature_by_the_condition() -> None:
    for h in (H, jnp.asarray(RNG.normal(size=(6, 2, 2, 3)), jnp.float32)):
        found, variables = Film().init_with_output(jax.random.key(0), h, Y)
        dense = variables["params"]["Dense_0"]
        both = (Y @ dense["kernel"] + dense["bias"]).reshape(6, *[1] * (h.ndim - 2), 6)
        np.testing.assert_allclose(found, (1 + both[..., :3]) * h + both[..., 3:], rtol=1e-5)


def test_the_deviation_of_a_group_is_that_of_its_members_only() -> None:
    found = np.asarray(group_deviation(H, 3))
    expected = [np.sqrt(np.asarray(H)[part].var(0) + 1e-8).mean() for part in (slice(3), slice(3, 6))]
    np.testing.assert_allclose(found[:, 0], np.repeat(expected, 3), rtol=1e-5)


def test_a_discriminator_with_groups_tells_copies_of_one_row_from_a_varied_batch() -> None:
    judge = Judge("none", group=6)
    variables = judge.init(jax.random.key(0), H, Y)
    same = jnp.broadcast_to(H[:1], H.shape)
    single = judge.apply(variables, H, Y)[0]  # pyright: ignore[reportIndexIssue]
    assert abs(single - judge.apply(variables, same, Y)[0]) > 1e-3  # pyright: ignore[reportIndexIssue]


REFUSED = {
    "network.conditioning=film": "network.conditioning=film: it needs a condition",
    "network.discriminator_conditioning=projection": "discriminator_conditioning=projection: it needs a condition",
    "condition=codes": "condition=codes needs none",
    "term=[auxiliary_classifier]": r"term=\[auxiliary_classifier\]: it needs condition=labels",
    "term=[mutual_information]": r"term=\[mutual_information\]: it needs condition=codes, not none",
    "network.group=7": "must be a multiple of network.pack=1 times network.group=7",
    "trainer.accumulate=7": "times trainer.accumulate=7",
}


@pytest.mark.parametrize("override", REFUSED)
def test_what_makes_no_sense_together_is_refused_with_the_reason(override: str) -> None:
    with pytest.raises(UserError, match=REFUSED[override]):
        compose([override])


def test_a_head_needs_a_discriminator_that_is_not_given_the_condition() -> None:
    given = ["condition=labels", "condition.columns=[age]", "term=[auxiliary_classifier]"]
    with pytest.raises(UserError, match=r"term=\[auxiliary_classifier\] needs none"):
        compose(given)
    assert compose([*given, "network.discriminator_conditioning=none"]).term
