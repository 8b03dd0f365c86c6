"""One self-contained HTML page about a run: no script, no request, no training row."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gans.data.schema import Column
from gans.evaluation.associations import associations
from gans.evaluation.column_counts import marginal
from gans.files import write_text
from gans.findings.first_screen import commands, resemblance_of_run, run_replies
from gans.findings.kept import REFINED, kept_generator, refined
from gans.findings.run import duration, sentences, worst
from gans.findings.titles import run_title
from gans.report.evaluation import END, REPLIES_END, REPLIES_START, START
from gans.report.figures import (
    association_figure,
    data_address,
    marginal_figure,
    marginal_grid,
    metric_curves,
    render,
    score_curves,
    training_curves,
    words_of_pictures,
)
from gans.report.model_card import Card
from gans.report.pictures import pictures
from gans.report.private_page import report_private
from gans.report.templates import template
from gans.runs.files import RunFiles
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.tracking.jsonl import series
from gans.words import kept_language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BYTES = 4_000_000
MOST_FIGURES = 60
MOST_PAIRS = 15
SAMPLE_ROWS = 20
LOOKED_AT = 200
LONGEST_TEXT = 60


def report_run(path: Path, report: RunResults | PrivateResults) -> Callable[[], dict[str, bytes]]:
    """Write the page, and the model card beside it; what draws the figures of columns and images as PNG, by name."""
    Card.of(report).write(RunFiles(path.parent))
    if isinstance(report, PrivateResults):
        return report_private(path, report)
    write_report(path, report)

    def figures() -> dict[str, bytes]:
        with words_of_pictures():
            drawn, columns = pictures(report.training, report.synthetic, report.schema), report.schema.features
            if columns:
                drawn["marginals"] = marginal_grid(report.training, report.synthetic, columns[:MOST_FIGURES])
            return {name: render(figure, "png") for name, figure in drawn.items()}

    return kept_language(figures)


def write_report(path: Path, report: RunResults) -> None:
    """Write the page, atomically.

    Raises:
        OSError: the folder of `path` is missing or cannot be written.
        KeyError: a learned column is not in one of the tables or distances.
    """
    page = template("page.html.jinja")
    content = _content(path, report)
    text = page.render(images=_encode(_figures(report), "svg"), **content)
    if len(text) > MOST_BYTES:
        with words_of_pictures():
            images = _encode(_figures(report), "png")
        text = page.render(images=images, **content)
    write_text(path, text)


def _content(path: Path, report: RunResults) -> dict[str, Any]:
    sample, skipped = ([], 0) if report.schema.images else _sample(report)
    columns = worst(report.against_holdout.columns, report.floor.columns)
    return {
        "report": report,
        "title": run_title(report),
        "found": report.summary.get("scores", {}),
        "answers": run_replies(report, path.parent),
        "of_run": [vars(one) for one in resemblance_of_run(report)],
        "replies_start": REPLIES_START,
        "replies_end": REPLIES_END,
        "kept": kept_generator(report),
        "refined": refined(report),
        "refined_words": REFINED,
        "evaluated": len(series(report.history, "holdout/score")[0]),
        "sentences": sentences(report),
        "scores": report.against_holdout.scores(),
        "training_scores": report.against_training.scores(),
        "floor": report.floor.scores(),
        "duration": duration,
        "columns": columns,
        "shown": columns[:MOST_FIGURES],
        "pairs": worst(report.against_holdout.pairs, report.floor.pairs)[:MOST_PAIRS],
        "of_pairs": len(report.against_holdout.pairs),
        "constants": [column for column in report.schema.kept if column.role == "constant"],
        "sample": sample,
        "skipped": skipped,
        "evaluation_start": START,
        "evaluation_end": END,
    } | commands(path.parent)


def _figures(report: RunResults) -> dict[str, dict[str, "Figure"]]:
    """Figures by section and title."""
    columns = [report.schema[name] for name, *_ in worst(report.against_holdout.columns, report.floor.columns)]
    columns = columns[:MOST_FIGURES]
    marginals = {
        column.name: marginal_figure(marginal(report.training[column.name], report.synthetic[column.name], column))
        for column in columns
    }
    ordered = [column for column in report.schema.features if column.name in marginals]
    real, synthetic = (associations(table, report.training, ordered) for table in (report.training, report.synthetic))
    matrices = {"": association_figure([column.name for column in ordered], real, synthetic)} if ordered else {}
    floor, rows = report.summary.get("scores", {}).get("floor", {}), report.summary.get("score_rows", {})
    kept, last = kept_generator(report), report.summary.get("steps") or 0
    history = report.history if kept is None else kept.own(report.history)
    return {
        "pictures": pictures(report.training, report.synthetic, report.schema),
        "curves": training_curves(history, last),
        "scores": score_curves(history, report.floor.scores(), kept, last)
        | metric_curves(history, floor, rows, kept, last),
        "marginals": marginals,
        "matrices": matrices,
    }


def _encode(figures: dict[str, dict[str, "Figure"]], kind: str) -> dict[str, dict[str, str]]:
    """The figures as addresses that hold them."""
    return {
        section: {title: data_address(figure, kind) for title, figure in group.items()}
        for section, group in figures.items()
    }


def _sample(report: RunResults) -> tuple[list[list[str | None]], int]:
    """The first twenty synthetic rows that equal no training row, as texts, and how many were passed over."""
    features = sorted(report.schema.features, key=lambda column: -column.levels)
    keys = [column.name for column in features]
    chosen, skipped = [], 0
    for row in range(min(LOOKED_AT, report.synthetic.num_rows)):
        if _occurs(report.training, report.synthetic, row, keys):
            skipped += 1
        else:
            chosen.append(row)
        if len(chosen) == SAMPLE_ROWS:
            break
    rows = report.synthetic.take(pa.array(chosen, pa.int64()))
    texts = [_texts(rows[column.name], column) for column in report.schema.sampled]
    return [list(row) for row in zip(*texts, strict=True)], skipped


def _occurs(training: pa.Table, synthetic: pa.Table, row: int, names: list[str]) -> bool:
    for place, name in enumerate(names):
        value = synthetic[name][row]
        array = training[name]
        same = pc.equal(array, value.cast(array.type)) if value.is_valid else pc.is_null(array)  # pyright: ignore[reportAttributeAccessIssue]
        training = training.select(names[place:]).filter(same)
        if not training.num_rows:
            return False
    return True


def _texts(array: pa.ChunkedArray, column: Column) -> list[str | None]:
    if pa.types.is_floating(array.type):
        form = ".6g" if column.decimals is None else f".{column.decimals}f"
        return [None if value is None else format(value, form) for value in array.to_pylist()]
    values = array.cast(pa.string()).to_pylist()
    return [text if text is None or len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…" for text in values]
