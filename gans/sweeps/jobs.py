"""The jobs of one call of gans.train: one run, or the several of a multirun."""

import contextlib
import dataclasses
import logging
from pathlib import Path
from typing import Any

from gans.config.compose import to_run
from gans.config.names import decoded, shell_quoted
from gans.errors import DIVERGED, DONE, INTERRUPTED, USER_MISTAKE
from gans.report.page import report_run
from gans.runs.directory import stored_run
from gans.runs.execute import EXIT, execute
from gans.sweeps.records import STATUS, WORST, Job, finish, recorded
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")


class Jobs:
    """The jobs of one call: one, or several in a multirun, in this process or in others.

    In a multirun a job leaves a record in the sweep's folder, and one that fails does not end the others.
    """

    def __init__(self, sweep: Path | None) -> None:
        self.sweep = sweep
        self.status = DONE
        self.error: Exception | None = None  # of the one run: Hydra would print the overrides beside it

    def __call__(self, config: Any) -> float:
        """One run, as Hydra's launcher calls it; the score that a sweeper maximises, finite whatever happens."""
        set_up_log()
        if self.sweep is None:
            try:
                self.status, score = run_job(config)
            except Exception as error:
                self.error = error
                return WORST
            return score
        from hydra.core.hydra_config import HydraConfig

        hydra: Any = HydraConfig.get()
        number = int(hydra.job.num)

        def call(job: Job) -> tuple[str, float]:
            status, score = run_job(config, job)
            if status == INTERRUPTED:
                raise KeyboardInterrupt
            return STATUS[status], score

        return recorded(Job(number, [decoded(override) for override in hydra.overrides.task]), self.sweep, call).score


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
        run = stored_run(run, list(HydraConfig.get().overrides.task))
    result = execute(run, report=report_run)
    summary, scores = result.summary, result.summary["scores"]
    if "training" in scores:
        log.info(
            "%s after %s steps%s in %.0f s%s; see %s",
            result.status,
            f"{summary['steps']:,}",
            f" ({summary['stopped']})" if summary["stopped"] else "",
            summary["seconds"],
            _scores(scores),
            result.files.report,
        )
    if "privacy" in summary:
        log.info(
            "%s: epsilon=%g at delta=%g is spent, by %s looks at the rows in %.0f s; see %s",
            result.status,
            summary["privacy"]["epsilon"],
            summary["privacy"]["delta"],
            f"{summary['looks']:,}",
            summary["seconds"],
            result.files.report,
        )
    if result.status == "interrupted":
        where = shell_quoted(f"run_dir={result.run_dir}")
        log.info("saved; go on with: python -m gans.train %s trainer.resume=true", where)
    if result.status == "diverged":
        log.error("diverged: a loss is not finite at step %s; lower optimizer.learning_rate", f"{summary['steps']:,}")
    return EXIT[result.status], result.score


def _scores(scores: dict[str, Any]) -> str:
    if scores["training"]:
        columns, pairs = (scores["training"][f"{name}_distance"] for name in ("column", "pair"))
        return f": columns {columns:.4f}, pairs {pairs:.4f} from the training rows"
    return "".join(f", {name} {value:.4f}" for name, value in scores["holdout"].items())


def end_sweep(sweep: Path) -> int:
    """Print the table of a sweep; the exit status: that of its worst job."""
    jobs = finish(sweep)
    if not jobs:
        with contextlib.suppress(OSError):
            sweep.rmdir()
    worst = {"refused": USER_MISTAKE, "diverged": DIVERGED}
    return max((DONE if job.status == "completed" else worst.get(job.status, 1) for job in jobs), default=DONE)
