"""Conditions on random subsets of columns: one model for every `where`."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from gans.conditions.base import Condition, FittedCondition
from gans.conditions.levels import by_level, pick_level
from gans.data.codecs.columns import FittedColumn
from gans.data.layout import Encoded
from gans.errors import in_range
from gans.registry import register

NO_COLUMN = -1


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

    @property
    def discrete(self) -> dict[int, FittedColumn]:
        """By place the categories and booleans by whose levels rows are picked; none unless the rule picks any so."""
        assert isinstance(self.rule, Subsets)
        columns = self.codec.columns if self.rule.rare else []
        return {place: fitted for place, fitted in enumerate(columns) if fitted.code >= 0 and not fitted.numeric}

    def known(self, encoded: Encoded) -> Any:
        """The rows by level, if some are picked so."""
        if not (discrete := self.discrete):
            return super().known(encoded)
        codes = encoded.codes[:, [fitted.code for fitted in discrete.values()]]
        return by_level(codes, tuple(fitted.cardinality for fitted in discrete.values()))

    def pick(self, known: Any, keys: Key[Array, " batch"]) -> tuple[Int[Array, " batch"], Int[Array, "batch places"]]:
        """Training rows, uniformly or by a level, and the column whose level it was; NO_COLUMN where it was none."""
        rule, discrete = self.rule, self.discrete
        if not discrete:
            return super().pick(known, keys)
        assert isinstance(rule, Subsets)
        sizes = tuple(fitted.cardinality for fitted in discrete.values())
        places = jnp.array(list(discrete), jnp.int32)

        def one(key: Key[Array, ""]) -> tuple[Array, Array]:
            uniform = jax.random.randint(key, (), 0, known["order"].shape[0])
            by_rarity, of_level = jax.random.split(jax.random.fold_in(key, 1))
            row, column, _ = pick_level(known, sizes, of_level)
            rare = jax.random.uniform(by_rarity) < rule.share * rule.rare
            return jnp.where(rare, row, uniform), jnp.where(rare, places[column], NO_COLUMN)[None]

        return jax.vmap(one)(keys)

    def reveal(
        self, real: Float[Array, "batch width"], condition: Int[Array, "batch places"], keys: Key[Array, " batch"]
    ) -> Float[Array, "batch condition"]:
        """A random subset of the columns of the real rows, among them the column by whose level a row was picked."""
        rule, count, discrete = self.rule, len(self.codec.columns), self.discrete
        assert isinstance(rule, Subsets)
        most = min(rule.most, count)
        rare = rule.share * rule.rare if discrete else 0.0
        others = (rule.share - rare) / (1 - rare) if rare < 1 else 0.0  # so that `share` of all rows gives columns

        def mask(key: Key[Array, ""], places: Int[Array, " places"]) -> Float[Array, " columns"]:
            column = places[0] if discrete else NO_COLUMN
            some, how_many, order = jax.random.split(key, 3)
            number = jax.random.randint(how_many, (), 1, most + 1)
            number = jnp.where((column >= 0) | (jax.random.uniform(some) < others), number, 0)
            first = jnp.where(jnp.arange(count) == column, -1.0, jax.random.uniform(order, (count,)))
            return (jnp.argsort(jnp.argsort(first)) < number).astype(jnp.float32)

        masks = jax.vmap(mask)(keys, condition)
        return jnp.concatenate([real * masks[:, np.array(self.layout.columns, int)], masks], axis=-1)


@register("condition", "subsets")
@dataclass(kw_only=True)
class Subsets(Condition):
    """Each training row gives some of its columns to generator and discriminator, drawn anew in every batch.

    Given columns stand in the generated row as they are, so that a condition always holds. After arbitrary
    conditioning (Ivanov et al. 2019, arXiv:1806.02382), by an adversarial loss. A level of 1% of the rows is hardly
    ever given: with `rare` some rows are picked by a level, as CTGAN picks them, and give it. What the others follow
    is not changed by that, since the discriminator sees for both sides what is given; but rows of rare levels come
    many times, and are remembered more.

    Attributes:
        share: of the rows that give any column; the others train the unconditional distribution.
        most: columns given at most; how many is uniform.
        rare: of the rows that give any column, the share that is picked by a level of a category or boolean.
    """

    fitted: ClassVar[type[FittedCondition]] = FittedSubsets
    takes_images: ClassVar[bool] = False

    share: float = 0.5
    most: int = 4
    rare: float = 0.0

    def __post_init__(self) -> None:
        in_range("condition.share", self.share, 0, 1)
        in_range("condition.most", self.most, 1)
        in_range("condition.rare", self.rare, 0, 1)
