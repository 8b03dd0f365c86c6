"""What an optimiser component gives."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax

from gans.errors import in_range, one_of

SCHEDULES = ("constant", "linear", "cosine")


@dataclass(kw_only=True)
class Optimizer:
    """An optimiser for each of generator and discriminator.

    Attributes:
        learning_rate: of the generator, and of the discriminator unless it has its own.
        discriminator_learning_rate: of the discriminator; null for the same.
        schedule: constant, linear or cosine decay over the run.
        final: the last learning rate as a share of the first.
        clip: largest absolute value of the discriminator's parameters, after each update; null for any. With it a
            critic is Lipschitz (Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1: .01).
    """

    learning_rate: float = 5e-4
    discriminator_learning_rate: float | None = None
    schedule: str = "cosine"
    final: float = 0.05
    clip: float | None = None

    def __post_init__(self) -> None:
        in_range("optimizer.learning_rate", self.learning_rate, 0, open_low=True)
        if self.discriminator_learning_rate is not None:
            in_range("optimizer.discriminator_learning_rate", self.discriminator_learning_rate, 0, open_low=True)
        one_of("optimizer.schedule", self.schedule, SCHEDULES)
        in_range("optimizer.final", self.final, 0, 1)
        if self.clip is not None:
            in_range("optimizer.clip", self.clip, 0, open_low=True)

    def generator(self, updates: int) -> optax.GradientTransformation:
        """The generator's optimiser over this many updates."""
        return self.make(self._schedule(self.learning_rate, updates))

    def discriminator(self, updates: int) -> optax.GradientTransformation:
        """The discriminator's optimiser over this many updates."""
        own = self.discriminator_learning_rate
        made = self.make(self._schedule(self.learning_rate if own is None else own, updates))
        return made if self.clip is None else optax.chain(made, _within(self.clip))

    def make(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """The optimiser with this schedule."""
        raise NotImplementedError(f"{type(self).__name__} makes no optimiser")

    def _schedule(self, peak: float, updates: int) -> optax.Schedule:
        if self.schedule == "linear":
            return optax.linear_schedule(peak, peak * self.final, updates)
        if self.schedule == "cosine":
            return optax.cosine_decay_schedule(peak, updates, alpha=self.final)
        return optax.constant_schedule(peak)


def _within(bound: float) -> optax.GradientTransformation:
    """Updates after which every parameter lies within +-bound."""

    def clip(updates: optax.Updates, parameters: optax.Params | None) -> optax.Updates:
        return jax.tree.map(lambda old, new: jnp.clip(old + new, -bound, bound) - old, parameters, updates)

    return optax.stateless(clip)
