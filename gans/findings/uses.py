"""What each of the five uses says of a run, in sentences."""

import numpy as np

from gans.evaluation.results import Evaluation
from gans.findings.answers import ADDED, BOTH, REAL, SYNTHETIC, Answer, gain_sentence, shown
from gans.findings.guarantee import guarantee_sentences
from gans.findings.privacy import LIMITS, privacy_sentences, privacy_verdict
from gans.findings.sentence import Sentence

CUSTOMERS = 1_000  # whose profit is told
STABLE = 0.1  # a population stability index below
LEAST = 20  # held-out rows of a segment
LEAST_FOUND = 0.2  # share of conclusions that another real sample must find again
ANOTHER_SAMPLE, SYNTHETIC_ROWS = "another sample of real rows", "synthetic rows"
FOUND, CONTRARY, OVERLAP, SIGNS = (
    "conclusions of the logistic model that are found again",
    "conclusions whose sign is not turned",
    "coefficients that are not told apart (95 %)",
    "correlations of the same sign",
)
MEASURES = (FOUND, CONTRARY, OVERLAP, SIGNS)
SEGMENTS = "segments: adjusted Rand index on held-out rows"


def say(answer: Answer) -> list[Sentence]:
    """The answer of a use in words, the headline first."""
    uses = {
        "marketing": of_marketing,
        "risk": of_risk,
        "product": of_product,
        "research": of_research,
        "privacy": of_privacy,
    }
    return uses[answer.scenario](answer)


def of_marketing(answer: Answer) -> list[Sentence]:
    """Whether models of synthetic rows find those who respond."""
    auc, profit = answer["AUC"], answer.measures[2]
    made, real = auc.values[SYNTHETIC], auc.values[REAL]
    kept = (made[0] - 0.5) / (real[0] - 0.5) if real[0] > 0.5 else np.nan
    if not real[1] > 0.5:
        text = f"Nobody can be ranked here: a model of real rows has AUC {shown(real)}."
        return [Sentence("note", text)]
    tone = "good" if kept >= 0.95 else "note" if kept >= 0.8 else "bad"
    start = {"good": "Yes", "note": "In part", "bad": "No"}[tone]
    text = (
        f"{start}: a model of synthetic rows ranks real customers with AUC {shown(made)}, one of real rows "
        f"{shown(real)}."
    )
    out = [Sentence(tone, text)]
    text = f"It earns {shown(profit.values[SYNTHETIC])} of {CUSTOMERS:,} customers, one of real rows "
    out.append(Sentence("note", f"{text}{shown(profit.values[REAL])}; contacting everybody earns "
                        f"{answer.tables['profit of contacting everybody']:,.0f}."))  # fmt: skip
    return [*out, *(gain_sentence(one, BOTH, REAL) for one in (auc, profit))]


def of_risk(answer: Answer) -> list[Sentence]:
    """Whether scores that learnt from synthetic cases hold on real ones."""
    auc, psi = answer["AUC"], answer["population stability index"].values[SYNTHETIC]
    made, real = auc.values[SYNTHETIC], auc.values[REAL]
    behind = auc.gains[SYNTHETIC]
    tone = "good" if behind[1] > -0.02 else "note" if behind[0] > -0.05 else "bad"
    start = {"good": "Yes", "note": "In part", "bad": "No"}[tone]
    out = [
        Sentence(
            tone,
            f"{start}: a score that learnt from synthetic cases has AUC {shown(made)} on real ones, one that learnt "
            f"from real cases {shown(real)}.",
        ),
        gain_sentence(auc, BOTH, REAL),
    ]
    stable = psi[0] < STABLE
    text = f"The population of synthetic rows is {'stable' if stable else 'another one'}: PSI {shown(psi)}."
    out.append(Sentence("good" if stable else "bad", text))
    for one in answer.measures:
        if ADDED in one.values:
            out.append(gain_sentence(one, ADDED, REAL))
            best = max(one.values, key=lambda arm: one.values[arm][0])
            if best not in (ADDED, REAL):
                out.append(Sentence("note", f"{best} does best there: {shown(one.values[best])}."))
    return out


def of_product(answer: Answer) -> list[Sentence]:
    """Whether synthetic shares are those of held-out customers."""
    distance, inside = answer.measures
    made, real = distance.values[SYNTHETIC], distance.values[REAL]
    verdict = distance.verdict(SYNTHETIC)
    tone = "good" if verdict != "loss" else "note" if made[0] < real[0] + 0.03 else "bad"
    start = {"good": "Yes", "note": "Nearly", "bad": "No"}[tone]
    words = {
        "gain": "nearer to held-out customers than the training rows are",
        "no gain": "as near to held-out customers as the training rows are",
        "loss": "farther from held-out customers than the training rows are",
    }.get(verdict, "not told apart from the training rows")
    out = [
        Sentence(tone, f"{start}: synthetic shares are {words}: distance {shown(made)}, training rows {shown(real)}."),
        Sentence(
            "note",
            f"{inside.values[SYNTHETIC][0]:.0%} of the synthetic shares lie within the interval of the held-out ones, "
            f"{inside.values[REAL][0]:.0%} of those of the training rows.",
        ),
    ]
    if (found := answer.tables.get("what if")) and found["held-out rows"] < LEAST:
        text = (
            f"The what-if shares cannot be checked: {found['held-out rows']} held-out customers are {found['where']}."
        )
        out.append(Sentence("bad", text))
    return out


def of_research(answer: Answer) -> list[Sentence]:
    """Whether conclusions from synthetic rows hold for real ones."""
    segments = answer[SEGMENTS].values
    tone = "good" if segments[SYNTHETIC_ROWS][0] >= segments[ANOTHER_SAMPLE][0] - 0.1 else "note"
    text = (
        f"Segments of synthetic rows agree with those of real rows by {shown(segments[SYNTHETIC_ROWS])} (1: the same), "
    )
    return [
        *_conclusions(answer),
        Sentence(tone, f"{text}those of another sample by {shown(segments[ANOTHER_SAMPLE])}."),
    ]


def _conclusions(answer: Answer) -> list[Sentence]:
    """What of the logistic model carries over."""
    made, real = (answer[FOUND].values[arm][0] for arm in (SYNTHETIC_ROWS, ANOTHER_SAMPLE))
    if not real >= LEAST_FOUND:
        text = (
            "Of coefficients nothing can be said: another sample of so few real rows does not find them again either."
        )
        return [Sentence("note", text)]
    tone = "good" if made >= real - 0.05 else "note" if made >= real - 0.2 else "bad"
    start = {"good": "Yes", "note": "In part", "bad": "No"}[tone]
    text = f"{start}: of the conclusions of held-out rows {made:.0%} are found in synthetic ones, "
    out = [Sentence(tone, f"{text}{real:.0%} in another sample of real rows.")]
    wrong = 1 - answer[CONTRARY].values[SYNTHETIC_ROWS][0]
    if wrong > 0.005:
        text = f"{wrong:.1%} of them are turned round: synthetic rows say the contrary, and clearly."
        out.append(Sentence("bad", text))
    return out


def of_privacy(answer: Answer) -> list[Sentence]:
    """The verdict, why, and what it is not."""
    every = [one.curves["evaluation"] for one in answer.runs or [answer]]
    order = {"bad": 0, "note": 1, "good": 2}

    def rank(one: Evaluation) -> tuple[int, float]:
        worst = one.scores.get("membership_worst_auc")
        return order[privacy_verdict(one).tone], -worst.value if worst else 0.0

    found = min(every, key=rank)  # the worst run speaks for all
    reasons = sorted(privacy_sentences(found), key=lambda one: order[one.tone])
    ledgers = [one.tables["ledger"] for one in answer.runs or [answer] if "ledger" in one.tables]
    weakest = max(ledgers, key=lambda ledger: ledger["guarantee"]["epsilon"], default=None)
    guarantee = guarantee_sentences(weakest) if weakest is not None and len(ledgers) == len(every) else []
    return [privacy_verdict(found), *guarantee, *reasons, LIMITS]
