"""TABLE.md, figure.png and curve.png from results.csv, curve.csv and published.csv.

python experiments/tabular/table.py [results=experiments/tabular] [minutes=10]
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jobs import FLAGSHIP, TABLES, UNSEEN, VARIANTS, read_rows

from gans.cli.arguments import key_values
from gans.cli.command import run_command
from gans.files import write_atomic, write_text

HERE = Path(__file__).resolve().parent
OURS, PUBLISHED, REFERENCE = "#d4692a", "#7c8894", "#3d6c99"
LABELS = {"reference": "package ctgan 0.12.1", FLAGSHIP: "**tabular**"}
ERRORS = ("shape_error", "trend_error")
HEADS = {
    "shape_error": "shape error %",
    "trend_error": "trend error %",
    "xgb_c2st": "XGB-C2ST",
    "alpha_precision": "alpha precision",
    "beta_recall": "beta recall",
    "dcr_share": "DCR share",
    "tstr": "TSTR",
}
TSTR_RATIO, COPIES = "TSTR / TRTR", "exact copies"
# by figure: the target on each table of TABLES, and whether more is better
TARGETS = {
    "xgb_c2st": ((0.92, 0.75, 0.92, 0.92), True),
    "shape_error": ((0.55, 0.9, 1.1, 1.1), False),
    "trend_error": ((1.5, 2.5, 1.7, 1.7), False),
    "beta_recall": ((0.50, 0.45, 0.50, 0.50), True),
    "dcr_share": ((0.53, 0.53, 0.55, 0.55), False),
    TSTR_RATIO: ((0.985, 0.985, 0.985, 0.98), True),
}
COPIES_AT_MOST = 2
SEEDS = 3

Rows = Sequence[dict[str, str]]


def values(rows: Rows, name: str) -> list[float]:
    """The figures of a column; runs without one are left out."""
    return [float(row[name]) for row in rows if row[name]]


def spread(found: list[float], digits: int) -> str:
    """Mean +- standard deviation over seeds (n - 1)."""
    if not found:
        return ""
    deviation = f" +- {np.std(found, ddof=1):.{digits}f}" if len(found) > 1 else ""
    return f"{np.mean(found):.{digits}f}{deviation}"


def chosen(rows: Rows, data: str, variant: str, minutes: int) -> Rows:
    """The runs of a variant on a table with this budget, nothing overridden."""
    wanted = (data, variant, str(minutes), "")
    return [row for row in rows if (row["data"], row["variant"], row["minutes"], row["overrides"]) == wanted]


def markdown(heads: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def measured_table(rows: Rows, data: str) -> str:
    """Our own runs on a table, one line for a variant, a budget and its overrides."""
    groups = sorted(
        {(row["variant"], int(row["minutes"]), row["overrides"]) for row in rows if row["data"] == data},
        key=lambda group: (bool(group[2]), group[1], VARIANTS.index(group[0])),
    )
    body = []
    for variant, minutes, overrides in groups:
        runs = [row for row in rows if (row["data"], row["variant"]) == (data, variant)]
        runs = [row for row in runs if (row["minutes"], row["overrides"]) == (str(minutes), overrides)]
        other = sum(row["status"] != "completed" for row in runs)
        budget = f"`{overrides}`" if overrides else f"{minutes} min"
        count = f"{len(runs)}, {other} diverged" if other else str(len(runs))
        figures = [spread(values(runs, name), 2 if name in ERRORS else 3) for name in HEADS]
        times = [spread(values(runs, name), 0) for name in ("steps", "seconds", "seconds_command")]
        times.append(" and ".join(sorted({row["cores"] for row in runs})))
        unseen = spread(values(runs, UNSEEN), 3)
        trtr, copies = spread(values(runs, "trtr"), 3), spread([100 * v for v in values(runs, "exact_copies")], 2)
        of_test = spread([100 * v for v in values(runs, "exact_copies_test")], 2)
        body.append([LABELS.get(variant, variant), budget, count, *figures, unseen, trtr, copies, of_test, *times])
    more = ("XGB-C2ST, test rows", "TRTR", "copies %", "test rows' copies %", "steps", "s", "s, command", "cores")
    heads = ("", "budget", "n", *HEADS.values(), *more)
    return markdown(heads, body) if body else "No run yet.\n"


def published_table(published: Rows, data: str) -> str:
    """What others have published on a table, with numbers of the sources."""
    rows = [row for row in published if row["data"] == data]
    sources = list(dict.fromkeys(row["source"] for row in published))
    metrics = [*HEADS, "tstr_catboost"]
    body = []
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = {row["metric"]: row for row in rows if row["method"] == method}
        shown = [
            f"{cells[m]['value']} [{sources.index(cells[m]['source']) + 1}]" if m in cells else "" for m in metrics
        ]
        body.append([method, *shown])
    return markdown(("published", *HEADS.values(), "TSTR, CatBoost"), body)


def verdicts(rows: Rows, minutes: int) -> list[tuple[str, str, str, str, str]]:
    """Of the flagship: table, figure, what was measured, target, and 'met', 'short' or 'not run'; n where not 3."""
    out = []
    for place, data in enumerate(TABLES):
        runs = chosen(rows, data, FLAGSHIP, minutes)

        def add(name: str, found: list[float], target: str, met: Callable[[float], bool], data: str = data) -> None:
            verdict = ("met" if met(float(np.mean(found))) else "short") if found else "not run"
            count = f" (n = {len(found)})" if found and len(found) != SEEDS else ""
            digits = 2 if name in ERRORS else 4 if name == COPIES else 3
            out.append((data, HEADS.get(name, name), spread(found, digits), target, verdict + count))

        for name, (targets, more) in TARGETS.items():
            target = targets[place]
            ratio = [float(row["tstr"]) / float(row["trtr"]) for row in runs if row["tstr"] and row["trtr"]]
            found = ratio if name == TSTR_RATIO else values(runs, name)
            if more:
                add(name, found, f"at least {target}", lambda mean, target=target: mean >= target)
            else:
                add(name, found, f"at most {target}", lambda mean, target=target: mean <= target)
        copies, of_test = values(runs, "exact_copies"), values(runs, "exact_copies_test")
        most = COPIES_AT_MOST * float(np.mean(of_test)) if of_test else 0.0
        target = f"at most {most:.4f}, twice that of test rows" if of_test else "at most twice that of test rows"
        add(COPIES, copies, target, lambda mean, most=most: mean <= most)
    return out


def document(rows: Rows, published: Rows, minutes: int) -> str:
    """TABLE.md."""
    parts = ["# Tabular study: figures\n", "Made by table.py from results.csv and published.csv; see README.md.\n"]
    parts.append(f"## Targets of the flagship `tabular` at {minutes} minutes, mean over {SEEDS} seeds\n")
    parts.append(markdown(("table", "figure", "measured", "target", ""), verdicts(rows, minutes)))
    for data in TABLES:
        parts.append(f"## {data}\n")
        parts.append("Measured here, on one machine and by one judge; mean +- standard deviation over n seeds.\n")
        parts += [measured_table(rows, data), "Published by others; not run here.\n", published_table(published, data)]
    sources = dict.fromkeys(row["source"] for row in published)
    parts.append("Sources:\n\n" + "".join(f"{place}. {source}\n" for place, source in enumerate(sources, 1)))
    return "\n".join(parts)


def _figure(width: float, height: float, panels: tuple[int, int]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots(*panels, sharex=True, sharey=True, squeeze=False)


def draw_scores(rows: Rows, published: Rows, minutes: int) -> Any:
    """XGB-C2ST by variant and table: a point for a seed, a diamond for a published figure, a line for the target."""
    methods = list(dict.fromkeys(row["method"] for row in published if row["metric"] == "xgb_c2st"))
    names = [*VARIANTS, *methods]
    figure, panels = _figure(3.5, 4.6, (2, 2))
    for place, (data, axes) in enumerate(zip(TABLES, panels.flat, strict=True)):
        for height, name in enumerate(names):
            theirs = [r for r in published if (r["data"], r["method"], r["metric"]) == (data, name, "xgb_c2st")]
            if height >= len(VARIANTS):
                points, style = values(theirs, "value"), {"marker": "D", "color": PUBLISHED, "facecolors": "none"}
            else:
                points = values(chosen(rows, data, name, minutes), "xgb_c2st")
                style = {"marker": "o", "color": REFERENCE if name == "reference" else OURS, "alpha": 0.75}
            axes.scatter(points, [height] * len(points), s=16, linewidths=1, clip_on=False, zorder=3, **style)
        axes.axhline(len(VARIANTS) - 0.5, color=PUBLISHED, linewidth=0.6)
        axes.axvline(TARGETS["xgb_c2st"][0][place], color=OURS, linewidth=0.8, linestyle=":")
        axes.set_title(data, fontsize=8)
        axes.set_yticks(range(len(names)), [*VARIANTS[:-1], "ctgan 0.12.1", *methods], fontsize=7)
        axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"], fontsize=7)
        axes.grid(axis="y", linewidth=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if not any(r["data"] == data and r["metric"] == "xgb_c2st" for r in published):
            axes.text(0.5, len(names) - 3, "none published", fontsize=6.5, ha="center", color=PUBLISHED)
    panels[0, 0].set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5))
    figure.supxlabel("XGB-C2ST (1: not told apart); dotted: target;\ndiamonds below the line: published", fontsize=7)
    return figure


def draw_curve(rows: Rows, published: Rows) -> Any:
    """XGB-C2ST of the flagship on Adult, training and test rows, by the wall time of the command, a point for a run."""
    runs = [r for r in rows if (r["data"], r["variant"], r["overrides"]) == ("adult", FLAGSHIP, "") and r["xgb_c2st"]]
    figure, panels = _figure(3.5, 2.6, (1, 1))
    axes = panels[0, 0]
    minutes = np.array([float(row["seconds_command"] or row["seconds"]) for row in runs]) / 60
    order = np.argsort(minutes)
    for name, style, label in (("xgb_c2st", "o-", "training rows"), (UNSEEN, "o:", "test rows")):
        scores = np.array(values(runs, name))
        axes.plot(minutes[order], scores[order], style, color=OURS, markersize=4, linewidth=1, label=label)
    axes.legend(frameon=False, fontsize=6.5, loc="lower right")
    for row in published:
        if (row["data"], row["metric"]) == ("adult", "xgb_c2st") and float(row["value"]) > 0.5:
            value = float(row["value"])
            axes.axhline(value, color=PUBLISHED, linewidth=0.7, linestyle="--")
            axes.annotate(
                row["method"], (1.01, value), xycoords=("axes fraction", "data"), fontsize=6.5, color=PUBLISHED,
                va="bottom" if row["method"] == "TabPC" else "top" if row["method"] == "TabDiff" else "center",
            )  # fmt: skip
    ticks = sorted({int(row["minutes"]) for row in runs})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
    axes.minorticks_off()
    axes.tick_params(labelsize=7)
    axes.set_xlabel("minutes of the whole command; dashed: published, training rows", fontsize=7)
    axes.set_ylabel("XGB-C2ST, adult", fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def render(folder: Path, minutes: int) -> None:
    """Write TABLE.md and the figures into the folder of the results."""
    rows, curve = read_rows(folder / "results.csv"), read_rows(folder / "curve.csv")
    published = read_rows(HERE / "published.csv")
    write_text(folder / "TABLE.md", document(rows, published, minutes))
    figures = {"figure.png": draw_scores(rows, published, minutes)}
    if curve:
        figures["curve.png"] = draw_curve(curve, published)
    for name, figure in figures.items():
        write_atomic(folder / name, lambda path, figure=figure: figure.savefig(path, dpi=200))


def main() -> int:
    """Render the results of a folder."""
    given = key_values(sys.argv[1:], {"results": str, "minutes": int})
    render(Path(given.get("results", HERE)).resolve(), given.get("minutes", 10))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
