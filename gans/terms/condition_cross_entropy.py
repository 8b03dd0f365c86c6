"""The cross entropy between the condition and what the generator makes of it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gans.data.layout import Layout
from gans.errors import UserError, in_range
from gans.registry import register
from gans.terms.base import Made, Term


@register("term", "condition_cross_entropy")
@dataclass(kw_only=True)
class ConditionCrossEntropy(Term):
    """weight * E -sum over the conditioned columns of log softmax(logits of the column)[the given level].

    Xu et al. 2019, arXiv:1907.00503, section 4.3; the logits are those before Gumbel noise. Needs
    condition=training_by_sampling.

    Attributes:
        weight: of the cost.
    """

    conditions: ClassVar[tuple[str, ...] | None] = ("training_by_sampling",)

    weight: float = 1.0

    def __post_init__(self) -> None:
        in_range("term.condition_cross_entropy.weight", self.weight, 0)

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cost, its weight included."""
        if made.logits is None:
            raise UserError("term=[condition_cross_entropy]: the generator of this network shows no logits.")
        parts = []
        for start, count, size in layout.groups():
            first = start - layout.scalars
            own = made.logits[:, first : first + count * size].reshape(-1, count, size)
            parts.append(jax.nn.log_softmax(own, axis=-1).reshape(-1, count * size))
        logs = jnp.concatenate(parts, axis=-1)[:, np.array(layout.conditioned) - layout.scalars]
        return -self.weight * jnp.mean(jnp.sum(made.condition * logs, axis=-1))
