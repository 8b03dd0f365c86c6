"""Who wins a comparison, and what its reader must know: whose scores they are, unequal budgets, missing seeds."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gans.findings.sentence import Sentence, listed
from gans.runs.record import Observation, RunRecord
from gans.training.loop import DIVERGED
from gans.words import mark, say

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
    beside = listed(f"{name} {text}" for name, text in means.items())
    winners = set(best.values())
    if len(winners) == 1 and len(best) == len(data):
        text = say(
            "{winner} wins by '{title}': its interval lies beyond those of all others on {where} ({beside}).",
            winner=winners.pop(),
            title=title,
            where=data[0] if len(data) == 1 else say("every data set"),
            beside=beside,
        )
        return Sentence("good", text)
    if best:
        text = say(
            "No variant wins everywhere by '{title}'; shown to be best: {each} ({beside}).",
            title=title,
            each=listed(say("{name} on {data}", name=name, data=table) for table, name in best.items()),
            beside=beside,
        )
        return Sentence("note", text)
    if leader is None:
        return Sentence("note", say("No winner is shown by '{title}': no variant has a mean.", title=title))
    text = say(
        "No winner is shown by '{title}': intervals overlap. {leader} has the best mean ({beside}).",
        title=title,
        leader=leader,
        beside=beside,
    )
    return Sentence("note", text)


def observed(runs: Sequence[RunRecord]) -> tuple[dict[str, list[Observation]], list[str]]:
    """The scores of each run, by its source: of gans.evaluate where all have them, else held-out ones; and remarks."""
    scored = [run for run in runs if run.held_out or run.evaluated]
    without = [run.source for run in scored if not run.evaluated]
    if scored and not without:
        kinds = sorted({run.evaluation for run in scored})
        unequal = len({kind.split()[0] for kind in kinds}) > 1
        said = [say("UNEQUAL EVALUATIONS: {kinds}.", kinds="; ".join(kinds))] if unequal else []
        chosen = [run.source for run in scored if len({one.seed for one in run.evaluated}) < len(run.seeds)]
        if chosen:
            text = say(
                "NOT ALL SEEDS: {runs}: evaluate with members=all; the best seed alone is optimistic.",
                runs=", ".join(chosen),
            )
            said.append(text)
        return {run.source: run.evaluated for run in runs}, said
    said = say(
        "Scores are those against held-out rows at the step that was kept. These rows chose the step, so scores are "
        "slightly optimistic; gans evaluate run=DIR members=all gives others."
    )
    if len(without) < len(scored):
        said += say(" Not evaluated: {runs}.", runs=", ".join(without))
    return {run.source: run.held_out for run in runs}, [said]


def not_shared(observations: Sequence[Sequence[Observation]], names: Sequence[str]) -> list[str]:
    """Which of these scores some runs have and others have not, so that they cannot be compared."""
    every = [set(one.scores) for found in observations for one in found]
    left_out = [name for name in names if 0 < sum(name in scores for scores in every) < len(every)]
    return [say("{names} left out: not all runs have it.", names=", ".join(left_out))] if left_out else []


def unfinished(groups: Groups) -> list[str]:
    """Runs that did not come to their end."""
    ended = ("completed", DIVERGED)
    runs = [run for found in groups.values() for run in found if run.status not in ended]
    return [
        say("UNFINISHED: {run} is {status} at step {steps:,}.", run=run.source, status=say(run.status), steps=run.steps)
        for run in runs
    ]


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
    unit = "s" if budget == "seconds" else say("steps")
    spans = listed(f"{variant} {_span(values)} {unit}" for variant, values in spent.items())
    return [say("UNEQUAL BUDGETS: {spans}. Differences may come from them.", spans=spans)]


def _span(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:,.0f}" if low == high else say("{low:,.0f} to {high:,.0f}", low=low, high=high)


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
        for seeds, text in (
            (
                cell.diverged,
                mark(
                    "DIVERGED: {variant} on {data}, {count} of {many} seeds ({seeds}). They count as worse than any "
                    "other in ranks, probabilities and tests."
                ),
            ),
            (cell.missing, mark("MISSING: {variant} on {data}, {count} of {many} seeds ({seeds}).")),
        ):
            if seeds:
                named = {"variant": variant, "data": table, "count": len(seeds), "many": many}
                out.append(say(text, seeds=", ".join(map(str, seeds)), **named))
    most = max(len(cell.values) for cell in cells.values())
    if most < FEW_SEEDS:
        text = say(
            "At most {most} seeds: with so few, the bootstrap intervals of IQM and chance are too narrow; the "
            "intervals of the means use Student's t.",
            most=most,
        )
        out.append(text)
    if fewest_pairs < 6:
        text = say(
            "Only {pairs} pairs of runs: with fewer than 6, a signed-rank test cannot be significant at 5%.",
            pairs=fewest_pairs,
        )
        out.append(text)
    data = list(dict.fromkeys(table for _, table in cells))
    if len(data) < blocks:
        text = say(
            "Ranks are over {blocks} blocks, one for each data set and seed: they apply to {data}, not to other data "
            "sets.",
            blocks=blocks,
            data=listed(data),
        )
        out.append(text)
    return out
