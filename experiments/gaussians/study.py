"""Table 1 of PacGAN: which variants find all modes of a ring and of a grid of Gaussians, over ten vmapped seeds.

    python experiments/gaussians/study.py [KEY=VALUE ...] [KEY=VALUE of gans.train ...]

  form     small: networks of 64 to 128 and 20,000 steps, for two CPU cores (the default); paper: the paper's networks
           and its 400,000 steps, for a GPU
  runs     folder for run directories (experiments/gaussians/runs)
  results  folder for the table, the figure and the frozen results (experiments/gaussians)
  seeds=10 training seeds

Needs no download. What is done already is skipped.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, WHOLE, choice
from gans.errors import in_range
from gans.evaluation.intervals import mean_error, mean_interval
from gans.files import write_atomic, write_text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trainings import scores, train, write_csv  # noqa: E402

TABLES = {"ring": 8, "grid": 25}
SCORES = ("modes", "high_quality", "reverse_kl")
POINTS = 2_500
# Lin et al. 2017, table 1: mean and standard error of ten runs
PUBLISHED = {
    ("ring", "gan"): ((6.3, 0.5), (98.2, 0.2), (0.45, 0.09)),
    ("ring", "pacgan2"): ((7.9, 0.1), (95.6, 2.0), (0.07, 0.03)),
    ("ring", "pacgan3"): ((7.8, 0.1), (97.7, 0.3), (0.10, 0.02)),
    ("ring", "pacgan4"): ((7.8, 0.1), (95.9, 1.4), (0.07, 0.02)),
    ("grid", "gan"): ((17.3, 0.8), (94.8, 0.7), (0.70, 0.07)),
    ("grid", "pacgan2"): ((23.8, 0.7), (91.3, 0.8), (0.13, 0.04)),
    ("grid", "pacgan3"): ((24.6, 0.4), (94.2, 0.4), (0.06, 0.02)),
    ("grid", "pacgan4"): ((24.8, 0.2), (93.6, 0.6), (0.04, 0.01)),
}
STEPS = {"small": 20_000, "paper": 400_000}
FIXED = ["codec=standard", "trainer.batch_size=100", "trainer.best=last", "trainer.metrics=[fidelity,modes]",
         f"trainer.evaluate_rows={POINTS}", f"samples={POINTS}", "trainer.block=1000"]  # fmt: skip


def variants(form: str) -> dict[str, list[str]]:
    """By variant what it sets. GAN and PacGAN follow the paper but for the small form's sizes and learning rate."""
    paper = form == "paper"
    pacgan = [
        "+experiment=vanilla",
        "network=maxout",
        "optimizer.b1=0.8",
        "optimizer.b2=0.999",
        "trainer.average=0",
        "penalty=[]",
    ]
    pacgan += ["optimizer.learning_rate=1e-4", "optimizer.schedule=constant"] if paper else [
        "optimizer.learning_rate=1e-3", "network.generator_widths=[128,128,128]",
        "network.discriminator_widths=[64,64,64]", "network.pieces=2"]  # fmt: skip
    width, deep = (400, "[400,400,400]") if paper else (64, "[128,128,128]")
    ours = {
        "wgan_gp": ["+experiment=wgan_gp", "trainer.critic_steps=1", "network.latent=2",
                    f"network.generator_widths={deep}", f"network.discriminator_widths=[{2 * width},{2 * width}]",
                    "network.generator_dropout=0", "optimizer.learning_rate=1e-3",
                    "penalty.gradient_penalty.weight=0.1"],
        "r3gan": ["+experiment=r3gan", "network.latent=2", f"network.width={width}", "network.blocks=2",
                  "penalty.r1.gamma=0.02", "penalty.r2.gamma=0.02", "optimizer.learning_rate=1e-3"],
    }  # fmt: skip
    packs = {"gan": 1, "pacgan2": 2, "pacgan3": 3, "pacgan4": 4}
    # 100 rows a batch, in whole packs
    sizes = {name: f"trainer.batch_size={100 - 100 % pack}" for name, pack in packs.items()}
    return {name: [*pacgan, f"network.pack={pack}", sizes[name]] for name, pack in packs.items()} | ours


@takes(
    Key("form", choice(*STEPS), default="small"),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("seeds", WHOLE, default=10),
    others="as in gans train",
    text=__doc__,
)
def main(form: str, runs: str | Path, results: str | Path, seeds: int, others: list[str]) -> int:
    """Train, then write results.csv, TABLE.md and the figure."""
    in_range("seeds", seeds, 2)
    into = Path(results)
    steps, rows = STEPS[form], []
    seconds: dict[tuple[str, str], float] = {}
    for table in TABLES:
        for variant, settings in variants(form).items():
            run_dir = Path(runs) / f"{form}-{table}-{variant}"
            rhythm = [f"trainer.{key}={steps}" for key in ("steps", "evaluate_every")]
            train(run_dir, *FIXED, *settings, f"data={table}", f"trainer.seeds={seeds}", *rhythm,
                  f"trainer.checkpoint_every={steps // 4}", *others)  # fmt: skip
            summary, found = scores(run_dir)
            seconds[table, variant] = summary["seconds"]
            last = {row["seed"]: row for row in found}  # none of a run that diverged: nothing was found
            for seed in range(seeds):
                row: dict[str, Any] = last.get(seed, {"modes": 0.0, "high_quality": 0.0, "reverse_kl": np.nan})
                rows.append({"form": form, "table": table, "variant": variant, "seed": seed,
                             **{name: row[name] for name in SCORES}})  # fmt: skip
    into.mkdir(parents=True, exist_ok=True)
    write_csv(into / f"results-{form}.csv", rows)
    text = table_text(rows, form, seconds)
    write_text(into / f"TABLE-{form}.md", text)
    write_atomic(into / f"figure-{form}.png", lambda path: figure(rows, runs, form).savefig(path, dpi=110))
    print(text)
    return 0


def table_text(rows: list[dict[str, Any]], form: str, seconds: dict[tuple[str, str], float]) -> str:
    """The table in Markdown: ours with standard errors and intervals, beside the published figures."""
    seeds = len({row["seed"] for row in rows})
    out = [f"# Modes that are found, form={form}", "",
           f"Mean +- standard error over {seeds} training seeds [95 % interval of the mean, Student's t]; in brackets",
           "what PacGAN's table 1 has, mean +- standard error of ten runs of the paper's form. "
           f"{POINTS:,} points of the last generator.", ""]  # fmt: skip
    for table, modes in TABLES.items():
        out += [f"## {table}", "", f"| | modes of {modes} | high quality % | reverse KL | s |", "|---|---|---|---|---|"]
        for variant in dict.fromkeys(row["variant"] for row in rows):
            cells = []
            for place, name in enumerate(SCORES):
                here = [row[name] for row in rows if (row["table"], row["variant"]) == (table, variant)]
                values = np.array(here) * (100 if name == "high_quality" else 1)
                digits = 2 if name == "reverse_kl" else 1
                mean, error = mean_error(values)
                low, high = mean_interval(values)
                cell = f"{mean:.{digits}f} +- {error:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
                if known := PUBLISHED.get((table, variant)):
                    cell += f" ({known[place][0]} +- {known[place][1]})"
                cells.append(cell)
            out.append(f"| {variant} | {' | '.join(cells)} | {seconds[table, variant]:.0f} |")
        out.append("")
    return "\n".join(out)


def figure(rows: list[dict[str, Any]], runs: Path, form: str) -> Any:
    """Points of the first seed of each variant, and the modes that each seed finds."""
    import pyarrow.parquet as pq
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(row["variant"] for row in rows))
    drawn = Figure(figsize=(2.2 * len(names), 6.4), layout="constrained")
    every = drawn.subplots(3, len(names), squeeze=False)
    for column, variant in enumerate(names):
        for line, table in enumerate(TABLES):
            axes, run_dir = every[line][column], runs / f"{form}-{table}-{variant}"
            samples = run_dir / "samples.parquet"
            modes = np.array(json.loads((run_dir / "schema.json").read_text())["mixture"]["modes"])
            axes.plot(*modes.T, "+", color="#3d6c99", markersize=5, markeredgewidth=0.8)
            if samples.is_file():
                points = pq.read_table(samples)
                axes.plot(points["x"].to_numpy(), points["y"].to_numpy(), ".", color="#d4692a", markersize=1)
            edge = 1.3 * np.abs(modes).max()
            axes.set(xlim=(-edge, edge), ylim=(-edge, edge), xticks=[], yticks=[], aspect="equal")
            axes.set_title(f"{variant}, {table}", fontsize=9)
        axes = every[2][column]
        for place, (table, most) in enumerate(TABLES.items()):
            values = [row["modes"] / most for row in rows if (row["table"], row["variant"]) == (table, variant)]
            jitter = place + np.linspace(-0.2, 0.2, len(values))
            axes.plot(jitter, values, "o", markersize=3, color="#44505c")
        axes.set(ylim=(0, 1.05), xlim=(-0.5, 1.5), xticks=[0, 1])
        axes.set_xticklabels(list(TABLES), fontsize=8)
        axes.tick_params(labelsize=8)
        axes.set_title("share of modes, by seed" if not column else "", fontsize=9)
    return drawn


if __name__ == "__main__":
    main_command(main.run)
