"""The figures of a comparison, as wide as a column of a paper."""

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from gans.comparison.comparison import ComparedScore, Comparison
from gans.comparison.tables import way
from gans.findings.kept import score_name
from gans.report.figures import FAINT, INK, canvas, label, legend, name_axes, style
from gans.words import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 3.4  # inches, a column of a paper
COLORS = ("#3d6c99", "#d4692a", "#5a8f5a", "#8a6bb0", "#8c8c8c", "#b0413e", "#3a8f95", "#a3832c")
MARKERS = "osD^vPX*"


def comparison_figures(comparison: Comparison) -> dict[str, "Figure"]:
    """Figures by the name of their file: of the first metric intervals, chances and ranks, and quality against time."""
    metric = comparison.metrics[0]
    out = {"intervals": intervals(comparison, metric), "improvement": improvement(metric)}
    if metric.ranks is not None and len(comparison.variants) > 1:
        out["ranks"] = critical_difference(comparison, metric)
    for unit in ("seconds", "step"):
        if figure := curves(comparison, unit):
            out["quality_against_" + ("time" if unit == "seconds" else "steps")] = figure
    return out


def intervals(comparison: Comparison, metric: ComparedScore) -> "Figure":
    """By data set the mean of each variant with its interval, and every seed as a small point."""
    rows = len(comparison.data) * (len(comparison.variants) + 1)
    figure, axes = canvas(WIDTH, 0.9 + 0.2 * rows)
    ticks, names, place = [], [], 0.0
    for table in comparison.data:
        first = place
        for number, variant in enumerate(comparison.variants):
            cell, color = metric.cells[variant, table], COLORS[number % len(COLORS)]
            values = list(cell.values.values())
            axes.plot(values, [place] * len(values), ".", color=color, alpha=0.35, markersize=5)
            if values:
                axes.plot([cell.low, cell.high], [place, place], color=color, linewidth=2)
                axes.plot(cell.mean, place, MARKERS[number % len(MARKERS)], color=color, markersize=5,
                          label=variant if table == comparison.data[0] else None)  # fmt: skip
            if cell.diverged or cell.missing:
                absent = say("{n} without", n=len(cell.diverged + cell.missing))
                axes.annotate(
                    absent, (1, place), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=7
                )
            place += 1
        ticks.append((first + place - 1) / 2)
        names.append(label(table, 16))
        place += 1
    axes.set_yticks(ticks, names, parse_math=False)
    axes.set_ylim(place - 1.4, -0.6)
    axes.grid(axis="y", visible=False)
    name_axes(axes, say("{title} ({way})", title=_short(metric), way=way(metric)), size=8)
    axes.tick_params(labelsize=8)
    legend(axes, 8)
    return figure


def improvement(metric: ComparedScore) -> "Figure":
    """The chance of improvement of each pair, with its interval; one half is no difference."""
    figure, axes = canvas(WIDTH, 0.8 + 0.28 * len(metric.pairs))
    for place, pair in enumerate(metric.pairs):
        axes.plot([pair.low, pair.high], [place, place], color=COLORS[0], linewidth=2)
        axes.plot(pair.chance, place, "o", color=COLORS[0], markersize=5)
    axes.axvline(0.5, color=FAINT)
    names = [f"{label(pair.left, 14)} > {label(pair.right, 14)}" for pair in metric.pairs]
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.03, 1.03)
    name_axes(axes, say("chance that the first is better"), size=8)
    axes.tick_params(labelsize=8)
    return figure


def critical_difference(comparison: Comparison, metric: ComparedScore) -> "Figure":
    """Mean ranks on a line; a bar joins variants that are not told apart (Demsar 2006)."""
    assert metric.ranks is not None
    means, many = metric.ranks.means, len(comparison.variants)
    order = np.argsort(means, kind="stable")
    groups = _groups(means[order], metric.ranks.difference)
    figure, axes = canvas(WIDTH, 1.0 + 0.2 * len(groups) + 0.17 * many)
    top = 0.5 + 0.35 * len(groups)
    axes.plot([1, many], [0, 0], color=INK, linewidth=1)
    for rank in range(1, many + 1):
        axes.plot([rank, rank], [0, 0.12], color=INK, linewidth=1)
        axes.text(rank, 0.2, str(rank), ha="center", va="bottom", fontsize=8, color=INK)
    for depth, (first, last) in enumerate(groups):
        height = -0.25 - 0.3 * depth
        axes.plot([means[order[first]] - 0.03, means[order[last]] + 0.03], [height, height], color=INK, linewidth=3)
    half = math.ceil(many / 2)
    for place, variant in enumerate(order):
        left = place < half
        depth = top + 0.45 * (place if left else many - 1 - place)
        edge = 0.85 if left else many + 0.15
        axes.plot(
            np.array([means[variant], means[variant], edge]),
            [0, -depth, -depth],
            color=COLORS[variant % len(COLORS)],
            linewidth=1,
        )
        axes.text(edge, -depth, f" {label(comparison.variants[variant], 18)} {means[variant]:.2f} ",
                  ha="right" if left else "left", va="center", fontsize=8, color=INK, parse_math=False)  # fmt: skip
    if metric.ranks.difference < many - 1:
        axes.plot([1, 1 + metric.ranks.difference], [0.85, 0.85], color=INK, linewidth=1)
    axes.text(
        1,
        0.95,
        say("critical difference {value:.2f}", value=metric.ranks.difference),
        fontsize=8,
        va="bottom",
        color=INK,
    )
    axes.set_xlim(1 - 0.55 * many, many + 0.55 * many)
    axes.set_ylim(-top - 0.45 * half, 1.5)
    axes.set_axis_off()
    return figure


def _groups(means: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Of sorted mean ranks the longest runs within the critical difference, as first and last place."""
    out: list[tuple[int, int]] = []
    for first in range(len(means)):
        last = int(np.flatnonzero(means <= means[first] + difference)[-1])
        if last > first and (not out or last > out[-1][1]):
            out.append((first, last))
    return out


def curves(comparison: Comparison, unit: str) -> "Figure | None":
    """Held-out scores in training against seconds or steps: the median over seeds, shaded from the least to the most.

    The score is the first metric where it was logged in training, else the usual one; None where none was.
    """
    name = comparison.metrics[0].name
    shown = {
        key: [curve for run in runs for curve in run.curves.values() if curve] for key, runs in comparison.runs.items()
    }
    if not any(name in row for every in shown.values() for curve in every for row in curve):
        name = "score"
    if not any(name in row for every in shown.values() for curve in every for row in curve):
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 0.5 + 1.7 * len(comparison.data)), layout="constrained")
    every_axes = figure.subplots(len(comparison.data), 1, squeeze=False)[:, 0]
    for axes, table in zip(every_axes, comparison.data, strict=True):
        style(axes)
        for number, variant in enumerate(comparison.variants):
            lines = [
                np.array([(row[unit], row[name]) for row in curve if name in row]).reshape(-1, 2)
                for curve in shown[variant, table]
            ]
            lines = [line for line in lines if len(line)]
            if not lines:
                continue
            length = min(map(len, lines))
            there = np.stack([line[:length] for line in lines])
            where, values, color = np.median(there[..., 0], 0), there[..., 1], COLORS[number % len(COLORS)]
            axes.fill_between(where, values.min(0), values.max(0), color=color, alpha=0.18, linewidth=0)
            axes.plot(where, np.median(values, 0), color=color, linewidth=1.4, label=variant,
                      marker=MARKERS[number % len(MARKERS)] if length < 4 else "", markersize=4)  # fmt: skip
        axes.set_title(label(table, 30), fontsize=8, color=INK, loc="right", parse_math=False)
        name_axes(axes, y=say("held-out {name}", name=score_name(name)), size=8)
        axes.tick_params(labelsize=8)
    name_axes(
        every_axes[-1], say("seconds of training, all seeds together") if unit == "seconds" else say("step"), size=8
    )
    legend(every_axes[0], 8)
    return figure


def _short(metric: ComparedScore) -> str:
    return re.split("[,\N{FULLWIDTH COMMA}]", metric.title)[0]
