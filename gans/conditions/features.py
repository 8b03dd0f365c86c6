"""What the features of rows and conditions are, by column and level, so that those of two tables can be matched."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from gans.conditions.base import FittedCondition
from gans.conditions.subsets import FittedSubsets
from gans.data.codecs.columns import FittedColumn

Key = Hashable


@dataclass(frozen=True)
class Features:
    """By place what a feature is: (column, what of it).

    Attributes:
        scalars: of a row, but for pixels.
        hots: of its one-hots.
        condition: of what generator and discriminator are given.
    """

    scalars: list[Key]
    hots: list[Key]
    condition: list[Key]


def features_of(condition: FittedCondition, names: Mapping[str, str | None], entries: int) -> Features:
    """The features of rows of a layout.

    Args:
        names: what columns are called, where they have another name than their own, or None where they have none.
        entries: length of a condition.
    """
    codec = condition.codec
    called = {fitted.column.name: names.get(fitted.column.name, fitted.column.name) for fitted in codec.columns}
    numbers = sorted((one for one in codec.columns if one.scalar >= 0), key=lambda one: one.scalar)
    coded = sorted((one for one in codec.columns if one.code in condition.left), key=lambda one: one.code)
    scalars: list[Key] = [(called[one.column.name], "number") for one in numbers]
    hots: list[Key] = [(called[one.column.name], word) for one in coded for word in levels_of(one)]
    given: list[Key] = [
        (called[one.column.name], word)
        for one, size in zip(condition.columns, condition.cardinalities, strict=True)
        for word in (levels_of(one) if size == one.cardinality else [("bin", place) for place in range(size)])
    ]
    if isinstance(condition, FittedSubsets):
        given = [*scalars, *hots, *((called[one.column.name], "given") for one in codec.columns)]
    return Features(scalars, hots, given if len(given) == entries else [("entry", place) for place in range(entries)])


def levels_of(fitted: FittedColumn) -> list[Any]:
    """The levels of a code: of a category its own, of a number its modes, then values; None is missing."""
    if not fitted.numeric:
        return ["missing" if level is None else ("level", str(level)) for level in fitted.levels]
    modes = [("mode", place, len(fitted.knots)) for place in range(len(fitted.knots))]
    atoms = [("level", f"{value + fitted.origin:g}") for value in fitted.atoms]
    return [*modes, *atoms, *["missing"] * fitted.column.missing]
