"""What the guarantee of a private run says, in plain words."""

import math
from collections.abc import Mapping
from typing import Any

from gans.findings.sentence import Sentence

STRONG, WEAK = 1.0, 8.0  # epsilon up to which a guarantee is called strong, and from which it says little


def guarantee_sentences(ledger: Mapping[str, Any]) -> list[Sentence]:
    """What a ledger (privacy.json) promises, what it does not, and what was spent of it."""
    found, looks = ledger["guarantee"], sum(entry["times"] for entry in ledger["entries"])
    epsilon, delta = found["epsilon"], found["delta"]
    tone = "good" if epsilon <= STRONG else "note" if epsilon < WEAK else "bad"
    strength = {
        "good": "a strong guarantee",
        "note": "a moderate guarantee",
        "bad": "a weak guarantee, little more than noise",
    }
    return [
        Sentence(
            tone,
            f"Differential privacy with epsilon {epsilon:g} and delta {delta:g}, {strength[tone]}: whatever somebody "
            f"concludes from this folder becomes at most {math.exp(epsilon):.3g} times as likely by one row being in "
            f"the table, but for a chance of {delta:g}.",
        ),
        Sentence(
            "note",
            "It is about one row. Who has several rows is protected less, and what is true of many people, such as how "
            "income goes with age, is learnt on purpose.",
        ),
        Sentence(
            "note",
            "It rests on the declared domain being public: bounds, levels and bins in domain.yaml were not to be read "
            "off the rows, but for those that were asked for with noise. It is about this run; other runs on the same "
            "rows add up.",
        ),
        Sentence(
            "note",
            f"{looks:,} looks at the rows spent epsilon {ledger['spent']['epsilon']:.4g} of {epsilon:g}; each is in "
            "privacy.json.",
        ),
    ]
