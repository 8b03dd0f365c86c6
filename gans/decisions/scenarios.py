"""The five uses by name: what each asks of runs, and what is drawn of the answer."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gans.decisions import marketing, product, release, research, risk
from gans.decisions.cases import Case
from gans.findings.answers import Answer, pool
from gans.findings.uses import use_sentences
from gans.report.arms import Drawn

log = logging.getLogger("gans")

USES = {"marketing": marketing, "risk": risk, "product": product, "research": research, "privacy": release}


def answer_of(scenario: str, cases: Sequence[Case], options: Mapping[str, Any]) -> Answer:
    """The answer of a use over several runs of one table, with its sentences.

    Raises:
        UserError: an option does not fit the table.
    """
    answers = []
    for case in cases:
        if len(cases) > 1:
            log.info("%s", case.folder)
        answers.append(USES[scenario].ask(case, options))
    answer = pool(answers)
    answer.sentences = use_sentences(answer)
    return answer


def draw(answer: Answer) -> Drawn:
    """The figures of an answer."""
    return USES[answer.scenario].draw(answer)
