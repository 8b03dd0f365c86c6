"""Which texts are e-mail addresses, phone numbers, IBANs, card numbers, national ids and the like.

Every function takes distinct values [n] as text and gives which of them fit, bool [n]; check digits are computed for
all values of one length at once.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

IP4 = r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}"
REGEXES: Mapping[str, str] = MappingProxyType(
    {
        "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
        "ip": rf"^({IP4}|([0-9a-fA-F]{{1,4}}:){{7}}[0-9a-fA-F]{{1,4}}|[0-9a-fA-F:]*::[0-9a-fA-F:]*)(/\d+)?$",
        "mac": r"^[0-9a-fA-F]{2}([:-])([0-9a-fA-F]{2}[:-]){4}[0-9a-fA-F]{2}$",
        "url": r"^(https?://|www\.)\S+$",
        "phone": (
            r"^(\+\d[\d ().\-/]{6,20}\d|00[1-9][\d ().\-/]{6,20}\d|\(\d{2,5}\) ?\d[\d .\-/]{4,12}\d|"
            r"0\d{2,5}[ /\-]\d[\d \-]{3,10}\d|\d{3}[-.]\d{3}[-.]\d{4}|0\d( \d\d){4}|1[3-9]\d{9}|0[1-9]\d{8,9}|"
            r"0\d{1,4}-\d{1,4}-\d{4})( ?(x|ext\.?) ?\d+)?$"
        ),
        "coordinates": r"^\(?-?\d{1,2}\.\d{4,}[,; ]+-?\d{1,3}\.\d{4,}\)?$",
        "plate": r"^[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·\-]?[A-Z0-9]{5,6}$",
        "address": (
            r"(?i)^\d+[a-z]?,? .*\b(street|st|road|rd|avenue|ave|lane|ln|drive|dr|way|court|ct|place|pl|boulevard|blvd|"
            r"square|terrace|parkway|highway)\b|"
            r"(str\.|stra(ß|ss)e|weg|platz|gasse|allee|ring|damm|ufer) ?\d+ ?[a-z]?\b|"
            r"^\d+.{0,8}\b(rue|avenue|boulevard|chemin|impasse|quai|all[ée]e|place)\b|"
            r"^(calle|c/|avda?\.?|avenida|plaza|paseo|via|viale|piazza|corso|rua|travessa|pra[çc]a) .*\d|"
            r"(省|市|区|县|镇).*(路|街|道|巷|弄|村).*\d+|[都道府県市区].*(町|村|丁目|番).*\d"
        ),
    }
)
DIGITS_OF_PHONE = r"^\+?[\d ().\-/]{7,22}$"


def matches(values: Any, pattern: str) -> np.ndarray:
    """Which texts hold a pattern of RE2."""
    return pc.fill_null(pc.match_substring_regex(values, pattern), False).to_numpy(zero_copy_only=False)


def phone_digits(values: Any) -> np.ndarray:
    """Which texts are 7 to 15 digits, with the signs that people write between them."""
    digits = pc.utf8_length(pc.replace_substring_regex(values, r"\D", "")).to_numpy(zero_copy_only=False)
    return matches(values, DIGITS_OF_PHONE) & (digits >= 7) & (digits <= 15)


def checked(values: Any, pattern: str, check: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Which texts fit a pattern, once spaces, dots and dashes are off, and pass a check of their letters.

    Args:
        check: takes code points [n, length] of texts of one length, gives bool [n].
    """
    plain = pc.utf8_upper(pc.replace_substring_regex(values, r"[ .\-/]", ""))
    out, lengths = matches(plain, pattern), pc.utf8_length(plain).to_numpy(zero_copy_only=False)
    for length in np.unique(lengths[out]).astype(int):
        places = np.flatnonzero(out & (lengths == length))
        texts = np.asarray(plain.take(pa.array(places)).to_pylist(), f"U{length}")
        out[places] = check(texts.view(np.uint32).reshape(len(places), length).astype(np.int64))
    return out


def digits(letters: np.ndarray) -> np.ndarray:
    """Code points of digits as numbers."""
    return letters - ord("0")


def luhn(letters: np.ndarray) -> np.ndarray:
    """The check digit of cards: ISO/IEC 7812-1."""
    number = digits(letters)[:, ::-1].copy()
    number[:, 1::2] *= 2
    return (number // 10 + number % 10).sum(axis=1) % 10 == 0


def iban(letters: np.ndarray) -> np.ndarray:
    """ISO 13616: the first four letters behind the others, letters as 10 to 35, leave 1 of a division by 97."""
    moved = np.concatenate([letters[:, 4:], letters[:, :4]], axis=1)
    rest = np.zeros(len(moved), np.int64)
    for sign in moved.T:
        is_digit = sign <= ord("9")
        value = np.where(is_digit, sign - ord("0"), sign - ord("A") + 10)
        rest = (rest * np.where(is_digit, 10, 100) + value) % 97
    return rest == 1


def steuer_id(letters: np.ndarray) -> np.ndarray:
    """The German tax id: ISO 7064, MOD 11,10."""
    number, product = digits(letters), np.full(len(letters), 10)
    for digit in number[:, :10].T:
        total = (digit + product) % 10
        product = np.where(total == 0, 10, total) * 2 % 11
    return (11 - product) % 10 == number[:, 10]


def resident_id(letters: np.ndarray) -> np.ndarray:
    """The Chinese resident id, GB 11643: ISO 7064, MOD 11-2; the last sign may be X."""
    number = np.where(letters == ord("X"), 10, digits(letters))
    return (number * (2 ** np.arange(17, -1, -1) % 11)).sum(axis=1) % 11 == 1


def nir(letters: np.ndarray) -> np.ndarray:
    """The French NIR: a key of two digits, 97 less the rest of a division by 97; 2A and 2B are Corsica."""
    numbers = letters.copy()
    for letter, department in (("A", "19"), ("B", "18")):
        here = letters[:, 6] == ord(letter)
        numbers[here, 5:7] = [ord(sign) for sign in department]
    number = digits(numbers)
    rest = np.zeros(len(number), np.int64)
    for digit in number[:, :13].T:
        rest = (rest * 10 + digit) % 97
    return 97 - rest == number[:, 13] * 10 + number[:, 14]


def dni(letters: np.ndarray) -> np.ndarray:
    """The Spanish DNI and NIE: a letter by the rest of a division by 23; X, Y, Z stand for 0, 1, 2."""
    table = np.array([ord(letter) for letter in "TRWAGMYFPDXBNJZSQVHLCKE"])
    first = np.where(letters[:, 0] >= ord("X"), letters[:, 0] - ord("X"), digits(letters)[:, 0])
    number = np.concatenate([first[:, None], digits(letters)[:, 1:8]], axis=1) @ 10 ** np.arange(7, -1, -1)
    return table[number % 23] == letters[:, 8]


def cpf(letters: np.ndarray) -> np.ndarray:
    """The Brazilian CPF: two check digits, modulo 11."""
    number, out = digits(letters), np.ones(len(letters), bool)
    for known in (9, 10):
        rest = number[:, :known] @ np.arange(known + 1, 1, -1) * 10 % 11 % 10
        out &= rest == number[:, known]
    return out


def any_letters(letters: np.ndarray) -> np.ndarray:
    """For ids without check digits."""
    return np.ones(len(letters), bool)


BIRTH = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
NATIONAL_IDS: Mapping[str, tuple[str, str, Callable[[np.ndarray], np.ndarray]]] = MappingProxyType(
    {
        "Steuer-ID": ("de_DE", r"^[1-9]\d{10}$", steuer_id),
        "resident id": ("zh_CN", rf"^[1-9]\d{{5}}{BIRTH}\d{{3}}[\dX]$", resident_id),
        "NINO": ("en_GB", r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$", any_letters),
        "NIR": ("fr_FR", r"^[1-478]\d{4}(\d\d|2[AB])\d{8}$", nir),
        "DNI or NIE": ("es_ES", r"^[XYZ\d]\d{7}[A-Z]$", dni),
        "codice fiscale": ("it_IT", r"^[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]$", any_letters),
        "CPF": ("pt_BR", r"^\d{11}$", cpf),
    }
)
"""By name the locale, the pattern and the check of a national id."""

SSN = r"^(00[1-9]|0[1-9]\d|[1-578]\d\d|6[0-57-9]\d|66[0-57-9])-\d\d-\d{4}$"
CARD = r"^([3-6]\d{11,18}|2[1-7]\d{14}|1800\d{11})$"
IBAN = r"^[A-Z]{2}\d\d[A-Z0-9]{11,30}$"


def cards(values: Any) -> np.ndarray:
    """Which texts are numbers of payment cards."""
    return checked(values, CARD, luhn)


def ibans(values: Any) -> np.ndarray:
    """Which texts are IBANs."""
    return checked(values, IBAN, iban)
