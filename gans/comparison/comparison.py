"""Which variant is better, and how sure one can be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from gans.comparison.statistics import (
    Ranks,
    Variance,
    holm,
    interquartile_mean,
    paired_test,
    probability_of_improvement,
    ranks,
    stratified_interval,
    variance_of,
)
from gans.errors import UserError, nearest, one_line
from gans.evaluation.intervals import mean_error, mean_interval
from gans.evaluation.metrics import meaning
from gans.findings.comparison import absences, budgets, not_shared, observed, unfinished
from gans.runs.record import Observation, RunRecord
from gans.training.loop import DIVERGED
from gans.words import say

DEFAULTS = (
    "unseen_score",
    "xgb_c2st_test",
    "xgb_c2st",
    "detection",
    "score",
    "shape_error",
    "trend_error",
    "beta_recall",
    "tstr",
    "membership_nearest_auc",
)
BUDGETS = ("steps", "seconds", "none")


@dataclass
class Cell:
    """A variant on a data set.

    Attributes:
        runs: that make it up.
        values: the mean over its samples, by seed.
        missing: seeds that other variants have here and this one has not.
        diverged: seeds that diverged.
        mean: over seeds.
        error: its standard error.
        low: end of the interval of 95% of the mean, by Student's t.
        high: the other end.
        good: mean and interval once more, of values turned so that larger is better.
        variance: by training seed and by sampling; None where each seed was sampled once.
    """

    runs: list[RunRecord]
    values: dict[int, float]
    missing: list[int]
    diverged: list[int]
    mean: float = np.nan
    error: float = np.nan
    low: float = np.nan
    high: float = np.nan
    good: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    variance: Variance | None = None


@dataclass
class Pair:
    """One variant beside another: the chance that it is better, and the test, corrected over all pairs."""

    left: str
    right: str
    chance: float
    low: float
    high: float
    pairs: int
    p_value: float
    corrected: float = 1.0


@dataclass
class ComparedScore:
    """One score over all variants and data sets.

    Attributes:
        sign: 1 where larger is better, -1 where smaller is, 0 where the nearer to `ideal` the better.
        cells: by variant and data set.
        overall: by variant the interquartile mean over data sets and seeds, with its interval.
        best: by data set the variant whose interval lies beyond those of all others; only these are in bold.
    """

    name: str
    title: str
    sign: int
    ideal: float | None
    cells: dict[tuple[str, str], Cell]
    overall: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    best: dict[str, str] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    ranks: Ranks | None = None

    def goodness(self, value: float) -> float:
        """The value turned so that larger is better."""
        return -abs(value - (self.ideal or 0.0)) if self.sign == 0 else self.sign * value


@dataclass
class Comparison:
    """Variants over data sets and seeds.

    Attributes:
        by: what the variants differ in.
        runs: by variant and data set.
        observed: the scores of each run, by its source.
        remarks: what a reader must know: unequal budgets, missing seeds, runs that diverged, few pairs.
    """

    by: str
    variants: list[str]
    data: list[str]
    metrics: list[ComparedScore]
    runs: dict[tuple[str, str], list[RunRecord]]
    observed: dict[str, list[Observation]]
    remarks: list[str]


def compare(runs: Sequence[RunRecord], by: str, metrics: Sequence[str] = (), budget: str = "steps") -> Comparison:
    """Compare runs grouped by a key of their config.

    Args:
        metrics: names of scores, the first the one that is drawn; unless given those of a usual choice that all have.
        budget: steps or seconds, which should be equal; none not to look.

    Raises:
        UserError: one run only, one variant only, runs of different data sets, runs of one data set that saw different
            rows, a seed twice, or a score that the runs do not have.
    """
    if len(runs) < 2:
        raise UserError(
            f"runs: {len(runs)} run only ({runs[0].source if runs else ''}); a comparison needs two or more."
        )
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs:
        groups.setdefault((run.value(by), run.data), []).append(run)
    variants, data = (list(dict.fromkeys(key[side] for key in groups)) for side in (0, 1))
    if len(variants) < 2:
        raise UserError(f"by={by}: all runs have {by}={variants[0]}; a comparison needs two or more.")
    shared = [name for name in data if all((variant, name) in groups for variant in variants)]
    if not shared:
        seen = "; ".join(f"{variant}: {', '.join(name for v, name in groups if v == variant)}" for variant in variants)
        raise UserError(f"runs: they are of different data sets, there is none that all variants have ({seen}).")
    _check_tables(groups)
    remarks = [
        say(
            "{name} is left out: not all variants have it ({variants} only).",
            name=name,
            variants=", ".join(variant for variant in variants if (variant, name) in groups),
        )
        for name in data
        if name not in shared
    ]
    groups = {key: found for key, found in groups.items() if key[1] in shared}
    observations, said = observed([run for found in groups.values() for run in found])
    remarks += said + budgets(groups, variants, budget) + unfinished(groups)
    names = _chosen(list(observations.values()), metrics)
    remarks += not_shared(list(observations.values()), DEFAULTS)
    found = []
    for name in names:
        try:
            found.append(_metric(name, groups, observations, variants, shared))
        except UserError:
            raise
        except Exception as error:
            remarks.append(say("{name} is left out: {reason}.", name=name, reason=one_line(error)))
    if not found:
        raise UserError(f"metrics: none of them can be compared; {remarks[-1]}")
    first = found[0]
    cells = {(variant, table): first.cells[variant, table] for variant in variants for table in shared}
    fewest = min((pair.pairs for pair in first.pairs), default=0)
    remarks += absences(cells, fewest, first.ranks.blocks if first.ranks else 0)
    return Comparison(by, variants, shared, found, groups, observations, remarks)


def _check_tables(groups: dict[tuple[str, str], list[RunRecord]]) -> None:
    known: dict[str, RunRecord] = {}
    for (variant, name), runs in groups.items():
        seeds: dict[int, str] = {}
        for run in runs:
            first = known.setdefault(name, run)
            if not first.rows:  # it has no summary
                known[name] = run
            elif run.rows and run.table != first.table:
                raise UserError(
                    f"runs: {first.source} and {run.source} saw different rows of {name}: {first.rows:,} and "
                    f"{run.rows:,} training rows, (holdout, split_seed, limit) {first.table[1:]} and {run.table[1:]}."
                )
            for seed in run.seeds:
                if seed in seeds:
                    raise UserError(
                        f"runs: {seeds[seed]} and {run.source} are both seed {seed} of {variant} on {name}."
                    )
                seeds[seed] = run.source


def _chosen(observations: list[list[Observation]], metrics: Sequence[str]) -> list[str]:
    observed = [one.scores for found in observations for one in found]
    if not observed:
        raise UserError("runs: none of them has scores; all diverged, or none was scored.")
    shared = [name for name in observed[0] if all(name in scores for scores in observed)]
    for name in metrics:
        if name not in shared:
            raise UserError(
                f"metrics={name}: not all runs have it; all have {', '.join(shared)}.{nearest(name, shared)}"
            )
    return list(dict.fromkeys(metrics)) or [name for name in DEFAULTS if name in shared] or shared[:1]


def _described(name: str) -> ComparedScore:
    """A score without its values: what the registry says of it, or, of a plugin that is not here, that more is better.

    Raises:
        UserError: neither more nor less of it is better.
    """
    try:
        found = meaning(name)
    except KeyError:
        return ComparedScore(name, name.replace("_", " "), 1, None, {})
    if found.sign == 0 and found.ideal is None:
        raise UserError(f"metrics={name}: it has no better direction; choose another.")
    return ComparedScore(name, found.title, found.sign, found.ideal, {})


def _metric(
    name: str,
    groups: dict[tuple[str, str], list[RunRecord]],
    observed: dict[str, list[Observation]],
    variants: list[str],
    data: list[str],
) -> ComparedScore:
    metric = _described(name)
    seeds = {
        table: sorted(
            {seed for (_, other), runs in groups.items() if other == table for run in runs for seed in run.seeds}
        )
        for table in data
    }
    for key, runs in groups.items():
        metric.cells[key] = _cell(metric, runs, observed, seeds[key[1]])
    for variant in variants:
        values = [np.array(list(metric.cells[variant, table].values.values())) for table in data]
        metric.overall[variant] = (
            float(interquartile_mean(np.concatenate(values))),
            *stratified_interval(values, interquartile_mean),
        )
    for table in data:
        if best := _separated(metric, variants, table):
            metric.best[table] = best
    good = {
        (variant, table): {
            seed: metric.goodness(metric.cells[variant, table].values[seed])
            if seed in metric.cells[variant, table].values
            else -math.inf
            for seed in seeds[table]
            if seed not in metric.cells[variant, table].missing
        }
        for variant in variants
        for table in data
    }
    for left, right in combinations(variants, 2):
        metric.pairs.append(_pair(left, right, good, data))
    for pair, corrected in zip(metric.pairs, holm([pair.p_value for pair in metric.pairs]), strict=True):
        pair.corrected = float(corrected)
    blocks = [
        [good[variant, table][seed] for variant in variants]
        for table in data
        for seed in seeds[table]
        if all(seed in good[variant, table] for variant in variants)
    ]
    metric.ranks = ranks(np.array(blocks)) if blocks else None
    return metric


def _cell(
    metric: ComparedScore, runs: list[RunRecord], observed: dict[str, list[Observation]], seeds: list[int]
) -> Cell:
    samples: dict[int, list[float]] = {}
    for run in runs:
        for one in observed[run.source]:
            if np.isfinite(value := one.scores.get(metric.name, np.nan)):
                samples.setdefault(one.seed, []).append(value)
    drawn = {seed: np.array(found) for seed, found in sorted(samples.items())}
    values = {seed: float(found.mean()) for seed, found in drawn.items()}
    diverged = sorted({seed for run in runs if run.status == DIVERGED for seed in run.seeds} - set(values))
    missing = [seed for seed in seeds if seed not in values and seed not in diverged]
    cell = Cell(runs, values, missing, diverged, variance=variance_of(list(drawn.values())))
    every = np.array(list(values.values()))
    cell.mean, cell.error = mean_error(every)
    cell.low, cell.high = mean_interval(every)
    good = np.array([metric.goodness(value) for value in every])
    cell.good = (mean_error(good)[0], *mean_interval(good))
    return cell


def _separated(metric: ComparedScore, variants: list[str], table: str) -> str | None:
    """The variant whose interval lies beyond those of all others on a data set, none of its seeds having diverged."""
    cells = {variant: metric.cells[variant, table] for variant in variants}
    scored = {variant: cell.good for variant, cell in cells.items() if cell.values}
    if len(scored) < 2:
        return None
    best = max(scored, key=lambda variant: scored[variant][0])
    others = [high for variant, (_, _, high) in scored.items() if variant != best]
    return best if not cells[best].diverged and all(scored[best][1] > high for high in others) else None


def _pair(left: str, right: str, good: dict[tuple[str, str], dict[int, float]], data: list[str]) -> Pair:
    there, here = ({table: np.array(list(good[name, table].values())) for table in data} for name in (left, right))
    chance = probability_of_improvement(there, here)
    both = [
        (good[left, table][seed], good[right, table][seed])
        for table in data
        for seed in good[left, table]
        if seed in good[right, table]
    ]
    return Pair(left, right, *chance, len(both), paired_test(*np.array(both).reshape(-1, 2).T))
