"""Lines that fit a terminal: it would break them within words."""

import os
import textwrap
from typing import TextIO

LEAST_WIDTH, USUAL_WIDTH = 20, 80


def width_of(stream: TextIO) -> int | None:
    """The columns of a terminal; None where `stream` is none."""
    if not stream.isatty():
        return None
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    return max(width, LEAST_WIDTH) if width else USUAL_WIDTH


def wrapped(text: str, stream: TextIO, hanging: int = 2) -> str:
    """A line of text as lines of whole words, each as wide as the terminal; as it is where `stream` is none.

    Words that are wider stay whole, and so do texts of several lines, such as a traceback.

    Args:
        hanging: spaces before each line but the first.
    """
    width = width_of(stream)
    if width is None or "\n" in text:
        return text
    lines = textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * hanging,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) or text
