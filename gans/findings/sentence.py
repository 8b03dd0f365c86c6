"""A finding in plain words."""

from dataclasses import dataclass

from gans.evaluation.results import Score

MARKS = {"good": "good", "note": "note", "bad": "not good"}


@dataclass
class Sentence:
    """One finding; `tone` is good, bad or note."""

    tone: str
    text: str

    def line(self) -> str:
        """For the terminal."""
        return f"{MARKS[self.tone]:10}{self.text}"


def ranged(score: Score) -> str:
    """A score with its interval."""
    if score.low is None or score.high is None:
        return f"{score.value:.3f}"
    return f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"
