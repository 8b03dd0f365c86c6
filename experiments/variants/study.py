"""Three variants on two embedded tables, five training seeds each in one program, evaluated and compared.

    python experiments/variants/study.py [KEY=VALUE ...] [KEY=VALUE of gans.train ...]

  runs     folder for run directories (experiments/variants/runs)
  results  folder for the comparison, and for records of the runs (experiments/variants)
  seeds=5  training seeds, vmapped
  draws=2  samples of each generator

Needs no download. What is done already is skipped.
"""

import sys
from pathlib import Path

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, WHOLE
from gans.errors import in_range
from gans.files import write_text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trainings import call, train  # noqa: E402

VARIANTS, TABLES = ("vanilla", "cgan", "wgan_gp"), ("households", "charity")
STEPS = 2_000
RECORDED = ("config.yaml", "summary.json", "metrics.jsonl", "evaluation.json")
METRICS = "xgb_c2st_test,shape_error,trend_error,beta_recall,tstr,membership_nearest_auc"


def record(run_dir: Path, folder: Path) -> None:
    """Copy what the comparison reads, without the place where the run lies."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDED:
        if (run_dir / name).is_file():
            text = (run_dir / name).read_text(encoding="utf-8")
            write_text(folder / name, text.replace(f"run_dir: {run_dir}\n", f"run_dir: runs/{run_dir.name}\n"))


@takes(
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("seeds", WHOLE, default=5),
    Key("draws", WHOLE, default=2),
    others="as in gans train",
    text=__doc__,
)
def main(runs: str | Path, results: str | Path, seeds: int, draws: int, others: list[str]) -> int:
    """Train, evaluate, compare."""
    in_range("seeds", seeds, 2)
    for table in TABLES:
        for variant in VARIANTS:
            run_dir = Path(runs) / f"{variant}-{table}"
            train(run_dir, f"+experiment={variant}", f"data={table}", f"trainer.seeds={seeds}",
                  f"trainer.steps={STEPS}", "trainer.evaluate_every=250", "trainer.checkpoint_every=500",
                  *others)  # fmt: skip
            if (run_dir / "samples.parquet").is_file() and not (run_dir / "evaluation.json").is_file():
                call("evaluate", f"run={run_dir}", "members=all", f"draws={draws}")
            record(run_dir, Path(results) / "records" / run_dir.name)
    call("compare", "runs=records", "by=experiment", f"metrics={METRICS}", "out=.", folder=Path(results))
    return 0


if __name__ == "__main__":
    main_command(main.run)
