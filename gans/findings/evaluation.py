"""What an evaluation says, in sentences: every one from a rule with a number in it."""

import math

from gans.evaluation.metrics import LOWER, NEAR, meaning
from gans.evaluation.results import Evaluation, score_rows
from gans.findings.customer_histories import history_sentences
from gans.findings.privacy import LIMITS, privacy_sentences
from gans.findings.realism import realism_sentences
from gans.findings.sentence import Sentence, ranged

SHAPE = 1.0
USEFUL, USELESS = 0.95, 0.8


def findings(evaluation: Evaluation) -> list[Sentence]:
    """What is good and what is not: realism and histories, then privacy, utility and fidelity, others, the limits."""
    own = [*realism_sentences(evaluation), *history_sentences(evaluation), *privacy_sentences(evaluation)]
    return [*own, *_utility(evaluation), *fidelity_sentences(evaluation), *_others(evaluation), LIMITS]


def utility_sentence(evaluation: Evaluation) -> Sentence | None:
    """Whether models can be trained on the rows; None where that was not measured, or the target has no pattern."""
    made, real = evaluation.scores.get("tstr"), evaluation.scores.get("trtr")
    if made is None or real is None or not math.isfinite(made.value) or not math.isfinite(real.value):
        return None
    measure, chance = _measure(evaluation)
    if (real.low or 0) <= chance:
        return None
    kept = (made.value - chance) / (real.value - chance)
    tone = "good" if kept >= USEFUL else "bad" if kept < USELESS else "note"
    start = {"good": "Useful", "note": "Partly useful", "bad": "NOT USEFUL"}[tone]
    return Sentence(
        tone,
        f"{start}: a model of {evaluation.target} has {measure} {ranged(made)} on real rows when trained on "
        f"synthetic ones, {ranged(real)} when trained on real ones.",
    )


def _measure(evaluation: Evaluation) -> tuple[str, float]:
    """By what models are judged, and what a guess has of it."""
    measure = evaluation.details.get("utility measure", "AUC")
    return measure, 0.5 if measure == "AUC" else 0.0


def _utility(evaluation: Evaluation) -> list[Sentence]:
    scores, measure = evaluation.scores, _measure(evaluation)[0]
    made, real = scores.get("tstr"), scores.get("trtr")
    if made is None or real is None or not math.isfinite(made.value) or not math.isfinite(real.value):
        return []
    first = utility_sentence(evaluation)
    if first is None:
        return [
            Sentence(
                "note",
                f"Usefulness cannot be judged: {evaluation.target} cannot be predicted from real rows either "
                f"({measure} {ranged(real)}).",
            )
        ]
    out = [first]
    for name, words in (
        ("augmentation_gain", "Adding synthetic rows to real ones"),
        ("smote_gain", "Adding SMOTE rows"),
    ):
        if (gain := scores.get(name)) is not None and gain.low is not None and gain.high is not None:
            verdict = "changes nothing" if gain.low <= 0 <= gain.high else "helps" if gain.low > 0 else "harms"
            out.append(
                Sentence(
                    "note", f"{words} {verdict}: {measure} {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})."
                )
            )
    return out


def fidelity_sentences(evaluation: Evaluation) -> list[Sentence]:
    """How far columns and pairs of them are off, and constants that vary."""
    out = [
        Sentence("bad", f"{name} is constant in the real table but varies in the synthetic one.")
        for name in evaluation.details.get("constant columns that vary", [])
    ]
    if (score := evaluation.scores.get("shape_error")) is None:
        return out
    if score.real is None:
        return [*out, Sentence("note", f"Columns are off by {score.value:.2f} % on average, measured as published.")]
    tone = "good" if score.value <= 1.5 * score.real + SHAPE else "bad" if score.value > 10 else "note"
    trend = evaluation.scores["trend_error"]
    return [
        *out,
        Sentence(
            tone,
            f"Columns are off by {score.value:.2f} % (held-out rows {score.real:.2f} %), pairs by {trend.value:.2f} % "
            f"(held-out rows {trend.real:.2f} %), measured as published.",
        ),
    ]


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
