"""A finished run's generator, trained anew on other rows, in a folder of the run."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa

from gans.config.run import Run
from gans.data.base import Source
from gans.errors import UserError
from gans.evaluation.inputs import Tables, read_sides
from gans.evaluation.metrics import LEAST_TEST
from gans.runs.execute import execute
from gans.runs.files import RunFiles
from gans.runs.saved import SavedRun
from gans.training.loop import COMPLETED, INTERRUPTED

log = logging.getLogger("gans")

LEAST = 2 * LEAST_TEST  # training rows, to train on one half and attack with the other


def train_again(run: Run, table: pa.Table, folder: Path, steps: int | None = None) -> SavedRun:
    """Train a run's config on a table, without a page and a tracker; a finished folder is used again.

    Args:
        steps: in the place of the config's.

    Raises:
        UserError: training did not complete.
        KeyboardInterrupt: it was interrupted; the same call goes on with it.
    """
    if SavedRun(folder).summary.get("status") != COMPLETED:
        log.info("training on %s rows: %s", f"{table.num_rows:,}", folder)
        begun = RunFiles(folder).begun
        alone = {"coordinator": None, "processes": 1, "process": 0}  # whatever host its config names
        trainer = dataclasses.replace(run.trainer, resume=begun, steps=steps or run.trainer.steps, **alone)
        tracker = dataclasses.replace(run.tracker, mode="disabled", id=None)
        data = of_columns(dataclasses.replace(run.data, limit=None), table.column_names)
        run = dataclasses.replace(
            run, run_dir=str(folder), trainer=trainer, tracker=tracker, logger={}, data=data, samples=100
        )
        done = execute(run, table)
        if done.status == INTERRUPTED:
            log.info("saved in %s; the same command goes on with it", folder)
            raise KeyboardInterrupt
        if done.status != COMPLETED:
            raise UserError(f"{folder}: training on the smaller table {done.status}; lower optimizer.learning_rate.")
    return SavedRun.open(folder)


def of_columns(data: Source, names: list[str]) -> Source:
    """A source whose keys name only columns that are there: those that a run left out are not in its compared rows."""
    lists = {key: [name for name in getattr(data, key) if name in names] for key in ("drop", "keep", "fake")}
    kinds, personal = (
        {name: kind for name, kind in given.items() if name in names} for given in (data.kinds, data.personal)
    )
    key = data.fake_key if lists["fake"] else ""
    return dataclasses.replace(data, **lists, kinds=kinds, personal=personal, fake_key=key)


def half_split(saved: SavedRun, training: pa.Table) -> Tables:
    """The tables of an attack on a generator that is trained on one half of the training rows.

    Both halves come from one table and nothing but training parts them, so that what an attack tells is memory and no
    drift. Real rows are those of the half that were trained on, test rows the other half.

    Raises:
        UserError: there are too few rows, or training did not complete.
    """
    if training.num_rows < LEAST:
        raise UserError(
            f"retrain=true: run={saved.folder} has {training.num_rows:,} training rows; at least {LEAST} are needed."
        )
    order = np.random.default_rng((saved.run.seed, 2)).permutation(training.num_rows)
    half, other = (training.take(np.sort(part)) for part in np.array_split(order, 2))
    data = dataclasses.replace(saved.run.data, limit=None, merge_rare=False)  # rare levels were merged before
    run = dataclasses.replace(saved.run, data=data)
    again = train_again(run, half, saved.folder / f"retrained-{half.num_rows}")
    split = data.split(half)
    synthetic = again.sampler().sample(split.training.num_rows, saved.run.seed)
    return read_sides(split.schema, split.training, synthetic, other)
