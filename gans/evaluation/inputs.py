"""The tables of an evaluation: checked against each other, and seen as numbers and codes of levels."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Schema, normalise
from gans.errors import UserError, nearest
from gans.evaluation.fidelity import numbers

if TYPE_CHECKING:
    import pandas as pd

pc: Any = pyarrow.compute  # its functions are made at run time

NULL = "<null>"
OTHER = "<other>"
FLAG = " is null"
MOST_LEVELS = 254
NUMBERS = ("numeric", "integer", "datetime")


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

    def frame(self) -> "pd.DataFrame":
        """A frame with categories, as boosted trees take it."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(values, self.levels[name]) if name in self.levels else values  # pyright: ignore[reportArgumentType]
                for name, values in self.columns.items()
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
    """A synthetic table beside the real rows that it was learnt from, and real rows that nothing was learnt from.

    Attributes:
        schema: of the real table.
        target: the column that a model should predict, or "".
        secrets: columns that an attacker would like to know.
        ignored: columns that only the synthetic table has.
    """

    schema: Schema
    real: pa.Table
    synthetic: pa.Table
    test: pa.Table | None = None
    target: str = ""
    secrets: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

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
            words = {name: _words(array, self.real[column.name].type) for name, array in arrays.items()}
            known = sorted(set().union(*(pc.unique(text).to_pylist() for text in words.values())))
            levels[column.name] = known
            for name, text in words.items():
                codes = pc.index_in(text, value_set=pa.array(known, pa.string()))
                made[name][column.name] = codes.to_numpy().astype(np.int32)
        return {name: Side(columns, levels) for name, columns in made.items()}

    @property
    def features(self) -> list[str]:
        """Names of the compared columns."""
        return list(self.sides["real"].columns)

    @cached_property
    def capped(self) -> dict[str, Side]:
        """The sides with at most 255 levels a column, the most frequent of all tables; the others are one."""
        sides = {name: Side(dict(side.columns), dict(side.levels)) for name, side in self.sides.items()}
        for name, levels in self.sides["real"].levels.items():
            if len(levels) <= MOST_LEVELS + 1:
                continue
            counts = sum(np.bincount(side.columns[name], minlength=len(levels)) for side in self.sides.values())
            kept = np.sort(np.argsort(-np.asarray(counts), kind="stable")[:MOST_LEVELS])
            place = np.full(len(levels), MOST_LEVELS, np.int32)
            place[kept] = np.arange(MOST_LEVELS)
            for side in sides.values():
                side.columns[name] = place[side.columns[name]]
                side.levels[name] = [*(levels[code] for code in kept), OTHER]
        return sides


def _words(array: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Levels as text; whole numbers without a decimal point."""
    if array.type != kind:
        array = array.cast(kind)
    if pa.types.is_floating(kind):
        rounded = pc.round(array)
        if pc.all(pc.equal(rounded, array)).as_py() is not False:
            array = rounded.cast(pa.int64())
    return pc.fill_null(pc.utf8_trim_whitespace(array.cast(pa.string())), NULL)


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
            not a column, or does not vary.
    """
    kept = [column.name for column in schema.kept]
    aligned = {"real": real.select(kept)}
    for key, table in (("synthetic", synthetic), ("test", test)):
        if table is None:
            continue
        table = normalise(table)
        missing = [name for name in kept if name not in table.column_names]
        if missing:
            near = nearest(missing[0], table.column_names)
            raise UserError(
                f"{key}: the columns differ; it lacks {', '.join(map(repr, missing))} of the real table, and has "
                f"{', '.join(table.column_names)}.{near}"
            )
        aligned[key] = pa.table({name: _cast(key, name, table[name], real[name].type) for name in kept})
    for key, name in [("target", target)] * bool(target) + [("secrets", name) for name in secrets or []]:
        if name not in kept:
            raise UserError(f"{key}={name}: no such column; there are {', '.join(kept)}.{nearest(name, kept)}")
        for side, table in aligned.items():
            if side != "synthetic" and len(table[name].unique().drop_null()) < 2:
                raise UserError(f"{key}={name}: it has one value only in the {side} table; nothing can be predicted.")
    ignored = [name for name in synthetic.column_names if name not in schema_names(schema)]
    return Tables(schema, aligned["real"], aligned["synthetic"], aligned.get("test"), target, secrets or [], ignored)


def schema_names(schema: Schema) -> list[str]:
    """Names of all columns, also of those that are left out."""
    return [column.name for column in schema.columns]


def _cast(key: str, name: str, array: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if array.type == kind:
        return array
    if pa.types.is_integer(kind) and pa.types.is_floating(array.type):  # kept as they are: a fraction gives them away
        return array
    try:
        return array.cast(kind, safe=False)
    except pa.ArrowException:
        raise UserError(f"{key}: column '{name}' holds {array.type}, in the real table {kind}.") from None


def pairs(names: list[str], most: int) -> list[tuple[str, str]]:
    """All pairs of names, or a fixed random `most` of them."""

    def every() -> Iterator[tuple[str, str]]:
        for place, left in enumerate(names):
            for right in names[place + 1 :]:
                yield left, right

    found = list(every())
    if len(found) <= most:
        return found
    chosen = np.random.default_rng(0).choice(len(found), most, replace=False)
    return [found[place] for place in np.sort(chosen)]
