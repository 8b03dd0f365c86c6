"""What an objective gives."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Float


@dataclass(kw_only=True)
class Objective:
    """Two losses of critic outputs C, logits [batch] on real and on generated rows. Both are minimised.

    Attributes:
        takes: the penalties that may be added to the discriminator's loss; None for any.
        needs: the penalties and keys of which one is needed, since the discriminator's loss has no finite optimum
            without; a penalty comes first.
        per_example: whether the losses are means over examples, each by itself; not so where a mean over the batch is
            compared with.
    """

    takes: ClassVar[tuple[str, ...] | None] = None
    needs: ClassVar[tuple[str, ...]] = ()
    per_example: ClassVar[bool] = True

    def discriminator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """The discriminator's loss."""
        raise NotImplementedError(f"{type(self).__name__} has no discriminator loss")

    def generator(self, real: Float[Array, " batch"], fake: Float[Array, " batch"]) -> Float[Array, ""]:
        """The generator's loss."""
        raise NotImplementedError(f"{type(self).__name__} has no generator loss")
