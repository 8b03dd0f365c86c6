"""Adam."""

from dataclasses import dataclass

import optax

from gans.errors import in_range
from gans.optimizers.base import Optimizer
from gans.registry import register


@register("optimizer", "adam")
@dataclass(kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2014, arXiv:1412.6980), with b1 = .5 as for DCGAN (Radford et al. 2015, arXiv:1511.06434).

    Attributes:
        b1: how much the mean of the gradients keeps at each step.
        b2: how much the mean of their squares keeps.
        eps: is added to the root of that mean.
        weight_decay: times the parameters, added to the gradient of the generator, and of the discriminator unless it
            has its own.
        discriminator_weight_decay: of the discriminator; null for the same.
    """

    b1: float = 0.5
    b2: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    discriminator_weight_decay: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("optimizer.b1", self.b1, 0, 1, open_high=True)
        in_range("optimizer.b2", self.b2, 0, 1, open_high=True)
        in_range("optimizer.eps", self.eps, 0, open_low=True)
        in_range("optimizer.weight_decay", self.weight_decay, 0)
        if self.discriminator_weight_decay is not None:
            in_range("optimizer.discriminator_weight_decay", self.discriminator_weight_decay, 0)

    def generator(self, updates: int) -> optax.GradientTransformation:
        """The generator's optimiser over this many updates."""
        return _decayed(self.weight_decay, super().generator(updates))

    def discriminator(self, updates: int) -> optax.GradientTransformation:
        """The discriminator's optimiser over this many updates."""
        own = self.discriminator_weight_decay
        return _decayed(self.weight_decay if own is None else own, super().discriminator(updates))

    def make(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Adam with this schedule."""
        return optax.adam(schedule, b1=self.b1, b2=self.b2, eps=self.eps)


def _decayed(decay: float, optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
    return optax.chain(optax.add_decayed_weights(decay), optimizer) if decay else optimizer
