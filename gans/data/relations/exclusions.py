"""Levels that never occur together: found in codes, or declared; both are said as the grammar of relations reads them.

A cell (level x of code i, level y of code j) is taken where it is empty although independence would have expected at
least max(10, ln(cells) + 7) rows in it. Under independence a cell with e expected rows is empty with probability
below exp(-e); over all cells that could have been taken the chance of one false exclusion is thus below exp(-7).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.relations.base import KEY, Relation, number, pc, quoted
from gans.data.schema import Schema
from gans.errors import UserError, nearest

LEAST_EXPECTED = 10.0
MARGIN = 7.0
MOST_LEVELS = 8_192  # the commonest, over all codes
BLOCK = 1_024
FIRST_LOOK = 2_048
BATCH = 1 << 18
BITS = 1 << 16

Cell = tuple[int, int, int, int, float]


@dataclass(kw_only=True)
class Exclusion(Relation):
    """Where `source` has `value`, `target` has one of `values` (or none of them). Only says which rows are allowed.

    Missing is a value where null is written; else a row where either is missing holds it.

    Attributes:
        among: True for one of `values`, False for none of them.
    """

    kind = "exclusion"
    source: str
    value: Any
    target: str
    values: list[Any]
    among: bool = True

    @property
    def text(self) -> str:
        """As in `if participant == 'yes' then eligible == 'yes'`."""
        then = consequence(self.target, self.values, self.among)
        return f"if {quoted(self.source)} == {literal(self.value)} then {then}"

    @property
    def parents(self) -> tuple[str, ...]:
        """The two columns."""
        return self.source, self.target

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """Nothing is learned; the values must occur."""
        for name, values in ((self.source, [self.value]), (self.target, self.values)):
            for value in values:
                if not self._is(table, name, [value]).any():
                    levels = pc.unique(table[name]).to_pylist()[:1000] if schema[name].levels <= 1000 else []
                    allowed = f"; it has {', '.join(map(literal, levels[:20]))}" if levels else ""
                    raise UserError(
                        f"{KEY}: '{self.text}': column '{name}' is never {literal(value)}{allowed}."
                        f"{nearest(str(value), map(str, levels))}"
                    )
        self.support = {"applies": int(self._is(table, self.source, [self.value]).sum())}

    def holds(self, table: pa.Table) -> np.ndarray:
        """True where the condition is not met."""
        met = self._is(table, self.source, [self.value])
        fits = self._is(table, self.target, self.values) == self.among
        unknown = table[self.target].is_null().to_numpy() & (None not in self.values)
        return ~met | fits | unknown

    def _is(self, table: pa.Table, name: str, values: list[Any]) -> np.ndarray:
        array = table[name]
        texts = pa.types.is_string(array.type)
        flags = pa.types.is_boolean(array.type)
        for value in values:
            fits = isinstance(value, str) == texts and isinstance(value, bool) == flags
            if value is not None and (not fits or pa.types.is_temporal(array.type)):
                raise UserError(f"{KEY}: '{self.text}': column '{name}' is {array.type}, {literal(value)} is not.")
        known = [value for value in values if value is not None]
        numeric = not texts and not flags
        kind = pa.float64() if numeric and known else array.type
        found = pc.is_in(array.cast(kind, safe=False) if numeric and known else array, value_set=pa.array(known, kind))
        found = pc.fill_null(found, False).to_numpy()
        return found | array.is_null().to_numpy() if None in values else found


def plain(level: Any) -> Any:
    """A level as the grammar has it: text, a number, true, false or null (None). A date or a time is its text."""
    if isinstance(level, Decimal):
        return float(level)
    return level if level is None or isinstance(level, (bool, int, float)) else str(level)


def literal(level: Any) -> str:
    """A level as the grammar reads it."""
    value = plain(level)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return str(value) if isinstance(value, int) else number(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def consequence(name: str, values: Sequence[Any], among: bool) -> str:
    """As in `b == 'x'`, `b in ('x', 'y')`, `b != 'x'`, `b not in ('x', 'y')`."""
    if len(values) == 1:
        return f"{quoted(name)} {'==' if among else '!='} {literal(values[0])}"
    return f"{quoted(name)} {'' if among else 'not '}in ({', '.join(map(literal, values))})"


def find_exclusions(codes: np.ndarray, cardinalities: tuple[int, ...]) -> list[Cell]:
    """Empty cells (i, x, j, y, expected) of codes [rows, k], i < j: level x of code i never meets level y of code j.

    Only levels that occur, and at most the 8,192 commonest that could fill a cell, are looked at.
    """
    rows = len(codes)
    columns = np.ascontiguousarray(codes.T)
    code, level, count = [], [], []
    for place, size in enumerate(cardinalities):
        counts = np.bincount(columns[place], minlength=size)
        kept = np.flatnonzero(counts >= LEAST_EXPECTED)
        code.append(np.full(len(kept), place))
        level.append(kept)
        count.append(counts[kept])
    if not code:
        return []
    code, level, count = (np.concatenate(parts) for parts in (code, level, count))
    order = np.argsort(-count, kind="stable")[:MOST_LEVELS]
    code, level, count = code[order], level[order], count[order]
    least = max(LEAST_EXPECTED, np.log(max(_cells(code, count, rows, LEAST_EXPECTED), 1)) + MARGIN)
    first, second = _candidates(columns, code, level, count, least)
    first, second = _never(columns, code, level, first, second)
    swap = code[first] > code[second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    expected = count[first] * count[second] / rows
    parts = (code[first], level[first], code[second], level[second], expected)
    return sorted(zip(*(part.tolist() for part in parts), strict=True))


def _partners(count: np.ndarray, start: int, rows: int, least: float) -> int:
    """How many of the levels, commonest first, could fill a cell with the level at `start`."""
    return int(np.searchsorted(-count, -least * rows / count[start], side="right"))


def _cells(code: np.ndarray, count: np.ndarray, rows: int, least: float) -> int:
    """Cells of two codes in which independence expects that many rows."""
    partners = np.searchsorted(-count, -least * rows / count, side="right")
    return int(partners.sum()) // 2


def _candidates(
    columns: np.ndarray, code: np.ndarray, level: np.ndarray, count: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cells that could be taken and are empty in a sample of the rows: pairs of places."""
    rows = columns.shape[1]
    sample = np.sort(np.random.default_rng(0).permutation(rows)[:FIRST_LOOK])
    hot = (columns[:, sample][code] == level[:, None]).astype(np.float32)
    out: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(code), BLOCK):
        stop = min(start + BLOCK, len(code))
        ends = min(_partners(count, start, rows, least), stop)
        if not ends:
            break
        together = hot[start:stop] @ hot[:ends].T
        enough = count[start:stop, None] * count[None, :ends] >= least * rows
        other = code[start:stop, None] != code[None, :ends]
        lower = np.arange(start, stop)[:, None] > np.arange(ends)[None]
        first, second = np.nonzero((together == 0) & enough & other & lower)
        out.append((first + start, second))
    if not out:
        return np.zeros(0, int), np.zeros(0, int)
    return np.concatenate([first for first, _ in out]), np.concatenate([second for _, second in out])


def _never(
    columns: np.ndarray, code: np.ndarray, level: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the cells that are empty in all rows: bit sets of the rows of each level, met piece by piece."""
    rows, start, size = columns.shape[1], 0, 1_024
    while start < rows and len(first):
        used, place = np.unique(np.concatenate([first, second]), return_inverse=True)
        piece = columns[:, start : start + size]
        bits = np.packbits(piece[code[used]] == level[used, None], axis=1)
        bits = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)
        one, two = place[: len(first)], place[len(first) :]
        empty = np.ones(len(first), bool)
        batch = max(BATCH * 16 // bits.shape[1], 1)
        for low in range(0, len(first), batch):
            part = slice(low, low + batch)
            empty[part] = ~(bits[one[part]] & bits[two[part]]).any(axis=1)
        first, second = first[empty], second[empty]
        start, size = start + size, min(size * 2, BITS)
    return first, second


def exclusion_texts(cells: Sequence[Cell], names: Sequence[str], levels: Sequence[Sequence[Any]]) -> list[str]:
    """The cells as `parse_relation` reads them, as in `if participant == 'yes' then eligible == 'yes'`."""
    return [exclusion.text for exclusion in exclusions_of_cells(cells, names, levels)]


def exclusions_of_cells(
    cells: Sequence[Cell], names: Sequence[str], levels: Sequence[Sequence[Any]]
) -> list[Exclusion]:
    """The cells as exclusions, not fitted to a table.

    Of the two ways to say it, the one that takes fewer exclusions; where that is equal the shorter text, then the one
    about the later code.

    Args:
        names: of the column of each code.
        levels: of each code; None is missing.
    """
    by_pair: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for i, x, j, y, _ in cells:
        by_pair[i, j].append((x, y))
    out: list[Exclusion] = []
    for (i, j), pairs in sorted(by_pair.items()):
        ways: list[list[Exclusion]] = []
        for source, target, flip in ((j, i, True), (i, j, False)):
            excluded: dict[int, list[int]] = defaultdict(list)
            for x, y in pairs:
                excluded[y if flip else x].append(x if flip else y)
            way = []
            for level, gone in sorted(excluded.items()):
                values, among = _allowed(levels[target], gone)
                value = plain(levels[source][level])
                way.append(
                    Exclusion(source=names[source], value=value, target=names[target], values=values, among=among)
                )
            ways.append(way)
        out += min(ways, key=lambda way: (len(way), sum(len(one.text) for one in way) if len(way) > 1 else 0))
    return out


def _allowed(levels: Sequence[Any], gone: Sequence[int]) -> tuple[list[Any], bool]:
    """The levels that are not at the places `gone`, and True; or those that are, and False, where these are fewer."""
    excluded = set(gone)
    left = [plain(level) for place, level in enumerate(levels) if place not in excluded]
    if len(left) <= len(gone):
        return left, True
    return [plain(levels[place]) for place in sorted(gone)], False
