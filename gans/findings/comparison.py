"""Who wins a comparison, and what its reader must know: whose scores they are, unequal budgets, missing seeds."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gans.findings.sentence import Sentence
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


def winner(
    title: str, best: Mapping[str, str], data: Sequence[str], means: Mapping[str, str], leader: str | None
) -> Sentence:
    """Which variant wins by a score, or that none is shown to.

    Args:
        title: of the score.
        best: by data set the variant whose interval lies beyond those of all others, where there is one.
        data: all data sets.
        means: by variant its mean with its interval, as text.
        leader: the variant with the best mean; None where there is no mean.
    """
    beside = ", ".join(f"{name} {text}" for name, text in means.items())
    winners = set(best.values())
    if len(winners) == 1 and len(best) == len(data):
        where = data[0] if len(data) == 1 else "every data set"
        return Sentence(
            "good",
            f"{winners.pop()} wins by '{title}': its interval lies beyond those of all others on {where} ({beside}).",
        )
    if best:
        each = ", ".join(f"{name} on {table}" for table, name in best.items())
        return Sentence("note", f"No variant wins everywhere by '{title}'; shown to be best: {each} ({beside}).")
    if leader is None:
        return Sentence("note", f"No winner is shown by '{title}': no variant has a mean.")
    text = f"No winner is shown by '{title}': intervals overlap. {leader} has the best mean ({beside})."
    return Sentence("note", text)


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
                f"NOT ALL SEEDS: {', '.join(chosen)}: evaluate with members=all; the best seed alone is optimistic."
            )
        return {run.source: run.evaluated for run in runs}, said
    said = (
        "Scores are those against held-out rows at the step that was kept. These rows chose the step, so scores are "
        "slightly optimistic; gans evaluate run=DIR members=all gives others."
    )
    if len(without) < len(scored):
        said += f" Not evaluated: {', '.join(without)}."
    return {run.source: run.held_out for run in runs}, [said]


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
    return [f"UNEQUAL BUDGETS: {said}. Differences may come from them."]


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
                worst = " They count as worse than all others in ranks, chances and tests." * (words == "DIVERGED")
                listed = ", ".join(map(str, seeds))
                out.append(f"{words}: {variant} on {table}, {len(seeds)} of {many} seeds ({listed}).{worst}")
    most = max(len(cell.values) for cell in cells.values())
    if most < FEW_SEEDS:
        out.append(
            f"At most {most} seeds: with so few, the bootstrap intervals of IQM and chance are too narrow; the "
            "intervals of the means use Student's t."
        )
    if fewest_pairs < 6:
        out.append(
            f"Only {fewest_pairs} pairs of runs: with fewer than 6, a signed-rank test cannot be significant at 5 %."
        )
    data = list(dict.fromkeys(table for _, table in cells))
    if len(data) < blocks:
        out.append(
            f"Ranks are over {blocks} blocks, one for each data set and seed: they hold for {', '.join(data)}, not for "
            "other data sets."
        )
    return out
