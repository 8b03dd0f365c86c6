"""The generator that a run kept, and how training went on around it."""

from dataclasses import dataclass

from gans.config.trainer import directions
from gans.evaluation.metrics import meaning
from gans.findings.sentence import Sentence
from gans.runs.finish import RunResults
from gans.tracking.jsonl import History, series

FALL = 0.01  # of a score, up to which its end is as good as its best
NAMES = {"score": "score", "detection": "detection score"}
REFINED = (
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
        return "the last one" if self.value is None else f"best {score_name(self.by)}, {self.value:.3f}"

    def words(self) -> str:
        """Which generator it is, and which score chose it."""
        of_seed = "" if self.seed is None else f" of seed {self.seed}"
        if self.value is None:
            return f"Kept: the generator{of_seed} at step {self.step:,}, the last one, which no score chose."
        way = "higher" if directions().get(self.by, 1) > 0 else "lower"
        return (
            f"Kept: the generator{of_seed} at step {self.step:,}, for its {score_name(self.by)} of {self.value:.3f} on "
            f"held-out rows, the best of the run ({way} is better). These rows chose it, so scores against them are "
            "slightly optimistic."
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
        text = "The score was not followed during training: whether more or fewer steps would help is not known."
        return Sentence("note", text)
    sign = directions().get(by, 1) or 1
    best = int((sign * scores).argmax())
    if best == len(scores) - 1 > 0:
        return Sentence("note", f"The {score_name(by)} was best at the last step: more steps may still help.")
    if sign * (scores[best] - scores[-1]) > FALL:
        text = (
            f"The {score_name(by)} got worse after its best step: {scores[best]:.3f} at step {steps[best]:,.0f}, "
            f"{scores[-1]:.3f} at step {steps[-1]:,.0f}. More steps would not help."
        )
        return Sentence("note", text)
    text = f"The {score_name(by)} ended within {FALL} of its best, {scores[best]:.3f} at step {steps[best]:,.0f}."
    return Sentence("good", text)


def score_name(name: str) -> str:
    """What a score is called within a sentence; its own name where its plugin is not here."""
    try:
        return NAMES.get(name) or meaning(name).title.split(",")[0]
    except KeyError:
        return name
