"""What a reader of a comparison must know: whose scores they are, unequal budgets, seeds that are not there."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gans.runs.record import Observation, RunRecord
from gans.training.loop import DIVERGED

SLACK = 0.1
FEW_SEEDS = 10
Groups = Mapping[tuple[str, str], Sequence[RunRecord]]


class Seeds(Protocol):
    """The seeds of a variant on a data set: those that have a value, that have none, and that diverged."""

    values: dict[int, float]
    missing: list[int]
    diverged: list[int]


def observed(runs: Sequence[RunRecord]) -> tuple[dict[str, list[Observation]], list[str]]:
    """The scores of each run, by its source: of gans.evaluate where all have them, else held-out ones; and remarks."""
    scored = [run for run in runs if run.held_out or run.evaluated]
    without = [run.source for run in scored if not run.evaluated]
    if scored and not without:
        kinds = sorted({run.evaluation for run in scored})
        said = [f"UNEQUAL EVALUATIONS: {'; '.join(kinds)}."] if len({kind.split()[0] for kind in kinds}) > 1 else []
        chosen = [run.source for run in scored if len({one.seed for one in run.evaluated}) < len(run.seeds)]
        if chosen:
            said.append(
                f"NOT ALL SEEDS: {', '.join(chosen)}: evaluate with members=all; the best seed alone is too kind."
            )
        return {run.source: run.evaluated for run in runs}, said
    said = "Scores are those against held-out rows at the step that was kept, which they chose: a little kind."
    if len(without) < len(scored):
        said += f" Not evaluated are {', '.join(without)}."
    return {run.source: run.held_out for run in runs}, [f"{said} gans.evaluate run=DIR members=all gives others."]


def not_shared(observations: Sequence[Sequence[Observation]], names: Sequence[str]) -> list[str]:
    """Which of these scores some runs have and others have not, so that they cannot be compared."""
    every = [set(one.scores) for found in observations for one in found]
    left_out = [name for name in names if 0 < sum(name in scores for scores in every) < len(every)]
    return [f"{', '.join(left_out)} left out: not all runs have it."] if left_out else []


def unfinished(groups: Groups) -> list[str]:
    """Runs that did not come to their end."""
    ended = ("completed", DIVERGED)
    runs = [run for found in groups.values() for run in found if run.status not in ended]
    return [f"UNFINISHED: {run.source} is {run.status} at step {run.steps:,}." for run in runs]


def budgets(groups: Groups, variants: list[str], budget: str) -> list[str]:
    """Whether the budget is the same for all."""
    spent = {
        variant: [
            run.seconds if budget == "seconds" else run.steps
            for (name, _), runs in groups.items()
            if name == variant
            for run in runs
            if run.status != DIVERGED
        ]
        for variant in variants
    }
    spent = {variant: values for variant, values in spent.items() if values}
    every = [value for values in spent.values() for value in values]
    if budget == "none" or not every:
        return []
    if max(every) <= min(every) * (1 + SLACK) if budget == "seconds" else len(set(every)) == 1:
        return []
    unit = "s" if budget == "seconds" else "steps"
    said = ", ".join(f"{variant} {_span(values)} {unit}" for variant, values in spent.items())
    return [f"UNEQUAL BUDGETS: {said}. Differences may come from these."]


def _span(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def absences(cells: Mapping[tuple[str, str], Seeds], fewest_pairs: int, blocks: int) -> list[str]:
    """Seeds that have no value, and what so few can tell.

    Args:
        cells: by variant and data set.
        fewest_pairs: of runs with the same seed, of any two variants.
        blocks: of a data set and a seed each, over which variants are ranked; 0 where they are not.
    """
    out = []
    for (variant, table), cell in cells.items():
        many = len(cell.values) + len(cell.missing) + len(cell.diverged)
        for seeds, words in ((cell.diverged, "DIVERGED"), (cell.missing, "MISSING")):
            if seeds:
                worst = " They count as worse than any other in ranks, chances and tests." * (words == "DIVERGED")
                listed = ", ".join(map(str, seeds))
                out.append(f"{words}: {variant} on {table}, {len(seeds)} of {many} seeds ({listed}).{worst}")
    most = max(len(cell.values) for cell in cells.values())
    if most < FEW_SEEDS:
        out.append(
            f"{most} seeds at most: the bootstrap intervals of IQM and chance are too narrow with so few; those of the "
            "means are by Student's t."
        )
    if fewest_pairs < 6:
        out.append(
            f"{fewest_pairs} pairs of runs only: no difference can be significant at 5 % by a signed-rank test below 6."
        )
    data = list(dict.fromkeys(table for _, table in cells))
    if len(data) < blocks:
        out.append(
            f"Ranks are over {blocks} blocks, one for each data set and seed: they speak of "
            f"{', '.join(data)}, not of other data sets."
        )
    return out
