"""A comparison as text: for the terminal, Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from gans.comparison.comparison import Cell, ComparedScore, Comparison
from gans.findings.comparison import winner
from gans.findings.sentence import Sentence

ARROWS = {1: "higher is better", -1: "lower is better", 0: "ideal"}
LATEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}
LATEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}


def way(metric: ComparedScore) -> str:
    """Which way is better, in words."""
    return f"ideal {metric.ideal:g}" if metric.sign == 0 else ARROWS[metric.sign]


def digits(metric: ComparedScore) -> int:
    """Decimals that show two figures of the usual standard error."""
    errors = [cell.error for cell in metric.cells.values() if np.isfinite(cell.error) and cell.error > 0]
    return int(np.clip(1 - np.floor(np.log10(np.median(errors))), 1, 5)) if errors else 4


def cell_text(cell: Cell, places: int) -> str:
    """`.9132 +- .0021 (5)`: mean, standard error, seeds; with what is not there."""
    if not cell.values:
        return "none" + _absent(cell)
    error = "" if np.isnan(cell.error) else f" +- {cell.error:.{places}f}"
    return f"{cell.mean:.{places}f}{error} ({len(cell.values)}){_absent(cell)}"


def _absent(*cells: Cell) -> str:
    """What the values of these cells are without."""
    counts = {
        "diverged": sum(len(cell.diverged) for cell in cells),
        "missing": sum(len(cell.missing) for cell in cells),
    }
    return "".join(f", {count} {words}" for words, count in counts.items() if count)


def interval_text(found: tuple[float, float, float], places: int) -> str:
    """`.913 [.901, .925]`."""
    value, low, high = found
    return f"{value:.{places}f}" + ("" if np.isnan(low) else f" [{low:.{places}f}, {high:.{places}f}]")


def metric_rows(comparison: Comparison, metric: ComparedScore) -> list[list[str]]:
    """Of each variant its name, a cell for each data set, and its interquartile mean over all."""
    places = digits(metric)
    out = []
    for variant in comparison.variants:
        cells = {table: metric.cells[variant, table] for table in comparison.data}
        texts = {table: cell_text(cell, places) for table, cell in cells.items()}
        marked = [f"**{text}**" if metric.best.get(table) == variant else text for table, text in texts.items()]
        out.append([variant, *marked, interval_text(metric.overall[variant], places) + _absent(*cells.values())])
    return out


def pair_rows(comparison: Comparison, metric: ComparedScore) -> list[list[str]]:
    """Of each pair of variants the chance of improvement, its interval, the number of pairs and p-values."""
    return [
        [
            f"{pair.left} better than {pair.right}",
            interval_text((pair.chance, pair.low, pair.high), 2),
            str(pair.pairs),
            f"{pair.p_value:.4f}",
            f"{pair.corrected:.4f}",
        ]
        for pair in metric.pairs
    ]


def winner_sentence(comparison: Comparison) -> Sentence:
    """Who wins by the first metric, or that none is shown to; means are those of the data set, or over several."""
    metric, data = comparison.metrics[0], comparison.data
    means = dict(metric.overall)
    if len(data) == 1:
        cells = {name: metric.cells[name, data[0]] for name in comparison.variants}
        means = {name: (cell.mean, cell.low, cell.high) for name, cell in cells.items()}
    known = {name: metric.goodness(mean[0]) for name, mean in means.items() if np.isfinite(mean[0])}
    leader = max(known, key=lambda name: known[name]) if known else None
    shown = {name: interval_text(means[name], digits(metric)) for name in known}
    return winner(metric.title, metric.best, data, shown, leader)


def rank_rows(comparison: Comparison, metric: ComparedScore) -> list[list[str]]:
    """Mean ranks, best first."""
    if metric.ranks is None:
        return []
    order = np.argsort(metric.ranks.means, kind="stable")
    return [[comparison.variants[place], f"{metric.ranks.means[place]:.2f}"] for place in order]


def rank_note(metric: ComparedScore) -> str:
    """What the ranks say together."""
    if metric.ranks is None:
        return "No seed is there for all variants: no ranks."
    told = "" if np.isnan(metric.ranks.p_value) else f"; Friedman p = {metric.ranks.p_value:.2g}"
    return (
        f"Over {metric.ranks.blocks} blocks (data set x seed); critical difference {metric.ranks.difference:.2f} "
        f"(Nemenyi, 5 %){told}."
    )


def variance_rows(comparison: Comparison, metric: ComparedScore) -> list[list[str]]:
    """Where seeds were sampled more than once: standard deviations by training seed and by sampling, and a test."""
    out = []
    for variant in comparison.variants:
        for table in comparison.data:
            variance = metric.cells[variant, table].variance
            if variance is not None:
                out.append([
                    variant, table, f"{np.sqrt(variance.seed):.2g}", f"{np.sqrt(variance.sampling):.2g}",
                    f"{variance.share:.0%}", f"{variance.p_value:.2g}",
                    "yes" if variance.p_value < 0.05 else "not shown",
                ])  # fmt: skip
    return out


VARIANCE_HEADS = ("variant", "data", "sd of training seeds", "sd of sampling", "share of seeds", "p", "seeds differ")
PAIR_HEADS = ("pair", "chance [95 %]", "pairs", "p", "p, Holm")
CELLS = "mean +- standard error over training seeds (number of seeds)"


def plain(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side."""
    every = [list(heads), *([text.replace("**", "*") for text in row] for row in rows)]
    widths = [max(len(row[place]) for row in every) for place in range(len(heads))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in every
    )


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(text.replace("|", r"\|") for text in line) + " |" for line in lines)


def terminal(comparison: Comparison) -> str:
    """What is printed: the first metric whole, of the others the means."""
    parts = [winner_sentence(comparison).text]
    for place, metric in enumerate(comparison.metrics):
        parts.append(f"{metric.title} ({way(metric)}); {CELLS}; *: its interval lies beyond all others")
        parts.append(plain([comparison.by, *comparison.data, "IQM [95 %]"], metric_rows(comparison, metric)))
        if place == 0:
            parts.append(plain(PAIR_HEADS, pair_rows(comparison, metric)))
            parts.append(plain(["variant", "mean rank"], rank_rows(comparison, metric)) + "\n" + rank_note(metric))
            if rows := variance_rows(comparison, metric):
                parts.append(plain(VARIANCE_HEADS, rows))
    return "\n\n".join([*parts, *comparison.remarks]) + "\n"


def markdown(comparison: Comparison) -> str:
    """comparison.md."""
    parts = [f"# Comparison by {comparison.by}", winner_sentence(comparison).text]
    parts += [f"> {remark}" for remark in comparison.remarks]
    parts.append(
        f"Cells: {CELLS}. Bold: the interval of 95 % (Student's t) lies beyond those of all others. IQM: the "
        "interquartile mean over data sets and those seeds that did not diverge; its interval is a bootstrap."
    )
    for metric in comparison.metrics:
        parts += [
            f"## {metric.title}: {way(metric)}",
            markdown_table([comparison.by, *comparison.data, "IQM [95 %]"], metric_rows(comparison, metric)),
            "Chance that a run of one variant is better than one of another (Agarwal et al. 2021), and Wilcoxon's "
            "signed-rank test of runs of one data set and seed, corrected by Holm over the pairs:",
            markdown_table(PAIR_HEADS, pair_rows(comparison, metric)),
        ]
        if rows := rank_rows(comparison, metric):
            parts += [markdown_table(["variant", "mean rank"], rows), rank_note(metric)]
        if rows := variance_rows(comparison, metric):
            parts += ["Training seeds and sampling:", markdown_table(VARIANCE_HEADS, rows)]
    return "\n\n".join(parts) + "\n"


def latex(comparison: Comparison) -> str:
    """comparison.tex: one table with booktabs, to be put into a paper with \\input."""
    many = len(comparison.data)
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering\\small\\setlength{\\tabcolsep}{4pt}",
        f"\\caption{{{_caption(comparison)}}}",
        "\\label{tab:comparison}",
        f"\\begin{{tabular}}{{l{'r' * (many + 1)}}}",
        "\\toprule",
        " & ".join([escaped(comparison.by), *map(escaped, comparison.data), "IQM"]) + " \\\\",
    ]
    for metric in comparison.metrics:
        places = digits(metric)
        title = f"{escaped(metric.title)} ({escaped(way(metric))})"
        lines += ["\\midrule", f"\\multicolumn{{{many + 2}}}{{l}}{{\\emph{{{title}}}}} \\\\"]
        for variant in comparison.variants:
            cells = [_latex_cell(metric, variant, table, places) for table in comparison.data]
            value, low, high = metric.overall[variant]
            spread = "" if np.isnan(low) else f" {{\\scriptsize [{low:.{places}f}, {high:.{places}f}]}}"
            absent = _absent(*(metric.cells[variant, table] for table in comparison.data))
            overall = f"{value:.{places}f}{spread}{absent}"
            lines.append(" & ".join([escaped(variant), *cells, overall]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table}"]) + "\n"


def _caption(comparison: Comparison) -> str:
    seeds = sorted({len(cell.values) for metric in comparison.metrics for cell in metric.cells.values()})
    span = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    text = (
        f"Mean and standard error over {span} training seeds; IQM over data sets and seeds with its interval of 95 %. "
    )
    text += "Bold where the interval lies beyond those of all others. "
    return escaped(text + " ".join(remark for remark in comparison.remarks if remark.split(":")[0].isupper()))


def _latex_cell(metric: ComparedScore, variant: str, table: str, places: int) -> str:
    cell = metric.cells[variant, table]
    if not cell.values:
        return "--" + escaped(_absent(cell))
    mean = f"{cell.mean:.{places}f}"
    mean = f"\\textbf{{{mean}}}" if metric.best.get(table) == variant else mean
    error = "" if np.isnan(cell.error) else f" {{\\scriptsize $\\pm$ {cell.error:.{places}f}}}"
    return mean + error + escaped(_absent(cell))


def escaped(text: str) -> str:
    """Text for LaTeX."""
    return "".join(LATEX.get(letter, letter) for letter in text)


def observations_csv(comparison: Comparison) -> str:
    """comparison.csv: one row for each run, seed, sample and score that is there, and one for each seed without."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([comparison.by, "data", "seed", "draw", "metric", "value", "status", "steps", "seconds", "run"])
    for (variant, table), runs in comparison.runs.items():
        for run in runs:
            tail = [run.status, run.steps, round(run.seconds, 2), run.source]
            for metric in comparison.metrics:
                for one in comparison.observed[run.source]:
                    value = one.scores.get(metric.name, "")
                    writer.writerow([variant, table, one.seed, one.draw, metric.name, value, *tail])
                for seed in sorted(set(run.seeds) - {one.seed for one in comparison.observed[run.source]}):
                    writer.writerow([variant, table, seed, "", metric.name, "", *tail])
    return buffer.getvalue()
