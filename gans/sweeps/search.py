"""Search by Optuna, one run after another; a run that is worse than the others at the same step is stopped."""

import logging
import math
from functools import partial
from pathlib import Path
from typing import Any

from gans.artefacts import OBJECTS, check_bytes, reading
from gans.config.compose import compose
from gans.errors import missing_extra, one_of
from gans.report.page import report_run
from gans.runs.execute import execute
from gans.streams import derived_seed
from gans.sweeps.records import Job, finish, read_jobs, recorded
from gans.sweeps.space import Dimension, example_run, values_of
from gans.training.loop import PRUNED

log = logging.getLogger("gans")

PRUNERS = ("median", "halving", "none")
STUDY = "study.log"


def search(
    space: list[Dimension], fixed: list[str], trials: int, folder: Path, pruner: str = "median", seed: int = 0
) -> list[Job]:
    """Try settings, as many as there are not yet in the folder; print the table; all jobs.

    Args:
        space: what is searched.
        fixed: overrides of every run.
        trials: how many settings in all.
        folder: of the sweep; one that was begun goes on.
        pruner: median stops a run below the median of the others at its step, halving the worse half, none none.

    Raises:
        UserError: Optuna is not installed, or the first settings cannot be composed.
        KeyboardInterrupt: Ctrl-C; what was done is in the folder.
    """
    one_of("pruner", pruner, PRUNERS)
    optuna = import_optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction = example_run(space, fixed).trainer.direction
    if (folder / STUDY).exists():
        check_bytes(folder / STUDY, OBJECTS * (folder / STUDY).stat().st_size)
    made = {
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=3),
        "halving": optuna.pruners.SuccessiveHalvingPruner,
        "none": optuna.pruners.NopPruner,
    }
    with reading(folder / STUDY, "a readable study"):
        study = optuna.create_study(
            study_name="gans",
            storage=optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(folder / STUDY))),
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=derived_seed("search", seed, len(read_jobs(folder)))),
            pruner=made[pruner](),
            direction="maximize" if direction > 0 else "minimize",
        )
    states = {"completed": optuna.trial.TrialState.COMPLETE, PRUNED: optuna.trial.TrialState.PRUNED}
    try:
        for number in range(len(read_jobs(folder)), trials):
            trial = study.ask()
            overrides = values_of(space, trial)
            log.info("job %s of %s: %s", number, trials, " ".join(overrides))
            job = Job(number, overrides, run_dir=str(folder / str(number)))
            recorded(job, folder, partial(_train, fixed=fixed, trial=trial))
            state = states.get(job.status, optuna.trial.TrialState.FAIL)
            study.tell(trial, job.score if state == optuna.trial.TrialState.COMPLETE else None, state=state)
    finally:
        jobs = finish(folder, direction)
    return jobs


def _train(job: Job, fixed: list[str], trial: Any) -> tuple[str, float]:
    """Train the run of a job whose scores a trial follows; its status and its best score, the mean over seeds."""
    run = compose([*fixed, *job.overrides, f"run_dir={job.run_dir}"])

    def watch(step: int, scores: list[dict[str, float]]) -> bool:
        value = sum(one[run.trainer.best] for one in scores) / len(scores)
        if math.isfinite(value):
            trial.report(value, step)
        return trial.should_prune()

    result = execute(run, report=report_run, watch=watch)
    values = [one["value"] for one in result.summary["scores"]["best"] if one["value"] is not None]
    score = sum(values) / len(values) if values else 0.0
    if result.status == "interrupted":
        raise KeyboardInterrupt
    return (PRUNED if result.summary["stopped"] == PRUNED else result.status), score


def import_optuna() -> Any:
    """Optuna.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise missing_extra("gans.tune", "tune") from None
    return optuna
