"""The figures of a run, as matplotlib Figure objects that touch no global state.

Texts from the table (names, levels) are drawn as they are: `$` starts no formula and control characters are replaced.
"""

import base64
import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gans.data.schema import Column
from gans.evaluation.column_counts import Histogram, Levels, marginal, shares
from gans.evaluation.metrics import meaning
from gans.tracking.jsonl import History, series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REAL, SYNTHETIC = "#3d6c99", "#d4692a"
INK, FAINT = "#44505c", "#c9d0d6"
SPIKE = 0.6


def render(figure: "Figure", kind: str) -> bytes:
    """The figure as a file: svg, png or pdf. SVG leaves texts to the reader's fonts, so every script shows."""
    import matplotlib

    buffer = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else {}
    style: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "gans"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    return buffer.getvalue()


def data_address(figure: "Figure", kind: str = "svg") -> str:
    """The figure as an address that holds it: an image of its own, which runs nothing and shares no identifiers."""
    media = "image/svg+xml" if kind == "svg" else "image/png"
    return f"data:{media};base64,{base64.b64encode(render(figure, kind)).decode()}"


def label(text: str, most: int = 22) -> str:
    """A text from the table for a figure: one line, printable, at most `most` characters."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def training_curves(history: History) -> dict[str, "Figure"]:
    """Figures by title: losses, critic outputs and penalties over the step; those without a value are left out."""
    penalties = sorted({key for row in history for key in row if key.startswith("penalty/")})
    groups = {
        "Losses": {"loss/discriminator": "discriminator", "loss/generator": "generator"},
        "Critic outputs": {"critic/real": "real rows", "critic/fake": "synthetic rows"},
        "Penalties": {key: key.removeprefix("penalty/") for key in penalties},
    }
    out = {}
    for title, names in groups.items():
        lines = {name: series(history, key) for key, name in names.items()}
        if any(len(steps) for steps, _ in lines.values()):
            figure, axes = canvas(4.4, 2.7)
            _curves(axes, lines)
            _cut(axes, np.concatenate([values for _, values in lines.values()]))
            out[title] = figure
    return out


def score_curves(history: History, floor: Mapping[str, float]) -> dict[str, "Figure"]:
    """Figures by title: the held-out score with its best step marked, and the distances, over the step.

    Args:
        floor: what held-out real rows score against the training rows, as of `Fidelity.scores`; drawn as dotted lines.
    """
    steps, scores = series(history, "holdout/score")
    if not len(steps):
        return {}
    figure, axes = canvas(4.4, 2.7)
    _curves(axes, {"synthetic rows": (steps, scores)})
    axes.axhline(floor["score"], color=REAL, linestyle=":", label="held-out real rows")
    best = int(scores.argmax())
    text = f"best: {scores[best]:.3f} at step {steps[best]:,.0f}"
    axes.plot(steps[best], scores[best], "o", color=SYNTHETIC, markersize=7, markeredgecolor="white", label=text)
    legend(axes)
    distances, lower = canvas(4.4, 2.7)
    names = {"column_distance": "columns", "pair_distance": "pairs"}
    _curves(lower, {name: series(history, f"holdout/{key}") for key, name in names.items()})
    for (key, name), color in zip(names.items(), (REAL, SYNTHETIC), strict=True):
        lower.axhline(floor[key], color=color, linestyle=":", label=f"{name}, held-out real rows")
    lower.set_ylim(bottom=0)
    legend(lower)
    return {"Score (higher is better)": figure, "Distances (lower is better)": distances}


def metric_curves(history: History, floor: Mapping[str, float], rows: Mapping[str, int]) -> dict[str, "Figure"]:
    """Figures by title: each further held-out score over the step, dotted what real rows have where it is known.

    Args:
        rows: of each side that a score looks at, by its name.
    """
    known = {"holdout/score", "holdout/column_distance", "holdout/pair_distance"}
    out = {}
    for key in sorted({key for row in history for key in row if key.startswith("holdout/")} - known):
        figure, axes = canvas(4.4, 2.7)
        _curves(axes, {"synthetic rows": series(history, key)})
        name = key.removeprefix("holdout/")
        if name in floor:
            axes.axhline(floor[name], color=REAL, linestyle=":", label="training rows")
            legend(axes)
        out[_score_title(name, rows.get(name))] = figure
    return out


def _score_title(name: str, rows: int | None) -> str:
    """The title of a score with how many rows it looks at; the name of one whose plugin is not here."""
    try:
        title = meaning(name).title
    except KeyError:
        title = name
    return title if rows is None else f"{title} ({rows:,} rows)"


def marginal_figure(found: Histogram | Levels) -> "Figure":
    """One column, real and synthetic: overlaid histograms, or grouped bars of levels."""
    bars = len(found.names) + 2 if isinstance(found, Levels) else 0
    figure, axes = canvas(4.0, max(2.7, 1.1 + 0.23 * bars))
    _draw_marginal(axes, found)
    return figure


def marginal_grid(training: pa.Table, synthetic: pa.Table, columns: Sequence[Column]) -> "Figure":
    """All of `columns` as small figures, four a row.

    Raises:
        KeyError: a column is not in one of the tables.
    """
    from matplotlib.figure import Figure

    across = min(4, max(1, len(columns)))
    down = max(1, math.ceil(len(columns) / across))
    figure = Figure(figsize=(4.2 * across, 3.6 * down), layout="constrained")
    every = figure.subplots(down, across, squeeze=False).ravel()
    for axes, column in zip(every, columns, strict=False):
        style(axes)
        _draw_marginal(axes, marginal(training[column.name], synthetic[column.name], column))
        axes.set_title(label(column.name, 40), fontsize=10, color=INK, loc="left", pad=18, parse_math=False)
    for axes in every[len(columns) :]:
        axes.set_axis_off()
    return figure


def association_figure(names: Sequence[str], real: np.ndarray, synthetic: np.ndarray) -> "Figure":
    """Association matrices side by side: real, synthetic and synthetic minus real.

    Args:
        names: the columns.
        real: associations [columns, columns].
        synthetic: associations [columns, columns].
    """
    from matplotlib.figure import Figure

    size = min(9.0, max(4.5, 480 / max(len(names), 1) / 1.4))
    figure = Figure(figsize=(14, 5), layout="constrained")
    every = figure.subplots(1, 3)
    panels = (("real", real, 1.0), ("synthetic", synthetic, 1.0), ("synthetic minus real", synthetic - real, 0.5))
    shown, ticks = [label(name, 18) for name in names], range(len(names))
    for axes, (title, matrix, limit) in zip(every, panels, strict=True):
        colors = "PuOr" if limit < 1 else "RdBu_r"
        image = axes.imshow(matrix, cmap=colors, vmin=-limit, vmax=limit, interpolation="none", aspect="equal")
        axes.set_title(title, fontsize=11, color=INK)
        axes.set_xticks(ticks, shown, rotation=90, fontsize=size, parse_math=False)
        axes.set_yticks(ticks, shown if axes is every[0] else [""] * len(names), fontsize=size, parse_math=False)
        axes.tick_params(length=0, labelcolor=INK)
        axes.spines[:].set_color(FAINT)
        bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, extend="both" if limit < 1 else "neither")
        bar.ax.tick_params(labelsize=9, labelcolor=INK)
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return figure


def canvas(width: float, height: float) -> tuple["Figure", "Axes"]:
    """An empty figure of so many inches, in the style of the report, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    style(axes)
    return figure, axes


def style(axes: "Axes") -> None:
    """The look of the report's axes."""
    axes.tick_params(labelsize=9, color=FAINT, labelcolor=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(axis="both", color="#eceff1", linewidth=0.7)
    axes.set_axisbelow(True)


def legend(axes: "Axes", size: float = 9) -> None:
    """A legend above the axes."""
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0, "ncols": 2}
    for text in axes.legend(**place, frameon=False, fontsize=size, labelcolor=INK).get_texts():
        text.set_parse_math(False)


def _curves(axes: "Axes", lines: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    colors = (REAL, SYNTHETIC, "#5a8f5a", "#8a6bb0", "#8c8c8c")
    for place, (name, (steps, values)) in enumerate(lines.items()):
        marker = "o" if len(steps) == 1 else ""
        axes.plot(steps, values, marker=marker, color=colors[place % 5], linewidth=1.4, label=label(name))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("step", fontsize=9, color=INK)
    legend(axes)


def _cut(axes: "Axes", values: np.ndarray) -> None:
    """Show the central 98 % of the values, where a few others would flatten them."""
    low, high = np.quantile(values, [0.01, 0.99])
    if values.max() - values.min() > 5 * (high - low) > 0:
        margin = (high - low) / 10
        axes.set_ylim(low - margin, high + margin)
        axes.set_xlabel("step (central 98 % of the values shown)", fontsize=9, color=INK)


def _draw_marginal(axes: "Axes", found: Histogram | Levels) -> None:
    if isinstance(found, Histogram):
        _draw_histogram(axes, found)
    else:
        _draw_levels(axes, found)
    axes.set_xlabel(found.note(), fontsize=8.5, color=INK)
    legend(axes)


def _draw_histogram(axes: "Axes", found: Histogram) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

    real, synthetic = shares(found.counts, found.rows)
    axes.stairs(real, found.edges, fill=True, color=REAL, alpha=0.35, label="real")
    axes.stairs(synthetic, found.edges, color=SYNTHETIC, linewidth=1.5, label="synthetic")
    axes.set_xlim(found.edges[0], found.edges[-1])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    if real.max() > SPIKE:
        every = np.concatenate([real[real > 0], synthetic[synthetic > 0]])
        axes.set_yscale("log")
        axes.set_ylim(every.min() / 2, 1.5)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("share of rows, log scale", fontsize=8.5, color=INK)
    if found.time:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))


def _draw_levels(axes: "Axes", found: Levels) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    names, counts = [label(name) for name in found.names], found.counts
    other = f"({found.folded:,} other level{'s' if found.folded > 1 else ''})"
    for count, name in ((found.other, other), (found.missing, "(missing)")):
        if count.any():
            names, counts = [*names, name], np.column_stack([counts, count])
    real, synthetic = shares(counts, found.rows)
    places = np.arange(len(names))
    axes.barh(places - 0.2, real, 0.38, color=REAL, alpha=0.6, label="real")
    axes.barh(places + 0.2, synthetic, 0.38, color=SYNTHETIC, alpha=0.9, label="synthetic")
    axes.set_yticks(places, names, parse_math=False)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
