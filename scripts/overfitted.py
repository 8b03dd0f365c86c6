"""Do the membership attacks find an overfitted generator, and leave a healthy one alone?

    python scripts/overfitted.py data=adult data.root=FOLDER test=FILE [runs=FOLDER] [KEY=VALUE of gans.train ...]

Overfitted: the flagship's generator, 20,000 steps on 500 rows. Healthy: a fiftieth of the steps on all rows. Both
without refinement, of the last step; the attacks see 10,000 generated rows of each. FILE holds real rows that neither
has seen. Training takes half an hour on one core; runs that are done are not repeated.
"""

import json
import sys
from pathlib import Path

from gans.cli.command import run_command
from gans.config.compose import compose
from gans.data.detection import normalise
from gans.data.files import read_table
from gans.errors import UserError
from gans.evaluation.inputs import read_sides
from gans.evaluation.suite import evaluate
from gans.runs.execute import execute
from gans.runs.saved import SavedRun
from gans.tracking.log import set_up_log

STEPS, TIMES, ROWS, DRAWN = 400, 50, 500, 10_000
ATTACKS = ("membership_nearest", "membership_density")


def main() -> int:
    """Train both or read them, attack, print; 1 where an expectation fails."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:] if argument.startswith(("test=", "runs=")))
    if "test" not in given:
        raise UserError("test is not set; see the head of scripts/overfitted.py.")
    overrides = [argument for argument in sys.argv[1:] if not argument.startswith(("test=", "runs="))]
    test = normalise(read_table(given["test"], "test"))
    kinds = {
        "overfitted": (STEPS * TIMES, [f"data.limit={round(ROWS / 0.9)}"]),
        "healthy": (STEPS, []),
    }
    failed = False
    for name, (steps, limit) in kinds.items():
        run_dir = Path(given.get("runs", "runs/overfitted")) / name
        run = compose([
            "+experiment=tabular", "refine=none", "trainer.best=last", f"trainer.steps={steps}", *limit,
            f"trainer.evaluate_every={steps // 4}", f"trainer.checkpoint_every={steps // 4}", "tracker.mode=disabled",
            f"run_dir={run_dir}", *overrides,
        ])  # fmt: skip
        if not (run_dir / "summary.json").is_file():
            execute(run)
        split = run.data.split()
        made = SavedRun.open(run_dir).sampler().sample(DRAWN, 1)
        found = evaluate(read_sides(split.schema, split.training, made, test))
        (run_dir / "evaluation.json").write_text(json.dumps(found.to_json(), indent=1) + "\n")
        print(f"{name}: {split.training.num_rows:,} training rows, {steps:,} steps")
        areas = [found.scores[f"{attack}_auc"] for attack in ATTACKS]
        for attack, area in zip(ATTACKS, areas, strict=True):
            tpr = found.scores[f"{attack}_tpr"]
            print(f"  {attack:20} AUC {area.value:.4f} ({area.low:.4f} to {area.high:.4f}), "
                  f"TPR at 1 % FPR {tpr.value:.4f} ({tpr.low:.4f} to {tpr.high:.4f})")  # fmt: skip
        if name == "overfitted":
            good = max(area.value for area in areas) >= 0.7
            print(f"  an AUC of at least .7: {'yes' if good else 'NO'}")
        else:
            good = all((area.low or 0) <= 0.5 <= (area.high or 1) for area in areas)
            print(f"  .5 within the intervals: {'yes' if good else 'NO'}")
        failed |= not good
    return int(failed)


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
