"""Lines that fit a terminal: it would break them within words."""

import os
import textwrap
from typing import TextIO

LEAST_WIDTH, USUAL_WIDTH = 20, 80


def wrapped(text: str, stream: TextIO, hanging: int = 2) -> str:
    """A line of text as lines of whole words, each as wide as the terminal; as it is where `stream` is none.

    Words that are wider stay whole, and so do texts of several lines, such as a traceback.

    Args:
        hanging: spaces before each line but the first.
    """
    if "\n" in text or text[:1].isspace() or not stream.isatty():  # a command to paste is indented
        return text
    try:
        width = os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):
        width = USUAL_WIDTH
    lines = textwrap.wrap(
        text,
        max(width, LEAST_WIDTH),
        subsequent_indent=" " * hanging,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) or text
