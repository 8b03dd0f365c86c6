"""An evaluation for people: a table in the terminal, a file of JSON, and a section of the run's page."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from gans.evaluation.metrics import PARTS, all_metrics, meaning, metric_of
from gans.evaluation.results import Evaluation, Score, score_rows
from gans.files import write_text
from gans.findings.evaluation import findings
from gans.findings.privacy import privacy_fails
from gans.findings.sentence import COLUMN
from gans.report.attacks import attack_rows
from gans.report.figures import FAINT, INK, REAL, SYNTHETIC, canvas, data_address, label, legend
from gans.report.model_card import update_card
from gans.report.realism import TITLE, realism_figure
from gans.report.templates import template
from gans.runs.files import RunFiles
from gans.tracking.wrapped import width_of, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TITLE = 20  # letters of a title in a line of the terminal
START, END = "<!-- evaluation -->", "<!-- /evaluation -->"


def print_evaluation(evaluation: Evaluation) -> None:
    """The figures as a table, and what they say, on standard output."""
    for line in table_lines(rows_by_part(evaluation), width_of(sys.stdout)):
        print(line)
    for sentence in findings(evaluation):
        print(sentence.line())
    for note in evaluation.notes:
        print(wrapped(f"{'':{COLUMN}}{note}.", sys.stdout, COLUMN))
    print(f"{'':10}{sum(evaluation.seconds.values()):.0f} s.")
    if privacy_fails(evaluation):
        print("\nNOT PRIVATE: this table should not leave the house; see above.")


def table_lines(every: Mapping[str, list[tuple[str, ...]]], width: int | None) -> list[str]:
    """The figures of each part under its name, in columns.

    On a terminal that is too narrow for all columns there are three of them, and titles go on in a second line.

    Args:
        every: of each part its rows, as `rows_by_part` has them.
        width: of the terminal; None where it is none.
    """
    heads = ("", "value", "interval of 95 %", "ideal", "real rows", "of rows")
    widths = _widths([heads, *chain.from_iterable(every.values())])
    if width is not None and sum(widths) + 2 * len(widths) - 2 > width:
        heads = (*heads[:3], "real rows")
        every = {
            part: [(*row[:3], row[4] or (row[3] and f"ideal {row[3]}")) for row in rows] for part, rows in every.items()
        }
        widths = _widths([heads, *chain.from_iterable(every.values())])
        widths[0] = min(widths[0], max(width - sum(widths[1:]) - 2 * len(widths) + 2, LEAST_TITLE))
    out = []
    for part, rows in every.items():
        for row in [(part.upper(), *heads[1:]), *rows] if rows else []:
            first, *more = wrap(row[0], widths[0], subsequent_indent="  ")
            out.append("  ".join([first.ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip())
            out += more
        out += [""] if rows else []
    return out


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


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
        "" if score.low is None or score.high is None else f"{number(score.low)} to {number(score.high)}",
        f"{ideal:g}" if ideal is not None else "" if score.real is None else "as real rows",
        "" if score.real is None else number(score.real),
        "" if score.rows is None else f"{score.rows:,}",
    )


def number(value: float) -> str:
    """Four significant figures."""
    return f"{value:.4g}" if abs(value) < 1e-3 else f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"


def write_evaluation(folder: Path, evaluation: Evaluation, observed: list[dict[str, Any]]) -> tuple[Path, Path]:
    """Write the figures and their page, whose paths are given: a section of the run's page, or a page of its own.

    Where there is another page of that name, evaluation.html is written beside it.

    Args:
        observed: the scores of each seed and draw, for gans.compare.
    """
    files = RunFiles(folder)
    write_text(
        files.evaluation,
        json.dumps(evaluation.to_json() | {"observed": observed}, indent=1, ensure_ascii=False) + "\n",
    )
    section, page = render_section(evaluation), files.report
    old = page.read_text(encoding="utf-8") if page.is_file() else ""
    if START in old and END in old:
        text = re.sub(f"{START}.*{END}", lambda _: f"{START}\n{section}\n{END}", old, flags=re.DOTALL)
    else:
        page = folder / "evaluation.html" if old else page
        text = template("evaluation_page.html.jinja").render(section=section, start=START, end=END)
    write_text(page, text)
    update_card(files, rows_by_part(evaluation), evaluation)
    return files.evaluation, page


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
        tables=rows_by_part(evaluation),
        sentences=findings(evaluation),
        realism={TITLE: figures.pop(TITLE)} if TITLE in figures else {},
        attacks=attack_rows(evaluation),
        figures=figures,
    )


def evaluation_figures(evaluation: Evaluation) -> dict[str, "Figure"]:
    """Figures by title: how real the rows are, what gave them away, the worst columns and pairs, the attacks."""
    out, details = {}, evaluation.details
    if (figure := realism_figure(evaluation)) is not None:
        out[TITLE] = figure
    for title, key in (
        ("What gave the rows away: columns", "given away by columns"),
        ("What gave the rows away: pairs", "given away by pairs"),
    ):
        if shares := details.get(key):
            out[title] = _bars(
                {_joined(name): [100 * share] for name, share in shares.items()}, "share of the evidence, %"
            )
    for title, key in (("Worst columns", "worst columns"), ("Worst pairs", "worst pairs")):
        if errors := details.get(key):
            bars = {
                _joined(name): [100 * value for value in pair if value is not None] for name, pair in errors.items()
            }
            out[title] = _bars(bars, "error as published, %")
    attacks = {name: score for name, score in score_rows(evaluation) if name.endswith("_auc")}
    if attacks:
        out["Attacks (0.5: no better than a guess)"] = _intervals(attacks)
    return out


def _joined(name: str | tuple[str, str]) -> str:
    return name if isinstance(name, str) else " × ".join(name)


def _bars(values: dict[str, list[float]], axis: str) -> "Figure":
    """Horizontal bars; of two values the second is that of real rows."""
    figure, axes = canvas(4.6, 0.9 + 0.3 * len(values))
    two = all(len(pair) == 2 for pair in values.values())
    places = list(range(len(values)))
    height = 0.36 if two else 0.6
    axes.barh([place - height / 2 * two for place in places], [pair[0] for pair in values.values()], height,
              color=SYNTHETIC, label="synthetic")  # fmt: skip
    if two:
        axes.barh([place + height / 2 for place in places], [pair[1] for pair in values.values()], height,
                  color=REAL, label="held-out real rows")  # fmt: skip
        legend(axes)
    axes.set_yticks(places, [label(name, 34) for name in values], parse_math=False)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(axis, fontsize=9, color=INK)
    return figure


def _intervals(scores: dict[str, Score]) -> "Figure":
    """Points with intervals, and a line at one half."""
    figure, axes = canvas(4.6, 1.0 + 0.34 * len(scores))
    for place, score in enumerate(scores.values()):
        axes.plot([_end(score.low, score), _end(score.high, score)], [place, place], color=SYNTHETIC, linewidth=2)
        axes.plot(score.value, place, "o", color=SYNTHETIC, markersize=6)
    axes.axvline(0.5, color=FAINT, linewidth=1.2)
    names = [meaning(name).title.split(",")[0].split(" (")[0] for name in scores]
    axes.set_yticks(range(len(scores)), names, parse_math=False)
    axes.set_ylim(len(scores) - 0.5, -0.5)
    low, high = (pick(score.value for score in scores.values()) for pick in (min, max))
    axes.set_xlim(min(0.4, low - 0.05), max(0.6, high + 0.05))
    axes.set_xlabel("AUC or share, interval of 95 %", fontsize=9, color=INK)
    return figure


def _end(end: float | None, score: Score) -> float:
    return score.value if end is None else end
