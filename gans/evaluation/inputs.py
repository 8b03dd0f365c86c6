"""The tables of an evaluation: checked against each other, and seen as numbers and codes of levels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.detection import normalise
from gans.data.schema import Column, Schema
from gans.errors import UserError, nearest
from gans.evaluation.history_side import HistorySide

if TYPE_CHECKING:
    import pandas as pd

pc: Any = pyarrow.compute  # its functions are made at run time

NULL = "<null>"
OTHER = "<other>"
FLAG = " is null"
MOST_LEVELS = 254
NUMBERS = ("numeric", "integer", "datetime")
Made = TypeVar("Made")


def numbers(array: pa.ChunkedArray) -> np.ndarray:
    """Numbers or times as float64 [rows], NaN where missing."""
    if pa.types.is_temporal(array.type):
        unit = pa.timestamp("us", tz=getattr(array.type, "tz", None))
        array = array.cast(unit, safe=False).cast(pa.int64())
    return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


@dataclass
class Side:
    """One table: by column numbers [rows] as float64, or codes [rows] of levels as int32.

    A number that is missing anywhere has a column "NAME is null" beside it, and the real median in its place.

    Attributes:
        columns: by name, in the order of the table.
        levels: of the columns that hold codes, sorted; missing is the level <null>.
    """

    columns: dict[str, np.ndarray]
    levels: dict[str, list[str]]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values())))

    @property
    def numeric(self) -> list[str]:
        """Names of the columns of numbers."""
        return [name for name in self.columns if name not in self.levels]

    @property
    def names(self) -> list[str]:
        """Names of the columns of the table, without the flags of missing values."""
        return [name for name in self.columns if not (name.endswith(FLAG) and name.removesuffix(FLAG) in self.columns)]

    def take(self, places: np.ndarray) -> "Side":
        """The rows at these places."""
        return Side({name: values[places] for name, values in self.columns.items()}, self.levels)

    def drawn(self, rows: int, seed: int) -> "Side":
        """So many rows in random order; the draw of pandas' `sample(rows, random_state=seed)`."""
        return self.take(np.random.RandomState(seed).choice(self.rows, rows, replace=False))

    def without(self, name: str) -> "Side":
        """All columns but one, and but its flag of missing values."""
        kept = {key: values for key, values in self.columns.items() if key not in (name, name + FLAG)}
        return Side(kept, {key: levels for key, levels in self.levels.items() if key in kept})

    def missing(self, name: str) -> np.ndarray:
        """Where a column is missing [rows]."""
        if name not in self.levels:
            return self.columns[name + FLAG] == 1 if name + FLAG in self.columns else np.zeros(self.rows, bool)
        levels = self.levels[name]
        return self.columns[name] == (levels.index(NULL) if NULL in levels else -1)

    def known(self, name: str) -> "Side":
        """The rows in which a column is not missing."""
        missing = self.missing(name)
        return self.take(np.flatnonzero(~missing)) if missing.any() else self

    def fewer_levels(self, name: str, counts: np.ndarray, most: int) -> "Side":
        """With the `most` most frequent levels of a column by their counts [levels]; the others are one, <other>."""
        levels, kept = self.levels[name], np.sort(np.argsort(-counts, kind="stable")[:most])
        place = np.full(len(levels), most, np.int32)
        place[kept] = np.arange(most)
        named = [*(levels[code] for code in kept), OTHER]
        return Side({**self.columns, name: place[self.columns[name]]}, {**self.levels, name: named})

    def frame(self) -> "pd.DataFrame":
        """A frame with categories, as boosted trees take it; its columns are named by their place."""
        import pandas as pd

        return pd.DataFrame(
            {
                f"c{place}": pd.Categorical.from_codes(values, self.levels[name]) if name in self.levels else values  # pyright: ignore[reportArgumentType]
                for place, (name, values) in enumerate(self.columns.items())
            }
        )

    def matrix(self) -> np.ndarray:
        """All columns as float64 [rows, columns], codes as they are."""
        return np.stack([np.asarray(values, np.float64) for values in self.columns.values()], axis=1)


def joined(*sides: Side) -> Side:
    """Sides one below the other."""
    names = sides[0].columns
    return Side({name: np.concatenate([side.columns[name] for side in sides]) for name in names}, sides[0].levels)


@dataclass
class Tables:
    """A synthetic table beside the real rows that it was learned from, and real rows that nothing was learned from.

    Attributes:
        schema: of the real table.
        target: the column that a model should predict, or "".
        secrets: columns that an attacker would like to know.
        ignored: columns that only the synthetic table has.
        anonymeter: a Python interpreter that has the package of this name; None not to use it.
        tuned: whether models of the target are tuned.
        runs: how many runs are asked together, of which the worst speaks for all.
        shared: what was computed of the real rows, for `once`.
        further: columns that were not learned and that the synthetic table holds nevertheless, by the name of the side.
        histories: of customers with their events, these by the name of the side; the tables are then their aggregates.
    """

    schema: Schema
    real: pa.Table
    synthetic: pa.Table
    test: pa.Table | None = None
    target: str = ""
    secrets: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    anonymeter: str | None = None
    tuned: bool = False
    runs: int = 1
    shared: dict[Any, Any] = field(default_factory=dict)
    further: dict[str, pa.Table] = field(default_factory=dict)
    histories: Mapping[str, HistorySide] = field(default_factory=dict)

    @property
    def criteria_tests(self) -> int:
        """How often the criteria of anonymisation are tested: singling out, linkability, each secret, of every run."""
        return (2 + len(self.secrets)) * self.runs

    @cached_property
    def with_test(self) -> "Tables":
        """The test rows in place of the synthetic ones."""
        out = replace(self, synthetic=self.test, test=None)
        if self.histories:
            out.histories = {"real": self.histories["real"], "synthetic": self.histories["test"]}
        for name in ("sides", "capped"):
            sides = getattr(self, name)
            out.__dict__[name] = {"real": sides["real"], "synthetic": sides["test"]}
        return out

    @cached_property
    def coding(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What the codes of the sides stand for; it depends on the levels of all tables."""
        side = self.capped["real"]
        return tuple((name, tuple(side.levels.get(name, ()))) for name in side.columns)

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What is made of the real rows, made once under a key: its name and all that it depends on beside these."""
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]

    def head(self, name: str, rows: int | None) -> pa.Table:
        """A table, or so many of its rows, drawn at random, where it has more."""
        table = {"real": self.real, "synthetic": self.synthetic, "test": self.test}[name]
        if rows is None or table.num_rows <= rows:
            return table
        return table.take(np.random.RandomState(0).choice(table.num_rows, rows, replace=False))

    def some(self, name: str, rows: int | None, capped: bool = True) -> Side:
        """A side in its order, or so many of its rows, drawn at random, where it has more.

        Args:
            capped: with at most 255 levels a column.
        """
        whole = (self.capped if capped else self.sides)[name]
        return whole if rows is None or whole.rows <= rows else whole.drawn(rows, 0)

    def drawn(self, name: str, rows: int | None, seed: int = 0) -> Side:
        """At most so many rows of a side, in random order."""
        whole = self.capped[name]
        return whole.drawn(min(whole.rows, rows or whole.rows), seed)

    def floor(self, power: float) -> float:
        """By what a distance of test rows is multiplied to be that of as many as there are synthetic ones.

        Of like rows it shrinks with (1/n + 1/m)^power: a half for distances of shares, 1 for their squares.
        """
        rows = {name: side.rows for name, side in self.sides.items()}
        return ((1 / rows["real"] + 1 / rows["synthetic"]) / (1 / rows["real"] + 1 / rows["test"])) ** power

    @cached_property
    def sides(self) -> dict[str, Side]:
        """The tables as numbers and codes: real, synthetic, and test where there is one."""
        tables = {"real": self.real, "synthetic": self.synthetic} | ({"test": self.test} if self.test else {})
        made: dict[str, dict[str, np.ndarray]] = {name: {} for name in tables}
        levels: dict[str, list[str]] = {}
        for column in self.schema.kept:
            arrays = {name: table[column.name] for name, table in tables.items()}
            if column.kind in NUMBERS and column.role == "feature":
                values = {name: numbers(array) for name, array in arrays.items()}
                if any(np.isnan(value).any() for value in values.values()):
                    middle = np.nanmedian(values["real"]) if np.isfinite(values["real"]).any() else 0.0
                    levels[column.name + FLAG] = ["False", "True"]
                    for name, value in values.items():
                        made[name][column.name + FLAG] = np.isnan(value).astype(np.int32)
                        values[name] = np.where(np.isnan(value), middle, value)
                for name, value in values.items():
                    made[name][column.name] = value
                continue
            words = {name: pc.fill_null(_words(array), NULL) for name, array in arrays.items()}
            known = sorted(set().union(*(pc.unique(text).to_pylist() for text in words.values())))
            levels[column.name] = known
            for name, text in words.items():
                codes = pc.index_in(text, value_set=pa.array(known, pa.string()))
                made[name][column.name] = codes.to_numpy().astype(np.int32)
        return {name: Side(columns, levels) for name, columns in made.items()}

    @cached_property
    def capped(self) -> dict[str, Side]:
        """The sides with at most 255 levels a column, the most frequent of all tables; the others are one."""
        sides = dict(self.sides)
        for name, levels in self.sides["real"].levels.items():
            if len(levels) <= MOST_LEVELS + 1:
                continue
            counts = sum(np.bincount(side.columns[name], minlength=len(levels)) for side in self.sides.values())
            sides = {key: side.fewer_levels(name, np.asarray(counts), MOST_LEVELS) for key, side in sides.items()}
        return sides


def _words(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Levels as text; whole numbers without a decimal point."""
    if pa.types.is_floating(array.type):
        rounded = pc.round(array)
        if pc.all(pc.equal(rounded, array)).as_py() is not False:
            array = rounded.cast(pa.int64())
    return pc.utf8_trim_whitespace(array.cast(pa.string()))


def read_sides(
    schema: Schema,
    real: pa.Table,
    synthetic: pa.Table,
    test: pa.Table | None = None,
    target: str = "",
    secrets: list[str] | None = None,
) -> Tables:
    """The tables of an evaluation, after all checks.

    Raises:
        UserError: a table is empty, lacks a column, or holds values of another type in it; the target or a secret is
            not a compared column, does not vary, or is the only column.
    """
    kept, found, secrets = schema.kept, {}, secrets or []
    names = [column.name for column in kept]
    left_out = [column.name for column in schema.columns if column.role == "dropped"]
    dropped, further = [name for name in left_out if name in synthetic.column_names], {}
    for key, table in (("real", real), ("synthetic", synthetic), ("test", test)):
        if table is not None:
            whole = _whole(key, table, names)
            found[key] = whole.select(names)
            further[key] = whole.select([name for name in dropped if name in whole.column_names])
    for column in kept:
        arrays = {key: table[column.name] for key, table in found.items()}
        for key, array in _alike(column, arrays).items():
            place = found[key].column_names.index(column.name)
            found[key] = found[key].set_column(place, column.name, array)
    for key, name in [("target", target)] * bool(target) + [("secrets", name) for name in secrets]:
        if name not in names:
            left_out = {column.name: column.reason for column in schema.columns if column.role == "dropped"}
            why = f"it was left out: {left_out[name]}" if name in left_out else "no such column"
            raise UserError(f"{key}={name}: {why}; there are {', '.join(names)}.{nearest(name, names)}")
        for side, table in found.items():
            if side != "synthetic" and len(table[name].unique().drop_null()) < 2:
                raise UserError(f"{key}={name}: it has one value only in the {side} table; nothing can be predicted.")
        if len(names) == 1:
            raise UserError(f"{key}={name}: it is the only column; there is nothing to predict it from.")
    known = [column.name for column in schema.columns]
    ignored = [name for name in synthetic.column_names if name not in known]
    return Tables(
        schema, found["real"], found["synthetic"], found.get("test"), target, secrets, ignored, further=further
    )


def _whole(key: str, table: pa.Table, names: list[str]) -> pa.Table:
    """A table as plain types, which has these columns; an empty text is missing, as most text files have it."""
    try:
        table = normalise(table)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise UserError(
            f"{key}: the columns differ; it lacks {', '.join(map(repr, missing))}, and has "
            f"{', '.join(table.column_names)}.{nearest(missing[0], table.column_names)}"
        )
    for name in names:
        if pa.types.is_string(table[name].type):
            blank = pc.equal(table[name], "")
            if pc.any(blank).as_py():
                table = table.set_column(
                    table.column_names.index(name), name, pc.if_else(blank, pa.scalar(None, pa.string()), table[name])
                )
    return table


def _alike(column: Column, arrays: dict[str, pa.ChunkedArray]) -> dict[str, pa.ChunkedArray]:
    """The sides of a column with types that compare: numbers as they are, levels as text where the types differ.

    Raises:
        UserError: a column of numbers or times holds something else.
    """
    kinds = {array.type for array in arrays.values()}
    if column.kind not in NUMBERS or column.role != "feature":
        return arrays if len(kinds) == 1 else {key: _words(array) for key, array in arrays.items()}
    kind, out = arrays["real"].type, dict(arrays)
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        raise UserError(f"real: column '{column.name}' holds {kind}, and was learned as {column.kind}.")
    for key, array in arrays.items():
        number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
        if array.type == kind or (number and column.kind != "datetime"):  # a fraction is seen as what it is
            continue
        try:
            out[key] = array.cast(kind, safe=False)
        except pa.ArrowException:
            raise UserError(f"{key}: column '{column.name}' holds {array.type}, in the real table {kind}.") from None
    return out
