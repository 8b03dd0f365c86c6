"""The HTML templates of this folder: one self-contained page each, no script, no request."""

from functools import cache
from pathlib import Path
from typing import Any


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template(name: str) -> Any:
    """A template by its file's name; what is put in is escaped, and an unknown name in it raises."""
    return _environment().get_template(name)
