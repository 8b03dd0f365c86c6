"""Overrides as people type them, spelled as Hydra's grammar takes them.

That grammar has signs of its own, such as the comma of a sweep, and knows no letters beyond ASCII. What it reads as
text stays as it is; other values of keys that hold text, or a list of texts, are put into quotes. The user's own names
in keys, as in `data.kinds.first name=category`, are encoded (`gans.config.names`).
"""

import re
from pathlib import Path
from typing import Any

from gans.config.known import key_types
from gans.config.names import encoded, shell_quoted, split_list, split_pair, unquoted
from gans.errors import UserError

NESTED = ("data.columns", "data.features")  # whose names are the user's own below a log or a view
OPEN = (
    "data.kinds",
    "data.personal",
    "data.types",
    "data.formats",
    "data.rename",
    *NESTED,
    "transfer.columns",
)  # the names below are the user's own
LAST_EQUALS = ("data.kinds", "data.personal", "data.types")  # no value of theirs has an `=`, so that a name may
SQL = ("data.query", *(f"{key}." for key in NESTED))
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")
UNREADABLE, SWEEP = object(), object()  # what Hydra makes of a value that is no plain one


def spelled(argument: str, multirun: bool = False) -> list[str]:
    """An override KEY=VALUE as Hydra takes it; several of them for a dictionary of names that Hydra cannot read.

    Args:
        multirun: whether a comma parts the values of a sweep, as it does with -m.

    Raises:
        UserError: a list or a dictionary is needed, or a comma may mean two things; the message has a right spelling.
    """
    plain = argument.lstrip("+")
    top = open_key(plain)
    if not top:
        key, equals, value = argument.partition("=")
        return [f"{key}={_value(key.lstrip('+'), value, multirun)}" if equals else argument]
    if "=" not in plain:
        return [plain]
    path, value = split_override(plain)
    key, name = top, path.removeprefix(top).removeprefix(".")
    if top in NESTED and name:
        group, _, name = name.partition(".")
        key = f"{top}.{group}"
    if name:
        return [_item(key, name, value, multirun)]
    value = value.strip()
    if not value.startswith("{") or _is_dictionary(read_value(value)):
        return [f"++{key}={value}"]
    out = []
    for item in split_list(value.removeprefix("{").removesuffix("}")):
        name, entry = split_pair(item, last=key in LAST_EQUALS)
        if not entry:
            raise UserError(f"{key}={value}: {item} is not NAME: VALUE.")
        out += spelled(f"{key}.{name}={entry}", multirun) if key in NESTED else [_item(key, name, entry, multirun)]
    return out


def split_override(argument: str) -> tuple[str, str]:
    """Key and value of KEY=VALUE, where a key with a name of the user's may hold an `=`."""
    plain = argument.lstrip("+")
    top = open_key(plain)
    last = top in LAST_EQUALS and not plain.startswith(f"{top}=")
    key, _, value = plain.rpartition("=") if last else plain.partition("=")
    return key, value


def open_key(argument: str) -> str:
    """The key of OPEN that an argument without signs sets, or sets an item of; "" for none."""
    return next((key for key in OPEN if argument.startswith((f"{key}.", f"{key}="))), "")


def read_value(value: str) -> Any:
    """What Hydra reads: a plain value, or one of UNREADABLE and SWEEP."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        return UNREADABLE
    return SWEEP if override.is_sweep_override() else override.value()


def _item(key: str, name: str, value: str, multirun: bool) -> str:
    return f"++{key}.{encoded(name)}={_value(f'{key}.{name}', value, multirun)}"


def _is_dictionary(read: Any) -> bool:
    return isinstance(read, dict) and all(isinstance(name, str) for name in read)


def _value(key: str, value: str, multirun: bool) -> str:
    """A value as Hydra takes it, by what the key holds: text, a list of texts, or something else."""
    kind = _kind(key)
    if kind is None:
        return value
    read = read_value(value)
    if kind is list:
        return _texts(key, value, read, multirun)
    if key.startswith(SQL):
        quotes = "'\"" if key == "data.query" else "'"  # a name in SQL has double ones
        return value if value[:1] in tuple(quotes) and isinstance(read, str) else _quoted(value)
    if isinstance(read, str) or read is None:
        return value
    if not multirun or "," not in value:
        return value if multirun and read is SWEEP else _quoted(value)
    if Path(value).expanduser().exists():
        right = shell_quoted(f"{key}={_quoted(value)}")
        raise UserError(
            f"{key}={value}: with -m, commas separate the values of a sweep; for this single file write {right}."
        )
    return value if read is SWEEP else ",".join(_quoted(unquoted(part)) for part in split_list(value))


def _texts(key: str, value: str, read: Any, multirun: bool) -> str:
    """A list of texts as Hydra takes it."""
    if read is SWEEP or read is None or (isinstance(read, list) and all(isinstance(item, str) for item in read)):
        return value
    if not (value.startswith("[") and value.endswith("]")):
        if "${" in value:
            return value
        right = shell_quoted(f"{key}=[{value.strip('[]')}]")
        raise UserError(f"{key}={value}: a list is needed, as in {right}.")
    lists = re.split(r"(?<=\])\s*,\s*(?=\[)", value) if multirun else [value]
    return ",".join(f"[{','.join(_quoted(unquoted(item)) for item in split_list(one))}]" for one in lists)


def _quoted(text: str) -> str:
    """A text in the quotes of Hydra's grammar."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text, Quote.single).with_quotes()


def _kind(key: str) -> type | None:
    """str or list where a key holds text or a list of texts in every component that has it; None for other keys."""
    if open_key(key) or key in FOLDERS:
        return str
    types = key_types(key)
    if types and all(kind in (str, str | None) for kind in types):
        return str
    return list if types and all(kind in (list[str], list[str] | None) for kind in types) else None
