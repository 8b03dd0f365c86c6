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

from gans.cli.arguments import key_values
from gans.cli.command import run_command
from gans.errors import in_range
from gans.files import write_text
from gans.tracking.log import set_up_log

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trainings import call, train  # noqa: E402

VARIANTS, TABLES = ("vanilla", "cgan", "wgan_gp"), ("households", "charity")
STEPS = 2_000
RECORDED = ("config.yaml", "summary.json", "metrics.jsonl", "evaluation.json")
METRICS = "xgb_c2st_test,shape_error,trend_error,beta_recall,tstr,membership_nearest_auc"
OWN = {"runs": str, "results": str, "seeds": int, "draws": int}


def record(run_dir: Path, folder: Path) -> None:
    """Copy what the comparison reads, without the place where the run lies."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDED:
        if (run_dir / name).is_file():
            text = (run_dir / name).read_text(encoding="utf-8")
            write_text(folder / name, text.replace(f"run_dir: {run_dir}\n", f"run_dir: runs/{run_dir.name}\n"))


def main() -> int:
    """Train, evaluate, compare."""
    own = [argument for argument in sys.argv[1:] if argument.partition("=")[0] in OWN]
    overrides = [argument for argument in sys.argv[1:] if argument not in own]
    given = {"runs": HERE / "runs", "results": HERE, "seeds": 5, "draws": 2} | key_values(own, OWN)
    in_range("seeds", given["seeds"], 2)
    for table in TABLES:
        for variant in VARIANTS:
            run_dir = Path(given["runs"]) / f"{variant}-{table}"
            train(run_dir, f"+experiment={variant}", f"data={table}", f"trainer.seeds={given['seeds']}",
                  f"trainer.steps={STEPS}", "trainer.evaluate_every=250", "trainer.checkpoint_every=500",
                  *overrides)  # fmt: skip
            if (run_dir / "samples.parquet").is_file() and not (run_dir / "evaluation.json").is_file():
                call("evaluate", f"run={run_dir}", "members=all", f"draws={given['draws']}")
            record(run_dir, Path(given["results"]) / "records" / run_dir.name)
    call("compare", "runs=records", "by=experiment", f"metrics={METRICS}", "out=.", folder=Path(given["results"]))
    return 0


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
