"""Functional dependencies: `education -> education-num`, a lookup table of the values that were seen.

The determinant is a category, a boolean, or a whole number or time with at most 1,000 distinct values; a missing value
is a level of its own. A generated whole number or time that was never seen is moved to the nearest one that was. Only
single determinants are sought.
"""

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.relations.base import (
    KEY,
    Columns,
    Relation,
    from_plain,
    from_ticks,
    numbers,
    pc,
    quoted,
    ticks,
    to_plain,
)
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError

MOST_SNAPPED = 1_000
COVERED = 0.95  # share of rows in groups of two or more
RARE_ROWS = 10  # agreeing rows whose value is not the commonest one
CERTAIN = 20.0  # natural logarithm of how unlikely the agreement is by chance, over the number of pairs
FIRST_LOOK = 500


@dataclass(kw_only=True)
class Functional(Relation):
    """Each value of `source` has one value of `target`; a value that was never seen has any.

    Attributes:
        keys: the values of `source` that were seen, None for missing, as JSON holds them.
        values: those of `target`.
        types: their Arrow types.
    """

    kind = "functional"
    source: str
    target: str
    keys: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As in `city -> country`."""
        return f"{quoted(self.source)} -> {quoted(self.target)}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The determinant."""
        return (self.source,)

    @property
    def determined(self) -> str:
        """The column that is looked up."""
        return self.target

    @property
    def snapped(self) -> str:
        """The determinant, where it is a number or a time."""
        return self.source if self.support.get("snaps") else ""

    @cached_property
    def _map(self) -> tuple[pa.Array, pa.Array]:
        if not self.types:
            raise UserError(f"'{self.text}': what follows from what is learned from a table; there is none here.")
        source, target = map(arrow_type, self.types)
        return from_plain(self.keys, source), from_plain(self.values, target)

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """The lookup table: of each value of `source` the first value of `target`."""
        self.check_column(self.target, schema)
        column = self.need(self.source, schema, ("category", "boolean", "integer", "datetime"))
        snaps = column.kind in ("integer", "datetime")
        if snaps and column.levels > MOST_SNAPPED:
            raise UserError(
                f"{KEY}: '{self.text}': column '{self.source}' is {column.kind} with {column.levels:,} distinct "
                f"values; at most {MOST_SNAPPED:,} are allowed."
            )
        _, first = np.unique(level_codes(table[self.source]), return_index=True)
        seen = table.select([self.source, self.target]).take(first)
        self.keys, self.values = to_plain(seen[self.source]), to_plain(seen[self.target])
        self.types = [column.type, schema[self.target].type]
        self.support = {"levels": len(first), "snaps": snaps}

    def holds(self, table: pa.Table) -> np.ndarray:
        """Missing is a level of its own; True where `source` has a value that was never seen."""
        keys, values = self._map
        place = _places(table[self.source], keys)
        distinct = pc.unique(values)
        return (place < 0) | (_places(values, distinct)[place] == _places(table[self.target], distinct))

    def restore(self, columns: Columns) -> pa.Array:
        """Look it up."""
        keys, values = self._map
        return values.take(pc.index_in(_chunk(columns[self.source]).cast(keys.type), value_set=keys))

    def snap(self, array: Any) -> pa.Array:
        """The nearest value that was seen; missing stays missing."""
        keys = self._map[0]
        array = _chunk(array)
        temporal = pa.types.is_temporal(keys.type)
        seen = np.sort((ticks if temporal else numbers)(keys.drop_null()))
        missing = array.is_null().to_numpy(zero_copy_only=False)
        values = ticks(array) if temporal else np.where(missing, 0, numbers(pc.fill_null(array, 0)))
        right = np.clip(np.searchsorted(seen, values), 1 if len(seen) > 1 else 0, len(seen) - 1)
        left = np.maximum(right - 1, 0)
        near = np.where(values - seen[left] <= seen[right] - values, seen[left], seen[right])
        if temporal:
            return from_ticks(near, missing, array.type)
        return pa.array(near, pa.float64(), mask=missing).cast(array.type)

    def surprise(self, table: pa.Table) -> float:
        """How unlikely it is by chance that rows of equal `source` agree: -log probability under `target`'s shares.

        0 where that says nothing: too many rows are alone with their value, or hardly any but the commonest value of
        `target` is ever seen twice.
        """
        source, target = level_codes(table[self.source]), level_codes(table[self.target])
        counts = np.bincount(source)
        alone = np.zeros(len(source), bool)
        alone[np.unique(source, return_index=True)[1]] = True
        if counts[counts >= 2].sum() < COVERED * len(source):
            return 0.0
        shares = np.bincount(target) / len(target)
        agreeing = target[~alone]
        if (agreeing != shares.argmax()).sum() < RARE_ROWS:
            return 0.0
        return float(-np.log(shares[agreeing]).sum())


def find_functional(
    table: pa.Table, sample: pa.Table, schema: Schema, skip: Collection[str], accept: Callable[[Relation], bool]
) -> Iterator[Functional]:
    """Fitted dependencies that chance does not explain, none of which determines a determinant.

    Determinants with many levels come first, so that of a chain a -> b -> c a determines both; of columns that
    determine each other text is kept, then booleans, coded categories, times and numbers.

    Args:
        sample: rows of `table` to look at first.
        skip: columns that are not to be determined, nor to determine.
        accept: whether a found one is taken.
    """
    features = [column for column in schema.features if column.name not in skip]
    codes = np.stack([level_codes(sample[c.name]) for c in features], 1) if features else np.zeros((0, 0), int)
    order = sorted(range(len(features)), key=lambda place: (-features[place].levels, *_preference(features[place])))
    pairs = math.log(max(len(features) * (len(features) - 1), 1))
    determined: set[int] = set()
    for source in order:
        if source in determined or not _can_determine(features[source]):
            continue
        _, first = np.unique(codes[:, source], return_index=True)
        look = slice(0, FIRST_LOOK)
        fits = (codes[first][codes[look, source]] == codes[look]).all(axis=0)
        for target in np.flatnonzero(fits).tolist():
            if target == source or target in determined:
                continue
            if not np.array_equal(codes[first, target][codes[:, source]], codes[:, target]):
                continue
            relation = Functional(source=features[source].name, target=features[target].name)
            surprise = relation.surprise(table)
            if surprise < CERTAIN + pairs:
                continue
            try:
                relation.fit(table, schema)
            except UserError:
                continue
            relation.support["log10_chance"] = round(-surprise / math.log(10), 1)
            if accept(relation):
                determined.add(target)
                yield relation


def _can_determine(column: Column) -> bool:
    plain = column.kind in ("category", "boolean")
    return plain or (column.kind in ("integer", "datetime") and column.levels <= MOST_SNAPPED)


def _preference(column: Column) -> tuple[int]:
    kinds = ("boolean", "category", "datetime", "integer", "numeric")
    return (0 if column.type == "string" else 1 + kinds.index(column.kind),)


def level_codes(array: pa.ChunkedArray) -> np.ndarray:
    """Levels as int [rows], missing as a level of its own."""
    encoded = _chunk(array).dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False)


def _chunk(array: Any) -> pa.Array:
    """One array of what may be several."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _places(array: Any, among: pa.Array) -> np.ndarray:
    found = pc.index_in(_chunk(array).cast(among.type), value_set=among)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
