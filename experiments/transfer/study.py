"""Does a run on few rows gain by beginning with a run on many rows?

    python experiments/transfer/study.py data.root=FOLDER gap=FILE [KEY=VALUE ...]

  data.root   folder of adult.parquet, adult_test.parquet, churn.parquet, shoppers.parquet and credit_default.parquet
  gap         a program: gap.py TRAIN SYNTHETIC TEST --name TABLE prints JSON with score
  cases=women,churn   women of Adult by a run on its men; customers of a bank by a run on another table
  rows=300,100,1000,3000,all   target rows
  methods     scratch, transfer, slow, replay, quick, pooled, smote; in churn scratch, shoppers, credit, matched
  seeds=5     draws of these rows, and of the run
  source_steps=8000, steps=1000   of a source run, and of each other one
  runs, results       folders (experiments/transfer/runs, experiments/transfer)

What is done already is skipped; a row is written when it is measured, and tables and figures after each.
"""

import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, WHOLE
from gans.data.detection import detect, normalise
from gans.errors import UserError, in_range, one_of
from gans.evaluation.inputs import Tables
from gans.evaluation.membership import Attacker, Split
from gans.evaluation.published import shape_errors
from gans.files import write_atomic, write_table, write_text

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tabular")]

from jobs import append, read_rows  # noqa: E402
from judging import judged, predictive  # noqa: E402
from table import spread  # noqa: E402
from trainings import call, train  # noqa: E402

pc: Any = pyarrow.compute  # its functions are made at run time

MADE = 5_000  # rows that are judged
UNSEEN = 1_000  # target rows at least that the attacks tell from those that were learned from
QUICK = 4  # times fewer steps
FIGURES = ("gap", "overfit", "attack", "auc", "shape")
COLUMNS = ("case", "method", "rows", "seed", *FIGURES, "steps", "seconds")
MATCHED = json.dumps({"Age": "AGE", "EstimatedSalary": "LIMIT_BAL", "Exited": "default payment next month"})


@dataclass
class Case:
    """Target rows, and what may be learned before.

    Attributes:
        table: as the judge and kinds.json call it.
        few: rows that target rows are drawn from.
        test: rows that nobody trains on.
        sources: tables of source runs by name.
        where: which rows of a run on both tables are target rows.
        methods: overrides by name; {NAME} is the run directory of a source.
    """

    table: str
    label: str
    few: pa.Table
    test: pa.Table
    sources: dict[str, pa.Table]
    where: str
    methods: dict[str, tuple[str, ...]]


def women(root: Path) -> Case:
    """Women of Adult, whom a run on men of Adult may help."""
    whole, test = (_read(root, name) for name in ("adult", "adult_test"))
    men, few, test = (
        table.filter(pc.equal(table["sex"], sex))
        for table, sex in ((whole, "Male"), (whole, "Female"), (test, "Female"))
    )
    replay = ("transfer.run={men}", "transfer.replay=0.9")
    methods = {
        "scratch": (),
        "transfer": ("transfer.run={men}",),
        "slow": ("transfer.run={men}", "transfer.rate=0.3", "transfer.anchor=0.001"),
        "replay": replay,
        "quick": replay,
        "pooled": (),
        "smote": (),
    }
    return Case("adult", "income", few, test, {"men": men}, "sex == 'Female'", methods)


def churn(root: Path) -> Case:
    """Customers of a bank, of whom half is kept for the judge, whom a run on another table may help."""
    whole = _read(root, "churn")
    order = np.random.default_rng(0).permutation(whole.num_rows)
    few, test = (whole.take(np.sort(part)) for part in np.array_split(order, 2))
    methods = {
        "scratch": (),
        "shoppers": ("transfer.run={shoppers}",),
        "credit": ("transfer.run={credit_default}",),
        "matched": ("transfer.run={credit_default}", f"transfer.columns={MATCHED}"),
    }
    sources = {name: _read(root, name) for name in ("shoppers", "credit_default")}
    return Case("churn", "Exited", few, test, sources, "", methods)


CASES = {"women": women, "churn": churn}


def _read(root: Path, name: str) -> pa.Table:
    return normalise(pq.read_table(root / f"{name}.parquet"))


def measure(program: str, folder: Path, case: Case, rows: pa.Table, unseen: pa.Table, made: pa.Table) -> dict[str, Any]:
    """gap.py's score on test rows and what of it is memory, the worst of eight attacks, a classifier, columns."""
    found = judged(program, folder / "judged", (rows, made, case.test), case.table)
    sides = Tables(detect(case.test), rows, made, case.test).sides
    shape = 100 * float(np.mean(list(shape_errors(sides["test"], sides["synthetic"]).values())))
    attacked = Tables(detect(case.few), rows, made, unseen)
    panel = Attacker(Split.draw(attacked, None)).attack(attacked.drawn("synthetic", None, 2))
    return {
        "gap": found["score"],
        "overfit": found["overfit"],
        "attack": max(groups["all"].auc[0] for groups in panel.values()),
        "auc": predictive(made, case.test, case.label),
        "shape": shape,
    }


def smote(rows: pa.Table, label: str, count: int) -> pa.Table:
    """Rows between neighbours of one class (SMOTENC, Chawla et al. 2002), as many of each class as there are."""
    from imblearn.over_sampling import SMOTENC

    frame = rows.to_pandas()
    names = [name for name in frame.columns if name != label]
    coded = [place for place, name in enumerate(names) if not pd.api.types.is_numeric_dtype(frame[name])]
    inputs = frame[names].copy()
    levels = {name: inputs[name].astype("category").cat.categories for name in (names[place] for place in coded)}
    for name in levels:
        inputs[name] = inputs[name].astype("category").cat.codes
    shares = frame[label].value_counts()
    wanted = {value: int(number + round(count * number / len(frame))) for value, number in shares.items()}
    sampler = SMOTENC(coded, sampling_strategy=wanted, random_state=0, k_neighbors=min(5, shares.min() - 1))
    result: Any = sampler.fit_resample(inputs, frame[label])
    made, goals = (part[len(frame) :].reset_index(drop=True) for part in result[:2])
    made[label] = goals
    for name in frame.columns:
        if name in levels:
            codes = made[name].round().astype(int)
            made[name] = [levels[name][code] if code >= 0 else None for code in codes]
        elif pd.api.types.is_integer_dtype(frame[name]):
            made[name] = made[name].round()
    return pa.Table.from_pandas(made[frame.columns.tolist()], rows.schema, preserve_index=False)


def make(case: Case, method: str, rows: pa.Table, seed: int, steps: int, folder: Path, sources: Path) -> pa.Table:
    """Rows of a method that learns from these."""
    if method == "smote":
        return smote(rows, case.label, MADE)
    overrides = list(case.methods[method])
    for name in case.sources:
        overrides = [one.replace(f"{{{name}}}", str(sources / name)) for one in overrides]
    if method == "quick":
        steps //= QUICK
    learned = pa.concat_tables([*case.sources.values(), rows]) if method == "pooled" else rows
    run(folder, learned, seed, steps, MADE, *overrides)
    if method != "pooled":
        return pq.read_table(folder / "samples.parquet")
    out = folder / "target.parquet"
    call("sample", f"run={folder}", f"n={MADE}", f"out={out}", f"where={case.where}", f"seed={seed}")
    return pq.read_table(out)


def run(folder: Path, table: pa.Table, seed: int, steps: int, samples: int, *overrides: str) -> None:
    """Train the flagship on a table, unless that is done."""
    file = folder.with_suffix(".parquet")
    write_table(file, table)
    train(
        folder,
        "+experiment=tabular",
        "data=table",
        f"data.path={file}",
        f"trainer.steps={steps}",
        f"seed={seed}",
        f"samples={samples}",
        *overrides,
    )


def write_results(folder: Path) -> None:
    """TABLE.md and figure.png: means, and the difference to scratch over the same draws of rows."""
    rows = pd.read_csv(folder / "results.csv")
    lines = ["# Transfer study: figures", ""]
    lines += ["Made by study.py from results.csv; see README.md. Mean +- sd over n draws.", ""]
    lines += [
        "| case | rows | method | n | gap.py score | less scratch | overfit | worst attack | AUC | shape, % | s |"
    ]
    lines += ["|" + "---|" * 11]
    keys = ["case", "rows", "seed"]
    scratch = rows[rows.method == "scratch"].set_index(keys).gap
    for name, make_case in CASES.items():
        del make_case
        own = rows[rows.case == name]
        for count in sorted(own.rows.unique()):
            here = own[own.rows == count]
            for method in here.method.unique():
                cell = here[here.method == method]
                paired = cell.set_index(keys).gap.sub(scratch).dropna()
                figures = [cell.gap, paired[:0] if method == "scratch" else paired, cell.overfit, cell.attack]
                shown = [spread(one.tolist(), 3) for one in (*figures, cell.auc, cell["shape"])]
                lines.append(
                    f"| {name} | {count:,} | {method} | {len(cell)} | {' | '.join(shown)} | {cell.seconds.mean():.0f} |"
                )
    write_text(folder / "TABLE.md", "\n".join(lines) + "\n")
    draw(rows, folder / "figure.png")


def draw(rows: pd.DataFrame, path: Path) -> None:
    """The score by the number of rows, a line a method, a point a draw."""
    from matplotlib.figure import Figure

    cases = [name for name in CASES if name in set(rows.case)]
    figure = Figure((4.2 * len(cases) + 1.2, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(cases), sharey=True, squeeze=False)[0], cases, strict=True):
        own = rows[rows.case == name]
        counts, methods = sorted(own.rows.unique()), list(dict.fromkeys(own.method))
        for place, method in enumerate(methods):
            here = own[own.method == method]
            means = here.groupby("rows").gap.mean()
            style = {"color": f"C{place}", "marker": "o", "markersize": 3, "alpha": 0.6, "linestyle": ""}
            if len(counts) == 1:  # side by side
                axes.plot([place] * len(here), here.gap, **style)
                continue
            axes.plot(means.index, means, color=f"C{place}", linewidth=1.2, label=method)
            axes.plot(here.rows, here.gap, **style)
        axes.set_title(name, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        if len(counts) == 1:
            axes.set_xticks(range(len(methods)), methods, fontsize=8)
            axes.set_xlim(-0.5, len(methods) - 0.5)
            axes.set_xlabel(f"{counts[0]:,} target rows", fontsize=9)
            continue
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts], fontsize=8)
        axes.minorticks_off()
        axes.set_xlabel("target rows", fontsize=9)
        axes.legend(frameon=False, fontsize=8)
    figure.axes[0].set_ylabel("gap.py score (1: cannot be told)", fontsize=9)
    write_atomic(path, lambda temporary: figure.savefig(temporary, dpi=150, format="png"))


@takes(
    Key("data.root", FOLDER, required=True),
    Key("gap", FILE, required=True),
    Key("cases", NAMES, default=list(CASES)),
    Key("rows", NAMES, default=["300", "100", "1000", "3000", "all"]),
    Key("methods", NAMES),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    *(Key(key, WHOLE, default=value) for key, value in {"seeds": 5, "steps": 1_000, "source_steps": 8_000}.items()),
    text=__doc__,
)
def main(data_root: str, cases: list[str], rows: list[str], **given: Any) -> int:
    """Train the sources, then each method on each draw of target rows; what has a row is skipped."""
    for key in ("seeds", "steps", "source_steps"):
        in_range(key, given[key], 1)
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    results.mkdir(parents=True, exist_ok=True)
    for name in cases:
        one_of("cases", name, tuple(CASES))
        case = CASES[name](Path(data_root))
        methods = list(case.methods) if given["methods"] is None else given["methods"]
        counts = [_rows(one, case) for one in rows]
        folder = runs / name
        folder.mkdir(parents=True, exist_ok=True)
        for source, table in case.sources.items():
            run(folder / source, table, 0, given["source_steps"], MADE)
        for count in counts:
            for seed in range(given["seeds"]):
                for method in methods:
                    one_of("methods", method, tuple(case.methods))
                    one_cell(given, case, name, method, count, seed, folder, results)
    return 0


def _rows(text: str, case: Case) -> int:
    if text == "all":
        return case.few.num_rows
    if not text.isdigit() or not 10 <= int(text) <= case.few.num_rows:
        raise UserError(f"rows={text}: numbers from 10 to {case.few.num_rows:,}, or all.")
    return int(text)


def one_cell(
    given: dict[str, Any], case: Case, name: str, method: str, count: int, seed: int, folder: Path, results: Path
) -> None:
    """Train, judge and write a row, unless it is there."""
    key = (name, method, str(count), str(seed))
    if key in {tuple(row[column] for column in COLUMNS[:4]) for row in read_rows(results / "results.csv")}:
        return
    order = np.random.default_rng(seed).permutation(case.few.num_rows)
    rows, rest = case.few.take(order[:count]), case.few.take(order[count : count + 2 * max(count, UNSEEN)])
    own, started = folder / f"{method}-{count}-{seed}", time.monotonic()
    made = make(case, method, rows, seed, given["steps"], own, folder)
    seconds = round(time.monotonic() - started, 1)
    found = measure(given["gap"], own, case, rows, rest if rest.num_rows >= UNSEEN else case.test, made)
    found = {figure: round(value, 5) for figure, value in found.items()}
    steps = given["steps"] // QUICK if method == "quick" else 0 if method == "smote" else given["steps"]
    append(
        results / "results.csv",
        dict(zip(COLUMNS, key, strict=False)) | found | {"steps": steps, "seconds": seconds},
        COLUMNS,
    )
    print(*key, *(f"{figure} {value:.4f}" for figure, value in found.items()), f"{seconds} s", flush=True)
    shutil.rmtree(own, ignore_errors=True)
    write_results(results)


if __name__ == "__main__":
    main_command(main.run)
