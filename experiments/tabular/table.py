"""TABLE.md, figure.png, training_rows.png and curve.png from results.csv, curve.csv and published.csv.

python experiments/tabular/table.py [results=experiments/tabular] [minutes=10]
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jobs import FLAGSHIP, TABLES, UNSEEN, VARIANTS, read_rows

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, WHOLE
from gans.evaluation.membership import ATTACKS
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
SCORE, OVERFIT = "gap_score", "gap_overfit"
TEST_HEADS = {
    SCORE: "score",
    "gap_auc": "AUC",
    "gap_marginal": "AUC, columns",
    "gap_dependency": "AUC, joint",
    OVERFIT: "overfit",
    "gap_oracle": "AUC of training rows",
    "gap_independent": "AUC of independent columns",
    "gap_rows": "rows",
}
THEIRS = [SCORE, "gap_auc", "gap_marginal", "gap_dependency"]  # what has been published in this setting
TSTR_RATIO, COPIES = "TSTR / TRTR", "exact copies"
# by figure: the target on each table of TABLES, and whether more is better
TARGETS = {
    SCORE: ((0.93, 0.86, 0.92, 0.98), True),
    OVERFIT: ((0.02, 0.02, 0.02, 0.02), False),
    "attack_auc": ((0.51, 0.51, 0.515, 0.515), False),
    "isolated_low": ((0.5, 0.5, 0.5, 0.5), False),
    "shape_error": ((0.55, 0.8, 0.9, 0.8), False),
    "trend_error": ((1.2, 1.1, 1.3, 1.3), False),
    "xgb_c2st": ((0.92, 0.75, 0.92, 0.92), True),
    "beta_recall": ((0.50, 0.45, 0.50, 0.50), True),
    "dcr_share": ((0.53, 0.53, 0.55, 0.55), False),
    TSTR_RATIO: ((0.985, 0.985, 0.985, 0.98), True),
}
NAMES = HEADS | {
    SCORE: "score, test rows",
    OVERFIT: "overfit",
    "attack_auc": "worst attack, AUC",
    "isolated_low": "worst attack on the most isolated rows, least AUC",
}
COPIES_AT_MOST = 2
SEEDS = 3

Rows = Sequence[dict[str, str]]


def values(rows: Rows, name: str) -> list[float]:
    """The figures of a column; runs without one, as those of before it was measured, are left out."""
    return [float(row[name]) for row in rows if row.get(name)]


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


def grouped(rows: Rows, data: str) -> list[tuple[list[str], Rows]]:
    """Our own runs on a table by variant, budget and overrides: the first three cells of their line, and the runs."""
    groups = sorted(
        {(row["variant"], int(row["minutes"]), row["overrides"]) for row in rows if row["data"] == data},
        key=lambda group: (bool(group[2]), group[1], VARIANTS.index(group[0])),
    )
    out = []
    for variant, minutes, overrides in groups:
        runs = [row for row in rows if (row["data"], row["variant"]) == (data, variant)]
        runs = [row for row in runs if (row["minutes"], row["overrides"]) == (str(minutes), overrides)]
        other = sum(row["status"] != "completed" for row in runs)
        budget = f"`{overrides}`" if overrides else f"{minutes} min"
        count = f"{len(runs)}, {other} diverged" if other else str(len(runs))
        out.append(([LABELS.get(variant, variant), budget, count], runs))
    return out


def test_rows_table(rows: Rows, data: str) -> str:
    """Our own runs on a table against test rows; those that were not judged so are left out."""
    body = []
    for cells, runs in grouped(rows, data):
        if judged := values(runs, "gap_auc"):
            digits = {"gap_rows": 0}
            figures = [spread(values(runs, name), digits.get(name, 3)) for name in TEST_HEADS]
            body.append([*cells[:2], str(len(judged)), *figures])
    return markdown(("", "budget", "n", *TEST_HEADS.values()), body) if body else "No run yet.\n"


def measured_table(rows: Rows, data: str) -> str:
    """Our own runs on a table by the other judge, mostly against training rows."""
    body = []
    for cells, runs in grouped(rows, data):
        figures = [spread(values(runs, name), 2 if name in ERRORS else 3) for name in HEADS]
        times = [spread(values(runs, name), 0) for name in ("steps", "seconds", "seconds_command")]
        times.append(" and ".join(sorted({row["cores"] for row in runs})))
        unseen = spread(values(runs, UNSEEN), 3)
        trtr, copies = spread(values(runs, "trtr"), 3), spread([100 * v for v in values(runs, "exact_copies")], 2)
        of_test = spread([100 * v for v in values(runs, "exact_copies_test")], 2)
        body.append([*cells, *figures, unseen, trtr, copies, of_test, *times])
    more = ("its detector, test rows", "TRTR", "copies %", "test rows' copies %", "steps", "s", "s, command", "cores")
    heads = ("", "budget", "n", *HEADS.values(), *more)
    return markdown(heads, body) if body else "No run yet.\n"


def published_table(published: Rows, data: str, heads: dict[str, str]) -> str:
    """What others have published on a table in one setting, with numbers of the sources.

    Args:
        heads: by figure of this setting how it is called.
    """
    rows = [row for row in published if row["data"] == data and row["metric"] in heads]
    sources = list(dict.fromkeys(row["source"] for row in published))
    body = []
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = {row["metric"]: row for row in rows if row["method"] == method}
        shown = [f"{cells[m]['value']} [{sources.index(cells[m]['source']) + 1}]" if m in cells else "" for m in heads]
        body.append([method, *shown])
    return markdown(("published", *heads.values()), body) if body else "None that we know of.\n"


def with_scores(published: Rows) -> Rows:
    """Published figures, and beside each AUC against test rows its score 2 (1 - AUC)."""
    aucs = [row for row in published if row["metric"] == "gap_auc"]
    scores = [row | {"metric": SCORE, "value": f"{2 * (1 - float(row['value'])):.3f}"} for row in aucs]
    return [*published, *scores]


def verdicts(rows: Rows, minutes: int) -> list[tuple[str, str, str, str, str]]:
    """Of the flagship: table, figure, what was measured, target, and 'met', 'short' or 'not run'; n where not 3."""
    out = []
    for place, data in enumerate(TABLES):
        runs = chosen(rows, data, FLAGSHIP, minutes)

        def add(name: str, found: list[float], target: str, met: Callable[[float], bool], data: str = data) -> None:
            verdict = ("met" if met(float(np.mean(found))) else "short") if found else "not run"
            count = f" (n = {len(found)})" if found and len(found) != SEEDS else ""
            digits = 2 if name in ERRORS else 4 if name == COPIES else 3
            out.append((data, NAMES.get(name, name), spread(found, digits), target, verdict + count))

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
        said = [row["verdict"] for row in runs if row.get("verdict")]
        if said:
            refused = said.count("No")
            words = "; ".join(f"{said.count(one)} x {one}" for one in dict.fromkeys(said))
            out.append((data, "verdict of scenario=privacy", words, "never No", "short" if refused else "met"))
        target = f"at most {most:.4f}, twice that of test rows" if of_test else "at most twice that of test rows"
        add(COPIES, copies, target, lambda mean, most=most: mean <= most)
    return out


def attacks_table(rows: Rows, data: str, overrides: str) -> str:
    """Attacks on the flagship's rows of a table and on both controls; mean over seeds.

    In brackets in how many runs the attack does better than a guess, corrected for the number of tests.
    """
    rows = [row for row in rows if (row["data"], row["overrides"]) == (data, overrides)]
    attacked = list(dict.fromkeys((row["attacked"], row["rows"]) for row in rows))
    body = []
    for attack in dict.fromkeys(row["attack"] for row in rows):
        cells = []
        for column in attacked:
            runs = [row for row in rows if (row["attack"], (row["attacked"], row["rows"])) == (attack, column)]
            found = sum(int(row["succeeds"]) for row in runs)
            cells.append(f"{spread(values(runs, 'auc'), 3)} ({found} of {len(runs)})")
        body.append([ATTACKS[attack], *cells])
    heads = [name if group == "all" else f"{name}, most isolated" for name, group in attacked]
    return markdown(("AUC", *heads), body) if body else "No run yet.\n"


def document(rows: Rows, attacks: Rows, published: Rows, minutes: int) -> str:
    """TABLE.md."""
    parts = ["# Tabular study: figures\n", "Made by table.py from results.csv and published.csv; see README.md.\n"]
    parts.append("## Against test rows, which nothing was learned from\n")
    parts.append(
        "Synthetic against test rows in equal numbers; XGBoost of 300 trees, depth 6, five folds, one out-of-fold AUC "
        "(.5: not told apart). Score: 2 (1 - AUC). Columns: the AUC after every column was shuffled by itself; joint: "
        "what is left of the AUC. Overfit: the score against as many training rows less this one. Training rows and "
        "independent columns are what a perfect generator and one that knows no pairs have.\n"
    )
    for data in TABLES:
        parts += [f"### {data}\n", "Measured here; mean +- standard deviation over n seeds.\n"]
        parts += [test_rows_table(rows, data), "Published by others in this setting; not run here.\n"]
        parts.append(published_table(published, data, {name: TEST_HEADS[name] for name in THEIRS}))
    parts.append(f"## Targets of the flagship `tabular` at {minutes} minutes, mean over {SEEDS} seeds\n")
    parts.append(markdown(("table", "figure", "measured", "target", ""), verdicts(rows, minutes)))
    parts.append("## Attacks on the flagship\n")
    parts.append(
        "Who was in the table? By `gans.evaluate` with the test rows. Synthetic: the flagship's rows. Beside them two "
        "controls whose answer is known: independent columns, of which nothing should be told, and real rows, 5 % of "
        "them copies of training rows. Area under the curve (.5: a guess), mean +- standard deviation over seeds; in "
        "brackets the runs in which it is better than a guess, corrected for the number of tests.\n"
    )
    for data in TABLES:
        parts.append(f"### {data}\n")
        for overrides in sorted({""} | {row["overrides"] for row in attacks if row["data"] == data}):
            parts += [f"With `{overrides}`:\n"] * bool(overrides) + [attacks_table(attacks, data, overrides)]
    parts.append("## Against training rows\n")
    parts.append(
        "By the other judge, whose XGB-C2ST has another classifier, three folds and the training rows: it cannot be "
        "compared with the score above.\n"
    )
    for data in TABLES:
        parts.append(f"### {data}\n")
        parts.append("Measured here, on one machine and by one judge; mean +- standard deviation over n seeds.\n")
        parts += [measured_table(rows, data), "Published by others; not run here.\n"]
        parts.append(published_table(published, data, HEADS | {"tstr_catboost": "TSTR, CatBoost"}))
    sources = dict.fromkeys(row["source"] for row in published)
    parts.append("Sources:\n\n" + "".join(f"{place}. {source}\n" for place, source in enumerate(sources, 1)))
    return "\n".join(parts)


def _figure(width: float, height: float, panels: tuple[int, int]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots(*panels, sharex=True, sharey=True, squeeze=False)


def draw_scores(rows: Rows, published: Rows, minutes: int, metric: str, axis: str) -> Any:
    """A score by variant and table: a point for a seed, a diamond for a published figure, a line for the target.

    Args:
        metric: the column of the results, and the metric of published figures in the same setting.
        axis: how the score is called.
    """
    methods = list(dict.fromkeys(row["method"] for row in published if row["metric"] == metric))
    names = [*VARIANTS, *methods]
    figure, panels = _figure(3.5, 4.6, (2, 2))
    for place, (data, axes) in enumerate(zip(TABLES, panels.flat, strict=True)):
        for height, name in enumerate(names):
            theirs = [r for r in published if (r["data"], r["method"], r["metric"]) == (data, name, metric)]
            if height >= len(VARIANTS):
                points, style = values(theirs, "value"), {"marker": "D", "color": PUBLISHED, "facecolors": "none"}
            else:
                points = values(chosen(rows, data, name, minutes), metric)
                style = {"marker": "o", "color": REFERENCE if name == "reference" else OURS, "alpha": 0.75}
            axes.scatter(points, [height] * len(points), s=16, linewidths=1, clip_on=False, zorder=3, **style)
        axes.axhline(len(VARIANTS) - 0.5, color=PUBLISHED, linewidth=0.6)
        axes.axvline(TARGETS[metric][0][place], color=OURS, linewidth=0.8, linestyle=":")
        axes.set_title(data, fontsize=8)
        axes.set_yticks(range(len(names)), [*VARIANTS[:-1], "ctgan 0.12.1", *methods], fontsize=7)
        axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"], fontsize=7)
        axes.grid(axis="y", linewidth=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if not any(r["data"] == data and r["metric"] == metric for r in published):
            axes.text(0.5, len(names) - 3, "none published", fontsize=6.5, ha="center", color=PUBLISHED)
    panels[0, 0].set(xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5))
    figure.supxlabel(f"{axis} (1: not told apart); dotted: target;\ndiamonds below the line: published", fontsize=7)
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
    published, attacks = with_scores(read_rows(HERE / "published.csv")), read_rows(folder / "attacks.csv")
    write_text(folder / "TABLE.md", document(rows, attacks, published, minutes))
    figures = {
        "figure.png": draw_scores(rows, published, minutes, SCORE, "score against test rows"),
        "training_rows.png": draw_scores(rows, published, minutes, "xgb_c2st", "XGB-C2ST, training rows"),
    }
    if curve:
        figures["curve.png"] = draw_curve(curve, published)
    for name, figure in figures.items():
        write_atomic(folder / name, lambda path, figure=figure: figure.savefig(path, dpi=200))


@takes(Key("results", FOLDER, default=HERE), Key("minutes", WHOLE, default=10), text=__doc__)
def main(results: str | Path, minutes: int) -> None:
    """Render the results of a folder."""
    render(Path(results).resolve(), minutes)


if __name__ == "__main__":
    main_command(main.run)
