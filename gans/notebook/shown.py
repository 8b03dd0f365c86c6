"""Pages and answers as objects that a notebook shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.errors import UserError
from gans.files import write_text
from gans.findings.sentence import MARKS, Sentence
from gans.words import in_language, language, say

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 640  # pixels of a page within a notebook


@dataclass(frozen=True)
class Page:
    """A page of HTML, which a notebook shows inside the output of a cell.

    Attributes:
        path: of the file.
    """

    path: Path

    def save(self, path: str | Path) -> Path:
        """Copy the page, which needs no other file; where it is now.

        Raises:
            UserError: the path is a folder, or its folder is not there.
        """
        path = Path(path).expanduser()
        if path.is_dir() or not path.parent.is_dir():
            raise UserError(f"path={path}: the name of a file in a folder that is there is needed, as in report.html.")
        write_text(path, self._text())
        return path

    def _text(self) -> str:
        if not self.path.is_file():
            raise UserError(f"{self.path}: the page is not there any more.")
        return self.path.read_text(encoding="utf-8")

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self._text())}" title="{escape(self.path.name)}" '
            f'style="width: 100%; height: {HEIGHT}px; border: 1px solid #8888; background: white"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Page({str(self.path)!r})"


@dataclass(frozen=True, repr=False)
class Finding:
    """What was found, in sentences and as a table.

    Attributes:
        sentences: the verdict first, as the command prints them.
        table: the figures.
        page: the page about it, which the command writes, too; None where there is none.
        language: of the sentences.
    """

    sentences: Sequence[Sentence]
    table: "pd.DataFrame"
    page: Page | None = None
    language: str = field(default_factory=language)

    @property
    def verdict(self) -> list[str]:
        """The sentences as text."""
        return [sentence.text for sentence in self.sentences]

    def _repr_html_(self) -> str:
        with in_language(self.language):
            marks = {tone: say(word) for tone, word in MARKS.items()}
        lines = "".join(f"<li><b>{marks[one.tone]}</b> {escape(one.text)}</li>" for one in self.sentences)
        table = self.table.to_html(na_rep="", float_format="{:.4g}".format, max_rows=60, max_cols=20)
        page = f"<p><code>{escape(str(self.page.path))}</code></p>" if self.page else ""
        return f"<ul>{lines}</ul>{table}{page}"

    def __repr__(self) -> str:
        with in_language(self.language):
            lines = "\n".join(sentence.line() for sentence in self.sentences)
        return f"{lines}\n\n{self.table}\n"


@dataclass(frozen=True, repr=False)
class Judged(Finding):
    """An evaluation."""

    @property
    def scores(self) -> "pd.DataFrame":
        """The table: a row a score, with its interval, its ideal, and what held-out real rows have in its place."""
        return self.table


@dataclass(frozen=True, repr=False, kw_only=True)
class Augmented(Finding):
    """What augmentation found.

    Attributes:
        rows: those that were added, a frame like the training frame.
        whole: the training rows and those added below them, told apart by the column `synthetic`; it holds real rows.
        helps: whether a model was seen to gain by them on held-out rows.
    """

    rows: Any
    whole: Any
    helps: bool
