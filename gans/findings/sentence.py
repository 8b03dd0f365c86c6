"""A finding in plain words."""

from dataclasses import dataclass

MARKS = {"good": "good", "note": "note", "bad": "not good"}


@dataclass
class Sentence:
    """One finding; `tone` is good, bad or note."""

    tone: str
    text: str

    def line(self) -> str:
        """For the terminal."""
        return f"{MARKS[self.tone]:10}{self.text}"
