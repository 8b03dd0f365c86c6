"""What Hydra and OmegaConf raise, in the words of a user."""

import re
from collections.abc import Callable
from typing import Any

from gans.config.components import group_options
from gans.errors import nearest


def missing_option(error: Any) -> str:
    """Which options a group has, where an unknown one was chosen."""
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not group:
        return str(error).split("\n", 1)[0]
    options = group_options(group)
    key = f"+{group}" if group == "experiment" else group
    text = f"{key}={name}: allowed are {', '.join(sorted(options))}.{nearest(name, options)}"
    return text + _elsewhere(group, name)


def _elsewhere(group: str, name: str) -> str:
    """Where a service is chosen that was sought among trackers or loggers."""
    if group == "tracker" and name in group_options("logger"):
        return f" Beside it, logger=[{name}]."
    if group == "logger" and name in group_options("tracker"):
        return f" For {name}, leave it out and set tracker.mode."
    return ""


def unknown_key(key: str, known: list[str]) -> str:
    """That there is no such key, or not with what is chosen, and the nearest match among `known`."""
    group = key.rpartition(".")[0]
    if key in known:
        return f"key {key} does not belong to the chosen {group}."
    siblings = sorted(other for other in known if other.rpartition(".")[0] == group)
    allowed = f"; allowed are {', '.join(siblings)}" if siblings else ""
    return f"unknown key {key}{allowed}.{nearest(key, known)}"


def explain(error: BaseException, known_keys: Callable[[], list[str]]) -> str:
    """What was wrong with a key or value; `known_keys` are all keys of the default run, for the nearest match."""
    chain, seen = error, error
    while chain is not None:
        seen = chain if getattr(chain, "full_key", None) else seen
        chain = chain.__cause__ or chain.__context__
    key = getattr(seen, "full_key", None) or ""
    text = (getattr(seen, "msg", None) or str(seen)).strip().split("\n", 1)[0]
    if re.search(r"not in struct|not in '|Key '.*' not", text):
        return unknown_key(key, known_keys())
    if "Interpolation" in text:
        text = f"{text} (${{...}} refers to another key)"
    if "Missing mandatory" in text or "MISSING" in text:
        return f"{key} is not set."
    return f"{key}: {text}" if key and key not in text else text
