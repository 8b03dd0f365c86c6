"""The evaluation of a synthetic table: every metric of a level, with what real rows have beside it."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gans.evaluation import distances, privacy, published, two_sample, utility
from gans.evaluation.anonymity import anonymity
from gans.evaluation.detection import LEAST_ROWS, Detector
from gans.evaluation.embedding import points
from gans.evaluation.fidelity import Reference
from gans.evaluation.inputs import Side, Tables
from gans.evaluation.manifold import Manifold, expected_coverage

LEVELS = ("fast", "standard", "full")
WORST = 10
LEAST_TEST = 100


@dataclass(frozen=True)
class Limits:
    """Rows of each side at most: beyond, so many are drawn, and it is said."""

    columns: int = 200_000
    neighbours: int = 10_000
    kernel: int = 4_000
    detection: int = 50_000
    utility: int = 50_000


LIMITS = {"fast": Limits(), "standard": Limits(), "full": Limits(1_000_000, 20_000, 10_000, 1_000_000, 1_000_000)}


@dataclass
class Score:
    """A figure; `low` and `high` bound its interval of 95 %, `real` is what held-out real rows have in its place."""

    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None


@dataclass
class Evaluation:
    """What was found of one synthetic table.

    Attributes:
        level: fast, standard or full.
        rows: of the tables, by name.
        target: the column that models predicted.
        scores: by the names of `gans.evaluation.measures`.
        notes: what was left out, drawn or settled, in sentences.
        details: columns and pairs by error, what gave the rows away, how models were set.
        seconds: by part.
    """

    level: str
    rows: dict[str, int]
    target: str = ""
    scores: dict[str, Score] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, found: tuple[float, float, float] | float, real: float | None = None) -> None:
        """A score with its interval, or without one."""
        value, low, high = found if isinstance(found, tuple) else (found, None, None)
        self.scores[name] = Score(float(value), low, high, real)

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not finite is null."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {" x ".join(key) if isinstance(key, tuple) else key: plain(one) for key, one in value.items()}
            if isinstance(value, (list, tuple)):
                return [plain(one) for one in value]
            if isinstance(value, (float, np.floating)):
                return float(f"{value:.6g}") if math.isfinite(value) else None
            return value.item() if isinstance(value, np.generic) else value

        return plain(
            {
                "level": self.level,
                "rows": self.rows,
                "target": self.target,
                "scores": {name: vars(score) for name, score in self.scores.items()},
                "notes": self.notes,
                "details": self.details,
                "seconds": self.seconds,
            }
        )


def parts(level: str, tables: Tables) -> dict[str, Callable[["_Work"], None]]:
    """The steps of a level, by name."""
    out: dict[str, Callable[[_Work], None]] = {"columns and pairs": _columns}
    if level == "fast":
        return out | {"detection": _quick_detection, "copies": _copies}
    out |= {"rows": _rows, "detection": _detection}
    if tables.test is not None and tables.target:
        out |= {"utility": _utility, "augmentation": _augmentation}
    out |= {"copies": _copies}
    if tables.test is not None:
        out |= {"distances to training rows": _nearness, "membership": _membership}
        if tables.secrets:
            out["secrets"] = _secrets
    return out


def evaluate(
    tables: Tables, level: str = "standard", anonymeter: str | None = None, told: Callable[[str], None] | None = None
) -> Evaluation:
    """Every metric of a level.

    Args:
        anonymeter: a Python interpreter that has the package anonymeter, for singling-out and linkability.
        told: called with the name of each step when it is done.

    Raises:
        UserError: anonymeter fails.
    """
    sides = tables.sides
    out = Evaluation(level, {name: side.rows for name, side in sides.items()}, tables.target)
    work = _Work(tables, out, LIMITS[level])
    if tables.ignored:
        out.notes.append(f"columns of the synthetic table only, not compared: {', '.join(tables.ignored)}")
    if tables.test is None:
        out.notes.append("without test rows nothing is said of utility, nor of privacy beyond copies")
    elif not tables.target:
        out.notes.append("without target=COLUMN nothing is said of utility")
    steps = parts(level, tables)
    if anonymeter is not None and tables.test is not None:
        steps["anonymeter"] = lambda work: _anonymeter(work, anonymeter)
    for name, step in steps.items():
        began = time.monotonic()
        step(work)
        out.seconds[name] = round(time.monotonic() - began, 2)
        if told:
            told(name)
    return out


@dataclass
class _Work:
    """What the steps share."""

    tables: Tables
    out: Evaluation
    limits: Limits

    def some(self, side: str, most: int, seed: int = 0, capped: bool = True, what: str = "") -> Side:
        """At most so many rows of a side, drawn; all of them in their order where there are no more."""
        whole = (self.tables.capped if capped else self.tables.sides)[side]
        if whole.rows <= most:
            return whole
        note = f"{what}: {most:,} rows at most of each table, drawn at random"
        if what and note not in self.out.notes:
            self.out.notes.append(note)
        return whole.drawn(most, seed)

    def cut(self, side: str, seed: int = 0, most: int | None = None, what: str = "neighbours") -> Side:
        """At most the limit of neighbour searches, in drawn order, as the neutral judge has it."""
        whole = self.tables.capped[side]
        rows = min(most or self.limits.neighbours, self.limits.neighbours, whole.rows)
        self.some(side, self.limits.neighbours, what=what)
        return whole.drawn(rows, seed)

    @property
    def has_test(self) -> bool:
        return self.tables.test is not None


def _columns(work: _Work) -> None:
    """Single columns and pairs, as published and corrected."""
    most, out = work.limits.columns, work.out
    what = "columns and pairs"
    real, synthetic = (work.some(side, most, capped=False, what=what) for side in ("real", "synthetic"))
    test = work.some("test", most, capped=False, what=what) if work.has_test else None
    shapes, trends = published.shape_errors(real, synthetic), published.trend_errors(real, synthetic)

    def mean(errors: dict[Any, float]) -> float:
        return 100 * float(np.mean(list(errors.values()))) if errors else 0.0

    floor = None if test is None else (published.shape_errors(real, test), published.trend_errors(real, test))
    out.add("shape_error", mean(shapes), None if floor is None else mean(floor[0]))
    out.add("trend_error", mean(trends), None if floor is None else mean(floor[1]))
    tables = [_head(table, most) for table in (work.tables.real, work.tables.synthetic, work.tables.test)]
    reference = Reference(tables[0], work.tables.schema)  # pyright: ignore[reportArgumentType]
    corrected, of_test = (None if table is None else reference.compare(table).scores() for table in tables[1:])
    for name in ("column_distance", "pair_distance"):
        out.add(name, (corrected or {})[name], of_test[name] if of_test else None)
    for name in ("wasserstein", "jensen_shannon", "joint_jensen_shannon"):
        metric = getattr(distances, name)
        out.add(name, metric(real, synthetic), None if test is None else metric(real, test))

    def worst(errors: dict[Any, float], floors: dict[Any, float] | None) -> dict[Any, list[float | None]]:
        """The largest, beside what test rows have."""
        names = sorted(errors, key=lambda name: -errors[name] + (floors[name] if floors else 0))
        return {name: [errors[name], None if floors is None else floors[name]] for name in names[:WORST]}

    out.details["worst columns"] = worst(shapes, floor and floor[0])
    out.details["worst pairs"] = worst(trends, floor and floor[1])


def _head(table: pa.Table | None, most: int) -> pa.Table | None:
    if table is None or table.num_rows <= most:
        return table
    return table.take(np.random.RandomState(0).choice(table.num_rows, most, replace=False))


def _quick_detection(work: _Work) -> None:
    """The detector of training, against test rows if there are enough."""
    test = work.tables.test
    side = "test" if test is not None and test.num_rows >= LEAST_ROWS else "real"
    reference = test if side == "test" and test is not None else work.tables.real
    if min(reference.num_rows, work.tables.synthetic.num_rows) < LEAST_ROWS:
        work.out.notes.append(f"detection: left out, it needs {LEAST_ROWS} rows of each side")
        return
    if side == "real":
        work.out.notes.append("detection: against training rows, there are too few held-out ones")
    work.out.add("detection", Detector(reference, work.tables.schema).score(work.tables.synthetic))


def _rows(work: _Work) -> None:
    """Whole rows as points: neighbours, kernels and learnt features."""
    real_side = work.tables.capped["real"]
    cut = {side: points(work.cut(side), real_side) for side in work.tables.sides}
    matrices = {side: some.matrix() for side, some in cut.items()}
    real, limits = matrices.pop("real"), work.limits
    features, kernel = distances.LearntFeatures(real), distances.Mmd(real[: limits.kernel])
    learnt, manifolds = features(real), {}

    def scores(other: np.ndarray) -> dict[str, float]:
        rows = min(len(real), len(other))
        manifold = manifolds.setdefault(rows, Manifold(real[:rows]))
        return {
            "sliced_wasserstein": distances.sliced_wasserstein(real, other),
            "mmd": kernel(other[: limits.kernel]),
            "frechet": distances.frechet(learnt, features(other)),
            **manifold.alpha_beta(other[:rows]),
            **manifold.precision_recall(other[:rows]),
        }

    found = {side: scores(matrix) for side, matrix in matrices.items()}
    for name, value in found["synthetic"].items():
        work.out.add(name, value, found["test"][name] if "test" in found else None)
    rows = min(len(real), len(matrices["synthetic"]))
    work.out.scores["coverage"].real = expected_coverage(rows, rows)


def _detection(work: _Work) -> None:
    """Boosted trees and a logistic regression, and what gave the rows away."""
    most = work.limits.detection
    real, synthetic = (work.some(side, most, what="detection") for side in ("real", "synthetic"))
    found = {"xgb_c2st": two_sample.xgb_c2st(real, synthetic), "lr_c2st": two_sample.lr_c2st(real, synthetic)}
    if work.has_test and work.tables.capped["test"].rows >= LEAST_TEST:
        found["xgb_c2st_test"] = two_sample.xgb_c2st(work.some("test", most, what="detection"), synthetic)
    for name, one in found.items():
        work.out.add(name, (one.score, one.low, one.high))
    telling = found.get("xgb_c2st_test", found["xgb_c2st"])
    work.out.details["given away by columns"] = dict(list(telling.columns.items())[:WORST])
    work.out.details["given away by pairs"] = telling.pairs


def _utility(work: _Work) -> None:
    """The four pairings, and lifts."""
    real, synthetic, test = (
        work.some(side, work.limits.utility, what="utility") for side in ("real", "synthetic", "test")
    )
    found = utility.pairings(real, synthetic, test, work.tables.target, work.out.level == "full")
    reals = {"tstr": "trtr", "tsts": "trtr", "trts": "trtr", "lift_synthetic": "lift_real"}
    for name, score in found.scores.items():
        beside = found.scores.get(reals.get(name, ""))
        work.out.add(name, score, None if beside is None else beside[0])
    work.out.details["utility measure"], work.out.details["utility settings"] = found.measure, found.settings


def _augmentation(work: _Work) -> None:
    """What is gained by adding rows."""
    real, synthetic, test = (
        work.some(side, work.limits.utility, what="utility") for side in ("real", "synthetic", "test")
    )
    for name, gain in utility.augmentation(real, synthetic, test, work.tables.target).items():
        work.out.add(name, gain)


def _copies(work: _Work) -> None:
    """Exact copies, beside how many test rows occur among the training rows."""
    sides = work.tables.sides
    found = privacy.share(privacy.copies(sides["synthetic"], sides["real"]))
    real = float(privacy.copies(sides["test"], sides["real"]).mean()) if work.has_test else None
    work.out.add("exact_copies", found, real)


def _nearness(work: _Work) -> None:
    """Distances to the nearest training row."""
    real_side = work.tables.capped["real"]
    rows = min(real_side.rows, work.tables.capped["test"].rows)
    real, test = (points(work.cut(side, 1, rows), real_side) for side in ("real", "test"))
    synthetic = points(work.cut("synthetic"), real_side)
    work.out.add("dcr_share", privacy.dcr_share(synthetic, real, test))
    whole = points(work.cut("real"), real_side)
    found = privacy.nearness(synthetic, whole, test)
    work.out.add("near_copies", found.near, found.near_test[0])
    work.out.add("nndr_share", found.ratio, found.ratio_test[0])


def _membership(work: _Work) -> None:
    """Which rows were trained on."""
    real_side, rows = work.tables.capped["real"], work.tables.capped["test"].rows
    if rows < LEAST_TEST:
        work.out.notes.append(f"membership: left out, it needs {LEAST_TEST} test rows, there are {rows}")
        return
    others = work.cut("test", 2, what="membership")
    members = work.cut("real", 2, others.rows, what="membership")
    synthetic = work.cut("synthetic", 2, what="membership")
    nearest = privacy.nearest_attack(*(points(side, real_side) for side in (synthetic, members, others)))
    half = np.arange(others.rows // 2)
    reference, unseen = others.take(half), others.take(np.arange(len(half), others.rows))
    density = privacy.density_attack(
        synthetic, reference, members.take(np.arange(min(unseen.rows, members.rows))), unseen
    )
    for name, found in (("nearest", nearest), ("density", density)):
        work.out.add(f"membership_{name}_auc", found.auc)
        work.out.add(f"membership_{name}_tpr", found.tpr)


def _secrets(work: _Work) -> None:
    """What an attacker learns of the secrets."""
    real_side = work.tables.capped["real"]
    others = work.cut("test", 2, what="secrets")
    sides = {"synthetic": work.cut("synthetic", 2, what="secrets"), "others": others}
    sides["members"] = work.cut("real", 2, others.rows, what="secrets")
    found = {}
    for secret in work.tables.secrets:
        known = {name: (side, points(side.without(secret), real_side)) for name, side in sides.items()}
        result = privacy.attribute_inference(secret, known["synthetic"], known["members"], known["others"])
        work.out.add(f"attribute/{secret}", result.advantage)
        found[secret] = {"right of training rows": result.members, "right of test rows": result.others}
    work.out.details["secrets"] = found


def _anonymeter(work: _Work, interpreter: str) -> None:
    """Singling-out and linkability by the package anonymeter."""
    for name, found in anonymity(work.tables, interpreter, work.limits.neighbours).items():
        work.out.add(name, found)


def score_rows(evaluation: Evaluation) -> Iterator[tuple[str, Score]]:
    """The scores in the order in which they are shown."""
    from gans.evaluation.measures import MEASURES

    for kind in MEASURES:
        for name, score in evaluation.scores.items():
            if name.partition("/")[0] == kind:
                yield name, score
