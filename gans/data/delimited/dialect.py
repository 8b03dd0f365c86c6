"""Which sign parts the fields of a text file, and whether its first line holds names."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from gans.errors import UserError

DELIMITERS = (",", ";", "\t", "|")
HEAD = 1_000  # records that the delimiter is found in
MOST_FIELD = 1 << 27  # characters
SHOWN = 40  # characters of a field in messages
NUMBER = re.compile(r"[-+(]?\W{0,4}\d[\d.,:/ '-]*(?:[eE][-+]?\d+)?\W{0,2}\)?")


@dataclass
class Dialect:
    """How a file is laid out.

    Attributes:
        delimiter: between fields.
        header: whether line 1 holds names.
        names: of the columns.
        quoted: columns whose fields are in quotes in all of the first lines, in a file that has numbers without.
        notes: what is said of it.
    """

    delimiter: str
    header: bool
    names: list[str]
    quoted: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a file with the line in which each begins; lines that are empty are none.

    Raises:
        UserError: a quote is not closed, or something stands behind a closed one; it lacks the file's name.
    """
    csv.field_size_limit(MOST_FIELD)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = {
                    "unexpected end of data": "a quote is opened and never closed",
                }.get(str(error), str(error))
                raise UserError(f"line {line:,}: {reason}.") from None
            if record:
                yield line, record
            line = reader.line_num + 1


def shown(record: list[str]) -> str:
    """The fields of a record, for messages."""
    return " | ".join(map(cut, record[:12])) + (" | ..." if len(record) > 12 else "")


def cut(text: str) -> str:
    """A field in one line, at most so long as a message can take."""
    text = " ".join(text.split(maxsplit=SHOWN)) if "\n" in text or "\r" in text else text
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def find_dialect(path: Path, key: str, delimiter: str | None, header: bool | None) -> Dialect:
    """The dialect of a file in UTF-8.

    Args:
        key: what the file is called in messages.
        delimiter: where the person says it.
        header: where the person says it.

    Raises:
        UserError: the file is empty, two delimiters fit, or line 1 could be names as well as values.
    """
    _check_start(path, key)
    chosen = delimiter or _find_delimiter(path, key)
    try:
        head = [record for _, record in islice(records(path, chosen), HEAD)]
    except UserError as error:
        raise UserError(f"{key}: {error} The delimiter is taken to be {chosen!r} (data.delimiter).") from None
    if not head:
        raise UserError(f"{key}: the table is empty: 0 rows, 0 columns.")
    first, rows = head[0], head[1:]
    if delimiter and len(first) == 1 and (usual := max(DELIMITERS, key=first[0].count)) in first[0]:
        raise UserError(
            f"{key}: data.delimiter={delimiter!r} gives one column; line 1 ({cut(first[0])}) looks like "
            f"{usual!r}; set data.delimiter={usual!r}, or leave it out."
        )
    notes = [] if chosen == "," else [f"delimiter {chosen!r}"]
    if rows and len(first) < len(rows[0]) and header is not False and len({len(row) for row in rows}) == 1:
        raise UserError(
            f"{key}: line 1 names {len(first)} columns ({shown(first)}), the rows have {len(rows[0])} "
            f"({shown(rows[0])}); name every column in line 1, or set data.header=false where it holds values, or "
            f"data.delimiter where {chosen!r} parts no columns."
        )
    if not any(NUMBER.fullmatch(text.strip()) for text in first):
        rows = [row for row in rows if row != first]  # a header that stands twice is refused when all lines are read
    if header is None:
        header, note = has_header(first, [row for row in rows if len(row) == len(first)], key)
        notes += [note] if note else []
    names = [name.strip() for name in first] if header else [""] * len(first)
    names = [name or f"column{place}" for place, name in enumerate(names, 1)]
    if header and sum(not name.strip() for name in first) > 1:
        raise UserError(f"{key}: line 1 ({shown(first)}) leaves several columns without a name; it may be a title.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"{key}: line 1 names '{twice[0]}' twice; every column needs a name of its own.")
    return Dialect(chosen, header, names, _quoted_columns(path, chosen, names, header), notes)


def _check_start(path: Path, key: str) -> None:
    """Raise UserError where the first line is empty, or says what parts the fields, as only Excel understands."""
    with path.open(encoding="utf-8") as file:
        line = file.readline(100).strip()
        empty = not line and bool(file.read(1))
    if empty:
        raise UserError(f"{key}: line 1 is empty; remove the lines before the names of the columns.")
    if match := re.fullmatch(r'"?sep=(.?)"?', line):
        raise UserError(f"{key}: line 1 says 'sep={match[1]}' to Excel only; remove the line.")


def _find_delimiter(path: Path, key: str) -> str:
    """The delimiter that parts all of the first records alike, or else most of them."""
    fits, counts = {}, {}
    for delimiter in DELIMITERS:
        try:
            widths = [len(record) for _, record in islice(records(path, delimiter), HEAD)]
        except UserError:
            continue
        common, share = Counter(widths).most_common(1)[0] if widths else (1, 0)
        if any(width > 1 for width in widths):
            counts[delimiter] = (common > 1, share, common)
        if common > 1 and share == len(widths):
            fits[delimiter] = common
    if len(fits) > 1:
        words = " and ".join(f"{sign!r} ({width} fields)" for sign, width in fits.items())
        raise UserError(
            f"{key}: {words} each split every line into the same number of fields; set data.delimiter to one of them."
        )
    if fits:
        return next(iter(fits))
    return max(counts, key=lambda sign: counts[sign]) if counts else ","


def has_header(first: list[str], rows: list[list[str]], key: str, place: str = "line 1") -> tuple[bool, str]:
    """Whether the first record holds names, and what is said where that is open to doubt.

    Args:
        place: of the first record, for messages.

    Raises:
        UserError: it could be names or values.
    """
    if not rows:
        return True, ""
    columns = list(zip(*rows, strict=True))
    numbers = [all(NUMBER.fullmatch(text.strip()) for text in column if text) for column in columns]
    like = [bool(NUMBER.fullmatch(text.strip())) for text in first]
    if any(number and text and not looks for number, text, looks in zip(numbers, first, like, strict=True)):
        return True, ""  # a word above numbers
    repeated = [len(set(column)) <= len(column) / 2 for column in columns]
    new = any(
        not number and often and text and text not in column
        for number, often, text, column in zip(numbers, repeated, first, columns, strict=True)
    )
    known = [
        text for number, text, column in zip(numbers, first, columns, strict=True) if not number and text in column
    ]
    doubtful = any(like)
    years = [text for text, looks in zip(first, like, strict=True) if looks]
    counted = len(years) > 1 and _counts_up(years) and not known
    if (new or counted) and not known:
        note = f"{place} is taken as names ({shown(first)}); data.header=false reads it as values"
        return True, note if doubtful else ""
    if not doubtful and not known:
        return True, ""
    raise UserError(
        f"{key}: {place} ({shown(first)}) could be names or values like those below ({shown(rows[0])}); "
        "say which: data.header=true or data.header=false."
    )


def _counts_up(first: list[str]) -> bool:
    """Whether names are 0, 1, 2, ... or 1, 2, 3, ..., as libraries write columns without names, or years in a row."""
    if len(first) < 2 or not all(text.strip().isdecimal() for text in first):
        return False
    values = [int(text) for text in first]
    return values == list(range(values[0], values[0] + len(values)))


def _quoted_columns(path: Path, delimiter: str, names: list[str], header: bool) -> set[str]:
    """Columns always in quotes, needed or not, where numbers never are: a writer that marks text by quotes."""
    part = re.escape(delimiter)
    token = re.compile(rf'(?:^|(?<={part}))(?:"(?:[^"]|"")*"|[^"{part}]*)(?={part}|$)')
    always, never, needless = ([value] * len(names) for value in (True, True, False))
    numbers = [False] * len(names)
    with path.open(encoding="utf-8") as file:
        for line in islice(file, int(header), HEAD):
            fields = token.findall(line.rstrip("\r\n"))
            if len(fields) != len(names):  # a field with a line end in it
                continue
            for place, text in enumerate(fields):
                if text:
                    quoted = text.startswith('"')
                    always[place] &= quoted
                    never[place] &= not quoted
                    needless[place] |= quoted and delimiter not in text
                    numbers[place] |= text[-1:].isdecimal()
    if not any(map(all, zip(never, numbers, strict=True))):
        return set()
    return {name for name, *both in zip(names, always, needless, strict=True) if all(both)}
