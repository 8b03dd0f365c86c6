"""The page that says how far event histories keep to the profiles that they were made for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gans.data.histories import verdict
from gans.files import write_text
from gans.findings.histories import TONES, history_sentences
from gans.report.figures import WIDTH, canvas, data_address, label, legend, name_axes
from gans.report.templates import template
from gans.words import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = {"kept": "#4f8a5b", "nearly kept": "#c58a1b", "not kept": "#b3402f"}


def write_histories(folder: Path, found: Mapping[str, Mapping[str, float]], method: str) -> Path:
    """Write events.json and events.html; the path of the page."""
    write_text(folder / "events.json", json.dumps({name: {**one, "told": verdict(one)} for name, one in found.items()},
                                                  indent=1) + "\n")  # fmt: skip
    rows = [(name, verdict(one), one["equal"], one["correlation"]) for name, one in found.items()]
    page = template("events.html.jinja").render(
        rows=rows,
        sentences=history_sentences(found),
        method=method,
        figure=data_address(kept_figure(found)),
        tones=TONES,
    )
    write_text(folder / "events.html", page)
    return folder / "events.html"


def kept_figure(found: Mapping[str, Mapping[str, float]]) -> "Figure":
    """The share of customers whose events give the very value of the profile, by column."""
    from matplotlib.ticker import PercentFormatter

    rows = sorted(found.items(), key=lambda one: one[1]["equal"])
    figure, axes = canvas(WIDTH, 0.9 + 0.26 * len(rows))
    for word, color in COLORS.items():
        places = [place for place, (_, one) in enumerate(rows) if verdict(one) == word]
        axes.barh(places, [rows[place][1]["equal"] for place in places], 0.7, color=color, label=say(word))
    axes.set_yticks(range(len(rows)), [label(name, 30) for name, _ in rows], parse_math=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlim(0, 1.03)
    legend(axes)
    name_axes(axes, say("customers whose events match the profile"))
    return figure
