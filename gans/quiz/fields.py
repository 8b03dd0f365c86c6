"""What a card shows of a row: fields as texts that are written alike for real and synthetic rows, or a picture."""

import datetime
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.images import brightness
from gans.data.schema import Column, Schema
from gans.errors import UserError
from gans.evaluation.inputs import numbers
from gans.streams import host_stream

pc: Any = pyarrow.compute  # its functions are made at run time

MOST_FIELDS = 14
MOST_LETTERS = 80
DIGITS = 4  # that count, of a number whose column has no number of decimals of its own
MOST_DECIMALS = 6


@dataclass
class Card:
    """A row as it is shown: the texts of its fields, None where missing, and the PNG of its picture, if it has one."""

    values: list[str | None]
    picture: bytes | None = None


@dataclass
class Fields:
    """The fields of a quiz, the same on every card.

    Attributes:
        columns: in the order of the table.
        picture: the column of images, of a table that has one.
        formats: of a number its decimals, of a time the format of strftime; by column.
        left_out: columns that are not shown, with the reason.
    """

    columns: list[Column]
    picture: Column | None
    formats: dict[str, Any]
    left_out: dict[str, str]

    @classmethod
    def choose(cls, schema: Schema, real: pa.Table, seed: int) -> "Fields":
        """All learned columns without personal data, or 14 of them, drawn.

        Args:
            real: test rows, whose times say whether days are enough.

        Raises:
            UserError: there is no such column.
        """
        columns = [column for column in schema.features if not column.personal]
        left_out = {column.name: "it contains personal data" for column in schema.features if column.personal}
        if len(columns) > MOST_FIELDS:
            drawn = host_stream("quiz fields", seed).permutation(len(columns))[:MOST_FIELDS]
            others = [column.name for place, column in enumerate(columns) if place not in drawn]
            left_out |= dict.fromkeys(others, f"{MOST_FIELDS} fields are drawn")
            columns = [columns[place] for place in sorted(drawn)]
        if not columns and not schema.images:
            raise UserError(
                "run: every learned column contains personal data, so there is nothing that people may be shown."
            )
        formats = {column.name: _format(column, real[column.name]) for column in columns}
        return cls(columns, schema.images[0] if schema.images else None, formats, left_out)

    @property
    def names(self) -> list[str]:
        """Names of the fields that are texts."""
        return [column.name for column in self.columns]

    def cards(self, table: pa.Table) -> list[Card]:
        """The rows of a table."""
        texts = [_texts(table[column.name], column, self.formats[column.name]) for column in self.columns]
        rows = [list(row) for row in zip(*texts, strict=True)] if texts else [[] for _ in range(table.num_rows)]
        if self.picture is None:
            return [Card(row) for row in rows]
        images = brightness(table[self.picture.name], self.picture)
        return [Card(row, _png(image)) for row, image in zip(rows, images, strict=True)]


def _format(column: Column, real: pa.ChunkedArray) -> Any:
    if column.kind == "datetime":
        times = ((getattr(value, "hour", 0), getattr(value, "minute", 0)) for value in real.drop_null().to_pylist())
        return "%Y-%m-%d %H:%M" if any(hour or minute for hour, minute in times) else "%Y-%m-%d"
    if column.kind == "integer":
        return 0
    if column.kind != "numeric":
        return None
    if column.decimals is not None:
        return column.decimals
    size = max((abs(float(bound)) for bound in column.bounds or []), default=1.0) or 1.0
    return min(max(DIGITS - 1 - math.floor(math.log10(size)), 0), MOST_DECIMALS)


def _texts(array: pa.ChunkedArray, column: Column, form: Any) -> list[str | None]:
    if column.kind in ("numeric", "integer"):
        values = numbers(array)
        return [None if math.isnan(value) else f"{round(value, form) + 0.0:.{form}f}" for value in values]
    return [None if value is None else _text(value, form) for value in array.to_pylist()]


def _text(value: Any, form: str | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.strftime(form or "%Y-%m-%d")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split())
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _png(image: np.ndarray) -> bytes:
    """An image [height, width, channels] in [0, 1] as a file: grey, or the first three channels as colours."""
    from PIL import Image

    grey = image.shape[-1] < 3
    pixels = np.rint(255 * np.clip(image[..., 0] if grey else image[..., :3], 0, 1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
