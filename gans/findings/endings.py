"""How a run went, in a few lines for the terminal: its time, a verdict, and commands to paste that come next."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gans.config.names import shell_quoted
from gans.config.run import Run
from gans.findings.first_screen import private_evaluate_command
from gans.findings.guarantee import guarantee_sentences
from gans.findings.run import duration, headline
from gans.findings.sentence import Sentence, listed
from gans.runs.calls import Call
from gans.runs.execute import Result
from gans.runs.files import RunFiles
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.tracking.terminal import STAGES
from gans.training.loop import DIVERGED, INTERRUPTED
from gans.words import mark, say

TRAIN, FEDERATE = "gans train", "gans federate"
SMALLER = 3  # times, the learning rates of the next try after a run that diverged
LEAST_SECONDS = 0.5  # of a stage that is named
JUDGING = mark(
    "to judge the rows, give the table as real= and real rows that are not in it as test=; what is found by them is "
    "not private, so it goes elsewhere:"
)


def ending_lines(
    result: Result, results: RunResults | PrivateResults | None, run: Run, call: Call, events: Sentence | None = None
) -> list[str]:
    """The lines at the end of a run.

    Args:
        results: what its page is about; None where it has none.
        run: its config.
        call: how it was asked for.
        events: of a run of histories, what is said of its events.
    """
    summary, folder = result.summary, result.run_dir
    lines = [what_was_done(summary) + _stages(summary)]
    if told := _score(summary):
        lines.append(told)
    if result.status == INTERRUPTED:
        return [*lines, say("saved; resume with:"), *_indented([go_on(folder)])]
    if results is not None:
        lines.append(say("verdict: {text}", text=verdict(results).text))
    if events is not None:
        lines.append(say("verdict on events: {text}", text=events.text))
    if result.status == DIVERGED:
        return [*lines, *_again(call, run)]
    if isinstance(results, PrivateResults):
        lines += [say(JUDGING), *_indented([private_evaluate_command(results, folder)])]
    return [*lines, say("next:"), *_indented(next_commands(folder, result.files.report, results))]


def result_lines(result: Result, results: RunResults | PrivateResults | None) -> list[str]:
    """What a quiet run says at its end: its verdict, or without a page its status, and its folder."""
    return [what_was_done(result.summary) if results is None else verdict(results).text, str(result.run_dir)]


def federated_lines(folder: Path, summary: Mapping[str, Any], generator: bool) -> list[str]:
    """The lines at the end of a federated run.

    Args:
        generator: whether there is a generator at the server, and not only at the sites.
    """
    text = say(
        "{status} after {rounds:,} rounds in {seconds}",
        status=say(summary["status"]),
        rounds=summary["rounds"],
        seconds=duration(summary["seconds"]),
    )
    lines = [text, *([told] if (told := _score(summary)) else [])]
    if summary["status"] == INTERRUPTED:
        return [*lines, say("saved; resume with:"), *_indented([go_on(folder, FEDERATE)])]
    lines.append(say("rows: {path}", path=RunFiles(folder).samples))
    run, private = shell_quoted(f"run={folder}"), "privacy" in summary
    judge = [] if private else [f"gans evaluate {run}"]
    return [*lines, *([say("next:"), *_indented([*judge, draw(run, "rows.csv")])] if generator else [])]


def verdict(results: RunResults | PrivateResults) -> Sentence:
    """The one sentence that says how a run went: that at the head of its page."""
    return guarantee_sentences(results.ledger)[0] if isinstance(results, PrivateResults) else headline(results)


def next_commands(folder: Path, report: Path, results: RunResults | PrivateResults | None) -> list[str]:
    """What comes after a completed run: look at its page, judge its rows, draw others."""
    run, images = shell_quoted(f"run={folder}"), results is not None and bool(results.schema.images)
    files = RunFiles(folder)
    if not report.is_file() and files.histories.is_file():
        report = RunFiles(files.customers).report
    look = [f"{opener()} {shell_quoted(str(report))}"] if report.is_file() else []
    judge = [] if isinstance(results, PrivateResults) else [f"gans evaluate {run}"]
    out = "customers-and-events" if files.histories.is_file() else f"rows.{'parquet' if images else 'csv'}"
    return [*look, *judge, draw(run, out)]


def draw(run: str, out: str) -> str:
    """The command that draws rows; `run` is its first argument, quoted."""
    return f"gans sample {run} n=1000 out={out}"


def go_on(folder: Path, command: str = TRAIN) -> str:
    """The command that goes on with an interrupted run."""
    return f"{command} {shell_quoted(f'run_dir={folder}')} trainer.resume=true"


def with_smaller_steps(call: Call, run: Run) -> str:
    """The command that trained a run anew, in another folder and by smaller learning rates."""
    keys = "learning_rate", "discriminator_learning_rate"
    rates: dict[str, float | None] = {key: getattr(run.optimizer, key) for key in keys}
    most = type(run.optimizer).learning_rate  # where nothing is said
    smaller = {
        f"optimizer.{key}": f"{min(rate / SMALLER, most):.2g}" for key, rate in rates.items() if rate is not None
    }
    own = [one for one in call.overrides if one.lstrip("+").partition("=")[0] not in {*smaller, "run_dir"}]
    return Call(call.command, [*own, *(f"{key}={rate}" for key, rate in smaller.items())]).line()


def opener() -> str:
    """The command of this system that opens a page in the browser."""
    if sys.platform == "darwin":
        return "open"
    if sys.platform == "win32":
        return "start"
    return "xdg-open" if shutil.which("xdg-open") else "python -m webbrowser"


def job_line(result: Result, results: RunResults | PrivateResults | None) -> str:
    """How a run of a sweep went."""
    done = what_was_done(result.summary)
    return done if results is None else say("{done}. {verdict}", done=done, verdict=verdict(results).text)


def what_was_done(summary: Mapping[str, Any]) -> str:
    """Status, steps and time, as in 'completed after 300 steps in 31.0 s'."""
    stopped = say(" ({reason})", reason=summary["stopped"]) if summary.get("stopped") else ""
    return say(
        "{status} after {steps:,} steps{stopped} in {time}",
        status=say(summary["status"]),
        steps=summary["steps"],
        stopped=stopped,
        time=duration(sum(_seconds(summary).values())),
    )


def _stages(summary: Mapping[str, Any]) -> str:
    """What the time went into, as in ': compiling 12.0 s, training 8.0 s'."""
    longest = [f"{words} {duration(spent)}" for words, spent in _seconds(summary).items() if spent >= LEAST_SECONDS]
    return say(": {stages}", stages=listed(longest)) if longest else ""


def _seconds(summary: Mapping[str, Any]) -> dict[str, float]:
    """The seconds of each stage, by its words."""
    return {say(words): summary[key] for stage, words in STAGES.items() if (key := f"{stage}_seconds") in summary}


def _score(summary: Mapping[str, Any]) -> str:
    """The score of the rows beside that of real ones, as far as there are any."""
    if "privacy" in summary:
        epsilon, delta = summary["privacy"]["epsilon"], summary["privacy"]["delta"]
        if "looks" not in summary:
            return say("epsilon={epsilon:g} at delta={delta:g} is spent", epsilon=epsilon, delta=delta)
        return say(
            "epsilon={epsilon:g} at delta={delta:g} is spent, by {looks:,} queries of the rows",
            epsilon=epsilon,
            delta=delta,
            looks=summary["looks"],
        )
    found, real = (summary["scores"].get(side, {}) for side in ("holdout", "floor"))
    name = next((name for name in ("score", "fid") if name in found), None)
    if name is None:
        return ""
    beside = say(" (real rows {real:.4f})", real=real[name]) if name in real else ""
    return say("{name} {found:.4f} on held-out rows{beside}", name=say(name), found=found[name], beside=beside)


def _again(call: Call, run: Run) -> list[str]:
    if run.trainer.resume:  # its own command is not the one that began it
        return [say("lower the learning rate in a new run")]
    return [say("lower the learning rate:"), *_indented([with_smaller_steps(call, run)])]


def _indented(commands: Sequence[str]) -> list[str]:
    return [f"  {command}" for command in commands]
