"""What the attacks of an evaluation say, in the words of data protection: singling out, linkability, inference.

The three criteria are those of the Article 29 Working Party (opinion 05/2014 on anonymisation techniques); whether
somebody was in the table at all, membership, stands before them.
"""

from typing import Any

from gans.data.personal.kinds import KINDS, label
from gans.evaluation.inputs import NUMBERS
from gans.evaluation.intervals import difference
from gans.evaluation.membership import ATTACKS, COPIES, INDEPENDENT, SYNTHETIC
from gans.evaluation.membership_strength import FALSE_ALARMS, Strength
from gans.evaluation.real_values import FREE_TEXT
from gans.evaluation.results import Evaluation, Score
from gans.findings.sentence import Sentence, ranged

RECOGNISED = 0.55  # area under the curve of a membership attack
FOUND = 0.05  # share of members found at 1 % false alarms: five times a guess
COPIED, MANY = 0.05, 3
RETURNED = (
    0.1  # share of rows with a real number beyond that of test rows; values between near knots meet some by chance
)
LEAKS = 0.05
LITTLE = "A little is told"
FAILS, LITTLE_TOLD, PASSES, TOO_FEW, BLIND = "fails", "a little is told", "passes", "too few rows", "blind attacks"
LIMITS = Sentence(
    "note",
    "No attack here sees the generator (white box), trains shadow models, knows other tables of the same people, or "
    "has several draws of one generator. That those here fail is no proof; only differential privacy gives one.",
)

Panel = dict[str, dict[str, dict[str, Any]]]


def privacy_fails(evaluation: Evaluation) -> bool:
    """Whether a sentence about privacy says that the table should not be shared."""
    return any(sentence.tone == "bad" for sentence in privacy_sentences(evaluation))


def privacy_state(evaluation: Evaluation) -> str:
    """Whether the table may be shared: FAILS where real values come back or an attack succeeds, else PASSES.

    It goes by the worst attack. LITTLE_TOLD where one tells a little; TOO_FEW where there are no rows for attacks,
    BLIND where these would not notice a table that copies.
    """
    sentences = privacy_sentences(evaluation)
    if columns_returned(evaluation) or any(one.tone == "bad" for one in sentences):
        return FAILS
    if "membership" not in evaluation.details:
        return TOO_FEW
    if any(one.text.startswith(LITTLE) for one in sentences):
        return LITTLE_TOLD
    return PASSES if _successful(evaluation.details["membership"][COPIES]) else BLIND


def privacy_reason(evaluation: Evaluation) -> str:
    """What is behind the state, in a sentence; the first reason where it fails."""
    state = privacy_state(evaluation)
    if state == FAILS:
        if returned := columns_returned(evaluation):
            return f"{'; '.join(returned.values())}."
        wrong = next(one.text for one in privacy_sentences(evaluation) if one.tone == "bad")
        return wrong.removeprefix("NOT PRIVATE: ")
    return {
        TOO_FEW: "there are too few held-out rows for the attacks.",
        LITTLE_TOLD: "an attack tells a little.",
        BLIND: "with so few held-out rows, or rows so alike, the attacks would not notice copies.",
        PASSES: "none of them does better than a guess. They are no proof.",
    }[state]


def privacy_verdict(evaluation: Evaluation) -> Sentence:
    """The state in words, and what is behind it."""
    state, reason = privacy_state(evaluation), privacy_reason(evaluation)
    tone, text = {
        FAILS: ("bad", f"No: {reason}"),
        TOO_FEW: ("note", f"It cannot be said: {reason}"),
        LITTLE_TOLD: ("note", f"Only to people who may see a little of the real one: {reason}"),
        BLIND: ("note", f"It cannot be said: {reason}"),
        PASSES: ("good", f"Yes, as far as these attacks go: {reason}"),
    }[state]
    return Sentence(tone, text)


def worst_attack(evaluation: Evaluation) -> str:
    """How the worst attack on membership does, in a sentence; empty where the attacks were left out."""
    worst = evaluation.scores.get("membership_worst_auc")
    return (
        ""
        if worst is None
        else f"The worst of {len(ATTACKS)} membership attacks has AUC {ranged(worst)}; 0.5 is a guess."
    )


def privacy_sentences(evaluation: Evaluation) -> list[Sentence]:
    """What copies, real values that come back, and the attacks say."""
    return [
        *_copies(evaluation),
        *real_value_sentences(evaluation),
        *_membership(evaluation),
        *_criteria(evaluation),
        *_nearness(evaluation),
        *_retrained(evaluation),
    ]


def _copies(evaluation: Evaluation) -> list[Sentence]:
    if (copies := evaluation.scores.get("exact_copies")) is None:
        return [Sentence("note", "Exact copies of training rows could not be looked for: see what was left out.")]
    gap, low, _ = evaluation.details["exact copies beyond real rows"]
    text = f"{copies.value:.2%} of the rows equal a training row; of fresh real rows {copies.real or 0:.2%} would"
    if low > 0 and (gap >= COPIED or copies.value > MANY * (copies.real or 0)):
        return [Sentence("bad", f"NOT PRIVATE: {text}.")]
    return [Sentence("note" if low > 0 else "good", f"{text}.")]


def strengths(panel: Panel, group: str = "all") -> dict[str, Strength]:
    """By attack its strength on a group of rows, as the details of an evaluation have it."""
    return {name: Strength(**groups[group]) for name, groups in panel.items() if group in groups}


def _successful(panel: Panel) -> list[str]:
    """The attacks that do better than a guess on all rows, beyond chance, corrected for their number."""
    return [name for name, one in strengths(panel, "all").items() if one.succeeds]


def _membership(evaluation: Evaluation) -> list[Sentence]:
    """Of all rows, of the isolated ones, and of the two tables for which the answer is known."""
    if (panels := evaluation.details.get("membership")) is None:
        return []
    out = [_worst(panels[SYNTHETIC], "all", "who was in the table")]
    if strengths(panels[SYNTHETIC], "isolated"):
        rows = evaluation.details["membership rows"]["isolated"]
        out.append(_worst(panels[SYNTHETIC], "isolated", f"which of the {rows} most isolated people were in the table"))
    noticed = _successful(panels[COPIES])
    if noticed:
        names = ", ".join(ATTACKS[name] for name in noticed)
        text = f"{len(noticed)} of {len(ATTACKS)} attacks notice a table that copies 5 % of its rows ({names})"
    else:
        text = "None of the attacks notices a table that copies 5 % of its rows: that they fail says little here"
    out.append(Sentence("note", f"Positive control: {text}."))
    areas = {name: one.auc_corrected for name, one in strengths(panels[INDEPENDENT], "all").items()}
    if biased := [ATTACKS[name] for name, (low, high) in areas.items() if not low <= 0.5 <= high]:
        text = f"also of a table of independent columns something is told, by {', '.join(biased)}: training and test "
        out.append(Sentence("note", f"Negative control: {text}rows differ, or single values give people away."))
    else:
        text = "of a table of independent columns none of the attacks tells more than chance"
        out.append(Sentence("note", f"Negative control: {text}."))
    return out


def _worst(panel: Panel, group: str, asked: str) -> Sentence:
    """What the worst attack on a group of rows tells; an attack on all rows may also succeed at few false alarms."""
    every = strengths(panel, group)
    areas = {name: one.auc_corrected[0] for name, one in every.items()}
    name = max(areas, key=lambda one: areas[one])
    told, much = areas[name] > 0.5, every[name].auc[0] >= RECOGNISED
    if group == "all":
        shares = {name: one.tpr_corrected[0] for name, one in every.items()}
        best = max(shares, key=lambda one: shares[one])
        if shares[best] > FALSE_ALARMS[0]:
            found = every[best].tpr[0] >= FOUND
            if not (told and much):
                name = best
            told, much = True, (much and told) or found
    worst = every[name]
    share = (worst.tpr if group == "all" else worst.tpr10)[0]
    alarms = "1 %" if group == "all" else "10 %"
    text = f"the worst of {len(every)} attacks, {ATTACKS[name]}, tells {asked} with AUC "
    text += f"{ranged(Score(worst.auc[0], *worst.auc_corrected))}, {share:.1%} of them at {alarms} false alarms"
    if told:
        return Sentence("bad", f"NOT PRIVATE: {text}.") if much else Sentence("note", f"{LITTLE}: {text}.")
    return Sentence("good", f"No better than a guess, corrected for the number of tests: {text}.")


def _criteria(evaluation: Evaluation) -> list[Sentence]:
    """Singling out, linkability, and the inference of secrets: the risk beyond that to people outside the table."""
    named = {
        "singling_out": ("Singling out (anonymeter)", "people of the table are singled out"),
        "predicate_singling_out": ("Singling out", "people of the table are singled out"),
        "linkability": ("Linkability (anonymeter)", "two halves of people of the table are linked"),
        "halves_linkability": ("Linkability", "two halves of people of the table are linked"),
    }
    out = [_risk(*words, evaluation.scores[name]) for name, words in named.items() if name in evaluation.scores]
    secrets = {name.partition("/")[2]: one for name, one in evaluation.scores.items() if name.startswith("attribute/")}
    out += [
        _risk("Inference", f"{secret} of people of the table is guessed", score) for secret, score in secrets.items()
    ]
    if out and not secrets:
        out.append(
            Sentence("note", "Inference: not tried; secrets=[COLUMN] names what an attacker would like to know.")
        )
    return out


def _risk(criterion: str, text: str, score: Score) -> Sentence:
    shown = f"{score.value:+.1%} ({score.low:+.1%} to {score.high:+.1%})"
    if (score.low or 0) <= 0:
        return Sentence("good", f"{criterion}: {text} no more often than others: {shown}.")
    tone, start = ("bad", "NOT PRIVATE: ") if score.value >= LEAKS else ("note", "")
    return Sentence(tone, f"{start}{criterion}: {text} more often than others: {shown}.")


def _nearness(evaluation: Evaluation) -> list[Sentence]:
    """Checks for copies: rows that are nearly training rows."""
    scores, out = evaluation.scores, []
    near = scores.get("near_copies")
    if near and near.real is not None and (near.low or 0) > near.real:
        start = "NOT PRIVATE: " if near.value - near.real >= COPIED else ""
        text = f"{near.value:.1%} are near copies of training rows; of held-out rows {near.real:.1%} are"
        out.append(Sentence("bad" if start else "note", f"{start}{text}."))
    if (dcr := scores.get("dcr_share")) is not None:
        usual = 0.5 if dcr.real is None else dcr.real
        tone = "bad" if (dcr.low or 0) > usual + LEAKS else "note"
        text = f"{dcr.value:.1%} of the rows lie nearer to training than to held-out rows, where {usual:.1%} is ideal"
        out.append(Sentence(tone, f"{text}: a check for copies, which says nothing about privacy."))
    return out


def _retrained(evaluation: Evaluation) -> list[Sentence]:
    """What the attacks tell of the generator that was trained again on half of the rows."""
    if (panels := evaluation.details.get("membership after retraining")) is None:
        return []
    one = _worst(panels[SYNTHETIC], "all", "which half of the rows it was")
    text = one.text.removeprefix("NOT PRIVATE: ")
    return [Sentence("note", f"Trained again on half of the training rows: {text[0].lower()}{text[1:]}")]


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
