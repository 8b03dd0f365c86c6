"""What an evaluation says, in sentences: every one from a rule with a number in it."""

import math

from gans.evaluation.metrics import LOWER, NEAR, meaning
from gans.evaluation.results import Evaluation, score_rows
from gans.findings.privacy import LIMITS, privacy_sentences
from gans.findings.realism import realism_sentences
from gans.findings.sentence import Sentence, ranged

SHAPE = 1.0
USEFUL, USELESS = 0.95, 0.8


def findings(evaluation: Evaluation) -> list[Sentence]:
    """What is good and what is not: realism first, then privacy, utility and fidelity, the others, the limits."""
    own = [*realism_sentences(evaluation), *privacy_sentences(evaluation)]
    return [*own, *_utility(evaluation), *_fidelity(evaluation), *_others(evaluation), LIMITS]


def _utility(evaluation: Evaluation) -> list[Sentence]:
    scores, out = evaluation.scores, []
    made, real = scores.get("tstr"), scores.get("trtr")
    if made is None or real is None or not math.isfinite(made.value) or not math.isfinite(real.value):
        return []
    measure = evaluation.details.get("utility measure", "AUC")
    chance = 0.5 if measure == "AUC" else 0.0
    if (real.low or 0) <= chance:
        text = f"{evaluation.target} cannot be predicted, not from real rows either ({measure} {ranged(real)})"
        return [Sentence("note", f"Of use nothing can be said: {text}.")]
    kept = (made.value - chance) / (real.value - chance)
    tone = "good" if kept >= USEFUL else "bad" if kept < USELESS else "note"
    start = {"good": "Useful", "note": "Partly useful", "bad": "NOT USEFUL"}[tone]
    out.append(
        Sentence(
            tone,
            f"{start}: a model of {evaluation.target} has {measure} {ranged(made)} on real rows when trained on "
            f"synthetic ones, {ranged(real)} when trained on real ones.",
        )
    )
    for name, words in (("augmentation_gain", "Synthetic rows beside real ones"), ("smote_gain", "Rows of SMOTE")):
        if (gain := scores.get(name)) is not None and gain.low is not None and gain.high is not None:
            verdict = "add nothing" if gain.low <= 0 <= gain.high else "help" if gain.low > 0 else "harm"
            out.append(
                Sentence(
                    "note", f"{words} {verdict}: {measure} {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})."
                )
            )
    return out


def _fidelity(evaluation: Evaluation) -> list[Sentence]:
    out = [
        Sentence("bad", f"{name} is constant in the real table, and in the synthetic one it is not.")
        for name in evaluation.details.get("constant columns that vary", [])
    ]
    if (score := evaluation.scores.get("shape_error")) is None:
        return out
    if score.real is None:
        return [*out, Sentence("note", f"Columns are off by {score.value:.2f} % on average, as published.")]
    tone = "good" if score.value <= 1.5 * score.real + SHAPE else "bad" if score.value > 10 else "note"
    trend = evaluation.scores["trend_error"]
    text = f"Columns are off by {score.value:.2f} % (held-out rows {score.real:.2f} %), pairs by {trend.value:.2f} % "
    return [*out, Sentence(tone, f"{text}(held-out rows {trend.real:.2f} %), as published.")]


def _others(evaluation: Evaluation) -> list[Sentence]:
    """A sentence for each score that has no rule of its own here, as those of plugins."""
    out = []
    for name, score in score_rows(evaluation):
        what = meaning(name)
        if not what.sentence:
            continue
        beside = "" if score.real is None else f", held-out rows have {score.real:.4g}"
        near = "near what real rows have" if what.ideal is None else f"near {what.ideal:g}"
        way = {NEAR: near, LOWER: "less"}.get(what.better, "more")
        out.append(Sentence("note", f"{what.title}: {score.value:.4g}{beside}; {way} is better."))
    return out
