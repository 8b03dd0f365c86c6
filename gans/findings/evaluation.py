"""What an evaluation says, in sentences: every one from a rule with a number in it."""

import math

from gans.data.personal.kinds import KINDS, label
from gans.evaluation.inputs import NUMBERS
from gans.evaluation.intervals import difference
from gans.evaluation.metrics import LOWER, NEAR, meaning
from gans.evaluation.real_values import FREE_TEXT
from gans.evaluation.results import Evaluation, score_rows
from gans.findings.realism import ranged, realism_sentences
from gans.findings.sentence import Sentence

SHAPE = 1.0
USEFUL, USELESS = 0.95, 0.8
RECOGNISED = 0.55
COPIED, MANY = 0.05, 3
RETURNED = (
    0.1  # share of rows with a real number beyond that of test rows; values between near knots meet some by chance
)
LEAKS = 0.05
LIMITS = Sentence(
    "note",
    "These attacks are simple ones: that they fail is no proof of privacy; only differential privacy gives one.",
)


def findings(evaluation: Evaluation) -> list[Sentence]:
    """What is good and what is not: realism first, then privacy, utility and fidelity, the others, the limits."""
    own = [*realism_sentences(evaluation), *privacy_sentences(evaluation)]
    return [*own, *_utility(evaluation), *_fidelity(evaluation), *_others(evaluation), LIMITS]


def privacy_fails(evaluation: Evaluation) -> bool:
    """Whether a sentence about privacy says that the table should not leave the house."""
    return any(sentence.tone == "bad" for sentence in privacy_sentences(evaluation))


def privacy_sentences(evaluation: Evaluation) -> list[Sentence]:
    """What copies, real values that come back and the attacks say."""
    scores, out = evaluation.scores, []
    if (copies := scores.get("exact_copies")) is None:
        out.append(Sentence("note", "Exact copies of training rows could not be looked for: see what was left out."))
    else:
        gap, low, _ = evaluation.details["exact copies beyond real rows"]
        text = f"{copies.value:.2%} of the rows equal a training row; of fresh real rows {copies.real or 0:.2%} would"
        if low > 0 and (gap >= COPIED or copies.value > MANY * (copies.real or 0)):
            out.append(Sentence("bad", f"NOT PRIVATE: {text}."))
        else:
            out.append(Sentence("note" if low > 0 else "good", f"{text}."))
    out += real_value_sentences(evaluation)
    near = scores.get("near_copies")
    if near and near.real is not None and (near.low or 0) > near.real:
        start = "NOT PRIVATE: " if near.value - near.real >= COPIED else ""
        text = f"{near.value:.1%} are near copies of training rows; of held-out rows {near.real:.1%} are"
        out.append(Sentence("bad" if start else "note", f"{start}{text}."))
    named = {"nearest": "how near the nearest synthetic row is", "density": "how dense synthetic rows are about it"}
    for kind, words in named.items():
        if (auc := scores.get(f"membership_{kind}_auc")) is None:
            continue
        tpr = scores[f"membership_{kind}_tpr"]
        text = f"by {words}, an attacker tells who was in the table with AUC {ranged(auc)}, "
        text += f"{tpr.value:.1%} of them at 1 % false alarms"
        if (auc.low or 0) > 0.5 and auc.value >= RECOGNISED:
            out.append(Sentence("bad", f"NOT PRIVATE: {text}."))
        elif (auc.low or 0) > 0.5 or (tpr.low or 0) > 0.02:
            out.append(Sentence("note", f"A little is told: {text}."))
        else:
            out.append(Sentence("good", f"No better than a guess: {text}."))
    for name, score in scores.items():
        if not name.startswith("attribute/"):
            continue
        secret, text = name.partition("/")[2], f"{score.value:+.1%} ({score.low:+.1%} to {score.high:+.1%})"
        if (score.low or 0) <= 0:
            out.append(Sentence("good", f"{secret} of training rows is guessed no better than of others: {text}."))
        else:
            tone, start = ("bad", "NOT PRIVATE: ") if score.value >= LEAKS else ("note", "")
            out.append(Sentence(tone, f"{start}{secret} of training rows is guessed better than of others: {text}."))
    for name, words in (("singling_out", "single out"), ("linkability", "link the columns of")):
        if (score := scores.get(name)) is not None:
            tone = "good" if (score.low or 0) <= 0 else "bad" if score.value >= LEAKS else "note"
            start = "NOT PRIVATE: " if tone == "bad" else ""
            out.append(
                Sentence(tone, f"{start}The risk to {words} a person, beyond that to others, is {ranged(score)}.")
            )
    if (dcr := scores.get("dcr_share")) is not None:
        usual = 0.5 if dcr.real is None else dcr.real
        tone = "bad" if (dcr.low or 0) > usual + LEAKS else "note"
        text = f"{dcr.value:.1%} of the rows lie nearer to training than to held-out rows, where {usual:.1%} is ideal"
        out.append(Sentence(tone, f"{text}: a proxy, not a proof of privacy."))
    return out


def columns_returned(evaluation: Evaluation) -> dict[str, str]:
    """By column in words how many rows hold a real value that belongs to few people; columns without any are left out.

    Numbers count where far more rows hold one than test rows do, and names of people where more do.
    """
    out = {}
    for name, one in evaluation.details.get("real values", {}).items():
        count, rows, kind = one["count"], one["rows"], one["kind"]
        usual = 0 if not one["test rows"] else one["test count"] / one["test rows"]
        if kind in NUMBERS:
            low, _ = difference((count, one["test count"]), (rows, one["test rows"]))
            returned = low > 0 and count / rows - usual >= RETURNED
        else:
            returned = count > 0 and not (kind == "name" and 0 < count / rows <= usual)
        if returned:
            what = "free text of the real table word for word" if kind == FREE_TEXT else "real values"
            if kind in KINDS:
                what += f" ({label(kind)})"
            out[name] = f"column {name} returns {what} in {count:,} of {rows:,} rows"
    return out


def real_value_sentences(evaluation: Evaluation) -> list[Sentence]:
    """Of real values that come back."""
    if "real_values" not in evaluation.scores or not evaluation.details.get("real values"):
        return []
    if returned := columns_returned(evaluation):
        return [Sentence("bad", f"NOT PRIVATE: {text}.") for text in returned.values()]
    names = ", ".join(evaluation.details["real values"])
    text = f"Of columns whose values belong to few people, real ones do not come back more than by chance: {names}."
    return [Sentence("good", text)]


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
