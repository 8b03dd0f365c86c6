"""The figures of a run, as matplotlib Figure objects that touch no global state.

Texts from the table (names, levels) are drawn as they are: `$` starts no formula and control characters are replaced.
"""

import base64
import io
import logging
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gans.data.level_order import in_order
from gans.data.schema import Column
from gans.evaluation.column_counts import Histogram, Levels, marginal, shares
from gans.evaluation.metrics import meaning
from gans.findings.kept import Kept
from gans.report.dark import PAPER, with_dark_colors
from gans.tracking.jsonl import History, series
from gans.words import CHINESE, ENGLISH, in_language, language, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REAL, SYNTHETIC = "#3d6c99", "#d4692a"
INK, FAINT = "#44505c", "#c9d0d6"
WIDTH = 4.4  # inches of a figure, so that on a phone, 340 pixels wide, its texts are as large as they are here
TEXT = 10.0  # points
SPIKE = 0.6
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Noto Sans CJK JP",  # of the whole family, the one that matplotlib sees
)
CHINESE_FILES = re.compile(
    r"(?i)noto ?sans ?(cjk-regular|sc)|source ?han ?sans|pingfang|hiragino ?sans ?gb|msyh|simhei|wqy"
)
SVG_FONTS = "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei'"
WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")

log = logging.getLogger("gans")


def render(figure: "Figure", kind: str) -> bytes:
    """The figure as a file: svg, png or pdf.

    SVG leaves texts to the reader's fonts, so every script shows, and has other colours on a dark page.
    """
    import matplotlib

    buffer = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else {}
    style: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "gans"} | _fonts(figure)
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    content = buffer.getvalue()
    if kind != "svg":
        return content
    text = content.decode()
    for name in chinese_fonts():
        text = text.replace(f"sans-serif, '{name}'", f"{SVG_FONTS}, sans-serif")
    return with_dark_colors(text).encode()


@cache
def chinese_fonts() -> tuple[str, ...]:
    """The first font of this machine that has Chinese letters; none where there is none."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    def found() -> tuple[str, ...]:
        there = {font.name for font in fontManager.ttflist}
        return tuple(name for name in CHINESE_FONTS if name in there)[:1]

    if not found():  # matplotlib keeps a list of its own, which may be older than a font
        for path in findSystemFonts():
            if CHINESE_FILES.search(path):
                fontManager.addfont(path)
    return found()


def _fonts(figure: "Figure") -> dict[Any, Any]:
    """What of matplotlib's settings lets Chinese, Japanese and Korean letters of a figure show."""
    from matplotlib import rcParams
    from matplotlib.text import Text

    words = "".join(str(text.get_text()) for text in figure.findobj(Text) if isinstance(text, Text))
    return {"font.sans-serif": [*rcParams["font.sans-serif"], *chinese_fonts()]} if WIDE.search(words) else {}


@contextmanager
def words_of_pictures() -> Iterator[None]:
    """The language of charts that are drawn as pixels: English where no font here has the letters of another one."""
    if language() == CHINESE and not chinese_fonts():
        log.warning("no font with Chinese letters is installed, so pictures have English words")
        with in_language(ENGLISH):
            yield
    else:
        yield


def data_address(figure: "Figure", kind: str = "svg") -> str:
    """The figure as an address that holds it: an image of its own, which runs nothing and shares no identifiers."""
    media = "image/svg+xml" if kind == "svg" else "image/png"
    return f"data:{media};base64,{base64.b64encode(render(figure, kind)).decode()}"


def label(text: str, most: int = 22) -> str:
    """A text from the table for a figure: one line, printable, at most `most` characters."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def training_curves(history: History, last: int = 0) -> dict[str, "Figure"]:
    """Figures by title: losses, critic outputs and penalties over the step; those without a value are left out.

    Args:
        last: the step at which the axes end; that of the history unless given.
    """
    penalties = sorted({key for row in history for key in row if key.startswith("penalty/")})
    groups = {
        say("Losses"): {"loss/discriminator": say("discriminator"), "loss/generator": say("generator")},
        say("Critic outputs"): {"critic/real": say("real rows"), "critic/fake": say("synthetic rows")},
        say("Penalties"): {key: key.removeprefix("penalty/") for key in penalties},
    }
    out = {}
    for title, names in groups.items():
        lines = {name: series(history, key) for key, name in names.items()}
        if any(len(steps) > 1 for steps, _ in lines.values()):
            figure, axes = canvas(WIDTH, 2.8)
            _curves(axes, lines, last)
            _cut(axes, np.concatenate([values for _, values in lines.values()]))
            legend(axes)
            out[title] = figure
    return out


def score_curves(
    history: History, floor: Mapping[str, float], kept: Kept | None = None, last: int = 0
) -> dict[str, "Figure"]:
    """Figures by title: the held-out score and the distances over the step, with the step that was kept.

    Args:
        floor: what held-out real rows score against the training rows, as of `Fidelity.scores`; drawn as dotted lines.
        kept: a dot on the score that chose it, a line through the others.
        last: the step at which the axes end; that of the history unless given.
    """
    if len(series(history, "holdout/score")[0]) < 2:
        return {}
    figure, axes = canvas(WIDTH, 2.8)
    _curves(axes, {say("synthetic rows"): series(history, "holdout/score")}, last, (SYNTHETIC,))
    axes.axhline(floor["score"], color=REAL, linestyle=":", label=say("held-out real rows"))
    _mark(axes, kept, "score")
    legend(axes)
    distances, lower = canvas(WIDTH, 2.8)
    names = {"column_distance": say("columns"), "pair_distance": say("pairs")}
    colors = (SYNTHETIC, "#8a6bb0")
    _curves(lower, {name: series(history, f"holdout/{key}") for key, name in names.items()}, last, colors)
    for (key, name), color in zip(names.items(), colors, strict=True):
        lower.axhline(floor[key], color=color, linestyle=":", label=say("{name}, real rows", name=name))
    _mark(lower, kept, *names)
    lower.set_ylim(0, 1.08 * lower.get_ylim()[1])
    legend(lower)
    return {say("Score (higher is better)"): figure, say("Distances (lower is better)"): distances}


def metric_curves(
    history: History, floor: Mapping[str, float], rows: Mapping[str, int], kept: Kept | None = None, last: int = 0
) -> dict[str, "Figure"]:
    """Figures by title: each further held-out score over the step, dotted what real rows have where it is known.

    Args:
        rows: of each side that a score looks at, by its name.
        kept: a dot on the score that chose it, a line through the others.
        last: the step at which the axes end; that of the history unless given.
    """
    known = {"holdout/score", "holdout/column_distance", "holdout/pair_distance"}
    out = {}
    for key in sorted({key for row in history for key in row if key.startswith("holdout/")} - known):
        name, line = key.removeprefix("holdout/"), series(history, key)
        if len(line[0]) < 2:
            continue
        figure, axes = canvas(WIDTH, 2.8)
        _curves(axes, {say("synthetic rows"): line}, last, (SYNTHETIC,))
        if name in floor:
            axes.axhline(floor[name], color=REAL, linestyle=":", label=say("training rows"))
        _mark(axes, kept, name)
        legend(axes)
        out[score_title(name, rows.get(name))] = figure
    return out


def score_title(name: str, rows: int | None = None) -> str:
    """The title of a score, with how many rows it looks at; the name of one whose plugin is not here."""
    try:
        title = meaning(name).title
    except KeyError:
        title = name
    title = title[:1].upper() + title[1:]
    return title if rows is None else say("{title} ({rows:,} rows)", title=title, rows=rows)


def marginal_figure(found: Histogram | Levels) -> "Figure":
    """One column, real and synthetic: overlaid histograms, or grouped bars of levels."""
    bars = len(found.names) + 2 if isinstance(found, Levels) else 0
    figure, axes = canvas(4.0, max(2.7, 1.1 + 0.25 * bars))
    _draw_marginal(axes, found)
    axes.set_xlabel(found.note(), fontsize=TEXT - 1, color=INK)
    legend(axes)
    return figure


def marginal_grid(
    training: pa.Table, synthetic: pa.Table, columns: Sequence[Column], across: int = 4, width: float = 4.2
) -> "Figure":
    """All of `columns` as small figures without notes, `across` a row, each so many inches wide.

    Raises:
        KeyError: a column is not in one of the tables.
    """
    from matplotlib.figure import Figure

    across = min(across, max(1, len(columns)))
    down = max(1, math.ceil(len(columns) / across))
    figure = Figure(figsize=(width * across, 0.82 * width * down), layout="constrained")
    every = figure.subplots(down, across, squeeze=False).ravel()
    for axes, column in zip(every, columns, strict=False):
        style(axes)
        _draw_marginal(axes, marginal(training[column.name], synthetic[column.name], column))
        axes.set_title(label(column.name, 40), fontsize=TEXT + 1, color=INK, loc="left", parse_math=False)
    for axes in every[len(columns) :]:
        axes.set_axis_off()
    legend(every[0])
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
    figure = Figure(figsize=(14, 5.6), layout="constrained")  # below the names is room for wider letters of a reader
    every = figure.subplots(1, 3)
    panels = (
        (say("real"), real, 1.0),
        (say("synthetic"), synthetic, 1.0),
        (say("synthetic minus real"), synthetic - real, 0.5),
    )
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
        bar.ax.tick_params(labelsize=TEXT, labelcolor=INK)
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
    axes.tick_params(labelsize=TEXT, color=FAINT, labelcolor=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(axis="both", color="#eceff1", linewidth=0.7)
    axes.set_axisbelow(True)


def name_axes(axes: "Axes", x: str = "", y: str = "", size: float = TEXT) -> None:
    """Write below and beside the axes what they show: one line each."""
    if x:
        axes.set_xlabel(x, fontsize=size, color=INK, loc="right")  # a long one stays within the figure
    if y:
        axes.set_ylabel(y, fontsize=size, color=INK)


def legend(axes: "Axes", size: float = TEXT) -> None:
    """A legend of these axes above their figure, in as many columns as are whole within its width."""
    figure: Any = axes.figure
    handles, names = axes.get_legend_handles_labels()
    place: dict[str, Any] = {"loc": "outside upper left", "frameon": False, "fontsize": size, "labelcolor": INK}
    for columns in range(len(names), 0, -1):
        drawn = figure.legend(handles, names, **place, ncols=columns)
        for text in drawn.get_texts():
            text.set_parse_math(False)
        if columns == 1 or _width(drawn) <= figure.bbox.width:
            return
        drawn.remove()


def _width(drawn: Any) -> float:
    """Of a legend, in pixels."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with rc_context(_fonts(drawn.figure)), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of letters that the font lacks
        return drawn.get_window_extent(FigureCanvasAgg(drawn.figure).get_renderer()).width


def _curves(
    axes: "Axes",
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    last: int = 0,
    colors: Sequence[str] = (REAL, SYNTHETIC, "#5a8f5a", "#8a6bb0", "#8c8c8c"),
) -> None:
    """Lines over the step, on an axis from 0 to `last`, or to the last step that is there."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    for place, (name, (steps, values)) in enumerate(lines.items()):
        marker = "o" if len(steps) == 1 else ""
        color = colors[place % len(colors)]
        axes.plot(steps, values, marker=marker, color=color, linewidth=1.4, label=label(name))
        last = max(last, int(steps.max(initial=0)))
    axes.set_xlim(0, 1.03 * max(last, 1))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    name_axes(axes, say("step"))


def _mark(axes: "Axes", kept: Kept | None, *names: str) -> None:
    """The step that was kept: a dot where these axes show the score that chose it, else a line."""
    if kept is None:
        return
    text = say("kept: step {step:,}", step=kept.step)
    if kept.by in names and kept.value is not None:
        axes.plot(kept.step, kept.value, "o", color=INK, markersize=7, markeredgecolor=PAPER, zorder=4,
                  label=say("{text}, {value:.3f}", text=text, value=kept.value))  # fmt: skip
    else:
        axes.axvline(kept.step, color=INK, linewidth=0.9, linestyle="--", label=text)


def _cut(axes: "Axes", values: np.ndarray) -> None:
    """Show the central 98% of the values, where a few others would flatten them."""
    low, high = np.quantile(values, [0.01, 0.99])
    if values.max() - values.min() > 5 * (high - low) > 0:
        margin = (high - low) / 10
        axes.set_ylim(low - margin, high + margin)
        name_axes(axes, say("step (central 98% of the values shown)"))


def _draw_marginal(axes: "Axes", found: Histogram | Levels) -> None:
    if isinstance(found, Histogram):
        _draw_histogram(axes, found)
    else:
        _draw_levels(axes, found)


def _draw_histogram(axes: "Axes", found: Histogram) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

    real, synthetic = shares(found.counts, found.rows)
    axes.stairs(real, found.edges, fill=True, color=REAL, alpha=0.35, label=say("real"))
    axes.stairs(synthetic, found.edges, color=SYNTHETIC, linewidth=1.5, label=say("synthetic"))
    axes.set_xlim(found.edges[0], found.edges[-1])
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    if real.max() > SPIKE:
        every = np.concatenate([real[real > 0], synthetic[synthetic > 0]])
        axes.set_yscale("log")
        axes.set_ylim(every.min() / 2, 1.5)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        name_axes(axes, y=say("share of rows, log scale"))
    if found.time:
        date_axis(axes)
    else:
        whole = bool(np.all(found.edges % 1 == 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))


def date_axis(axes: "Axes") -> None:
    """Three to six dates below a figure, whatever time it covers."""
    from matplotlib.dates import MONTHLY, AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=6)
    locator.intervald[MONTHLY] = [1, 2, 3, 4, 6, 12]  # it has none of a year for just under three years
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _draw_levels(axes: "Axes", found: Levels) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    order = in_order(found.names)
    names, counts = [label(name) for name in order], found.counts[:, [found.names.index(name) for name in order]]
    other = say("({n:,} other levels)" if found.folded > 1 else "({n:,} other level)", n=found.folded)
    for count, name in ((found.other, other), (found.missing, say("(missing)"))):
        if count.any():
            names, counts = [*names, name], np.column_stack([counts, count])
    real, synthetic = shares(counts, found.rows)
    places = np.arange(len(names))
    axes.barh(places - 0.2, real, 0.38, color=REAL, alpha=0.6, label=say("real"))
    axes.barh(places + 0.2, synthetic, 0.38, color=SYNTHETIC, alpha=0.9, label=say("synthetic"))
    axes.set_yticks(places, names, parse_math=False)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
