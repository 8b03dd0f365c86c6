"""Columns that are often the same: `PAY_AMT1 ~ BILL_AMT2`, a bill that is paid in full.

The model sees a missing value where the two are the same, which is a level of its own, and `restore` copies the other
column there. So that rows are the same to the last digit as often as in the training rows, which no smooth map of two
numbers would give. It says nothing about single rows: any row holds it.

Sought are pairs of numbers or times of one type that are equal in at least 3 % of the rows, values that more than 1 %
of the rows share left out, and ten times as often as chance would have it.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from gans.data.relations.base import KEY, NUMBERS, Columns, Relation, pc, quoted, ticks
from gans.data.schema import Schema
from gans.errors import UserError

OFTEN = 0.03
HEAVY = 0.01
CHANCE = 10.0


@dataclass(kw_only=True)
class Sameness(Relation):
    """`target` is often the same as `source`."""

    kind = "sameness"
    drops = False
    source: str
    target: str

    @property
    def text(self) -> str:
        """As in `PAY_AMT1 ~ BILL_AMT2`."""
        return f"{quoted(self.target)} ~ {quoted(self.source)}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The column that is copied."""
        return (self.source,)

    @property
    def determined(self) -> str:
        """The column that is sometimes a copy."""
        return self.target

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """How often they are the same."""
        source, target = (self.need(name, schema, (*NUMBERS, "datetime")) for name in (self.source, self.target))
        if source.type != target.type:
            raise UserError(f"{KEY}: '{self.text}': {source.type} and {target.type} are never the same.")
        if target.missing:
            raise UserError(f"{KEY}: '{self.text}': '{self.target}' has missing values, which stand for the same here.")
        self.support = {"same": round(float(self._same(table).mean()), 4)}

    def holds(self, table: pa.Table) -> np.ndarray:
        """Every row holds it."""
        return np.ones(table.num_rows, bool)

    def reduce(self, columns: Columns) -> pa.Array:
        """Missing where they are the same."""
        target = columns[self.target]
        return pc.if_else(pa.array(self._same(columns)), pa.scalar(None, target.type), target)

    def restore(self, columns: Columns) -> pa.Array:
        """The copy where it is missing."""
        return pc.coalesce(columns[self.target], columns[self.source])

    def _same(self, columns: Columns) -> np.ndarray:
        same = pc.equal(columns[self.target], columns[self.source])
        return pc.fill_null(same, False).to_numpy(zero_copy_only=False)


def find_sameness(
    table: pa.Table, sample: pa.Table, schema: Schema, skip: Collection[str], accept: Callable[[Relation], bool]
) -> Iterator[Sameness]:
    """Fitted pairs, those that are the same most often first; the one with fewer such partners is the copy."""
    columns = [c for c in schema.features if c.kind in (*NUMBERS, "datetime") and c.name not in skip]
    values, shares = {}, {}
    for column in columns:
        array = sample[column.name]
        if array.null_count:
            continue
        values[column.name] = ticks(array) if pa.types.is_temporal(array.type) else array.to_numpy()
        shares[column.name] = _rare_shares(values[column.name])
    found = []
    for first, second in combinations(values, 2):
        if schema[first].type != schema[second].type:
            continue
        same = (values[first] == values[second]) & np.isin(values[first], shares[first][0])
        share, expected = float(same.mean()), _by_chance(shares[first], shares[second])
        if share >= OFTEN and share > CHANCE * expected:
            found.append((share, first, second))
    partners = {name: sum(name in pair for _, *pair in found) for name in values}
    for _, first, second in sorted(found, reverse=True):
        source, target = (first, second) if partners[first] > partners[second] else (second, first)
        relation = Sameness(source=source, target=target)
        if accept(relation):
            relation.fit(table, schema)
            yield relation


def _rare_shares(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that few rows share, ascending, and the shares of rows that hold them."""
    distinct, counts = np.unique(values, return_counts=True)
    rare = counts <= HEAVY * len(values)
    return distinct[rare], counts[rare] / len(values)


def _by_chance(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """How often two independent columns would hold the same of these values."""
    _, one, other = np.intersect1d(first[0], second[0], assume_unique=True, return_indices=True)
    return float((first[1][one] * second[1][other]).sum())
