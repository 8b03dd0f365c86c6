"""Columns that are often the same: `PAY_AMT1 ~ BILL_AMT2`, a bill that is paid in full.

Beside the two the model sees their ratio: 1 where they are the same, missing where it tells nothing; and `restore`
copies the other column where it is 1. So rows are the same to the last digit as often as in the training rows, which no
smooth map of two numbers would give. Such numbers are often also close to a fixed share of each other, as a bill and
its least payment: where their ratio lies in a narrow band that holds more rows than its surroundings, the model sees it
too, and `restore` multiplies. It says nothing about single rows: any row holds it.

Sought are pairs of numbers or times of one type that are equal in at least 3% of the rows and in 20, values that more
than 1% of the rows share left out, and ten times as often as chance would have it. Of pairs that close a circle the
ones that are the same least often are left out, so that each column is a copy of at most one.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.relations.base import (
    KEY,
    NUMBERS,
    SINGLE,
    Columns,
    Relation,
    decimals_of,
    from_numbers,
    numbers,
    pc,
    quoted,
    ticks,
)
from gans.data.schema import Schema
from gans.errors import UserError

OFTEN = 0.03
LEAST_ROWS = 20
HEAVY = 0.01
CHANCE = 10.0
STEP = 0.01  # of the logarithm of a ratio
REACH = 4.0  # the largest such logarithm
AROUND = 25  # steps on both sides that a band is compared with
SHARPER = 2.0  # than its surroundings
LEAST_STEPS = 100  # of the smallest unit that both numbers have where their ratio is fine enough to tell
IN_BAND = 0.01  # of the rows, for a band
IN_BANDS = 0.05  # for all of them
COMMON = 0.002  # share of rows from which on a value is one of its own, as round ones are, whatever the ratio


@dataclass(kw_only=True)
class Sameness(Relation):
    """`target` is often the same as `source`.

    Attributes:
        bands: narrow ranges of target / source where many rows lie, [low, high] of each, ascending.
        bounds: of the target, of times in ticks.
        decimals: of the target; None for times and for numbers with many.
        step: of the target's times, in ticks; 0 for numbers.
        common: values of the target that are left as they are, where there are bands.
    """

    kind = "sameness"
    drops, keeps = False, True
    source: str
    target: str
    bands: list[list[float]] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    decimals: int | None = None
    step: int = 0
    common: list[float] = field(default_factory=list)

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
        if self.further_name in [column.name for column in schema.columns]:
            raise UserError(f"{KEY}: '{self.text}': the table has a column '{self.further_name}' already.")
        self.support = {"same": round(float(self._same(table).mean()), 4)}
        there = table[self.target].drop_null()
        if target.kind == "datetime":
            times = ticks(there)
            self.bounds = [int(times.min()), int(times.max())]
            self.step = max(int(np.gcd.reduce(times - times.min())), 1)
            return
        self.bounds, self.decimals = [float(edge) for edge in target.bounds or ()], decimals_of(target)
        self._learn_bands(table)

    def _learn_bands(self, table: pa.Table) -> None:
        """The bands that hold enough of the rows, if they do together."""
        values, counts = np.unique(numbers(table[self.target]), return_counts=True)
        self.common = values[counts >= COMMON * table.num_rows].tolist()
        ratios = self._ratios(table)
        for low, high in find_bands(ratios[~np.isnan(ratios)]):
            if ((ratios >= low) & (ratios <= high)).mean() >= IN_BAND:
                self.bands.append([low, high])
        share = float(self._inside(ratios).mean())
        if share < IN_BANDS:
            self.bands, self.common = [], []
        else:
            self.support["in_bands"] = round(share, 4)

    def holds(self, table: pa.Table) -> np.ndarray:
        """Every row holds it, of a table from which it was learned how often they are the same."""
        if not self.bounds:
            raise UserError(f"'{self.text}': how often they are the same is learned from a table; there is none here.")
        return np.ones(table.num_rows, bool)

    @property
    def further_name(self) -> str:
        """As in `PAY_AMT1 / BILL_AMT2`."""
        return f"{self.target} / {self.source}"

    def further(self, columns: Columns) -> pa.Array:
        """The ratio: 1 where they are the same, missing where it lies in no band."""
        same = self._same(columns)
        ratios = self._ratios(columns) if self.bands else np.full(len(same), np.nan)
        return pa.array(np.where(same, 1.0, ratios), mask=~(same | self._inside(ratios)))

    def restore(self, columns: Columns) -> pa.Array:
        """The source where the ratio is 1 and the target can hold it; elsewhere the source times the ratio, within the
        bounds of training rows and where that is large enough; else the target as it is."""
        target, source, ratio = columns[self.target], columns[self.source], columns[self.further_name]
        one = pc.fill_null(pc.equal(ratio, 1.0), False)
        if self.bands:
            low, high = self.bounds
            scaled = from_numbers(np.clip(numbers(source) * numbers(ratio), low, high), target.type, self.decimals)
            fits = self._fine(numbers(source), numbers(scaled)) & ~one.to_numpy(zero_copy_only=False)
            target = pc.if_else(pa.array(fits), scaled, target)
        return pc.if_else(pc.and_(one, pa.array(self._can_hold(source))), source, target)

    def invert(self, columns: Columns) -> pa.Array:
        """The source that belongs to the target where there is a ratio, else as it is."""
        target, source, ratio = columns[self.target], columns[self.source], columns[self.further_name]
        if self.bands:
            divided = from_numbers(numbers(target) / numbers(ratio), source.type, self.decimals)
            source = pc.if_else(pa.array(self._fine(numbers(divided), numbers(target))), divided, source)
        return pc.if_else(pc.fill_null(pc.equal(ratio, 1.0), False), target, source)

    def _can_hold(self, source: Any) -> np.ndarray:
        """Which values [rows] of the source are there and lie within the bounds and on the grid of the target."""
        low, high = self.bounds
        if self.step:
            times = ticks(source)
            fits = (times >= low) & (times <= high) & ((times - int(low)) % self.step == 0)
        else:
            values = numbers(source)
            fits = (values >= low) & (values <= high)
            if self.decimals is not None:
                fits &= np.abs(np.round(values, self.decimals) - values) <= SINGLE * np.abs(values)
        return fits & source.is_valid().to_numpy(zero_copy_only=False)

    def _ratios(self, columns: Columns) -> np.ndarray:
        """Target / source [rows], NaN where they are the same, common, too small or missing."""
        source, target = numbers(columns[self.source]), numbers(columns[self.target])
        fine = self._fine(source, target) & (source != target)
        return np.divide(target, source, out=np.full(len(source), np.nan), where=fine)

    def _fine(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Where both are there and large enough for a ratio, and the target is not common."""
        least = 0.0 if self.decimals is None else LEAST_STEPS * 10.0**-self.decimals
        return (source > least) & (target > least) & ~np.isin(target, self.common)

    def _inside(self, ratios: np.ndarray) -> np.ndarray:
        """Which ratios lie in a band."""
        inside = np.zeros(len(ratios), bool)
        for low, high in self.bands:
            inside |= (ratios >= low) & (ratios <= high)
        return inside

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
        if table[column.name].null_count:
            continue
        values[column.name] = ticks(array) if pa.types.is_temporal(array.type) else array.to_numpy()
        shares[column.name] = _rare_shares(values[column.name])
    found = []
    for first, second in combinations(values, 2):
        if schema[first].type != schema[second].type:
            continue
        same = (values[first] == values[second]) & np.isin(values[first], shares[first][0])
        share, expected = float(same.mean()), _by_chance(shares[first], shares[second])
        if share >= OFTEN and same.sum() >= LEAST_ROWS and share > CHANCE * expected:
            found.append((share, first, second))
    varied = sorted(values, key=lambda name: -len(np.unique(values[name])))
    for source, target in _outwards(sorted(found, reverse=True), varied):
        relation = Sameness(source=source, target=target)
        if relation.further_name not in table.column_names and accept(relation):
            relation.fit(table, schema)
            yield relation


def find_bands(ratios: np.ndarray) -> list[list[float]]:
    """Ranges of positive ratios that hold twice as many as the median step around them, beyond the noise of a count."""
    edges = np.arange(-REACH, REACH + STEP / 2, STEP)
    counts = np.histogram(np.log(ratios), edges)[0].astype(float)
    wide = np.pad(counts, AROUND, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(wide, 2 * AROUND + 1), axis=1)
    sharp = counts > SHARPER * usual + 4 * np.sqrt(usual + 1)
    starts = np.flatnonzero(sharp & ~np.r_[False, sharp[:-1]])
    ends = np.flatnonzero(sharp & ~np.r_[sharp[1:], False])
    return [[float(np.exp(edges[a])), float(np.exp(edges[b + 1]))] for a, b in zip(starts, ends, strict=True)]


def _outwards(found: list[tuple[float, str, str]], names: list[str]) -> Iterator[tuple[str, str]]:
    """The pairs of a maximum spanning forest (Kruskal 1956): a column, and one that is a copy of it.

    From each tree's column with the most pairs outwards, of several the first of `names`.
    """
    tree = {name: name for name in names}  # each column with another of its tree, the first with itself
    pairs: dict[str, list[str]] = {name: [] for name in names}

    def first_of(name: str) -> str:
        while tree[name] != name:
            name = tree[name]
        return name

    for _, first, second in found:
        one, other = first_of(first), first_of(second)
        if one != other:
            tree[one] = other
            pairs[first].append(second)
            pairs[second].append(first)
    reached: set[str] = set()
    for root in sorted(names, key=lambda name: -len(pairs[name])):
        waiting = [root]
        while waiting:
            source = waiting.pop(0)
            reached.add(source)
            for target in pairs[source]:
                if target not in reached:
                    waiting.append(target)
                    yield source, target


def _rare_shares(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that few rows share, ascending, and the shares of rows that hold them."""
    distinct, counts = np.unique(values, return_counts=True)
    rare = counts <= HEAVY * len(values)
    return distinct[rare], counts[rare] / len(values)


def _by_chance(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float:
    """How often two independent columns would hold the same of these values."""
    _, one, other = np.intersect1d(first[0], second[0], assume_unique=True, return_indices=True)
    return float((first[1][one] * second[1][other]).sum())
