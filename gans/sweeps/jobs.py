"""The jobs of one call of gans.train: one run, or the several of a multirun."""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gans.config.compose import to_run
from gans.config.names import decoded
from gans.data.customer_histories import Histories
from gans.decisions.judged_histories import look_at_events
from gans.errors import DIVERGED, DONE, INTERRUPTED, USER_MISTAKE, UserError, one_line
from gans.findings.customer_histories import history_verdict
from gans.findings.endings import TRAIN, ending_lines, job_line, result_lines
from gans.findings.sentence import Sentence
from gans.histories.execute import execute_histories
from gans.report.page import report_run
from gans.runs.calls import Call
from gans.runs.directory import stored_run
from gans.runs.execute import EXIT, Result, execute
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.sweeps.records import STATUS, WORST, Job, finish, recorded
from gans.tracking.log import RESULT, set_up_log
from gans.tracking.terminal import waiting
from gans.training import loop
from gans.words import in_language

log = logging.getLogger("gans")


class Jobs:
    """The jobs of one call: one, or several in a multirun, in this process or in others.

    In a multirun a job leaves a record in the sweep's folder, and one that fails does not end the others.

    Attributes:
        typed: the arguments of the call, as the user gave them.
    """

    def __init__(self, sweep: Path | None, typed: Sequence[str]) -> None:
        self.sweep, self.typed = sweep, typed
        self.status = DONE
        self.error: Exception | None = None  # of the one run: Hydra would print the overrides beside it

    def __call__(self, config: Any) -> float:
        """One run, as Hydra's launcher calls it; the score that a sweeper maximises, finite whatever happens."""
        set_up_log()
        if self.sweep is None:
            try:
                self.status, score = run_job(config, Call(TRAIN, self.typed))
            except Exception as error:
                self.error = error
                return WORST
            return score
        from hydra.core.hydra_config import HydraConfig

        hydra: Any = HydraConfig.get()
        number, overrides = int(hydra.job.num), [decoded(override) for override in hydra.overrides.task]

        def call(job: Job) -> tuple[str, float]:
            status, score = run_job(config, Call(TRAIN, overrides), job)
            if status == INTERRUPTED:
                raise KeyboardInterrupt
            return STATUS[status], score

        return recorded(Job(number, overrides), self.sweep, call).score


def run_job(config: Any, call: Call, job: Any = None) -> tuple[int, float]:
    """Train what a composed config describes; exit status and score.

    Args:
        call: how it was asked for.
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
    told: list[RunResults | PrivateResults] = []

    def report(path: Path, results: RunResults | PrivateResults) -> Callable[[], dict[str, bytes]]:
        told.append(results)
        return report_run(path, results)

    if isinstance(run.data, Histories):
        result = execute_histories(run, report=report, call=call)
    else:
        result = execute(run, report=report, call=call)
    results = told[-1] if told else None
    level = logging.ERROR if result.status == loop.DIVERGED else logging.INFO
    with in_language(run.language):
        if job is not None:
            log.log(level, "job %s: %s", job.number, job_line(result, results))
        elif log.isEnabledFor(level):
            events = look(result) if isinstance(run.data, Histories) else None
            for line in ending_lines(result, results, run, call, events):
                log.log(level, "%s", line)
        else:
            for line in result_lines(result, results):
                log.log(RESULT, "%s", line)
    return EXIT[result.status], result.score


def look(result: Result) -> Sentence | None:
    """What is to be said of the events of a run of histories; None where it did not complete, or nothing can be."""
    if result.status != loop.COMPLETED:
        return None
    try:
        with waiting("looking at events"):
            return history_verdict(look_at_events(result.run_dir))
    except UserError as error:
        log.warning("events: %s", one_line(error))
        return None


def end_sweep(sweep: Path) -> int:
    """Print the table of a sweep; the exit status: that of its worst job."""
    jobs = finish(sweep)
    if not jobs:
        with contextlib.suppress(OSError):
            sweep.rmdir()
    worst = {"refused": USER_MISTAKE, "diverged": DIVERGED}
    return max((DONE if job.status == "completed" else worst.get(job.status, 1) for job in jobs), default=DONE)
