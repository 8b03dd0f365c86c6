"""What a page is told when something cannot be: a key of its words and the values in them, so that it says it itself.

The words are in `page/words.LANGUAGE.json` under refused_KEY. Elsewhere than on a page a refusal is English.
"""

import functools
import json
from importlib.resources import files
from typing import Any

from gans.errors import UserError

LONGEST = 60  # letters of a value that a page sent


class RefusedError(UserError):
    """A mistake by a key of the page's words and the values that go into them."""

    def __init__(self, key: str, **values: Any) -> None:
        self.key, self.values = key, {name: shown(value) for name, value in values.items()}
        super().__init__(_english()[f"refused_{key}"].format(**self.values))


def told(error: UserError) -> dict[str, Any]:
    """The message to a page; an error that the lab does not raise itself is quoted as it is."""
    refusal = error if isinstance(error, RefusedError) else RefusedError("other", message=Whole(error))
    return {"key": refusal.key, "values": refusal.values}


class Whole(str):
    """A value of our own, that is not cut."""


def shown(value: Any) -> str:
    """A value in a message."""
    if isinstance(value, Whole):
        return str(value)
    text = "true" if value is True else "false" if value is False else "null" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def listed(values: Any) -> Whole:
    """The values that are allowed."""
    return Whole(", ".join(map(shown, values)))


@functools.cache
def _english() -> dict[str, str]:
    return json.loads(files("gans.lab.page").joinpath("words.en.json").read_text(encoding="utf-8"))
