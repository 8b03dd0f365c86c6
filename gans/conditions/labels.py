"""Conditions by label columns."""

from dataclasses import dataclass, field

import numpy as np

from gans.conditions.base import Condition
from gans.data.codecs.columns import FittedColumn
from gans.data.layout import Encoded
from gans.errors import UserError, in_range
from gans.registry import register


@register("condition", "labels")
@dataclass(kw_only=True)
class Labels(Condition):
    """One-hot labels of some columns, concatenated to the input of generator and discriminator.

    Mirza & Osindero 2014, arXiv:1411.1784. Numeric columns enter in bins of equal mass.

    Attributes:
        columns: the label columns.
        bins: of a numeric column, at most.
    """

    columns: list[str] = field(default_factory=list)
    bins: int = 10

    def __post_init__(self) -> None:
        in_range("condition.bins", self.bins, 2)
        self.columns = [name for name in self.columns if name]
        if not self.columns:
            raise UserError(
                "condition.columns is empty: condition=labels needs a column, as in condition.columns=[age]."
            )
        twice = [name for name in self.columns if self.columns.count(name) > 1]
        if twice:
            raise UserError(f"condition.columns: column '{twice[0]}' is named twice.")

    def names(self) -> list[str]:
        """The columns."""
        return list(self.columns)

    def _edges(self, fitted: FittedColumn, encoded: Encoded) -> np.ndarray:
        if not fitted.numeric:
            return np.zeros(0)
        values = fitted.decode_numbers(encoded)
        values = values[~fitted.missing(encoded)] if fitted.column.missing else values
        return np.unique(np.quantile(values, np.arange(1, self.bins) / self.bins))
