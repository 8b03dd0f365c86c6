"""Numbers as people write them: money, percent, thousands signs, decimal commas; codes that only look like numbers."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

CURRENCIES = (  # and percent; the longer ones of a kind first
    r"R\$|US\$|A\$|C\$|€|\$|£|¥|₹|₽|₩|₺|₴|฿|₫|元|円|kr\.|kr|zł|Kč|Ft|Fr\.|%|‰|EUR|USD|GBP|CHF|JPY|CNY|RMB|SEK|NOK|DKK|"
    r"PLN|CZK|HUF|INR|BRL|CAD|AUD|NZD|MXN|ZAR|KRW|TRY|RUB|SGD|HKD|TWD|THB|AED|SAR|ILS|Rs\.|Rs|Rp|RM|₪|₦|₱"
)
SPACES = " \u00a0\u202f"
UNSEEN = f"{SPACES}\t\r\n\ufeff\u200b"  # beside a value, without a meaning
DECIMALS = (".", ",")
GROUPS = ",.' "  # between three digits
WHOLE = r"^-?(0|[1-9][0-9]{0,18})$"
PLAIN = r"^-?((0|[1-9][0-9]*)([eE][+-][0-9]+)?|((0|[1-9][0-9]*)?\.[0-9]+|[1-9][0-9]*\.)([eE][+-]?[0-9]+)?)$"
CODE = r"^[+-]?0[0-9]|^[+-]?[0-9]{20,}$|^\+[0-9]+$|^[0-9]+[eE][0-9]+$|\.([0-9]{1,2}|[0-9]{4,})\."
PARTS = (
    rf"^(?P<open>\(?)(?P<sign>[-+]?)(?P<prefix>(?:{CURRENCIES})?)(?P<gap> ?)(?P<inner>-?)"
    rf"(?P<body>[0-9]*(?:[{GROUPS}][0-9]+)*[.,]?(?:[eE][+-]?[0-9]+)?)(?P<after>-?)"
    rf"(?P<space> ?)(?P<suffix>(?:{CURRENCIES})?)(?P<close>\)?)$"
)


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Attributes:
        decimal: the decimal sign.
        thousands: the sign between groups of digits; "" for none.
        prefix: before each number, such as '€'.
        suffix: behind each number, such as '%'.
        brackets: whether negative numbers stand in brackets.
        behind: whether the minus stands behind the number.
        decimals: that every number has; None where they differ.
        lakhs: whether digits are grouped as in 12,34,567.
    """

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    brackets: bool = False
    behind: bool = False
    decimals: int | None = None
    lakhs: bool = False

    @property
    def plain(self) -> bool:
        """Whether any program reads them."""
        return dataclasses.replace(self, decimals=None) == Style()


@dataclass
class Ambiguous(Exception):  # noqa: N818
    """Two readings fit: `text` says of a number which, and names the keys; `body` is one for which it is so."""

    text: str
    body: str = ""


def cleaned(words: pa.Array) -> pa.Array:
    """Texts with one kind of space, apostrophe, minus and brackets; without a plus where others have a minus."""
    for sign in SPACES[1:]:
        words = pc.replace_substring(words, sign, " ")
    words = pc.replace_substring(pc.replace_substring(words, "\u2019", "'"), "\u2212", "-")
    words = pc.replace_substring_regex(words, rf"^({CURRENCIES}) ?\((.*)\)$", r"(\1\2)")
    signed = pc.any(pc.match_substring_regex(words, r"^-[0-9]+$")).as_py()
    return pc.replace_substring_regex(words, r"^\+([0-9])", r"\1") if signed else words


def parts_of(words: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """The parts of texts that look like numbers, and which of them [words] do."""
    words = cleaned(words)
    parts = pc.extract_regex(words, PARTS)
    looks = np.asarray(parts.is_valid())
    if looks.any():
        body = pc.struct_field(parts, "body")
        looks &= np.asarray(pc.fill_null(pc.match_substring_regex(body, r"[0-9]"), False))
        looks &= ~np.asarray(pc.fill_null(pc.match_substring_regex(words, CODE), False))
    return parts, looks


def find_style(
    parts: pa.Array, decimal: str | None, thousands: str | None, evidence: set[str] | None, semicolon: bool
) -> Style:
    """The one style that all numbers of a column have.

    Args:
        parts: of distinct numbers, as `parts_of` gives them; at least one.
        decimal: the sign that the person says.
        thousands: the sign that the person says.
        evidence: decimal signs that are certain in other columns of the file; None where not all are known yet.
        semicolon: whether the file is parted by semicolons, as where the comma is the decimal sign.

    Raises:
        Ambiguous: the amounts have several currencies, or the signs can be read in two ways.
    """
    prefix, suffix = (_one(parts, name) for name in ("prefix", "suffix"))
    brackets = pc.any(pc.equal(pc.struct_field(parts, "open"), "(")).as_py()
    behind = pc.any(pc.equal(pc.struct_field(parts, "after"), "-")).as_py()
    bodies = pc.struct_field(parts, "body")
    groups = sorted(set("".join(pc.unique(pc.replace_substring_regex(bodies, r"[0-9eE+-]", "")).to_pylist())))
    fits = []
    for point in [sign for sign in (DECIMALS if decimal is None else (decimal,)) if sign != thousands]:
        marks = [sign for sign in groups if sign != point]
        for group in ["", *marks] if thousands is None else ["", *[sign for sign in marks if sign == thousands]]:
            if pc.all(pc.match_substring_regex(bodies, _body(point, group))).as_py():
                fits.append((point, group))
                break
    if not fits:
        raise Ambiguous("has no decimal and thousands sign in common with others; set data.decimal and data.thousands")
    point, group = _settled(fits, bodies, evidence, semicolon or bool(prefix or suffix))
    digits = pc.struct_field(pc.extract_regex(bodies, rf"(?P<tail>(?:{re.escape(point)}[0-9]*)?)(?:[eE].*)?$"), "tail")
    widths = pc.unique(pc.utf8_length(pc.fill_null(digits, ""))).to_pylist()
    decimals = max(widths[0] - 1, 0) if len(widths) == 1 else None
    lakhs = group == "," and pc.any(pc.match_substring_regex(bodies, r"^[0-9]{1,2}(,[0-9]{2})+,")).as_py()
    return Style(point, group, prefix, suffix, brackets, behind, decimals, lakhs)


def _one(parts: pa.Array, name: str) -> str:
    """The one prefix or suffix of all numbers, with the space beside it."""
    joined = {
        "prefix": lambda: pc.binary_join_element_wise(
            pc.struct_field(parts, "prefix"), pc.struct_field(parts, "gap"), ""
        ),
        "suffix": lambda: pc.binary_join_element_wise(
            pc.struct_field(parts, "space"), pc.struct_field(parts, "suffix"), ""
        ),
    }[name]()
    kinds = [text for text in pc.unique(joined).to_pylist() if text is not None]
    signs = {text.strip(SPACES) for text in kinds}
    if len(signs) > 1:
        words = " and ".join(repr(sign) for sign in sorted(signs)[:3])
        raise Ambiguous(f"is one of several units, {words}; make them one")
    return kinds[0] if len(kinds) == 1 else signs.pop()


def _body(point: str, group: str) -> str:
    sign = re.escape(point)
    tail = rf"({sign}[0-9]*)?([eE][+-][0-9]+)?$"
    if not group:
        return rf"^[0-9]*{tail}"
    mark = re.escape(group)
    indian = rf"|[0-9]{{1,2}}({mark}[0-9]{{2}})+{mark}[0-9]{{3}}" if group == "," else ""
    return rf"^([0-9]{{1,3}}({mark}[0-9]{{3}})+|[0-9]+{indian}){tail}"


def _settled(fits: list[tuple[str, str]], bodies: pa.Array, evidence: set[str] | None, comma: bool) -> tuple[str, str]:
    """The reading that is meant, of those that fit.

    Args:
        comma: whether the comma may well be the decimal sign of the file.

    Raises:
        Ambiguous: each group of three digits behind a sign could be thousands or decimals.
    """
    if len(fits) == 1:
        return fits[0]
    if not pc.any(pc.match_substring_regex(bodies, r"[.,]")).as_py():  # whole numbers: no sign to tell
        return fits[0]
    if pc.any(pc.match_substring_regex(bodies, r"^[0-9]{4,}$|^0[.,]")).as_py():  # long ones without a sign, or 0,125
        plain = [fit for fit in fits if not fit[1]]
        if len(plain) == 1:
            return plain[0]
    known = [fit for fit in fits if fit[0] in (evidence or ())]
    if len(known) == 1 and len(evidence or ()) == 1:
        return known[0]
    dots = pc.any(pc.match_substring(bodies, ".")).as_py()
    mixed = pc.any(pc.match_substring_regex(bodies, r"^[0-9]{1,3}$")).as_py()  # 950 among 1.234 and 12.500
    if dots and not comma and not mixed and evidence is not None and not evidence:
        return (".", "")  # as programs write three decimals
    example = bodies.filter(pc.match_substring_regex(bodies, r"[.,]"))[0].as_py()
    both = f"{example.replace(',', '').replace('.', '')} or {example.replace(',', '.')}"
    raise Ambiguous(f"could be {both}; set data.decimal or data.thousands", example)


def like_codes(parts: pa.Array) -> bool:
    """Whether grouped digits have no decimals and all one length, as addresses of computers and tax numbers have."""
    bodies = pc.struct_field(parts, "body")
    if not pc.all(pc.match_substring_regex(bodies, r"^[0-9]{3}([. '][0-9]{3})+$")).as_py():
        return False
    signs = pc.unique(pc.utf8_length(bodies)).to_pylist()
    plain = all(pc.all(pc.equal(pc.struct_field(parts, name), "")).as_py() for name in ("prefix", "suffix", "sign"))
    return plain and len(signs) == 1 and signs[0] > 7


def certain_decimal(style: Style, bodies: pa.Array) -> bool:
    """Whether the numbers of a column leave no doubt about the decimal sign."""
    sign = re.escape(style.decimal)
    return (
        bool(style.thousands in (",", "."))
        or pc.any(pc.match_substring_regex(bodies, rf"{sign}([0-9]{{1,2}}|[0-9]{{4,}})$|^0{sign}")).as_py()
    )


def whole_numbers(texts: Any) -> Any:
    """Texts of whole numbers as int64, or as uint64 where one is too large; None where neither holds all."""
    for kind in (pa.int64(), pa.uint64()):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def parse(words: pa.Array, style: Style) -> tuple[pa.Array, np.ndarray]:
    """Texts as int64 or float64 by a style, null where one is no number of it; and which [words] are.

    Whole numbers, where all are, become int64.
    """
    parts, looks = parts_of(words)
    out = pa.nulls(len(words), pa.float64())
    if not looks.any():
        return out, looks
    body = pc.struct_field(parts, "body")
    looks &= np.asarray(pc.fill_null(pc.match_substring_regex(body, _body(style.decimal, style.thousands)), False))
    for name, sign in (("prefix", style.prefix), ("suffix", style.suffix)):
        looks &= np.asarray(pc.fill_null(pc.equal(pc.struct_field(parts, name), sign.strip(SPACES)), False))
    minus = pa.array(np.zeros(len(words), bool))
    for name, mark in (("sign", "-"), ("inner", "-"), ("after", "-"), ("open", "(")):
        minus = pc.or_(minus, pc.fill_null(pc.equal(pc.struct_field(parts, name), mark), False))
    minus = pc.if_else(minus, "-", "")
    if style.thousands:
        body = pc.replace_substring(body, style.thousands, "")
    text = pc.binary_join_element_wise(minus, pc.replace_substring(body, style.decimal, "."), "")
    text = pc.if_else(pa.array(looks), text, pa.scalar(None, pa.string()))
    whole = pc.all(pc.match_substring_regex(text, WHOLE)).as_py()
    values = whole_numbers(text) if whole else None
    return (text.cast(pa.float64()) if values is None else values), looks


def write(values: pa.Array, style: Style) -> pa.Array:
    """Numbers as texts of a style; the inverse of `parse`."""
    if pa.types.is_integer(values.type) and not style.decimals:
        text = values.cast(pa.string())
    elif style.decimals is not None:
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        text = pa.array(np.char.mod(f"%.{style.decimals}f", numbers), pa.string())
        text = pc.if_else(values.is_valid(), text, pa.scalar(None, pa.string()))
    else:
        text = values.cast(pa.float64()).cast(pa.string())
        text = pc.replace_substring_regex(text, r"\.0$", "")
    minus = pc.starts_with(text, "-")
    parts = pc.extract_regex(text, r"^-?(?P<whole>[0-9]*)\.?(?P<tail>.*)$")
    whole, tail = (pc.struct_field(parts, name) for name in ("whole", "tail"))
    for step in range(9 if style.thousands else 0):
        size, end = (2 if style.lakhs else 3, f"({style.thousands}.*)") if step else (3, "()")
        whole = pc.replace_substring_regex(whole, rf"^([0-9]+)([0-9]{{{size}}}){end}$", rf"\1{style.thousands}\2\3")
    tail = pc.if_else(pc.equal(tail, ""), "", pc.binary_join_element_wise(style.decimal, tail, ""))
    text = pc.binary_join_element_wise(style.prefix, whole, tail, style.suffix, "")
    before, behind = ("(", ")") if style.brackets else ("", "-") if style.behind else ("-", "")
    return pc.if_else(minus, pc.binary_join_element_wise(before, text, behind, ""), text)
