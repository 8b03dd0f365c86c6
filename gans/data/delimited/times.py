"""Dates and times in the one format that all values of a column have."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ISO_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
SPLIT = (
    r"^(?P<date>[^:]*?[0-9])(?P<gap>,? |T)(?P<clock>[0-9]{1,2}:[0-9]{2})(?P<seconds>(?::[0-9]{2})?)"
    r"(?P<fraction>(?:\.[0-9]{1,9})?)(?P<half>(?: ?[AaPp][Mm])?)"
    r"(?P<zone>(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}))?)$"
)
DIGITS = r"^(?P<first>[0-9]{1,4})(?P<sign>[-/.])(?P<second>[0-9]{1,2})(?P<other>[-/.])(?P<third>[0-9]{1,4})$"
DATE = r"^([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{4}|[0-9]{2}))$"
MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
NAMED = (
    rf"^[0-9]{{1,2}}([-/ ]|\. ){MONTH}[-/ ,]+[0-9]{{4}}$",
    rf"^{MONTH}\.?[-/ ][0-9]{{1,2}},?[-/ ][0-9]{{4}}$",
    rf"^[0-9]{{4}}[-/ ]{MONTH}[-/ ][0-9]{{1,2}}$",
    rf"^[0-9]{{1,2}}[-/ ]{MONTH}[-/ ][0-9]{{2}}$",
    r"^[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日$",
)
CENTURY = "a year of two digits can be of either century"
FIRST_OF_EIGHT = 20  # distinct values, below which eight digits are a number


@dataclass
class DateOrder:
    """What the dates of a column say about the order of day and month.

    Attributes:
        day_first: True or False where they leave no doubt; None where both orders fit.
        patterns: the formats that fit, the one to use first.
        refused: why no format fits, for people.
        odd: a text for which that is so.
    """

    day_first: bool | None = None
    patterns: list[str] = field(default_factory=list)
    refused: str = ""
    odd: str = ""


def iso(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str] | None:
    """A column of ISO dates or times, and their format; None where it holds something else.

    One offset of all times is their zone, several become UTC.

    Raises:
        pa.ArrowInvalid: a day or an hour is not there, such as 2023-02-30.
    """
    first = column[0].as_py()
    if re.match(ISO_DATE, first):
        whole = pc.all(pc.match_substring_regex(column, ISO_DATE)).as_py()
        return (column.cast(pa.date32()), "%Y-%m-%d") if whole else None
    gap, zoned = first[10:11], bool(re.match(ISO_TIME + ZONE, first))
    shape = ISO_TIME.replace("[ T]", gap) + (ZONE if zoned else "$")
    if gap not in (" ", "T") or not pc.all(pc.match_substring_regex(column, shape)).as_py():
        return None
    clock = pc.replace_substring_regex(column, ZONE, "") if zoned else column
    lengths = pc.min_max(pc.utf8_length(clock)).as_py()
    unit = "ns" if lengths["max"] > 26 else "us"
    parts = "%H:%M" if lengths["max"] == 16 else "%H:%M:%S" if lengths["max"] == 19 else "%H:%M:%S.%f"
    pattern = f"%Y-%m-%d{gap}{parts}{'%z' if zoned else ''}"
    return column.cast(pa.timestamp(unit, _zone(column) if zoned else None)), pattern


def _zone(texts: Any) -> str:
    """The offset that all texts end in; UTC where there are several."""
    parts = pc.extract_regex(texts, r"(?P<zone>Z|UTC|[+-][0-9]{2}:?(?:[0-9]{2})?)$")
    known = [zone for zone in pc.unique(pc.struct_field(parts, "zone")).to_pylist() if zone]
    if len(known) != 1 or known[0] in ("Z", "UTC"):
        return "UTC"
    offset = f"{known[0][:3]}:{known[0][-2:] if len(known[0]) > 3 else '00'}"
    return "UTC" if offset[1:] == "00:00" else offset


def looks_like_times(words: pa.Array) -> np.ndarray:
    """Which texts [words] have the shape of a date, with or without a time of day."""
    dates = _dates(words)[0]
    shapes = [DATE, *NAMED]
    return np.logical_or.reduce(
        [np.asarray(pc.fill_null(pc.match_substring_regex(dates, shape), False)) for shape in shapes]
    )


def _dates(words: pa.Array) -> tuple[pa.Array, Any]:
    """The dates within texts, and the other parts of those that have a time of day."""
    parts = pc.extract_regex(words, SPLIT)
    return pc.if_else(parts.is_valid(), pc.struct_field(parts, "date"), words), parts


def order_of(words: pa.Array) -> DateOrder:
    """The formats that fit distinct texts, all of the shape of dates."""
    dates, parts = _dates(words)
    clock = _clock(parts)
    if clock is None:
        odd = _other(words, parts)
        zones = [
            bool(part and part["zone"])
            for part in parts.slice(0, 1).to_pylist() + pc.extract_regex(pa.array([odd]), SPLIT).to_pylist()
        ]
        reason = (
            "time zones are mixed: some have one, others have none"
            if len(set(zones)) > 1
            else ("some have a time of day written in another way, or none")
        )
        return DateOrder(refused=reason, odd=odd)
    numeric = pc.extract_regex(dates, DIGITS)
    if numeric.null_count == 0:
        return _numeric(words, numeric, clock)
    for pattern in NAMED:
        if pc.all(pc.match_substring_regex(dates, pattern)).as_py():
            longest = dates[int(np.argmax(np.asarray(pc.utf8_length(dates))))].as_py()
            short = pc.any(pc.match_substring_regex(dates, r"(^|[^0-9])[1-9]([^0-9]|$)")).as_py()
            form = f"{_named(longest)}{clock}"
            form = re.sub("%([dm])", r"%-\1", form) if short else form
            return DateOrder(None, [form], CENTURY if "%y" in form else "")
    return DateOrder(refused="they have no common format", odd=words[0].as_py())


def _other(words: pa.Array, parts: Any) -> str:
    """A text with a time of day beside one without, or written in another way."""
    first = parts[0].as_py()
    shape = None if first is None else {key: bool(value) for key, value in first.items()}
    for word, part in zip(words.to_pylist()[1:], parts.to_pylist()[1:], strict=True):
        if (None if part is None else {key: bool(value) for key, value in part.items()}) != shape:
            return word
    return words[-1].as_py()


def _clock(parts: Any) -> str | None:
    """The format of the time of day, "" for none; None where texts differ."""
    if parts.null_count == len(parts):
        return ""
    if parts.null_count:
        return None
    gap, seconds, half = (pc.unique(pc.struct_field(parts, name)).to_pylist() for name in ("gap", "seconds", "half"))
    zone = pc.unique(pc.struct_field(parts, "zone")).to_pylist()
    fraction = pc.any(pc.not_equal(pc.struct_field(parts, "fraction"), "")).as_py()
    if len(gap) > 1 or len({bool(text) for text in seconds}) > 1 or len({bool(text) for text in zone}) > 1:
        return None
    if len({(bool(text), text[:1] == " ") for text in half}) > 1:
        return None
    spaced = " " if zone[0].startswith(" ") else ""
    text = f"{gap[0]}{'%I' if half[0] else '%H'}:%M{':%S' if seconds[0] else ''}{'.%f' if fraction else ''}"
    return (
        text + (f"{' ' if half[0].startswith(' ') else ''}%p" if half[0] else "") + (f"{spaced}%z" if zone[0] else "")
    )


def _numeric(words: pa.Array, numeric: Any, clock: str) -> DateOrder:
    first, sign, second, other, third = (
        pc.struct_field(numeric, name) for name in ("first", "sign", "second", "other", "third")
    )
    signs = set(pc.unique(sign).to_pylist()) | set(pc.unique(other).to_pylist())
    if len(signs) > 1:
        return DateOrder(refused="their parts are divided by several signs", odd=words[0].as_py())
    mark = signs.pop()
    lengths = [set(pc.unique(pc.utf8_length(part)).to_pylist()) for part in (first, third)]
    plain = [part.cast(pa.int64()).to_numpy(zero_copy_only=False) for part in (first, second, third)]
    if lengths[0] == {4}:
        pads = _pad([second, third])
        return DateOrder(None, [f"%Y{mark}%{pads}m{mark}%{pads}d{clock}"])
    pads = _pad([first, second])
    orders = {True: f"%{pads}d{mark}%{pads}m", False: f"%{pads}m{mark}%{pads}d"}
    large = [plain[0].max() > 12, plain[1].max() > 12]
    if lengths[1] != {4}:
        if lengths[1] == {2} and max(lengths[0]) <= 2 and plain[0].max() <= 31 and plain[1].max() <= 31:
            patterns = [f"{text}{mark}%y{clock}" for text in orders.values()] + [f"%y{mark}%m{mark}%d{clock}"]
            return DateOrder(None, patterns, CENTURY)
        return DateOrder(refused="their years have another number of digits", odd=words[0].as_py())
    if all(large):
        place = int(np.argmax(plain[0] > 12)), int(np.argmax(plain[1] > 12))
        odd = words[place[1]].as_py()
        return DateOrder(refused=f"in '{words[place[0]].as_py()}' the day is first, in '{odd}' the month", odd=odd)
    if any(large):
        return DateOrder(large[0], [f"{orders[large[0]]}{mark}%Y{clock}"])
    both = [f"{text}{mark}%Y{clock}" for text in orders.values()]
    return DateOrder(True, both[:1]) if mark == "." else DateOrder(None, both)  # nobody writes month.day.year


def _pad(parts: list[Any]) -> str:
    """The flag of days and months without a leading zero."""
    short = any(pc.any(pc.equal(pc.utf8_length(part), 1)).as_py() for part in parts)
    return "-" if short else ""


def _named(text: str) -> str:
    """The format of a date with the name of its month, or of a Chinese one, of one example."""
    if "年" in text:
        return "%Y年%m月%d日"
    month = re.search(MONTH, text)
    name = "%B" if month and len(month[0]) > 3 else "%b"
    out = re.sub(MONTH, name, text, count=1)
    out = re.sub(r"[0-9]{4}", "%Y", out, count=1)
    out = re.sub(r"(?<!%)\b[0-9]{1,2}", "%d", out, count=1)
    return re.sub(r"[0-9]{2}$", "%y", out)


def eight_digits(words: pa.Array) -> bool:
    """Whether distinct texts of eight digits are all dates such as 20240131."""
    if len(words) < FIRST_OF_EIGHT or not pc.all(pc.match_substring_regex(words, r"^(19|20)[0-9]{6}$")).as_py():
        return False
    return bool(parse(words, "%Y%m%d")[1].all())


def parse(words: pa.Array, pattern: str) -> tuple[pa.Array, np.ndarray]:
    """Texts as date32 or timestamp by a format of strftime, null where one does not fit; and which [words] do.

    One offset of all texts is their zone, several become UTC.

    Raises:
        ValueError: the format is none.
    """
    import pandas as pd

    text = pd.Series(words.to_numpy(zero_copy_only=False), dtype=object)
    form = pattern.replace("%-", "%")
    zoned = "%z" in form.lower()
    if form.endswith(" %z"):
        form = form.removesuffix(" %z") + "%z"
        text = text.str.replace(r" (?=\S+$)", "", regex=True)
    if zoned:
        text = text.str.replace("UTC", "Z")
    times = pd.to_datetime(text, format=form, errors="coerce", utc=zoned)
    fits = times.notna().to_numpy()
    clock = any(part in form for part in ("%H", "%I"))
    zone = _zone(words) if zoned else None
    kind: Any = pa.timestamp("us", zone) if clock or zoned else pa.date32()
    return pa.array(times, pa.timestamp("us", zone), from_pandas=True, safe=False).cast(kind, safe=False), fits


def write(values: pa.Array, pattern: str) -> pa.Array:
    """Times as texts of a format of strftime; `%-d` and the like without a leading zero."""
    unit = "ns" if getattr(values.type, "unit", "") == "ns" else "us"
    moments = values.cast(pa.timestamp(unit, getattr(values.type, "tz", None)), safe=False)
    pieces: list[Any] = []
    for part in re.findall(r"%-?[A-Za-z]|[^%]+", pattern):
        pieces.append(_piece(moments, part) if part.startswith("%") else part)
    return pc.binary_join_element_wise(*pieces, "")


def _piece(moments: pa.Array, part: str) -> pa.Array:
    letter = part[-1]
    if letter == "f":
        digits = pc.add(pc.multiply(pc.millisecond(moments), 1000), pc.microsecond(moments))
        text = pc.utf8_lpad(digits.cast(pa.string()), 6, "0")
        if moments.type.unit != "ns":
            return text
        return pc.binary_join_element_wise(text, pc.utf8_lpad(pc.nanosecond(moments).cast(pa.string()), 3, "0"), "")
    if letter == "S":  # Arrow's has the fraction
        return pc.utf8_lpad(pc.second(moments).cast(pa.string()), 2, "0")
    if letter == "z" and getattr(moments.type, "tz", None) == "UTC":
        return pa.array(["Z"] * len(moments), pa.string())
    text = pc.strftime(moments, f"%{letter}")
    return pc.replace_substring_regex(text, "^0", "") if part.startswith("%-") else text
