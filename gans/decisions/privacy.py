"""Privacy: may this table leave the house?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.decisions.answers import Answer, Drawn, Interval, Measured
from gans.decisions.cases import Case
from gans.evaluation.measures import PARTS, measure
from gans.evaluation.results import Evaluation, score_rows
from gans.evaluation.suite import evaluate
from gans.report.findings import LIMITS, privacy_sentences
from gans.report.plain_words import Sentence

REAL, SYNTHETIC = "what held-out real rows have, or the ideal", "synthetic rows"
STEPS = ("copies", "distances to training rows", "membership", "secrets")
PRIVACY = PARTS[-1]


def ask(case: Case, options: Mapping[str, Any]) -> Answer:
    """The attacks of gans.evaluate on the synthetic rows of a run.

    Args:
        options: none; `secrets` belong to the case.
    """
    del options
    found = evaluate(case.tables, "standard", only=STEPS)
    measures = [
        Measured(
            measure(name).title,
            "",
            {REAL: _beside(name, score.real), SYNTHETIC: _interval(score)},
            share=not name.startswith("attribute"),
        )
        for name, score in score_rows(found)
        if measure(name).part == PRIVACY
    ]
    rows = found.rows
    secrets = f" The secrets are {', '.join(case.tables.secrets)}." if case.tables.secrets else ""
    return Answer(
        "privacy",
        "May this table leave the house?",
        f"{rows['synthetic']:,} synthetic rows are attacked by someone who wants to know who was among the "
        f"{rows['real']:,} "
        f"training rows; {rows['test']:,} held-out real rows, which nobody learnt from, are the control.{secrets}",
        REAL,
        measures,
        curves={"evaluation": found},
        tables={"findings": [{"tone": one.tone, "text": one.text} for one in privacy_sentences(found)]},
    )


def _interval(score: Any) -> Interval:
    low, high = (np.nan if end is None else end for end in (score.low, score.high))
    return score.value, low, high


def _beside(name: str, real: float | None) -> Interval:
    ideal = measure(name).ideal
    value = real if real is not None else ideal if ideal is not None else np.nan
    return float(value), np.nan, np.nan


def verdict(found: Evaluation) -> Sentence:
    """May it leave: no where an attack succeeds, yes with a warning where none does."""
    sentences = privacy_sentences(found)
    wrong = [one for one in sentences if one.tone == "bad"]
    if wrong:
        return Sentence("bad", f"No: {len(wrong)} of the attacks {'succeed' if len(wrong) > 1 else 'succeeds'}.")
    if "membership_nearest_auc" not in found.scores:
        return Sentence("note", "It cannot be said: there are too few held-out rows for the attacks.")
    little = [one for one in sentences if one.text.startswith("A little")]
    if little:
        return Sentence("note", "Only to people who may see a little of the real one: an attack tells a little.")
    text = "Yes, as far as these attacks go: none of them does better than a guess. They are no proof."
    return Sentence("good", text)


def say(answer: Answer) -> list[Sentence]:
    """The verdict, why, and what it is not."""
    every = [one.curves["evaluation"] for one in answer.runs or [answer]]
    order = {"bad": 0, "note": 1, "good": 2}
    found = min(every, key=lambda one: order[verdict(one).tone])  # the worst run speaks for all
    reasons = sorted(privacy_sentences(found), key=lambda one: order[one.tone])
    return [verdict(found), *reasons, LIMITS]


def draw(answer: Answer) -> Drawn:
    """The attacks beside a guess."""
    from gans.report.evaluation import evaluation_figures

    return {
        title: figure for title, figure in evaluation_figures(answer.curves["evaluation"]).items() if "Attacks" in title
    }
