"""The only adversarial step: (state, rows) -> (state, metrics), pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Integer, Key

from gans.conditions.base import FittedCondition
from gans.data.layout import Layout
from gans.networks.heads import FEATURES, LOGITS, SEEN, seen
from gans.networks.spectral import spectrally_normalised
from gans.objectives.base import Objective
from gans.penalties.base import Penalty
from gans.terms.base import Made, Term
from gans.training.placement import Spread
from gans.training.streams import per_example, stream


class Rows(flax.struct.PyTreeNode):
    """Training rows on the device: scores [rows, numbers], codes [rows, categories].

    Attributes:
        condition: what the condition knows of them.
        known: what each term of the generator's cost knows of them, by name.
    """

    scores: Any
    codes: Any
    condition: Any
    known: Any = flax.struct.field(default_factory=dict)


class TrainState(flax.struct.PyTreeNode):
    """All that changes in training.

    Attributes:
        statistics: what the generator holds beside its parameters (running statistics of batch norm).
        average: parameters and statistics of the averaged generator, which sampling uses.
    """

    seed: Integer[Array, ""]
    step: Integer[Array, ""]
    generator: Any
    statistics: Any
    discriminator: Any
    generator_optimizer: Any
    discriminator_optimizer: Any
    average: Any

    @property
    def variables(self) -> dict[str, Any]:
        """The generator as Linen takes it."""
        return {"params": self.generator, **self.statistics}


@dataclass(frozen=True)
class GAN:
    """The parts of a variant. Variants differ by these objects and by nothing else.

    Attributes:
        steps: of the whole run, for what changes over it.
        pack: rows that the discriminator sees side by side.
        spectral_norm: whether its kernels are divided by their largest singular values.
        critic_steps: discriminator updates for one generator update.
        average: the highest decay of the averaged generator, min(average, (1 + step) / (10 + step)).
    """

    generator: nn.Module
    discriminator: nn.Module
    objective: Objective
    penalties: Mapping[str, Penalty]
    terms: Mapping[str, Term]
    layout: Layout
    condition: FittedCondition
    generator_optimizer: optax.GradientTransformation
    discriminator_optimizer: optax.GradientTransformation
    latent: int
    steps: int
    batch_size: int
    pack: int = 1
    spectral_norm: bool = False
    critic_steps: int = 1
    average: float = 0.999
    spread: Spread = field(default_factory=Spread)

    def init(self, seed: Integer[Array, ""]) -> TrainState:
        """The state at step 0, a function of the seed."""
        zero = jnp.zeros((), jnp.int32)
        keys = per_example(stream(seed, zero, "shapes"), 2)
        latent, condition = (
            jnp.zeros((2, self.latent)),
            self.condition.wide(jnp.zeros((2, len(self.condition.columns)), int)),
        )
        average = self.generator.init(stream(seed, zero, "generator"), latent, condition, keys, True)
        generator = average["params"]
        rows, labels = (jnp.zeros((2, self.pack * width)) for width in (self.layout.width, condition.shape[1]))
        discriminator = self.discriminator.init(stream(seed, zero, "discriminator"), rows, labels, keys, True)["params"]
        return TrainState(
            seed=jnp.asarray(seed, jnp.uint32),
            step=zero,
            generator=generator,
            statistics={name: tree for name, tree in average.items() if name != "params"},
            discriminator=discriminator,
            generator_optimizer=self.generator_optimizer.init(generator),
            discriminator_optimizer=self.discriminator_optimizer.init(discriminator),
            average=jax.tree.map(jnp.copy, dict(average)),
        )

    def generate(
        self, variables: Any, condition: Float[Array, "batch condition"], keys: Key[Array, " batch"], train: bool
    ) -> tuple[Float[Array, "batch width"], Any]:
        """Rows for latents drawn by the keys; in training with the generator's statistics and what it shows."""
        latent = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, 0), (self.latent,)))(keys)
        inner = jax.vmap(lambda key: jax.random.fold_in(key, 1))(keys)
        mutable = ["batch_stats", SEEN] if train else []
        return self.generator.apply(variables, latent, condition, inner, train, mutable=mutable)  # pyright: ignore[reportReturnType]

    def packed(self, batch: Float[Array, "batch width"]) -> Float[Array, "packs packed"]:
        """Rows side by side, as the discriminator sees them."""
        return batch.reshape(batch.shape[0] // self.pack, -1)

    def critic(
        self,
        parameters: Any,
        rows: Float[Array, "packs width"],
        condition: Float[Array, "packs condition"],
        keys: Key[Array, " packs"],
    ) -> Float[Array, " packs"]:
        """Logits of packed rows."""
        return self.examine(parameters, rows, condition, keys)[0]

    def examine(
        self,
        parameters: Any,
        rows: Float[Array, "packs width"],
        condition: Float[Array, "packs condition"],
        keys: Key[Array, " packs"],
    ) -> tuple[Float[Array, " packs"], Float[Array, "packs features"] | None]:
        """Logits of packed rows, and the features behind them if the discriminator shows them."""
        parameters = spectrally_normalised(parameters) if self.spectral_norm else parameters
        logits, shown = self.discriminator.apply({"params": parameters}, rows, condition, keys, True, mutable=[SEEN])
        return logits, seen(shown, FEATURES)  # pyright: ignore[reportReturnType]

    def batch(self, data: Rows, seed: Any, step: Any, part: Any) -> tuple[Array, Array, Any]:
        """Real rows [batch, width], conditions [batch, condition], a function (name, pack) -> keys [batch / pack]."""

        def keys(name: str, pack: int = 1) -> Key[Array, " batch"]:
            return self.spread.shard(per_example(stream(seed, step, name, part), self.batch_size // pack))

        picked, condition = self.condition.pick(data.condition, keys("rows"))
        real = self.layout.wide(data.scores[picked], data.codes[picked])
        return real, self.condition.reveal(real, condition, keys("condition")), keys


def adversarial_step(gan: GAN, state: TrainState, data: Rows) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
    """`critic_steps` discriminator updates, then one of the generator and of its average."""

    def discriminator_update(carry: tuple[Any, Any], part: Any) -> tuple[tuple[Any, Any], dict[str, Array]]:
        parameters, optimizer = carry
        real, condition, keys = gan.batch(data, state.seed, state.step, part)
        fake, _ = gan.generate(state.variables, condition, keys("latent"), True)
        real, fake, condition = gan.packed(real), gan.packed(fake), gan.packed(condition)

        def loss(parameters: Any) -> tuple[Array, dict[str, Array]]:
            def critic(rows: Array, condition: Array, keys: Array) -> Array:
                return gan.critic(parameters, rows, condition, keys)

            both = jnp.concatenate([real, fake]), jnp.concatenate([condition, condition])
            both_keys = jnp.concatenate([keys("critic real", gan.pack), keys("critic fake", gan.pack)])
            real_logits, fake_logits = jnp.split(critic(*both, both_keys), 2)
            adversarial = gan.objective.discriminator(real_logits, fake_logits)
            costs = {
                f"penalty/{name}": penalty(critic, real, fake, condition, keys(f"penalty {name}", gan.pack))
                for name, penalty in gan.penalties.items()
            }
            logits = {"critic/real": real_logits.mean(), "critic/fake": fake_logits.mean()}
            return adversarial + sum(costs.values()), {"loss/discriminator": adversarial, **logits, **costs}

        gradient, metrics = gan.spread.mean(jax.grad(loss, has_aux=True)(parameters))
        updates, optimizer = gan.discriminator_optimizer.update(gradient, optimizer, parameters)
        metrics["gradient/discriminator"] = optax.tree.norm(gradient)
        return (optax.apply_updates(parameters, updates), optimizer), metrics

    (discriminator, discriminator_optimizer), metrics = jax.lax.scan(
        discriminator_update, (state.discriminator, state.discriminator_optimizer), jnp.arange(gan.critic_steps)
    )
    metrics = jax.tree.map(jnp.mean, metrics)

    real, condition, keys = gan.batch(data, state.seed, state.step, gan.critic_steps)

    def loss(parameters: Any) -> tuple[Array, tuple[Any, dict[str, Array]]]:
        fake, statistics = gan.generate({"params": parameters, **state.statistics}, condition, keys("latent"), True)
        labels = gan.packed(condition)
        shown = {SEEN: statistics.pop(SEEN, {})}
        fake_logits, of_fake = gan.examine(discriminator, gan.packed(fake), labels, keys("critic fake", gan.pack))
        real_logits, of_real = gan.examine(discriminator, gan.packed(real), labels, keys("critic real", gan.pack))
        adversarial = gan.objective.generator(real_logits, fake_logits)
        made = Made(fake, condition, seen(shown, LOGITS), of_fake, of_real)
        progress = state.step / gan.steps
        costs = {f"term/{name}": term(gan.layout, data.known[name], made, progress) for name, term in gan.terms.items()}
        return adversarial + sum(costs.values()), (statistics, {"loss/generator": adversarial, **costs})

    (_, (statistics, costs)), gradient = gan.spread.mean(jax.value_and_grad(loss, has_aux=True)(state.generator))
    updates, generator_optimizer = gan.generator_optimizer.update(gradient, state.generator_optimizer, state.generator)
    generator = optax.apply_updates(state.generator, updates)
    metrics |= costs | {"gradient/generator": optax.tree.norm(gradient)}

    decay = jnp.minimum(gan.average, (1 + state.step) / (10 + state.step))
    new = {"params": generator, **statistics}
    return (
        state.replace(
            step=state.step + 1,
            generator=generator,
            statistics=statistics,
            discriminator=discriminator,
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            average=jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average, new),
        ),
        metrics,
    )
