"""Whether a detector can tell generated rows from held-out real ones: a classifier two-sample test.

A small boosted forest (scikit-learn's histogram gradient boosting) is trained on both sides in equal parts and judged
on rows that it has not seen. The form of the score is that of the published benchmark of tabular generators (Zhang et
al. 2024, arXiv:2310.09656), which uses a logistic regression; trees also see wrong pairs of columns. The test itself is
of Lopez-Paz and Oquab 2017, arXiv:1610.06545.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Column, Schema
from gans.evaluation.inputs import Tables, numbers
from gans.evaluation.metrics import HIGHER, Computed, Meaning, MostRows, metric

pc: Any = pyarrow.compute  # its functions are made at run time

FOLDS = 3
MOST_ROWS = 3_000
LEAST_ROWS = 100
TREES = 50
TELLING_ROWS, TELLING_TREES = 1_000, 20
MOST_LEVELS = 254


class Detector:
    """The held-out side, prepared once: at most 3,000 of its rows, the same at every call.

    Three folds: on rows of Adult, five cost more and vary more where both sides are alike, at about the same power.
    Real against real rows of Adult score .994 +- .005 where there are 3,000 of each, .98 +- .02 where there are 300.
    """

    def __init__(self, table: pa.Table, schema: Schema) -> None:
        self.columns = schema.features
        self.table = _shuffled(table.select([column.name for column in self.columns]))

    def score(self, table: pa.Table) -> float:
        """1 - mean over folds of (2 max(.5, AUC) - 1), in [0, 1]; 1: the detector cannot tell the sides apart.

        Of the larger side as many rows are used as the smaller one has. The same tables give the same bits.

        Raises:
            KeyError: a learned column is not in `table`.
            ValueError: a side has fewer than 100 rows, too few for trees.
        """
        values, labels, folds = self._sides(table, MOST_ROWS)
        return 1 - float(np.mean([2 * max(0.5, self._auc(values, labels, folds == fold)) - 1 for fold in range(FOLDS)]))

    def telling(self, table: pa.Table) -> tuple[float, dict[str, float]]:
        """By what the sides can be told apart: the AUC of a forest, and what it loses by a column, largest first.

        That is the fall of the AUC where the values of the column are shuffled among the rows judged (Breiman 2001).
        Cheaper than `score`: of at most 1,000 rows of each side, a third is judged by 20 trees grown on the others.

        Raises:
            KeyError, ValueError: as `score`.
        """
        values, labels, folds = self._sides(table, TELLING_ROWS)
        test = folds == 0
        judged, own, rng = values[test], labels[test], np.random.default_rng(0)
        judge = self._judge(values[~test], labels[~test], TELLING_TREES)
        auc, losses = judge(judged, own), {}
        for place, column in enumerate(self.columns):
            shuffled = judged.copy()
            shuffled[:, place] = rng.permutation(shuffled[:, place])
            losses[column.name] = auc - judge(shuffled, own)
        return auc, dict(sorted(losses.items(), key=lambda item: -item[1]))

    def _sides(self, table: pa.Table, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values [rows, columns], labels [rows] (1: of `table`) and folds [rows] of as many rows of both sides."""
        rows = min(self.table.num_rows, table.num_rows)
        if rows < LEAST_ROWS:
            raise ValueError(f"{rows} rows: a detector needs at least {LEAST_ROWS} of each side")
        rows = min(rows, most)
        real, made = self.table.slice(0, rows), _shuffled(table).slice(0, rows)
        values = np.column_stack([_values(real[c.name], made[c.name], c) for c in self.columns])
        return values, np.repeat([0, 1], rows), np.tile(np.arange(rows) % FOLDS, 2)

    def _auc(self, values: np.ndarray, labels: np.ndarray, test: np.ndarray) -> float:
        """Area under the curve on the rows of `test` [rows] of a forest that is grown on the others."""
        return self._judge(values[~test], labels[~test], TREES)(values[test], labels[test])

    def _judge(self, values: np.ndarray, labels: np.ndarray, trees: int) -> Callable[[np.ndarray, np.ndarray], float]:
        """The area under the curve, of values and labels of other rows, of a forest that is grown on these.

        One thread: it is as fast at this size, and many slow each other down where JAX or another run is busy.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from threadpoolctl import threadpool_limits

        settings: dict[str, Any] = {
            "max_iter": trees,
            "max_leaf_nodes": 15,
            "learning_rate": 0.2,
            "early_stopping": False,
            "categorical_features": [not _is_number(column) for column in self.columns],
            "random_state": 0,
        }
        forest = HistGradientBoostingClassifier(**settings)
        with threadpool_limits(1, user_api="openmp"):
            forest.fit(values, labels)

        def auc(values: np.ndarray, labels: np.ndarray) -> float:
            with threadpool_limits(1, user_api="openmp"):
                return float(roc_auc_score(labels, forest.decision_function(values)))

        return auc


def _shuffled(table: pa.Table) -> pa.Table:
    """At most 3,000 rows in random order, which does not depend on the run."""
    return table.take(np.random.default_rng(0).permutation(table.num_rows)[:MOST_ROWS])


def _is_number(column: Column) -> bool:
    return column.kind in ("numeric", "integer", "datetime")


def _values(real: pa.ChunkedArray, made: pa.ChunkedArray, column: Column) -> np.ndarray:
    """Both sides of a column, one after the other, as float64 [2 rows]: numbers, or codes of levels; NaN: missing.

    Levels are those of both sides, the most frequent 254; the others are one. Levels of one side only would themselves
    tell the sides apart, wherever a column has many.
    """
    if _is_number(column):
        return np.concatenate([numbers(real), numbers(made)])
    both = pa.chunked_array([*real.chunks, *made.cast(real.type).chunks], real.type)
    found = both.combine_chunks().dictionary_encode().indices
    codes = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[codes >= 0])
    rank = np.empty(len(counts))
    rank[np.argsort(-counts, kind="stable")] = np.minimum(np.arange(len(counts)), MOST_LEVELS)
    return np.where(codes < 0, np.nan, np.append(rank, np.nan)[codes])


@metric(
    "detection",
    {"detection": Meaning("detection, small forest, against held-out rows", HIGHER, 1.0, sentence=False)},
    part="detection",
    least=LEAST_ROWS,
    most=MostRows(MOST_ROWS, MOST_ROWS, MOST_ROWS),
    on_test=False,
)
def detection(tables: Tables, rows: int | None) -> Computed:
    """The detector of training: against test rows where there are enough, else against the real ones."""
    del rows
    held_out = tables.test is not None and tables.test.num_rows >= LEAST_ROWS
    against = tables.test if held_out else tables.real
    assert against is not None
    detector = tables.once("detector", lambda: Detector(against, tables.schema))
    few = f"detection: against training rows, there are fewer than {LEAST_ROWS} held-out ones"
    return Computed(
        {"detection": detector.score(tables.synthetic)},
        {"detection against": "held-out" if held_out else "training"},
        [] if held_out else [few],
        rows=min(MOST_ROWS, against.num_rows, tables.synthetic.num_rows),
    )
