"""The first screen of a page: may I share these rows, do they resemble the table, are they real enough."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    UNDECIDED,
    UNTESTED,
    privacy_reason,
    privacy_state,
    what_decides,
    what_helps,
    with_unseen,
    worst_attack,
)
from gans.findings.realism import realism_headline, realism_sentences
from gans.findings.run import headline, score_sentence
from gans.findings.sentence import Sentence, worst_tone
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.words import mark, say

UNKNOWN = "unknown"
SHARE, RESEMBLE = mark("May I share these rows?"), mark("Do they resemble the table?")
REAL = mark("Are they real enough on unseen rows?")


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

    @property
    def before_command(self) -> str:
        """What is said before the command."""
        return say("To test it, run") if self.tone == UNKNOWN else say("To test the rest, run")


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
        told = headline(report)
        scored = "fid" in report.summary.get("scores", {}).get("holdout", {}) or told.tone == "bad"
        return [_resemblance([told]) if scored else Reply(say(RESEMBLE), UNKNOWN, say("Not known"), [told.text])]
    command = commands(folder)["evaluate_command"]
    return [_share_untested(report, command), _resemblance(resemblance_of_run(report)), _not_tested(REAL, command)]


def resemblance_of_run(report: RunResults) -> list[Sentence]:
    """What a run says of how its rows resemble the table: the verdict, and the score behind it."""
    return [headline(report), score_sentence(report)]


def evaluated_replies(
    evaluation: Evaluation,
    of_run: Sequence[Sentence] = (),
    again: str = "",
    guarantee: Mapping[str, float] | None = None,
) -> list[Reply]:
    """What is known after an evaluation.

    Args:
        of_run: what the run said of how its rows resemble the table; of tables without a run the evaluation says it.
        again: the command that made it, without its test rows.
        guarantee: epsilon and delta of the private run whose rows they are.
    """
    told = utility_sentence(evaluation)
    detected = [one for one in realism_sentences(evaluation)[:1] if one.tone != "good"]
    found = [*(of_run or [*detected, *fidelity_sentences(evaluation)]), *([told] if told else [])]
    resemblance = _resemblance(found) if found else _left_out(RESEMBLE, evaluation, again)
    share = _share(evaluation, again) if guarantee is None else _share_privately(evaluation, again, guarantee)
    return [share, resemblance, _real(evaluation, again)]


def evaluate_command(given: Mapping[str, Any]) -> str:
    """The command of an evaluation, from its values by key, without its test rows."""
    typed = []
    for key in ("run", "real", "synthetic", "kinds", "drop", "keep", "target", "secrets", "out", "language"):
        value = given.get(key)
        if isinstance(value, Mapping):
            typed += [f"{key}.{name}={kind}" for name, kind in value.items()]
        elif isinstance(value, list):
            typed.append(f"{key}=[{','.join(value)}]")
        elif isinstance(value, (str, Path)):
            typed.append(f"{key}={value}")
    return " ".join(["gans evaluate", *map(shell_quoted, typed)])


def private_replies(report: PrivateResults, folder: Path) -> list[Reply]:
    """What is known of a run with differential privacy: that its rows may be shared, and how far that goes."""
    command = private_evaluate_command(report, folder)
    return [_share_guaranteed(report.ledger["guarantee"]), _not_tested(RESEMBLE, command), _not_tested(REAL, command)]


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


def _resemblance(sentences: Sequence[Sentence]) -> Reply:
    tone = worst_tone(sentences)
    answer = {"good": mark("Yes, closely"), "note": mark("In part"), "bad": mark("Not enough")}[tone]
    return Reply(say(RESEMBLE), tone, say(answer), [one.text for one in sentences])


def _not_tested(question: str, command: str) -> Reply:
    return Reply(say(question), UNKNOWN, say("Not tested yet"), [], command)


def _left_out(question: str, evaluation: Evaluation, again: str) -> Reply:
    if evaluation.level == LEVELS[0]:
        reason, command = say("metrics=fast left it out; metrics=standard tests it."), again
    else:
        reason = say("This evaluation left it out: it needs metrics=standard and at least 100 unseen rows.")
        command = with_unseen(again, evaluation)
    return Reply(say(question), UNKNOWN, say("Not tested"), [reason], command)


def _share_untested(report: RunResults, command: str) -> Reply:
    """Personal data that was kept on purpose says no before any attack is made."""
    kept = kept_lines(report.schema)
    return Reply(say(SHARE), "bad", say("No"), kept, command) if kept else _not_tested(SHARE, command)


def _real(evaluation: Evaluation, again: str) -> Reply:
    told = realism_headline(evaluation)
    if told is None:  # other detectors, which know no unseen rows, can only say that the rows are not real enough
        told = next((one for one in realism_sentences(evaluation)[:1] if one.tone == "bad"), None)
    if told is None:
        return _left_out(REAL, evaluation, again)
    answer = {"good": mark("Yes, real enough"), "note": mark("Nearly"), "bad": mark("Not real enough")}[told.tone]
    return Reply(say(REAL), told.tone, say(answer), [told.text])


def _share_privately(evaluation: Evaluation, again: str, guarantee: Mapping[str, float]) -> Reply:
    """The guarantee, which attacks cannot take back, and what they found."""
    guaranteed, found = _share_guaranteed(guarantee), _share(evaluation, again)
    if found.tone == UNKNOWN:
        return guaranteed
    if found.tone == "bad":
        tone = "bad" if guaranteed.tone == "bad" else "note"
        reasons = [*guaranteed.reasons, found.reasons[0], in_spite_of_it()]
        return dataclasses.replace(guaranteed, tone=tone, reasons=reasons)
    return dataclasses.replace(guaranteed, reasons=[*guaranteed.reasons, *found.reasons])


def _share(evaluation: Evaluation, again: str) -> Reply:
    state = privacy_state(evaluation)
    if state == UNTESTED:
        return _left_out(SHARE, evaluation, again)
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
    reasons = [reason[:1].upper() + reason[1:], *([told] if told and state != FAILS else [])]
    if state in UNDECIDED:
        return Reply(
            say(SHARE), tone, say(answer), [*reasons, what_decides(evaluation)], with_unseen(again, evaluation)
        )
    return Reply(say(SHARE), tone, say(answer), [*reasons, *([what_helps()] if state == FAILS else [])])
