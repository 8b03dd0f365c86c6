"""What the attacks of an evaluation say, in the words of data protection: singling out, linkability, inference.

The three criteria are those of the Article 29 Working Party (opinion 05/2014 on anonymisation techniques); whether
somebody was in the table at all, membership, stands before them.
"""

from typing import Any

from gans.data.personal.kinds import KINDS, label
from gans.evaluation.inputs import NUMBERS
from gans.evaluation.intervals import difference
from gans.evaluation.membership import ATTACKS, COPIES, FEW_ISOLATED, INDEPENDENT, SYNTHETIC
from gans.evaluation.membership_strength import FALSE_ALARMS, Strength
from gans.evaluation.metrics import LEVELS
from gans.evaluation.real_values import FREE_TEXT
from gans.evaluation.results import Evaluation, Score
from gans.findings.sentence import Sentence, listed, ranged
from gans.words import mark, say

RECOGNISED = 0.55  # area under the curve of a membership attack
FOUND = 0.05  # share of members found at 1% false alarms: five times a guess
COPIED, MANY = 0.05, 3
RETURNED = (
    0.1  # share of rows with a real number beyond that of test rows; values between near knots meet some by chance
)
LEAKS = 0.05
NOT_PRIVATE = mark("NOT PRIVATE: ")
LITTLE = mark("A little is revealed: ")
FAILS, LITTLE_TOLD, PASSES, TOO_FEW, BLIND = "fails", "a little is revealed", "passes", "too few rows", "blind attacks"
UNTESTED = "not tested"
UNDECIDED = TOO_FEW, BLIND
LIMITS = mark(
    "No attack here sees the generator (white box), trains shadow models, knows other tables of the same people, or "
    "has several draws of one generator. Failed attacks are no proof; only differential privacy gives one."
)

Panel = dict[str, dict[str, dict[str, Any]]]


def limits() -> Sentence:
    """What the attacks cannot tell."""
    return Sentence("note", say(LIMITS))


def privacy_fails(evaluation: Evaluation) -> bool:
    """Whether a sentence about privacy says that the table should not be shared."""
    return any(sentence.tone == "bad" for sentence in privacy_sentences(evaluation))


def privacy_state(evaluation: Evaluation) -> str:
    """Whether the table may be shared: FAILS where real values come back or an attack succeeds, else PASSES.

    It goes by the worst attack. LITTLE_TOLD where one tells a little; UNTESTED where the level leaves out attacks,
    TOO_FEW where there are no rows for them, BLIND where they would not notice a table that copies.
    """
    sentences = privacy_sentences(evaluation)
    if columns_returned(evaluation) or any(one.tone == "bad" for one in sentences):
        return FAILS
    if "membership" not in evaluation.details:
        return UNTESTED if evaluation.level == LEVELS[0] else TOO_FEW
    if any(one.text.startswith(say(LITTLE)) for one in sentences):
        return LITTLE_TOLD
    return PASSES if _successful(evaluation.details["membership"][COPIES]) else BLIND


def privacy_reason(evaluation: Evaluation) -> str:
    """What is behind the state, in a sentence; the first reason where it fails."""
    state = privacy_state(evaluation)
    if state == FAILS:
        if returned := columns_returned(evaluation):
            return say("{text}.", text=say("; ").join(returned.values()))
        wrong = next(one.text for one in privacy_sentences(evaluation) if one.tone == "bad")
        return wrong.removeprefix(say(NOT_PRIVATE))
    text = {
        UNTESTED: mark("metrics=fast leaves out the attacks."),
        TOO_FEW: mark("there are too few held-out rows for the attacks."),
        LITTLE_TOLD: mark("an attack learns a little."),
        BLIND: mark("with so few held-out rows, or such similar rows, the attacks would not notice copies."),
        PASSES: mark("none of them does better than guessing. This is no proof."),
    }[state]
    return say(text)


def privacy_verdict(evaluation: Evaluation) -> Sentence:
    """The state in words, and what is behind it."""
    state, reason = privacy_state(evaluation), privacy_reason(evaluation)
    tone, text = {
        FAILS: ("bad", mark("No: {reason}")),
        UNTESTED: ("note", mark("Not tested: {reason}")),
        TOO_FEW: ("note", mark("Cannot be decided: {reason}")),
        LITTLE_TOLD: ("note", mark("Only with people who may see a little of the real table: {reason}")),
        BLIND: ("note", mark("Cannot be decided: {reason}")),
        PASSES: ("good", mark("Yes, as far as these attacks go: {reason}")),
    }[state]
    return Sentence(tone, say(text, reason=reason))


def is_told(sentence: Sentence, verdict: Sentence) -> bool:
    """Whether the verdict says what a sentence about privacy says."""
    return sentence.text.removeprefix(say(NOT_PRIVATE))[:-1] in verdict.text  # one of several there ends otherwise


def worst_attack(evaluation: Evaluation) -> str:
    """How the worst attack on membership does, in a sentence; empty where the attacks were left out."""
    worst = evaluation.scores.get("membership_worst_auc")
    if worst is None:
        return ""
    return say(
        "The worst of {attacks} membership attacks has AUC {auc}; 0.5 is a guess.",
        attacks=len(ATTACKS),
        auc=ranged(worst),
    )


def what_helps() -> str:
    """What to do about a table that should not be shared."""
    return say(
        "What may help, with another evaluation after it: leave out columns (data.drop=[COLUMN]), merge rare levels "
        "(data.merge_rare=true), refine=none, fewer trainer.steps. More held-out rows (data.holdout=0.3 or test=FILE) "
        "make the verdict more certain. A guarantee: gans domain, then +experiment=dp_marginals; see docs/privacy.md."
    )


def what_decides(evaluation: Evaluation) -> str:
    """What to do where the attacks cannot decide."""
    return say(
        "What decides it: more real rows that no model was trained on (here {rows:,}), as test=FILE or by training "
        "again with a larger data.holdout, such as 0.3. A guarantee needs no attacks: gans domain, then "
        "+experiment=dp_marginals; see docs/privacy.md.",
        rows=evaluation.rows.get("test", 0),
    )


def with_unseen(command: str, evaluation: Evaluation) -> str:
    """A command with further test rows, a file or, of customers with their events, a folder; "" where there is none."""
    return f"{command} test={'unseen' if 'histories' in evaluation.details else 'unseen.csv'}" if command else ""


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
        return [Sentence("note", say("Exact copies of training rows could not be looked for: see what was left out."))]
    gap, low, _ = evaluation.details["exact copies beyond real rows"]
    text = say(
        "{made:.2%} of the rows equal a training row; of fresh real rows {real:.2%} would.",
        made=copies.value,
        real=copies.real or 0,
    )
    if low > 0 and (gap >= COPIED or copies.value > MANY * (copies.real or 0)):
        return [Sentence("bad", say(NOT_PRIVATE) + text)]
    return [Sentence("note" if low > 0 else "good", text)]


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
    out = [_worst(panels[SYNTHETIC], "all", say("who was in the table"))]
    if strengths(panels[SYNTHETIC], "isolated"):
        rows = evaluation.details["membership rows"]["isolated"]
        asked = say("which of the {rows} most isolated people were in the table", rows=rows)
        told = _worst(panels[SYNTHETIC], "isolated", asked)
        if told.tone != "good" and rows < FEW_ISOLATED:
            told.text += say(" These are few rows; more held-out ones make it more certain.")
        out.append(told)
    noticed = _successful(panels[COPIES])
    if noticed:
        text = say(
            "Positive control: {count} of {attacks} attacks notice a table that copies 5% of its rows ({names}).",
            count=len(noticed),
            attacks=len(ATTACKS),
            names=listed(say(ATTACKS[name]) for name in noticed),
        )
    else:
        text = say(
            "Positive control: None of the attacks notices a table that copies 5% of its rows: that they fail says "
            "little here."
        )
    out.append(Sentence("note", text))
    areas = {name: one.auc_corrected for name, one in strengths(panels[INDEPENDENT], "all").items()}
    if biased := [say(ATTACKS[name]) for name, (low, high) in areas.items() if not low <= 0.5 <= high]:
        text = say(
            "Negative control: even a table of independent columns reveals something, to {names}: training and test "
            "rows differ, or single values give people away.",
            names=listed(biased),
        )
    else:
        text = say("Negative control: from a table of independent columns, no attack learns more than by chance.")
    return [*out, Sentence("note", text)]


def membership_tone(evaluation: Evaluation) -> str:
    """The tone of what the attacks on all rows tell of membership; "" where they were left out."""
    panels = evaluation.details.get("membership")
    return "" if panels is None else _worst(panels[SYNTHETIC], "all", say("who was in the table")).tone


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
    alarms = "1%" if group == "all" else "10%"
    text = say(
        "the worst of {attacks} attacks, {name}, tells {asked} with AUC {auc}, {share:.1%} of them at {alarms} false "
        "alarms.",
        attacks=len(every),
        name=say(ATTACKS[name]),
        asked=asked,
        auc=ranged(Score(worst.auc[0], *worst.auc_corrected)),
        share=share,
        alarms=alarms,
    )
    if told:
        return Sentence("bad", say(NOT_PRIVATE) + text) if much else Sentence("note", say(LITTLE) + text)
    return Sentence("good", say("No better than a guess, corrected for the number of tests: {text}", text=text))


def _criteria(evaluation: Evaluation) -> list[Sentence]:
    """Singling out, linkability, and the inference of secrets: the risk beyond that to people outside the table."""
    singled, linked = mark("people of the table are singled out"), mark("two halves of people of the table are linked")
    named = {
        "singling_out": (mark("Singling out (anonymeter)"), singled),
        "predicate_singling_out": (mark("Singling out"), singled),
        "linkability": (mark("Linkability (anonymeter)"), linked),
        "halves_linkability": (mark("Linkability"), linked),
    }
    out = [
        _risk(say(criterion), say(text), evaluation.scores[name])
        for name, (criterion, text) in named.items()
        if name in evaluation.scores
    ]
    secrets = {name.partition("/")[2]: one for name, one in evaluation.scores.items() if name.startswith("attribute/")}
    out += [
        _risk(say("Inference"), say("{secret} of people of the table is guessed", secret=secret), score)
        for secret, score in secrets.items()
    ]
    if out and not secrets:
        text = say("Inference: not tried; secrets=[COLUMN] names what an attacker would like to know.")
        out.append(Sentence("note", text))
    return out


def _risk(criterion: str, text: str, score: Score) -> Sentence:
    by = say("{value:+z.1%} ({low:+z.1%} to {high:+z.1%})", value=score.value, low=score.low, high=score.high)
    words = {"criterion": criterion, "text": text, "by": by}
    if (score.low or 0) <= 0:
        return Sentence("good", say("{criterion}: {text} no more often than others: {by}.", **words))
    told = say("{criterion}: {text} more often than others: {by}.", **words)
    return Sentence("bad", say(NOT_PRIVATE) + told) if score.value >= LEAKS else Sentence("note", told)


def _nearness(evaluation: Evaluation) -> list[Sentence]:
    """Checks for copies: rows that are nearly training rows."""
    scores, out = evaluation.scores, []
    near = scores.get("near_copies")
    if near and near.real is not None and (near.low or 0) > near.real:
        start = say(NOT_PRIVATE) if near.value - near.real >= COPIED else ""
        text = say(
            "{made:.1%} are near copies of training rows; of held-out rows {real:.1%} are.",
            made=near.value,
            real=near.real,
        )
        out.append(Sentence("bad" if start else "note", start + text))
    if (dcr := scores.get("dcr_share")) is not None:
        usual = 0.5 if dcr.real is None else dcr.real
        tone = "bad" if (dcr.low or 0) > usual + LEAKS else "note"
        text = say(
            "{made:.1%} of the rows lie nearer to training than to held-out rows, where {usual:.1%} is ideal: a check "
            "for copies, which says nothing about privacy.",
            made=dcr.value,
            usual=usual,
        )
        out.append(Sentence(tone, text))
    return out


def _retrained(evaluation: Evaluation) -> list[Sentence]:
    """What the attacks tell of the generator that was trained again on half of the rows."""
    if (panels := evaluation.details.get("membership after retraining")) is None:
        return []
    one = _worst(panels[SYNTHETIC], "all", say("which half of the rows it was"))
    text = one.text.removeprefix(say(NOT_PRIVATE))
    text = f"{text[0].lower()}{text[1:]}"
    return [Sentence("note", say("Trained again on half of the training rows: {text}", text=text))]


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
            what = say("free text of the real table word for word") if kind == FREE_TEXT else say("real values")
            if kind in KINDS:
                what += say(" ({kind})", kind=say(label(kind)))
            out[name] = say(
                "column {name} returns {what} in {count:,} of {rows:,} rows",
                name=name,
                what=what,
                count=count,
                rows=rows,
            )
    return out


def real_value_sentences(evaluation: Evaluation) -> list[Sentence]:
    """Of real values that come back."""
    if "real_values" not in evaluation.scores or not evaluation.details.get("real values"):
        return []
    if returned := columns_returned(evaluation):
        return [Sentence("bad", say(NOT_PRIVATE) + say("{text}.", text=text)) for text in returned.values()]
    text = say(
        "Of columns whose values belong to few people, real ones do not come back more than by chance: {names}.",
        names=listed(evaluation.details["real values"]),
    )
    return [Sentence("good", text)]
