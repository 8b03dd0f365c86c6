"""The grammar of `where`: comparisons of columns with values, joined by `and`. Nothing is evaluated."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gans.data.schema import Schema
from gans.errors import UserError
from gans.sampling.where.allowed import Allowed
from gans.sampling.where.dates import Formats, iso_time
from gans.sampling.where.literals import ESCAPES, NAME, WORDS, Literal, literal, number, written_name

TOKEN = re.compile(
    rf"\s*(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<name>{NAME.pattern})|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<date>\d{4}-\d\d-\d\d[\w:.+-]*)"
    r"|(?P<number>[-+]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][-+]?\d+)?)(?![\w.])"
    r"|(?P<sign>(?:[=!<>]=|[<>])(?![=<>])|[(),]))",
    re.DOTALL,
)
MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
VALUES = {"null": None, "true": True, "false": False}
EXAMPLE = "write for example where=\"plan == 'basic' and 30 <= age < 45 and region in ('north', 'south')\""


class Where(dict[str, Allowed]):
    """What each column may hold, by its name. The columns that it does not name may hold anything."""

    def __str__(self) -> str:
        return " and ".join(map(str, self.values()))

    @classmethod
    def of(cls, given: "str | Mapping[str, Any]", formats: Formats | None = None) -> "Where":
        """Read the grammar, or a mapping: column -> a value, several (any of them), or a range.

        Several are a list, tuple, set, range, array or pandas Series; a range is slice(low, high), which is
        low <= x < high, or a pandas.Interval. None, NaN, NA and NaT are missing; times are read as ISO text.

        Args:
            given: the text or the mapping.
            formats: how the file of the table writes the times of its columns, which then are read like that, too.

        Raises:
            UserError: it cannot be read, or allows nothing.
        """
        if isinstance(given, str):
            return parse(given, formats)
        if not isinstance(given, Mapping):
            raise UserError(f"where={given!r}: allowed are a text or a mapping of columns; {EXAMPLE}.")
        where = cls()
        for column, value in given.items():
            if not isinstance(column, str):
                raise UserError(f"where: {column!r} is no column name; a name is text.")
            where[column] = (
                value if isinstance(value, Allowed) else _given(column, value, (formats or {}).get(column, ""))
            )
        return where

    def mask(self, table: pa.Table) -> np.ndarray:
        """Which rows of a table are allowed, bool [rows].

        Raises:
            UserError: a column is not in the table, or holds what its values cannot be compared with.
        """
        out = np.ones(table.num_rows, bool)
        for column, allowed in self.items():
            if column not in table.column_names:
                raise UserError(
                    f"where: column '{column}' is not in the table; it has {', '.join(table.column_names)}."
                )
            out &= allowed.mask(table[column])
        return out

    def check(self, schema: Schema) -> None:
        """See that the table of a schema can hold rows like these; the levels of categories are not known to it.

        Raises:
            UserError: a column is not there or left out, or cannot hold what is asked of it.
        """
        for column, allowed in self.items():
            try:
                found = schema[column]
            except UserError as error:
                raise UserError(f"where: {error}") from None
            allowed.check(found)


def parse(text: str, formats: Formats | None = None) -> Where:
    """What a text allows. `column == value`, also != < <= > >= and the other way round; `low <= column < high`;
    `column in (a, b)`, `column not in (a, b)`; `column is null`, `column is not null`; joined by `and`.

    A value is a number, 'text' or "text", true, false or null; a column name of other signs than letters, digits, _, .
    and - is in backticks. A missing value fits only `is null`, `== null` and `in (..., null)`.

    Args:
        text: what is allowed.
        formats: as `Where.of`.

    Raises:
        UserError: the text does not follow the grammar, or allows nothing in a column.
    """
    reader = _Reader(text, formats or {})
    where = Where()
    if reader.at_end():
        return where
    while True:
        rule = reader.comparison()
        where[rule.column] = where[rule.column].intersect(rule) if rule.column in where else rule
        if reader.at_end():
            return where
        reader.joint(rule.column)


class _Token(NamedTuple):
    kind: str  # name, quoted, text, number, sign, word (one of WORDS) or end
    text: str
    start: int


class _Reader:
    """The tokens of a text, taken from the left."""

    def __init__(self, text: str, formats: Formats) -> None:
        self.text, self.formats = text, formats
        self.tokens: list[_Token] = []
        self.place = 0
        end, place = len(text.rstrip()), 0
        while place < end:
            match = TOKEN.match(text, place)
            if not match:
                raise UserError(f"where: cannot read {_short(text[place:].strip())!r}; {_hint(text[place:])}{EXAMPLE}.")
            kind = str(match.lastgroup)
            found = match[kind]
            if kind == "date":
                raise UserError(f"where: {found} goes in quotes: '{found}'.")
            if kind == "name" and found.lower() in WORDS:
                kind, found = "word", found.lower()
            self.tokens.append(_Token(kind, found, match.start(str(match.lastgroup))))
            place = match.end()
        self.tokens.append(_Token("end", "", end))

    def at_end(self) -> bool:
        return self.tokens[self.place].kind == "end"

    def next_is(self, *texts: str) -> bool:
        """Whether a sign or word follows; it is taken then."""
        token = self.tokens[self.place]
        found = token.kind in ("sign", "word") and token.text in texts
        self.place += found
        return found

    def fail(self, wanted: str) -> UserError:
        """What is wrong at the next token."""
        token = self.tokens[self.place]
        if token.kind == "end":
            return UserError(f"where: {_short(self.text)!r} ends where {wanted} is needed; {EXAMPLE}.")
        found = _short(self.text[token.start :].strip())
        return UserError(f"where: {wanted} is needed where {found!r} stands; {_hint(found)}{EXAMPLE}.")

    def joint(self, column: str) -> None:
        """Take the `and` between two comparisons."""
        if self.next_is("or"):
            raise UserError(f"where: 'or' is not known; for several values write {written_name(column)} in (a, b).")
        if not self.next_is("and"):
            raise self.fail("'and'")

    def comparison(self) -> Allowed:
        """Take one comparison or chained range."""
        if self.is_value():
            start = self.place
            self.place += 1
            first = self.order()
            column = self.column()
            rule = Allowed.compare(column, MIRROR[first], self.value_of(column, start))
            if self.tokens[self.place].text not in MIRROR:
                return rule
            second, name = self.order(), written_name(column)
            if first[0] != second[0] or first[0] not in "<>":
                raise UserError(
                    f"where: {first} and {second} around {name} are no range; write one as low <= {name} < high."
                )
            return rule.intersect(Allowed.compare(column, second, self.value(column)))
        if self.next_is("not"):
            raise UserError(f"where: 'not' stands only in 'not in' and 'is not null'; {EXAMPLE}.")
        column = self.column()
        if self.next_is("is"):
            negated = self.next_is("not")
            if not self.next_is("null"):
                raise self.fail("'null'")
            return Allowed(column, missing=not negated)
        if self.next_is("in"):
            return Allowed.any_of(column, self.values(column))
        if self.next_is("not"):
            if not self.next_is("in"):
                raise self.fail("'in'")
            return Allowed.none_of(column, self.values(column))
        return Allowed.compare(column, self.order(), self.value(column))

    def column(self) -> str:
        token = self.tokens[self.place]
        if token.kind not in ("name", "quoted"):
            raise self.fail("a column name")
        self.place += 1
        return token.text.replace("``", "`") if token.kind == "quoted" else token.text

    def order(self) -> str:
        token = self.tokens[self.place]
        if not self.next_is(*MIRROR):
            raise self.fail("one of == != < <= > >= in, not in, is")
        return token.text

    def is_value(self) -> bool:
        token = self.tokens[self.place]
        return token.kind in ("text", "number") or (token.kind == "word" and token.text in VALUES)

    def value(self, column: str) -> Literal | None:
        token = self.tokens[self.place]
        if token.kind in ("name", "quoted"):
            raise UserError(f"where: {written_name(column)}: text goes in quotes: '{token.text}'.")
        if not self.is_value():
            raise self.fail("a value")
        self.place += 1
        return self.value_of(column, self.place - 1)

    def value_of(self, column: str, place: int) -> Literal | None:
        kind, text, _ = self.tokens[place]
        if kind == "text":
            found = re.sub(r"(?s)\\(.)", lambda match: _unescape(text, match[1]), text[1:-1])
            return iso_time(found, self.formats[column]) if column in self.formats else found
        return number(written_name(column), text) if kind == "number" else VALUES[text]

    def values(self, column: str) -> list[Literal | None]:
        """Take a list in parentheses."""
        if not self.next_is("("):
            raise self.fail("a list in parentheses")
        if self.next_is(")"):
            return []
        values = [self.value(column)]
        while self.next_is(","):
            values.append(self.value(column))
        if not self.next_is(")"):
            raise self.fail("',' or ')'")
        return values


def _unescape(text: str, char: str) -> str:
    if char not in ESCAPES:
        raise UserError(f"where: '\\{char}' in {_short(text)} means nothing; write a backslash as '\\\\'.")
    return ESCAPES[char]


def _hint(text: str) -> str:
    """What somebody may have meant who is used to another notation."""
    text = text.strip()
    if re.match(r"=[^=]", text):
        return "equality is ==; "
    if re.match(r",\d", text):
        return "decimals have a point, as in 12.5; "
    if re.match(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}\b", text):
        return "dates go in quotes, as in '2023-12-31'; "
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _given(column: str, value: Any, pattern: str) -> Allowed:
    """What a value from Python allows; text may be a time by a format of strftime, if there is one."""
    name = written_name(column)

    def read(one: Any) -> Literal | None:
        found = literal(name, one)
        return iso_time(found, pattern) if pattern and isinstance(found, str) else found

    if isinstance(value, slice):
        if value.step is not None or (value.start is None and value.stop is None):
            raise UserError(f"where: {name}: {value!r} is no range; write slice(low, high).")
        return _range(column, value.start, value.stop, (">=", "<"), read)
    if type(value).__name__ == "Interval":
        signs = (">" if value.open_left else ">=", "<" if value.open_right else "<=")
        return _range(column, value.left, value.right, signs, read)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=repr)
    elif hasattr(value, "to_list"):
        value = value.to_list()
    elif isinstance(value, np.ndarray):
        value = list(value.ravel())
    if isinstance(value, (list, tuple, range)):
        return Allowed.any_of(column, [read(one) for one in value])
    return Allowed.compare(column, "==", read(value))


def _range(column: str, low: Any, high: Any, signs: tuple[str, str], read: Callable[[Any], Literal | None]) -> Allowed:
    """The range between two ends; None and infinity are no bound."""
    allowed = Allowed(column)
    for sign, end in zip(signs, (low, high), strict=True):
        if end is None or (isinstance(end, float) and math.isinf(end)):
            continue
        allowed = allowed.intersect(Allowed.compare(column, sign, read(end)))
    return allowed
