"""Whether every column can be predicted from the others as well as real rows allow, not the target alone."""

import numpy as np

from gans.evaluation.inputs import Side, Tables
from gans.evaluation.metrics import HIGHER, LEAST_TEST, Computed, Meaning, MostRows, metric
from gans.evaluation.utility import NUMBER, Task
from gans.words import say

MOST_ROWS = 20_000
MOST_CLASSES = 10
PREDICTABLE = 0.02


def column_utility(real: Side, synthetic: Side, test: Side, target: str) -> float | None:
    """(value of a model of synthetic rows - chance) / (value of a model of real rows - chance), both on test rows.

    The value is that of `Task`: AUC (chance .5), or R^2 (chance 0). At least 0; 1: as good as real rows. None where a
    model of real rows cannot predict the column either, being less than .02 above chance.
    """
    sides = [side.known(target) for side in (real, synthetic, test)]
    if min(side.rows for side in sides) == 0:
        return None
    if target in real.levels and len(real.levels[target]) > MOST_CLASSES + 1:
        counts = np.bincount(sides[0].columns[target], minlength=len(real.levels[target]))
        sides = [side.fewer_levels(target, counts, MOST_CLASSES) for side in sides]
    real, synthetic, test = sides
    task = Task.of(test, real, target)
    chance = 0.0 if task.kind == NUMBER else 0.5
    goal, inputs = task.goal(test), task.inputs(test)
    by_real, by_synthetic = (task.value(goal, task.fit(side)(inputs)) - chance for side in (real, synthetic))
    if not by_real >= PREDICTABLE:
        return None
    return max(0.0, by_synthetic / by_real)


@metric(
    "global_utility",
    {"global_utility": Meaning("every column predicted from the others, share of real rows' value", HIGHER, 1.0)},
    part="utility",
    level="full",
    least=LEAST_TEST,
    least_test=LEAST_TEST,
    most=MostRows(None, MOST_ROWS, MOST_ROWS),
    in_training=False,
    on_test=False,
    lacks=lambda schema: "" if len(schema.kept) > 1 and not schema.images else "it needs two columns",
)
def global_utility(tables: Tables, rows: int | None) -> Computed:
    """The mean over columns of what a model of the others that is trained on synthetic rows keeps of real rows' value.

    TabStruct, arXiv:2509.11950: it follows the causal structure of a table where the use for a single target does not.
    Where we differ: AUC and R^2 above chance, so that independent columns have 0 and not half; columns that real rows
    cannot predict are left out; of a column with more than eleven levels ten and the rest; XGBoost of 100 trees, depth
    5, in place of several tuned models.
    """
    real, synthetic, test = (tables.some(side, rows) for side in ("real", "synthetic", "test"))
    found = {name: column_utility(real, synthetic, test, name) for name in real.names}
    kept = {name: value for name, value in found.items() if value is not None}
    if not kept:
        return Computed({}, {}, ["global utility: left out, no column can be predicted from the others"])
    notes = [
        say("global utility: {name} cannot be predicted from real rows either", name=name)
        for name in found
        if name not in kept
    ]
    mean = float(np.mean(list(kept.values())))
    return Computed({"global_utility": mean}, {"global utility by column": kept}, notes, test.rows)
