"""What each of the five uses says of a run, in sentences."""

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
    "conclusions whose sign is not reversed",
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
    everyone = answer.tables["profit of contacting everybody"]
    if not real[1] > 0.5:
        whom = "everybody" if everyone > 0 else "nobody"
        return [
            Sentence(
                "note",
                f"Contact {whom}: customers cannot be ranked here, not by a model of real rows either (AUC "
                f"{shown(real)}), and contacting everybody earns {everyone:,.0f} for every {CUSTOMERS:,} customers.",
            )
        ]
    kept = (made[0] - 0.5) / (real[0] - 0.5)
    tone = "good" if kept >= 0.95 else "note" if kept >= 0.8 else "bad"
    trusted = {"good": "as well as", "note": "nearly as well as", "bad": "clearly worse than"}[tone]
    return [
        *_whom(answer, tone),
        Sentence(
            tone,
            f"A model of synthetic rows ranks real customers {trusted} one of real rows: AUC {shown(made)}, of real "
            f"rows {shown(real)}.",
        ),
        Sentence(
            "note",
            f"A model of real rows would earn {shown(profit.values[REAL])} for every {CUSTOMERS:,} customers.",
        ),
        *(gain_sentence(one, BOTH, REAL) for one in (auc, profit)),
    ]


def _whom(answer: Answer, tone: str) -> list[Sentence]:
    """Whom to contact, what that earns, and what sets these customers apart."""
    earned, everyone = answer.measures[2].values[SYNTHETIC], answer.tables["profit of contacting everybody"]
    share, chance = answer.tables["share to contact"], answer.tables["chance from which a contact pays"]
    if everyone >= earned[0] and everyone > 0:
        text = (
            f"Contact everybody: that earns {everyone:,.0f} for every {CUSTOMERS:,} customers, while choosing the "
            f"{share:.0%} whose chance exceeds {chance:.0%} earns {shown(earned)}."
        )
        return [Sentence("note", text)]
    if earned[0] <= 0:
        text = (
            f"Contact nobody: at these costs the best choice earns {shown(earned)} for every {CUSTOMERS:,} customers."
        )
        return [Sentence("note", text)]
    text = (
        f"Contact the {share:.0%} of customers whose chance exceeds {chance:.0%}: that earns {shown(earned)} for every "
        f"{CUSTOMERS:,} customers, while contacting everybody earns {everyone:,.0f}."
    )
    traits = answer.tables["what sets them apart"]
    apart = [Sentence("note", f"What sets these customers apart: {'; '.join(traits)}.")] if traits else []
    return [Sentence(tone, text), *apart]


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
            f"{start}: on real cases, a score learnt from synthetic ones has AUC {shown(made)}, a score learnt from "
            f"real ones {shown(real)}.",
        ),
        gain_sentence(auc, BOTH, REAL),
    ]
    stable = psi[0] < STABLE
    text = f"By its scores, the synthetic population is {'stable' if stable else 'a different one'}: PSI {shown(psi)}."
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
        favourites(answer),
        Sentence(tone, f"{start}: synthetic shares are {words}: distance {shown(made)}, training rows {shown(real)}."),
        Sentence(
            "note",
            f"{inside.values[SYNTHETIC][0]:.0%} of the synthetic shares lie within the interval of the held-out ones, "
            f"{inside.values[REAL][0]:.0%} of those of the training rows.",
        ),
    ]
    if left_out := answer.tables["left out"]:
        out.append(Sentence("note", f"Left out: {'; '.join(left_out)}."))
    if (found := answer.tables.get("what if")) and found["held-out rows"] < LEAST:
        text = (
            f"The what-if shares cannot be checked: only {found['held-out rows']} held-out customers have "
            f"{found['where']}."
        )
        out.append(Sentence("bad", text))
    return out


def favourites(answer: Answer) -> Sentence:
    """Which level synthetic customers of each segment prefer, and whether held-out customers do."""
    cells: dict[str, list[list]] = {}
    for row in answer.tables["shares"]:
        if row[1] is not None:
            cells.setdefault(row[0], []).append(row)
    best = {segment: max(rows, key=lambda row: row[3]) for segment, rows in cells.items()}
    held = {segment: max(rows, key=lambda row: row[4]) for segment, rows in cells.items()}
    same = sum(best[segment][4] == held[segment][4] for segment in cells)
    against = sum(best[segment][6] < held[segment][5] for segment in cells)  # their intervals do not meet
    groups: dict[str, list[str]] = {}
    for segment, row in best.items():
        groups.setdefault(str(row[1]), []).append(segment)
    named = sorted(groups.items(), key=lambda one: -len(one[1]))
    shares = [row[3] for row in best.values()]
    low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
    span = low if low == high else f"{low} to {high}"
    if len(named) == 1:
        text = f"The favourite is {named[0][0]} in all segments ({len(best)}), for {span} of the synthetic customers"
    else:
        each = "; ".join(f"{level} ({', '.join(segments)})" for level, segments in named)
        text = f"The favourites are {each}, each for {span} of the synthetic customers"
    beside = (
        f"held-out customers name the same one in {same} of {len(best)} segments and clearly prefer another one in "
        f"{against}."
    )
    return Sentence("bad" if against > len(best) / 2 else "note" if against else "good", f"{text}; {beside}")


def of_research(answer: Answer) -> list[Sentence]:
    """Whether conclusions from synthetic rows hold for real ones."""
    segments = answer[SEGMENTS].values
    tone = "good" if segments[SYNTHETIC_ROWS][0] >= segments[ANOTHER_SAMPLE][0] - 0.1 else "note"
    text = (
        f"Segments found in synthetic rows agree with those found in real rows by {shown(segments[SYNTHETIC_ROWS])} "
        f"(1: the same), segments found in another sample of real rows by {shown(segments[ANOTHER_SAMPLE])}."
    )
    return [*_conclusions(answer), Sentence(tone, text)]


def _conclusions(answer: Answer) -> list[Sentence]:
    """What of the logistic model carries over."""
    made, real = (answer[FOUND].values[arm][0] for arm in (SYNTHETIC_ROWS, ANOTHER_SAMPLE))
    if not real >= LEAST_FOUND:
        text = (
            "Not known: another sample of as few real rows does not find the same coefficients again either, so that "
            "synthetic rows cannot be judged by them."
        )
        return [Sentence("note", text)]
    tone = "good" if made >= real - 0.05 else "note" if made >= real - 0.2 else "bad"
    start = {"good": "Yes", "note": "In part", "bad": "No"}[tone]
    text = (
        f"{start}: {made:.0%} of the conclusions drawn from held-out real rows are found in synthetic rows, "
        f"{real:.0%} in another sample of real rows."
    )
    out = [Sentence(tone, text)]
    wrong = 1 - answer[CONTRARY].values[SYNTHETIC_ROWS][0]
    if wrong > 0.005:
        text = f"{wrong:.1%} of them are reversed: synthetic rows clearly say the opposite."
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
