"""Gradient descent."""

from dataclasses import dataclass

import optax

from gans.errors import in_range
from gans.optimizers.base import Optimizer
from gans.registry import register


@register("optimizer", "sgd")
@dataclass(kw_only=True)
class SGD(Optimizer):
    """The gradient times the learning rate, as Goodfellow et al. 2014 (arXiv:1406.2661, algorithm 1) with momentum.

    Attributes:
        momentum: share of the last update that goes on; 0 for plain gradient descent.
    """

    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("optimizer.momentum", self.momentum, 0, 1, open_high=True)

    def make(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """Gradient descent with this schedule."""
        return optax.sgd(schedule, momentum=self.momentum or None)
