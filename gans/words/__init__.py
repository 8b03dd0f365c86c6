"""The words of pages, charts and generated sentences, in the language that is asked for.

The English text stands where it is said, with named values: `say("{rows:,} rows", rows=5)`. Chinese is in `zh.json`, by
the English text; a test holds every text against it. What is said nowhere by itself, such as the name of an arm that a
table shows, is noted by `mark`.

The language belongs to the thread (and the task of asyncio) that entered `in_language`: a run, a notebook and a server
may each say another one at the same time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from importlib.resources import files
from typing import ParamSpec, TypeVar

from gans.errors import one_of

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = {ENGLISH: "en", CHINESE: "zh-CN"}
"""The languages, each with its tag in HTML."""

P = ParamSpec("P")
T = TypeVar("T")
_current: ContextVar[str] = ContextVar("language", default=ENGLISH)


def check_language(language: str) -> None:
    """Raise UserError unless the language is one of those that are spoken."""
    one_of("language", language, LANGUAGES)


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Within this context, say everything in a language.

    Raises:
        UserError: it is none of `LANGUAGES`.
    """
    check_language(language)
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def language() -> str:
    """The language that is spoken now."""
    return _current.get()


def kept_language(function: Callable[P, T]) -> Callable[P, T]:
    """The function in the language of now, whenever and in whatever thread it is called."""
    spoken = language()

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with in_language(spoken):
            return function(*args, **kwargs)

    return inside


def say(text: str, /, **values: object) -> str:
    """A text in the language that is spoken, with values in the place of its {names}.

    A text that the catalogue lacks, as the title of a plugin's metric, stays as it is.
    """
    found = catalogue(language()).get(text, text)
    return found.format(**values) if values else found


def mark(text: str) -> str:
    """A text that will be said elsewhere, as it is."""
    return text


@cache
def catalogue(language: str) -> dict[str, str]:
    """The texts of a language by the English ones; none of English itself."""
    if language == ENGLISH:
        return {}
    return json.loads(files(__name__).joinpath(f"{language}.json").read_text(encoding="utf-8"))
