"""Which objectives keep all modes of the grid, at which learning rates: the share of training seeds that do.

    python experiments/stability/study.py [KEY=VALUE ...] [KEY=VALUE of gans.train ...]

  runs     folder for run directories (experiments/stability/runs)
  results  folder for the table, the figure and the frozen results (experiments/stability)
  seeds=8  training seeds, vmapped

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
from gans.files import write_atomic, write_text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trainings import scores, train, write_csv  # noqa: E402

MODES, STEPS = 25, 6_000
RATES = ("1e-4", "3e-4", "1e-3", "3e-3")
OBJECTIVES = {
    "non_saturating": [],
    "least_squares": ["objective=least_squares"],
    "hinge + spectral norm": ["objective=hinge", "network.spectral_norm=true"],
    "wasserstein + gradient penalty": ["objective=wasserstein", "penalty=[gradient_penalty]"],
    "relativistic_average": ["objective=relativistic_average"],
    "relativistic_pairing + R1 + R2": ["objective=relativistic_pairing", "penalty=[r1,r2]", "penalty.r1.gamma=0.1",
                                       "penalty.r2.gamma=0.1"],
}  # fmt: skip
FIXED = ["data=grid", "codec=standard", "network=mlp_critic", "network.latent=2", "network.generator_widths=[64,64]",
         "network.discriminator_widths=[64,64]", "network.generator_dropout=0", "optimizer.b1=0", "optimizer.b2=0.9",
         "optimizer.schedule=constant", "trainer.batch_size=100", "trainer.best=last", "trainer.block=1000",
         "trainer.metrics=[fidelity,modes]", "trainer.evaluate_rows=2500", "samples=2500", f"trainer.steps={STEPS}",
         f"trainer.evaluate_every={STEPS}", f"trainer.checkpoint_every={STEPS}"]  # fmt: skip


@takes(
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("seeds", WHOLE, default=8),
    others="as in gans train",
    text=__doc__,
)
def main(runs: str | Path, results: str | Path, seeds: int, others: list[str]) -> int:
    """Train, then write results.csv, TABLE.md and the figure."""
    in_range("seeds", seeds, 1)
    into = Path(results)
    rows: list[dict[str, Any]] = []
    for objective, settings in OBJECTIVES.items():
        for rate in RATES:
            run_dir = Path(runs) / f"{objective.replace(' + ', '-').replace(' ', '_')}-{rate}"
            train(run_dir, *FIXED, *settings, f"optimizer.learning_rate={rate}", f"trainer.seeds={seeds}",
                  *others)  # fmt: skip
            summary, found = scores(run_dir)
            last = {row["seed"]: row for row in found}
            for seed in range(seeds):
                row = last.get(seed, {"modes": 0.0, "high_quality": 0.0})
                rows.append({"objective": objective, "rate": rate, "seed": seed, "modes": row["modes"],
                             "high_quality": row["high_quality"], "status": summary["status"]})  # fmt: skip
    into.mkdir(parents=True, exist_ok=True)
    write_csv(into / "results.csv", rows)
    text = table_text(rows)
    write_text(into / "TABLE.md", text)
    write_atomic(into / "figure.png", lambda path: figure(rows).savefig(path, dpi=120))
    print(text)
    return 0


def values(rows: list[dict[str, Any]], objective: str, rate: str, name: str) -> np.ndarray:
    """A score of all seeds."""
    return np.array([row[name] for row in rows if (row["objective"], row["rate"]) == (objective, rate)])


def table_text(rows: list[dict[str, Any]]) -> str:
    """The table in Markdown."""
    seeds = len({row["seed"] for row in rows})
    out = ["# Who keeps all modes of the grid", "",
           f"Of {seeds} training seeds the share that finds all {MODES} modes; then the mean of the modes, and of the "
           "points of high quality.", "",
           f"| | {' | '.join(f'learning rate {rate}' for rate in RATES)} |", f"|---{'|---' * len(RATES)}|"]  # fmt: skip
    for objective in OBJECTIVES:
        cells = []
        for rate in RATES:
            modes, good = (values(rows, objective, rate, name) for name in ("modes", "high_quality"))
            cells.append(f"**{(modes == MODES).sum()}/{len(modes)}**, {modes.mean():.1f} modes, {good.mean():.0%}")
        out.append(f"| {objective} | {' | '.join(cells)} |")
    return "\n".join([*out, ""])


def figure(rows: list[dict[str, Any]]) -> Any:
    """A cell for each objective and learning rate: the share of seeds in colour, the mean number of modes in it."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7.4, 3.8), layout="constrained")
    axes = drawn.subplots()
    modes = np.array([[values(rows, one, rate, "modes") for rate in RATES] for one in OBJECTIVES])
    image = axes.imshow((modes == MODES).mean(-1), vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for place, mean in np.ndenumerate(modes.mean(-1)):
        dark = (modes[place] == MODES).mean() > 0.5
        axes.text(place[1], place[0], f"{mean:.1f}", ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(len(RATES)), RATES)
    axes.set_yticks(range(len(OBJECTIVES)), list(OBJECTIVES))
    axes.set_xlabel("learning rate; in each cell the mean number of modes")
    drawn.colorbar(image, ax=axes, label="share of seeds that keep all 25 modes")
    return drawn


if __name__ == "__main__":
    main_command(main.run)
