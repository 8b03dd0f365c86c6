"""The page and the table of personas."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gans.data.writing import write_rows
from gans.files import write_text
from gans.findings.customer_segments import Persona, Personas, agreement_sentences
from gans.report.figures import FAINT, INK, TEXT, WIDTH, canvas, data_address, label, legend, name_axes
from gans.report.templates import template
from gans.words import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = ("#3d6c99", "#d4692a", "#4f8a5b", "#8a6bb0", "#a08a3c", "#b0506a", "#4c9aa0", "#7a6a58", "#5b6670", "#b98bc9")
MOST_POINTS = 4000
MOST_COLUMNS = 14


def print_personas(personas: Personas) -> None:
    """The personas on standard output."""
    for number, persona in enumerate(personas.personas, 1):
        print(f"{number}. {persona.name}{say(': ')}{shares_sentence(persona)}")
        for trait in persona.traits[:3]:
            print(f"   {trait.words}")
    print()
    for sentence in agreement_sentences(personas):
        print(sentence.line())


def shares_sentence(persona: Persona) -> str:
    """How many synthetic and held-out customers belong to a segment."""
    held, low, high = persona.held_out_share
    return say(
        "{share:.1%} of synthetic customers; {held:.1%} of held-out real ones ({low:.1%} to {high:.1%}).",
        share=persona.share,
        held=held,
        low=low,
        high=high,
    )


def write_personas(folder: Path, personas: Personas, run_name: str) -> Path:
    """Write personas.html and personas.csv; the path of the page."""
    columns = list(personas.personas[0].typical)
    rows = [
        {
            "segment": number,
            "name": persona.name,
            "share_synthetic": round(persona.share, 4),
            "share_held_out": round(persona.held_out_share[0], 4),
            "held_out_low": round(persona.held_out_share[1], 4),
            "held_out_high": round(persona.held_out_share[2], 4),
            "what_sets_it_apart": "; ".join(trait.words for trait in persona.traits),
        }
        | {column: persona.typical.get(column, "") for column in columns}
        for number, persona in enumerate(personas.personas, 1)
    ]
    write_rows(folder / "personas.csv", iter([pa.Table.from_pylist(rows)]))
    page = template("personas.html.jinja").render(
        found=personas,
        run_name=run_name,
        sentences=agreement_sentences(personas),
        shares_of=[shares_sentence(persona) for persona in personas.personas],
        map=data_address(segment_map(personas)),
        shares=data_address(share_figure(personas)),
        charts=[
            data_address(profile_figure(persona, COLORS[at % len(COLORS)]))
            for at, persona in enumerate(personas.personas)
        ],
        colors=[COLORS[at % len(COLORS)] for at in range(len(personas.personas))],
    )
    write_text(folder / "personas.html", page)
    return folder / "personas.html"


def segment_map(personas: Personas) -> "Figure":
    """Synthetic customers in the plane of the first two components."""
    figure, axes = canvas(WIDTH, 3.7)
    points = personas.points[:MOST_POINTS]
    for at in range(len(personas.personas)):
        some = points[points[:, 2] == at]
        axes.plot(some[:, 0], some[:, 1], "o", markersize=2.6, alpha=0.55, color=COLORS[at % len(COLORS)],
                  markeredgewidth=0, label=str(at + 1), rasterized=True)  # fmt: skip
    low, high = np.quantile(points[:, :2], [0.002, 0.998], axis=0)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    name_axes(axes, say("first component"), say("second component"))
    axes.legend(
        title=say("segment"), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=TEXT,
        title_fontsize=TEXT, markerscale=3, labelcolor=INK,
    )  # fmt: skip
    return figure


def share_figure(personas: Personas) -> "Figure":
    """Shares of segments: synthetic customers, and held-out ones with intervals."""
    from matplotlib.ticker import PercentFormatter

    figure, axes = canvas(WIDTH, max(2.4, 0.9 + 0.42 * len(personas.personas)))
    places = np.arange(len(personas.personas))
    axes.barh(places, [one.share for one in personas.personas], 0.6, alpha=0.75,
              color=[COLORS[at % len(COLORS)] for at in places], label=say("synthetic customers"))  # fmt: skip
    held = np.array([one.held_out_share for one in personas.personas])
    axes.errorbar(held[:, 0], places, xerr=np.abs(held[:, 1:] - held[:, :1]).T, fmt="s", color=INK, markersize=4,
                  label=say("held-out real customers"))  # fmt: skip
    axes.set_yticks(places, [str(at + 1) for at in places])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    name_axes(axes, say("share of customers"), say("segment"))
    legend(axes)
    return figure


def profile_figure(persona: Persona, color: str) -> "Figure":
    """Where the segment's medians lie among all customers: 0 the lowest, 50 the middle, 100 the highest."""
    named = [trait.column for trait in persona.traits if trait.column in persona.places]
    others = sorted(persona.places, key=lambda name: -abs(persona.places[name] - 0.5))
    names = list(dict.fromkeys([*named, *others]))[:MOST_COLUMNS]
    figure, axes = canvas(WIDTH, 0.8 + 0.27 * max(len(names), 1))
    for place, name in enumerate(names):
        axes.plot([50, 100 * persona.places[name]], [place, place], color=color, linewidth=3, alpha=0.6)
        axes.plot(100 * persona.places[name], place, "o", color=color, markersize=6)
    axes.axvline(50, color=FAINT, linewidth=1.2)
    axes.set_yticks(range(len(names)), [label(name, 28) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-3, 103)
    axes.grid(axis="y", visible=False)
    name_axes(axes, say("percent of all customers below its median"))
    return figure
