"""A run and its tables, as the uses take them."""

import dataclasses
import glob
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.config.run import Run
from gans.errors import UserError, nearest, one_of
from gans.evaluation.inputs import Side, Tables, read_sides
from gans.evaluation.utility import BINARY, Task
from gans.runs.find import no_such_run
from gans.runs.saved import SavedRun
from gans.runs.subjects import read_given, real_tables
from gans.sampling.sampler import Sampler

pc: Any = pyarrow.compute  # its functions are made at run time

LEAST_TEST = 100  # held-out rows


@dataclass
class Case:
    """One run beside real rows that it has not seen.

    Attributes:
        folder: of the run.
        tables: training rows, synthetic rows, and held-out rows, which are always there.
    """

    folder: Path
    run: Run
    sampler: Sampler
    tables: Tables

    @property
    def test(self) -> Side:
        """The held-out rows."""
        return self.tables.capped["test"]

    @property
    def real(self) -> Side:
        """The training rows."""
        return self.tables.capped["real"]

    @property
    def synthetic(self) -> Side:
        """As many synthetic rows as there are training rows, or fewer."""
        side = self.tables.capped["synthetic"]
        return side.take(np.arange(min(side.rows, self.real.rows)))

    @property
    def target(self) -> str:
        """The column that is predicted.

        Raises:
            UserError: none is given.
        """
        if not self.tables.target:
            names = ", ".join(column.name for column in self.tables.schema.kept)
            raise UserError(f"target is not set, and the run has none; there are {names}.")
        return self.tables.target

    def sample(self, n: int, where: Any = None, seed: int | None = None) -> pa.Table:
        """Fresh synthetic rows."""
        return self.sampler.sample(n, self.run.seed if seed is None else seed, where)


def open_cases(given: Mapping[str, Any]) -> list[Case]:
    """The cases of `run`, a list of run directories and patterns of them.

    Raises:
        UserError: a run or table cannot be read, they are of different tables, or there are too few held-out rows.
    """
    if "run" not in given:
        raise UserError("run is not set; it names a run directory, as in run=runs/tabular/DIR.")
    named = ",".join(given["run"])
    folders = [
        Path(path)
        for name in given["run"]
        for path in (sorted(glob.glob(str(Path(name).expanduser()))) or [name])  # noqa: PTH207 (of any root)
        if Path(path).is_dir()
    ]
    if not folders:
        raise no_such_run(named)
    cases = []
    for folder in folders:
        saved = SavedRun.open(folder)
        known = real_tables(given, saved)
        test = known.test
        if known.schema.images:
            raise UserError(f"run={folder}: its rows are images; the uses are of tables of customers.")
        if test is None or test.num_rows < LEAST_TEST:
            rows = 0 if test is None else test.num_rows
            raise UserError(
                f"run={folder}: it has {rows} held-out rows, at least {LEAST_TEST} are needed; set test=FILE."
            )
        sampler = saved.sampler()
        synthetic = (
            read_given(given, "synthetic", saved.schema)
            if "synthetic" in given
            else _samples(saved, sampler, known.training)
        )
        target, secrets = given.get("target", known.target), given.get("secrets", [])
        tables = read_sides(known.schema, known.training, synthetic, test, target, secrets)
        tables.runs = len(folders)
        if cases and not cases[0].tables.real.equals(tables.real):
            raise UserError(f"run={named}: {folders[0]} and {folder} were trained on different tables.")
        cases.append(Case(folder, saved.run, sampler, tables))
    return cases


def _samples(saved: SavedRun, sampler: Sampler, real: pa.Table) -> pa.Table:
    """As many rows as the run was trained on: its samples, or fresh ones where these are fewer."""
    if saved.samples is not None and saved.samples.num_rows >= real.num_rows:
        return saved.samples
    return sampler.sample(real.num_rows, saved.run.seed)


@dataclass
class Response:
    """A yes-or-no question about rows: whether the target has one level.

    Attributes:
        positive: that level.
        task: of predicting it.
    """

    target: str
    positive: str
    task: Task

    @classmethod
    def ask(cls, case: Case, positive: str | None) -> tuple["Response", Case]:
        """The question, and the case without rows that have no answer.

        `positive` unless given is the rarer of two levels.

        Raises:
            UserError: the target is a number, or has no such level, or more than two and none is named.
        """
        target, tables = case.target, case.tables
        if target not in case.real.levels:
            raise UserError(f"target={target}: it is a number; a category or boolean column is needed.")
        sides = {"real": tables.real, "synthetic": tables.synthetic, "test": tables.test}
        kept = {name: table.filter(pc.is_valid(table[target])) for name, table in sides.items() if table is not None}
        case = dataclasses.replace(case, tables=dataclasses.replace(tables, **kept))
        levels = case.real.levels[target]
        counts = np.bincount(case.real.columns[target], minlength=len(levels))
        known = [level for level, count in zip(levels, counts, strict=True) if count]
        if positive is None:
            if len(known) != 2:
                raise UserError(f"positive is not set: {target} has the levels {', '.join(known)}; name the one meant.")
            positive = levels[int(np.argmin(np.where(counts > 0, counts, np.inf)))]
        one_of("positive", positive, known)
        task = Task(target, BINARY, np.array([0, 1]))
        question = cls(target, positive, task)
        hits = question.labels(case.test).sum()
        if not 0 < hits < case.test.rows:
            raise UserError(f"positive={positive}: of the held-out rows {hits} have it; both answers are needed.")
        return question, case

    def labels(self, side: Side) -> np.ndarray:
        """Bool [rows]."""
        return side.columns[self.target] == side.levels[self.target].index(self.positive)

    def asked(self, side: Side) -> Side:
        """The side with the answer, no or yes, in place of the target."""
        columns = dict(side.columns) | {self.target: self.labels(side).astype(np.int32)}
        return Side(columns, dict(side.levels) | {self.target: ["no", "yes"]})

    def chances(self, training: Side, rows: Side, settings: dict[str, Any] | None = None) -> np.ndarray:
        """The chance of yes [rows], by boosted trees trained on another side."""
        return self.task.fit(self.asked(training), settings)(self.task.inputs(self.asked(rows)))[:, 1]


def category_column(case: Case, key: str, name: str) -> str:
    """The name of a column of levels.

    Raises:
        UserError: it is not there, or holds numbers.
    """
    names = list(case.real.levels)
    if name not in names:
        raise UserError(f"{key}={name}: allowed are the columns of levels {', '.join(names)}.{nearest(name, names)}")
    return name
