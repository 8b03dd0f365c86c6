"""A finding in plain words."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import set_cell_size

from gans.evaluation.results import Score
from gans.tracking.wrapped import wrapped
from gans.words import mark, say

COLUMN = 10
MARKS = {"good": mark("good"), "note": mark("note"), "bad": mark("not good")}


@dataclass
class Sentence:
    """One finding.

    Attributes:
        tone: good, bad or note.
        command: what to run about it.
    """

    tone: str
    text: str
    command: str = ""

    def line(self) -> str:
        """For the terminal: where it is one, lines that fit it, the text in a column of its own, a command whole."""
        text = wrapped(f"{set_cell_size(say(MARKS[self.tone]), COLUMN)}{self.text}", sys.stdout, COLUMN)
        return f"{text}\n{'':{COLUMN}}{self.command}" if self.command else text


def worst_tone(sentences: Iterable[Sentence]) -> str:
    """Of one or more sentences: bad where one is, else note where one is, else good."""
    return min((one.tone for one in sentences), key=("bad", "note", "good").index)


def ranged(score: Score) -> str:
    """A score with its interval."""
    if score.low is None or score.high is None:
        return f"{score.value:.3f}"
    return say("{value:.3f} ({low:.3f} to {high:.3f})", value=score.value, low=score.low, high=score.high)


def listed(names: Iterable[str]) -> str:
    """Names one after the other, as the language parts them."""
    return say(", ").join(names)
