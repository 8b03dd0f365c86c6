"""The templates of this folder: HTML, one self-contained page each without script or request, and Markdown."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from gans.words import LANGUAGES, language, say

SIGNS = re.compile(r"([\\`*\[\]<>|~])")  # of Markdown, and of HTML in it
MARKDOWN = ".md.jinja"


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=lambda name: not (name or "").endswith(MARKDOWN),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    environment.globals |= {"say": say, "language": lambda: LANGUAGES[language()], "capital": capital}
    return environment


def capital(text: str) -> str:
    """A text that begins with a capital letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """A text as one line of Markdown that shows it as it is; names of columns may hold any sign."""
    return SIGNS.sub(r"\\\1", " ".join(str(text).split()))


def template(name: str) -> Any:
    """A template by its file's name; what is put in is escaped (in Markdown by `plain`), an unknown name raises."""
    return _environment().get_template(name)
