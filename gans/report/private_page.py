"""The page of a private run: the guarantee, what was spent on what, noisy shares beside generated ones."""

import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.data.declared import Declared
from gans.files import write_text
from gans.findings.first_screen import commands, private_replies
from gans.findings.guarantee import guarantee_sentences
from gans.findings.titles import run_title
from gans.report.figures import (
    REAL,
    SYNTHETIC,
    canvas,
    data_address,
    label,
    legend,
    name_axes,
    render,
    words_of_pictures,
)
from gans.report.templates import template
from gans.runs.private import PrivateResults
from gans.words import kept_language, mark, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLE_ROWS = 20
MOST_CELLS = 24  # that a figure names


def report_private(path: Path, report: PrivateResults) -> Callable[[], dict[str, bytes]]:
    """Write the page, which shows nothing that did not go through the ledger; what draws its figures as PNG."""

    def figures() -> dict[str, "Figure"]:
        return {
            column.name: cells_figure(cells_of(column), *report.measured[column.name])
            for column in report.domain.modelled
        }

    rows = report.synthetic.slice(0, SAMPLE_ROWS)
    page = template("private.html.jinja").render(
        report=report,
        title=run_title(report),
        sentences=guarantee_sentences(report.ledger),
        answers=private_replies(report, path.parent),
        **commands(path.parent),
        spending=spending(report.ledger["entries"]),
        images={name: data_address(figure) for name, figure in figures().items()},
        sample=[["" if value is None else str(value) for value in row.values()] for row in rows.to_pylist()],
        columns=rows.column_names,
    )
    write_text(path, page)

    def pixels() -> dict[str, bytes]:
        with words_of_pictures():
            return {name: render(figure, "png") for name, figure in figures().items()}

    return kept_language(pixels)


ASKED = (  # the more special ones first
    mark("counts of {name} within its bins"),
    mark("counts of {name} with {other}"),
    mark("counts of {name}"),
    mark("levels of {name}"),
    mark("edges of {name}"),
    mark("votes of teachers on {n} generated rows"),
)
WHAT = (mark("choice of the pair that is answered worst"), mark("gradients of the critic"))
MECHANISMS = (mark("discrete Gaussian"), mark("exponential"), mark("subsampled Gaussian"))


def asked(what: str) -> str:
    """What an entry of a ledger was about, in words."""
    for text in ASKED:
        if found := re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", text), what, re.DOTALL):
            return say(text, **found.groupdict())
    return say(what)


def spending(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of a ledger, those of one mechanism and question put together: how often, by what noise, its cost.

    The cost is rho, which adds up; of sampled rows, of whom there is one entry, it is the epsilon by itself.
    """

    def key(entry: dict[str, Any]) -> tuple[str, str]:
        return entry["mechanism"], entry["what"]

    out = []
    for (mechanism, what), group in groupby(sorted(entries, key=key), key):
        same = list(group)
        scales = [entry["scale"] for entry in same]
        out.append(
            {
                "asked": asked(what),
                "mechanism": mechanism,
                "times": sum(entry["times"] for entry in same),
                "rate": same[0]["rate"],
                "least": min(scales),
                "most": max(scales),
                "rho": sum(entry.get("rho", 0.0) for entry in same),
                "delta": sum(entry.get("delta", 0.0) for entry in same),
                "epsilon": same[0].get("epsilon"),
            }
        )
    return sorted(out, key=lambda one: (one["epsilon"] is None, -one["rho"]))


def cells_of(column: Declared) -> list[str]:
    """The cells of a declared column in words, by code."""
    if not column.number:
        return [*map(str, column.levels), *[say("missing")] * column.missing]
    return [*column.bins_in_words(), *map(str, column.points), *[say("missing")] * column.missing]


def cells_figure(names: list[str], noisy: np.ndarray, generated: np.ndarray) -> "Figure":
    """Noisy and generated share of each cell, side by side; of very many cells some names are left out."""
    figure, axes = canvas(4.0, 1.0 + 0.26 * min(len(names), MOST_CELLS))
    places, height = np.arange(len(names)), 0.4
    axes.barh(places - height / 2, 100 * noisy, height, color=REAL, label=say("real rows, noisy count"))
    axes.barh(places + height / 2, 100 * generated, height, color=SYNTHETIC, label=say("generated"))
    every = -(-len(names) // MOST_CELLS)
    axes.set_yticks(places[::every], [label(name, 22) for name in names[::every]], parse_math=False)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    name_axes(axes, say("% of rows") if every == 1 else say("% of rows; every {n}th cell is named", n=every))
    legend(axes)
    return figure
