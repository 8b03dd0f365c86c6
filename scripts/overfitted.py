"""Do the membership attacks find an overfitted generator, and leave a healthy one alone?

    python scripts/overfitted.py data=adult data.root=FOLDER test=FILE [runs=FOLDER] [KEY=VALUE of gans.train ...]

Overfitted: the flagship's generator, 20,000 steps on 500 rows. Healthy: a fiftieth of the steps on all rows. Both
without refinement, of the last step; the attacks see 10,000 generated rows of each. FILE holds real rows that neither
has seen. At least four of seven attacks should find the overfitted one, corrected for their number, and none the
healthy one; a table of independent columns, and one that copies 5% of its rows, stand beside both. Training takes half
an hour on one core; runs that are done are not repeated.
"""

import json
from pathlib import Path

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER
from gans.config.compose import compose
from gans.data.detection import normalise
from gans.data.files import read_table
from gans.evaluation.inputs import read_sides
from gans.evaluation.membership import ATTACKS, INDEPENDENT, SYNTHETIC
from gans.evaluation.suite import evaluate
from gans.findings.privacy import strengths
from gans.runs.execute import execute
from gans.runs.saved import SavedRun

STEPS, TIMES, ROWS, DRAWN = 400, 50, 500, 10_000
FOUND, LEAST = 0.55, 4


@takes(
    Key("test", FILE, required=True),
    Key("runs", FOLDER, default="runs/overfitted"),
    others="as in gans train",
    text=__doc__,
)
def main(test: str, runs: str, others: list[str]) -> int:
    """Train both or read them, attack, print; 1 where an expectation fails."""
    unseen = normalise(read_table(test, "test"))
    kinds = {
        "overfitted": (STEPS * TIMES, [f"data.limit={round(ROWS / 0.9)}"]),
        "healthy": (STEPS, []),
    }
    failed = False
    for name, (steps, limit) in kinds.items():
        run_dir = Path(runs) / name
        run = compose([
            "+experiment=tabular", "refine=none", "trainer.best=last", f"trainer.steps={steps}", *limit,
            f"trainer.evaluate_every={steps // 4}", f"trainer.checkpoint_every={steps // 4}", "tracker.mode=disabled",
            f"run_dir={run_dir}", *others,
        ])  # fmt: skip
        if not (run_dir / "summary.json").is_file():
            execute(run)
        split = run.data.split()
        made = SavedRun.open(run_dir).sampler().sample(DRAWN, 1)
        found = evaluate(read_sides(split.schema, split.training, made, unseen), only=["membership"])
        (run_dir / "evaluation.json").write_text(json.dumps(found.to_json(), indent=1) + "\n")
        print(f"{name}: {split.training.num_rows:,} training rows, {steps:,} steps")
        panels = {table: strengths(panel) for table, panel in found.details["membership"].items()}
        for table, every in panels.items():
            print(f" {table}")
            for attack, one in every.items():
                print(f"  {ATTACKS[attack]:42} AUC {one.auc[0]:.3f} (corrected {one.auc_corrected[0]:.3f} to "
                      f"{one.auc_corrected[1]:.3f}), TPR at 1% FPR {one.tpr[0]:.3f}")  # fmt: skip
        own = {attack: one for attack, one in panels[SYNTHETIC].items() if attack != "ranks"}
        fair = not any(one.succeeds for one in panels[INDEPENDENT].values())
        print(f"  independent columns are not accused: {'yes' if fair else 'NO'}")
        if name == "overfitted":
            caught = sum(one.auc_corrected[0] > 0.5 and one.auc[0] >= FOUND for one in own.values())
            good = caught >= LEAST
            print(f"  found by {caught} of {len(own)} attacks, at least {LEAST} should: {'yes' if good else 'NO'}")
        else:
            good = not any(one.succeeds for one in own.values())
            print(f"  no attack finds it: {'yes' if good else 'NO'}")
        good &= fair
        failed |= not good
    return int(failed)


if __name__ == "__main__":
    main_command(main.run)
