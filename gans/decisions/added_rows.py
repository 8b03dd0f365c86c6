"""Augmentation: synthetic rows beside real ones, recommended only where they were seen to help."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gans.decisions.arms import paired
from gans.decisions.cases import Case
from gans.decisions.growth import BALANCE, GROW, check_growth
from gans.errors import UserError
from gans.evaluation.inputs import joined, read_sides
from gans.evaluation.utility import NUMBER, Task, smote
from gans.findings.answers import ADDED, HIGHER, REAL, SMOTE, Measured, shown
from gans.findings.sentence import Sentence
from gans.words import mark, say

GROWN = mark("synthetic rows")
MARK = "synthetic"


@dataclass
class Augmentation:
    """What was added, and whether it helps.

    Attributes:
        rows: that are added, with the columns of the table.
        measured: AUC or R^2 on held-out rows by arm, with the gain over real rows only.
        counts: rows by level of the target, of the training rows and of those added; empty for a number.
    """

    rows: pa.Table
    measured: Measured
    counts: dict[str, tuple[int, int]]
    arm: str

    @property
    def helps(self) -> bool:
        """Whether the gain is told from 0."""
        return self.measured.verdict(self.arm) == "gain"

    def sentences(self) -> list[Sentence]:
        """Whether to use it, in words."""
        words = {
            "gain": shown(self.measured.gains[self.arm], signed=True),
            "name": say(self.measured.name),
            "real": shown(self.measured.values[REAL]),
        }
        verdict = self.measured.verdict(self.arm)
        if self.helps:
            text = say(
                "Recommended: gain of {gain} in {name} on held-out rows, compared with {real} for real rows only.",
                **words,
            )
            out = [Sentence("good", text)]
        else:
            text = say(
                "Not recommended: {verdict}, {gain} in {name} on held-out rows, compared with {real} for real rows "
                "only.",
                verdict=say(verdict),
                **words,
            )
            out = [Sentence("bad" if verdict == "loss" else "note", text)]
        if SMOTE in self.measured.values:
            text = say(
                "SMOTE: {value}, {gain} compared with real rows only.",
                value=shown(self.measured.values[SMOTE]),
                gain=shown(self.measured.gains[SMOTE], signed=True),
            )
            out.append(Sentence("note", text))
        return out


def augment(case: Case, how: str, n: int | None = None) -> Augmentation:
    """Balance the classes of the target, or grow the table by `n` rows, and measure what a model of it gains.

    Balancing fills up each class to the size of the largest one, by rows drawn under the condition. The model is that
    of gans.evaluate, boosted trees; its gain is that on held-out rows, with an interval bootstrapped over them.

    Raises:
        UserError: classes of a number are to be balanced, or n is out of range.
    """
    check_growth(how, n)
    target, real = case.target, case.tables.real
    task = Task.of(case.test, case.real, target)
    counts: dict[str, tuple[int, int]] = {}
    if how == BALANCE:
        if task.kind == NUMBER:
            raise UserError(f"target={target}: a number has no classes to balance; use how={GROW}.")
        parts = []
        found = real[target].drop_null().value_counts().to_pylist()
        most = max(one["counts"] for one in found)
        for one in sorted(found, key=lambda one: str(one["values"])):
            counts[str(one["values"])] = (one["counts"], most - one["counts"])
            if missing := most - one["counts"]:
                parts.append(case.sample(missing, {target: one["values"]}))
        if not parts:
            raise UserError(f"target={target}: its classes are balanced already; use how={GROW}.")
        rows = pa.concat_tables(parts)
    else:
        rows = case.sample(real.num_rows if n is None else n)
    sides = read_sides(case.tables.schema, real, rows, case.tables.test, target).capped
    task = Task.of(sides["test"], sides["real"], target)
    inputs, goal = task.inputs(sides["test"]), task.goal(sides["test"])
    arm = ADDED if how == BALANCE else GROWN
    predicted = {
        REAL: task.fit(sides["real"])(inputs),
        arm: task.fit(joined(sides["real"], sides["synthetic"]))(inputs),
    }
    if how == BALANCE and (more := smote(task, sides["real"])) is not None:
        predicted[SMOTE] = task.fit(more)(inputs)

    def score(places: np.ndarray, values: np.ndarray) -> float:
        return task.value(goal[places], values[places])

    measured = paired(task.measure, HIGHER, score, predicted, len(goal))
    return Augmentation(rows, measured, counts, arm)


def augmented(case: Case, augmentation: Augmentation) -> pa.Table:
    """The training rows with those added below them, told apart by the column `synthetic`.

    Raises:
        UserError: the table has a column of that name.
    """
    real = case.tables.real
    if MARK in real.column_names:
        raise UserError(
            f"the table has a column '{MARK}' already, which would tell real from synthetic rows; rename it."
        )
    rows = augmentation.rows.select(real.column_names).cast(real.schema)
    table = pa.concat_tables([real, rows])
    marks = np.repeat([False, True], [real.num_rows, rows.num_rows])
    return table.append_column(MARK, pa.array(marks))
