"""comparison.html: the tables and figures, each linked to its runs and their configs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gans.comparison import tables
from gans.comparison.comparison import Comparison
from gans.report.figures import data_address
from gans.report.templates import template
from gans.runs.files import RunFiles
from gans.words import mark, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTIONS = {
    "intervals": mark("Means with intervals of 95% over training seeds; small points are seeds."),
    "improvement": mark("The chance that a run of the first variant is better, with its interval of 95%."),
    "ranks": mark("Mean ranks; a bar joins variants that cannot be told apart."),
    "quality_against_time": mark(
        "Held-out score against the seconds of training: median of seeds, from least to most."
    ),
    "quality_against_steps": mark("Held-out score against the steps: median over seeds, from least to most."),
}


def render_page(comparison: Comparison, figures: Mapping[str, "Figure"], folder: Path) -> str:
    """The page as HTML, to lie in `folder`."""
    numbers = {key: place for place, key in enumerate(comparison.runs)}
    metrics = [
        {
            "title": metric.title,
            "way": tables.way(metric),
            "rows": [
                (row[0], [(text.strip("*"), text.startswith("**"), numbers[row[0], table])
                          for text, table in zip(row[1:-1], comparison.data, strict=True)], row[-1])
                for row in tables.metric_rows(comparison, metric)
            ],
            "pairs": tables.pair_rows(comparison, metric),
            "ranks": tables.rank_rows(comparison, metric),
            "rank_note": tables.rank_note(metric),
            "variance": tables.variance_rows(comparison, metric),
        }
        for metric in comparison.metrics
    ]  # fmt: skip
    runs = [
        {
            "number": numbers[key],
            "title": say("{name} on {data}", name=key[0], data=key[1]),
            "runs": [
                {
                    "name": Path(run.source).name,
                    "status": run.status,
                    "seeds": ", ".join(map(str, run.seeds)),
                    "steps": f"{run.steps:,}",
                    "seconds": f"{run.seconds:,.0f}",
                    "links": _links(run.source, folder),
                }
                for run in every
            ],
        }
        for key, every in comparison.runs.items()
    ]
    images = {name: (say(CAPTIONS[name]), data_address(figure)) for name, figure in figures.items()}
    return template("comparison.html.jinja").render(
        found=comparison,
        winner=tables.winner_sentence(comparison),
        metrics=metrics,
        runs=runs,
        images=images,
        heads=tables,
        cells=tables.CELLS,
    )


def _links(source: str, folder: Path) -> list[tuple[str, str]]:
    """What a run has to show, as (text, address) seen from `folder`."""
    if "://" in source:
        return [(say("run"), source), (say("config"), f"{source}/overview")]
    files = RunFiles(Path(source))
    known = {mark("report"): files.report, mark("config"): files.config, mark("evaluation"): files.evaluation}
    return [(say(text), quote(os.path.relpath(path, folder))) for text, path in known.items() if path.is_file()]
