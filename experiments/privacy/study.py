"""What a guarantee costs: private rows beside independent columns, others' methods, and no privacy at all.

    python experiments/privacy/study.py data.root=FOLDER [KEY=VALUE ...]

  data.root          folder of adult.parquet, adult_test.parquet and credit_default.parquet
  tables             adult,credit_default
  epsilons           .5,1,3,10, at delta 1e-5
  seeds=5            of each
  methods            dp_marginals,dp_gan,pate_gan,independent; tabular, the flagship without privacy (epsilon inf);
                     and mst,aim,dpctgan,patectgan with smartnoise_python
  smartnoise_python  the Python of an environment of its own that has smartnoise-synth (MIT)
  aim_megabytes=80   of AIM's model; the fewer, the faster and the worse
  gap                a program: gap.py TRAIN SYNTHETIC TEST --name TABLE prints JSON with score
  runs, results      folders (experiments/privacy/runs, experiments/privacy)

Every method is given the same cells, those of the declared domain: others' methods see their numbers, ours its table.
What is done already is skipped; a row is written when it is measured.
"""

import dataclasses
import math
import subprocess
import sys
import time
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, WHOLE
from gans.data.codecs import FittedCodec
from gans.data.detection import normalise
from gans.data.domain import SHIPPED, Domain
from gans.data.layout import Encoded
from gans.errors import UserError, in_range, one_of
from gans.files import write_atomic, write_table, write_text
from gans.privacy.entry import scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.rows import PrivateRows
from gans.report.figures import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tabular")]

from jobs import append, read_rows, split  # noqa: E402
from judging import boosted_auc, judged  # noqa: E402
from table import spread  # noqa: E402
from trainings import call  # noqa: E402

TARGET = {"adult": "income", "credit_default": "default payment next month"}
PRIVATE = ("dp_marginals", "dp_gan", "pate_gan")
OPEN = "tabular"  # the flagship, which promises nothing
OURS, OTHERS = (*PRIVATE, "independent"), ("mst", "aim", "dpctgan", "patectgan")
DELTA = 1e-5
FIGURES = {"tv1": "1-way TVD", "tv2": "2-way TVD", "tv3": "3-way TVD", "auc": "AUC", "gap": "gap.py score"}
COLUMNS = ("data", "method", "epsilon", "seed", *FIGURES, "auc_real", "seconds")
SHOWN = {  # numbers of which distributions are drawn, and one whose cells have a rate of the target
    "adult": ("age", "hours-per-week", "education"),
    "credit_default": ("AGE", "LIMIT_BAL", "PAY_0"),
}
PICTURED = ("dp_marginals", "dp_gan")
REAL = "#b9c4cd"
COLORS = {
    "dp_marginals": "#d4692a",
    "dp_gan": "#3d6c99",
    "pate_gan": "#8b5fa8",
    "independent": "#8a949d",
    "mst": "#4f8a5b",
    "aim": "#1f1f1f",
    "dpctgan": "#b3402f",
    "patectgan": "#c9a227",
}


class Sides:
    """The training and the test rows of a table, and their cells [rows, columns] in the order of the columns."""

    def __init__(self, name: str, root: Path) -> None:
        whole = normalise(pq.read_table(root / f"{name}.parquet"))
        if name == "adult":
            self.training, self.test = whole, normalise(pq.read_table(root / "adult_test.parquet"))
        else:
            self.training, self.test = (whole.take(places) for places in split(whole.num_rows))
        self.name, self.domain = name, plain(Domain.read(SHIPPED / f"{name}.yaml"))
        self.codec: FittedCodec = self.domain.codec()
        self.names = [column.name for column in self.domain.modelled]
        self.codes = [fitted.code for fitted in self.codec.columns]
        self.sizes = [fitted.cardinality for fitted in self.codec.columns]
        self.cells, self.test_cells = self.cells_of(self.training), self.cells_of(self.test)

    def cells_of(self, table: pa.Table) -> np.ndarray:
        """The declared cells of a table."""
        return self.domain.encode(table, self.codec).codes[:, self.codes]

    def table_of(self, cells: np.ndarray) -> pa.Table:
        """Rows whose numbers lie anywhere in their cells."""
        codes = np.zeros_like(cells)
        codes[:, self.codes] = cells
        shape = (len(cells), self.codec.layout.scalars)
        within = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        return self.codec.decode(Encoded(within, codes))


def plain(domain: Domain) -> Domain:
    """Without columns that follow from others, which the other methods do not know of."""
    columns = [dataclasses.replace(column, follows="", values={}, equals="") for column in domain.columns]
    return Domain(columns, domain.source)


def total_variation(sides: Sides, cells: np.ndarray, ways: int) -> float:
    """Mean over all sets of so many columns of half the L1 distance of their shares, to the training rows."""
    distances = []
    for columns in map(list, combinations(range(len(sides.sizes)), ways)):
        sizes = [sides.sizes[column] for column in columns]
        real, made = (
            np.bincount(np.ravel_multi_index(tuple(rows[:, columns].T), sizes), minlength=int(np.prod(sizes)))
            / len(rows)
            for rows in (sides.cells, cells)
        )
        distances.append(np.abs(real - made).sum() / 2)
    return float(np.mean(distances))


def predictive(sides: Sides, cells: np.ndarray) -> float:
    """AUC on the cells of test rows of boosted trees trained on the cells of synthetic rows."""
    place = sides.names.index(TARGET[sides.name])
    (features, label), test = ((np.delete(rows, place, axis=1), rows[:, place]) for rows in (cells, sides.test_cells))
    return boosted_auc(features, label, *test)


def independent(sides: Sides, epsilon: float, seed: int) -> np.ndarray:
    """Cells of rows whose columns are drawn by themselves: the whole budget goes to the counts of single columns."""
    ledger = Ledger(epsilon, DELTA)
    rows = PrivateRows(sides.cells, sides.sizes, sides.names, ledger)
    rng, out = np.random.default_rng(seed), []
    for column, size in enumerate(sides.sizes):
        counts = np.maximum(rows.one_way(column, scale_of(ledger.rho / len(sides.sizes))), 0)
        shares = counts / counts.sum() if counts.sum() else np.full(size, 1 / size)
        out.append(rng.choice(size, len(sides.cells), p=shares))
    return np.stack(out, axis=1)


def make(sides: Sides, method: str, epsilon: float, seed: int, folder: Path, given: dict[str, Any]) -> pa.Table:
    """Synthetic rows of a method, which are kept in a folder; as many as there are training rows."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    source = f"{folder.parent}/{sides.name}.parquet"
    write_table(Path(source), sides.training)
    if method == OPEN:
        arguments = [f"data.path={source}", f"seed={seed}", f"run_dir={folder}", "tracker.mode=disabled"]
        call("train", f"+experiment={OPEN}", "data=table", *arguments, f"samples={sides.training.num_rows}")
        return pq.read_table(folder / "samples.parquet")
    if method in PRIVATE:
        declared = folder.parent / f"{sides.name}.yaml"
        sides.domain.write(declared)
        arguments = [f"data.path={source}", f"privacy.domain={declared}", f"privacy.epsilon={epsilon:g}"]
        arguments += [f"privacy.delta={DELTA:g}", f"seed={seed}", f"run_dir={folder}", "tracker.mode=disabled"]
        call("train", f"+experiment={method}", "data=table", *arguments, f"samples={sides.training.num_rows}")
        return pq.read_table(folder / "samples.parquet")
    folder.mkdir(exist_ok=True)
    if method == "independent":
        return sides.table_of(independent(sides, epsilon, seed))
    cells = folder / "cells.csv"
    pd.DataFrame(sides.cells, columns=[f"c{place}" for place in range(len(sides.names))]).to_csv(cells, index=False)
    arguments = [
        str(HERE / "smartnoise.py"),
        str(cells),
        method,
        f"{epsilon:g}",
        f"{DELTA:g}",
        str(folder / "made.csv"),
        *([f"max_model_size={given['aim_megabytes']}", "verbose=1"] if method == "aim" else []),
    ]
    subprocess.run([given["smartnoise_python"], *arguments], check=True)
    return sides.table_of(pd.read_csv(folder / "made.csv").to_numpy())


def measure(sides: Sides, table: pa.Table, folder: Path, given: dict[str, Any]) -> dict[str, float]:
    """The figures of synthetic rows."""
    cells, real = sides.cells_of(table), predictive(sides, sides.cells)
    out: dict[str, Any] = {f"tv{ways}": total_variation(sides, cells, ways) for ways in (1, 2, 3)}
    out |= {"auc": predictive(sides, cells), "gap": "", "auc_real": real}
    if given["gap"] is not None:
        into = folder.with_name(f"{folder.name}-judged-not-private")
        out["gap"] = judged(given["gap"], into, (sides.training, table, sides.test), sides.name)["score"]
    return out


def write_results(folder: Path) -> None:
    """TABLE.md and figure.png from results.csv."""
    rows = pd.read_csv(folder / "results.csv")
    lines = [
        "# Privacy study: figures",
        "",
        "Made by study.py from results.csv; see README.md. Mean +- sd over n seeds.",
        "",
    ]
    for name, group in rows.groupby("data", sort=False):
        lines += [f"## {name}", "", f"AUC of real rows: {group.auc_real.mean():.3f}.", ""]
        lines += ["| epsilon | method | n | " + " | ".join(FIGURES.values()) + " | seconds |", "|" + "---|" * 9]
        for (epsilon, method), cell in group.groupby(["epsilon", "method"], sort=True):
            shown = [spread(cell[key].dropna().tolist(), 4) for key in FIGURES]
            lines.append(f"| {epsilon:g} | {method} | {len(cell)} | {' | '.join(shown)} | {cell.seconds.mean():.0f} |")
        lines.append("")
    write_text(folder / "TABLE.md", "\n".join(lines))
    figure = draw(rows)
    write_atomic(folder / "figure.png", lambda path: path.write_bytes(render(figure, "png")))


def draw_rows(sides: Sides, runs: Path, epsilons: list[float], path: Path) -> None:
    """Real against synthetic rows at each epsilon, of the first seed: two columns, and the target's rate by a third."""
    from matplotlib.figure import Figure

    *numbers, by = SHOWN[sides.name]
    made = {}
    for epsilon, method in product(epsilons, PICTURED):
        file = runs / f"{sides.name}-{method}-{epsilon:g}-0" / "samples.parquet"
        if file.is_file():
            made[epsilon, method] = pq.read_table(file)
    if not made:
        return
    figure = Figure(figsize=(9.6, 2.3 * len(epsilons)), layout="constrained")
    axes = figure.subplots(len(epsilons), len(numbers) + 1, squeeze=False)
    target, place = sides.names.index(TARGET[sides.name]), sides.names.index(by)
    positive = sides.sizes[target] - 1
    for row, epsilon in enumerate(epsilons):
        tables = {"real": sides.training} | {m: made[epsilon, m] for m in PICTURED if (epsilon, m) in made}
        for column, name in enumerate(numbers):
            real = sides.training[name].to_numpy()
            low, high = np.quantile(real, [0.0, 0.995])
            edges = np.arange(low - 0.5, high + 1) if high - low < 100 else np.linspace(low, high, 60)
            for label, table in tables.items():
                shares = np.histogram(table[name].to_numpy(), edges)[0] / table.num_rows
                axes[row, column].plot(
                    (edges[1:] + edges[:-1]) / 2,
                    100 * shares,
                    drawstyle="steps-mid",
                    lw=2.5 if label == "real" else 1,
                    color=COLORS.get(label, REAL),
                    label=label,
                )
            axes[row, column].set_title(f"{name}, epsilon {epsilon:g}", fontsize=9)
            axes[row, column].set_ylabel("% of rows", fontsize=8)
        for label, table in tables.items():
            cells = sides.cells_of(table)
            rows = np.bincount(cells[:, place], minlength=sides.sizes[place])
            hits = np.bincount(cells[:, place], cells[:, target] == positive, sides.sizes[place])
            rate = np.where(rows > 20, 100 * hits / np.maximum(rows, 1), np.nan)
            axes[row, -1].plot(
                rate, marker="o", ms=3, lw=2.5 if label == "real" else 1, color=COLORS.get(label, REAL), label=label
            )
        level = sides.codec[TARGET[sides.name]].levels[positive]
        axes[row, -1].set_title(f"% of {TARGET[sides.name]} {level} by {by}", fontsize=9)
        words = list(sides.codec[by].levels)
        axes[row, -1].set_xticks(range(len(words)), words, rotation=90, fontsize=6)
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(labelsize=6)
    axes[0, 0].legend(frameon=False, fontsize=8)
    write_atomic(path, lambda path: path.write_bytes(render(figure, "png")))


def draw(rows: pd.DataFrame) -> "Figure":
    """Figures of each method over epsilon, a row for each table."""
    from matplotlib.figure import Figure

    names, shown = list(rows.data.unique()), ("tv1", "tv2", "auc")
    figure = Figure(figsize=(9.6, 2.9 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), len(shown), squeeze=False)
    methods = [method for method in (*OURS, *OTHERS) if method in set(rows.method)]
    for row, name in enumerate(names):
        here = rows[(rows.data == name) & np.isfinite(rows.epsilon)]
        for column, key in enumerate(shown):
            one = axes[row, column]
            for method in methods:
                cells, color = here[here.method == method].groupby("epsilon")[key], COLORS[method]
                mean = cells.mean()
                one.errorbar(mean.index, mean, cells.std(), marker="o", ms=4, color=color, label=method)
            if key == "auc":
                one.axhline(here.auc_real.mean(), color="#44505c", lw=1, ls=":", label="real rows")
            one.set_xscale("log")
            if key != "auc":
                one.set_yscale("log")
            one.set_xticks(sorted(here.epsilon.unique()), [f"{e:g}" for e in sorted(here.epsilon.unique())])
            one.minorticks_off()
            one.set_title(f"{name}: {FIGURES[key]}", fontsize=9)
            one.spines[["top", "right"]].set_visible(False)
            one.set_xlabel("epsilon", fontsize=8)
    axes[0, -1].legend(frameon=False, fontsize=8)
    return figure


@takes(
    Key("data.root", FOLDER, required=True),
    Key("tables", NAMES, default=list(TARGET)),
    Key("epsilons", NAMES, default=[".5", "1", "3", "10"]),
    Key("methods", NAMES, default=list(OURS)),
    Key("smartnoise_python", FILE),
    Key("gap", FILE),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("seeds", WHOLE, default=5),
    Key("aim_megabytes", WHOLE, default=80),
    text=__doc__,
)
def main(data_root: str, tables: list[str], methods: list[str], **given: Any) -> int:
    """Make, measure, write; what has a row is skipped."""
    in_range("seeds", given["seeds"], 1)
    in_range("aim_megabytes", given["aim_megabytes"], 1)
    for method in methods:
        one_of("methods", method, (*OURS, OPEN, *OTHERS))
    if set(methods) & set(OTHERS) and given["smartnoise_python"] is None:
        raise UserError(f"methods={','.join(methods)}: smartnoise_python is not set.")
    for name in tables:
        one_of("tables", name, tuple(TARGET))
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    results.mkdir(parents=True, exist_ok=True)
    file = results / "results.csv"
    epsilons = [float(one) for one in given["epsilons"]]
    asked = [(epsilon, method) for epsilon in epsilons for method in methods if method != OPEN]
    asked += [(math.inf, OPEN)] * (OPEN in methods)
    for seed in range(given["seeds"]):
        for name in tables:
            sides = Sides(name, Path(data_root))
            for epsilon, method in asked:
                key = (name, method, f"{epsilon:g}", str(seed))
                if any(tuple(row[k] for k in COLUMNS[:4]) == key for row in read_rows(file)):
                    continue
                folder = runs / "-".join(key)
                started = time.monotonic()
                table = make(sides, method, epsilon, seed, folder, given)
                seconds = round(time.monotonic() - started, 1)
                found = measure(sides, table, folder, given)
                append(file, dict(zip(COLUMNS, key, strict=False)) | found | {"seconds": seconds}, COLUMNS)
                print(*key, *(f"{k} {v:.4f}" for k, v in found.items() if v != ""), f"{seconds} s", flush=True)
    for name in tables:
        draw_rows(Sides(name, Path(data_root)), runs, epsilons, results / f"{name}.png")
    write_results(results)
    return 0


if __name__ == "__main__":
    main_command(main.run)
