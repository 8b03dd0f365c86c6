"""Names and numbers of the user in arguments: lists of names, and keys that Hydra's grammar cannot spell."""

import re
import shlex
from typing import Any

from gans.errors import UserError

QUOTED = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
ITEM = re.compile(rf"\s*((?:{QUOTED})?(?:\([^()]*\)|\{{[^{{}}]*\}}|`[^`]*`|[^,])*)(?:,|$)")
ENCODED = re.compile(r"__utf8_((?:[0-9a-f]{2})*)__")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def split_list(text: str) -> list[str]:
    """The items of a list, as in `[a,b]` or `a,b`, with the quotes that they stand in.

    Commas in parentheses, in braces, in backticks, and in quotes that begin an item part nothing.
    """
    text = text.strip()
    if text[:1] == "[" and text[-1:] == "]":
        text = text[1:-1]
    return [item for match in ITEM.finditer(text) if (item := match[1].strip())]


def split_pair(item: str, last: bool = False) -> tuple[str, str]:
    """Name and value of `name: value`, as in a dictionary; the value is "" where there is no colon.

    Args:
        last: whether the value has no colon, so that a name without quotes may have one.
    """
    if match := re.match(rf"({QUOTED})\s*:", item):
        return unquoted(match[1]), item[match.end() :].strip()
    name, colon, value = item.rpartition(":") if last else item.partition(":")
    return (name.strip(), value.strip()) if colon else (item, "")


def shell_quoted(argument: str) -> str:
    """An argument as it is typed in a shell, in double quotes where that does."""
    plain = shlex.quote(argument)
    return f'"{argument}"' if plain != argument and not re.search(r'["$`\\!]', argument) else plain


def unquoted(text: str) -> str:
    """A text without the quotes that it stands in; a quote or backslash within them follows a backslash."""
    return re.sub(r"\\([\\'\"])", r"\1", text[1:-1]) if re.fullmatch(QUOTED, text, re.DOTALL) else text


def encoded(name: str) -> str:
    """A name of the user's as a key that Hydra's grammar takes: as it is, or its bytes as hexadecimal digits."""
    return name if PLAIN.fullmatch(name) else f"__utf8_{name.encode().hex()}__"


def decoded(text: str) -> str:
    """A text with the names in it that `encoded` changed, as they were."""
    return ENCODED.sub(lambda match: bytes.fromhex(match[1]).decode(errors="replace"), text)


def whole(text: str) -> int:
    """A whole number as people write it: 1000, 1_000, 1e3.

    Raises:
        ValueError: it is no number, or not whole.
    """
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


def read_number(key: str, text: Any, kind: type[int] | type[float]) -> Any:
    """A number of an argument.

    Raises:
        UserError: it is none, or not whole where it must be.
    """
    try:
        return whole(str(text)) if kind is int else float(text)
    except (ValueError, OverflowError):
        raise UserError(f"{key}={text}: {'a whole' if kind is int else 'a'} number is needed.") from None
