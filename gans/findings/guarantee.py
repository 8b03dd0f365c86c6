"""What the guarantee of a private run says, in plain words."""

import math
from collections.abc import Mapping
from typing import Any

from gans.findings.sentence import Sentence
from gans.words import mark, say

STRONG, WEAK = 1.0, 8.0  # epsilon up to which a guarantee is called strong, and from which it says little


def guarantee_tone(epsilon: float) -> str:
    """Whether a guarantee is strong (good), moderate (note) or weak (bad)."""
    return "good" if epsilon <= STRONG else "note" if epsilon < WEAK else "bad"


def in_spite_of_it() -> str:
    """What it means that an attack succeeds on the rows of a private run."""
    return say(
        "An attack succeeds in spite of the guarantee. This may be chance, or within what epsilon allows; if not, "
        "people have several rows in the table, or the declaration was read off its rows."
    )


def guarantee_sentences(ledger: Mapping[str, Any]) -> list[Sentence]:
    """What a ledger (privacy.json) promises, what it does not, and what was spent of it."""
    found, looks = ledger["guarantee"], sum(entry["times"] for entry in ledger["entries"])
    epsilon, delta = found["epsilon"], found["delta"]
    tone = guarantee_tone(epsilon)
    strength = {
        "good": mark("a strong guarantee"),
        "note": mark("a moderate guarantee"),
        "bad": mark("a weak guarantee, little more than noise"),
    }
    first = say(
        "Differential privacy with epsilon {epsilon:g} and delta {delta:g}, {strength}: one row more in the table "
        "makes any conclusion from this folder at most {times:.3g} times as likely, except with probability {delta:g}.",
        epsilon=epsilon,
        delta=delta,
        strength=say(strength[tone]),
        times=math.exp(epsilon),
    )
    who = say(
        "The guarantee covers one row. A person with several rows is protected less, and what is true of many people, "
        "such as how income depends on age, is learned on purpose."
    )
    public = say(
        "It relies on the declared domain being public: bounds, levels and bins in domain.yaml must not have been read "
        "off the rows, except for those that were queried with noise. It covers this run; the budgets of other runs on "
        "the same rows add up."
    )
    spent = say(
        "{looks:,} queries of the rows spent epsilon {spent:.4g} of {epsilon:g}; each is listed in privacy.json.",
        looks=looks,
        spent=ledger["spent"]["epsilon"],
        epsilon=epsilon,
    )
    return [Sentence(tone, first), *(Sentence("note", text) for text in (who, public, spent))]
