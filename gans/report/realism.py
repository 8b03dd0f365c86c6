"""The picture that an evaluation leads with: where a table stands between independent columns and training rows."""

from typing import TYPE_CHECKING, Any

from gans.evaluation.results import Evaluation
from gans.findings.realism import is_lost
from gans.findings.sentence import ranged
from gans.report.dark import PAPER
from gans.report.figures import INK, REAL, SYNTHETIC, TEXT, WIDTH, canvas, name_axes
from gans.words import mark, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = mark("How realistic: compared with unseen rows")
PARTS = {
    "unseen_joint": (
        mark("lost to relations between columns {value:.3f}"),
        mark("nothing lost to relations between columns"),
        "#8a6bb0",
    ),
    "unseen_columns": (
        mark("lost to single columns {value:.3f}"),
        mark("nothing lost to single columns"),
        "#c9a227",
    ),
}
MEMORY = "#b3402f"
UNSEEN, TRAINING = 1.0, 0.0  # places of the two bars


def realism_figure(evaluation: Evaluation) -> "Figure | None":
    """The score on a scale between its anchors, what takes away from it, and the overfit; None without test rows.

    The upper bar is the score against test rows, and what single columns and their joint take away up to 1. The lower
    one is the score against training rows: what it has more is the overfit, with its interval as far as scores reach.
    """
    scores, details = evaluation.scores, evaluation.details.get("unseen rows")
    if "unseen_score" not in scores or details is None:
        return None
    score, overfit = scores["unseen_score"], scores["unseen_overfit"]
    figure, axes = canvas(WIDTH, 3.4)
    axes.barh(UNSEEN, score.value, 0.5, color=SYNTHETIC, label=say("score {score}", score=ranged(score)))
    border = max(score.value, 1 - scores["unseen_columns"].value)  # where a joint that hides columns gives back
    ends = {"unseen_joint": (score.value, border), "unseen_columns": (border, 1.0)}
    for name, (title, nothing, color) in PARTS.items():
        start, end = ends[name]
        value = scores[name].value
        text = say(title, value=value) if is_lost(value) else say(nothing)
        axes.barh(UNSEEN, end - start, 0.5, left=start, color=color, label=text)
    axes.barh(TRAINING, score.value, 0.3, color=SYNTHETIC, alpha=0.35)
    ends = {"low": overfit.low, "high": overfit.high}
    text = say("overfit {value:+z.3f} ({low:+z.3f} to {high:+z.3f})", value=overfit.value, **ends)
    axes.barh(TRAINING, overfit.value, 0.3, left=score.value, color=MEMORY, label=text)
    most = max(1.0, score.value + overfit.value)  # above 1 for copies alone, and then as far as they reach
    whiskers = [min(max(score.value + (end or 0.0), 0.0), most) for end in (overfit.low, overfit.high)]
    axes.plot(whiskers, [TRAINING, TRAINING], color=INK, linewidth=1.6, marker="|", markersize=9)
    for name, height in ((mark("independent columns"), 1.98), (mark("training rows"), 1.7)):
        _anchor(axes, f"{say(name)} {details[name]:.2f}", details[name], height)
    axes.set_yticks([UNSEEN, TRAINING], [say("against\nunseen\nrows"), say("against\ntraining\nrows")])
    axes.set_ylim(-0.45, 2.0)
    axes.set_xlim(0, most + 0.01)
    axes.grid(axis="y", visible=False)
    name_axes(axes, say("score: 0 = always told apart, 1 = never"))
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.2, -0.28), "borderaxespad": 0, "ncols": 1}
    axes.legend(**place, frameon=False, fontsize=TEXT, labelcolor=INK)
    return figure


def _anchor(axes: "Axes", text: str, value: float, height: float) -> None:
    """A mark with its text, below or above that of the other mark, since the two may be near each other.

    The text is on the side where there is more room.
    """
    side = "right" if value > 0.5 else "left"
    axes.axvline(value, color=REAL, linestyle=":", linewidth=1.4)
    axes.text(value, height, f" {text} ", ha=side, va="top", fontsize=TEXT, color=REAL, backgroundcolor=PAPER)
