"""What an evaluation says, in sentences: every one from a rule with a number in it."""

import math

from gans.evaluation.metrics import LOWER, NEAR, meaning
from gans.evaluation.results import Evaluation, score_rows
from gans.findings.customer_histories import history_sentences
from gans.findings.privacy import limits, privacy_sentences
from gans.findings.realism import realism_sentences
from gans.findings.sentence import Sentence, ranged
from gans.words import mark, say

SHAPE = 1.0
USEFUL, USELESS = 0.95, 0.8


def findings(evaluation: Evaluation) -> list[Sentence]:
    """What is good and what is not: realism and histories, then privacy, utility and fidelity, others, the limits."""
    own = [*realism_sentences(evaluation), *history_sentences(evaluation), *privacy_sentences(evaluation)]
    return [*own, *_utility(evaluation), *fidelity_sentences(evaluation), *_others(evaluation), limits()]


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
    start = {"good": mark("Useful"), "note": mark("Partly useful"), "bad": mark("NOT USEFUL")}[tone]
    text = say(
        "{start}: a model of {target} has {measure} {made} on real rows when trained on synthetic ones, {real} when "
        "trained on real ones.",
        start=say(start),
        target=evaluation.target,
        measure=say(measure),
        made=ranged(made),
        real=ranged(real),
    )
    return Sentence(tone, text)


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
        text = say(
            "Usefulness cannot be judged: {target} cannot be predicted from real rows either ({measure} {real}).",
            target=evaluation.target,
            measure=say(measure),
            real=ranged(real),
        )
        return [Sentence("note", text)]
    out = [first]
    for name, words in (
        ("augmentation_gain", mark("Adding synthetic rows to real ones {verdict}: {measure} {gain}.")),
        ("smote_gain", mark("Adding SMOTE rows {verdict}: {measure} {gain}.")),
    ):
        if (gain := scores.get(name)) is not None and gain.low is not None and gain.high is not None:
            by = say("{value:+z.4f} ({low:+z.4f} to {high:+z.4f})", value=gain.value, low=gain.low, high=gain.high)
            verdict = (
                say("changes nothing")
                if gain.low <= 0 <= gain.high
                else say("helps")
                if gain.low > 0
                else say("does harm")
            )
            out.append(Sentence("note", say(words, verdict=verdict, measure=say(measure), gain=by)))
    return out


def fidelity_sentences(evaluation: Evaluation) -> list[Sentence]:
    """How far columns and pairs of them are off, and constants that vary."""
    out = [
        Sentence("bad", say("{name} is constant in the real table but varies in the synthetic one.", name=name))
        for name in evaluation.details.get("constant columns that vary", [])
    ]
    if (score := evaluation.scores.get("shape_error")) is None:
        return out
    if score.real is None:
        text = say("Columns are off by {value:.2f}% on average, measured as published.", value=score.value)
        return [*out, Sentence("note", text)]
    tone = "good" if score.value <= 1.5 * score.real + SHAPE else "bad" if score.value > 10 else "note"
    trend = evaluation.scores["trend_error"]
    text = say(
        "Columns are off by {shape:.2f}% (held-out rows {real_shape:.2f}%), pairs by {trend:.2f}% (held-out rows "
        "{real_trend:.2f}%), measured as published.",
        shape=score.value,
        real_shape=score.real,
        trend=trend.value,
        real_trend=trend.real,
    )
    return [*out, Sentence(tone, text)]


def _others(evaluation: Evaluation) -> list[Sentence]:
    """A sentence for each score that has no rule of its own here, as those of plugins."""
    out = []
    for name, score in score_rows(evaluation):
        what = meaning(name)
        if not what.sentence:
            continue
        if what.better == NEAR and what.ideal is not None:
            better = say("near {ideal:g} is better", ideal=what.ideal)
        elif what.better == NEAR:
            better = say("close to the real-data baseline is better")
        else:
            better = say("lower is better") if what.better == LOWER else say("higher is better")
        beside = "" if score.real is None else say(", held-out rows have {real:.4g}", real=score.real)
        text = say(
            "{title}: {value:.4g}{beside}; {better}.", title=what.title, value=score.value, beside=beside, better=better
        )
        out.append(Sentence("note", text))
    return out
