"""Whole customers chosen among candidates: by how much likelier they are real, with all their events, than generated.

A chain sees one event at a time, and its small errors add up along a history. Boosted trees that compare customers
joined with aggregates of their events see what they add up to, as a discriminator of whole customers would; a pool of
candidates is then drawn from by their density ratio, as in `gans.refinement.boosted`, without its calibration: what is
counted from events cannot be moved by itself. Nothing of a training customer is copied.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.artefacts import read_npz, reading
from gans.evaluation.history_side import Form, HistorySide
from gans.files import write_atomic
from gans.refinement.trees import check_trees
from gans.trees import import_xgboost

pc: Any = pyarrow.compute  # its functions are made at run time

CANDIDATES = 2  # for each customer who is taken: more are nearer to the real ones, and cost as many times the time
POOL = 256  # customers that are taken from one pool, so that a few rows need a small pool only
GENERATED = 4  # customers for each real one, to learn the ratio from
MOST_REAL = 20_000  # customers to learn it from
MOST_LEVELS = 256  # of a column that the trees look at
FOLDS = 5  # every fifth customer says when to stop
PATIENCE = 30
TREES = 500
BOUND = 3.0  # of the logarithm of the ratio
SETTINGS = {
    "objective": "binary:logistic",
    "max_depth": 3,
    "learning_rate": 0.1,
    "min_child_weight": 50.0,  # about a hundred real customers: a leaf of few would learn these by heart
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "tree_method": "hist",
    "nthread": 1,  # the same trees on every machine
    "seed": 0,
}


@dataclass
class Choice:
    """A density ratio of real to generated customers.

    Attributes:
        form: what aggregates of events have.
        levels: by column that the trees look at its levels, none of a number.
        booster: trees whose logit is the logarithm of the ratio.
    """

    form: Form
    levels: dict[str, list[str]]
    booster: Any

    def log_weights(self, side: HistorySide) -> np.ndarray:
        """The logarithm of the ratio at customers, by their keys, float32 [customers]."""
        logits = self.booster.predict(_matrix(side.aggregates(self.form), self.levels), output_margin=True)
        return np.clip(logits, -BOUND, BOUND)

    def save(self, path: Path) -> None:
        """Write the trees as UBJSON, and what they look at, in one .npz file."""
        known = {"several": self.form.several, "few_levels": self.form.few_levels, "levels": self.levels}
        arrays: dict[str, Any] = {
            "trees": np.frombuffer(self.booster.save_raw("ubj"), np.uint8),
            "columns": np.frombuffer(json.dumps(known).encode(), np.uint8),
        }
        write_atomic(path, lambda temporary: np.savez_compressed(temporary, **arrays))

    @classmethod
    def load(cls, path: Path) -> "Choice | None":
        """What `save` wrote; None where there is none.

        Raises:
            UserError: the file is damaged.
        """
        if not path.is_file():
            return None
        with reading(path, "a readable choice of customers"):
            data = read_npz(path)
            known, trees = json.loads(data["columns"].tobytes()), data["trees"].tobytes()
            check_trees(trees, len(known["levels"]), MOST_LEVELS)
            booster = import_xgboost().Booster({"nthread": 1})
            booster.load_model(bytearray(trees))
            return cls(Form(known["several"], known["few_levels"]), dict(known["levels"]), booster)


def learn_choice(real: HistorySide, made: HistorySide) -> Choice:
    """Learn the ratio of real to generated customers, where both sides weigh the same.

    Trees stop when a fifth of both is told apart no better.
    """
    xgboost = import_xgboost()
    tables = [side.aggregates(real.form) for side in (real, made)]
    levels = {}
    for one in tables[0].schema:
        texts = pa.types.is_string(one.type)
        found = pc.unique(tables[0][one.name]).drop_null().sort().to_pylist() if texts else []
        if len(found) <= MOST_LEVELS:
            levels[one.name] = found
    parts = []
    for validation in (False, True):
        rows = [table.filter(pa.array((np.arange(table.num_rows) % FOLDS == 0) == validation)) for table in tables]
        label = np.repeat([1, 0], [rows[0].num_rows, rows[1].num_rows])
        weight = np.where(label, 1.0, rows[0].num_rows / max(rows[1].num_rows, 1))
        parts.append(_matrix(pa.concat_tables([rows[0], rows[1].cast(rows[0].schema)]), levels, label, weight))
    booster = xgboost.train(
        SETTINGS,
        parts[0],
        TREES,
        evals=[(parts[1], "validation")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )
    return Choice(real.form, levels, booster[: booster.best_iteration + 1])


def _matrix(table: pa.Table, levels: dict[str, list[str]], label: Any = None, weight: Any = None) -> Any:
    """Numbers, days and codes of levels, NaN where missing or unknown, as XGBoost takes them."""
    columns = []
    for name, known in levels.items():
        column = table[name]
        if known:
            column = pc.index_in(column, pa.array(known))
        elif pa.types.is_temporal(column.type):
            column = column.cast(pa.date32()).cast(pa.int32())
        columns.append(column.cast(pa.float32(), safe=False).to_numpy())
    kinds = ["c" if known else "q" for known in levels.values()]
    return import_xgboost().DMatrix(
        np.stack(columns, axis=1), label, weight=weight, feature_types=kinds, enable_categorical=True, nthread=1
    )
