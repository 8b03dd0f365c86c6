"""Formulas between two numbers: `b = s * a + t` and `b = a ^ 2`, exact to the decimals of b or to float rounding."""

import dataclasses
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gans.data.relations.base import (
    NUMBERS,
    SINGLE,
    Columns,
    Relation,
    decimals_of,
    from_numbers,
    is_exact,
    number,
    numbers,
    quoted,
)
from gans.data.schema import Schema, arrow_type
from gans.errors import UserError

LEAST_DISTINCT = 5
NUDGE = 1e-6  # of the last decimal: decides whether halves are rounded up or down
FIRST_LOOK = 512
FIGURES = 15
SLACK = 2.1  # times the largest error of the least squares; halves that go one way need 2


@dataclass(kw_only=True)
class Formula(Relation):
    """target = slope * source ^ power + intercept, both missing in the same rows.

    Attributes:
        decimals: of the target; None where it has many, and then the formula holds up to the rounding of 32 bits.
        nudge: added before rounding, so that halves go the way that they went in the training rows.
        type: the Arrow type of the target.
    """

    kind = "formula"
    target: str
    source: str
    power: int = 1
    slope: float = 1.0
    intercept: float = 0.0
    decimals: int | None = None
    nudge: float = 0.0
    type: str = ""

    @property
    def text(self) -> str:
        """As in `fahrenheit = 1.8 * celsius + 32`, `square = value ^ 2`."""
        slope = "" if self.slope == 1 else f"{number(self.slope)} * "
        power = "" if self.power == 1 else f" ^ {self.power}"
        sign = "" if self.intercept == 0 else f" {'+' if self.intercept > 0 else '-'} {number(abs(self.intercept))}"
        return f"{quoted(self.target)} = {slope}{quoted(self.source)}{power}{sign}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The source."""
        return (self.source,)

    @property
    def determined(self) -> str:
        """The target."""
        return self.target

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """The target's decimals, and how halves were rounded."""
        self.need(self.source, schema, NUMBERS, table)
        target = self.need(self.target, schema, NUMBERS, table)
        self.need_same_missing(table)
        self.decimals, self.type = decimals_of(target), target.type
        if self.decimals is not None:
            step = NUDGE * 10.0**-self.decimals
            nudges = (0.0, step, -step)
            shares = [dataclasses.replace(self, nudge=nudge).holds(table).mean() for nudge in nudges]
            self.nudge = nudges[int(np.argmax(shares))]
        self.support = {"distinct": schema[self.source].levels}

    def values(self, source: np.ndarray) -> np.ndarray:
        """Unrounded values [rows] float64."""
        return self.slope * source**self.power + self.intercept + self.nudge

    def holds(self, table: pa.Table) -> np.ndarray:
        """True where either is missing."""
        source, target = numbers(table[self.source]), numbers(table[self.target])
        expected = self.values(source)
        scale = np.abs(expected - self.intercept) + abs(self.intercept)
        decimals = 0 if pa.types.is_integer(table[self.target].type) else self.decimals
        if decimals is None:
            near = np.abs(expected - target) <= SINGLE * scale
        else:
            near = np.abs(np.round(expected, decimals) - target) <= np.minimum(1e-9 * scale, 0.1 * 10.0**-decimals)
        return near | np.isnan(source) | np.isnan(target)

    def repair(self, table: pa.Table) -> pa.Table:
        """The target by the formula, where the source is there."""
        place = table.column_names.index(self.target)
        kind = table[self.target].type
        values = self.values(numbers(table[self.source]))
        values = np.where(np.isnan(values), numbers(table[self.target]), values)
        return table.set_column(place, self.target, from_numbers(values, kind, self.decimals))

    def restore(self, columns: Columns) -> pa.Array:
        """The target by the formula."""
        return from_numbers(self.values(numbers(columns[self.source])), arrow_type(self.type), self.decimals)


def find_formulas(
    table: pa.Table, sample: pa.Table, schema: Schema, skip: Collection[str], accept: Callable[[Relation], bool]
) -> Iterator[Formula]:
    """Fitted formulas; of columns that give each other the first one is kept.

    Args:
        sample: rows of `table` to look at first.
        skip: columns that are not to be rebuilt, nor to be rebuilt from.
        accept: whether a found one is taken.
    """
    features = [c for c in schema.features if is_exact(c) and c.name not in skip and c.levels >= LEAST_DISTINCT]
    if len(features) < 2:
        return
    values = np.stack([numbers(sample[c.name]) for c in features], 1)
    steps = np.array([0 if (d := decimals_of(c)) is None else 10.0**-d for c in features])
    gone = np.isnan(values)
    largest = np.where(gone, 0, np.abs(values)).max(0)
    determined: set[int] = set()
    for source, column in enumerate(features):
        if source in determined or gone[:, source].all():
            continue
        same = (gone == gone[:, source, None]).all(0)
        for power in (1, 2):
            raw = values[:, source] ** power
            low, high = np.nanargmin(raw), np.nanargmax(raw)
            if raw[low] == raw[high]:
                continue
            slopes = (values[high] - values[low]) / (raw[high] - raw[low]) if power == 1 else np.ones(len(features))
            intercepts = values[low] - slopes * raw[low] if power == 1 else np.zeros(len(features))
            look = slice(0, FIRST_LOOK)
            off = np.abs(values[look] - raw[look, None] * slopes - intercepts)
            near = (gone[look] | (off <= 2 * steps + 2 * SINGLE * largest)).all(0) & (slopes != 0) & same
            for target in np.flatnonzero(near).tolist():
                if target == source or target in determined:
                    continue
                formula = Formula(target=features[target].name, source=column.name, power=power)
                if _settle(formula, values[:, target], raw, (sample, table), schema) and accept(formula):
                    determined.add(target)
                    yield formula


def _settle(
    formula: Formula, target: np.ndarray, raw: np.ndarray, tables: tuple[pa.Table, ...], schema: Schema
) -> bool:
    """Fit with the shortest coefficients that reproduce every row; False where none does."""
    for slope, intercept in _coefficients(target, raw) if formula.power == 1 else [(1.0, 0.0)]:
        formula.slope, formula.intercept = slope, intercept
        try:
            for table in tables:
                formula.fit(table, schema)
        except UserError:
            continue
        return True
    return False


def _coefficients(target: np.ndarray, raw: np.ndarray) -> Iterator[tuple[float, float]]:
    """Pairs (slope, intercept) near the least squares, rounded to ever more figures; those that fit the sample."""
    there = ~(np.isnan(target) | np.isnan(raw))
    x, y = raw[there], target[there]
    centre = x.mean()
    slope = ((x - centre) * (y - y.mean())).sum() / ((x - centre) ** 2).sum()
    scale = np.abs(y).max() + abs(slope) * np.abs(x).max()
    best = np.abs(y - slope * x - (y.mean() - slope * centre)).max()
    for figures in range(1, FIGURES + 1):
        rounded = float(f"{slope:.{figures}g}")
        rest = float((y - rounded * x).mean())
        for intercept in dict.fromkeys([0.0, *(float(f"{rest:.{more}g}") for more in range(1, FIGURES + 1))]):
            if rounded and np.abs(y - rounded * x - intercept).max() <= SLACK * best + SINGLE * scale:
                yield rounded, intercept
