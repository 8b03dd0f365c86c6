"""Sums `total = a + b - c` with coefficients +1 and -1, exact in the decimals of the columns; the total is rebuilt.

Found by linear dependence: columns from the smallest to the largest mean size are reduced against those before them
(QR); one that leaves nothing is their combination. Columns of one sum are missing in the same rows.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.relations.base import (
    DOUBLE,
    KEY,
    NUMBERS,
    SINGLE,
    Columns,
    Relation,
    decimals_of,
    from_numbers,
    is_exact,
    is_two_valued,
    numbers,
    quoted,
    scaled,
)
from gans.data.schema import Schema, arrow_type
from gans.errors import UserError

LEFT = 1e-7  # of its length a dependent column may leave; verification is exact
LEAST_NONZERO = 10  # rows in which a part is not zero
ROWS_PER_PART = 10
LOOKED_AT = 5_000  # rows; what is found is verified on all


@dataclass(kw_only=True)
class Sum(Relation):
    """total = the sum of parts with their signs.

    Attributes:
        signs: +1 or -1 of each part.
        decimals: the most of any column; None where one has many.
        type: the Arrow type of the total.
    """

    kind = "sum"
    total: str
    parts: list[str]
    signs: list[int]
    decimals: int | None = None
    type: str = ""

    @property
    def text(self) -> str:
        """As in `total = a + b - c`."""
        words = [
            f"{'+' if sign > 0 else '-'} {quoted(part)}" for part, sign in zip(self.parts, self.signs, strict=True)
        ]
        return f"{quoted(self.total)} = {' '.join(words).removeprefix('+ ')}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The parts."""
        return tuple(self.parts)

    @property
    def determined(self) -> str:
        """The total."""
        return self.total

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """The decimals in which it is exact."""
        total, *parts = (self.need(name, schema, NUMBERS, table) for name in (self.total, *self.parts))
        if is_two_valued(schema[self.total]):
            raise UserError(
                f"{KEY}: '{self.text}': '{self.total}' has two values only, and sums of generated parts have others"
                f"{self._turned(schema)}."
            )
        self.need_same_missing(table)
        decimals = [decimals_of(column) for column in (total, *parts)]
        self.decimals = None if None in decimals else max(filter(None, decimals), default=0)
        self.type = total.type
        kind = arrow_type(total.type)
        if pa.types.is_integer(kind):
            if any(column.kind != "integer" for column in parts):
                raise UserError(f"{KEY}: '{self.text}': '{self.total}' holds whole numbers only, its parts do not.")
            edges = [sorted(sign * edge for edge in c.bounds or [0]) for c, sign in zip(parts, self.signs, strict=True)]
            least, most = (sum(edge[side] for edge in edges) for side in (0, 1))
            limits = np.iinfo(kind.to_pandas_dtype())
            if least < limits.min or most > limits.max:
                raise UserError(
                    f"{KEY}: '{self.text}': the sum of generated parts can be from {least} to {most}, which {kind}, "
                    f"the type of '{self.total}', cannot hold."
                )

    def _turned(self, schema: Schema) -> str:
        """The same with another total, as advice; "" where no part can be one."""
        for place, (part, sign) in enumerate(zip(self.parts, self.signs, strict=True)):
            if not is_two_valued(schema[part]):
                others = [(self.total, sign)]
                others += [
                    (p, -sign * s) for k, (p, s) in enumerate(zip(self.parts, self.signs, strict=True)) if k != place
                ]
                others.sort(key=lambda one: -one[1])
                turned = Sum(total=part, parts=[name for name, _ in others], signs=[sign for _, sign in others])
                return f"; write {turned.text}"
        return ""

    def values(self, columns: Columns) -> np.ndarray:
        """The sums [rows], NaN where a part is missing."""
        parts = [numbers(columns[part]) for part in self.parts]
        if self.decimals is None:
            return np.sum([sign * part for part, sign in zip(parts, self.signs, strict=True)], axis=0)
        units = [sign * scaled(part, self.decimals) for part, sign in zip(parts, self.signs, strict=True)]
        return np.sum(units, axis=0) / 10.0**self.decimals

    def holds(self, table: pa.Table) -> np.ndarray:
        """True where any column is missing."""
        total, values = numbers(table[self.total]), self.values(table)
        if self.decimals is None:
            single = any(pa.types.is_float32(table[name].type) for name in self.columns)
            scale = np.sum([np.abs(numbers(table[part])) for part in self.parts], axis=0)
            near = np.abs(total - values) <= (SINGLE if single else DOUBLE) * scale
        else:
            near = scaled(total, self.decimals) == scaled(values, self.decimals)
        return near | np.isnan(total) | np.isnan(values)

    def repair(self, table: pa.Table) -> pa.Table:
        """The total rebuilt, where every part is there."""
        place = table.column_names.index(self.total)
        values = self.values(table)
        values = np.where(np.isnan(values), numbers(table[self.total]), values)
        return table.set_column(place, self.total, from_numbers(values, table[self.total].type))

    def restore(self, columns: Columns) -> pa.Array:
        """The total."""
        return from_numbers(self.values(columns), arrow_type(self.type))


def find_sums(
    table: pa.Table, sample: pa.Table, schema: Schema, skip: Collection[str], accept: Callable[[Relation], bool]
) -> Iterator[Sum]:
    """Fitted sums of two parts or more, no total determined twice and none a part of its own.

    Args:
        sample: rows of `table` to look at first.
        skip: columns that are neither totals nor parts.
        accept: whether a found one is taken; it refuses one that would be built from itself.
    """
    groups: dict[bytes, list[str]] = {}
    for column in schema.features:
        if (is_exact(column) or is_two_valued(column)) and column.name not in skip:
            groups.setdefault(np.packbits(table[column.name].is_null()).tobytes(), []).append(column.name)
    for names in groups.values():
        of_many = [name for name in names if not is_two_valued(schema[name])]
        if len(of_many) >= 3:
            yield from _find(table, sample, schema, of_many, accept)
        if len(names) >= 3 and len(of_many) < len(names):  # what is found among numbers does not depend on flags
            two_valued = set(names) - set(of_many)

            def with_flag(relation: Relation, two_valued: set[str] = two_valued) -> bool:
                return bool(two_valued & set(relation.parents)) and accept(relation)

            yield from _find(table, sample, schema, names, with_flag)


def _find(
    table: pa.Table, sample: pa.Table, schema: Schema, names: list[str], accept: Callable[[Relation], bool]
) -> Iterator[Sum]:
    values = np.stack([numbers(sample[name].drop_null()[:LOOKED_AT]) for name in names], 1)
    many = (values != 0).sum(0) >= LEAST_NONZERO
    order = [place for place in np.argsort(np.abs(values).mean(0), kind="stable") if many[place]]
    for chosen, signs in _dependences(values[:, order] if order else values[:, :0]):
        members = [names[order[place]] for place in chosen]
        for total in _totals(signs):
            parts = [
                (name, -sign * signs[total])
                for k, (name, sign) in enumerate(zip(members, signs, strict=True))
                if k != total
            ]
            parts.sort(key=lambda part: (-part[1], names.index(part[0])))
            relation = Sum(total=members[total], parts=[name for name, _ in parts], signs=[sign for _, sign in parts])
            try:
                relation.fit(table, schema)
            except UserError:
                continue
            if accept(relation):
                yield relation
                break


def _dependences(values: np.ndarray) -> Iterator[tuple[list[int], list[int]]]:
    """Columns and their signs such that the signed sum is zero; each column against those before it."""
    values = values[:, : len(values) // ROWS_PER_PART]
    triangle: Any = np.linalg.qr(values, mode="r")  # the same products of columns as `values`, in few rows
    dependent = np.abs(np.diag(triangle)) <= LEFT * np.linalg.norm(triangle, axis=0)
    for place in np.flatnonzero(dependent).tolist():
        basis = np.flatnonzero(~dependent[:place])
        if not len(basis):
            continue
        weights = np.linalg.lstsq(triangle[:, basis], triangle[:, place], rcond=None)[0]
        nearest = np.rint(weights)
        if np.abs(weights - nearest).max() > 1e-3 or np.abs(nearest).max() > 1 or np.abs(nearest).sum() < 2:
            continue
        used = np.flatnonzero(nearest)
        yield [place, *basis[used].tolist()], [-1, *nearest[used].astype(int).tolist()]


def _totals(signs: list[int]) -> list[int]:
    """Which column to rebuild, best first: the only one of its sign (a sum of positives), else the first."""
    lone = [k for k, sign in enumerate(signs) if signs.count(sign) == 1]
    return lone[:1] + [k for k in range(len(signs)) if k not in lone[:1]]
