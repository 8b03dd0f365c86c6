"""A comparison of runs as a frame."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gans.comparison.comparison import BUDGETS, Comparison
from gans.comparison.comparison import compare as compare_runs
from gans.comparison.output import write
from gans.comparison.sources import read_runs
from gans.config.components import load_components
from gans.errors import one_of
from gans.findings.sentence import Sentence
from gans.locks import locked
from gans.notebook.shown import Finding, Page
from gans.words import ENGLISH, in_language


def compare(
    runs: str | Path | Sequence[str | Path],
    by: str = "experiment",
    *,
    metrics: Sequence[str] = (),
    budget: str = "steps",
    out: str | Path = "comparison",
    language: str = ENGLISH,
) -> Finding:
    """Compare runs over variants, data sets and training seeds, as `python -m gans.compare` does, and write the same.

    Args:
        runs: run directories, folders of them, or globs; or "wandb:ENTITY/PROJECT".
        by: what makes a variant: experiment, a group such as objective, or any key such as optimizer.learning_rate.
        metrics: scores, the first one drawn; a usual choice of those that all runs have unless given.
        budget: "steps" or "seconds", which should be equal; "none" not to look.
        out: folder for the tables, figures and the page.
        language: of the page and the sentences, "en" or "zh".

    Returns:
        A row of `.table` for each score, variant and data set: the mean over seeds with its interval, and whether that
        lies beyond the intervals of all others.

    Raises:
        UserError: as the command.
    """
    one_of("budget", budget, BUDGETS)
    load_components()  # plugins may bring metrics
    named = [runs] if isinstance(runs, (str, Path)) else runs
    folder = Path(out).expanduser()
    with in_language(language):
        found = compare_runs(read_runs(",".join(map(str, named))), by, list(metrics), budget)
        with locked(folder, "out", make=True):
            write(found, folder)
        remarks = [Sentence("note", text) for text in found.remarks]
        return Finding(remarks, _table(found), Page(folder / "comparison.html"))


def _table(found: Comparison) -> pd.DataFrame:
    rows = [
        {
            "score": one.name,
            "variant": variant,
            "data": data,
            "mean": cell.mean,
            "low": cell.low,
            "high": cell.high,
            "seeds": len(cell.values),
            "best": one.best.get(data) == variant,
        }
        for one in found.metrics
        for (variant, data), cell in one.cells.items()
    ]
    return pd.DataFrame(rows).set_index(["score", "variant", "data"])
