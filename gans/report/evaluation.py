"""An evaluation for people: a table in the terminal, a file of JSON, and a section of the run's page."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from gans.evaluation.metrics import PARTS, all_metrics, meaning, metric_of
from gans.evaluation.results import Evaluation, Score, score_rows
from gans.files import write_text
from gans.findings.evaluation import findings
from gans.findings.first_screen import Reply, evaluated_replies
from gans.findings.sentence import COLUMN, MARKS, Sentence, listed
from gans.report.attacks import attack_rows
from gans.report.dark import PAPER
from gans.report.figures import (
    FAINT,
    INK,
    REAL,
    SYNTHETIC,
    TEXT,
    WIDTH,
    canvas,
    data_address,
    label,
    legend,
    name_axes,
)
from gans.report.history_figures import history_figures
from gans.report.model_card import update_card
from gans.report.realism import TITLE, realism_figure
from gans.report.templates import template
from gans.runs.files import RunFiles
from gans.tracking.wrapped import lines_of, width_of, wrapped
from gans.words import mark, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TITLE = 20  # letters of a title in a line of the terminal
START, END = "<!-- evaluation -->", "<!-- /evaluation -->"
REPLIES_START, REPLIES_END = "<!-- answers -->", "<!-- /answers -->"
SIDES = {
    "real": mark("{rows:,} real rows"),
    "synthetic": mark("{rows:,} synthetic rows"),
    "test": mark("{rows:,} test rows"),
}
ATTACKS_TITLE = mark("Membership attacks (0.5: no better than a guess)")


def print_evaluation(evaluation: Evaluation) -> None:
    """The figures as a table, and what they say, on standard output."""
    for line in table_lines(rows_by_part(evaluation), width_of(sys.stdout)):
        print(line)
    for sentence in findings(evaluation):
        print(sentence.line())
    for note in evaluation.notes:
        print(wrapped(f"{'':{COLUMN}}{say('{text}.', text=note)}", sys.stdout, COLUMN))
    print(f"{'':10}{sum(evaluation.seconds.values()):.0f} s.")


def print_replies(given: Sequence[Reply]) -> None:
    """The answers of the first screen on standard output; its first one, about sharing, is the last line of all."""
    for reply in [*given[1:], *given[:1]]:
        print()
        print(wrapped(say("{question} {answer}", question=reply.question, answer=reply.answer), sys.stdout))
        for reason in reply.reasons:
            print(wrapped(f"  {reason}", sys.stdout))
        if reply.command:
            print(f"  {reply.before_command}", f"    {reply.command}", sep="\n")


def replies_of(
    folder: Path, evaluation: Evaluation, again: str = "", guarantee: Mapping[str, float] | None = None
) -> list[Reply]:
    """The answers of the first screen, from both, run and evaluation.

    Args:
        folder: of the page, that of the run or another one.
        again: the command that made the evaluation, without its test rows.
        guarantee: epsilon and delta of the private run whose rows they are.
    """
    page = RunFiles(folder).report
    of_run = _of_run(page.read_text(encoding="utf-8")) if page.is_file() else []
    return evaluated_replies(evaluation, of_run, again, guarantee)


def table_lines(every: Mapping[str, list[tuple[str, ...]]], width: int | None) -> list[str]:
    """The figures of each part under its name, in columns.

    On a terminal that is too narrow for all columns there are three of them, and titles go on in a second line.

    Args:
        every: of each part its rows, as `rows_by_part` has them.
        width: of the terminal; None where it is none.
    """
    heads = ("", say("value"), say("interval of 95%"), say("ideal"), say("real rows"), say("of rows"))
    widths = _widths([heads, *chain.from_iterable(every.values())])
    if width is not None and sum(widths) + 2 * len(widths) - 2 > width:
        heads = (*heads[:3], say("real rows"))
        every = {
            part: [(*row[:3], row[4] or (row[3] and say("ideal {ideal}", ideal=row[3]))) for row in rows]
            for part, rows in every.items()
        }
        widths = _widths([heads, *chain.from_iterable(every.values())])
        widths[0] = min(widths[0], max(width - sum(widths[1:]) - 2 * len(widths) + 2, LEAST_TITLE))
    out = []
    for part, rows in every.items():
        for row in [(say(part).upper(), *heads[1:]), *rows] if rows else []:
            first, *more = lines_of(row[0], widths[0], hanging=2)
            out.append("  ".join([set_cell_size(first, widths[0]), *map(_right, row[1:], widths[1:])]).rstrip())
            out += more
        out += [""] if rows else []
    return out


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)]


def _right(text: str, width: int) -> str:
    """A text at the right end of a column."""
    return " " * (width - cell_len(text)) + text


def rows_by_part(evaluation: Evaluation) -> dict[str, list[tuple[str, ...]]]:
    """Of each part its figures as texts: title, value, interval, ideal, real rows, number of synthetic rows."""
    return {
        part: [
            (meaning(name).title, *shown(name, score))
            for name, score in score_rows(evaluation)
            if all_metrics()[metric_of(name)].part == part
        ]
        for part in PARTS
    }


def shown(name: str, score: Score) -> tuple[str, ...]:
    """Value, interval, ideal, what real rows have, and of how many synthetic rows, as text."""
    ideal = meaning(name).ideal
    return (
        number(score.value),
        ""
        if score.low is None or score.high is None
        else say("{low} to {high}", low=number(score.low), high=number(score.high)),
        f"{ideal:g}" if ideal is not None else "" if score.real is None else say("as real rows"),
        "" if score.real is None else number(score.real),
        "" if score.rows is None else f"{score.rows:,}",
    )


def number(value: float) -> str:
    """Four significant figures."""
    return f"{value:.4g}" if abs(value) < 1e-3 else f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"


def write_evaluation(
    folder: Path,
    evaluation: Evaluation,
    observed: list[dict[str, Any]],
    again: str = "",
    guarantee: Mapping[str, float] | None = None,
) -> tuple[Path, Path]:
    """Write the figures and their page, whose paths are given: a section of the run's page, or a page of its own.

    Where there is another page of that name, evaluation.html is written beside it.

    Args:
        observed: the scores of each seed and draw, for gans.compare.
        again: the command that made the evaluation, without its test rows.
        guarantee: epsilon and delta of the private run whose rows they are.
    """
    files = RunFiles(folder)
    write_text(
        files.evaluation,
        json.dumps(evaluation.to_json() | {"observed": observed}, indent=1, ensure_ascii=False) + "\n",
    )
    section, page = render_section(evaluation), files.report
    old = page.read_text(encoding="utf-8") if page.is_file() else ""
    replies = replies_of(folder, evaluation, again, guarantee)
    answers = template("first_screen.html.jinja").render(answers=replies)
    if START in old and END in old:
        text = _put(_put(old, START, END, section), REPLIES_START, REPLIES_END, answers)
    else:
        page = folder / "evaluation.html" if old else page
        text = template("evaluation_page.html.jinja").render(
            section=section, start=START, end=END, answers=answers, replies_start=REPLIES_START, replies_end=REPLIES_END
        )
    write_text(page, text)
    update_card(files, rows_by_part(evaluation), evaluation)
    return files.evaluation, page


def _put(page: str, start: str, end: str, content: str) -> str:
    """The page with other content between two marks."""
    return re.sub(f"{start}.*{end}", lambda _: f"{start}\n{content}\n{end}", page, flags=re.DOTALL)


def _of_run(page: str) -> list[Sentence]:
    """What the page of a run keeps of its own answer; nothing of another page."""
    found = re.search("data-run='([^']*)'", page)
    try:
        kept = json.loads(found[1]) if found else []
        return [Sentence(one["tone"], str(one["text"])) for one in kept if one["tone"] in MARKS]
    except (ValueError, TypeError, KeyError):
        return []


def write_scores(folder: Path, scores: Mapping[str, float]) -> None:
    """Write scores that have no intervals and no page, and put them into the model card."""
    files = RunFiles(folder)
    write_text(files.evaluation, json.dumps({"scores": dict(scores)}, indent=1) + "\n")
    rows = [(name, number(value), "", "", "", "") for name, value in scores.items()]
    update_card(files, {"images": rows}, None)


def render_section(evaluation: Evaluation) -> str:
    """The section as HTML, its figures inside."""
    figures = {title: data_address(figure) for title, figure in evaluation_figures(evaluation).items()}
    return template("evaluation.html.jinja").render(
        found=evaluation,
        sides=listed(say(SIDES[side], rows=rows) for side, rows in evaluation.rows.items()),
        tables=rows_by_part(evaluation),
        sentences=findings(evaluation),
        realism={say(TITLE): figures.pop(say(TITLE))} if say(TITLE) in figures else {},
        attacks=attack_rows(evaluation),
        figures=figures,
        histories={
            kind: {title: data_address(figure) for title, figure in found.items()}
            for kind, found in history_figures(evaluation).items()
        },
    )


def evaluation_figures(evaluation: Evaluation) -> dict[str, "Figure"]:
    """Figures by title: how real the rows are, what gave them away, the worst columns and pairs, the attacks.

    Those of columns and of pairs have one axis. What would show a single value is left out: the tables have it.
    """
    out, details = {}, evaluation.details
    if (figure := realism_figure(evaluation)) is not None:
        out[say(TITLE)] = figure
    evidence = {
        say("What gave the rows away: columns"): "given away by columns",
        say("What gave the rows away: pairs"): "given away by pairs",
    }
    out |= _bars(
        {title: _percent(details.get(key)) for title, key in evidence.items()}, say("share of the evidence, %")
    )
    errors = {say("Worst columns"): "worst columns", say("Worst pairs"): "worst pairs"}
    out |= _bars({title: _percent(details.get(key)) for title, key in errors.items()}, say("error as published, %"))
    attacks = {name: score for name, score in score_rows(evaluation) if name.endswith("_auc")}
    if len(attacks) > 1:
        out[say(ATTACKS_TITLE)] = _intervals(attacks)
    return out


def _percent(found: Mapping[Any, Any] | None) -> dict[str, list[float]]:
    """By column or pair in words one value or two, in percent."""
    out = {}
    for name, value in (found or {}).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        joined = name if isinstance(name, str) else " × ".join(name)
        out[joined] = [100 * one for one in values if one is not None]
    return out


def _bars(panels: Mapping[str, dict[str, list[float]]], axis: str) -> dict[str, "Figure"]:
    """By title horizontal bars on one axis; of two values the second is that of real rows."""
    panels = {title: values for title, values in panels.items() if len(values) > 1}
    most = max((value for values in panels.values() for pair in values.values() for value in pair), default=0.0)
    out = {}
    for title, values in panels.items():
        figure, axes = canvas(WIDTH, 1.0 + 0.32 * len(values))
        two = all(len(pair) == 2 for pair in values.values())
        places = list(range(len(values)))
        height = 0.36 if two else 0.6
        axes.barh([place - height / 2 * two for place in places], [pair[0] for pair in values.values()], height,
                  color=SYNTHETIC, label=say("synthetic"))  # fmt: skip
        if two:
            axes.barh([place + height / 2 for place in places], [pair[1] for pair in values.values()], height,
                      color=REAL, label=say("held-out real rows"))  # fmt: skip
            legend(axes)
        axes.set_yticks(places, [label(name, 32) for name in values], parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.03 * (most or 1))
        axes.grid(axis="y", visible=False)
        name_axes(axes, axis)
        out[title] = figure
    return out


def _intervals(scores: dict[str, Score]) -> "Figure":
    """Points with intervals, all within the axis, and a line at one half; the name of each above it."""
    figure, axes = canvas(WIDTH, 0.8 + 0.46 * len(scores))
    ends = [0.5]
    for place, (name, score) in enumerate(scores.items()):
        low, high = (score.value if end is None else end for end in (score.low, score.high))
        ends += [low, score.value, high]
        axes.plot([low, high], [place, place], color=SYNTHETIC, linewidth=2)
        axes.plot(score.value, place, "o", color=SYNTHETIC, markersize=6)
        text = _short_title(meaning(name).title)
        axes.annotate(label(text, 44), (0, place - 0.22), xycoords=("axes fraction", "data"), fontsize=TEXT, color=INK,
                      va="bottom", xytext=(4, 0), textcoords="offset points", parse_math=False,
                      backgroundcolor=PAPER)  # fmt: skip
    axes.axvline(0.5, color=FAINT, linewidth=1.2)
    axes.set_yticks([])
    axes.set_ylim(len(scores) - 0.5, -0.9)
    margin = 0.04 * (max(ends) - min(ends))
    axes.set_xlim(min(ends) - margin, max(ends) + margin)
    name_axes(axes, say("{what}, interval of 95%", what="AUC"))
    return figure


def _short_title(title: str) -> str:
    """The title of an attack without what every one of them has."""
    return re.split(r",| \(|[\uff0c\uff08]", title)[0].removeprefix(say("membership "))
