"""A comparison as text: for the terminal, Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len, set_cell_size

from gans.comparison.comparison import Cell, ComparedScore, Comparison
from gans.findings.comparison import winner
from gans.findings.sentence import Sentence
from gans.words import mark, say

ARROWS = {1: mark("higher is better"), -1: mark("lower is better")}
LATEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}
LATEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}


def way(metric: ComparedScore) -> str:
    """Which way is better, in words."""
    return say("ideal {ideal:g}", ideal=metric.ideal) if metric.sign == 0 else say(ARROWS[metric.sign])


def digits(metric: ComparedScore) -> int:
    """Decimals that show two figures of the usual standard error."""
    errors = [cell.error for cell in metric.cells.values() if np.isfinite(cell.error) and cell.error > 0]
    return int(np.clip(1 - np.floor(np.log10(np.median(errors))), 1, 5)) if errors else 4


def cell_text(cell: Cell, places: int) -> str:
    """`.9132 +- .0021 (5)`: mean, standard error, seeds; with what is not there."""
    if not cell.values:
        return say("none") + _absent(cell)
    error = "" if np.isnan(cell.error) else f" +- {cell.error:.{places}f}"
    return f"{cell.mean:.{places}f}{error} ({len(cell.values)}){_absent(cell)}"


def _absent(*cells: Cell) -> str:
    """What the values of these cells are without."""
    counts = {
        mark(", {count} diverged"): sum(len(cell.diverged) for cell in cells),
        mark(", {count} missing"): sum(len(cell.missing) for cell in cells),
    }
    return "".join(say(words, count=count) for words, count in counts.items() if count)


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
            say("{left} better than {right}", left=pair.left, right=pair.right),
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
        return say("No seed is shared by all variants, so there are no ranks.")
    ranks = metric.ranks
    return say(
        "Over {blocks} blocks (data set x seed); critical difference {difference:.2f} (Nemenyi, 5%){friedman}.",
        blocks=ranks.blocks,
        difference=ranks.difference,
        friedman="" if np.isnan(ranks.p_value) else say("; Friedman p = {p:.2g}", p=ranks.p_value),
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
                    say("yes") if variance.p_value < 0.05 else say("not shown"),
                ])  # fmt: skip
    return out


CELLS = mark("mean +- standard error over training seeds (number of seeds)")
BOLD = mark(
    "Bold: the interval of 95% (Student's t) lies beyond those of all others. IQM: the interquartile mean over data "
    "sets and those seeds that did not diverge; its interval is a bootstrap."
)
PAIRS = mark(
    "Chance that a run of one variant is better than one of another (Agarwal et al. 2021), and Wilcoxon's signed-rank "
    "test of runs of one data set and seed, corrected by Holm over the pairs:"
)


def variance_heads() -> list[str]:
    """The heads of `variance_rows`."""
    names = say("variant"), say("data"), say("sd of training seeds"), say("sd of sampling")
    return [*names, say("share of seeds"), "p", say("seeds differ")]


def pair_heads() -> list[str]:
    """The heads of `pair_rows`."""
    return [say("pair"), say("chance [95%]"), say("pairs of runs"), "p", "p, Holm"]


def rank_heads() -> list[str]:
    """The heads of `rank_rows`."""
    return [say("variant"), say("mean rank")]


def plain(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side."""
    every = [list(heads), *([text.replace("**", "*") for text in row] for row in rows)]
    widths = [max(cell_len(row[place]) for row in every) for place in range(len(heads))]
    return "\n".join(
        "  ".join(set_cell_size(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in every
    )


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(text.replace("|", r"\|") for text in line) + " |" for line in lines)


def terminal(comparison: Comparison) -> str:
    """What is printed: the first metric whole, of the others the means."""
    parts = [winner_sentence(comparison).text]
    for place, metric in enumerate(comparison.metrics):
        head = say(
            "{title} ({way}); {cells}; *: its interval lies beyond all others",
            title=metric.title,
            way=way(metric),
            cells=say(CELLS),
        )
        parts.append(head)
        parts.append(plain([comparison.by, *comparison.data, "IQM [95%]"], metric_rows(comparison, metric)))
        if place == 0:
            parts.append(plain(pair_heads(), pair_rows(comparison, metric)))
            parts.append(plain(rank_heads(), rank_rows(comparison, metric)) + "\n" + rank_note(metric))
            if rows := variance_rows(comparison, metric):
                parts.append(plain(variance_heads(), rows))
    return "\n\n".join([*parts, *comparison.remarks]) + "\n"


def markdown(comparison: Comparison) -> str:
    """comparison.md."""
    parts = [f"# {say('Comparison by {key}', key=comparison.by)}", winner_sentence(comparison).text]
    parts += [f"> {remark}" for remark in comparison.remarks]
    parts.append(say("Cells: {cells}. {bold}", cells=say(CELLS), bold=say(BOLD)))
    for metric in comparison.metrics:
        parts += [
            f"## {say('{title}: {way}', title=metric.title, way=way(metric))}",
            markdown_table([comparison.by, *comparison.data, "IQM [95%]"], metric_rows(comparison, metric)),
            say(PAIRS),
            markdown_table(pair_heads(), pair_rows(comparison, metric)),
        ]
        if rows := rank_rows(comparison, metric):
            parts += [markdown_table(rank_heads(), rows), rank_note(metric)]
        if rows := variance_rows(comparison, metric):
            parts += [say("Training seeds and sampling:"), markdown_table(variance_heads(), rows)]
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
    span = f"{seeds[0]}" if len(seeds) == 1 else say("{low} to {high}", low=seeds[0], high=seeds[-1])
    text = say(
        "Mean and standard error over {span} training seeds; IQM over data sets and seeds with its interval of 95%. "
        "Bold where the interval lies beyond those of all others. ",
        span=span,
    )
    return escaped(text + " ".join(filter(is_warning, comparison.remarks)))


def is_warning(remark: str) -> bool:
    """Whether a remark is one that begins in capitals, or in the brackets that Chinese has for them."""
    return remark.startswith("\N{LEFT BLACK LENTICULAR BRACKET}") or remark.split(":")[0].isupper()


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
