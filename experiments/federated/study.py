"""Do sites that share no row reach what their rows together would give?

    python experiments/federated/study.py data.root=FOLDER gap=FILE [KEY=VALUE ...]

  data.root   folder of adult.parquet and adult_test.parquet
  gap         a program: gap.py TRAIN SYNTHETIC TEST --name TABLE prints JSON with score
  cases=equal,largest,education,income,repeated   how the rows are dealt to five sites
  methods     central, restarts (central, its optimisers reset as often), local, uniform, size, fed_tgan, generator,
              fedprox, averaged (size, moments averaged)
  seeds=5     deals of the rows, and of the run; first=0 is the first
  rounds=30, local_steps=50
  runs, results       folders (experiments/federated/runs, experiments/federated)

What is done already is skipped; a row is written when it is measured.
"""

import dataclasses
import logging
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, WHOLE
from gans.config.compose import compose
from gans.data.detection import normalise
from gans.errors import in_range, one_of
from gans.federated.arrays import arrays_of
from gans.federated.messages import import_flower
from gans.federated.run import agree, federate, settled
from gans.federated.server import Sites
from gans.federated.settings import Federation
from gans.files import write_table, write_text
from gans.runs.files import RunFiles

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tabular")]

from jobs import append, read_rows  # noqa: E402
from judging import judged, predictive  # noqa: E402
from table import spread  # noqa: E402

CASES = ("equal", "largest", "education", "income", "repeated")
METHODS: dict[str, dict[str, Any]] = {
    "central": {"moments": "averaged"},
    "restarts": {"moments": "reset"},
    "local": {},
    "uniform": {"weights": "uniform"},
    "size": {"weights": "size"},
    "fed_tgan": {"weights": "fed_tgan"},
    "generator": {"weights": "size", "share": "generator"},
    "fedprox": {"weights": "size", "strategy": "fedprox"},
    "averaged": {"weights": "size", "moments": "averaged"},
}
FIGURES = ("gap", "auc", "jsd", "wd")
COLUMNS = ("case", "method", "seed", *FIGURES, "mib", "seconds")
SITES = 5
POOLED = ("central", "restarts")
SMALL = (
    "+experiment=tabular",
    "network.width=96",
    "network.discriminator_width=128",
    "trainer.batch_size=128",
    "trainer.metrics=[fidelity]",
    "trainer.best=last",
    "refine=none",
    "data.relations=[]",
    "tracker.mode=disabled",
    "samples=16000",
)


def dealt(table: pa.Table, case: str, seed: int) -> list[pa.Table]:
    """The rows of each site."""
    rng, rows = np.random.default_rng([seed, CASES.index(case)]), table.num_rows
    if case in ("education", "income"):  # a Dirichlet draw of .1 says how the rows of a level go to the sites
        level = table[case].to_pandas().astype("category").cat.codes.to_numpy()
        shares = rng.dirichlet([0.1] * SITES, size=level.max() + 1)
        site = np.array([rng.choice(SITES, p=shares[code]) for code in level])
        for place in range(SITES):  # each site has 200 rows of any level at least
            site[rng.choice(rows, 200, replace=False)] = place
    else:
        share = [0.8, *[0.05] * 4] if case == "largest" else [1 / SITES] * SITES
        site = np.repeat(np.arange(SITES), np.diff(np.round(np.cumsum([0, *share]) * rows).astype(int)))
        rng.shuffle(site)
    tables = [table.filter(pa.array(site == place)) for place in range(SITES)]
    if case == "repeated":
        tables[-1] = tables[-1].take(pa.array(np.zeros(tables[-1].num_rows, int)))
    return tables


def measure(program: str, folder: Path, training: pa.Table, made: pa.Table, test: pa.Table) -> dict[str, float]:
    """gap.py's score and AUC of a classifier of income on rows that nobody trained on; Avg_JSD and Avg_WD of columns.

    The last two as Fed-TGAN has them (arXiv:2108.07927, section 5.1), against test rows: Jensen-Shannon divergence in
    base 2 of categories, Wasserstein distance of numbers scaled to [0, 1] by the real ones.
    """
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import wasserstein_distance

    found = judged(program, folder, (training, made, test), "adult")
    real, fake = test.to_pandas(), made.to_pandas()
    apart, far = [], []
    for name in real.columns:
        if pd.api.types.is_numeric_dtype(real[name]):
            low, high = real[name].min(), real[name].max()
            far.append(wasserstein_distance((real[name] - low) / (high - low), (fake[name] - low) / (high - low)))
            continue
        shares = pd.concat(
            [side[name].astype("string").fillna("").value_counts(normalize=True) for side in (real, fake)], axis=1
        )
        apart.append(float(jensenshannon(*shares.fillna(0).to_numpy(float).T, 2)) ** 2)
    figures = {"gap": found["score"], "auc": predictive(made, test, "income")}
    return figures | {"jsd": float(np.mean(apart)), "wd": float(np.mean(far))}


def train(method: str, folder: Path, tables: list[pa.Table], seed: int, rounds: int, local_steps: int) -> Any:
    """Train by a method; the tables of what was generated (of `local` one a site), and MiB that the sites sent."""
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tables").mkdir(parents=True)
    if method in POOLED:
        tables = [pa.concat_tables(tables)]
    for place, table in enumerate(tables):
        write_table(folder / "tables" / f"site-{place}.parquet", table)
    run = compose([*SMALL, "data=sites", f"data.files='{folder}/tables/*.parquet'", f"seed={seed}"])
    federation = Federation(
        rounds=rounds, local_steps=local_steps, evaluate_every=rounds, sites=len(tables), **METHODS[method]
    )
    run = dataclasses.replace(run, run_dir=str(folder / "run"))
    if method != "local":
        result = federate(run, federation, lambda run: SimulatedGrid(simulated_sites(run)), show=False)
        return [pq.read_table(result.run_dir / "samples.parquet")], result.summary["bytes"] / 2**20
    run, files = settled(run, federation), RunFiles(folder / "run")
    files.checkpoints.mkdir(parents=True)
    grid = SimulatedGrid(simulated_sites(run))
    sites = Sites(grid, federation)
    agreed, _ = agree(run, federation, sites, files)
    sites.join(agreed)
    own = list(grid.sites.values())
    states = [site.begin_round(1, arrays_of(site.first, federation.shared)) for site in own]
    made = []
    for state, _ in grid.steps(states, rounds * local_steps):
        agreed.sampler.parameters = state.average
        made.append(agreed.sampler.sample(16_000, seed))
    return made, 0.0


def write_results(folder: Path) -> None:
    """TABLE.md and figure.png from results.csv: means, and the difference to `local` over the same deals."""
    rows = pd.read_csv(folder / "results.csv")
    head = "| case | method | n | gap.py score | less local | AUC | Avg_JSD | Avg_WD | MiB sent | seconds |"
    lines = [
        "# Federated study: figures",
        "",
        "Made by study.py from results.csv; see README.md. Mean +- sd over n deals.",
    ]
    lines += ["", head, "|" + "---|" * 10]
    local = rows[rows.method == "local"].set_index(["case", "seed"]).gap
    for case in [one for one in CASES if one in set(rows.case)]:
        for method in METHODS:
            here = rows.case.eq("equal" if method in POOLED else case)
            cell = rows[here & (rows.method == method)]
            if cell.empty:
                continue
            known = cell.assign(case=case).set_index(["case", "seed"]).gap
            paired = known.sub(local).dropna() if method != "local" else known[:0]
            shown = [spread(one.tolist(), 3) for one in (cell.gap, paired, cell.auc, cell.jsd, cell.wd)]
            tail = f"{cell.mib.mean():,.0f} | {cell.seconds.mean():.0f}"
            lines.append(f"| {case} | {method} | {len(cell)} | {' | '.join(shown)} | {tail} |")
    write_text(folder / "TABLE.md", "\n".join(lines) + "\n")
    draw(rows, folder / "figure.png")


def draw(rows: pd.DataFrame, path: Path) -> None:
    """The scores of each method in each case, a point a deal."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    cases = [one for one in CASES if one in set(rows.case)]
    methods = [one for one in METHODS if one not in POOLED]
    figure, axes = plt.subplots(1, len(cases), figsize=(2.6 * len(cases) + 1, 3.4), sharey=True, squeeze=False)
    middle = rows[rows.method == "central"].gap.mean()
    for axis, case in zip(axes[0], cases, strict=True):
        axis.axhline(middle, color="0.6", linewidth=1)
        for place, method in enumerate(methods):
            scores = rows[(rows.case == case) & (rows.method == method)].gap
            axis.plot([place] * len(scores), scores, "o", markersize=4, color=f"C{place}")
        axis.set_title(case, fontsize=10)
        axis.set_xticks(range(len(methods)), methods, rotation=60, ha="right", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("gap.py score (1: cannot be told)")
    last = axes[0][-1]
    where = {"transform": last.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    last.text(1, middle, "central", fontsize=8, color="0.4", **where)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)


NUMBERS = {"seeds": 5, "first": 0, "rounds": 30, "local_steps": 50}


@takes(
    Key("data.root", FOLDER, required=True),
    Key("gap", FILE, required=True),
    Key("cases", NAMES, default=list(CASES)),
    Key("methods", NAMES, default=list(METHODS)),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    *(Key(key, WHOLE, default=value) for key, value in NUMBERS.items()),
    text=__doc__,
)
def main(data_root: str, gap: str, cases: list[str], methods: list[str], **given: Any) -> int:
    """Train each method on each deal; what has a row is skipped."""
    for key in ("seeds", "rounds", "local_steps"):
        in_range(key, given[key], 1)
    for key, chosen, allowed in (("cases", cases, CASES), ("methods", methods, tuple(METHODS))):
        for one in chosen:
            one_of(key, one, allowed)
    import_flower()
    logging.getLogger("gans").setLevel(logging.WARNING)
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    results.mkdir(parents=True, exist_ok=True)
    whole, test = (normalise(pq.read_table(Path(data_root) / f"{name}.parquet")) for name in ("adult", "adult_test"))
    path = results / "results.csv"
    for seed in range(given["first"], given["first"] + given["seeds"]):
        for case in cases:
            for method in methods:
                case_ = "equal" if method in POOLED else case  # all rows, however they are dealt
                done = {(row["case"], row["method"], int(row["seed"])) for row in read_rows(path)}
                if (case_, method, seed) in done:
                    continue
                began, folder = time.monotonic(), runs / f"{case_}-{method}-{seed}"
                tables = dealt(whole, case_, seed)
                made, mib = train(method, folder, tables, seed, given["rounds"], given["local_steps"])
                seconds = time.monotonic() - began
                found = [measure(gap, folder / "judged", whole, one, test) for one in made]
                figures = {key: round(float(np.mean([one[key] for one in found])), 5) for key in FIGURES}
                row = {"case": case_, "method": method, "seed": seed, **figures, "mib": round(mib, 1)}
                append(path, row | {"seconds": round(seconds, 1)}, COLUMNS)
                print(row, flush=True)
                shutil.rmtree(folder, ignore_errors=True)
                write_results(results)
    return 0


if __name__ == "__main__":
    main_command(main.run)
