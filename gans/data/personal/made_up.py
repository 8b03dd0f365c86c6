"""Made-up values in the place of personal data, by the package Faker.

A value is a function of the seed, the column and a number: that of its row, or, with a key, a hash of the row's key.
So chunks and parts of a draw fit each other. Names are put together from lists; other kinds are drawn by Faker, seeded
with that number.
"""

import threading
import zlib
from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.personal.handling import check_faker
from gans.streams import derived_seed

pc: Any = pyarrow.compute  # its functions are made at run time

DRAWING = threading.Lock()  # rows are made in several threads, and Faker has one generator
LIST = 2000  # draws of Faker for a list of names
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DOMAINS = ("example.com", "example.org", "example.net")  # RFC 2606: nobody's
METHODS = {
    "phone": "phone_number",
    "iban": "iban",
    "card": "credit_card_number",
    "national_id": "ssn",
    "mac": "mac_address",
    "plate": "license_plate",
}
NATIONAL_IDS = {"es_ES": "nif"}  # where the method of that kind is no `ssn`
EAST_ASIAN = ("zh_CN", "zh_TW", "ja_JP", "ko_KR")  # surname first, without a space


def made_up(
    fake: Mapping[str, Any],
    name: str,
    kind: pa.DataType,
    seed: int,
    start: int,
    keys: pa.ChunkedArray | None,
    rows: int,
) -> pa.Array:
    """Made-up values of a column [rows].

    Args:
        fake: `Column.fake`.
        kind: the Arrow type of the column, text or whole numbers.
        start: the number of the first row.
        keys: [rows], where equal keys get equal values.

    Raises:
        UserError: Faker is not installed.
    """
    check_faker("")
    salt = np.uint64(derived_seed("made-up values", seed, zlib.crc32(name.encode())))
    numbers = np.arange(start, start + rows, dtype=np.uint64) if keys is None else _hashed(keys)
    missing = _mixed(numbers, salt + np.uint64(1)) < np.uint64(min(fake["missing"], 0.999999) * 2**64)
    if keys is None and fake["levels"]:
        numbers = _mixed(numbers, salt) % np.uint64(fake["levels"])
    distinct, place = np.unique(numbers, return_inverse=True)
    texts = pa.array(_values(fake["kind"], fake["locale"], distinct, int(salt), keys is not None), pa.string())
    if pa.types.is_integer(kind):
        texts = pc.replace_substring_regex(texts, r"\D", "")
        limit = np.iinfo(kind.to_pandas_dtype()).max
        texts = pc.utf8_slice_codeunits(texts, 0, len(str(limit)) - 1).cast(kind)
    out = texts.take(pa.array(place))
    return pc.if_else(pa.array(missing), pa.scalar(None, out.type), out)


def _hashed(keys: pa.ChunkedArray) -> np.ndarray:
    """A number for each key [rows], the same on every machine."""
    import pandas.util

    hash_array: Any = pandas.util.hash_array  # pyright: ignore[reportPrivateImportUsage]
    encoded = pc.dictionary_encode(pc.fill_null(keys.cast(pa.string()), "")).combine_chunks()
    texts = np.asarray(encoded.dictionary.to_pylist(), object)
    return hash_array(texts, categorize=False)[encoded.indices.to_numpy()]


def _mixed(numbers: np.ndarray, salt: np.uint64) -> np.ndarray:
    """Numbers [n] as random ones of 64 bits: SplitMix64 (Steele et al. 2014, "Fast splittable pseudorandom number
    generators").
    """
    with np.errstate(over="ignore"):
        z = numbers + (salt + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _values(kind: str, locale: str, numbers: np.ndarray, salt: int, hashed: bool) -> Any:
    """A text for each of several distinct numbers."""
    if kind in ("first_name", "last_name"):
        words = pa.array(_names(locale, kind))
        return words.take(pa.array(_mixed(numbers, np.uint64(salt)) % np.uint64(len(words))))
    if kind == "name":
        return _full_names(locale, numbers, salt)
    if kind in ("email", "user_name", "url"):
        return _web_names(kind, numbers, salt, hashed)
    if kind == "address":
        return pc.binary_join_element_wise(*_pair(*_lines(locale), numbers, salt)[0], ", ")
    if kind == "ip":
        return _private_addresses(numbers, salt)
    method = NATIONAL_IDS.get(locale, METHODS[kind]) if kind == "national_id" else METHODS[kind]
    return _drawn(method, locale, _mixed(numbers, np.uint64(salt)))


def _pair(first: list[str], last: list[str], numbers: np.ndarray, salt: int) -> tuple[tuple[Any, Any], np.ndarray]:
    """A pair of texts for each number, all different until the pairs are used up; how often they are."""
    pairs = len(first) * len(last)
    step = next(step for step in range(salt % pairs | 1, 2 * pairs + 2, 2) if gcd(step, pairs) == 1)
    used, place = np.divmod(numbers, np.uint64(pairs))
    place = (place * np.uint64(step) + np.uint64(salt % pairs)) % np.uint64(pairs)
    places = place % np.uint64(len(first)), place // np.uint64(len(first))
    one, other = (pa.array(words).take(pa.array(at)) for words, at in zip((first, last), places, strict=True))
    return (one, other), used


def _full_names(locale: str, numbers: np.ndarray, salt: int) -> Any:
    """Full names, all different as long as there are pairs of a first name and a surname, then with initials."""
    (given, family), used = _pair(_names(locale, "first_name"), _names(locale, "last_name"), numbers, salt)
    if locale in EAST_ASIAN:
        return pc.binary_join_element_wise(family, given, "")
    initials = pa.array(["", *(f" {letter}." for letter in LETTERS)]).take(pa.array(used % np.uint64(27)))
    return pc.binary_join_element_wise(given, initials, pc.binary_join_element_wise("", family, " "), "")


def _web_names(kind: str, numbers: np.ndarray, salt: int, hashed: bool) -> Any:
    """E-mail addresses, user names and web addresses, all different: they end with the number."""
    random = _mixed(numbers, np.uint64(salt))
    parts = []
    for which, shift in (("first_name", 0), ("last_name", 20)):
        words = pc.replace_substring_regex(pc.ascii_lower(pa.array(_names("en_US", which))), "[^a-z]", "")
        parts.append(words.take(pa.array((random >> np.uint64(shift)) % np.uint64(len(words)))))
    ends = numbers % np.uint64(2**40) if hashed else numbers
    person = pc.binary_join_element_wise(*parts, ".")
    person = pc.binary_join_element_wise(person, pa.array(ends).cast(pa.string()), "")
    domain = pa.array(DOMAINS).take(pa.array((random >> np.uint64(40)) % np.uint64(len(DOMAINS))))
    if kind == "user_name":
        return person
    if kind == "url":
        return pc.binary_join_element_wise("https://", domain, "/", person, "")
    return pc.binary_join_element_wise(person, domain, "@")


def _private_addresses(numbers: np.ndarray, salt: int) -> Any:
    """IPv4 addresses of 10.0.0.0/8 (RFC 1918), which are nobody's outside a house; all different for 2^24 numbers."""
    place = (numbers * np.uint64(0x9E3779B1) + np.uint64(salt)) % np.uint64(2**24)
    parts = [pa.array(place >> np.uint64(shift) & np.uint64(255)).cast(pa.string()) for shift in (16, 8, 0)]
    return pc.binary_join_element_wise("10", *parts, ".")


@lru_cache
def _lines(locale: str) -> tuple[list[str], list[str]]:
    """First and last lines of postal addresses that Faker draws of a locale."""
    with DRAWING:
        draw = _faker(locale)
        draw.seed_instance(0)
        texts = [draw.address() for _ in range(LIST)]
    cut = [text.rsplit("\n" if "\n" in text else " ", 1) for text in texts]
    lines = [{" ".join(parts[place].split()) for parts in cut} for place in (0, -1)]
    return sorted(lines[0]), sorted(lines[1])


@lru_cache
def _names(locale: str, kind: str) -> list[str]:
    """Different first names or surnames that Faker draws of a locale."""
    with DRAWING:
        draw = _faker(locale)
        draw.seed_instance(0)
        return sorted({getattr(draw, kind)() for _ in range(LIST)})


def _drawn(method: str, locale: str, seeds: np.ndarray) -> list[str]:
    """A value of Faker for each seed; of a kind that a locale does not have, those of en_US."""
    with DRAWING:
        draw = _faker(locale)
        make = getattr(draw, method, None) or getattr(draw := _faker("en_US"), method)
        random, out = draw.random, []
        for seed in seeds.tolist():
            random.seed(seed)
            out.append(make())
    return out


@lru_cache
def _faker(locale: str) -> Any:
    from faker import Faker

    draw = Faker(locale)
    draw.seed_instance(0)  # a generator of its own, that no other part of the process draws from
    return draw
