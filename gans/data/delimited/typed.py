"""What the texts of a column are: text, numbers, dates, times or truth values; in doubt the person is asked."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.delimited import numbers, times
from gans.data.delimited.dialect import cut
from gans.data.delimited.distinct import encoded, spread, trimmed
from gans.data.delimited.numbers import PLAIN, WHOLE, Ambiguous, Style
from gans.data.delimited.options import TextOptions
from gans.data.delimited.written import Written
from gans.errors import UserError

pc: Any = pyarrow.compute  # its functions are made at run time

TRUTHS = (("false", "true"), ("False", "True"), ("FALSE", "TRUE"))
Found = TypeVar("Found")
MISSING_WORDS = ("NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "none", "-", "?", ".", "#N/A")
MOST_WORDS = 3  # among numbers or dates that are missing values
LEAST_DISTINCT = 10  # numbers, below which a column with words is a category
MOSTLY = 0.9  # of the rows, from which on what does not fit is asked about
SINGLE = 0.01  # of the rows, below which codes among numbers are slips of the pen
CODE = r"^[A-Za-z]{1,4}-?[0-9]+$|^[0-9]+-?[A-Za-z]{1,4}$"
INFINITE = r"(?i)^[+-]?inf(inity)?$"
CODE_NAME = re.compile(r"(?i)(^|[^a-z])(version|release|build|sku|isbn|ean|part|model)([^a-z]|$)|版本")


@dataclass
class Evidence:
    """What is certain in some columns of a file and helps with others.

    Attributes:
        semicolon: whether semicolons part the fields.
        decimals: decimal signs that leave no doubt.
        day_first: whether days come before months; both where the columns differ.
    """

    semicolon: bool = False
    decimals: set[str] = field(default_factory=set)
    day_first: set[bool] = field(default_factory=set)


@dataclass
class Typed:
    """A column that was understood.

    Attributes:
        values: of their type, missing ones null.
        note: what is said of it; "" where there is nothing to say.
    """

    values: pa.ChunkedArray
    written: Written | None = None
    note: str = ""


@dataclass
class Doubt(Exception):  # noqa: N818
    """A column that another one may help with: why, and a text of it."""

    text: str
    odd: str


class TextColumn:
    """The texts of a column, and what the person says of it.

    Attributes:
        texts: of the file; null where the field is empty.
        quoted: whether the file marks it as text by quotes, numbers standing without.
        where: the line of a text, for messages.
    """

    def __init__(
        self,
        name: str,
        texts: pa.ChunkedArray,
        options: TextOptions,
        quoted: bool = False,
        where: Callable[[str], str] = repr,
    ) -> None:
        if options.null_words:
            known = pc.is_in(texts, value_set=pa.array(options.null_words, pa.string()))
            texts = pc.if_else(known, pa.scalar(None, pa.string()), texts)
        self.name, self.texts, self.options, self.quoted, self.where = name, texts, options, quoted, where
        self.said_number = options.types.get(name) == "number"

    def typed(self, evidence: Evidence, settle: bool) -> Typed:
        """The column with its type.

        Args:
            evidence: is read, and added to.
            settle: whether nothing else can help any more.

        Raises:
            Doubt: two readings fit, and another column may tell (unless `settle`).
            UserError: the person has to say what is meant.
        """
        options, name = self.options, self.name
        if options.types.get(name) == "text" or self.texts.null_count == len(self.texts):
            return Typed(self.texts)
        if name in options.formats:
            return self._times(options.formats[name], said=True)
        stripped = trimmed(self.texts)
        valid = stripped.drop_null()
        if not len(valid):
            return Typed(self.texts)
        if typed := self._plain(stripped, valid):
            if pa.types.is_floating(typed.values.type) and pc.any(pc.match_substring(valid, ".")).as_py():
                evidence.decimals |= {"."} if self._certain(valid) else set()
            return typed
        coded = encoded(stripped)
        words = coded.dictionary
        for pair in TRUTHS:
            known = set(words.slice(0, 4).to_pylist())
            if known & set(pair) and known <= {*pair, *MISSING_WORDS} and len(words) < 4:
                lost = pc.is_in(words, value_set=pa.array(MISSING_WORDS))
                truth = pc.if_else(lost, pa.scalar(None, pa.bool_()), pc.equal(words, pair[1]))
                return Typed(spread(truth, coded), Written(words=pair, missing=_one(words, np.asarray(lost), coded)))
        own = evidence if settle else None
        return self._settled(
            lambda: self._numbers(coded, evidence, own) or self._dates(coded, evidence, own) or Typed(self.texts),
            settle,
        )

    def dates(self, evidence: Evidence, settle: bool) -> Typed | None:
        """As `typed`, of a column that holds no numbers: dates and times; None where it holds something else.

        Raises:
            Doubt: two readings fit, and another column may tell (unless `settle`).
            UserError: the person has to say what is meant.
        """
        if self.name in self.options.formats:
            return self._times(self.options.formats[self.name], said=True)
        stripped = trimmed(self.texts)
        valid = stripped.drop_null()
        if not len(valid):
            return None
        own = evidence if settle else None
        return self._iso(stripped, valid) or self._settled(
            lambda: self._dates(encoded(stripped), evidence, own), settle
        )

    def as_text(self) -> str:
        """What a person sets, so that the column stays text."""
        return f"{self.key('types')}=text"

    def as_missing(self, word: str) -> str:
        """What a person does, so that a text is a missing value."""
        return f"data.null_words=['{cut(word)}'] reads it as missing"

    def _settled(self, find: Callable[[], Found], settle: bool) -> Found:
        """What is found; a doubt that nothing else can settle is for the person."""
        try:
            return find()
        except Doubt as doubt:
            if not settle:
                raise
            raise UserError(self._said(doubt.text, doubt.odd)) from None

    def _said(self, text: str, odd: str) -> str:
        return f"column '{cut(self.name)}': {self.where(odd)} {text}."

    def key(self, key: str) -> str:
        """What a person sets about the column: the name of one of the options by column."""
        return f"data.{key}.{cut(self.name)}"

    def _certain(self, valid: pa.ChunkedArray) -> bool:
        return bool(pc.any(pc.match_substring_regex(valid, r"\.([0-9]{1,2}|[0-9]{4,})$|^-?0?\.[0-9]")).as_py())

    def _plain(self, stripped: pa.ChunkedArray, valid: pa.ChunkedArray) -> Typed | None:
        """Whole numbers, decimals with a point, ISO dates and times, read at once; None where the column is no such."""
        first = valid[0].as_py()
        if self.quoted and not self.said_number and pc.all(pc.match_substring_regex(valid, PLAIN)).as_py():
            return Typed(self.texts, note=f"numbers in quotes are text; {self.key('types')}=number reads them")
        if re.match(r"^[0-9]{8}$", first) and times.eight_digits(pc.unique(valid)) and not self.said_number:
            return self._times("%Y%m%d")
        if re.match(WHOLE, first) or re.match(PLAIN, first):
            if pc.all(pc.match_substring_regex(valid, WHOLE)).as_py():
                values = numbers.whole_numbers(stripped)
                return None if values is None else Typed(values)
            point = self.options.decimal in (None, ".") and self.options.thousands != "."
            if point and not self._versions(valid) and pc.all(pc.match_substring_regex(valid, PLAIN)).as_py():
                if self._three_digits(valid):
                    return None
                values = stripped.cast(pa.float64())
                self._check_floats(valid, values.drop_null())
                style = Style(decimals=_decimals(valid))
                return Typed(values, Written(style=style) if style.decimals else None)
        return self._iso(stripped, valid)

    def _iso(self, stripped: pa.ChunkedArray, valid: pa.ChunkedArray) -> Typed | None:
        """ISO dates and times; None where the column is no such."""
        first = valid[0].as_py()
        try:
            read = times.iso(valid) if "-" in first else None
        except pa.ArrowInvalid:
            return None  # a day that is not there; the line is told with the other formats
        if read is None:
            return None
        values, pattern = read
        whole = values if valid is stripped or not stripped.null_count else _with_nulls(values, stripped)
        return Typed(whole, Written(format=pattern))

    def _check_floats(self, valid: pa.ChunkedArray, values: pa.ChunkedArray) -> None:
        """Raise UserError where a number is beyond all, or two texts such as 10.1 and 10.10 would become one."""
        infinite = pc.is_inf(values)
        if pc.any(infinite).as_py():
            raise UserError(self._said("is larger than any number", valid[pc.index(infinite, True).as_py()].as_py()))
        if self.said_number or not pc.any(pc.match_substring_regex(valid, r"\.[0-9]*0$")).as_py():
            return
        texts = pc.unique(valid)
        same = pc.value_counts(texts.cast(pa.float64()))
        twice = same.filter(pc.greater(same.field("counts"), 1))
        if len(twice):
            value = twice[0]["values"].as_py()
            one, other = texts.filter(pc.equal(texts.cast(pa.float64()), value)).to_pylist()[:2]
            key = self.key("types")
            raise UserError(self._said(f"and '{other}' are one number, or two codes; set {key}=number or =text", one))

    def _three_digits(self, valid: pa.ChunkedArray) -> bool:
        """Whether each point has three digits behind it, which could be thousands."""
        dotted = pc.match_substring(valid, ".")
        return not pc.any(
            pc.invert(pc.match_substring_regex(valid.filter(dotted), r"^-?[1-9][0-9]{0,2}\.[0-9]{3}$"))
        ).as_py()

    def _versions(self, valid: pa.ChunkedArray) -> bool:
        """Whether the name says that numbers with a point are codes."""
        return (
            bool(CODE_NAME.search(self.name))
            and not self.said_number
            and pc.any(pc.match_substring(valid, ".")).as_py()
        )

    def _numbers(self, coded: pa.DictionaryArray, evidence: Evidence, known: Evidence | None) -> Typed | None:
        """Numbers as people write them; None where the column holds something else.

        Args:
            known: the evidence of all columns, once it is complete.
        """
        words, said = coded.dictionary, self.said_number
        parts, looks = numbers.parts_of(words)
        rows = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(words))
        share = rows[looks].sum() / max(rows.sum(), 1)
        infinite = np.asarray(pc.match_substring_regex(words, INFINITE))
        if infinite.any() and looks.sum() + infinite.sum() == len(words):
            one = self.where(words[int(np.argmax(infinite))].as_py())
            raise UserError(f"column '{self.name}' holds an infinite number, {one}; remove it or write it as missing.")
        if said and not looks.any():
            raise UserError(self._said(f"is not a number; {self.key('types')}=number", words[0].as_py()))
        if not said and (not looks.any() or share < 0.5 or self._versions(words) or self._codes(words, rows) >= SINGLE):
            return None
        lost = ~looks
        if not said and numbers.like_codes(parts.filter(pa.array(looks))):
            return None
        if not said and not _usual(words, lost) and looks.sum() < LEAST_DISTINCT:
            return None  # a category of which some levels are numbers
        if not self._may_be_missing(words, looks, rows, share, said):
            return None
        try:
            style = numbers.find_style(
                parts.filter(pa.array(looks)),
                self.options.decimal,
                self.options.thousands,
                known.decimals if known else None,
                evidence.semicolon,
            )
        except Ambiguous as doubt:
            plain = zip(words.to_pylist(), numbers.cleaned(words).to_pylist(), looks, strict=True)
            odd = next(word for word, text, fits in plain if fits and doubt.body in text)
            raise Doubt(f"{doubt.text}, or {self.key('types')}=text", odd) from None
        if numbers.certain_decimal(style, pc.struct_field(parts, "body").filter(pa.array(looks))):
            evidence.decimals.add(style.decimal)
        values, fits = numbers.parse(words, style)
        if (looks & ~fits).any():
            odd = words[int(np.argmax(looks & ~fits))].as_py()
            remedy = f"{self.key('types')}=text keeps them as text"
            raise UserError(self._said(f"is not a number, unlike the others; {remedy}", odd))
        written = Written(style=style if not style.plain or style.decimals else None, missing=_one(words, lost, coded))
        return Typed(spread(values, coded), written, self._note(style, words, lost, rows))

    def _note(self, style: Style, words: pa.Array, lost: np.ndarray, rows: np.ndarray) -> str:
        """What is said of a column of numbers that are not plain."""
        parts = []
        if not style.plain:
            signs = {"decimal": style.decimal * (style.decimal != "."), "thousands": style.thousands}
            signs |= {"prefix": style.prefix, "suffix": style.suffix}
            parts = [f"{name} {sign!r}" for name, sign in signs.items() if sign]
        if lost.any():
            names = ", ".join(repr(word) for word in words.filter(pa.array(lost)).to_pylist())
            parts.append(f"{int(rows[lost].sum()):,} cells with {names} are missing values")
        return "; ".join(parts)

    def _codes(self, words: pa.Array, rows: np.ndarray) -> float:
        """The share of texts that have a leading zero, twenty digits, a plus, or an exponent without a sign."""
        codes = np.asarray(pc.match_substring_regex(numbers.cleaned(words), numbers.CODE))
        return float(rows[codes].sum() / max(rows.sum(), 1))

    def _may_be_missing(self, words: pa.Array, looks: np.ndarray, rows: np.ndarray, share: float, said: bool) -> bool:
        """Whether the texts that look otherwise are missing values; False where the column is text.

        Raises:
            UserError: they are too many, or hold digits, in a column that else has the type.
        """
        if looks.all():
            return True
        others = words.filter(pa.array(~looks))
        odd = others.filter(pc.match_substring_regex(others, r"[0-9]"))
        if not len(odd) and len(others) <= MOST_WORDS:
            return True
        codes = pc.all(pc.match_substring_regex(odd, CODE)).as_py() if len(odd) else False
        if not said and (share < MOSTLY or (codes and 1 - share >= SINGLE)):
            return False
        one = (odd if len(odd) else others)[0].as_py()
        raise UserError(
            self._said(
                f"is not like the other {share:.1%} of the column; {self.as_text()} keeps all as text, "
                f"{self.as_missing(one)}",
                one,
            )
        )

    def _dates(self, coded: pa.DictionaryArray, evidence: Evidence, known: Evidence | None) -> Typed | None:
        """Dates and times in one format; None where the column holds something else.

        Args:
            known: the evidence of all columns, once it is complete.
        """
        words = coded.dictionary
        looks = times.looks_like_times(words)
        rows = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(words))
        share = rows[looks].sum() / max(rows.sum(), 1)
        if not looks.any() or share < 0.5:
            return None
        if not looks.all() and looks.sum() < LEAST_DISTINCT and not _usual(words, ~looks):
            return None
        if not self._may_be_missing(words, looks, rows, share, said=False):
            return None
        dates = words.filter(pa.array(looks))
        order = times.order_of(dates)
        if order.refused and not order.patterns:
            raise UserError(
                self._said(
                    f"is not written as the other dates, {order.refused}; {self.as_text()} keeps them",
                    order.odd,
                )
            )
        fits = [(pattern, *times.parse(dates, pattern)) for pattern in order.patterns]
        whole = [pattern for pattern, _, good in fits if good.all()]
        if order.refused:  # asked about in any case, but codes are left alone
            if not whole:
                return None
            raise UserError(self._ask(dates, whole, order.refused))
        if not whole:
            _, _, good = fits[0]
            if good.mean() < MOSTLY:
                return None
            odd = dates[int(np.argmin(good))].as_py()
            keys = f"{self.as_missing(odd)}, {self.as_text()} keeps them as text"
            raise UserError(self._said(f"is not a date; {keys}", odd))
        if len(whole) > 1:
            if known is None or len(known.day_first) != 1:
                raise Doubt(self._ask(dates, whole, "day and month could be either way round", False), dates[0].as_py())
            whole = whole[:1] if True in known.day_first else whole[1:]
        elif len(order.patterns) == 1 and order.day_first is not None:
            evidence.day_first.add(order.day_first)
        return self._times(whole[0], note=f"dates as {whole[0]}")

    def _ask(self, dates: pa.Array, patterns: list[str], reason: str, whole: bool = True) -> str:
        keys = " or ".join(f"{self.key('formats')}='{pattern}'" for pattern in patterns)
        text = f"fits {' and '.join(patterns)}, {reason}; set {keys}, or {self.as_text()}"
        return self._said(text, dates[0].as_py()) if whole else text

    def _times(self, pattern: str, said: bool = False, note: str = "") -> Typed:
        """The column as times of a format, words among them missing.

        Raises:
            UserError: a text with digits does not fit.
        """
        coded = encoded(trimmed(self.texts))
        words = coded.dictionary
        try:
            values, fits = times.parse(words, pattern)
        except ValueError as error:
            raise UserError(f"{self.key('formats')}={pattern}: no format of times ({error}).") from None
        lost = ~fits & ~np.asarray(pc.match_substring_regex(words, r"[0-9]"))
        if not (fits | lost).all() or not fits.any() or lost.sum() > MOST_WORDS:
            odd = words[int(np.argmin(fits if lost.sum() > MOST_WORDS else fits | lost))].as_py()
            key = f" ({self.key('formats')})" if said else ""
            raise UserError(self._said(f"does not fit the format '{pattern}'{key}", odd))
        rows = np.bincount(coded.indices.drop_null().to_numpy(), minlength=len(words))
        if lost.any():
            names = ", ".join(repr(word) for word in words.filter(pa.array(lost)).to_pylist())
            note = "; ".join(filter(None, [note, f"{int(rows[lost].sum()):,} cells with {names} are missing values"]))
        return Typed(spread(values, coded), Written(format=pattern, missing=_one(words, lost, coded)), note)


def _usual(words: pa.Array, lost: np.ndarray) -> bool:
    """Whether the texts that have another type are the usual words for a missing value."""
    return set(words.filter(pa.array(lost)).slice(0, MOST_WORDS).to_pylist()) <= set(MISSING_WORDS)


def _one(words: pa.Array, lost: np.ndarray, coded: pa.DictionaryArray) -> str:
    """The only word for a missing value; "" where there are several, or empty fields, too."""
    names = words.filter(pa.array(lost)).to_pylist()
    return names[0] if len(names) == 1 and not coded.null_count else ""


def _with_nulls(values: pa.ChunkedArray, texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values of the texts that are there, in their rows."""
    there = np.asarray(texts.is_valid())
    places = np.cumsum(there) - 1
    return values.take(pa.array(places, mask=~there))


def _decimals(valid: pa.ChunkedArray) -> int | None:
    """The decimals that all texts have, where some end in a zero that a number would lose; None otherwise."""
    if not pc.any(pc.match_substring_regex(valid, r"\.[0-9]*0$")).as_py():
        return None
    widths = pc.unique(pc.subtract(pc.utf8_length(valid), pc.find_substring(valid, "."))).to_pylist()
    return widths[0] - 1 if len(widths) == 1 and pc.all(pc.match_substring(valid, ".")).as_py() else None
