"""The registry of metrics: name -> how it is computed, and what each of its scores means.

Training, `gans.evaluate`, `gans.compare`, the pages and the sentences all read it from here, so that one name is one
estimator. A metric is a function of `Tables` and of how many rows of each it may use at most (None: all), in one
file of this folder, or of a package whose entry point `gans.plugins` names its module:

    @metric("gold", {"gold_error": Meaning("error of the share of gold, %", LOWER)})
    def gold(tables, rows):
        shares = [table["plan"].to_pylist().count("gold") / table.num_rows for table in (tables.real, tables.synthetic)]
        return {"gold_error": 100 * abs(shares[0] - shares[1])}

Then `trainer.metrics=[fidelity,gold]` logs it, `trainer.best=gold_error` chooses the generator by it, and
`gans.evaluate` and `gans.compare` have it.
"""

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gans.data.schema import Schema
from gans.errors import UserError, one_line
from gans.evaluation.inputs import Tables
from gans.words import mark, say

LEVELS = ("fast", "standard", "full")
PARTS = (
    mark("unseen rows"),
    mark("histories"),
    mark("fidelity"),
    mark("detection"),
    mark("utility"),
    mark("privacy"),
    mark("images"),
)
HIGHER, LOWER, NEAR = mark("higher"), mark("lower"), mark("near")
LEAST_OF_EACH = 12  # of each table, for what looks at whole rows
LEAST_TEST = 100  # test rows, for attacks and what is told from unseen rows
WORST = 10  # columns or pairs that are named


@dataclass(frozen=True)
class Meaning:
    """What a score means.

    Attributes:
        title: for people.
        better: higher, lower, or near its ideal.
        ideal: of a perfect generator; None for what held-out real rows have.
        shrinks: of like rows, its distance to the ideal shrinks with (1/n + 1/m) to this power in the rows n and m of
            both sides: a half for distances of shares, 1 for their squares, 0 where it does not.
        sentence: whether the findings of an evaluation say it in a sentence of its own; the metrics of this folder
            have rules of theirs in `gans.findings`.
    """

    title: str
    better: str
    ideal: float | None = None
    shrinks: float = 0.0
    sentence: bool = True

    @property
    def sign(self) -> int:
        """1 where larger is better, -1 where smaller is, 0 where it should be near its ideal."""
        return {HIGHER: 1, LOWER: -1, NEAR: 0}[self.better]


class MostRows(NamedTuple):
    """Rows of each side that a metric uses at most, drawn at random beyond; None for all."""

    training: int | None = None
    standard: int | None = None
    full: int | None = None

    def at(self, level: str) -> int | None:
        """Of a level of gans.evaluate; fast uses as many as standard."""
        return self.full if level == "full" else self.standard


class Estimate(NamedTuple):
    """A value, the ends of its interval of 95%, and what held-out real rows have in its place.

    Attributes:
        rows: that it was measured on, where these are not all synthetic rows that its metric may use: of two tables
            that are compared the rows of the smaller one, of models and attacks the rows that they were asked about.
    """

    value: float
    low: float | None = None
    high: float | None = None
    real: float | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Computed:
    """What a metric found that has more to say than its scores.

    Attributes:
        scores: by name.
        details: further plain values.
        notes: in sentences.
        rows: synthetic rows that it looked at, where these are fewer than it was allowed.
    """

    scores: Mapping[str, "float | Estimate"]
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: Iterable[str] = ()
    rows: int | None = None


ALL_ROWS = MostRows()

Compute = Callable[[Tables, int | None], "Mapping[str, float | Estimate] | Computed"]


def _of_columns(schema: Schema) -> str:
    return "it looks at columns of single values and not at images" if schema.images else ""


@dataclass(frozen=True)
class Metric:
    """A way to judge synthetic rows.

    Attributes:
        scores: what it gives, by name; `attribute` also stands for attribute/COLUMN.
        compute: of tables and of how many rows of each side it may use at most, None for all.
        part: of an evaluation, one of PARTS.
        level: what it costs: the first level of gans.evaluate that takes it: fast (seconds), standard, full.
        least: rows that the real and the synthetic side need.
        least_test: test rows that it needs; 0: it needs none.
        most: rows that it uses at most.
        in_training: whether training can use it, where the real side are held-out rows and there are no others.
        on_test: whether test rows are judged in place of the synthetic ones, for what real rows have.
        lacks: why it cannot judge the rows of a schema; "" where it can.
        asked: whether these tables ask for it.
    """

    name: str
    scores: Mapping[str, Meaning]
    compute: Compute
    part: str = "fidelity"
    level: str = "fast"
    least: int = 1
    least_test: int = 0
    most: MostRows = ALL_ROWS
    in_training: bool = True
    on_test: bool = True
    lacks: Callable[[Schema], str] = _of_columns
    asked: Callable[[Tables], bool] = lambda tables: True

    def few(self, real: int, synthetic: int) -> str:
        """Why it cannot judge so many real and synthetic rows; "" where it can."""
        if min(real, synthetic) >= self.least:
            return ""
        return say(
            "it needs at least {least} rows of each side, there are {real:,} real and {synthetic:,} synthetic",
            least=self.least,
            real=real,
            synthetic=synthetic,
        )

    def judge(self, tables: Tables, rows: int | None) -> Computed:
        """Its scores of tables, of at most so many rows of each side.

        Raises:
            UserError: it gave other scores than it is registered with, or what is no number.
        """
        found = self.compute(tables, rows)
        out = found if isinstance(found, Computed) else Computed(found)
        for score, value in out.scores.items():
            number = value.value if isinstance(value, Estimate) else value
            if score.partition("/")[0] not in self.scores or not isinstance(number, (int, float, np.number)):
                raise UserError(
                    f"metric {self.name}: it gave {score}={number!r}; numbers for {', '.join(self.scores)} are needed."
                )
        return out


METRICS: dict[str, Metric] = {}


def metric(name: str, scores: Mapping[str, Meaning], **settings: Any) -> Callable[[Compute], Compute]:
    """Decorator of a function (tables, rows) that gives scores by name.

    Args:
        name: as trainer.metrics names it.
        scores: what it gives.
        settings: further attributes of `Metric`.

    Raises:
        ValueError: a score's name is taken.
    """

    def decorate(compute: Compute) -> Compute:
        others = {score: other for other, known in METRICS.items() if other != name for score in known.scores}
        if taken := sorted(set(others) & set(scores)):
            raise ValueError(f"metric {name}: the score {taken[0]} belongs to {others[taken[0]]}")
        METRICS[name] = Metric(name, scores, compute, **settings)
        return compute

    return decorate


@cache
def _load() -> None:
    folder = Path(__file__).parent
    for module in sorted(pkgutil.iter_modules([str(folder)]), key=lambda one: one.name):
        if module.name not in ("anonymity", "suite"):  # a script of its own, and what reads this registry
            importlib.import_module(f"gans.evaluation.{module.name}")


def all_metrics() -> dict[str, Metric]:
    """Every metric, by name: those of this folder, and of plugins that were loaded."""
    _load()
    return METRICS


def metric_of(score: str) -> str:
    """The metric that a score belongs to.

    Raises:
        KeyError: no metric gives it.
    """
    for name, one in all_metrics().items():
        if score.partition("/")[0] in one.scores:
            return name
    raise KeyError(score)


def meaning(score: str) -> Meaning:
    """The meaning of a score, its title in the language that is spoken; `attribute/COLUMN` is of that column.

    Raises:
        KeyError: no metric gives it.
    """
    kind, _, column = score.partition("/")
    found = all_metrics()[metric_of(score)].scores[kind]
    title = say(found.title)
    return replace(found, title=say("{title}: {column}", title=title, column=column) if column else title)


def training_metrics() -> list[str]:
    """The metrics that training can use."""
    return [name for name, one in all_metrics().items() if one.in_training]


class TrainingJudge:
    """The metrics of a run against its held-out rows; what is computed of these is computed once."""

    def __init__(self, names: Iterable[str], holdout: pa.Table, schema: Schema) -> None:
        self.metrics = [all_metrics()[name] for name in names]
        self.holdout, self.schema, self.shared = holdout, schema, {}

    def __call__(self, synthetic: pa.Table) -> dict[str, float]:
        """Scores by name.

        Raises:
            UserError: a metric of a plugin gave something else than its scores, or what is not finite.
            Exception: a metric fails on these rows.
        """
        tables, out = self._tables(synthetic), {}
        for one in self.metrics:
            out |= _finite_scores(one, tables)
        return out

    def attempt(self, synthetic: pa.Table) -> tuple[dict[str, float], dict[str, str]]:
        """Scores by name, and by metric why it has none: too few rows, or how it failed, in one line."""
        tables, out, left_out = self._tables(synthetic), {}, {}
        for one in self.metrics:
            if reason := one.few(self.holdout.num_rows, synthetic.num_rows):
                left_out[one.name] = reason
                continue
            try:
                out |= _finite_scores(one, tables)
            except Exception as error:
                left_out[one.name] = one_line(error)
        return out, left_out

    def _tables(self, synthetic: pa.Table) -> Tables:
        return Tables(self.schema, self.holdout, synthetic, shared=self.shared)

    def rows(self, synthetic: int) -> dict[str, int]:
        """By score how many rows of each side it looks at, of so many synthetic ones."""
        there = min(self.holdout.num_rows, synthetic)
        return {score: min(there, one.most.training or there) for one in self.metrics for score in one.scores}


def _finite_scores(one: Metric, tables: Tables) -> dict[str, float]:
    """The scores of a metric of training, by name.

    Raises:
        UserError: it gave something else than its scores, or what is not finite.
    """
    found = one.judge(tables, one.most.training).scores
    plain = {name: float(value[0] if isinstance(value, Estimate) else value) for name, value in found.items()}
    if set(plain) != set(one.scores) or not all(map(math.isfinite, plain.values())):
        raise UserError(f"metric {one.name}: it gave {plain}; finite {', '.join(one.scores)} are needed.")
    return plain
