"""The evaluation of a synthetic table: every metric of a level, with what real rows have beside it."""

import time
from collections.abc import Callable, Container
from dataclasses import dataclass
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
from gans.evaluation.results import Evaluation

WORST = 10
LEAST_TEST = 100
LEAST = 12


@dataclass(frozen=True)
class Limits:
    """Rows of each side at most: beyond, so many are drawn, and it is said."""

    columns: int = 200_000
    neighbours: int = 10_000
    kernel: int = 4_000
    detection: int = 50_000
    utility: int = 50_000


LIMITS = {"fast": Limits(), "standard": Limits(), "full": Limits(1_000_000, 20_000, 10_000, 1_000_000, 1_000_000)}


def parts(level: str, tables: Tables) -> dict[str, Callable[["_Work"], None]]:
    """The steps of a level, by name."""
    out: dict[str, Callable[[_Work], None]] = {"columns and pairs": _columns}
    if level == "fast":
        return out | {"detection": _quick_detection, "copies": _copies}
    if min(side.rows for side in tables.sides.values()) < LEAST:
        return out | {"copies": _copies}
    out |= {"rows": _rows, "detection": _detection}
    if tables.test is not None and tables.target:
        out |= {"utility": _utility, "augmentation": _augmentation}
    out |= {"copies": _copies}
    if tables.test is not None and tables.test.num_rows >= LEAST_TEST:
        out |= {"distances to training rows": _nearness, "membership": _membership}
        if tables.secrets:
            out["secrets"] = _secrets
    return out


def evaluate(
    tables: Tables,
    level: str = "standard",
    anonymeter: str | None = None,
    told: Callable[[str], None] | None = None,
    only: Container[str] | None = None,
) -> Evaluation:
    """Every metric of a level.

    Args:
        anonymeter: a Python interpreter that has the package anonymeter, for singling-out and linkability.
        told: called with the name of each step when it is done.
        only: the steps that are taken; all of the level unless given.

    Raises:
        UserError: anonymeter fails.
    """
    sides = tables.sides
    out = Evaluation(level, {name: side.rows for name, side in sides.items()}, tables.target)
    work = _Work(tables, out, LIMITS[level])
    out.notes += _left_out(tables, level)
    steps = {name: step for name, step in parts(level, tables).items() if only is None or name in only}
    if anonymeter is not None and tables.test is not None:
        steps["anonymeter"] = lambda work: _anonymeter(work, anonymeter)
    elif anonymeter is not None:
        out.notes.append("anonymeter: left out, it needs test rows")
    for name, step in steps.items():
        began = time.monotonic()
        step(work)
        out.seconds[name] = round(time.monotonic() - began, 2)
        if told:
            told(name)
    return out


def _left_out(tables: Tables, level: str) -> list[str]:
    """What nothing is said of, and why."""
    out, fewest = [], min(side.rows for side in tables.sides.values())
    if tables.ignored:
        out.append(f"columns of the synthetic table only, not compared: {', '.join(tables.ignored)}")
    if level == "fast":
        return [*out, "metrics=fast says nothing of utility, nor of privacy beyond copies"]
    if fewest < LEAST:
        return [*out, f"rows, detection, utility, privacy: left out, they need {LEAST} rows of each table"]
    if tables.test is None:
        out.append("without test rows nothing is said of utility, nor of privacy beyond copies")
    elif tables.test.num_rows < LEAST_TEST:
        out.append(
            f"privacy beyond copies: left out, it needs {LEAST_TEST} test rows, there are {tables.test.num_rows}"
        )
    if tables.test is not None and not tables.target:
        out.append("without target=COLUMN nothing is said of utility")
    return out


@dataclass
class _Work:
    """What the steps share."""

    tables: Tables
    out: Evaluation
    limits: Limits

    def some(self, side: str, most: int, what: str, capped: bool = True) -> Side:
        """At most so many rows of a side, drawn; all of them in their order where there are no more."""
        whole = (self.tables.capped if capped else self.tables.sides)[side]
        return whole if whole.rows <= most else self._drawn(whole, most, 0, most, what)

    def cut(self, side: str, what: str, seed: int = 0, most: int | None = None) -> Side:
        """At most the limit of neighbour searches, in drawn order, as the neutral judge has it."""
        whole, limit = self.tables.capped[side], self.limits.neighbours
        return self._drawn(whole, min(most or limit, limit, whole.rows), seed, limit, what)

    def _drawn(self, whole: Side, rows: int, seed: int, limit: int, what: str) -> Side:
        if whole.rows > limit:
            self.say(f"{what}: {limit:,} rows at most of each table, drawn at random")
        return whole.drawn(rows, seed)

    def say(self, note: str) -> None:
        """A note, once."""
        if note not in self.out.notes:
            self.out.notes.append(note)

    @property
    def has_test(self) -> bool:
        return self.tables.test is not None

    def floor(self, power: float) -> float:
        """By what a distance of test rows is multiplied to be that of as many as there are synthetic ones.

        Of like rows it shrinks with (1/n + 1/m)^power: a root for distances of shares, linear for squares.
        """
        rows = {name: side.rows for name, side in self.tables.sides.items()}
        return ((1 / rows["real"] + 1 / rows["synthetic"]) / (1 / rows["real"] + 1 / rows["test"])) ** power


def _columns(work: _Work) -> None:
    """Single columns and pairs, as published and corrected."""
    most, out, what = work.limits.columns, work.out, "columns and pairs"
    sides = {name: work.some(name, most, what, capped=False) for name in work.tables.sides}
    real = sides.pop("real")
    shapes = {name: published.shape_errors(real, side) for name, side in sides.items()}
    trends = {name: published.trend_errors(real, side) for name, side in sides.items()}
    reference = Reference(_head(work.tables.real, most), work.tables.schema)
    found: dict[str, dict[str, float]] = {}
    for name, side in sides.items():
        table = work.tables.synthetic if name == "synthetic" else work.tables.test
        assert table is not None
        scores = reference.compare(_head(table, most)).scores()
        found[name] = {
            "shape_error": 100 * _mean(shapes[name]),
            "trend_error": 100 * _mean(trends[name]),
            "column_distance": scores["column_distance"],
            "pair_distance": scores["pair_distance"],
            "wasserstein": distances.wasserstein(real, side),
            "jensen_shannon": distances.jensen_shannon(real, side),
            "joint_jensen_shannon": distances.joint_jensen_shannon(real, side),
        }
    for name, value in found["synthetic"].items():
        out.add(name, value, found["test"][name] * work.floor(0.5) if work.has_test else None)

    def worst(errors: dict[str, dict[Any, float]]) -> dict[Any, list[float | None]]:
        """The largest beyond what test rows have, beside these."""
        made = errors["synthetic"]
        usual = {name: value * work.floor(0.5) for name, value in errors.get("test", {}).items()}
        names = sorted(made, key=lambda name: usual.get(name, 0.0) - made[name])
        return {name: [made[name], usual.get(name)] for name in names[:WORST]}

    out.details["worst columns"], out.details["worst pairs"] = worst(shapes), worst(trends)
    broken = [
        column.name
        for column in work.tables.schema.kept
        if column.role == "constant" and shapes["synthetic"][column.name] > 0
    ]
    out.details["constant columns that vary"] = broken


def _mean(errors: dict[Any, float]) -> float:
    return float(np.mean(list(errors.values()))) if errors else 0.0


def _head(table: pa.Table, most: int) -> pa.Table:
    if table.num_rows <= most:
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
        work.out.notes.append(f"detection: against training rows, there are fewer than {LEAST_ROWS} held-out ones")
    work.out.details["detection against"] = {"real": "training", "test": "held-out"}[side]
    work.out.add("detection", Detector(reference, work.tables.schema).score(work.tables.synthetic))


def _rows(work: _Work) -> None:
    """Whole rows as points: neighbours, kernels and learnt features."""
    real_side = work.tables.capped["real"]
    matrices = {side: points(work.cut(side, "neighbours"), real_side).matrix() for side in work.tables.sides}
    real, limits = matrices.pop("real"), work.limits
    if len(real) > limits.kernel:
        work.say(f"MMD: {limits.kernel:,} rows at most of each table, drawn at random")
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
    powers = {"sliced_wasserstein": 0.5, "frechet": 1.0}
    for name, value in found["synthetic"].items():
        real_value = found["test"][name] * work.floor(powers.get(name, 0.0)) if work.has_test else None
        work.out.add(name, value, real_value)
    rows = min(len(real), len(matrices["synthetic"]))
    work.out.scores["coverage"].real = expected_coverage(rows, rows)


def _detection(work: _Work) -> None:
    """Boosted trees and a logistic regression, and what gave the rows away."""
    most = work.limits.detection
    real, synthetic = (work.some(side, most, "detection") for side in ("real", "synthetic"))
    found = {"xgb_c2st": two_sample.xgb_c2st(real, synthetic), "lr_c2st": two_sample.lr_c2st(real, synthetic)}
    if work.has_test and work.tables.capped["test"].rows >= LEAST_TEST:
        found["xgb_c2st_test"] = two_sample.xgb_c2st(work.some("test", most, "detection"), synthetic)
    for name, one in found.items():
        work.out.add(name, (one.score, one.low, one.high))
    telling = found.get("xgb_c2st_test", found["xgb_c2st"])
    work.out.details["given away by columns"] = dict(list(telling.columns.items())[:WORST])
    work.out.details["given away by pairs"] = telling.pairs


def _with_target(work: _Work) -> list[Side]:
    """The tables, without rows whose target is missing."""
    out = []
    for side in ("real", "synthetic", "test"):
        whole = work.some(side, work.limits.utility, "utility")
        kept = whole.known(work.tables.target)
        if kept.rows < whole.rows:
            work.say(f"utility: {whole.rows - kept.rows:,} {side} rows are left out, {work.tables.target} is missing")
        out.append(kept)
    return out


def _utility(work: _Work) -> None:
    """The four pairings, and lifts."""
    real, synthetic, test = _with_target(work)
    found = utility.pairings(real, synthetic, test, work.tables.target, work.out.level == "full")
    reals = {"tstr": "trtr", "tsts": "trtr", "trts": "trtr", "lift_synthetic": "lift_real"}
    for name, score in found.scores.items():
        beside = found.scores.get(reals.get(name, ""))
        work.out.add(name, score, None if beside is None else beside[0])
    if "lift_real" not in found.scores:
        work.say("lift: left out, the target is not positive on average")
    work.out.details["utility measure"], work.out.details["utility settings"] = found.measure, found.settings


def _augmentation(work: _Work) -> None:
    """What is gained by adding rows."""
    real, synthetic, test = _with_target(work)
    found = utility.augmentation(real, synthetic, test, work.tables.target)
    for name, gain in found.items():
        work.out.add(name, gain)
    if "smote_gain" not in found:
        work.say("SMOTE: left out, it needs classes of more than five rows, and a column of numbers")


def _copies(work: _Work) -> None:
    """Exact copies, beside how many fresh real rows equal a training row.

    Where there are fewer than 100 test rows: beside how many training rows equal another one.
    """
    sides = work.tables.sides
    hits = privacy.copies(sides["synthetic"], sides["real"])
    if work.has_test and sides["test"].rows >= LEAST_TEST:
        usual = privacy.copies(sides["test"], sides["real"])
    else:
        usual = privacy.repeated(sides["real"])
    work.out.add("exact_copies", privacy.share(hits), float(usual.mean()))
    gap = privacy.difference((hits.sum(), usual.sum()), (len(hits), len(usual)))
    work.out.details["exact copies beyond real rows"] = [float(hits.mean() - usual.mean()), *gap]


def _nearness(work: _Work) -> None:
    """Distances to the nearest training row."""
    real_side, what = work.tables.capped["real"], "distances to training rows"
    rows = min(real_side.rows, work.tables.capped["test"].rows)
    real, test = (points(work.cut(side, what, 1, rows), real_side) for side in ("real", "test"))
    synthetic = points(work.cut("synthetic", what), real_side)
    closest = privacy.closest(synthetic, real, test)
    work.out.add("dcr_share", closest.share, closest.balanced)
    found = privacy.nearness(synthetic, points(work.cut("real", what), real_side), test)
    work.out.add("near_copies", found.near, found.near_test)
    work.out.add("nndr_share", found.ratio, found.ratio_test)


def _membership(work: _Work) -> None:
    """Which rows were trained on."""
    real_side, what = work.tables.capped["real"], "membership"
    others = work.cut("test", what, 2)
    members = work.cut("real", what, 2, others.rows)
    synthetic = work.cut("synthetic", what, 2)
    nearest = privacy.nearest_attack(*(points(side, real_side) for side in (synthetic, members, others)))
    half = np.arange(others.rows // 2)
    reference, unseen = others.take(half), others.take(np.arange(len(half), others.rows))
    known = members.take(np.arange(min(unseen.rows, members.rows)))
    density = privacy.density_attack(synthetic, reference, known, unseen)
    for name, found in (("nearest", nearest), ("density", density)):
        work.out.add(f"membership_{name}_auc", found.auc)
        work.out.add(f"membership_{name}_tpr", found.tpr)


def _secrets(work: _Work) -> None:
    """What an attacker learns of the secrets."""
    real_side, what = work.tables.capped["real"], "secrets"
    others = work.cut("test", what, 2)
    sides = {"synthetic": work.cut("synthetic", what, 2), "members": work.cut("real", what, 2, others.rows)}
    sides["others"] = others
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
