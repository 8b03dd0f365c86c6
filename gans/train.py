"""Train a variant: `python -m gans.train [+experiment=NAME] [GROUP=NAME] [KEY=VALUE ...]`, `-m` for a multirun."""

import contextlib
import dataclasses
import logging
import os
import sys
from pathlib import Path
from typing import Any

from gans.command import run_command, set_up_log
from gans.config import conf_folder, load_components, read_overrides, resumed, to_run
from gans.config_errors import hydra_errors
from gans.errors import DIVERGED, DONE, USER_MISTAKE

log = logging.getLogger("gans")

MULTIRUN = {"-m", "--multirun"}


class Jobs:
    """The jobs of one call: one, or several in a multirun, in this process or in others.

    In a multirun a job leaves a record in the sweep's folder, and one that fails does not end the others.
    """

    def __init__(self, sweep: Path | None) -> None:
        self.sweep = sweep
        self.status = DONE

    def __call__(self, config: Any) -> float:
        """One run, as Hydra's launcher calls it; the score that a sweeper maximises, finite whatever happens."""
        set_up_log()
        if self.sweep is None:
            self.status, score = run_job(config)
            return score
        from hydra.core.hydra_config import HydraConfig

        from gans.sweeps.records import STATUS, Job, recorded

        hydra: Any = HydraConfig.get()
        number = int(hydra.job.num)

        def call(job: Job) -> tuple[str, float]:
            status, score = run_job(config, job)
            if status == 130:
                raise KeyboardInterrupt
            return STATUS[status], score

        return recorded(Job(number, list(hydra.overrides.task)), self.sweep, call).score


def run_job(config: Any, job: Any = None) -> tuple[int, float]:
    """Train what a composed config describes; exit status and score.

    Args:
        job: of a sweep, whose folder holds the run unless it has a run_dir.

    Raises:
        UserError: the config, the table or the run directory do not fit.
    """
    from hydra.core.hydra_config import HydraConfig

    run = to_run(config)
    if job is not None:
        own = Path(str(HydraConfig.get().sweep.dir)) / str(job.number)
        run = dataclasses.replace(run, run_dir=run.run_dir or str(own))
        job.run_dir = str(run.run_dir)
    if run.trainer.resume:
        run = resumed(run, list(HydraConfig.get().overrides.task))
    from gans.pipeline import EXIT, execute

    result = execute(run)
    summary, scores = result.summary, result.summary["scores"]
    if "training" in scores:
        log.info(
            "%s after %s steps%s in %.0f s%s; see %s",
            result.status,
            f"{summary['steps']:,}",
            f" ({summary['stopped']})" if summary["stopped"] else "",
            summary["seconds"],
            _scores(scores),
            result.run_dir / "report.html",
        )
    if result.status == "interrupted":
        log.info("saved; go on with: python -m gans.train run_dir=%s trainer.resume=true", result.run_dir)
    if result.status == "diverged":
        log.error("diverged: a loss is not finite at step %s; lower optimizer.learning_rate", f"{summary['steps']:,}")
    return EXIT[result.status], result.score


def _scores(scores: dict[str, Any]) -> str:
    if scores["training"]:
        columns, pairs = (scores["training"][f"{name}_distance"] for name in ("column", "pair"))
        return f": columns {columns:.4f}, pairs {pairs:.4f} from the training rows"
    return "".join(f", {name} {value:.4f}" for name, value in scores["holdout"].items())


def main() -> int:
    """Compose, run, and give the exit status: 0 done, 2 a user's mistake, 3 diverged, 130 interrupted and saved."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        from gans.usage import usage

        print(usage())
        return 0
    if "--list" in sys.argv[1:]:
        from gans.usage import lines

        print(lines("experiment"), end="")
        return 0
    import hydra

    os.environ["HYDRA_FULL_ERROR"] = "1"
    load_components()
    flags = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    overrides = read_overrides([argument for argument in sys.argv[1:] if argument not in flags])
    sweep = None
    if MULTIRUN & set(flags):
        from gans.run_directory import new_folder
        from gans.sweeps.records import SWEEPS

        given = [argument.split("=", 1)[1] for argument in overrides if argument.startswith("hydra.sweep.dir=")]
        sweep = Path(given[-1]) if given else new_folder(SWEEPS)
        overrides += [] if given else [f"hydra.sweep.dir={sweep}"]
    sys.argv[1:] = flags + overrides
    jobs = Jobs(sweep)
    try:
        with hydra_errors():
            hydra.main(config_path=str(conf_folder()), config_name="train", version_base="1.3")(jobs)()
    finally:
        status = jobs.status if sweep is None else _end(sweep)
    return status


def _end(sweep: Path) -> int:
    """Print the table of a sweep; the exit status: that of its worst job."""
    from gans.sweeps.records import finish

    jobs = finish(sweep)
    if not jobs:
        with contextlib.suppress(OSError):
            sweep.rmdir()
    worst = {"refused": USER_MISTAKE, "diverged": DIVERGED}
    return max((DONE if job.status == "completed" else worst.get(job.status, 1) for job in jobs), default=DONE)


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
