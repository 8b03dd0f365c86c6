"""How a text file writes the values of a column, kept so that sampled rows can be written alike."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited import numbers, times
from gans.data.delimited.numbers import Style

pc: Any = pyarrow.compute  # its functions are made at run time


@dataclass(frozen=True)
class Written:
    """How the values of a column are written, where that is not how every program writes them.

    Attributes:
        style: of numbers.
        format: of dates and times, as strftime has it.
        words: for False and for True.
        missing: the word for a missing value, where there is one word only.
    """

    style: Style | None = None
    format: str = ""
    words: tuple[str, str] | None = None
    missing: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields that say something."""
        fields = {"format": self.format, "words": self.words, "missing": self.missing}
        fields |= {"style": dataclasses.asdict(self.style) if self.style else None}
        return {name: value for name, value in fields.items() if value}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Written":
        """What `to_json` gave."""
        style, words = stored.get("style"), stored.get("words")
        return cls(
            Style(**style) if style else None,
            stored.get("format", ""),
            (words[0], words[1]) if words else None,
            stored.get("missing", ""),
        )

    def text(self, array: pa.Array) -> pa.Array:
        """The values as the file wrote them; null where missing, unless there is a word for that."""
        if self.words:
            array = pc.if_else(array, self.words[1], self.words[0])
        elif self.format:
            array = times.write(array, self.format)
        elif self.style:
            array = numbers.write(array, self.style)
        elif not pa.types.is_string(array.type):
            array = array.cast(pa.string())
        return pc.fill_null(array, self.missing) if self.missing else array
