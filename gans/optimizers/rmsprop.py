"""RMSProp."""

from dataclasses import dataclass

import optax

from gans.errors import in_range
from gans.optimizers.base import Optimizer
from gans.registry import register


@register("optimizer", "rmsprop")
@dataclass(kw_only=True)
class RMSProp(Optimizer):
    """The gradient by the root of its running mean square (Tieleman & Hinton 2012, lecture 6.5), without momentum.

    What WGAN with clipped weights was trained by (Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1: 5e-5).

    Attributes:
        decay: of the running mean square.
        eps: is added to its root.
    """

    decay: float = 0.9
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("optimizer.decay", self.decay, 0, 1, open_high=True)
        in_range("optimizer.eps", self.eps, 0, open_low=True)

    def make(self, schedule: optax.Schedule) -> optax.GradientTransformation:
        """RMSProp with this schedule."""
        return optax.rmsprop(schedule, decay=self.decay, eps=self.eps)
