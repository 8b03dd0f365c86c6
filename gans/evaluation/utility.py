"""Whether synthetic rows serve: a model that is trained on them, used on real ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.evaluation.inputs import Side, Tables, joined
from gans.evaluation.intervals import area, area_interval, bootstrap
from gans.evaluation.metrics import HIGHER, LEAST_OF_EACH, NEAR, Computed, Estimate, Meaning, MostRows, metric
from gans.trees import import_xgboost
from gans.words import say

TOP = 0.1
GRID = {"max_depth": (5, 10, 20), "min_child_weight": (1, 10), "gamma": (0, 1)}
TREES = (10, 50, 100)
USUAL = {"max_depth": 5, "n_estimators": 100}
HELD = 9
BINARY, MANY, NUMBER = "binary", "many classes", "number"


@dataclass
class Task:
    """Predicting a column: the inputs of a side, what is predicted, and how it is scored.

    Binary: area under the ROC curve, the rarer class of the test rows positive. Many classes: that area, one class
    against the others, averaged. A number: R^2.
    """

    target: str
    kind: str
    classes: np.ndarray

    @classmethod
    def of(cls, test: Side, real: Side, target: str) -> "Task":
        """The task of a column; the classes are those of the real rows, the rarest in the test rows last."""
        if target not in real.levels:
            return cls(target, NUMBER, np.zeros(0))
        counts = np.bincount(real.columns[target], minlength=len(real.levels[target]))
        order = np.bincount(test.columns[target], minlength=len(counts))
        classes = np.flatnonzero(counts + order)
        classes = classes[np.argsort(-order[classes], kind="stable")]
        return cls(target, BINARY if len(classes) == 2 else MANY, classes)

    @property
    def measure(self) -> str:
        """What `score` gives."""
        return "R^2" if self.kind == NUMBER else "AUC"

    def inputs(self, side: Side) -> Any:
        """The other columns, as a frame."""
        return side.without(self.target).frame()

    def goal(self, side: Side) -> np.ndarray:
        """What is predicted [rows]: a number, or the place of a class; -1 of one that the real rows do not have."""
        values = side.columns[self.target]
        if self.kind == NUMBER:
            return values
        place = np.full(len(side.levels[self.target]), -1)
        place[self.classes] = np.arange(len(self.classes))
        return place[values]

    def fit(self, side: Side, settings: dict[str, Any] | None = None) -> Callable[[Any], np.ndarray]:
        """Boosted trees trained on a side: (inputs) -> predictions, of classes the chances [rows, classes]."""
        xgboost = import_xgboost()
        goal = self.goal(side)
        settings = {**USUAL, "enable_categorical": True, "random_state": 0, **(settings or {})}
        if self.kind == NUMBER:
            return xgboost.XGBRegressor(**settings).fit(self.inputs(side), goal).predict
        known = goal >= 0
        seen = np.unique(goal[known])
        if len(seen) < 2:  # nothing to learn: the same chance for every row
            chance = np.bincount(goal[known], minlength=len(self.classes)) / max(known.sum(), 1)
            return lambda inputs: np.tile(chance, (len(inputs), 1))
        place = np.searchsorted(seen, goal[known])
        model = xgboost.XGBClassifier(**settings).fit(self.inputs(side.take(np.flatnonzero(known))), place)

        def chances(inputs: Any) -> np.ndarray:
            out = np.zeros((len(inputs), len(self.classes)))
            out[:, seen] = model.predict_proba(inputs)
            return out

        return chances

    def score(self, side: Side, predicted: np.ndarray) -> tuple[float, float, float]:
        """AUC or R^2 of predictions for a side, with its interval over the rows."""
        goal = self.goal(side)
        if self.kind == BINARY:
            known = goal >= 0
            if len(np.unique(goal[known])) < 2:
                return np.nan, np.nan, np.nan
            return area_interval(goal[known] == 1, predicted[known, 1])
        value = self.value(goal, predicted)
        return value, *bootstrap(lambda rows: self.value(goal[rows], predicted[rows]), len(goal))

    def value(self, goal: np.ndarray, predicted: np.ndarray) -> float:
        """AUC or R^2."""
        if self.kind == NUMBER:
            spread = ((goal - goal.mean()) ** 2).sum()
            return float(1 - ((goal - predicted) ** 2).sum() / spread) if spread else np.nan
        places = [1] if self.kind == BINARY else range(len(self.classes))
        areas = [
            area(goal == place, predicted[:, place])[0] for place in places if 0 < (goal == place).sum() < len(goal)
        ]
        return float(np.mean(areas)) if areas else np.nan

    def top(self, goal: np.ndarray, predicted: np.ndarray) -> float:
        """Ranking lift at 10%: the mean of the tenth that is ranked highest, over the mean of all.

        Of many classes the positive one is the rarest; a number that is not positive on average has no lift.
        """
        hit = goal if self.kind == NUMBER else (goal == len(self.classes) - 1).astype(np.float64)
        rank = predicted if self.kind == NUMBER else predicted[:, -1]
        if hit.mean() <= 0:
            return np.nan
        first = np.argsort(-rank, kind="stable")[: max(1, round(TOP * len(hit)))]
        return float(hit[first].mean() / hit.mean())


def tuned(task: Task, side: Side) -> dict[str, Any]:
    """The settings of the published grid that do best on a ninth of the side's own rows.

    XGBoost, trees 10, 50, 100, depth 5, 10, 20, min_child_weight 1, 10, gamma 0, 1; chosen on the rows that the model
    is trained on, as published, so that no real row is seen.
    """
    from itertools import product

    order = np.random.default_rng(0).permutation(side.rows)
    held, rest = side.take(order[: side.rows // HELD]), side.take(order[side.rows // HELD :])
    goal, inputs, found = task.goal(held), task.inputs(held), []
    for values in product(*GRID.values()):
        for trees in TREES:
            settings = dict(zip(GRID, values, strict=True)) | {"n_estimators": trees}
            value = task.value(goal, task.fit(rest, settings)(inputs))
            found.append((value if np.isfinite(value) else -np.inf, settings))
    return max(found, key=lambda pair: pair[0])[1]


@dataclass
class Utility:
    """Scores by name with their intervals, and how they were made."""

    measure: str
    scores: dict[str, tuple[float, float, float]]
    settings: dict[str, dict[str, Any]]


def pairings(real: Side, synthetic: Side, test: Side, target: str, tune: bool = False) -> Utility:
    """tstr, trtr, tsts, trts (train on Synthetic or Real, test on Real or Synthetic), and lifts.

    Esteban et al. 2017 (arXiv:1706.02633). Real rows are tested on `test`; a model of synthetic rows is tested on a
    fifth of them that it was not trained on.
    """
    task = Task.of(test, real, target)
    order, held = np.random.default_rng(0).permutation(synthetic.rows), synthetic.rows // 5
    fifth, rest = synthetic.take(order[:held]), synthetic.take(order[held:])
    settings = {name: tuned(task, side) if tune else USUAL for name, side in (("synthetic", synthetic), ("real", real))}
    by_real, by_synthetic = task.fit(real, settings["real"]), task.fit(synthetic, settings["synthetic"])
    by_rest = task.fit(rest, settings["synthetic"])
    there, here = task.inputs(test), task.inputs(fifth)
    predicted = {"tstr": by_synthetic(there), "trtr": by_real(there)}
    scores = {name: task.score(test, values) for name, values in predicted.items()}
    scores |= {"tsts": task.score(fifth, by_rest(here)), "trts": task.score(fifth, by_real(here))}
    goal = task.goal(test)
    for name, key in (("tstr", "lift_synthetic"), ("trtr", "lift_real")):
        values = predicted[name]

        def lift(rows: np.ndarray, values: np.ndarray = values) -> float:
            return task.top(goal[rows], values[rows])

        found = lift(np.arange(len(goal)))
        if np.isfinite(found):
            scores[key] = (found, *bootstrap(lift, len(goal)))
    return Utility(task.measure, scores, settings)


def augmentation(real: Side, synthetic: Side, test: Side, target: str) -> dict[str, tuple[float, float, float]]:
    """augmentation_gain and smote_gain: what synthetic rows, or SMOTE's, add to real ones, beside real rows only.

    The difference of AUC or R^2 on the test rows, its interval by a bootstrap of these. Synthetic rows: all of them are
    added. SMOTE (Chawla et al. 2002, arXiv:1106.1813; SMOTENC of imbalanced-learn) balances the classes and is left out
    for numbers, or where a class has too few rows for its five neighbours.
    """
    task = Task.of(test, real, target)
    goal, inputs = task.goal(test), task.inputs(test)
    base = task.fit(real)(inputs)
    added = {"augmentation_gain": task.fit(joined(real, synthetic))(inputs)}
    if (more := smote(task, real)) is not None:
        added["smote_gain"] = task.fit(more)(inputs)
    out = {}
    for name, values in added.items():

        def gain(rows: np.ndarray, values: np.ndarray = values) -> float:
            return task.value(goal[rows], values[rows]) - task.value(goal[rows], base[rows])

        out[name] = (gain(np.arange(len(goal))), *bootstrap(gain, len(goal)))
    return out


def smote(task: Task, real: Side) -> Side | None:
    """The real rows with those that SMOTE adds; None where it cannot."""
    from imblearn.over_sampling import SMOTE, SMOTENC

    goal = task.goal(real)
    if task.kind == NUMBER or np.bincount(goal[goal >= 0]).min() <= 5:
        return None
    inputs = real.without(task.target)
    coded = [place for place, name in enumerate(inputs.columns) if name in inputs.levels]
    if len(coded) == len(inputs.columns):
        return None
    sampler = SMOTENC(coded, random_state=0) if coded else SMOTE(random_state=0)
    result: Any = sampler.fit_resample(inputs.matrix(), goal)
    values, goals = result[:2]
    columns = {
        name: values[:, place].astype(np.int32 if name in inputs.levels else np.float64)
        for place, name in enumerate(inputs.columns)
    }
    columns[task.target] = task.classes[goals].astype(np.int32)
    return Side(columns, {**inputs.levels, task.target: real.levels[task.target]})


def with_target(tables: Tables, rows: int | None) -> tuple[list[Side], list[str]]:
    """At most so many real, synthetic and test rows, without those whose target is missing, and notes about these."""
    sides, notes = [], []
    for name in ("real", "synthetic", "test"):
        whole = tables.some(name, rows)
        kept = whole.known(tables.target)
        if kept.rows < whole.rows:
            text = say(
                "utility: {rows:,} {side} rows are left out, {target} is missing",
                rows=whole.rows - kept.rows,
                side=say(name),
                target=tables.target,
            )
            notes.append(text)
        sides.append(kept)
    return sides, notes


SETTINGS: dict[str, Any] = {
    "part": "utility",
    "level": "standard",
    "least": LEAST_OF_EACH,
    "least_test": LEAST_OF_EACH,
    "most": MostRows(None, 50_000, 1_000_000),
    "in_training": False,
    "on_test": False,
    "asked": lambda tables: bool(tables.target),
}


@metric(
    "utility",
    {
        "tstr": Meaning("trained on synthetic, tested on real", HIGHER, sentence=False),
        "trtr": Meaning("trained on real, tested on real", HIGHER, sentence=False),
        "tsts": Meaning("trained on synthetic, tested on synthetic", NEAR, sentence=False),
        "trts": Meaning("trained on real, tested on synthetic", NEAR, sentence=False),
        "lift_synthetic": Meaning("lift at 10%, trained on synthetic", HIGHER, sentence=False),
        "lift_real": Meaning("lift at 10%, trained on real", HIGHER, sentence=False),
    },
    **SETTINGS,
)
def utility(tables: Tables, rows: int | None) -> Computed:
    """The four pairings of real and synthetic rows, and lifts."""
    (real, synthetic, test), notes = with_target(tables, rows)
    found = pairings(real, synthetic, test, tables.target, tables.tuned)
    beside = {"tstr": "trtr", "tsts": "trtr", "trts": "trtr", "lift_synthetic": "lift_real"}
    if "lift_real" not in found.scores:
        notes.append(say("lift: left out, the target is not positive on average"))
    real_scores = {name: found.scores[other][0] for name, other in beside.items() if other in found.scores}
    on_synthetic = ("tsts", "trts")
    return Computed(
        {
            name: Estimate(*score[:3], real=real_scores.get(name), rows=None if name in on_synthetic else test.rows)
            for name, score in found.scores.items()
        },
        {"utility measure": found.measure, "utility settings": found.settings},
        notes,
    )


@metric(
    "augmentation",
    {
        "augmentation_gain": Meaning("gain by adding synthetic to real rows", HIGHER, sentence=False),
        "smote_gain": Meaning("gain by adding rows of SMOTE to real rows", HIGHER, sentence=False),
    },
    **SETTINGS,
)
def gains(tables: Tables, rows: int | None) -> Computed:
    """What is gained by adding rows."""
    (real, synthetic, test), notes = with_target(tables, rows)
    found = augmentation(real, synthetic, test, tables.target)
    if "smote_gain" not in found:
        notes.append(say("SMOTE: left out, it needs classes of more than five rows, and a column of numbers"))
    return Computed({name: Estimate(*gain, rows=test.rows) for name, gain in found.items()}, {}, notes)
