"""What a term gives."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
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
    """

    rows: Float[Array, "batch width"]
    condition: Float[Array, "batch condition"]
    logits: Float[Array, "batch hots"] | None = None
    features: Float[Array, "packs features"] | None = None
    real_features: Float[Array, "packs features"] | None = None


@dataclass(kw_only=True)
class Term:
    """A cost of the generator beside its objective."""

    def fit(self, layout: Layout, rows: Encoded) -> Any:
        """Arrays that the cost needs to know of the training rows, computed once."""
        del layout, rows
        return ()

    def __call__(self, layout: Layout, known: Any, made: Made, progress: jax.Array) -> Float[Array, ""]:
        """The cost, its weight included.

        Args:
            known: what `fit` returned.
            progress: the share of the run that is over, in [0, 1).
        """
        raise NotImplementedError(f"{type(self).__name__} has no cost")
