"""Classifier two-sample tests: can a model tell synthetic from real rows, and by what?

Lopez-Paz & Oquab 2017, arXiv:1610.06545, in the form of the published benchmark of tabular generators: a score of
1 - mean over three folds of (2 max(.5, AUC) - 1). `gans.evaluation.detection` is the cheaper one of training, and
`gans.evaluation.unseen` the stronger one, against test rows, whose figures are not comparable with these.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gans.evaluation.inputs import FLAG, Side, Tables, joined
from gans.evaluation.intervals import Z, area
from gans.evaluation.metrics import (
    HIGHER,
    LEAST_OF_EACH,
    LEAST_TEST,
    WORST,
    Computed,
    Estimate,
    Meaning,
    MostRows,
    metric,
)
from gans.trees import import_xgboost

FOLDS = 3
EXPLAINED = 2_000
EXPLAINED_PAIRS = 300
MOST_PAIRED = 40


@dataclass
class TwoSample:
    """What a classifier could tell.

    Attributes:
        score: 1 - mean of (2 max(.5, AUC) - 1), in [0, 1]; 1: it cannot tell the sides apart.
        low: end of the interval of 95% over the rows of the folds (DeLong).
        high: the other end.
        columns: by column its share of what the classifier went by, largest first; they add up to 1.
        pairs: the same of pairs of columns, beside what their columns say by themselves.
    """

    score: float
    low: float
    high: float
    columns: dict[str, float] = field(default_factory=dict)
    pairs: dict[tuple[str, str], float] = field(default_factory=dict)


def xgb_c2st(real: Side, synthetic: Side) -> TwoSample:
    """The test with boosted trees (XGBoost, its defaults), of equally many rows of each side."""
    frame, labels = _both(real, synthetic)
    table = frame.frame()

    def predict(train: np.ndarray, test: np.ndarray) -> tuple[Any, np.ndarray]:
        model = import_xgboost().XGBClassifier(eval_metric="logloss", enable_categorical=True, random_state=0)
        fitted = model.fit(table.iloc[train], labels[train])
        return fitted, fitted.predict_proba(table.iloc[test])[:, 1]

    fitted, test, out = _folds(labels, predict)
    chosen = table.iloc[test[:EXPLAINED]]
    names = list(frame.columns)
    out.columns = _contributions(fitted, chosen, names)
    if len(names) <= MOST_PAIRED:
        out.pairs = _interactions(fitted, chosen[:EXPLAINED_PAIRS], names)
    return out


def lr_c2st(real: Side, synthetic: Side) -> TwoSample:
    """The test with a logistic regression on standardised numbers and one-hot levels.

    The published one codes a level by its frequency, which hides levels that are equally frequent; one-hots do not.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, labels = _both(real, synthetic)
    table, names = frame.matrix(), list(frame.columns)
    numeric = [place for place, name in enumerate(names) if name not in frame.levels]
    coded = [place for place, name in enumerate(names) if name in frame.levels]

    def predict(train: np.ndarray, test: np.ndarray) -> tuple[Any, np.ndarray]:
        encoder = ColumnTransformer([
            ("numbers", StandardScaler(), numeric),
            ("levels", OneHotEncoder(handle_unknown="ignore"), coded),
        ])  # fmt: skip
        model: Any = make_pipeline(encoder, LogisticRegression(max_iter=300, tol=1e-3))
        return model, model.fit(table[train], labels[train]).decision_function(table[test])

    return _folds(labels, predict)[2]


def _both(real: Side, synthetic: Side) -> tuple[Side, np.ndarray]:
    rows = min(real.rows, synthetic.rows)
    return joined(real.drawn(rows, 0), synthetic.drawn(rows, 0)), np.repeat([1, 0], rows)


def _folds(
    labels: np.ndarray, predict: Callable[[np.ndarray, np.ndarray], tuple[Any, np.ndarray]]
) -> tuple[Any, np.ndarray, TwoSample]:
    """The last model, its test rows, and the score of all folds."""
    from sklearn.model_selection import StratifiedKFold

    scores, errors, model, test = [], [], None, np.zeros(0, np.int64)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels):
        model, found = predict(train, test)
        value, error = area(labels[test], found)
        scores.append(1 - (2 * max(0.5, value) - 1))
        errors.append(2 * error)
    score, error = float(np.mean(scores)), float(np.sqrt(np.square(errors).sum()) / FOLDS)
    return model, test, TwoSample(score, max(0.0, score - Z * error), min(1.0, score + Z * error))


def _contributions(model: Any, table: Any, names: list[str]) -> dict[str, float]:
    """Mean absolute contributions of the columns to the logit (Lundberg et al. 2018, arXiv:1802.03888), as shares."""
    data = import_xgboost().DMatrix(table, enable_categorical=True)
    values = np.abs(model.get_booster().predict(data, pred_contribs=True)[:, :-1]).mean(0)
    shares = values / (values.sum() or 1.0)
    merged: dict[str, float] = {}
    for name, share in zip(names, shares, strict=True):
        owner = name.removesuffix(FLAG) if name.removesuffix(FLAG) in names else name
        merged[owner] = merged.get(owner, 0.0) + float(share)
    return dict(sorted(merged.items(), key=lambda item: -item[1]))


def _interactions(model: Any, table: Any, names: list[str]) -> dict[tuple[str, str], float]:
    """The ten largest interactions of two columns, as shares of all contributions."""
    data = import_xgboost().DMatrix(table, enable_categorical=True)
    values = np.abs(model.get_booster().predict(data, pred_interactions=True)[:, :-1, :-1]).mean(0)
    total = values.sum() or 1.0
    found = {
        (names[i], names[j]): float(2 * values[i, j] / total)
        for i in range(len(names))
        for j in range(i + 1, len(names))
    }
    return dict(sorted(found.items(), key=lambda item: -item[1])[:10])


@metric(
    "two_sample",
    {
        "xgb_c2st": Meaning("XGB-C2ST of three folds, against training rows", HIGHER, 1.0, sentence=False),
        "xgb_c2st_test": Meaning("XGB-C2ST of three folds, against held-out rows", HIGHER, 1.0, sentence=False),
        "lr_c2st": Meaning("LR-C2ST", HIGHER, 1.0, sentence=False),
    },
    part="detection",
    level="standard",
    least=LEAST_OF_EACH,
    most=MostRows(None, 50_000, 1_000_000),
    in_training=False,
    on_test=False,
)
def two_sample(tables: Tables, rows: int | None) -> Computed:
    """Boosted trees and a logistic regression, and what gave the rows away."""
    real, synthetic = (tables.some(side, rows) for side in ("real", "synthetic"))
    found = {"xgb_c2st": xgb_c2st(real, synthetic), "lr_c2st": lr_c2st(real, synthetic)}
    used = dict.fromkeys(found, min(real.rows, synthetic.rows))
    if "test" in tables.sides and tables.sides["test"].rows >= LEAST_TEST:
        test = tables.some("test", rows)
        found["xgb_c2st_test"] = xgb_c2st(test, synthetic)
        used["xgb_c2st_test"] = min(test.rows, synthetic.rows)
    telling = found.get("xgb_c2st_test", found["xgb_c2st"])
    return Computed(
        {name: Estimate(one.score, one.low, one.high, rows=used[name]) for name, one in found.items()},
        {
            "given away by columns": dict(list(telling.columns.items())[:WORST]),
            "given away by pairs": telling.pairs,
        },
    )
