"""The three variants on one table over seeds: distances to training and held-out rows, and conditional sampling.

    python scripts/variants.py [seeds=3] [folder=runs/variants] [KEY=VALUE of gans.train ...]

Runs that are done already are read, not repeated. Distances: gans/evaluation/fidelity.py.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from gans.config.compose import compose
from gans.evaluation.fidelity import Reference
from gans.runs.execute import execute
from gans.runs.saved import SavedRun
from gans.tracking.log import set_up_log

OWN = ("seeds", "folder")
settings = dict(argument.split("=", 1) for argument in sys.argv[1:])
overrides = [f"{key}={value}" for key, value in settings.items() if key not in OWN]
folder = Path(settings.get("folder", "runs/variants"))


def scores(experiment: str, seed: int) -> dict:
    """The scores of a run, made now or earlier."""
    run_dir = folder / f"{experiment}-{seed}"
    if not (run_dir / "summary.json").exists():
        fixed = [f"+experiment={experiment}", f"seed={seed}", f"run_dir={run_dir}", "tracker.mode=disabled"]
        execute(compose([*fixed, *overrides]))
    summary = json.loads((run_dir / "summary.json").read_text())
    return summary["scores"] | {"seconds": summary["seconds"]}


def spread(values: list[float]) -> str:
    """Mean and standard deviation over seeds."""
    return f"{np.mean(values):.4f} +- {np.std(values, ddof=1):.4f}" if len(values) > 1 else f"{values[0]:.4f}"


def conditional(seeds: int) -> None:
    """Rows drawn with `where` against the real conditional distribution, and what ignoring the condition would give."""
    run = compose(["+experiment=cgan", *overrides])
    training, _, schema = run.data.split()
    name = run.condition.names()[0]
    column = training[name]
    for value in sorted(set(column.to_pylist())):
        keep = pc.equal(column, value)
        reference = Reference(training.filter(keep), schema)
        others = [other.name for other in schema.features if other.name != name]
        marginal = reference.compare(training)
        found, satisfied = [], []
        for seed in range(seeds):
            rows = SavedRun.open(folder / f"cgan-{seed}").sampler().sample(5000, seed, {name: value})
            satisfied.append(np.mean([cell == value for cell in rows[name].to_pylist()]))
            found.append(np.mean([reference.compare(rows).columns[other] for other in others]))
        ignoring = np.mean([marginal.columns[other] for other in others])
        share = f"{100 * np.mean(satisfied):.2f}% of rows satisfy it"
        distances = f"generated {spread(found)}, real unconditional rows {ignoring:.4f}"
        print(f"where {name} == {value!r}: {share}; distance of the others to the real conditional: {distances}")


def main() -> None:
    """Train or read, and print."""
    set_up_log()
    seeds = int(settings.get("seeds", "3"))
    table = {name: [scores(name, seed) for seed in range(seeds)] for name in ("vanilla", "cgan", "wgan_gp")}
    heads = ("columns, training", "pairs, training", "columns, holdout", "pairs, holdout")
    print(f"{'':10}", *(f"{head:>20}" for head in heads), f"{'s':>6}")
    for name, runs in table.items():
        cells = [
            spread([run[side][metric] for run in runs])
            for side in ("training", "holdout")
            for metric in ("column_distance", "pair_distance")
        ]
        print(f"{name:10}", *(f"{cell:>20}" for cell in cells), f"{np.mean([run['seconds'] for run in runs]):6.0f}")
    floor = table["vanilla"][0]["floor"]
    print(f"noise floor, held-out real rows against training rows: columns {floor['column_distance']:.4f}, "
          f"pairs {floor['pair_distance']:.4f}")  # fmt: skip
    conditional(seeds)


if __name__ == "__main__":
    main()
