"""Does a run on few rows gain by beginning with a run on many rows of another group?

    python experiments/transfer/study.py data.root=FOLDER gap=FILE [KEY=VALUE ...]

  data.root   folder of adult.parquet and adult_test.parquet
  gap         a program: gap.py TRAIN SYNTHETIC TEST --name TABLE prints JSON with score
  rows=100,300,1000   target rows: people of other countries than the United States, from whom the source run is made
  seeds=5     draws of these rows, and of the run
  methods     scratch,transfer,slow,replay,pooled
  source_steps=8000, steps=2000   of the source run, and of each other one
  runs, results       folders (experiments/transfer/runs, experiments/transfer)

What is done already is skipped; a row is written when it is measured.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from gans.cli.arguments import key_values, listed
from gans.cli.command import run_command
from gans.data.detection import detect, normalise
from gans.errors import UserError, in_range, one_of
from gans.evaluation.inputs import Tables
from gans.evaluation.published import shape_errors
from gans.files import write_table, write_text
from gans.tracking.log import set_up_log

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tabular")]

from jobs import append, read_rows  # noqa: E402
from judging import judged, predictive  # noqa: E402
from table import spread  # noqa: E402
from trainings import call  # noqa: E402

pc: Any = pyarrow.compute  # its functions are made at run time

GROUP, SOURCE = "native-country", "United-States"
METHODS: dict[str, tuple[str, ...]] = {
    "scratch": (),
    "transfer": ("transfer.run={source}",),
    "slow": ("transfer.run={source}", "transfer.rate=0.3", "transfer.anchor=0.001"),
    "replay": ("transfer.run={source}", "transfer.replay=0.3"),
    "pooled": (),
}
FIGURES = ("gap", "overfit", "auc", "shape")
COLUMNS = ("method", "rows", "seed", *FIGURES, "steps", "seconds")


def target_rows(table: pa.Table) -> pa.Table:
    """People of other countries; of those whose country is missing nothing is known."""
    country = table[GROUP]
    return table.filter(pc.and_(pc.is_valid(country), pc.not_equal(country, SOURCE)))


def source_rows(table: pa.Table) -> pa.Table:
    """People of the United States."""
    return table.filter(pc.equal(table[GROUP], SOURCE))


def measure(program: str, folder: Path, training: pa.Table, made: pa.Table, test: pa.Table) -> dict[str, float]:
    """gap.py's score against target rows that nobody trained on, AUC of a classifier of income, error of columns."""
    found = judged(program, folder / "judged", (training, made, test), "adult")
    sides = Tables(detect(test), training, made, test).sides
    shape = 100 * float(np.mean(list(shape_errors(sides["test"], sides["synthetic"]).values())))
    return {"gap": found["score"], "overfit": found["overfit"], "auc": predictive(made, test, "income"), "shape": shape}


def write_results(folder: Path) -> None:
    """TABLE.md from results.csv: means, and the difference to scratch over the same draws of rows."""
    rows = pd.read_csv(folder / "results.csv")
    lines = [
        "# Transfer study: figures",
        "",
        "Made by study.py from results.csv; see README.md. Mean +- sd over n draws.",
        "",
    ]
    lines += [
        "| rows | method | n | gap.py score | less scratch | overfit | AUC | shape, % | seconds |",
        "|" + "---|" * 9,
    ]
    scratch = rows[rows.method == "scratch"].set_index(["rows", "seed"]).gap
    for (count, method), cell in rows.groupby(["rows", "method"], sort=True):
        paired = cell.set_index(["rows", "seed"]).gap.sub(scratch).dropna()
        figures = [cell.gap, paired[:0] if method == "scratch" else paired, cell.overfit, cell.auc, cell["shape"]]
        shown = [spread(one.tolist(), 3) for one in figures]
        lines.append(f"| {count} | {method} | {len(cell)} | {' | '.join(shown)} | {cell.seconds.mean():.0f} |")
    write_text(folder / "TABLE.md", "\n".join(lines) + "\n")


def main() -> int:
    """Train the source, then each method on each draw of target rows; what has a row is skipped."""
    if not sys.argv[1:] or {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return 0
    keys = dict.fromkeys(("data.root", "gap", "rows", "methods", "runs", "results"), str)
    keys |= dict.fromkeys(("seeds", "steps", "source_steps"), int)
    given: dict[str, Any] = {"seeds": 5, "steps": 2_000, "source_steps": 8_000} | key_values(sys.argv[1:], keys)
    for key in ("seeds", "steps", "source_steps"):
        in_range(key, given[key], 1)
    for key in ("data.root", "gap"):
        if key not in given:
            raise UserError(f"{key} is not set; see python experiments/transfer/study.py --help.")
    methods: list[str] = listed(given.get("methods", ",".join(METHODS)))
    for method in methods:
        one_of("methods", method, tuple(METHODS))
    counts = [int(one) for one in listed(given.get("rows", "100,300,1000"))]
    runs, results = Path(given.get("runs", HERE / "runs")).resolve(), Path(given.get("results", HERE)).resolve()
    results.mkdir(parents=True, exist_ok=True)
    runs.mkdir(parents=True, exist_ok=True)
    whole, test = (
        normalise(pq.read_table(Path(given["data.root"]) / f"{name}.parquet")) for name in ("adult", "adult_test")
    )
    many, few, test = source_rows(whole), target_rows(whole), target_rows(test)
    source = runs / "source"
    if not (source / "summary.json").is_file():
        train(runs, source, many, 0, given["source_steps"], many.num_rows)
    for seed in range(given["seeds"]):
        order = np.random.default_rng(seed).permutation(few.num_rows)
        for count in counts:
            rows = few.take(order[:count])
            for method in methods:
                key = (method, str(count), str(seed))
                if any(tuple(row[k] for k in COLUMNS[:3]) == key for row in read_rows(results / "results.csv")):
                    continue
                folder, started = runs / "-".join(key), time.monotonic()
                overrides = [one.format(source=source) for one in METHODS[method]]
                learnt = pa.concat_tables([many, rows]) if method == "pooled" else rows
                made = train(runs, folder, learnt, seed, given["steps"], 5_000, *overrides)
                seconds = round(time.monotonic() - started, 1)
                found = measure(given["gap"], folder, rows, made, test)
                values = dict(zip(COLUMNS, key, strict=False)) | found | {"steps": given["steps"], "seconds": seconds}
                append(results / "results.csv", values, COLUMNS)
                print(*key, *(f"{name} {value:.4f}" for name, value in found.items()), f"{seconds} s", flush=True)
    write_results(results)
    return 0


def train(runs: Path, folder: Path, table: pa.Table, seed: int, steps: int, samples: int, *overrides: str) -> pa.Table:
    """A run of the flagship on a table; its rows."""
    file = runs / f"{folder.name}.parquet"
    write_table(file, table)
    arguments = [
        f"data.path={file}",
        f"seed={seed}",
        f"run_dir={folder}",
        "tracker.mode=disabled",
        f"samples={samples}",
    ]
    call("train", "+experiment=tabular", "data=table", f"trainer.steps={steps}", *arguments, *overrides)
    return pq.read_table(folder / "samples.parquet")


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
