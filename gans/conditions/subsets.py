"""Conditions on random subsets of columns: one model for every `where`."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from gans.conditions.base import Condition, FittedCondition
from gans.errors import in_range
from gans.registry import register


class FittedSubsets(FittedCondition):
    """A partial row: the wide row with the columns that are not given at zero, then a mask of one entry a column."""

    takes_any_column: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layout = dataclasses.replace(self.layout, partial=True)

    def wide(self, condition: Int[Array, "batch columns"]) -> Float[Array, "batch condition"]:
        """Nothing is given."""
        return jnp.zeros((condition.shape[0], self.layout.width + len(self.codec.columns)))

    def partial(
        self, scalars: Float[Array, "batch scalars"], codes: Int[Array, "batch codes"], given: Float[Array, " columns"]
    ) -> Float[Array, "batch condition"]:
        """The columns that are given, 1 in `given`, from rows in which they have their place."""
        mask = jnp.broadcast_to(given, (scalars.shape[0], given.shape[0]))
        wide = self.layout.wide(scalars, codes)
        return jnp.concatenate([wide * mask[:, np.array(self.layout.columns, int)], mask], axis=-1)

    def reveal(self, real: Float[Array, "batch width"], condition: Any, keys: Key[Array, " batch"]) -> Array:
        """A random subset of the columns of the real rows [batch, width + columns]."""
        rule, count = self.rule, len(self.codec.columns)
        assert isinstance(rule, Subsets)
        most = min(rule.most, count)

        def mask(key: jax.Array) -> jax.Array:
            some, how_many, order = jax.random.split(key, 3)
            number = jax.random.randint(how_many, (), 1, most + 1)
            number = jnp.where(jax.random.uniform(some) < rule.share, number, 0)
            rank = jnp.argsort(jnp.argsort(jax.random.uniform(order, (count,))))
            return (rank < number).astype(jnp.float32)

        masks = jax.vmap(mask)(keys)
        return jnp.concatenate([real * masks[:, np.array(self.layout.columns, int)], masks], axis=-1)


@register("condition", "subsets")
@dataclass(kw_only=True)
class Subsets(Condition):
    """Each training row gives some of its columns to generator and discriminator, drawn anew in every batch.

    Given columns stand in the generated row as they are, so that a condition always holds. After arbitrary
    conditioning (Ivanov et al. 2019, arXiv:1806.02382), by an adversarial loss.

    Attributes:
        share: of the rows that give any column; the others train the unconditional distribution.
        most: columns given at most; how many is uniform.
    """

    fitted: ClassVar[type[FittedCondition]] = FittedSubsets
    takes_images: ClassVar[bool] = False

    share: float = 0.5
    most: int = 4

    def __post_init__(self) -> None:
        in_range("condition.share", self.share, 0, 1)
        in_range("condition.most", self.most, 1)
