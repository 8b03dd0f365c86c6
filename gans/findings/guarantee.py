"""What the guarantee of a private run says, in plain words."""

import math
from collections.abc import Mapping
from typing import Any

from gans.findings.sentence import Sentence

STRONG, WEAK = 1.0, 8.0  # epsilon up to which a guarantee is called strong, and from which it says little


def guarantee_tone(epsilon: float) -> str:
    """Whether a guarantee is strong (good), moderate (note) or weak (bad)."""
    return "good" if epsilon <= STRONG else "note" if epsilon < WEAK else "bad"


def guarantee_sentences(ledger: Mapping[str, Any]) -> list[Sentence]:
    """What a ledger (privacy.json) promises, what it does not, and what was spent of it."""
    found, looks = ledger["guarantee"], sum(entry["times"] for entry in ledger["entries"])
    epsilon, delta = found["epsilon"], found["delta"]
    tone = guarantee_tone(epsilon)
    strength = {
        "good": "a strong guarantee",
        "note": "a moderate guarantee",
        "bad": "a weak guarantee, little more than noise",
    }
    return [
        Sentence(
            tone,
            f"Differential privacy with epsilon {epsilon:g} and delta {delta:g}, {strength[tone]}: one row more in the "
            f"table makes any conclusion from this folder at most {math.exp(epsilon):.3g} times as likely, except with "
            f"a chance of {delta:g}.",
        ),
        Sentence(
            "note",
            "The guarantee covers one row. A person with several rows is protected less, and what is true of many "
            "people, such as how income depends on age, is learnt on purpose.",
        ),
        Sentence(
            "note",
            "It relies on the declared domain being public: bounds, levels and bins in domain.yaml must not have been "
            "read off the rows, except for those that were asked for with noise. It covers this run; the costs of "
            "other runs on the same rows add up.",
        ),
        Sentence(
            "note",
            f"{looks:,} queries of the rows spent epsilon {ledger['spent']['epsilon']:.4g} of {epsilon:g}; each is "
            "listed in privacy.json.",
        ),
    ]
