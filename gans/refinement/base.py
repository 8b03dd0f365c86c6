"""What a refinement gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from gans.data.codecs import FittedCodec
from gans.data.layout import Encoded

Tell = Callable[[str, int, int], None]
"""Takes what is made one after the other, such as trees, how many are done, and how many there will be."""


def untold(what: str, done: int, total: int) -> None:
    """Tell nobody."""


class FittedRefinement(Protocol):
    """A density ratio of real to generated rows.

    Attributes:
        candidates: generated rows of which one is taken.
    """

    candidates: int

    def adjust(self, rows: Encoded, given: np.ndarray | None) -> Encoded:
        """Generated rows before one is taken; columns that are `given`, 1 in [columns], stay as they are."""
        ...

    def log_weights(self, rows: Encoded) -> np.ndarray:
        """The logarithm of the ratio at adjusted rows, [rows], up to a constant."""
        ...

    def save(self, path: Path) -> None:
        """Write to one file."""
        ...


@dataclass(kw_only=True)
class Refinement:
    """How rows of the trained generator are refined; here not at all.

    Attributes:
        takes_images: whether the table may hold images.
    """

    takes_images: ClassVar[bool] = True

    def check(self) -> None:
        """Raise UserError where what it needs is not installed; called before anything is trained."""

    def needs(self, rows: int, width: int = 1) -> int:
        """How many generated rows `fit` needs for this many training rows of `width` numbers and codes; 0 for none."""
        del rows, width
        return 0

    def fit(self, codec: FittedCodec, real: Encoded, generated: Encoded, tell: Tell = untold) -> FittedRefinement:
        """Learn the ratio from training rows and from rows of the trained generator, and `tell` how far it is."""
        raise NotImplementedError(f"{type(self).__name__} refines nothing")

    def load(self, path: Path, codec: FittedCodec) -> FittedRefinement | None:
        """Read what `save` of its fitted form wrote; None where there is none.

        Raises:
            UserError: the file is damaged.
        """
        del path, codec
        return None
