"""dp_gan: the attacker knows all other rows and which were drawn, and sees each noisy gradient of the critic."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from audits.common import domain, replaced, table, with_canary
from gans.config.compose import compose
from gans.privacy.clipping import clipped_sum, poisson_sample, with_noise
from gans.privacy.entry import SUBSAMPLED, Entry
from gans.privacy.loss_distributions import least_scale
from gans.runs.build import build
from gans.training.private_step import PrivateCritic, critic_gradient, secret_key
from gans.training.step import GAN, Rows

ROWS, STEPS, RATE, CLIP = 60, 200, 0.05, 0.1
STEP = "gans.training.private_step."


def clipped_thrice(*given: Any) -> Any:
    """Clipped at three times the norm."""
    *rest, clip = given
    return clipped_sum(*rest, 3 * clip)


def unclipped(*given: Any) -> Any:
    """Clipped at a bound that is read off the rows, which the largest of them sets."""
    *rest, clip = given
    return clipped_sum(*rest, 1e6 * clip)


def noise_on_the_mean(key: Any, tree: Any, scale: float) -> Any:
    """Noise that would be right for a sum, divided with it and added to the mean once more divided."""
    return with_noise(key, tree, scale / (RATE * ROWS))


def seeded_noise(key: Any, tree: Any, scale: float) -> Any:
    """Noise that whoever knows the seed takes away."""
    noisy = with_noise(jax.random.key(0), tree, scale)
    zeros = jax.tree.map(jnp.zeros_like, tree)
    return jax.tree.map(jnp.subtract, noisy, with_noise(jax.random.key(0), zeros, scale))


BUGS: dict[str, dict[str, Any]] = {
    "clipped_thrice": {f"{STEP}clipped_sum": clipped_thrice},
    "unclipped": {f"{STEP}clipped_sum": unclipped},
    "noise_on_the_mean": {f"{STEP}with_noise": noise_on_the_mean},
    "seeded_noise": {f"{STEP}with_noise": seeded_noise},
    "batch_reused": {},
}
LESS = {
    "noise_on_the_mean": 1 / (RATE * ROWS),
    "seeded_noise": 0.05,
}  # share of the noise that an attacker reckons with


def small_gan() -> GAN:
    """The GAN of the experiment, with narrow networks, for three columns."""
    codec = domain().codec()
    run = compose(
        [
            "+experiment=dp_gan",
            *(f"network.{key}=8" for key in ("width", "discriminator_width", "latent")),
            "network.blocks=0",
            "trainer.batch_size=8",
            f"trainer.steps={STEPS}",
        ]
    )
    return build(run, run.condition.fit(codec, codec.empty(1)))


def scores(epsilon: float, delta: float, runs: int, bug: str | None) -> np.ndarray:
    """The canary's score in each of the runs, without it and with it [2, runs / 2]."""
    entry = Entry("gradients of the critic", SUBSAMPLED, CLIP, CLIP, RATE, STEPS)
    private = PrivateCritic(RATE, CLIP, least_scale([], entry, epsilon, delta), RATE * ROWS, ROWS)
    believed = private.scale * LESS.get(bug or "", 1.0)
    gan, without = small_gan(), table(ROWS)
    state = jax.jit(gan.init)(np.uint32(0))
    there, others = (
        Rows(jnp.zeros((len(codes), 0)), jnp.asarray(codes), ()) for codes in (with_canary(without), without)
    )

    def score(key: Any, data: Rows) -> Any:
        def sample(only: Callable[[Any], Any]) -> Callable[..., Any]:
            def drawn(key: Any, *given: Any) -> Any:
                places, drawn = poisson_sample(key, *given)
                return places, drawn * only(places)

            return drawn

        def seen(parameters: Any, step: Any, data: Rows, changed: dict[str, Any]) -> Any:
            fault = dict(BUGS[bug]) if bug else {}
            here, of_step = jax.random.fold_in(key, step), state.replace(step=step)
            if bug == "batch_reused":
                again = lambda _, *given: poisson_sample(key, *given)  # noqa: E731
                fault[f"{STEP}poisson_sample"] = again
            with replaced(fault | changed):
                own = private.replace(rows=len(data.codes))
                return critic_gradient(gan, own, of_step, parameters, data, 0, here)["network"]

        def noiseless(parameters: Any, step: Any, data: Rows, drawn: Callable[..., Any]) -> Any:
            plain = {f"{STEP}with_noise": lambda key, tree, scale: tree, f"{STEP}poisson_sample": drawn}
            return seen(parameters, step, data, plain)

        def drawn_others(used: Any, *given: Any) -> Any:
            return sample(lambda places: places < ROWS)(key if bug == "batch_reused" else used, *given)

        def only_canary(used: Any, rows: int, rate: float, room: int, there: Any) -> Any:
            _, drawn = drawn_others(used, len(data.codes), rate, room, there - 1)  # behind which the canary stands
            return jnp.full((room,), rows - 1), (jnp.arange(room) == drawn.sum()).astype(jnp.float32)

        def step(carry: tuple[Any, Any], number: Any) -> tuple[tuple[Any, Any], Any]:
            parameters, optimizer = carry
            found = seen(parameters, number, data, {})
            known = noiseless(parameters, number, data, drawn_others)
            own = noiseless(parameters, number, there, only_canary)
            apart = jax.tree.map(jnp.subtract, found, known)
            product, square = optax.tree.vdot(apart, own), optax.tree.vdot(own, own)
            log_ratio = (product - square / 2) * (private.expected / believed) ** 2
            updates, optimizer = gan.discriminator_optimizer.update(
                {"network": found, "heads": {}}, optimizer, parameters
            )
            return (optax.apply_updates(parameters, updates), optimizer), log_ratio

        carry = state.discriminator, state.discriminator_optimizer
        _, ratios = jax.lax.scan(step, carry, jnp.arange(STEPS))
        if bug == "batch_reused":  # the canary is in all batches, or in none
            return jnp.logaddexp(jnp.log(1 - RATE), jnp.log(RATE) + ratios.sum())
        return jnp.logaddexp(jnp.log(1 - RATE), jnp.log(RATE) + ratios).sum()

    out = []
    for data in (others, there):
        one = partial(score, data=data)
        several = jax.jit(lambda keys, one=one: jax.lax.map(one, keys, batch_size=64))
        out.append(np.asarray(several(jax.random.split(secret_key(), runs // 2))))
    return np.array(out, float)
