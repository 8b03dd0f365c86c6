"""The only adversarial step: (state, rows) -> (state, metrics), pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

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
from gans.streams import per_example, stream, streams
from gans.terms.base import HeadTerm, Made, Term
from gans.training.placement import Spread

STREAMS = ("rows", "condition", "latent", "critic real", "critic fake")  # of a batch, beside one of each penalty


class Rows(flax.struct.PyTreeNode):
    """Training rows on the device: scalars [rows, numbers], codes [rows, categories].

    Attributes:
        condition: what the condition knows of them.
        known: what each term of the generator's cost knows of them, by name.
    """

    scalars: Any
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


class Examined(NamedTuple):
    """What the discriminator says of packs of rows.

    Attributes:
        features: behind the logits, if it shows them.
        predicted: what the head of each term with one says of each row.
    """

    logits: Float[Array, " packs"]
    features: Float[Array, "packs features"] | None
    predicted: dict[str, Float[Array, "batch entries"]]


class Batch(NamedTuple):
    """Real rows with their conditions, and the random keys of their places.

    Attributes:
        keys: (name, pack) -> a key for each row, or for each pack of rows.
    """

    real: Float[Array, "batch width"]
    condition: Float[Array, "batch condition"]
    keys: Callable[..., Key[Array, " batch"]]


@dataclass(frozen=True)
class GAN:
    """The parts of a variant. Variants differ by these objects and by nothing else.

    The discriminator's parameters are {"network": its own, "heads": those of each term with a head}.

    Attributes:
        heads: by term, the modules from features to predictions.
        steps: of the whole run, for what changes over it.
        prior: of the latents: normal, or uniform on [-1, 1].
        pack: rows that the discriminator sees side by side.
        group: packs that the discriminator compares with each other.
        spectral_norm: whether its kernels are divided by their largest singular values.
        critic_steps: discriminator updates in a step.
        generator_steps: generator updates in a step, after those.
        average: the highest decay of the averaged generator, min(average, (1 + step) / (10 + step)).
        accumulate: parts of a batch that are computed one after the other, their gradients averaged.
        precision: of what networks compute; their parameters are float32.
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
    prior: str = "normal"
    pack: int = 1
    group: int = 1
    spectral_norm: bool = False
    critic_steps: int = 1
    generator_steps: int = 1
    average: float = 0.999
    accumulate: int = 1
    precision: Any = jnp.float32
    heads: Mapping[str, nn.Module] = field(default_factory=dict)
    spread: Spread = field(default_factory=Spread)

    @property
    def head_terms(self) -> dict[str, HeadTerm]:
        """The terms with a head."""
        return {name: term for name, term in self.terms.items() if isinstance(term, HeadTerm)}

    def init_generator(self, seed: Integer[Array, ""]) -> Any:
        """The parameters and statistics of the generator at step 0."""
        condition, keys = self._two_examples(seed)
        latent = jnp.zeros((len(keys), self.latent))
        return self.generator.init(stream(seed, jnp.zeros((), jnp.int32), "generator"), latent, condition, keys, True)

    def _two_examples(self, seed: Any) -> tuple[Float[Array, "few condition"], Key[Array, " few"]]:
        """Conditions and keys by which networks learn their shapes: of two examples, or of a group of them."""
        count = max(2, self.group)
        condition = self.condition.wide(jnp.zeros((count, self.condition.places), int))
        return condition, per_example(stream(seed, jnp.zeros((), jnp.int32), "shapes"), count)

    def init(self, seed: Integer[Array, ""]) -> TrainState:
        """The state at step 0, a function of the seed."""
        zero, average = jnp.zeros((), jnp.int32), self.init_generator(seed)
        generator, (condition, keys) = average["params"], self._two_examples(seed)
        sides = self.layout.width, condition.shape[1]
        rows, labels = (jnp.zeros((len(keys), self.pack * width)) for width in sides)
        _, shown = self.discriminator.init_with_output(
            stream(seed, zero, "discriminator"), rows, labels, keys, True, mutable=["params", SEEN]
        )
        heads = {
            name: head.init(stream(seed, zero, f"head {name}"), seen(shown, FEATURES))["params"]
            for name, head in self.heads.items()
        }
        discriminator = {"network": shown["params"], "heads": heads}
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
        outer, inner = jax.vmap(jax.vmap(jax.random.fold_in, (0, None)), (None, 0))(keys, jnp.arange(2))
        normal = jax.vmap(lambda key: jax.random.normal(key, (self.latent,)))(outer)
        return self.generate_at(variables, self.of_prior(normal), condition, inner, train)

    def of_prior(self, normal: Float[Array, "batch latent"]) -> Float[Array, "batch latent"]:
        """Latents of the prior at the same quantiles as standard normal ones."""
        return 2 * jax.scipy.special.ndtr(normal) - 1 if self.prior == "uniform" else normal

    def generate_at(
        self,
        variables: Any,
        latent: Float[Array, "batch latent"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> tuple[Float[Array, "batch width"], Any]:
        """Rows for given latents, as `generate`; the keys are of the noise by which levels are drawn."""
        mutable = ["batch_stats", SEEN] if train else []
        variables = {**variables, "params": self.lowered(variables["params"])}
        latent, condition = self.lowered((latent, condition))
        rows, shown = self.generator.apply(variables, latent, condition, keys, train, mutable=mutable)
        return rows.astype(jnp.float32), shown  # pyright: ignore[reportAttributeAccessIssue]

    def lowered(self, tree: Any) -> Any:
        """The floats of a tree in the precision of the networks."""
        return jax.tree.map(lambda leaf: leaf.astype(self.precision), tree)

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
        return self.examine(parameters, rows, condition, keys).logits

    def examine(
        self,
        parameters: Any,
        rows: Float[Array, "packs width"],
        condition: Float[Array, "packs condition"],
        keys: Key[Array, " packs"],
    ) -> Examined:
        """Logits of packed rows, the features behind them, and what the heads predict from these."""
        network = spectrally_normalised(parameters["network"]) if self.spectral_norm else parameters["network"]
        network, rows, condition = self.lowered((network, rows, condition))
        logits, shown = self.discriminator.apply({"params": network}, rows, condition, keys, True, mutable=[SEEN])
        found = seen(shown, FEATURES)  # pyright: ignore[reportArgumentType]
        features = None if found is None else found.astype(jnp.float32)
        predicted = {
            name: head.apply({"params": parameters["heads"][name]}, features).reshape(rows.shape[0] * self.pack, -1)  # pyright: ignore[reportAttributeAccessIssue]
            for name, head in self.heads.items()
        }
        return Examined(logits.astype(jnp.float32), features, predicted)  # pyright: ignore[reportAttributeAccessIssue]

    def batch(self, data: Rows, seed: Any, step: Any, part: Any, piece: Any = 0) -> Batch:
        """A batch of training rows.

        Args:
            part: which of the batches of a step.
            piece: which of the `accumulate` pieces of the batch.
        """

        names = [*STREAMS, *(f"penalty {name}" for name in self.penalties)]
        drawn = jax.vmap(lambda key: per_example(key, self.batch_size))(streams(seed, step, names, part))

        def keys(name: str, pack: int = 1) -> Key[Array, " batch"]:
            whole = self.spread.shard(drawn[names.index(name)][: self.batch_size // pack])
            size = whole.shape[0] // self.accumulate
            return whole if self.accumulate == 1 else jax.lax.dynamic_slice_in_dim(whole, piece * size, size)

        picked, condition = self.condition.pick(data.condition, keys("rows"))
        real = self.layout.wide(data.scalars[picked], data.codes[picked])
        return Batch(real, self.condition.reveal(real, condition, keys("condition")), keys)

    def mean(self, compute: Callable[[Any], Any]) -> Any:
        """The mean of what is computed for each piece of a batch, on each device."""
        if self.accumulate == 1:
            return self.spread.mean(compute(0))
        zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), jax.eval_shape(compute, 0))
        total = jax.lax.fori_loop(
            0, self.accumulate, lambda piece, sums: jax.tree.map(jnp.add, sums, compute(piece)), zeros
        )
        return self.spread.mean(jax.tree.map(lambda leaf: leaf / self.accumulate, total))


def discriminator_loss(
    gan: GAN, parameters: Any, batch: Batch, fake: Float[Array, "batch width"]
) -> tuple[Float[Array, ""], dict[str, Array]]:
    """What the discriminator minimises: the objective, its penalties, and the costs of its heads."""
    real, fake, condition = gan.packed(batch.real), gan.packed(fake), gan.packed(batch.condition)
    both = jnp.concatenate([real, fake]), jnp.concatenate([condition, condition])
    both_keys = jnp.concatenate([batch.keys("critic real", gan.pack), batch.keys("critic fake", gan.pack)])
    examined = gan.examine(parameters, *both, both_keys)
    real_logits, fake_logits = jnp.split(examined.logits, 2)
    adversarial = gan.objective.discriminator(real_logits, fake_logits)
    costs = penalty_costs(gan, parameters, real, fake, condition, batch.keys)
    for name, predicted in examined.predicted.items():
        of_real, of_fake = jnp.split(predicted, 2)
        costs[f"head/{name}"] = gan.head_terms[name].discriminator(gan.layout, of_real, of_fake, batch.condition)
    logits = {"critic/real": real_logits.mean(), "critic/fake": fake_logits.mean()}
    return adversarial + sum(costs.values()), {"loss/discriminator": adversarial, **logits, **costs}


def penalty_costs(
    gan: GAN, parameters: Any, real: Array, fake: Array, condition: Array, keys: Callable[..., Array]
) -> dict[str, Array]:
    """The penalties of the discriminator at packs of real and generated rows, by name."""
    critic = partial(gan.critic, parameters)
    return {
        f"penalty/{name}": penalty(critic, real, fake, condition, keys(f"penalty {name}", gan.pack))
        for name, penalty in gan.penalties.items()
    }


def generator_loss(
    gan: GAN, parameters: Any, state: TrainState, batch: Batch, known: Mapping[str, Any]
) -> tuple[Float[Array, ""], tuple[Any, dict[str, Array]]]:
    """What the generator minimises: the objective and its terms; also the generator's new statistics.

    Args:
        parameters: of the generator.
        state: whose discriminator judges.
        known: what each term knows of the training rows.
    """
    variables = {"params": parameters, **state.statistics}
    fake, statistics = gan.generate(variables, batch.condition, batch.keys("latent"), True)
    shown, condition = {SEEN: statistics.pop(SEEN, {})}, gan.packed(batch.condition)
    of_fake = gan.examine(state.discriminator, gan.packed(fake), condition, batch.keys("critic fake", gan.pack))
    of_real = gan.examine(state.discriminator, gan.packed(batch.real), condition, batch.keys("critic real", gan.pack))
    adversarial = gan.objective.generator(of_real.logits, of_fake.logits)
    made = Made(fake, batch.condition, seen(shown, LOGITS), of_fake.features, of_real.features)
    costs = {
        f"term/{name}": term(
            gan.layout, known[name], made._replace(predicted=of_fake.predicted.get(name)), state.step / gan.steps
        )
        for name, term in gan.terms.items()
    }
    return adversarial + sum(costs.values()), (statistics, {"loss/generator": adversarial, **costs})


def adversarial_step(gan: GAN, state: TrainState, data: Rows) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
    """`critic_steps` discriminator updates, then `generator_steps` of the generator and of its average."""

    def discriminator_gradient(parameters: Any, part: Any, piece: Any) -> tuple[Any, dict[str, Array]]:
        batch = gan.batch(data, state.seed, state.step, part, piece)
        fake, _ = gan.generate(state.variables, batch.condition, batch.keys("latent"), True)
        return jax.grad(partial(discriminator_loss, gan), has_aux=True)(parameters, batch, fake)

    def discriminator_update(carry: tuple[Any, Any], part: Any) -> tuple[tuple[Any, Any], dict[str, Array]]:
        parameters, optimizer = carry
        gradient, metrics = gan.mean(lambda piece: discriminator_gradient(parameters, part, piece))
        updates, optimizer = gan.discriminator_optimizer.update(gradient, optimizer, parameters)
        metrics["gradient/discriminator"] = optax.tree.norm(gradient)
        return (optax.apply_updates(parameters, updates), optimizer), metrics

    def generator_gradient(state: TrainState, part: Any, piece: Any) -> tuple[Any, tuple[Any, dict[str, Array]]]:
        batch = gan.batch(data, state.seed, state.step, part, piece)
        return jax.grad(partial(generator_loss, gan), has_aux=True)(state.generator, state, batch, data.known)

    def generator_update(state: TrainState, part: Any) -> tuple[TrainState, dict[str, Array]]:
        gradient, (statistics, costs) = gan.mean(partial(generator_gradient, state, part))
        costs["gradient/generator"] = optax.tree.norm(gradient)
        return updated_generator(gan, state, gradient, statistics), costs

    critic = state.discriminator, state.discriminator_optimizer
    critic, metrics = jax.lax.scan(discriminator_update, critic, jnp.arange(gan.critic_steps))
    state = state.replace(discriminator=critic[0], discriminator_optimizer=critic[1])
    state, costs = jax.lax.scan(generator_update, state, gan.critic_steps + jnp.arange(gan.generator_steps))
    return state.replace(step=state.step + 1), jax.tree.map(jnp.mean, metrics | costs)


def updated_generator(gan: GAN, state: TrainState, gradient: Any, statistics: Any) -> TrainState:
    """The generator moved by its gradient, and its average towards it."""
    updates, optimizer = gan.generator_optimizer.update(gradient, state.generator_optimizer, state.generator)
    generator = optax.apply_updates(state.generator, updates)
    decay = jnp.minimum(gan.average, (1 + state.step) / (10 + state.step))
    new = {"params": generator, **statistics}
    return state.replace(
        generator=generator,
        statistics=statistics,
        generator_optimizer=optimizer,
        average=jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.average, new),
    )
