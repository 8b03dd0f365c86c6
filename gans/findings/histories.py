"""How far event histories keep to the profiles that they were made for."""

from collections.abc import Mapping

from gans.data.histories import verdict
from gans.findings.sentence import Sentence, listed
from gans.words import mark, say

TONES = {mark("kept"): "good", mark("nearly kept"): "note", mark("not kept"): "bad"}


def history_sentences(found: Mapping[str, Mapping[str, float]]) -> list[Sentence]:
    """What is kept and what is not, in words."""
    groups = {word: [name for name, one in found.items() if verdict(one) == word] for word in TONES}
    every = len(found)
    tone = "bad" if len(groups["not kept"]) > every / 4 else "note" if groups["not kept"] else "good"
    text = say(
        "The events reproduce {kept} of {every} profile columns, {nearly} more nearly, and {lost} not.",
        kept=len(groups["kept"]),
        every=every,
        nearly=len(groups["nearly kept"]),
        lost=len(groups["not kept"]),
    )
    out = [Sentence(tone, text)]
    for word, text in (("not kept", mark("Not kept: {names}.")), ("nearly kept", mark("Nearly kept: {names}."))):
        if groups[word]:
            out.append(Sentence(TONES[word], say(text, names=listed(groups[word]))))
    text = say(
        "The events are drawn from synthetic profiles by a simple model: use them to test systems that process events, "
        "not to study the order of events."
    )
    return [*out, Sentence("note", text)]
