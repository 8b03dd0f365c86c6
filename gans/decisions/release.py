"""Privacy: is it safe to share this table?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.decisions.cases import Case
from gans.evaluation.metrics import all_metrics, meaning, metric_of
from gans.evaluation.results import score_rows
from gans.evaluation.suite import evaluate
from gans.findings.answers import Answer, Interval, Measured
from gans.findings.privacy import privacy_sentences
from gans.findings.sentence import listed
from gans.privacy.ledger import Ledger
from gans.report.arms import Drawn
from gans.report.evaluation import ATTACKS_TITLE, evaluation_figures
from gans.runs.files import RunFiles
from gans.words import mark, say

REAL, SYNTHETIC = mark("what held-out real rows have, or the ideal"), mark("synthetic rows")
ATTACKS = ("real_values", "copies", "nearness", "membership", "criteria", "secrets")
PRIVACY = "privacy"


def ask(case: Case, options: Mapping[str, Any]) -> Answer:
    """The attacks of gans.evaluate on the synthetic rows of a run.

    Args:
        options: none; `secrets` belong to the case.
    """
    del options
    found = evaluate(case.tables, "standard", only=ATTACKS)
    measures = [
        Measured(
            meaning(name).title,
            "",
            {REAL: _beside(name, score.real), SYNTHETIC: _interval(score)},
            share=meaning(name).ideal != 0,
        )
        for name, score in score_rows(found)
        if all_metrics()[metric_of(name)].part == PRIVACY
    ]
    rows = found.rows
    tables: dict[str, Any] = {"findings": [{"tone": one.tone, "text": one.text} for one in privacy_sentences(found)]}
    ledger = RunFiles(case.folder).privacy
    if ledger.is_file():
        tables["ledger"] = Ledger.read(ledger).to_json()
    named = listed(case.tables.secrets)
    secrets = say(" The secrets are {names}.", names=named) if named else ""
    return Answer(
        "privacy",
        say("Is it safe to share this table?"),
        say(
            "{made:,} synthetic rows are attacked by someone who wants to know who was among the {real:,} training "
            "rows; {test:,} held-out real rows, which no model was trained on, are the control.{secrets}",
            made=rows["synthetic"],
            real=rows["real"],
            test=rows["test"],
            secrets=secrets,
        ),
        REAL,
        measures,
        curves={"evaluation": found, "folder": case.folder},
        tables=tables,
    )


def _interval(score: Any) -> Interval:
    low, high = (np.nan if end is None else end for end in (score.low, score.high))
    return score.value, low, high


def _beside(name: str, real: float | None) -> Interval:
    ideal = meaning(name).ideal
    value = real if real is not None else ideal if ideal is not None else np.nan
    return float(value), np.nan, np.nan


def draw(answer: Answer) -> Drawn:
    """The attacks beside a guess."""
    return {
        title: figure
        for title, figure in evaluation_figures(answer.curves["evaluation"]).items()
        if title == say(ATTACKS_TITLE)
    }
