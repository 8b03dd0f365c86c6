"""One row changes the sum of gradients by the clipping bound at most, and faults that others had are seen."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gans.data.layout import Layout
from gans.networks.mlp import MLP
from gans.networks.residual import Residual
from gans.objectives.least_squares import LeastSquares
from gans.objectives.non_saturating import NonSaturating
from gans.privacy.clipping import batch_room, clipped_sum, poisson_sample, with_noise

PAIRS, WIDTH, CLIP = 12, 7, 0.3
NETWORKS = {
    "mlp": MLP(discriminator_widths=[16, 8], discriminator_dropout=0.3),
    "residual": Residual(width=16, blocks=2),
    "one layer": Residual(discriminator_width=16, discriminator_blocks=0),
}


def critic_of(name: str, rows: int) -> tuple[Callable[[Any, Any], Any], Any]:
    """A critic with large weights, so that most gradients are clipped; its keys are one for each place."""
    module = NETWORKS[name].discriminator(Layout(scalars=WIDTH, bound=1.0, cardinalities=()))
    keys, none = jax.random.split(jax.random.key(1), rows), jnp.zeros((rows, 0))
    parameters = module.init(jax.random.key(2), jnp.zeros((rows, WIDTH)), none, keys, True)["params"]
    parameters = jax.tree.map(lambda leaf: leaf + 0.5 * jax.random.normal(jax.random.key(3), leaf.shape), parameters)
    return lambda parameters, rows: module.apply({"params": parameters}, rows, none, keys, True), parameters


def pairs(objective: Any) -> Callable[[Any, Any], Any]:
    return jax.vmap(lambda real, fake: objective.discriminator(real[None], fake[None]))


def rows(seed: int) -> tuple[Any, Any]:
    return tuple(3 * jax.random.normal(key, (PAIRS, WIDTH)) for key in jax.random.split(jax.random.key(seed)))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("objective", [NonSaturating(), LeastSquares()])
def test_the_sum_is_that_of_gradients_computed_pair_by_pair(name: str, objective: Any) -> None:
    critic, parameters = critic_of(name, 2 * PAIRS)
    real, fake = rows(0)
    there = jnp.asarray([1.0] * 9 + [0.0] * 3)
    found = clipped_sum(critic, pairs(objective), parameters, real, fake, there, CLIP)

    def loss(parameters: Any, place: int) -> Any:
        logits = critic(parameters, jnp.concatenate([real, fake]))
        return objective.discriminator(logits[place][None], logits[PAIRS + place][None])

    one_by_one = [jax.grad(loss)(parameters, place) for place in range(9)]
    norms = [float(optax.tree.norm(gradient)) for gradient in one_by_one]
    assert sum(norm > CLIP for norm in norms) >= 6
    scaled = [
        jax.tree.map(lambda leaf, norm=norm: leaf * min(1, CLIP / norm), gradient)
        for gradient, norm in zip(one_by_one, norms, strict=True)
    ]
    expected = jax.tree.map(lambda *leaves: sum(leaves), *scaled)
    for here, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.asarray(here) == pytest.approx(np.asarray(wanted), rel=2e-3, abs=2e-4)


def most_changed(mechanism: Callable[..., Any]) -> float:
    """By how much one pair less changes what noise is added to, at most, over batches of all sizes."""
    critic, parameters = critic_of("mlp", 2 * PAIRS)
    summed = jax.jit(
        lambda real, fake, there: mechanism(critic, pairs(NonSaturating()), parameters, real, fake, there, CLIP)
    )
    most = 0.0
    for size in (1, 2, 5, PAIRS):
        real, fake = rows(size)
        there = np.arange(PAIRS) < size
        whole = summed(real, fake, jnp.asarray(there, jnp.float32))
        for gone in range(size):
            less = summed(real, fake, jnp.asarray(there & (np.arange(PAIRS) != gone), jnp.float32))
            most = max(most, float(optax.tree.norm(jax.tree.map(jnp.subtract, whole, less))))
    return most


def clipped_thrice(*given: Any) -> Any:
    *rest, clip = given
    return clipped_sum(*rest, 3 * clip)


def divided_by_the_batch(*given: Any) -> Any:
    """The mean over a batch whose size is random, times the size that is expected."""
    *_, there, _ = given
    return jax.tree.map(lambda leaf: leaf * PAIRS / jnp.maximum(there.sum(), 1), clipped_sum(*given))


def bound_of_the_rows(*given: Any) -> Any:
    """Clipped at a norm that is read off the batch: the largest of them."""
    *rest, clip = given
    return clipped_sum(*rest, 1e6 * clip)


def clipped_together(critic: Any, loss: Any, parameters: Any, real: Any, fake: Any, there: Any, clip: float) -> Any:
    """The gradient of the batch clipped as a whole, as for stable training."""
    total = lambda parameters: (there * loss(*jnp.split(critic(parameters, jnp.concatenate([real, fake])), 2))).sum()  # noqa: E731
    gradient = jax.grad(total)(parameters)
    return jax.tree.map(lambda leaf: leaf * jnp.minimum(PAIRS, clip / optax.tree.norm(gradient)), gradient)


def centred(critic: Any, loss: Any, parameters: Any, real: Any, fake: Any, there: Any, clip: float) -> Any:
    """A critic whose logits are compared with their mean over the batch, as with batch norm."""
    together = lambda rows_real, rows_fake: loss(rows_real - 5 * rows_real.mean(), rows_fake)  # noqa: E731
    return clipped_sum(critic, together, parameters, real * there[:, None], fake, there, clip)


def test_one_row_changes_the_sum_by_the_clipping_bound_at_most() -> None:
    found = most_changed(clipped_sum)
    assert 0.99 * CLIP < found <= CLIP


@pytest.mark.parametrize("fault", [clipped_thrice, divided_by_the_batch, bound_of_the_rows, clipped_together, centred])
def test_the_check_of_sensitivity_sees_faults_on_purpose(fault: Callable[..., Any]) -> None:
    assert most_changed(fault) > 1.05 * CLIP


def test_a_critic_with_other_layers_or_a_layer_used_twice_is_refused() -> None:
    class Scaled(nn.Module):
        @nn.compact
        def __call__(self, rows: Any) -> Any:
            return nn.Dense(1)(rows * self.param("scale", nn.initializers.ones, (WIDTH,)))[:, 0]

    class Twice(nn.Module):
        @nn.compact
        def __call__(self, rows: Any) -> Any:
            layer = nn.Dense(WIDTH)
            return nn.Dense(1)(layer(layer(rows)))[:, 0]

    for module, said in ((Scaled(), "outside dense layers"), (Twice(), "more than once")):
        parameters = module.init(jax.random.key(0), jnp.zeros((2, WIDTH)))["params"]
        critic = lambda parameters, rows, module=module: module.apply({"params": parameters}, rows)  # noqa: E731
        with pytest.raises(ValueError, match=said):
            clipped_sum(critic, pairs(NonSaturating()), parameters, *rows(0), jnp.ones(PAIRS), CLIP)


def test_a_gradient_that_is_not_finite_counts_as_none() -> None:
    critic, parameters = critic_of("mlp", 2 * PAIRS)
    real, fake = rows(0)
    loss = lambda of_real, of_fake: jnp.where(jnp.arange(PAIRS) == 3, jnp.inf * of_real, of_real + of_fake)  # noqa: E731
    found = clipped_sum(critic, loss, parameters, real, fake, jnp.ones(PAIRS), CLIP)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(found))


def test_each_row_is_drawn_by_itself_at_the_stated_rate() -> None:
    size, rate, draws = 400, 0.05, 500
    room = batch_room(size, rate)
    places, there = jax.vmap(lambda key: poisson_sample(key, size, rate, room, size))(
        jax.random.split(jax.random.key(0), draws)
    )
    counts = np.asarray(there.sum(axis=1))
    assert counts.mean() == pytest.approx(size * rate, rel=0.03)
    assert counts.var() == pytest.approx(size * rate * (1 - rate), rel=0.2)
    assert counts.max() < room
    drawn = np.bincount(np.asarray(places)[np.asarray(there) > 0], minlength=size) / draws
    assert drawn == pytest.approx(rate, abs=0.05)
    for place, one in zip(np.asarray(places), np.asarray(there), strict=True):
        assert len(set(place[one > 0])) == int(one.sum())  # none twice
    assert batch_room(10, 1.0) == 10


def test_padding_is_never_drawn_and_changes_no_draw() -> None:
    keys = jax.random.split(jax.random.key(0), 200)
    places, there = jax.vmap(lambda key: poisson_sample(key, 400, 0.2, 200, 300))(keys)
    drawn = np.asarray(places)[np.asarray(there) > 0]
    assert drawn.max() == 299
    assert len(drawn) / len(keys) == pytest.approx(300 * 0.2, rel=0.03)


def test_noise_has_the_scale_that_is_stated_in_every_number() -> None:
    noisy = with_noise(jax.random.key(0), {"a": jnp.zeros((200, 50)), "b": jnp.ones(10_000)}, 2.5)
    assert np.asarray(noisy["a"]).std() == pytest.approx(2.5, rel=0.03)
    assert np.asarray(noisy["b"]).mean() == pytest.approx(1, abs=0.1)
    assert np.corrcoef(np.asarray(noisy["a"]).ravel(), np.asarray(noisy["b"]))[0, 1] == pytest.approx(0, abs=0.04)
