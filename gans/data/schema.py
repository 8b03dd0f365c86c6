"""The schema of a table: what each column is, found in the table, written as JSON, editable by hand."""

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.artefacts import of_fields, read_json, reading
from gans.data.personal.kinds import label
from gans.errors import UserError, nearest
from gans.files import write_text

pc: Any = pyarrow.compute  # its functions are made at run time

KINDS = ("numeric", "integer", "category", "boolean", "datetime", "id", "text", "image")
ROLES = ("feature", "image", "constant", "dropped", "faked")
MOST_DECIMALS = 6
MOST_NUMBERS = 2**24  # of an image


@dataclass(kw_only=True)
class Column:
    """One column.

    Attributes:
        kind: one of KINDS. `id` and `text` are never learned.
        role: `feature` is learned; `image` too, but not judged as a column of a table; `constant` is written back as it
            was; `dropped` is left out; `faked` is not learned, and made up in sampled rows.
        type: the Arrow type, which sampled rows get back.
        missing: whether the training rows hold a missing value.
        bounds: smallest and largest value of a number, a time (ISO text) or a pixel; for a constant, its value twice.
        levels: number of distinct values.
        decimals: decimals of a numeric column, where all its values have at most six.
        reason: why the column is not learned.
        frame: what brings a sampled column back to the dtype of the training frame; empty without one.
        dtype, categories, ordered: of runs of earlier versions, which have no `frame`: the dtype in the frame.
        format: of strftime, where the frame has times as text.
        written: how a text file (CSV) writes it, where that is not how every program does: the JSON of
            `gans.data.delimited.written.Written`.
        personal: the kind of personal data that it holds, one of `gans.data.personal.kinds.KINDS`; "" for none.
        fake: of a faked column, how its values are made up: kind, locale, number of levels (0: all differ), share of
            missing values, and the column whose values have one made-up value each ("" for none).
    """

    name: str
    kind: str
    type: str
    role: str = "feature"
    missing: bool = False
    bounds: list[Any] | None = None
    levels: int = 0
    decimals: int | None = None
    reason: str = ""
    frame: dict[str, Any] = field(default_factory=dict)
    dtype: str = ""
    categories: list[Any] | None = None
    ordered: bool = False
    format: str = ""
    written: dict[str, Any] | None = None
    personal: str = ""
    fake: dict[str, Any] | None = None

    def check(self) -> None:
        """Raise ValueError where a field of a column that was read from a file is none that a table can have."""
        if self.kind not in KINDS or self.role not in ROLES or (self.role == "image") != (self.kind == "image"):
            raise ValueError(f"{self.name}: kind {self.kind}, role {self.role}")
        if self.role == "dropped":
            return
        sides = re.fullmatch(r"image\[\w+, (\d{1,9}) x (\d{1,9}) x (\d{1,9})\]", self.type)
        if (self.role == "image") != bool(sides) or (sides and math.prod(map(int, sides.groups())) > MOST_NUMBERS):
            raise ValueError(f"{self.name}: type {self.type}")
        arrow_type(self.type)
        if self.decimals is not None and not 0 <= self.decimals <= MOST_DECIMALS:
            raise ValueError(f"{self.name}: decimals {self.decimals}")


@dataclass
class Schema:
    """The columns of a table, in its order.

    Attributes:
        relations: between columns, for people: kind, text and support of each.
        mixture: of a toy distribution its `modes` [modes, columns] and their standard deviation `sigma`.
        delimiter: between the fields of its text file, and of sampled ones.
        frame: of a table that came from a frame, its library and the names of its columns; else empty.
    """

    columns: list[Column]
    relations: list[dict[str, Any]] = field(default_factory=list)
    mixture: dict[str, Any] | None = None
    delimiter: str = ","
    frame: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        names = [column.name for column in self.kept]
        raise UserError(f"column '{name}' is not in the table; allowed are {', '.join(names)}.{nearest(name, names)}")

    @property
    def features(self) -> list[Column]:
        """The columns of single values that are learned."""
        return [column for column in self.columns if column.role == "feature"]

    @property
    def images(self) -> list[Column]:
        """The column of images, if there is one."""
        return [column for column in self.columns if column.role == "image"]

    @property
    def kept(self) -> list[Column]:
        """The columns that are like those of the training table: all but dropped and faked ones."""
        return [column for column in self.columns if column.role not in ("dropped", "faked")]

    @property
    def sampled(self) -> list[Column]:
        """The columns that a sampled table has."""
        return [column for column in self.columns if column.role != "dropped"]

    def write(self, path: Path) -> None:
        """Write as JSON, atomically."""
        rows = [dataclasses.asdict(column) for column in self.columns]
        stored = {"columns": rows, "relations": self.relations, "mixture": self.mixture}
        stored |= {"delimiter": self.delimiter, "frame": self.frame}
        write_text(path, json.dumps(stored, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Schema":
        """Read what `write` wrote.

        Raises:
            UserError: the file is missing or is no schema.
        """
        with reading(path, "a readable schema"):
            stored = read_json(path, "a readable schema")
            columns = [of_fields(Column, row) for row in stored["columns"]]
            for column in columns:
                column.check()
            if len({column.name for column in columns}) < len(columns) or len(columns) == 0:
                raise ValueError("no columns, or two of one name")
            mixture, delimiter = stored.get("mixture"), str(stored.get("delimiter", ","))
            frame = dict(stored.get("frame", {}))
            return cls(columns, list(stored.get("relations", [])), mixture, delimiter, frame)

    def lines(self) -> list[str]:
        """One line a column, for the terminal."""
        from rich.cells import cell_len, set_cell_size

        width = max(cell_len(column.name) for column in self.columns)
        out = []
        for column in self.columns:
            if column.role == "dropped":
                text = f"{column.kind}, left out: {column.reason}"
            elif column.role == "faked":
                text = f"{label(column.personal)}, made up in sampled rows"
            elif column.role == "constant":
                text = f"constant, not learned, written back: {column.reason}"
            elif column.role == "image":
                text = f"images, {column.type}"
            elif column.kind in ("category", "boolean"):
                text = f"{column.kind}, {column.levels:,} levels"
            else:
                low, high = column.bounds or ("", "")
                text = f"{column.kind}, {low} to {high}"
            personal = f", {label(column.personal)}" if column.personal and column.role == "feature" else ""
            out.append(
                f"{set_cell_size(column.name, width)}  {text}{', some missing' if column.missing else ''}{personal}"
            )
        return out


def arrow_type(text: str) -> pa.DataType:
    """The Arrow type that `str(type)` named, for the types that a sampled column can have."""
    if match := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", text):
        return pa.timestamp(match[1], tz=match[2])
    if match := re.fullmatch(r"image\[(\w+), (\d+) x (\d+) x (\d+)\]", text):
        return pa.fixed_shape_tensor(pa.type_for_alias(match[1]), [int(side) for side in match.groups()[1:]])
    if match := re.fullmatch(r"decimal128\((\d+), (-?\d+)\)", text):
        return pa.decimal128(int(match[1]), int(match[2]))
    aliases = {"date32[day]": pa.date32(), "date64[ms]": pa.date64(), "double": pa.float64(), "float": pa.float32()}
    return aliases[text] if text in aliases else pa.type_for_alias(text)


def kind_of(kind: pa.DataType) -> str:
    """The kind of a column of this type, where what it holds is known already."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_temporal(kind):
        return "datetime"
    return "integer" if pa.types.is_integer(kind) else "numeric" if pa.types.is_floating(kind) else "category"
