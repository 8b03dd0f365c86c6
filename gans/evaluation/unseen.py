"""How well boosted trees tell synthetic rows from real ones that nothing was learned from, and by what.

The protocol of "Measuring the Dependency Gap" (arXiv:2607.21636): synthetic and test rows in equal numbers, levels as
ordinal codes, XGBoost with 300 trees of depth 6, learning rate .1, nine tenths of the rows and of the columns for each
tree, five stratified folds and one AUC of all predictions, which are of rows that the trees did not see. After every
column of both tables was shuffled by itself only the single columns can give the rows away; what remains is the joint.

Where we differ: all that is compared has the same number of rows, that of the smallest table, at most 20,000 at level
standard, since trees that see more rows tell more; and in the overfit an AUC against training rows that is far below a
half stays there, since that is what copies of training rows have. `gans.evaluation.two_sample` has the other
convention, of three folds against training rows: figures of the two are not comparable.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from gans.evaluation.inputs import Side, Tables
from gans.evaluation.intervals import Z, area
from gans.evaluation.metrics import HIGHER, LEAST_TEST, LOWER, NEAR, Computed, Estimate, Meaning, MostRows, metric
from gans.trees import import_xgboost

FOLDS = 5
TWINS = 4  # standard errors below a half, from which an AUC against training rows says that rows have twins there
MOST_ROWS = 20_000
TREES: dict[str, Any] = {
    "n_estimators": 300,
    "max_depth": 6,
    "learning_rate": 0.1,
    "subsample": 0.9,
    "colsample_bytree": 0.9,
    "tree_method": "hist",
    "random_state": 0,
    "n_jobs": 1,  # the folds go side by side: the same bits for any number of threads
}


class Auc(NamedTuple):
    """An area under the ROC curve, and its standard error over the rows (DeLong)."""

    value: float
    error: float

    @property
    def folded(self) -> float:
        """As published: max(AUC, 1 - AUC)."""
        return max(self.value, 1 - self.value)


def matrix(side: Side) -> np.ndarray:
    """Numbers and ordinal codes of levels as float64 [rows, columns]; NaN: a number is missing."""
    return np.stack(
        [
            side.columns[name] if name in side.levels else np.where(side.missing(name), np.nan, side.columns[name])
            for name in side.names
        ],
        axis=1,
        dtype=np.float64,
    )


def shuffled(rows: np.ndarray, seed: int) -> np.ndarray:
    """Every column [rows, columns] in an order of its own: the same columns, independent of each other."""
    return np.random.default_rng(seed).permuted(rows, axis=0)


def detector_aucs(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, Auc]:
    """By name the out-of-fold AUC between two tables [rows, columns] of as many rows; .5: they cannot be told apart.

    The same tables give the same bits, on any number of cores.
    """
    from sklearn.model_selection import StratifiedKFold

    tasks, places = [], {}
    for name, (left, right) in pairs.items():
        values, labels = np.concatenate([left, right]), np.repeat([0, 1], [len(left), len(right)])
        folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels))
        tasks += [(values, labels, *fold) for fold in folds]
        places[name] = labels, np.concatenate([test for _, test in folds])
    with ThreadPoolExecutor(max_workers=min(FOLDS, os.cpu_count() or 1)) as pool:
        chances = iter(list(pool.map(lambda task: _out_of_fold(*task), tasks)))
    out = {}
    for name, (labels, order) in places.items():
        scores = np.concatenate([next(chances) for _ in range(FOLDS)])
        out[name] = Auc(*area(labels[order], scores))
    return out


def _out_of_fold(values: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    return import_xgboost().XGBClassifier(**TREES).fit(values[train], labels[train]).predict_proba(values[test])[:, 1]


def score_of(auc: Auc) -> Estimate:
    """2 (1 - AUC) with its interval, in [0, 1]; 1: the rows cannot be told apart."""
    value, spread = 2 * (1 - auc.folded), 2 * Z * auc.error
    return Estimate(value, max(0.0, value - spread), min(1.0, value + spread))


def overfit_of(test: Auc, train: Auc) -> Estimate:
    """The score against training rows less that against test rows, with its interval.

    The errors of the two AUCs are taken as independent: that they share the synthetic rows, which makes them go
    together, is left out, and so is that other rows would have given other trees. AUCs are folded, as published, but
    for one far below a half against training rows: trees that saw the twin of a row on the other side guess the wrong
    side, so that folding would hide copies.
    """
    twins = train.value < 0.5 - TWINS * train.error
    value = 2 * (test.folded - (train.value if twins else train.folded))
    spread = 2 * Z * float(np.hypot(test.error, train.error))
    return Estimate(value, value - spread, value + spread)


@metric(
    "unseen",
    {
        "unseen_score": Meaning("score against unseen rows, 2 (1 - AUC)", HIGHER, 1.0, sentence=False),
        "unseen_columns": Meaning("lost to single columns", LOWER, 0.0, sentence=False),
        "unseen_joint": Meaning("lost to relations between columns", LOWER, 0.0, sentence=False),
        "unseen_overfit": Meaning("overfit: score against training rows minus this score", NEAR, 0.0, sentence=False),
    },
    part="unseen rows",
    level="standard",
    least=LEAST_TEST,
    least_test=LEAST_TEST,
    most=MostRows(None, MOST_ROWS, None),
    in_training=False,
    on_test=False,
)
def unseen(tables: Tables, rows: int | None) -> Computed:
    """The score against test rows, what takes away from it, its two anchors, and the overfit."""
    count = min(rows or tables.real.num_rows, *(side.rows for side in tables.sides.values()))
    made, real, test = (matrix(tables.sides[name].drawn(count, 0)) for name in ("synthetic", "real", "test"))
    found = detector_aucs(
        {
            "synthetic": (made, test),
            "columns": (shuffled(made, 1), shuffled(test, 2)),
            "training": (made, real),
            "training rows": (real, test),
            "independent columns": (shuffled(real, 1), test),
        }
    )
    auc, by_columns = found["synthetic"], found["columns"]
    anchors = {name: score_of(found[name]).value for name in ("training rows", "independent columns")}
    return Computed(
        {
            "unseen_score": score_of(auc)._replace(real=anchors["training rows"]),
            "unseen_columns": Estimate(2 * by_columns.folded - 1),
            "unseen_joint": Estimate(2 * (auc.folded - by_columns.folded)),
            "unseen_overfit": overfit_of(auc, found["training"]),
        },
        {
            "unseen rows": {
                "rows of each side": count,
                "independent columns": anchors["independent columns"],
                "training rows": anchors["training rows"],
                "AUC": auc.folded,
                "marginal AUC": by_columns.folded,
                "AUC against training rows": found["training"].value,
            }
        },
        rows=count,
    )
