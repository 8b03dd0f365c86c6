"""What a term gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gans.data.layout import Encoded, Layout


class Made(NamedTuple):
    """A batch of generated rows, with what else a term may want.

    Attributes:
        rows: generated, in the wide form of the layout.
        condition: that the generator was given.
        logits: of all categories, side by side, before Gumbel noise; None where the generator shows none.
        features: of the discriminator's last hidden layer, for packs of these rows; None where it shows none.
        real_features: the same for packs of real rows.
        predicted: what the term's own head, if it has one, says of each of these rows.
    """

    rows: Float[Array, "batch width"]
    condition: Float[Array, "batch condition"]
    logits: Float[Array, "batch hots"] | None = None
    features: Float[Array, "packs features"] | None = None
    real_features: Float[Array, "packs features"] | None = None
    predicted: Float[Array, "batch entries"] | None = None


@dataclass(kw_only=True)
class Term:
    """A cost of the generator beside its objective.

    Attributes:
        conditions: the conditions that it works with; None for any.
        hides_condition: whether the discriminator must find the condition out, and so may not be given it.
        per_example: whether the cost is a mean over rows, each by itself; not so where moments of the batch are.
    """

    conditions: ClassVar[tuple[str, ...] | None] = None
    per_example: ClassVar[bool] = True
    hides_condition: ClassVar[bool] = False

    def fit(self, layout: Layout, rows: Encoded, units: Mapping[str, np.ndarray] | None = None) -> Any:
        """Arrays that the cost needs to know of the training rows, computed once.

        Args:
            units: what this gave of other rows, whose scales the cost shall have, so that costs of several tables add
                up; None for those of these rows.
        """
        del layout, rows, units
        return ()

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cost, its weight included.

        Args:
            known: what `fit` returned.
            progress: the share of the run that is over, in [0, 1).
        """
        raise NotImplementedError(f"{type(self).__name__} has no cost")


@dataclass(kw_only=True)
class HeadTerm(Term):
    """A term with a head of its own on the discriminator's features, which tells the condition of a row.

    The discriminator trains head and features by `discriminator`, and must not be given the condition.
    """

    hides_condition: ClassVar[bool] = True

    def head(self, layout: Layout, pack: int) -> nn.Module:
        """The module features [packs, features] -> [packs, pack * entries], entries side by side as in a condition."""
        raise NotImplementedError(f"{type(self).__name__} has no head")

    def discriminator(
        self,
        layout: Layout,
        real: Float[Array, "batch entries"],
        fake: Float[Array, "batch entries"],
        condition: Float[Array, "batch entries"],
    ) -> Float[Array, ""]:
        """The discriminator's cost of what the head says of real and of generated rows, its weight included."""
        raise NotImplementedError(f"{type(self).__name__} has no cost of the discriminator")


def cross_entropy(
    layout: Layout, predicted: Float[Array, "batch entries"], condition: Float[Array, "batch entries"]
) -> Float[Array, ""]:
    """E -sum over the labels of a condition of log softmax(predicted)[the label], in nats; 0 for one that is not given.

    The labels stand first among the entries.
    """
    total, start = jnp.zeros(()), 0
    for size in layout.labels:
        here = slice(start, start + size)
        total -= jnp.mean(jnp.sum(condition[:, here] * jax.nn.log_softmax(predicted[:, here]), axis=-1))
        start += size
    return total
