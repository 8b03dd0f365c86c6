"""The generator that a run kept, and how training went on around it."""

import re
from dataclasses import dataclass

from gans.config.trainer import directions
from gans.evaluation.metrics import meaning
from gans.findings.sentence import Sentence
from gans.runs.finish import RunResults
from gans.tracking.jsonl import History, series
from gans.words import mark, say

FALL = 0.01  # of a score, up to which its end is as good as its best
NAMES = {"score": mark("score"), "detection": mark("detection score")}
REFINED = mark(
    "The rows were refined after training, by boosted trees that tell real from generated rows; the curves show the "
    "generator without refinement."
)


@dataclass(frozen=True)
class Kept:
    """The generator that a run kept.

    Attributes:
        step: at which it stood.
        by: the score that chose it, by its name in the history; `last` where none did.
        value: of that score; None where none chose it.
        seed: of several, whose generator it is; None of a single one.
    """

    step: int
    by: str
    value: float | None = None
    seed: int | None = None

    def own(self, history: History) -> History:
        """The metrics of its own seed where a run has several; means over seeds are left out."""
        if self.seed is None:
            return history
        start = f"seed{self.seed}/"
        return [
            {"step": row["step"]} | {key.removeprefix(start): row[key] for key in row if key.startswith(start)}
            for row in history
        ]

    def reason(self) -> str:
        """In a few words why it was kept."""
        if self.value is None:
            return say("the last one")
        return say("best {name}, {value:.3f}", name=score_name(self.by), value=self.value)

    def words(self) -> str:
        """Which generator it is, and which score chose it."""
        of_seed = "" if self.seed is None else say(" of seed {seed}", seed=self.seed)
        if self.value is None:
            return say(
                "Kept: the generator{of_seed} at step {step:,}, the last one, which no score chose.",
                of_seed=of_seed,
                step=self.step,
            )
        return say(
            "Kept: the generator{of_seed} at step {step:,}, for its {name} of {value:.3f} on held-out rows, the best "
            "of the run ({better}). These rows chose it, so scores against them are slightly optimistic.",
            of_seed=of_seed,
            step=self.step,
            name=score_name(self.by),
            value=self.value,
            better=say("higher is better") if directions().get(self.by, 1) > 0 else say("lower is better"),
        )


def kept_generator(report: RunResults) -> Kept | None:
    """The generator that the run kept; None where its summary does not say."""
    found = report.summary.get("kept")
    if not found:
        return None
    several = len(report.summary.get("scores", {}).get("best", [])) > 1
    return Kept(found["step"], found["by"], found["value"], found["seed"] if several else None)


def refined(report: RunResults) -> bool:
    """Whether the rows of the run were refined."""
    return bool(report.summary.get("refine_seconds")) and "refine" not in report.summary.get("left_out", {})


def steps_sentence(report: RunResults) -> Sentence:
    """Whether more or fewer steps would help, by the score that chose the generator."""
    kept, history, by = kept_generator(report), report.history, "score"
    if kept is not None:
        history, by = kept.own(history), by if kept.value is None else kept.by
    steps, scores = series(history, f"holdout/{by}")
    if not len(steps):
        text = say(
            "The score was not tracked during training, so it is unknown whether more or fewer steps would help."
        )
        return Sentence("note", text)
    sign = directions().get(by, 1) or 1
    best = int((sign * scores).argmax())
    name = score_name(by)
    if best == len(scores) - 1 > 0:
        return Sentence("note", say("The {name} was best at the last step: more steps may still help.", name=name))
    top = {"name": name, "best": scores[best], "step": steps[best]}
    if sign * (scores[best] - scores[-1]) > FALL:
        text = say(
            "The {name} got worse after its best step: {best:.3f} at step {step:,.0f}, {end:.3f} at step {last:,.0f}. "
            "More steps would not help.",
            end=scores[-1],
            last=steps[-1],
            **top,
        )
        return Sentence("note", text)
    text = say("The {name} ended within {fall} of its best, {best:.3f} at step {step:,.0f}.", fall=FALL, **top)
    return Sentence("good", text)


def score_name(name: str) -> str:
    """What a score is called within a sentence; its own name where its plugin is not here."""
    try:
        return say(NAMES[name]) if name in NAMES else re.split("[,\N{FULLWIDTH COMMA}]", meaning(name).title)[0]
    except KeyError:
        return name
