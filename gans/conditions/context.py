"""Conditions on the same columns in every row: what is known before the others are drawn."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from gans.conditions.base import Condition, FittedCondition
from gans.conditions.subsets import FittedSubsets
from gans.data.layout import Encoded
from gans.registry import register


class FittedContext(FittedSubsets):
    """A partial row of the columns of the context, and of further ones where the flag is true."""

    def __post_init__(self) -> None:
        super().__post_init__()
        always, _ = self.masks()
        codes = tuple(fitted.code for fitted, given in zip(self.codec.columns, always, strict=True) if given)
        self.layout = dataclasses.replace(self.layout, context=tuple(sorted(code for code in codes if code >= 0)))

    def known(self, encoded: Encoded) -> Any:
        """Nothing by level: rows are picked uniformly."""
        return FittedCondition.known(self, encoded)

    def pick(self, known: Any, keys: Key[Array, " batch"]) -> tuple[Int[Array, " batch"], Int[Array, "batch places"]]:
        """Training rows, uniformly."""
        return FittedCondition.pick(self, known, keys)

    def masks(self) -> tuple[np.ndarray, np.ndarray]:
        """A 1 for each column that is given [columns]: where the flag is false, and where it is true."""
        rule = self.rule
        assert isinstance(rule, Context)
        names = [fitted.column.name for fitted in self.codec.columns]
        always = np.array([name in rule.columns for name in names], np.float32)
        return always, np.maximum(always, np.array([name in rule.flagged for name in names], np.float32))

    def reveal(
        self, real: Float[Array, "batch width"], condition: Int[Array, "batch places"], keys: Key[Array, " batch"]
    ) -> Float[Array, "batch condition"]:
        """The columns of the context of real rows."""
        del condition, keys
        rule = self.rule
        assert isinstance(rule, Context)
        always, flagged = self.masks()
        masks = jnp.broadcast_to(jnp.asarray(always), (real.shape[0], len(always)))
        if rule.flag:
            fitted = self.codec[rule.flag]
            true = self.layout.offsets[fitted.code] + fitted.words().index(True)
            masks = jnp.where(real[:, true, None] > 0.5, jnp.asarray(flagged), masks)
        return jnp.concatenate([real * masks[:, np.array(self.layout.columns, int)], masks], axis=-1)


@register("condition", "context")
@dataclass(kw_only=True)
class Context(Condition):
    """Generator and discriminator are given the same columns of every row, so that the others are drawn for these.

    Attributes:
        columns: that are given in every row.
        flagged: that are given, too, in the rows in which `flag` is true.
        flag: a boolean column, one of `columns`; empty for none.
    """

    fitted: ClassVar[type[FittedCondition]] = FittedContext
    takes_images: ClassVar[bool] = False

    columns: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    flag: str = ""
