"""How far event histories keep to the profiles that they were made for."""

from collections.abc import Mapping

from gans.data.histories import verdict
from gans.findings.sentence import Sentence

TONES = {"kept": "good", "nearly kept": "note", "not kept": "bad"}


def history_sentences(found: Mapping[str, Mapping[str, float]]) -> list[Sentence]:
    """What is kept and what is not, in words."""
    groups = {word: [name for name, one in found.items() if verdict(one) == word] for word in TONES}
    every = len(found)
    tone = "bad" if len(groups["not kept"]) > every / 4 else "note" if groups["not kept"] else "good"
    out = [
        Sentence(
            tone,
            f"The events reproduce {len(groups['kept'])} of {every} profile columns, {len(groups['nearly kept'])} more "
            f"nearly, and {len(groups['not kept'])} not.",
        )
    ]
    for word in ("not kept", "nearly kept"):
        if groups[word]:
            out.append(Sentence(TONES[word], f"{word.capitalize()}: {', '.join(groups[word])}."))
    text = (
        "The events are drawn from synthetic profiles by a simple model: use them to test systems that process events, "
        "not to study the order of events."
    )
    return [*out, Sentence("note", text)]
