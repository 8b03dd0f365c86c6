"""Whether a column holds personal data: by its name, by the patterns of its values, and by how rare they are."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.personal import names, patterns
from gans.data.personal.kinds import RARE, may_name_people, named_kind
from gans.data.personal.names import share
from gans.data.personal.patterns import REGEXES, matches

pc: Any = pyarrow.compute  # its functions are made at run time

MOST_VALUES = 10_000  # distinct values that are looked at
MOST, SOME = 0.8, 0.5  # shares of them that fit
FEW = 5  # distinct values, below which a pattern may be chance
NAMED = 10  # distinct values, below which a name of a column proves nothing
LEAST_NUMBER = 10**6  # a phone number or an id has at least seven digits
LEAST_ROWS = 200  # below which rare levels prove nothing
TWICE = 2  # rows of a level that is rare
LOCALES = {"de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT", "pt": "pt_PT", "zh": "zh_CN", "ja": "ja_JP"}
NEAR_UNIQUE_KINDS = ("url", "user_name", "plate", "national_id", "card", "iban", "ip", "mac", "email", "address")


class PersonalData(NamedTuple):
    """What a column holds.

    Attributes:
        kind: one of `gans.data.personal.kinds.KINDS`.
        locale: of Faker, as far as name and values tell it; "" where they do not.
        detail: which national id, or how rare the values are.
    """

    kind: str
    locale: str = ""
    detail: str = ""


def find_personal_data(name: str, valid: pa.ChunkedArray, levels: int) -> PersonalData | None:
    """The kind of personal data that a column holds; None for none that is known.

    Args:
        valid: its values, none missing, of a type that can be learned.
        levels: distinct ones among them.
    """
    kind, language = named_kind(name)
    if pa.types.is_temporal(valid.type):
        return PersonalData("birth") if kind == "birth" else None
    if levels < 2 or pa.types.is_boolean(valid.type):
        return None
    if pa.types.is_string(valid.type):
        found = _in_text(name, kind, language, _filled(_some(pc.unique(valid))), levels, len(valid))
        return found or _rare(valid)
    if levels < NAMED or (kind != "coordinates" and not LEAST_NUMBER <= pc.max(valid).as_py() < 2**63):
        return None
    distinct = _some(pc.unique(valid))
    numbers = distinct.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if np.array_equal(numbers, np.floor(numbers)) and np.abs(numbers).max() < 2**63:
        return _in_whole_numbers(kind, language, distinct, levels, len(valid))
    if kind == "coordinates" and levels > SOME * len(valid) and np.abs(numbers).max() <= 180:
        fine = share(np.round(numbers, 3) != numbers)  # four decimals are 11 metres
        return PersonalData(kind) if fine > SOME else None
    return None


def _some(distinct: Any) -> Any:
    if len(distinct) <= MOST_VALUES:
        return distinct
    return distinct.take(pa.array(np.random.default_rng(0).choice(len(distinct), MOST_VALUES, replace=False)))


def _filled(texts: Any) -> Any:
    trimmed = pc.utf8_trim_whitespace(texts)
    return trimmed.filter(pc.not_equal(trimmed, ""))


def _in_text(name: str, kind: str, language: str, values: Any, levels: int, rows: int) -> PersonalData | None:
    locale = _script(values) or LOCALES.get(language, "")
    if len(values) >= (2 if kind else FEW):
        found = _by_pattern(values, kind, locale, levels > 0.2 * rows and levels >= 2 * NAMED)
        if found:
            return found
    if len(values) < NAMED:
        return None
    return _by_name(kind, locale, values, levels, rows) or _person(name, values, locale)


def _by_pattern(values: Any, kind: str, locale: str, many: bool) -> PersonalData | None:
    """By what the values look like alone."""
    if share(matches(values, REGEXES["email"])) >= SOME:
        return PersonalData("email", locale)
    for one in ("ip", "mac", "url"):
        if share(matches(values, REGEXES[one])) >= MOST and (many or one != "url"):
            return PersonalData(one, locale)
    if found := _national_id(values):
        return found
    if share(patterns.ibans(values)) >= MOST:
        return PersonalData("iban", locale)
    if share(patterns.cards(values)) >= MOST:
        return PersonalData("card", locale)
    for one, least in (("phone", MOST), ("coordinates", MOST), ("plate", MOST), ("address", SOME)):
        if share(matches(values, REGEXES[one])) >= least and (kind == one or len(values) >= NAMED):
            return PersonalData(one, locale)
    return None


def _national_id(values: Any) -> PersonalData | None:
    for detail, (locale, pattern, check) in patterns.NATIONAL_IDS.items():
        if share(patterns.checked(values, pattern, check)) >= MOST:
            return PersonalData("national_id", locale, detail)
    if share(matches(values, patterns.SSN)) >= MOST:
        return PersonalData("national_id", "en_US", "SSN")
    return None


def _by_name(kind: str, locale: str, values: Any, levels: int, rows: int) -> PersonalData | None:
    """By the name of the column, where the values do not speak against it."""
    many = levels > 0.1 * rows or levels >= 1000
    if kind in ("first_name", "last_name", "name") and names.letters_only(values) >= MOST:
        return PersonalData(kind, locale)
    if kind == "phone" and share(patterns.phone_digits(values)) >= MOST:
        return PersonalData(kind, locale)
    if kind == "birth" and share(matches(values, r"\d{2,4}\D\d{1,2}\D\d{2,4}|\d年")) >= MOST:
        return PersonalData(kind)
    if kind in NEAR_UNIQUE_KINDS and many:
        return PersonalData(kind, locale)
    return None


def _person(name: str, values: Any, locale: str) -> PersonalData | None:
    """Names of people: the fewer words of the column's name speak of them, the more the values must."""
    full, known, (asian, language) = names.full_names(values), names.known_names(values), names.asian_names(values)
    spoken = may_name_people(name) or named_kind(name)[0] == "name"
    if spoken and ((names.letters_only(values) >= MOST and known >= 0.25) or asian >= 0.6):
        return PersonalData("name", LOCALES[language] if asian >= 0.6 else locale)
    many = len(values) >= 2 * NAMED
    if (full >= MOST and known >= SOME) or (many and known >= 0.6 and names.letters_only(values) >= 0.95):
        return PersonalData("name", locale)
    if many and asian >= 0.85 and names.surnames_used(values) >= 8:
        return PersonalData("name", LOCALES[language])
    return None


def _in_whole_numbers(kind: str, language: str, distinct: Any, levels: int, rows: int) -> PersonalData | None:
    values, locale = distinct.cast(pa.int64(), safe=False).cast(pa.string()), LOCALES.get(language, "")
    near_unique = levels > SOME * rows
    if kind == "phone" and levels > 0.2 * rows and share(patterns.phone_digits(values)) >= MOST:
        return PersonalData(kind, locale)
    if share(patterns.cards(values)) >= MOST:
        return PersonalData("card", locale)
    if found := _national_id(values):
        return found
    if near_unique and share(matches(values, r"^1[3-9]\d{9}$")) >= 0.95 and levels >= 2 * NAMED:
        return PersonalData("phone", "zh_CN")
    if near_unique and kind in ("national_id", "card") and share(matches(values, r"^\d{6,}$")) >= MOST:
        return PersonalData(kind, locale)
    return None


def _rare(valid: pa.ChunkedArray) -> PersonalData | None:
    """Text most of whose rows hold a level of one or two rows."""
    if len(valid) < LEAST_ROWS:
        return None
    counts = pc.value_counts(valid).field("counts").to_numpy(zero_copy_only=False)
    rows = int(counts[counts <= TWICE].sum())
    if rows <= SOME * len(valid):
        return None
    return PersonalData(RARE, "", f"{rows:,} of {len(valid):,} rows hold a value of at most {TWICE} rows")


def _script(values: Any) -> str:
    """The locale of texts in a script of their own; "" for Latin letters."""
    for locale, letters in (
        ("ja_JP", r"[\p{Hiragana}\p{Katakana}]"),
        ("zh_CN", r"\p{Han}"),
        ("ko_KR", r"\p{Hangul}"),
        ("ru_RU", r"\p{Cyrillic}"),
        ("el_GR", r"\p{Greek}"),
    ):
        if share(matches(values, letters)) >= 0.3:
            return locale
    return ""
