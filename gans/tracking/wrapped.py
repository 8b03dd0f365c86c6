"""Lines that fit a terminal: it would break them within words."""

import os
import re
import textwrap
from typing import TextIO

LEAST_WIDTH, USUAL_WIDTH = 20, 80
CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
CLOSING = "\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u201d\u300b"  # what no line begins with
WIDE = re.compile(rf"\uff08*[{CJK}][{CLOSING}]*|\s*[^\s{CJK}]+[{CLOSING}]*|\s+")
"""Words, and single letters of scripts without spaces, with the punctuation that belongs to them."""


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
    return "\n".join(lines_of(text, width, hanging)) or text


def lines_of(text: str, width: int, hanging: int = 0) -> list[str]:
    """A text as lines of at most so many columns of a terminal; Chinese, which has no spaces, breaks between letters.

    Args:
        hanging: spaces before each line but the first.
    """
    from rich.cells import cell_len

    if cell_len(text) == len(text):
        return textwrap.wrap(
            text,
            width,
            subsequent_indent=" " * hanging,
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines = [""]
    for piece in WIDE.findall(text):
        if cell_len(lines[-1] + piece.rstrip()) > width and lines[-1].strip():
            lines[-1] = lines[-1].rstrip()
            lines.append(" " * hanging)
            piece = piece.lstrip()
        lines[-1] += piece
    return lines
