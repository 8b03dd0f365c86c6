"""What Hydra and OmegaConf raise, in the words of a user."""

import dataclasses
import re
from pathlib import Path
from typing import Any

from gans.config.components import MANY, group_options, known
from gans.config.known import nearest_keys, owners, run_outline, same_key
from gans.data.formats import format_of
from gans.errors import nearest


def missing_option(error: Any) -> str:
    """Which options a group has, where an unknown one was chosen."""
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not group:
        return str(error).split("\n", 1)[0]
    options = group_options(group)
    key = f"+{group}" if group in ("experiment", "debug") else group
    text = f"{key}={name}: allowed are {', '.join(sorted(options))}.{nearest(name, options)}"
    return text + _elsewhere(group, name)


def _elsewhere(group: str, name: str) -> str:
    """Where a service is chosen that was sought among trackers or loggers, or a file among sources of tables."""
    if group == "data" and format_of(Path(name)):
        return f" A file is data.path={name}."
    if group == "tracker" and name in group_options("logger"):
        return f" In addition to it, logger=[{name}]."
    if group == "logger" and name in group_options("tracker"):
        return f" For {name}, leave it out and set tracker.mode."
    return ""


def unknown_key(key: str, kind: Any = None) -> str:
    """That there is no such key, or not with what is chosen, what is allowed there, and what may have been meant.

    Args:
        key: what was typed.
        kind: the dataclass that has no such key; all that may stand there unless given.
    """
    part, _, name = key.rpartition(".")
    if meant := same_key(key):
        return f"unknown key {key}. Did you mean '{meant}'?"
    if part in MANY and name in known(part):
        return f"key {key} does not belong to the run: it has no such {part}; set {part}=[{name}]."
    there = owners(part)
    having = [option for option, one in there.items() if name in _fields(one)]
    if having and all(having):
        return f"key {key} does not belong to the chosen {part}; it belongs to {part}={', '.join(having)}."
    kinds = [kind] if dataclasses.is_dataclass(kind) else list(there.values())
    siblings = sorted({f"{part}.{field}".lstrip(".") for one in kinds for field in _fields(one)})
    allowed = f"; allowed are {', '.join(siblings)}" if siblings else ""
    return f"unknown key {key}{allowed}.{nearest_keys(key)}"


def _fields(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def explain(error: BaseException) -> str:
    """What was wrong with a key or value."""
    chain, seen = error, error
    while chain is not None:
        seen = chain if getattr(chain, "full_key", None) else seen
        chain = chain.__cause__ or chain.__context__
    key = getattr(seen, "full_key", None) or ""
    text = (getattr(seen, "msg", None) or str(seen)).strip().split("\n", 1)[0]
    if re.search(r"not in struct|not in '|Key '.*' not", text):
        kind = getattr(seen, "object_type", None)
        return unknown_key(key, kind if key.rpartition(".")[0] else run_outline())
    if match := re.match(r"Ambiguous value for argument '(.*)'", text):
        return f"{match[1]}: several values are a sweep, which needs -m; a list is written in brackets, as in [a,b]."
    if "Interpolation" in text:
        text = f"{text} (${{...}} refers to another key)"
    if "Missing mandatory" in text or "MISSING" in text:
        return f"{key} is not set."
    return f"{key}: {text}" if key and key not in text else text
