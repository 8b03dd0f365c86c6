"""What a person can say about a file, where the file itself leaves it open."""

from dataclasses import dataclass, field

from gans.data.delimited.numbers import DECIMALS
from gans.data.schema import Column
from gans.errors import UserError, one_of

TYPES = ("text", "number")
THOUSANDS = (",", ".", " ", "'")


@dataclass(kw_only=True)
class TextOptions:
    """How files are read, text files (CSV) above all; what is not set is found in the file, or asked for.

    Attributes:
        delimiter: between fields: ',', ';', '|' or '\\t'.
        header: whether line 1 holds the names of the columns.
        decimal: the decimal sign of numbers, '.' or ','.
        thousands: the sign between groups of three digits: ',', '.', ' ' or "'".
        null_words: words that are missing values in every column, beside the empty field.
        encoding: of the file, as Python names it: utf-8, cp1252, gb18030.
        formats: of dates and times by column, as strftime has them: `data.formats.paid='%m/%d/%Y'`.
        types: by column, `text` or `number`: `data.types.zip=text`.
        sheet: of an Excel workbook; the first one unless given.
    """

    delimiter: str | None = None
    header: bool | None = None
    decimal: str | None = None
    thousands: str | None = None
    null_words: list[str] = field(default_factory=list)
    encoding: str | None = None
    formats: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    sheet: str | None = None

    def check_text_options(self) -> None:
        """Raise UserError for a value that no file can be read by."""
        if self.delimiter is not None:
            self.delimiter = {"\\t": "\t", "tab": "\t"}.get(self.delimiter, self.delimiter)
            if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
                raise UserError(
                    f"data.delimiter={self.delimiter!r}: one character is needed, as in data.delimiter=';'."
                )
        if self.decimal is not None:
            one_of("data.decimal", self.decimal, DECIMALS)
        if self.thousands is not None:
            one_of("data.thousands", self.thousands, THOUSANDS)
            if self.thousands == self.decimal:
                raise UserError(f"data.thousands={self.thousands}: data.decimal is the same sign.")
        for name, kind in self.types.items():
            one_of(f"data.types.{name}", kind, TYPES)
            if name in self.formats:
                raise UserError(f"data.types.{name}={kind}: data.formats.{name} says that it holds times.")
        for name, pattern in self.formats.items():
            if "%" not in pattern:
                raise UserError(f"data.formats.{name}={pattern}: a format is needed, as in '%d/%m/%Y %H:%M'.")
        if self.encoding is not None:
            try:
                "".encode(self.encoding)  # of text, which base64 is not
            except LookupError:
                raise UserError(
                    f"data.encoding={self.encoding}: no such encoding; common ones are utf-8, cp1252, latin-1, gb18030."
                ) from None

    def text_options(self) -> "TextOptions":
        """These options alone, of a source that has more fields."""
        return TextOptions(**{name: getattr(self, name) for name in TextOptions.__dataclass_fields__})

    def said(self) -> list[str]:
        """The keys that are set."""
        blank = TextOptions()
        return [f"data.{name}" for name in blank.__dataclass_fields__ if getattr(self, name) != getattr(blank, name)]


Known = dict[str, Column]
"""Columns by name of a table that the file should be like: of the training table, for synthetic and test rows."""
