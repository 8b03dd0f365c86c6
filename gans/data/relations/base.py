"""What every relation between columns shares."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.detection import find_column
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError, nearest

pc: Any = pyarrow.compute  # its functions are made at run time

KEY = "data.relations"
SAMPLE = 20_000  # rows on which candidates are sought; what is found is verified on all
PLAIN_NAME = re.compile(r"[^\W\d](?:[\w.]|-(?=\w))*")
WORDS = ("if", "then", "in", "not", "true", "false", "null", "auto")
NUMBERS = ("integer", "numeric")
SINGLE = 2e-7  # relative rounding of 32-bit numbers, which many published tables went through
DOUBLE = 1e-9  # of 64-bit numbers, with room for a sum of some hundred

Columns = Mapping[str, pa.ChunkedArray | pa.Array]


@dataclass(kw_only=True)
class Relation:
    """A relation between columns.

    Attributes:
        drops: whether the model does not see the determined column.
        keeps: whether it sees it as it is.
        support: `rows` in which it was checked, and the evidence; empty until it is fitted.
    """

    kind: ClassVar[str] = ""
    drops: ClassVar[bool] = True
    keeps: ClassVar[bool] = False
    support: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The relation as `parse_relation` reads it."""
        raise NotImplementedError

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it is about."""
        return (*self.parents, *filter(None, [self.determined]))

    @property
    def parents(self) -> tuple[str, ...]:
        """The columns that `restore` needs."""
        raise NotImplementedError

    @property
    def determined(self) -> str:
        """The column that `restore` rebuilds; "" where the relation only says which rows are allowed."""
        return ""

    @property
    def seen_name(self) -> str:
        """What the model sees under the name of the determined column, in words."""
        return self.determined

    @property
    def snapped(self) -> str:
        """The column whose unseen values `snap` moves to seen ones; "" where there is none."""
        return ""

    def holds(self, table: pa.Table) -> np.ndarray:
        """Whether each row of a full table holds it, bool [rows]; True where a value that it needs is missing."""
        raise NotImplementedError

    def repair(self, table: pa.Table) -> pa.Table:
        """The table with the determined column mended; unchanged where there is no natural way to mend a row."""
        return table

    def learn(self, table: pa.Table, schema: Schema) -> None:
        """Learn what `reduce` and `restore` need from the training rows.

        Raises:
            UserError: the columns are not of a kind that this relation can hold between.
        """
        raise NotImplementedError

    def reduce(self, columns: Columns) -> pa.Array | None:
        """What the model sees in place of the determined column; None where that is dropped or kept."""
        return None

    @property
    def further_name(self) -> str:
        """Name of a further column that the model sees; "" for none."""
        return ""

    def further(self, columns: Columns) -> pa.Array:
        """That column."""
        raise NotImplementedError

    def restore(self, columns: Columns) -> pa.Array:
        """The determined column, from its parents and, where it was not dropped, from what the model made of it."""
        raise NotImplementedError

    def invert(self, columns: Columns) -> pa.Array:
        """The parent of a column that is kept, from that column and the further ones."""
        raise NotImplementedError

    def snap(self, array: Any) -> pa.Array:
        """The values of `snapped`, each moved to the nearest one that the training rows had."""
        raise NotImplementedError

    def fit(self, table: pa.Table, schema: Schema) -> None:
        """Learn from the training rows and verify on all of them.

        Raises:
            UserError: it names a column that is not learned or not of the right kind, or does not hold.
        """
        for name in self.columns:
            self.check_column(name, schema)
        self.learn(table, schema)
        holds = self.holds(table)
        if not holds.all():
            row = int(np.flatnonzero(~holds)[0])
            values = ", ".join(f"{quoted(name)} = {table[name][row].as_py()!r}" for name in self.columns)
            raise UserError(
                f"{KEY}: '{self.text}' does not hold in {int((~holds).sum()):,} of {len(holds):,} training rows; "
                f"the first is row {row}: {values}."
            )
        there = np.ones(table.num_rows, bool)
        for name in self.columns:
            there &= table[name].is_valid().to_numpy()
        self.support = {"rows": int(there.sum())} | self.support

    def check_column(self, name: str, schema: Schema) -> Column:
        """The column, which must be a learned one.

        Raises:
            UserError: it is not.
        """
        known = {column.name: column for column in schema.columns}
        names = [column.name for column in schema.features]
        if name not in names:
            why = f"is not learned ({known[name].reason})" if name in known else "is not in the table"
            near = "" if name in known else nearest(name, names)
            if name not in known and "-" in name:
                near += " Minus needs spaces around it."
            raise UserError(f"{KEY}: '{self.text}': column '{name}' {why}; learned are {', '.join(names)}.{near}")
        return known[name]

    def need(self, name: str, schema: Schema, kinds: tuple[str, ...], table: pa.Table | None = None) -> Column:
        """The column, which must be of one of these kinds.

        Args:
            table: where it is given, a number of two values counts as a number, and is described as one.

        Raises:
            UserError: it is not.
        """
        column = self.check_column(name, schema)
        if table is not None and is_two_valued(column):
            column = as_number(column, table[name])
        if column.kind not in kinds:
            raise UserError(f"{KEY}: '{self.text}': column '{name}' is {column.kind}; needed is {' or '.join(kinds)}.")
        if column.kind in NUMBERS and not is_exact(column):
            raise UserError(f"{KEY}: '{self.text}': column '{name}' has values beyond 2^53, too large to be exact.")
        return column

    def need_same_missing(self, table: pa.Table) -> None:
        """All columns must be missing in the same rows.

        Raises:
            UserError: they are not.
        """
        first, *others = (table[name].is_null().to_numpy() for name in self.columns)
        if any(not np.array_equal(first, other) for other in others):
            raise UserError(f"{KEY}: '{self.text}': its columns are not missing in the same rows.")

    def to_json(self) -> dict[str, Any]:
        """Plain values, `kind` among them."""
        return {"kind": self.kind} | dataclasses.asdict(self)

    def summary(self) -> dict[str, Any]:
        """For the stored schema: kind, text and support."""
        return {"kind": self.kind, "text": self.text, "support": self.support}


def quoted(name: str) -> str:
    """A column name as the grammar reads it: in backticks where it is not a plain word."""
    if PLAIN_NAME.fullmatch(name) and name not in WORDS:
        return name
    return f"`{name.replace('`', '``')}`"


def number(value: float) -> str:
    """A number as people write it."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(float(value))


def numbers(array: Any) -> np.ndarray:
    """Values [rows] float64, NaN where missing."""
    return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def from_numbers(values: np.ndarray, kind: pa.DataType, decimals: int | None = None) -> pa.Array:
    """The inverse of `numbers`: rounded to decimals, to whole numbers for an integer type and into its range."""
    missing = np.isnan(values)
    if pa.types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        whole = np.clip(np.rint(np.where(missing, 0, values)), max(limits.min, -(2**62)), min(limits.max, 2**62))
        return pa.array(whole.astype(np.int64), mask=missing).cast(kind)
    values = values if decimals is None else np.round(values, decimals)
    return pa.array(values, pa.float64(), mask=missing).cast(kind, safe=False)


def ticks(array: Any) -> np.ndarray:
    """Times or dates as int64 in the unit of their type; 0 where missing."""
    whole = pa.int32() if pa.types.is_date32(array.type) else pa.int64()
    return pc.fill_null(array.cast(whole).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)


def from_ticks(values: np.ndarray, missing: np.ndarray | None, kind: pa.DataType) -> pa.Array:
    """The inverse of `ticks`."""
    whole = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    return pa.array(values, pa.int64(), mask=missing).cast(whole).cast(kind)


def ticks_per_day(kind: pa.DataType) -> int:
    """Ticks of a day in the unit of a type of times or dates."""
    if pa.types.is_date32(kind):
        return 1
    unit = kind.unit if pa.types.is_timestamp(kind) else "ms"  # pyright: ignore[reportAttributeAccessIssue]
    return 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]


def to_plain(array: Any) -> list[Any]:
    """Values as JSON holds them: times as ticks, decimals as text."""
    if pa.types.is_temporal(array.type):
        return [
            None if gone else int(tick)
            for tick, gone in zip(ticks(array), array.is_null().to_numpy(zero_copy_only=False), strict=True)
        ]
    values = array.to_pylist()
    return [str(value) if isinstance(value, Decimal) else value for value in values]


def from_plain(values: list[Any], kind: pa.DataType) -> pa.Array:
    """The inverse of `to_plain`."""
    if pa.types.is_temporal(kind):
        missing = np.array([value is None for value in values], bool)
        return from_ticks(np.array([value or 0 for value in values], np.int64), missing, kind)
    if pa.types.is_decimal(kind):
        values = [None if value is None else Decimal(value) for value in values]
    return pa.array(values, kind)


def decimals_of(column: Column) -> int | None:
    """Decimals of a number: 0 for whole ones, None where they are not few."""
    return 0 if column.kind == "integer" else column.decimals


def is_exact(column: Column) -> bool:
    """Whether it is a number whose values 64 bits hold exactly, as far as whole numbers go."""
    return column.kind in NUMBERS and max(map(abs, column.bounds or [0])) < 2**53


def is_two_valued(column: Column) -> bool:
    """Whether its values are one or two numbers, which make it a category."""
    if column.kind != "category" or column.levels > 2:
        return False
    kind = arrow_type(column.type)
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def as_number(column: Column, array: Any) -> Column:
    """A category of numbers described as a number: its kind, bounds and decimals."""
    values = numbers(array.drop_null())
    return find_column(column.name, array, "integer" if (values == np.floor(values)).all() else "numeric")


def scaled(values: np.ndarray, decimals: int) -> np.ndarray:
    """Whole numbers: values in units of their last decimal."""
    return np.rint(values * 10.0**decimals)


def sample_rows(table: pa.Table) -> pa.Table:
    """At most 20,000 rows, drawn evenly at random."""
    if table.num_rows <= SAMPLE:
        return table
    return table.take(np.sort(np.random.default_rng(0).choice(table.num_rows, SAMPLE, replace=False)))
