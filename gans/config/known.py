"""Every key that a run may have, with its types and its explanation, and the nearest one to what was typed."""

import dataclasses
import typing
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from gans.config.components import MANY, groups, known
from gans.config.outline import explanations, outline

LEAST = 0.7  # how alike two keys must be, 1 for the same
MOST = 3  # keys that are named
SYNONYMS = {"sep": "delimiter", "separator": "delimiter"}  # what other programs call the last part of a key


def run_outline() -> type:
    """The outline of a run."""
    return outline("gans.config.run", "Run")


def owners(part: str) -> dict[str, type]:
    """What may stand below the first part of a key, by the name that selects it: data, penalty.r1, transfer, or ""."""
    top, _, name = part.partition(".")
    if not part:
        return {"": run_outline()}
    if top in MANY:
        return {name: known(top)[name]} if name in known(top) else {}
    if top in groups():
        return known(top)
    kind: Any = typing.get_type_hints(run_outline()).get(top)
    return {"": kind} if hasattr(kind, "__dataclass_fields__") else {}


@cache
def key_types(key: str) -> list[Any]:
    """The types of what a key holds, of each component that has it; none for a key that nothing has."""
    part, _, name = key.rpartition(".")
    return [hints[name] for kind in owners(part).values() if name in (hints := typing.get_type_hints(kind))]


def known_keys() -> list[str]:
    """Every key, of all options of each group."""
    out = dict.fromkeys(field.name for field in dataclasses.fields(run_outline()))
    for part in (*out, *(f"{group}.{name}" for group in MANY for name in known(group))):
        for kind in owners(part).values():
            out |= dict.fromkeys(f"{part}.{field.name}" for field in dataclasses.fields(kind))
    return list(out)


def explanation(key: str) -> str:
    """The line about a key; "" for one that nothing has."""
    part, _, name = key.rpartition(".")
    return next((line for kind in owners(part).values() if (line := explanations(kind).get(name))), "")


def same_key(key: str) -> str:
    """The key that another program calls so, as data.delimiter for data.sep; "" where there is none."""
    part, _, name = key.rpartition(".")
    meant = f"{part}.{SYNONYMS.get(name, '')}"
    return meant if key_types(meant) else ""


def nearest_keys(key: str) -> str:
    """A sentence that names the keys that were most likely meant, or nothing.

    `lr` is the beginning of each word of learning_rate; else the letters count that keys, or their last parts, share.
    """
    part, _, typed = key.rpartition(".")

    def alike(other: str) -> float:
        group, _, name = other.rpartition(".")
        if typed == "".join(word[:1] for word in name.split("_")) and len(typed) > 1:
            return 1.0 + (group == part)
        last = 0.95 * SequenceMatcher(None, typed, name).ratio()
        return max(SequenceMatcher(None, key, other).ratio(), last) + 0.05 * (group == part)

    scores = {other: alike(other) for other in known_keys()}
    best = max(scores.values())
    found = [f"'{other}'" for other, score in scores.items() if score == best]
    return f" Did you mean {' or '.join(found[:MOST])}?" if best >= LEAST else ""
