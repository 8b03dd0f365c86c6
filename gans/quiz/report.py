"""The report on a quiz: a verdict first, then error rates with intervals, raters, words, and what is not shown."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gans.files import write_text
from gans.findings.sentence import Sentence
from gans.quiz.answers import Answers
from gans.quiz.items import CONTROLS, MAIN
from gans.quiz.statistics import (
    MARGIN,
    Interval,
    Rater,
    Score,
    detectable,
    half_width,
    judgements_needed,
    raters_of,
    score,
    words_by_field,
)
from gans.report.figures import FAINT, INK, REAL, SYNTHETIC, canvas, data_address, label, legend
from gans.report.templates import template
from gans.tracking.base import RunStart
from gans.tracking.settings import TrackerSettings
from gans.tracking.weights_and_biases import WeightsAndBiases

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREY = "#7d8a95"
MOST_RATERS = 30  # in the figure
EVIDENCE = (
    "People and programs see different things. Boosted trees (the detection of gans.evaluate) see small shifts in how "
    "columns go together, which no person sees in single rows; people see impossible stories, which boosted trees need "
    "many rows to learn. So people at chance are weak evidence for good rows, and people who are not at chance are "
    "strong evidence against them."
)


@dataclass
class Group:
    """What is pooled: quizzes of one run, one arm and one form.

    Attributes:
        raters: all of them.
        score: of those who are not apart; None where there are none.
        everyone: the score with those, too.
        words: what gave it away, by field, with the raters who are apart.
    """

    run: str
    arm: str
    form: str
    quizzes: int
    raters: list[Rater]
    score: Score | None
    everyone: Score
    words: dict[str, list[str]]

    @property
    def title(self) -> str:
        """For people."""
        sides = "real against real (control)" if self.arm == "real" else "real against synthetic"
        return f"{Path(self.run).name}: {sides}, {self.form}"

    @property
    def apart(self) -> list[Rater]:
        """Raters who failed the qualification or missed hidden controls."""
        return [rater for rater in self.raters if rater.apart]

    def sentences(self) -> list[Sentence]:
        """The verdict first, then what goes with it."""
        out = [_verdict(self), *_apart(self)]
        if self.score:
            out += [*_bias(self.score), *_power(self.score, self.quizzes)]
        return out

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {
            "run": self.run,
            "arm": self.arm,
            "form": self.form,
            "quizzes": self.quizzes,
            "verdict": self.sentences()[0].text,
            "score": self.score and _score_json(self.score),
            "score_with_raters_apart": _score_json(self.everyone),
            "raters": [
                {
                    "rater": rater.name,
                    "wrong": dict(rater.wrong),
                    "judged": dict(rater.judged),
                    "qualification": [rater.qualified, rater.qualification],
                    "controls_missed": [rater.missed, rater.controls],
                    "median_seconds": rater.seconds,
                    "apart": rater.apart,
                }
                for rater in self.raters
            ],
            "words": self.words,
        }


def _score_json(found: Score) -> dict[str, Any]:
    intervals = {"error": found.error, "error_on_real": found.real, "error_on_synthetic": found.synthetic}
    out: dict[str, Any] = {"raters": found.raters, "judgements": found.judgements}
    for name, interval in (intervals | {"d_prime": found.d_prime}).items():
        out[name] = interval and dict(zip(("value", "low", "high"), interval, strict=True))
    return out | {"said_real": found.said_real, "indistinguishable": found.indistinguishable}


def groups_of(answers: Sequence[Answers]) -> list[Group]:
    """The groups of quizzes that have answers; the arm against synthetic rows first."""
    together: dict[tuple[str, str, str], list[Answers]] = {}
    for one in answers:
        if one.table.num_rows:
            facts = one.quiz.facts
            together.setdefault((facts["run"], facts["arm"], facts["form"]), []).append(one)
    out = []
    for (run, arm, form), members in together.items():
        table = pa.concat_tables([one.table for one in members])
        raters = raters_of(table)
        everyone = score(raters)
        assert everyone is not None
        kept = score([rater for rater in raters if not rater.apart])
        out.append(Group(run, arm, form, len(members), raters, kept, everyone, words_by_field(table)))
    return sorted(out, key=lambda group: group.arm == "real")


def percent(interval: Interval) -> str:
    """A share with its interval."""
    return "{:.1f}% ({:.1f} to {:.1f})".format(*(100 * value for value in interval))


def _verdict(group: Group) -> Sentence:
    found = group.score
    if found is None:
        text = "Nothing can be said: no rater passed the qualification and saw the controls."
        return Sentence("note", text)
    who = "1 rater was" if found.raters == 1 else f"{found.raters} raters were"
    text = f"{who} wrong in {percent(found.error)} of {found.judgements:,} judgements"
    if group.arm == "real":
        return _control_verdict(found, text)
    if found.indistinguishable:
        more = ", though not quite at chance" if found.told_apart or found.error[1] > 0.5 else ""
        return Sentence("good", f"Indistinguishable to people: {text}; the whole interval lies within 50 ± 5%{more}.")
    if found.told_apart:
        return Sentence("bad", f"People tell synthetic from real: {text}; the whole interval lies below 50%.")
    if found.error[1] > 0.5:
        more = "they notice a difference but misinterpret it"
        return Sentence("note", f"People are wrong more often than chance: {text}; {more}.")
    return Sentence(
        "note",
        f"Not decided: {text}. The interval contains 50% and extends beyond 50 ± 5%: it shows neither a difference "
        "nor that there is none.",
    )


def _control_verdict(found: Score, text: str) -> Sentence:
    if found.error[1] <= 0.5 <= found.error[2]:
        text = f"The control holds: of real against real {text}; the interval contains 50%, as it must."
        return Sentence("good", text)
    return Sentence(
        "bad",
        f"The control fails: of real against real {text}, an interval without 50%. Either something other than "
        "the rows tells the halves apart, or this is one of the 5% of intervals that miss the truth; find out before "
        "you trust any result.",
    )


def _apart(group: Group) -> list[Sentence]:
    if not group.apart:
        return []
    count = len(group.apart)
    names = ", ".join(f"{rater.name} ({rater.apart})" for rater in group.apart[:10])
    more = f" and {count - 10} more" if count > 10 else ""
    every = "1 rater" if len(group.raters) == 1 else f"{len(group.raters)} raters"
    text = (
        f"{count} of {every} {'is' if count == 1 else 'are'} reported apart: {names}{more}. With "
        f"{'this one' if count == 1 else 'these'} the error is {percent(group.everyone.error)}."
    )
    return [Sentence("note", text)]


def _bias(found: Score) -> list[Sentence]:
    if found.said_real is None or found.real is None or found.synthetic is None:
        return [Sentence("note", "d' is {:.2f} ({:.2f} to {:.2f}); 0 is chance.".format(*found.d_prime))]
    text = (
        f"Wrong on real cards {percent(found.real)}, on synthetic cards {percent(found.synthetic)}; "
        f"{100 * found.said_real:.0f}% of all cards were called real. "
    )
    return [Sentence("note", text + "d' is {:.2f} ({:.2f} to {:.2f}); 0 is chance.".format(*found.d_prime))]


def _power(found: Score, quizzes: int) -> list[Sentence]:
    judgements = found.judgements
    least = judgements_needed()
    each = judgements // found.raters
    text = (
        f"What {judgements:,} judgements can show: around 50% their interval reaches "
        f"{100 * half_width(judgements):.1f} points to each side, and in four of five trials they tell raters who are "
        f"wrong in {100 * detectable(judgements):.0f}% or less from raters who guess. "
    )
    if judgements < least:
        raters = math.ceil(least / max(each, 1))
        text += (
            f"They cannot show 'indistinguishable': that takes at least {least}, so {raters} raters of {each}, if the "
            "rate is exactly 50%; four times as many leave room."
        )
    else:
        text += "They can show 'indistinguishable' where the rate is near 50% and raters agree."
    out = [Sentence("note", text)]
    if found.raters > 1 and quizzes == 1:
        out.append(
            Sentence(
                "note",
                "All raters saw the same rows, so the interval is about these rows; folders made with other seeds, "
                "pooled, bring further rows.",
            )
        )
    return out


def print_report(answers: Sequence[Answers]) -> None:
    """The sentences on standard output."""
    for group in groups_of(answers):
        print(group.title)
        for sentence in group.sentences():
            print(sentence.line())
        for field, words in group.words.items():
            print(f"{'':10}{field or '(no field)'}: {'; '.join(words)}")
    print(f"{'note':10}{EVIDENCE}")


def write_report(folder: Path, answers: Sequence[Answers]) -> Path:
    """Write report.html and report.json; the path of the page."""
    groups = groups_of(answers)
    text = json.dumps({"groups": [_finite(group.to_json()) for group in groups]}, indent=1, ensure_ascii=False)
    write_text(folder / "report.json", text + "\n")
    page = template("quiz.html.jinja").render(
        groups=groups,
        figures=[data_address(error_figure(group)) for group in groups],
        percent=percent,
        evidence=EVIDENCE,
        main=MAIN,
        controls=CONTROLS,
        margin=round(100 * MARGIN),
        least=judgements_needed(),
    )
    write_text(folder / "report.html", page)
    return folder / "report.html"


def track(answers: Sequence[Answers], mode: str, project: str) -> None:
    """Send the pooled figures and the table of answers to Weights & Biases; offline into the first folder."""
    facts, folder = [one.quiz.facts for one in answers], answers[0].quiz.folder
    settings = TrackerSettings(mode=mode, project=project, job_type="quiz", folder=str(folder))
    start = RunStart(name="quiz", config=json.dumps({"quizzes": facts}), run_dir=folder.resolve())
    tracker = WeightsAndBiases(settings, mode, start)
    figures: dict[str, float] = {}
    for group in groups_of(answers):
        place = f"{Path(group.run).name}/{group.arm}/{group.form}"
        figures |= {f"{place}/raters": len(group.raters), f"{place}/raters_apart": len(group.apart)}
        if group.score:
            for name, (value, low, high) in (("error", group.score.error), ("d_prime", group.score.d_prime)):
                figures |= {f"{place}/{name}": value, f"{place}/{name}_low": low, f"{place}/{name}_high": high}
    tracker.finish_report(figures, "answers", pa.concat_tables([one.table for one in answers]))


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def error_figure(group: Group) -> "Figure":
    """Error rates with intervals: of all judgements, on real and synthetic cards, and of each rater."""
    from matplotlib.ticker import PercentFormatter

    found = group.score or group.everyone
    kinds = {"all judgements": (found.error, INK), "on real cards": (found.real, REAL)}
    kinds["on synthetic cards"] = found.synthetic, SYNTHETIC
    rows = [(name, interval, color, "D") for name, (interval, color) in kinds.items() if interval]
    for rater in sorted(group.raters, key=lambda one: (bool(one.apart), one.name))[:MOST_RATERS]:
        name, color = (f"{rater.name} (apart)", FAINT) if rater.apart else (rater.name, GREY)
        rows += [(name, alone.error, color, "o") for alone in [score([rater])] if alone]
    figure, axes = canvas(6.4, 1.1 + 0.3 * len(rows))
    axes.axvspan(0.5 - MARGIN, 0.5 + MARGIN, color="#3b8256", alpha=0.14, linewidth=0, label="50 ± 5%")
    axes.axvline(0.5, color="#3b8256", linewidth=1)
    for place, (_, (value, low, high), color, marker) in enumerate(rows):
        axes.plot([low, high], [place, place], color=color, linewidth=2)
        axes.plot(value, place, marker, color=color, markersize=6)
    axes.set_yticks(range(len(rows)), [label(name, 34) for name, *_ in rows], parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("wrong judgements, interval of 95%", fontsize=9, color=INK)
    legend(axes)
    return figure
