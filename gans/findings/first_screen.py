"""The first screen of a page: may I use these rows, are they real enough, may I share them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gans.config.names import shell_quoted
from gans.data.personal.lines import kept_lines
from gans.evaluation.metrics import LEVELS
from gans.evaluation.results import Evaluation
from gans.findings.evaluation import fidelity_sentences, utility_sentence
from gans.findings.guarantee import guarantee_tone, in_spite_of_it
from gans.findings.privacy import (
    FAILS,
    LITTLE_TOLD,
    PASSES,
    UNTESTED,
    privacy_reason,
    privacy_state,
    what_helps,
    worst_attack,
)
from gans.findings.realism import realism_headline, realism_sentences
from gans.findings.run import headline, score_sentence
from gans.findings.sentence import Sentence, worst_tone
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.words import mark, say

UNKNOWN = "unknown"
USE, REAL = mark("May I use these rows?"), mark("Are they real enough on unseen rows?")
SHARE = mark("May I share them?")


@dataclass
class Reply:
    """The answer to one of the three questions.

    Attributes:
        tone: good, note, bad or unknown.
        answer: in a few words.
        reasons: sentences with the figures behind it.
        command: what tells, where it is not known.
    """

    question: str
    tone: str
    answer: str
    reasons: Sequence[str]
    command: str = ""


def commands(folder: Path) -> dict[str, str]:
    """What to run for the answers that a run in this folder has not got, and for more rows."""
    run = shell_quoted(f"run={folder.as_posix()}")
    return {
        "evaluate_command": f"gans evaluate {run}",
        "sample_command": f"gans sample {run} n=1000 out=rows.csv",
    }


def run_replies(report: RunResults, folder: Path) -> list[Reply]:
    """What is known of a run before its evaluation."""
    if report.schema.images:
        return [_use([headline(report)])]
    command = commands(folder)["evaluate_command"]
    return [_use(use_of_run(report)), _not_tested(REAL, command), _share_untested(report, command)]


def use_of_run(report: RunResults) -> list[Sentence]:
    """What a run says of the use of its rows: the verdict, and the score behind it."""
    return [headline(report), score_sentence(report)]


def evaluated_replies(
    evaluation: Evaluation, of_run: Sequence[Sentence] = (), guarantee: Mapping[str, float] | None = None
) -> list[Reply]:
    """What is known after an evaluation.

    Args:
        of_run: what the run said of the use of its rows; of tables without a run what the evaluation says itself.
        guarantee: epsilon and delta of the private run whose rows they are.
    """
    told = utility_sentence(evaluation)
    detected = [one for one in realism_sentences(evaluation)[:1] if one.tone != "good"]
    use = [*(of_run or [*detected, *fidelity_sentences(evaluation)]), *([told] if told else [])]
    share = _share(evaluation) if guarantee is None else _share_privately(evaluation, guarantee)
    return [_use(use) if use else _left_out(USE, evaluation), _real(evaluation), share]


def private_replies(report: PrivateResults, folder: Path) -> list[Reply]:
    """What is known of a run with differential privacy: that its rows may be shared, and how far that goes."""
    command = private_evaluate_command(report, folder)
    return [_not_tested(USE, command), _not_tested(REAL, command), _share_guaranteed(report.ledger["guarantee"])]


def private_evaluate_command(report: PrivateResults, folder: Path) -> str:
    """The command that judges the rows of a private run by real ones, whose files the person gives.

    What it finds is not covered by the guarantee, so it goes into another folder. The table is FILE, as test rows are,
    where the config does not name it.
    """
    import yaml

    table = "" if report.given else yaml.safe_load(report.config)["data"].get("path")
    elsewhere = folder.with_name(f"{folder.name}-evaluation").as_posix()
    files = map(shell_quoted, (f"real={table or 'FILE'}", "test=FILE", f"out={elsewhere}"))
    return " ".join([commands(folder)["evaluate_command"], *files])


def _share_guaranteed(guarantee: Mapping[str, float]) -> Reply:
    """The guarantee of a private run as the answer."""
    epsilon, delta = guarantee["epsilon"], guarantee["delta"]
    tone = guarantee_tone(epsilon)
    answer = {
        "good": mark("Yes, by a guarantee"),
        "note": mark("Yes, by a moderate guarantee"),
        "bad": mark("The guarantee is weak"),
    }[tone]
    reason = say(
        "Differential privacy for each row: epsilon {epsilon:g}, delta {delta:g}.", epsilon=epsilon, delta=delta
    )
    return Reply(say(SHARE), tone, say(answer), [reason])


def _use(sentences: Sequence[Sentence]) -> Reply:
    tone = worst_tone(sentences)
    answer = {"good": mark("Yes"), "note": mark("With care"), "bad": mark("No")}[tone]
    return Reply(say(USE), tone, say(answer), [one.text for one in sentences])


def _not_tested(question: str, command: str) -> Reply:
    return Reply(say(question), UNKNOWN, say("Not tested yet"), [], command)


def _left_out(question: str, evaluation: Evaluation) -> Reply:
    if evaluation.level == LEVELS[0]:
        reason = say("metrics=fast left it out; metrics=standard tests it.")
    else:
        reason = say("This evaluation left it out: it needs metrics=standard and at least 100 unseen rows.")
    return Reply(say(question), UNKNOWN, say("Not tested"), [reason])


def _share_untested(report: RunResults, command: str) -> Reply:
    """Personal data that was kept on purpose says no before any attack is made."""
    kept = kept_lines(report.schema)
    return Reply(say(SHARE), "bad", say("No"), kept, command) if kept else _not_tested(SHARE, command)


def _real(evaluation: Evaluation) -> Reply:
    told = realism_headline(evaluation)
    if told is None:  # other detectors, which know no unseen rows, can only say that the rows are not real enough
        told = next((one for one in realism_sentences(evaluation)[:1] if one.tone == "bad"), None)
    if told is None:
        return _left_out(REAL, evaluation)
    answer = {"good": mark("Yes, real enough"), "note": mark("Nearly"), "bad": mark("Not real enough")}[told.tone]
    return Reply(say(REAL), told.tone, say(answer), [told.text])


def _share_privately(evaluation: Evaluation, guarantee: Mapping[str, float]) -> Reply:
    """The guarantee, which attacks cannot take back, and what they found."""
    guaranteed, found = _share_guaranteed(guarantee), _share(evaluation)
    if found.tone == UNKNOWN:
        return guaranteed
    if found.tone == "bad":
        tone = "bad" if guaranteed.tone == "bad" else "note"
        reasons = [*guaranteed.reasons, found.reasons[0], in_spite_of_it()]
        return dataclasses.replace(guaranteed, tone=tone, reasons=reasons)
    return dataclasses.replace(guaranteed, reasons=[*guaranteed.reasons, *found.reasons])


def _share(evaluation: Evaluation) -> Reply:
    state = privacy_state(evaluation)
    if state == UNTESTED:
        return _left_out(SHARE, evaluation)
    tone, answer, reason = {
        FAILS: ("bad", mark("No"), privacy_reason(evaluation)),
        LITTLE_TOLD: (
            "note",
            mark("Only with people who may know a little of the real table"),
            say("An attack learns a little, beyond chance."),
        ),
        PASSES: (
            "good",
            mark("Yes, as far as tested"),
            say("None of the attacks does better than guessing, which is no proof."),
        ),
    }.get(state, (UNKNOWN, mark("Not known"), privacy_reason(evaluation)))
    told = worst_attack(evaluation)
    reason = reason[:1].upper() + reason[1:]
    more = [what_helps()] if state == FAILS else [told] if told else []
    return Reply(say(SHARE), tone, say(answer), [reason, *more])
