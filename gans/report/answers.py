"""The answer of a use for people: in the terminal, as JSON, and as a page of one screen."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from gans.files import write_text
from gans.findings.answers import Answer, shown
from gans.report.figures import data_address
from gans.report.private_page import spending
from gans.report.templates import template
from gans.tracking.wrapped import lines_of, width_of
from gans.words import mark, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SCENARIOS = {
    "marketing": mark("Marketing"),
    "risk": mark("Risk"),
    "product": mark("Product"),
    "research": mark("Research"),
    "privacy": mark("Privacy"),
}


def answer_rows(answer: Answer) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each figure its name and, by arm, its value with interval, and the verdict on an arm beside the control."""
    out = []
    for one in answer.measures:
        cells = []
        for arm in answer.arms:
            text = shown(one.values[arm]) if arm in one.values else ""
            verdict = one.verdict(arm)
            cells.append((text, f"{say(verdict)} {shown(one.gains[arm], signed=True)}" if verdict else ""))
        out.append((say(one.name), cells))
    return out


def print_answer(answer: Answer) -> None:
    """Question, answer and figures on standard output."""
    print(answer.question, "", sep="\n")
    for sentence in answer.sentences:
        print(sentence.line())
    print()
    for line in answer_lines(answer, width_of(sys.stdout)):
        print(line)


def answer_lines(answer: Answer, width: int | None) -> list[str]:
    """The figures: the name of each, and below it a line for each arm.

    Where these are too wide for the terminal, what an arm gains stands in a line of its own below its value.

    Args:
        width: of the terminal; None where it is none.
    """
    rows = answer_rows(answer)
    column = 4 + max(cell_len(say(arm)) for arm in answer.arms)
    values = [say("; ").join(filter(None, parts)) for _, cells in rows for parts in cells]
    narrow = width is not None and column + max(map(cell_len, values), default=0) > width
    out = []
    for name, cells in rows:
        out += [name] if width is None else lines_of(name, width, hanging=2)
        for arm, parts in zip(answer.arms, cells, strict=True):
            told = [part for part in parts if part]
            if told:
                first, *more = told if narrow else [say("; ").join(told)]
                out.append(set_cell_size(f"  {say(arm)}", column) + first)
                out += [" " * column + part for part in more]
    return out


def write_answer(folder: Path, answer: Answer, figures: Mapping[str, "Figure"]) -> Path:
    """Write use_SCENARIO.json and use_SCENARIO.html; the path of the page."""
    stem = f"use_{answer.scenario}"
    text = json.dumps(answer.to_json(), indent=1, ensure_ascii=False, default=str)
    write_text(folder / f"{stem}.json", text + "\n")
    page = template("answer.html.jinja").render(
        answer=answer,
        scenario=SCENARIOS[answer.scenario],
        rows=answer_rows(answer),
        spending=spending(answer.tables["ledger"]["entries"]) if "ledger" in answer.tables else [],
        figures={title: data_address(figure) for title, figure in figures.items()},
    )
    write_text(folder / f"{stem}.html", page)
    return folder / f"{stem}.html"
