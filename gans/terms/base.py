"""What a term gives."""

from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array, Float

from gans.data.layout import Encoded, Layout


@dataclass(kw_only=True)
class Term:
    """A cost of the generator beside its objective."""

    def fit(self, layout: Layout, rows: Encoded) -> Any:
        """Arrays that the cost needs to know of the training rows, computed once."""
        del layout, rows
        return ()

    def __call__(
        self, layout: Layout, known: Any, fake: Float[Array, "batch width"], progress: jax.Array
    ) -> Float[Array, ""]:
        """The cost, its weight included.

        Args:
            known: what `fit` returned.
            progress: the share of the run that is over, in [0, 1).
        """
        raise NotImplementedError(f"{type(self).__name__} has no cost")
