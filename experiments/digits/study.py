"""FID over training on the digits of scikit-learn, six objectives with one convolutional network.

    python experiments/digits/study.py [KEY=VALUE ...] [KEY=VALUE of gans.train ...]

  runs     folder for run directories (experiments/digits/runs)
  results  folder for the table, the figures and the frozen results (experiments/digits)
  seeds=3  training seeds, vmapped

Needs no download. What is done already is skipped.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, WHOLE
from gans.errors import in_range
from gans.evaluation.intervals import mean_error, mean_interval
from gans.files import write_atomic, write_text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trainings import scores, train, write_csv  # noqa: E402

OBJECTIVES = {
    "non_saturating": [],
    "least_squares": ["objective=least_squares"],
    "hinge + spectral norm": ["objective=hinge", "network.spectral_norm=true"],
    "wasserstein + gradient penalty": ["objective=wasserstein", "penalty=[gradient_penalty]"],
    "relativistic_average": ["objective=relativistic_average"],
    "relativistic_pairing + R1 + R2": ["objective=relativistic_pairing", "penalty=[r1,r2]"],
}
FIXED = ["data=digits", "data.labels=false", "network=dcgan", "network.channels=24", "optimizer.learning_rate=2e-4",
         "optimizer.b1=0.5", "optimizer.b2=0.99", "optimizer.schedule=constant", "trainer.batch_size=64",
         "trainer.metrics=[images]", "trainer.best=fid", "trainer.evaluate_rows=1000", "trainer.steps=2500",
         "trainer.evaluate_every=250", "trainer.checkpoint_every=1000", "trainer.block=250",
         "samples=1000"]  # fmt: skip


@takes(
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("seeds", WHOLE, default=3),
    others="as in gans train",
    text=__doc__,
)
def main(runs: str | Path, results: str | Path, seeds: int, others: list[str]) -> int:
    """Train, then write results.csv, TABLE.md and the figures."""
    in_range("seeds", seeds, 2)
    into = Path(results)
    rows: list[dict[str, Any]] = []
    floor, seconds, folders = 0.0, {}, {}
    for objective, settings in OBJECTIVES.items():
        folders[objective] = Path(runs) / objective.replace(" + ", "-").replace(" ", "_")
        train(folders[objective], *FIXED, *settings, f"trainer.seeds={seeds}", *others)
        summary, found = scores(folders[objective])
        floor, seconds[objective] = summary["scores"].get("floor", {}).get("fid", floor), summary["seconds"]
        rows += [{"objective": objective, **row} for row in found]
    into.mkdir(parents=True, exist_ok=True)
    write_csv(into / "results.csv", rows)
    text = table_text(rows, floor, seconds)
    write_text(into / "TABLE.md", text)
    write_atomic(into / "figure.png", lambda path: curves(rows, floor).savefig(path, dpi=120))
    write_atomic(into / "samples.png", lambda path: samples(folders).savefig(path, dpi=110))
    print(text)
    return 0


def by_seed(rows: list[dict[str, Any]], objective: str) -> np.ndarray:
    """FID [seeds, evaluations] of an objective."""
    here = [row for row in rows if row["objective"] == objective]
    return np.array([[row["fid"] for row in here if row["seed"] == seed] for seed in sorted({r["seed"] for r in here})])


def table_text(rows: list[dict[str, Any]], floor: float, seconds: dict[str, float]) -> str:
    """The table in Markdown."""
    seeds = len({row["seed"] for row in rows})
    out = ["# FID on the digits", "",
           f"Mean +- standard error over {seeds} training seeds [95 % interval, Student's t] of FID to held-out "
           f"digits, on features of the network of the digits; training images have {floor:.2f}.", "",
           "| | best of the run | last step | s |", "|---|---|---|---|"]  # fmt: skip
    for objective in OBJECTIVES:
        fid = by_seed(rows, objective)
        cells = []
        for values in (fid.min(axis=1), fid[:, -1]):
            (mean, error), (low, high) = mean_error(values), mean_interval(values)
            cells.append(f"{mean:.2f} +- {error:.2f} [{low:.2f}, {high:.2f}]")
        out.append(f"| {objective} | {' | '.join(cells)} | {seconds[objective]:.0f} |")
    return "\n".join([*out, ""])


def curves(rows: list[dict[str, Any]], floor: float) -> Any:
    """FID over steps: the mean over seeds, and from the smallest to the largest."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7, 4.2), layout="constrained")
    axes = drawn.subplots()
    for objective in OBJECTIVES:
        fid = by_seed(rows, objective)
        steps = sorted({row["step"] for row in rows if row["objective"] == objective})
        (line,) = axes.plot(steps, fid.mean(axis=0), label=objective)
        axes.fill_between(steps, fid.min(axis=0), fid.max(axis=0), color=line.get_color(), alpha=0.15, linewidth=0)
    axes.axhline(floor, color="black", linestyle=":", label="training images")
    axes.set(xlabel="step", ylabel="FID to held-out digits", yscale="log")
    axes.legend(frameon=False, fontsize=8)
    return drawn


def samples(folders: dict[str, Path]) -> Any:
    """Sixteen images of each objective."""
    import pyarrow.parquet as pq
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10, 0.75 * len(folders)), layout="constrained")
    every = drawn.subplots(len(folders), 16, squeeze=False)
    for line, (objective, folder) in zip(every, folders.items(), strict=True):
        path = folder / "samples.parquet"
        images = pq.read_table(path)["image"].combine_chunks().to_numpy_ndarray() if path.is_file() else []
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for axes, image in zip(line, images, strict=False):
            axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=16)
        line[0].set_ylabel(objective, rotation=0, ha="right", va="center", fontsize=8)
    return drawn


if __name__ == "__main__":
    main_command(main.run)
