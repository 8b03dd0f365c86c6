"""Realism against memory: what each strength of the refinement gains on unseen rows, and what it remembers.

    python experiments/refinement/study.py data.root=FOLDER [KEY=VALUE ...]

  data.root  folder of adult.parquet, credit_default.parquet, shoppers.parquet and churn.parquet
  tables     some of the four, as in tables=adult,churn
  seeds=1    training seeds of each table
  steps      of a training; those of +experiment=tabular unless given
  draws=2    synthetic tables of each setting
  runs       folder for tables and run directories (experiments/refinement/runs)
  results    folder for results.csv, TABLE.md and frontier.png (experiments/refinement)

A fifth of each table is set aside: no generator and no refinement sees it, and it is what "unseen" means here. Rows on
which experiments/tabular tests are taken out before. What is done already is skipped.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, NAMES, WHOLE
from gans.data.detection import normalise
from gans.errors import in_range, one_of
from gans.evaluation.inputs import read_sides
from gans.evaluation.suite import evaluate
from gans.files import write_atomic, write_table, write_text
from gans.refinement.boosted import Boosted
from gans.report.figures import render
from gans.runs.saved import SavedRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tabular")]

from jobs import TABLES, append, read_rows, split  # noqa: E402
from trainings import train  # noqa: E402

ASIDE = 0.2
ADDED = 0.02  # of overfit that refinement may add to the generator's own
UNREFINED = "none"
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
SETTINGS: dict[str, dict[str, Any]] = {
    UNREFINED: {},
    **{f"strength={strength:g}": {"strength": strength} for strength in STRENGTHS},
    **{f"depth={depth}": {"depth": depth} for depth in (2, 3, 4)},
    "depth=8 leaf=5 learning_rate=.1": {"depth": 8, "leaf": 5, "learning_rate": 0.1},
}
FIGURES = {
    "score": "unseen_score",
    "overfit": "unseen_overfit",
    "columns": "unseen_columns",
    "joint": "unseen_joint",
    "attack": "membership_worst_auc",
}
COLUMNS = ("data", "seed", "setting", "draw", *FIGURES)


def set_aside(name: str, root: Path, runs: Path) -> tuple[Path, Path]:
    """Write the rows to learn from and the unseen ones, once; test rows of experiments/tabular are in neither."""
    fit, unseen = runs / "tables" / f"{name}.parquet", runs / "unseen" / f"{name}.parquet"
    if not unseen.is_file():
        table = pq.read_table(root / f"{name}.parquet")
        training = np.arange(table.num_rows) if name == "adult" else split(table.num_rows)[0]
        order = np.random.default_rng(0).permutation(training)
        aside = round(ASIDE * len(order))
        for path, places in ((fit, order[aside:]), (unseen, order[:aside])):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_table(path, table.take(pa.array(places)))
    return fit, unseen


def measure(folder: Path, unseen: Path, draws: int, done: set[tuple[str, str]]) -> Iterable[dict[str, Any]]:
    """A row for each setting and draw that is not done yet: what the judge says, of the first draw the attacks, too."""
    saved = SavedRun.open(folder)
    training, other = saved.table()[0], normalise(pq.read_table(unseen))
    sampler = saved.sampler()
    real = sampler.codec.encode(training, saved.run.data.split_seed)
    for setting, overrides in SETTINGS.items():
        if not (left := [draw for draw in range(draws) if (setting, str(draw)) not in done]):
            continue
        sampler.refinement = None
        if setting != UNREFINED:
            sampler.refine(Boosted(**overrides), real, saved.run.seed)
        for draw in left:
            tables = read_sides(saved.schema, training, sampler.sample(training.num_rows, draw), other)
            only = ["unseen", "membership"] if draw == 0 else ["unseen"]
            found = evaluate(tables, only=only).scores
            yield {"setting": setting, "draw": draw} | {
                key: round(found[name].value, 4) if name in found else "" for key, name in FIGURES.items()
            }


def means(rows: list[dict[str, str]]) -> dict[str, dict[str, dict[str, float]]]:
    """Table -> setting -> figure -> its mean over seeds and draws."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for data in dict.fromkeys(row["data"] for row in rows):
        for setting in SETTINGS:
            own = [row for row in rows if (row["data"], row["setting"]) == (data, setting)]
            if own:
                out.setdefault(data, {})[setting] = {
                    key: float(np.mean([float(row[key]) for row in own if row[key]])) for key in FIGURES
                }
    return out


def chosen(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """The setting with the best mean score among those that add at most ADDED to the generator's overfit."""

    def mean(setting: str, figure: str) -> float:
        return float(np.mean([by[setting][figure] for by in found.values()]))

    own = mean(UNREFINED, "overfit")
    allowed = [name for name in next(iter(found.values())) if mean(name, "overfit") - own <= ADDED]
    return max(allowed, key=lambda name: mean(name, "score"))


def write_results(folder: Path) -> None:
    """TABLE.md and frontier.png, from results.csv."""
    found = means(read_rows(folder / "results.csv"))
    complete = {data: by for data, by in found.items() if set(by) == set(SETTINGS)}
    lines = [
        "# Realism against memory, by setting of the refinement",
        "",
        "Score: 2 (1 - AUC) of boosted trees against unseen rows (1: cannot be told). Overfit: the score against "
        "training rows less this one. Attack: AUC of the worst of eight membership attacks (.5: nobody can tell).",
        "",
    ]
    for data, by in found.items():
        lines += [f"## {data}", "", "| setting | score | overfit | by columns | by the joint | worst attack |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [
            f"| {name} | " + " | ".join(f"{value:.3f}" for value in one.values()) + " |" for name, one in by.items()
        ]
        lines += [""]
    if complete:
        lines += [
            f"The rule (the best mean score over {', '.join(complete)} among settings that add at most {ADDED:g} "
            f"to the generator's own overfit) gives **{chosen(complete)}**.",
            "",
        ]
    write_text(folder / "TABLE.md", "\n".join(lines))
    write_atomic(folder / "frontier.png", lambda path: path.write_bytes(render(frontier(found), "png")))


def frontier(found: dict[str, dict[str, dict[str, float]]]) -> "Figure":
    """Score against overfit, a panel for each table: the strengths as a line from 0 to 1, other settings as points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(found), 4.2), layout="constrained")
    panels = figure.subplots(1, len(found), squeeze=False)[0]
    markers = dict(zip((name for name in SETTINGS if not name.startswith("strength")), "sv^<D", strict=True))
    for axes, (data, by) in zip(panels, found.items(), strict=True):
        line = [by[name] for strength in STRENGTHS if (name := f"strength={strength:g}") in by]
        axes.plot([one["overfit"] for one in line], [one["score"] for one in line], ".-", color="#d4692a",
                  label="strength 0 to 1 (circle: 1)")  # fmt: skip
        if "strength=1" in by:
            axes.plot(by["strength=1"]["overfit"], by["strength=1"]["score"], "o", color="#d4692a", markersize=10)
        for name, marker in markers.items():
            if name in by:
                words = "unrefined" if name == UNREFINED else name
                axes.plot(by[name]["overfit"], by[name]["score"], marker, color="#3d6c99", label=words, linestyle="")
        axes.set_title(data)
        axes.set_xlabel("overfit (0 is best)")
        axes.margins(0.1)
    panels[0].set_ylabel("score against unseen rows (1 is best)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    return figure


@takes(
    Key("data.root", FOLDER, required=True),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("tables", NAMES, default=list(TABLES)),
    Key("seeds", WHOLE, default=1),
    Key("draws", WHOLE, default=2),
    Key("steps", WHOLE),
    text=__doc__,
)
def main(data_root: str, tables: list[str], steps: int | None, **given: Any) -> int:
    """Set aside, train, refine by each setting, judge; then the table and the figure."""
    for key, number in (("seeds", given["seeds"]), ("draws", given["draws"]), ("steps", steps)):
        if number is not None:
            in_range(key, number, 1)
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    for name in tables:
        one_of("tables", name, TABLES)
    results.mkdir(parents=True, exist_ok=True)
    file = results / "results.csv"
    more = [] if steps is None else [f"trainer.steps={steps}"]
    for seed in range(given["seeds"]):
        for name in tables:
            fit, unseen = set_aside(name, Path(data_root), runs)
            there = [row for row in read_rows(file) if (row["data"], row["seed"]) == (name, str(seed))]
            done = {(row["setting"], row["draw"]) for row in there}
            if len(done) >= len(SETTINGS) * given["draws"]:
                continue
            folder = runs / f"{name}-{seed}"
            where = f"data={name}", f"data.root={fit.parent}"
            train(folder, "+experiment=tabular", *where, "refine=none", f"seed={seed}", *more)
            for row in measure(folder, unseen, given["draws"], done):
                append(file, {"data": name, "seed": seed} | row, COLUMNS)
                print(name, seed, *row.values(), flush=True)
    write_results(results)
    return 0


if __name__ == "__main__":
    main_command(main.run)
