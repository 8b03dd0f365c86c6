"""Pictures of customers and their events: examples over time, who comes back, recency by frequency, counts and gaps."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.evaluation.history_curves import COUNTS, GAPS
from gans.evaluation.results import Evaluation
from gans.findings.customer_histories import LOGS
from gans.report.figures import FAINT, INK, REAL, SYNTHETIC, TEXT, WIDTH, canvas, date_axis, legend, name_axes, style
from gans.words import mark, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))
COLORS = {"real": REAL, "synthetic": SYNTHETIC}
LARGEST = 150  # area of a square or dot, points^2


def history_figures(evaluation: Evaluation) -> dict[str, dict[str, "Figure"]]:
    """By log figures by title; of single customers only synthetic ones are shown."""
    return {kind: _figures(kind, found) for kind, found in evaluation.details.get("histories", {}).items()}


def _figures(kind: str, found: Mapping[str, Any]) -> dict[str, "Figure"]:
    out = {}
    if found["examples"]:
        out[say("Synthetic customers and their {kind}", kind=say(LOGS[kind]))] = timelines(found)
    if np.isfinite(np.array(found["retention"]["real"], float)).sum() > 1:
        out[say("Who comes back, by month after the first event")] = retention_figure(found)
    out[say("Customers by recency and frequency")] = grids(
        {side: np.array(found["rfm"][side], float) for side in COLORS},
        (say("frequency, in fifths"), say("recency, in fifths")),
        (say("latest"), "", "", "", say("longest ago")),
        ("1", "5"),
    )
    if len(found["cohorts"]["real"]) > 1:
        cohorts = {side: np.array(found["cohorts"][side], float) for side in COLORS}
        out[say("Cohorts: share with an event, by quarter after the first")] = grids(
            cohorts,
            (say("quarters after the first event"), say("quarter of the first event")),
            _quarters(found),
            ("0", str(len(cohorts["real"]) - 1)),
        )
    title = say("{kind} per customer", kind=say(LOGS[kind]))
    out[title[0].upper() + title[1:]] = _pairs(found["counts"], _classes(COUNTS), say("share of customers"))
    out[say("Days to the next one")] = _pairs(found["gaps"], _classes(GAPS), say("share of events"))
    out[say("Weekdays")] = _pairs(found["weekday"], [say(day) for day in DAYS], say("share of events"))
    if max(found["hour"]["real"]) < 1:
        out[say("Hours")] = _pairs(
            found["hour"], [str(hour) if hour % 3 == 0 else "" for hour in range(24)], say("share of events")
        )
    return out


def timelines(found: Mapping[str, Any]) -> "Figure":
    """A line for each example, a dot for each event, its area by the amount; amounts below zero are rings."""
    examples, begin = found["examples"], np.datetime64(found["begin"])
    figure, axes = canvas(WIDTH, 0.9 + 0.36 * len(examples))
    most = np.quantile(np.abs(np.concatenate([one["amounts"] for one in examples])), 0.95) or 1.0
    for place, one in enumerate(examples):
        days = (begin + np.array(one["days"], "timedelta64[D]")).astype(dt.date)
        amounts = np.array(one["amounts"], float)
        size = 8 + (LARGEST - 8) * np.minimum(np.abs(amounts) / most, 1)
        axes.plot([days[0], days[-1]], [place, place], color=FAINT, linewidth=1, zorder=1)
        for chosen, filled in ((amounts >= 0, True), (amounts < 0, False)):
            face: Any = SYNTHETIC if filled else "none"
            axes.scatter(days[chosen], np.full(chosen.sum(), place), s=size[chosen], facecolors=face, alpha=0.75,
                         edgecolors=SYNTHETIC, linewidths=0.8, zorder=2)  # fmt: skip
    axes.set_yticks(range(len(examples)), [f"{one['events'][0]:,}" for one in examples])
    axes.set_ylim(len(examples) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    date_axis(axes)
    name_axes(axes, y=say("events of the customer"))
    return figure


def retention_figure(found: Mapping[str, Any]) -> "Figure":
    """The share of customers with an event in each month after their first one."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure, axes = canvas(WIDTH, 2.9)
    names = {"real": say("real"), "test": say("held-out real"), "synthetic": say("synthetic")}
    for side, name in names.items():
        if side in found["retention"]:
            values = np.array(found["retention"][side], float)
            months = np.arange(1, len(values) + 1)
            axes.plot(months, values, color=COLORS.get(side, REAL), label=name, marker="o", markersize=3,
                      linestyle=":" if side == "test" else "-")  # fmt: skip
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylim(0, None)
    name_axes(axes, say("months"))
    legend(axes)
    return figure


def grids(
    sides: Mapping[str, np.ndarray], axis: tuple[str, str], rows: Sequence[str], ends: tuple[str, str]
) -> "Figure":
    """Shares of real and synthetic customers side by side, as squares whose areas they are.

    Args:
        axis: what lies along the grid, and what down.
        rows: names of the rows.
        ends: names of the first and the last column.
    """
    from matplotlib.figure import Figure

    many, across = next(iter(sides.values())).shape
    figure = Figure(figsize=(WIDTH, 1.2 + 1.7 * many / across), layout="constrained")
    most = max(float(np.nanmax(values)) for values in sides.values()) or 1.0
    every: Sequence[Axes] = figure.subplots(1, len(sides), sharey=True)
    points = (0.8 * 72 * (WIDTH - 1.1) / len(sides) / across) ** 2
    for axes, (side, values) in zip(every, sides.items(), strict=True):
        style(axes)
        down, along = np.nonzero(np.nan_to_num(values) > 0)
        axes.scatter(along, down, s=points * values[down, along] / most, marker="s", color=COLORS[side], linewidths=0)
        axes.set_title(say(side), fontsize=TEXT, color=INK, loc="left")
        axes.set_xlim(-0.6, across - 0.4)
        axes.set_ylim(many - 0.4, -0.6)
        axes.set_xticks([0, across - 1], ends)
        axes.set_yticks(range(many), rows, parse_math=False)
    name_axes(every[-1], axis[0])
    name_axes(every[0], y=axis[1])
    return figure


def _quarters(found: Mapping[str, Any]) -> list[str]:
    """The begin of each quarter of a cohort, every other one named where there are many."""
    begin, many = np.datetime64(found["begin"], "D"), len(found["cohorts"]["real"])
    names = [str(begin + np.timedelta64(round(91.3125 * place), "D"))[:7] for place in range(many)]
    return [name if many < 8 or place % 2 == 0 else "" for place, name in enumerate(names)]


def _classes(least: Sequence[int]) -> list[str]:
    """The names of classes by their least values."""
    ends = [*(after - 1 for after in least[1:]), None]
    return [
        f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
        for low, high in zip(least, ends, strict=True)
    ]


def _pairs(shares: Mapping[str, Sequence[float]], names: Sequence[str], axis: str) -> "Figure":
    """Bars of both sides; classes at either end that are empty on both are left out."""
    from matplotlib.ticker import PercentFormatter

    real, synthetic = (np.array(shares[side], float) for side in COLORS)
    there = np.flatnonzero((real > 0) | (synthetic > 0))
    shown = slice(there.min(), there.max() + 1) if len(there) else slice(0, 1)
    places = np.arange(len(names))[shown]
    figure, axes = canvas(WIDTH, 2.8)
    axes.bar(places - 0.2, real[shown], 0.38, color=REAL, alpha=0.6, label=say("real"))
    axes.bar(places + 0.2, synthetic[shown], 0.38, color=SYNTHETIC, alpha=0.9, label=say("synthetic"))
    steep = len(places) > 7 and max(map(len, names[shown])) > 2
    axes.set_xticks(places, list(names[shown]), rotation=90 if steep else 0)
    axes.grid(axis="x", visible=False)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    name_axes(axes, y=axis)
    legend(axes)
    return figure
