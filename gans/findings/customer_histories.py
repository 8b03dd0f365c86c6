"""What is said of the events of synthetic customers, beside those of held-out ones."""

from gans.evaluation.results import Evaluation, Score
from gans.findings.privacy import membership_tone
from gans.findings.sentence import Sentence, listed, ranged
from gans.words import mark, say

NEAR = {  # in words, and how far off is still near, where held-out customers are nearer themselves
    "history_counts": (mark("events per customer"), 0.03),
    "history_gaps": (mark("days between events"), 0.05),
    "history_weekday": (mark("weekdays"), 0.05),
    "history_hour": (mark("hours"), 0.05),
    "history_lag": (mark("the correlation with the event before"), 0.05),
    "history_order": (mark("what follows what"), 0.05),
    "history_parent": (mark("how events depend on the customer"), 0.05),
    "history_retention": (mark("who comes back"), 0.03),
    "history_rfm": (mark("recency, frequency and money"), 0.1),
    "history_value": (mark("spending per customer"), 0.05),
}
LOGS = {"orders": mark("orders"), "views": mark("views"), "social": mark("social events")}
SENTENCES = {
    "good": mark("The {kind} are close to real ones in {parts}."),
    "note": mark("The {kind} are off in {parts}."),
    "bad": mark("The {kind} are FAR OFF in {parts}."),
}
ALL_NEAR = mark("the {kind} are close to real ones in all {every} respects")
SOME_NEAR = mark("the {kind} are close to real ones in {near} of {every} respects, not in {names}")
MEMBERSHIP = {
    "good": mark("no attack tells better than a guess which customers were learned from: the worst has AUC {auc}"),
    "note": mark("an attack tells a little about which customers were learned from: the worst has AUC {auc}"),
    "bad": mark("NOT PRIVATE, an attack tells which customers were learned from: the worst has AUC {auc}"),
    "": mark("there are too few held-out customers to say whether attacks tell which ones were learned from"),
}
USUAL = 1.5  # times what held-out customers are off by, which is still near
FAR = 3  # times what is near, from where on it is far off
NEVER = {
    "history_keys": mark("rows of no known customer"),
    "history_impossible": mark("customers with an impossible event"),
}


def history_sentences(evaluation: Evaluation) -> list[Sentence]:
    """By log what cannot be, then what is near the real customers, what is off, and what far off."""
    out = []
    for kind in evaluation.details.get("histories", {}):
        out.append(_never(evaluation, kind))
        groups: dict[str, list[str]] = {"good": [], "note": [], "bad": []}
        for name, (words, limit) in NEAR.items():
            if (score := evaluation.scores.get(f"{name}/{kind}")) is not None:
                groups[_tone(score, limit)].append(_shown(words, score))
        out += [
            Sentence(tone, say(SENTENCES[tone], kind=say(LOGS[kind]), parts="; ".join(words)))
            for tone, words in groups.items()
            if words
        ]
    return out


def history_verdict(evaluation: Evaluation) -> Sentence:
    """In one sentence: how near the events are to real ones, and whether attacks tell who was learned from."""
    parts, tones = [], []
    for kind in evaluation.details.get("histories", {}):
        found = {
            say(words): _tone(score, limit)
            for name, (words, limit) in NEAR.items()
            if (score := evaluation.scores.get(f"{name}/{kind}")) is not None
        }
        off = [words for words, tone in found.items() if tone != "good"]
        values = {"kind": say(LOGS[kind]), "every": len(found), "near": len(found) - len(off), "names": listed(off)}
        parts.append(say(SOME_NEAR if off else ALL_NEAR, **values))
        tones += found.values()
    tone = membership_tone(evaluation)
    worst = evaluation.scores.get("membership_worst_auc")
    parts.append(say(MEMBERSHIP[tone], auc="" if worst is None else ranged(worst)))
    told = say("{text}.", text=say("; ").join(parts))
    return Sentence(min((*tones, tone or "note"), key=("bad", "note", "good").index), told)


def _never(evaluation: Evaluation, kind: str) -> Sentence:
    """Rows of unknown customers, and events that cannot be."""
    found = {words: evaluation.scores[f"{name}/{kind}"] for name, words in NEVER.items()}
    wrong = [f"{say(words)} {one.value:.2%}" for words, one in found.items() if one.value > 0]
    if wrong:
        return Sentence("bad", say("IMPOSSIBLE, {kind}: {parts}.", kind=say(LOGS[kind]), parts="; ".join(wrong)))
    return Sentence("good", say("All {kind} belong to a customer, and none is impossible.", kind=say(LOGS[kind])))


def _tone(score: Score, limit: float) -> str:
    near = max(limit, USUAL * (score.real or 0.0))
    return "good" if score.value <= near else "bad" if score.value > FAR * near else "note"


def _shown(words: str, score: Score) -> str:
    if score.real is None:
        return f"{say(words)} ({score.value:.3f})"
    return say(
        "{what} ({value:.3f}, held-out customers {real:.3f})", what=say(words), value=score.value, real=score.real
    )
