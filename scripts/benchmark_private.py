"""What privacy costs: the critic's private update beside a plain one, and how long the accounting takes.

    python scripts/benchmark_private.py [rows=32561]

Both are of the GAN of `+experiment=dp_gan`, on made-up rows of the households' domain, with as many rows a batch. The
private one draws a Poisson sample, clips each pair's gradient, and adds noise; beside it the gradients of all pairs
one by one, as DP-SGD is often computed. Prints milliseconds of an update and ratios.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import WHOLE
from gans.config.compose import compose
from gans.data.domain import SHIPPED, Domain
from gans.errors import in_range
from gans.privacy.clipping import with_noise
from gans.privacy.entry import SUBSAMPLED, Entry
from gans.privacy.ledger import Ledger
from gans.privacy.loss_distributions import least_scale
from gans.runs.build import build
from gans.streams import per_example
from gans.training.private_step import PrivateCritic, critic_gradient
from gans.training.step import Rows

UPDATES, REPEATS = 50, 5


def milliseconds(gradient: Callable[[Any, Any], Any], parameters: Any) -> float:
    """Of one update, the least of some measurements of a block of them."""

    @jax.jit
    def block(parameters: Any, key: Any) -> Any:
        def update(place: Any, parameters: Any) -> Any:
            found = gradient(parameters, jax.random.fold_in(key, place))
            return jax.tree.map(lambda leaf, change: leaf - 1e-3 * change, parameters, found)

        return jax.lax.fori_loop(0, UPDATES, update, parameters)

    key, times = jax.random.key(0), []
    jax.block_until_ready(block(parameters, key))
    for _ in range(REPEATS):
        started = time.perf_counter()
        jax.block_until_ready(block(parameters, key))
        times.append(time.perf_counter() - started)
    return 1e3 * min(times) / UPDATES


@takes(Key("rows", WHOLE, default=32_561), text=__doc__)
def main(rows: int) -> int:
    """Measure and print."""
    in_range("rows", rows, 1_000)
    run: Any = compose(["+experiment=dp_gan"])
    rate, clip = run.privacy.rate, run.privacy.clip
    codec = Domain.read(SHIPPED / "households.yaml").codec()
    size = round(rows * rate)
    run = replace(run, trainer=replace(run.trainer, batch_size=size))
    gan = build(run, run.condition.fit(codec, codec.empty(1)))
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, levels, rows) for levels in gan.layout.cardinalities], axis=1)
    scalars = rng.uniform(-1, 1, (rows, gan.layout.scalars)).astype(np.float32)
    data = Rows(jnp.asarray(scalars), jnp.asarray(codes, jnp.int32), ())
    state = jax.jit(gan.init)(np.uint32(0))
    private = PrivateCritic(rate, clip, 2.0, float(size), len(data.codes))

    none = jnp.zeros((2 * size, 0))

    def drawn(key: Any) -> tuple[Any, Any, Any]:
        picked = jax.random.randint(key, (size,), 0, rows)
        keys = per_example(key, 2 * size)
        fake, _ = gan.generate(state.variables, none[:size], keys[:size], True)
        return gan.layout.wide(data.scalars[picked], data.codes[picked]), fake, keys

    def plain(parameters: Any, key: Any) -> Any:
        real, fake, keys = drawn(key)

        def cost(parameters: Any) -> Any:
            logits = gan.critic(parameters, jnp.concatenate([real, fake]), none, keys)
            return gan.objective.discriminator(*jnp.split(logits, 2))

        return jax.grad(cost)(parameters)

    def one_by_one(parameters: Any, key: Any) -> Any:
        real, fake, keys = drawn(key)

        def clipped(real: Any, fake: Any, keys: Any) -> Any:
            def cost(parameters: Any) -> Any:
                logits = gan.critic(parameters, jnp.stack([real, fake]), none[:2], keys)
                return gan.objective.discriminator(*jnp.split(logits, 2))

            gradient = jax.grad(cost)(parameters)
            return jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, clip / optax.tree.norm(gradient)), gradient)

        gradients = jax.vmap(clipped)(real, fake, keys.reshape(size, 2))
        return with_noise(key, jax.tree.map(lambda leaf: leaf.sum(axis=0) / size, gradients), 2.0)

    def noisy(parameters: Any, key: Any) -> Any:
        step = jax.random.bits(key, dtype=jnp.uint32).astype(jnp.int32)  # else what does not change is computed once
        return critic_gradient(gan, private, state.replace(step=step), parameters, data, 0, key)

    updates = {"plain": plain, "private": noisy, "private, gradients one by one": one_by_one}
    found = {name: milliseconds(update, state.discriminator) for name, update in updates.items()}
    print(f"a batch of {size:,} of {given['rows']:,} rows, {gan.layout.width} features")
    for name, value in found.items():
        print(f"{name:40}{value:8.2f} ms{value / found['plain']:8.2f} x")
    entry = Entry("gradients", SUBSAMPLED, clip, 2.0 * clip, rate, run.trainer.steps)
    for epsilon in (0.5, 1.0, 3.0, 10.0):
        ledger = Ledger(epsilon, 1e-5)
        for column in range(15):
            ledger.charge(Entry(f"counts of {column}", "discrete Gaussian", 1.0, (0.2 * ledger.rho / 15) ** -0.5))
        started = time.perf_counter()
        scale = least_scale(ledger.entries, entry, epsilon, 1e-5)
        ledger.charge(replace(entry, scale=scale))
        seconds = time.perf_counter() - started
        print(f"accounting at epsilon {epsilon:<4g} noise {scale:.3f}{seconds:17.2f} s")
    return 0


if __name__ == "__main__":
    main_command(main.run)
