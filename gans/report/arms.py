"""Figures that compare arms: real rows only, synthetic rows, and others, always in the same colours."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.data.level_order import in_order
from gans.report.figures import FAINT, INK, REAL, SYNTHETIC, TEXT, WIDTH, canvas, label, legend, name_axes, style
from gans.words import mark, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Drawn = dict[str, "Figure"]
"""Figures by title."""

COLORS = {
    "real rows only": REAL,
    mark("real rows"): REAL,
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
        axes.plot(x, y, color=arm_color(arm), linewidth=1.6, marker=marker, markersize=4, label=say(arm))


Interval = tuple[float, float, float]


def arm_points(groups: Mapping[str, Mapping[str, Interval]], axis: str) -> "Figure":
    """Points with intervals: a row for each arm, below each other by group."""
    figure, axes = canvas(WIDTH, _height(groups))
    _draw_points(axes, groups)
    name_axes(axes, say("{what}, interval of 95%", what=axis))
    return figure


def arm_points_grid(panels: Mapping[str, Mapping[str, Mapping[str, Interval]]]) -> "Figure":
    """`arm_points` for several tables, two a row, with the name of each above it."""
    from matplotlib.figure import Figure

    down = -(-len(panels) // 2)
    height = max(map(_height, panels.values()))
    figure = Figure(figsize=(14, height * down), layout="constrained")
    every = figure.subplots(down, 2, squeeze=False, sharex=True).ravel()
    for axes, (name, groups) in zip(every, panels.items(), strict=False):
        style(axes)
        _draw_points(axes, groups)
        axes.tick_params(labelbottom=True)
        axes.set_title(label(name, 40), fontsize=TEXT + 1, color=INK, loc="left", pad=8, parse_math=False)
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
            names.append(say(arm))
            if np.isfinite([low, high]).all():
                axes.plot([low, high], [place, place], color=arm_color(arm), linewidth=2)
            axes.plot(value, place, "o", color=arm_color(arm), markersize=6)
        above = places[-len(values)] - 0.5
        axes.annotate(
            label(group, 60), (0, above), xycoords=("axes fraction", "data"), fontsize=TEXT, color=INK, va="bottom",
            xytext=(4, 0), textcoords="offset points", fontweight="bold", parse_math=False,
        )  # fmt: skip
    axes.set_yticks(places, [label(name, 32) for name in names], parse_math=False)
    axes.set_ylim(place + 0.6, 0.4)
    axes.grid(axis="y", visible=False)


def share_figures(
    table: Sequence[Sequence[Any]], segments: Sequence[str], levels: Sequence[Any]
) -> dict[str, "Figure"]:
    """A figure for each segment, all on one axis: held-out shares with intervals, training and synthetic ones.

    Args:
        table: rows of segment, level, training share, synthetic share, held-out share, low, high.
    """
    from matplotlib.ticker import PercentFormatter

    order = [*in_order([str(level) for level in levels if level is not None]), *[None] * (None in levels)]
    most = max(max(row[2], row[3], row[6]) for row in table)
    out = {}
    for segment in segments:
        figure, axes = canvas(WIDTH, 1.5 + 0.42 * len(levels))
        found = {None if row[1] is None else str(row[1]): row for row in table if row[0] == segment}
        rows, places = [found[level] for level in order], np.arange(len(order))
        held = np.array([row[4:7] for row in rows], dtype=float)
        axes.errorbar(held[:, 0], places, xerr=np.abs(held[:, 1:] - held[:, :1]).T, fmt="s", color=INK, markersize=4,
                      elinewidth=1.2, label=say("held-out rows, 95%"))  # fmt: skip
        for column, arm, shift in ((2, "real rows only", -0.22), (3, "synthetic rows", 0.22)):
            axes.plot([row[column] for row in rows], places + shift, "o", color=arm_color(arm), markersize=5,
                      label=say("training rows" if column == 2 else arm))  # fmt: skip
        names = [say("missing") if level is None else label(level, 24) for level in order]
        axes.set_yticks(places, names, parse_math=False)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlim(0, 1.04 * most)
        legend(axes)
        out[segment] = figure
    return out


def coefficient_figure(
    names: Sequence[str], fits: Mapping[str, tuple[np.ndarray, np.ndarray]], most: int = 30
) -> "Figure":
    """Coefficients of models with intervals, the largest of the first model first."""
    first = next(iter(fits.values()))
    order = np.argsort(-np.abs(first[0]), kind="stable")[:most]
    figure, axes = canvas(WIDTH, 1.2 + 0.32 * len(order))
    for shift, (arm, (values, errors)) in zip((-0.17, 0.17), fits.items(), strict=True):
        axes.errorbar(values[order], np.arange(len(order)) + shift, xerr=1.96 * errors[order], fmt="o", markersize=4,
                      elinewidth=1.4, color=arm_color(arm), label=say(arm))  # fmt: skip
    axes.axvline(0, color=FAINT, linewidth=1.2)
    axes.set_yticks(range(len(order)), [label(str(names[place]), 30) for place in order], parse_math=False)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    legend(axes)
    name_axes(axes, say("coefficient (numbers in standard deviations)"))
    return figure
