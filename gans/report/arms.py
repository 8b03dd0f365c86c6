"""Figures that compare arms: real rows only, synthetic rows, and others, always in the same colours."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.report.figures import FAINT, INK, REAL, SYNTHETIC, canvas, label, legend, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Drawn = dict[str, "Figure"]
"""Figures by title."""

COLORS = {
    "real rows only": REAL,
    "real rows": REAL,
    "another sample of real rows": "#8aa9c7",
    "synthetic rows only": SYNTHETIC,
    "synthetic rows": SYNTHETIC,
    "synthetic rows of the rare class": SYNTHETIC,
    "real and synthetic rows": "#4f8a5b",
    "class weights": "#8a6bb0",
    "SMOTE": "#a08a3c",
}


def arm_color(arm: str) -> str:
    """The colour of an arm."""
    return COLORS.get(arm, "#6b757e")


def arm_lines(axes: "Axes", x: np.ndarray, lines: Mapping[str, np.ndarray], marker: str = "") -> None:
    """A line for each arm."""
    for arm, y in lines.items():
        axes.plot(x, y, color=arm_color(arm), linewidth=1.6, marker=marker, markersize=4, label=arm)


Interval = tuple[float, float, float]


def arm_points(groups: Mapping[str, Mapping[str, Interval]], axis: str) -> "Figure":
    """Points with intervals: a row for each arm, below each other by group."""
    figure, axes = canvas(6.4, _height(groups))
    _draw_points(axes, groups)
    axes.set_xlabel(f"{axis}, interval of 95 %", fontsize=9, color=INK)
    return figure


def arm_points_grid(panels: Mapping[str, Mapping[str, Mapping[str, Interval]]]) -> "Figure":
    """`arm_points` for several tables, two a row, with the name of each above it."""
    from matplotlib.figure import Figure

    down = -(-len(panels) // 2)
    height = max(map(_height, panels.values()))
    figure = Figure(figsize=(14, height * down), layout="constrained")
    every = figure.subplots(down, 2, squeeze=False).ravel()
    for axes, (name, groups) in zip(every, panels.items(), strict=False):
        style(axes)
        _draw_points(axes, groups)
        axes.set_title(label(name, 40), fontsize=11, color=INK, loc="left", pad=8, parse_math=False)
    for axes in every[len(panels) :]:
        axes.set_axis_off()
    return figure


def _height(groups: Mapping[str, Mapping[str, Interval]]) -> float:
    return 0.8 + 0.3 * sum(map(len, groups.values())) + 0.25 * len(groups)


def _draw_points(axes: "Axes", groups: Mapping[str, Mapping[str, Interval]]) -> None:
    places, names, place = [], [], 0.0
    for group, values in groups.items():
        place += 0.8
        for arm, (value, low, high) in values.items():
            place += 1.0
            places.append(place)
            names.append(arm)
            if np.isfinite([low, high]).all():
                axes.plot([low, high], [place, place], color=arm_color(arm), linewidth=2)
            axes.plot(value, place, "o", color=arm_color(arm), markersize=6)
        above = places[-len(values)] - 0.5
        axes.annotate(
            label(group, 60), (0, above), xycoords=("axes fraction", "data"), fontsize=9, color=INK, va="bottom",
            xytext=(4, 0), textcoords="offset points", fontweight="bold", parse_math=False,
        )  # fmt: skip
    axes.set_yticks(places, [label(name, 44) for name in names], parse_math=False)
    axes.set_ylim(place + 0.6, 0.4)
    axes.grid(axis="y", visible=False)


def share_grid(table: Sequence[Sequence[Any]], segments: Sequence[str], levels: Sequence[Any]) -> "Figure":
    """Shares by segment: held-out ones with intervals, those of training and of synthetic rows.

    Args:
        table: rows of segment, level, training share, synthetic share, held-out share, low, high.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    across = min(3, len(segments))
    down = -(-len(segments) // across)
    figure = Figure(figsize=(4.1 * across, (1.3 + 0.34 * len(levels)) * down), layout="constrained")
    every = figure.subplots(down, across, squeeze=False, sharex=True).ravel()
    names = [label("missing" if level is None else str(level), 24) for level in levels]
    for axes, segment in zip(every, segments, strict=False):
        style(axes)
        rows = [row for row in table if row[0] == segment]
        places = np.arange(len(rows))
        held = np.array([row[4:7] for row in rows], dtype=float)
        axes.errorbar(held[:, 0], places, xerr=np.abs(held[:, 1:] - held[:, :1]).T, fmt="s", color=INK, markersize=4,
                      elinewidth=1.2, label="held-out real customers")  # fmt: skip
        for column, arm, shift in ((2, "real rows only", -0.22), (3, "synthetic rows", 0.22)):
            axes.plot([row[column] for row in rows], places + shift, "o", color=arm_color(arm), markersize=5,
                      label="training rows" if column == 2 else arm)  # fmt: skip
        axes.set_yticks(places, names, parse_math=False)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_title(label(segment, 44), fontsize=10, color=INK, loc="left", parse_math=False)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlim(left=0)
    for axes in every[len(segments) :]:
        axes.set_axis_off()
    handles, texts = every[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper left", ncols=3, frameon=False, fontsize=9, labelcolor=INK)
    return figure


def coefficient_figure(
    names: Sequence[str], fits: Mapping[str, tuple[np.ndarray, np.ndarray]], most: int = 30
) -> "Figure":
    """Coefficients of models with intervals, the largest of the first model first."""
    first = next(iter(fits.values()))
    order = np.argsort(-np.abs(first[0]), kind="stable")[:most]
    figure, axes = canvas(6.4, 1.0 + 0.3 * len(order))
    for shift, (arm, (values, errors)) in zip((-0.17, 0.17), fits.items(), strict=True):
        axes.errorbar(values[order], np.arange(len(order)) + shift, xerr=1.96 * errors[order], fmt="o", markersize=4,
                      elinewidth=1.4, color=arm_color(arm), label=arm)  # fmt: skip
    axes.axvline(0, color=FAINT, linewidth=1.2)
    axes.set_yticks(range(len(order)), [label(str(names[place]), 40) for place in order], parse_math=False)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    legend(axes)
    axes.set_xlabel("coefficient, numbers scaled to one standard deviation", fontsize=9, color=INK)
    return figure
