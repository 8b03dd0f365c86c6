"""The only adversarial step: (state, rows) -> (state, metrics), pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from gans.conditions.base import FittedCondition
from gans.data.layout import Layout
from gans.objectives.base import Objective
from gans.penalties.base import Penalty
from gans.training.placement import Spread
from gans.training.streams import per_example, stream


class Rows(flax.struct.PyTreeNode):
    """Training rows on the device: scores [rows, numbers], codes [rows, categories], condition [rows, columns]."""

    scores: Any
    codes: Any
    condition: Any


class TrainState(flax.struct.PyTreeNode):
    """All that changes in training. `average` is the averaged generator, which sampling uses."""

    seed: Int[Array, ""]
    step: Int[Array, ""]
    generator: Any
    discriminator: Any
    generator_optimizer: Any
    discriminator_optimizer: Any
    average: Any


@dataclass(frozen=True)
class GAN:
    """The parts of a variant. Variants differ by these objects and by nothing else.

    Attributes:
        critic_steps: discriminator updates for one generator update.
        average: the highest decay of the averaged generator, min(average, (1 + step) / (10 + step)).
    """

    generator: nn.Module
    discriminator: nn.Module
    objective: Objective
    penalties: Mapping[str, Penalty]
    layout: Layout
    condition: FittedCondition
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent: int
    batch_size: int
    critic_steps: int = 1
    average: float = 0.999
    spread: Spread = field(default_factory=Spread)

    def init(self, seed: Int[Array, ""]) -> TrainState:
        """The state at step 0, a function of the seed."""
        zero = jnp.zeros((), jnp.int32)
        keys = per_example(stream(seed, zero, "shapes"), 2)
        latent, condition = (
            jnp.zeros((2, self.latent)),
            self.condition.wide(jnp.zeros((2, len(self.condition.columns)), int)),
        )
        generator = self.generator.init(stream(seed, zero, "generator"), latent, condition, keys, True)["params"]
        rows = jnp.zeros((2, self.layout.width))
        discriminator = self.discriminator.init(stream(seed, zero, "discriminator"), rows, condition, keys, True)[
            "params"
        ]
        return TrainState(
            seed=jnp.asarray(seed, jnp.uint32),
            step=zero,
            generator=generator,
            discriminator=discriminator,
            generator_optimizer=self.generator_optimizer.init(generator),
            discriminator_optimizer=self.discriminator_optimizer.init(discriminator),
            average=jax.tree.map(jnp.copy, generator),
        )

    def generate(
        self, parameters: Any, condition: Float[Array, "batch condition"], keys: Key[Array, " batch"], train: bool
    ) -> Float[Array, "batch width"]:
        """Rows for latents drawn by the keys."""
        latent = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, 0), (self.latent,)))(keys)
        inner = jax.vmap(lambda key: jax.random.fold_in(key, 1))(keys)
        return self.generator.apply({"params": parameters}, latent, condition, inner, train)  # pyright: ignore[reportReturnType]

    def critic(
        self,
        parameters: Any,
        rows: Float[Array, "batch width"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
    ) -> Float[Array, " batch"]:
        """Logits."""
        return self.discriminator.apply({"params": parameters}, rows, condition, keys, True)  # pyright: ignore[reportReturnType]

    def batch(self, data: Rows, seed: Any, step: Any, part: Any) -> tuple[Array, Array, Any]:
        """Real rows [batch, width], their conditions [batch, condition], and a function name -> keys [batch]."""

        def keys(name: str) -> Key[Array, " batch"]:
            return self.spread.shard(per_example(stream(seed, step, name, part), self.batch_size))

        count = data.scores.shape[0]
        picked = jax.vmap(lambda key: jax.random.randint(key, (), 0, count))(keys("rows"))
        real = self.layout.wide(data.scores[picked], data.codes[picked])
        return real, self.condition.wide(data.condition[picked]), keys


def adversarial_step(gan: GAN, state: TrainState, data: Rows) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
    """`critic_steps` discriminator updates, then one of the generator and of its average."""

    def discriminator_update(carry: tuple[Any, Any], part: Int[Array, ""]) -> tuple[tuple[Any, Any], dict[str, Array]]:
        parameters, optimizer = carry
        real, condition, keys = gan.batch(data, state.seed, state.step, part)
        fake = gan.generate(state.generator, condition, keys("latent"), True)

        def loss(parameters: Any) -> tuple[Array, dict[str, Array]]:
            def critic(rows: Array, condition: Array, keys: Array) -> Array:
                return gan.critic(parameters, rows, condition, keys)

            both = jnp.concatenate([real, fake]), jnp.concatenate([condition, condition])
            both_keys = jnp.concatenate([keys("critic real"), keys("critic fake")])
            real_logits, fake_logits = jnp.split(critic(*both, both_keys), 2)
            adversarial = gan.objective.discriminator(real_logits, fake_logits)
            costs = {
                f"penalty/{name}": penalty(critic, real, fake, condition, keys(f"penalty {name}"))
                for name, penalty in gan.penalties.items()
            }
            metrics = {
                "loss/discriminator": adversarial,
                "critic/real": real_logits.mean(),
                "critic/fake": fake_logits.mean(),
            }
            return adversarial + sum(costs.values()), metrics | costs

        gradient, metrics = gan.spread.mean(jax.grad(loss, has_aux=True)(parameters))
        updates, optimizer = gan.discriminator_optimizer.update(gradient, optimizer, parameters)
        metrics["gradient/discriminator"] = optax.global_norm(gradient)
        return (optax.apply_updates(parameters, updates), optimizer), metrics

    (discriminator, discriminator_optimizer), metrics = jax.lax.scan(
        discriminator_update, (state.discriminator, state.discriminator_optimizer), jnp.arange(gan.critic_steps)
    )
    metrics = jax.tree.map(jnp.mean, metrics)

    real, condition, keys = gan.batch(data, state.seed, state.step, gan.critic_steps)

    def loss(parameters: Any) -> Array:
        fake = gan.generate(parameters, condition, keys("latent"), True)
        fake_logits = gan.critic(discriminator, fake, condition, keys("critic fake"))
        real_logits = gan.critic(discriminator, real, condition, keys("critic real"))
        return gan.objective.generator(real_logits, fake_logits)

    value, gradient = gan.spread.mean(jax.value_and_grad(loss)(state.generator))
    updates, generator_optimizer = gan.generator_optimizer.update(gradient, state.generator_optimizer, state.generator)
    generator = optax.apply_updates(state.generator, updates)
    metrics |= {"loss/generator": value, "gradient/generator": optax.global_norm(gradient)}

    decay = jnp.minimum(gan.average, (1 + state.step) / (10 + state.step))
    average = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average, generator)
    return (
        state.replace(
            step=state.step + 1,
            generator=generator,
            discriminator=discriminator,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            average=average,
        ),
        metrics,
    )
