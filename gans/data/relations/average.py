"""Totals `total / count` that are learned as averages: the model sees what a total is for each of a count."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gans.data.relations.base import KEY, NUMBERS, Columns, Relation, decimals_of, from_numbers, numbers, quoted
from gans.data.schema import Schema, arrow_type
from gans.errors import UserError


@dataclass(kw_only=True)
class Average(Relation):
    """A total over a count of things, such as what a customer spent in so many orders; 0 where there are none.

    A network divides badly by itself: of a customer with many orders a total that is a little off is an average that no
    customer has. The average takes the place of the total; the rebuilt total is rounded to the decimals of the training
    rows and clipped into their range.

    Attributes:
        type: the Arrow type of the total.
        bounds: its smallest and largest value.
        decimals: of the total; None where it has many.
    """

    kind = "average"
    drops = False
    total: str
    count: str
    type: str = ""
    bounds: list[float] = field(default_factory=list)
    decimals: int | None = None

    @property
    def text(self) -> str:
        """As in `spent / orders`."""
        return f"{quoted(self.total)} / {quoted(self.count)}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The count."""
        return (self.count,)

    @property
    def determined(self) -> str:
        """The total."""
        return self.total

    @property
    def seen_name(self) -> str:
        """The average."""
        return f"{self.total} / {self.count}"

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """The range and the decimals of the total."""
        self.need(self.count, schema, ("integer",), table)
        total = self.need(self.total, schema, NUMBERS, table)
        self.need_same_missing(table)
        values = numbers(table[self.total])
        self.type, self.decimals = total.type, decimals_of(total)
        self.bounds = [float(np.nanmin(values)), float(np.nanmax(values))]
        if len(np.unique(self._average(table))) < 2:
            raise UserError(f"{KEY}: '{self.text}': the average is the same in every row.")

    def holds(self, table: pa.Table) -> np.ndarray:
        """Whether the count is no less than 0, and the total 0 where the count is; True where either is missing."""
        count, total = numbers(table[self.count]), numbers(table[self.total])
        return ~((count < 0) | ((count == 0) & (np.nan_to_num(total) != 0)))

    def _average(self, columns: Columns) -> np.ndarray:
        count, total = numbers(columns[self.count]), numbers(columns[self.total])
        return np.where(count == 0, 0.0 * total, total / np.where(count == 0, 1, count))

    def reduce(self, columns: Columns) -> pa.Array:
        """The average, 0 where the count is."""
        return from_numbers(self._average(columns), pa.float64())

    def restore(self, columns: Columns) -> pa.Array:
        """The average times the count."""
        values = numbers(columns[self.count]) * numbers(columns[self.total])
        least, most = self.bounds
        inside = np.where(numbers(columns[self.count]) == 0, values, np.clip(values, least, most))
        return from_numbers(inside, arrow_type(self.type), self.decimals)


def that_fit(averages: Iterable[Average], table: pa.Table, schema: Schema) -> list[Average]:
    """Those that can be learned from the training rows."""
    out = []
    for average in averages:
        try:
            average.fit(table, schema)
        except UserError:
            continue
        out.append(average)
    return out
