"""What each of the five uses says of a run, in sentences."""

from gans.config.names import shell_quoted
from gans.evaluation.results import Evaluation
from gans.findings.answers import ADDED, BOTH, REAL, SYNTHETIC, Answer, gain_sentence, shown
from gans.findings.guarantee import guarantee_sentences
from gans.findings.privacy import (
    UNDECIDED,
    is_told,
    limits,
    privacy_sentences,
    privacy_state,
    privacy_verdict,
    what_decides,
    with_unseen,
)
from gans.findings.sentence import Sentence, listed
from gans.words import mark, say

CUSTOMERS = 1_000  # whose profit is told
STABLE = 0.1  # a population stability index below
LEAST = 20  # held-out rows of a segment
LEAST_FOUND = 0.2  # share of conclusions that another real sample must find again
ANOTHER_SAMPLE, SYNTHETIC_ROWS = mark("another sample of real rows"), mark("synthetic rows")
FOUND, CONTRARY, OVERLAP, SIGNS = (
    mark("conclusions of the logistic model that are reproduced"),
    mark("conclusions with the right sign"),
    mark("coefficients that cannot be told apart (95%)"),
    mark("correlations of the same sign"),
)
MEASURES = (FOUND, CONTRARY, OVERLAP, SIGNS)
SEGMENTS = mark("segments: adjusted Rand index on held-out rows")


def use_sentences(answer: Answer) -> list[Sentence]:
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
    everyone = answer.tables["profit of contacting everyone"]
    if not real[1] > 0.5:
        text = (
            mark(
                "Contact everyone: customers cannot be ranked here, not by a model of real rows either (AUC {real}), "
                "and contacting everyone earns {everyone:,.0f} for every {customers:,} customers."
            )
            if everyone > 0
            else mark(
                "Contact nobody: customers cannot be ranked here, not by a model of real rows either (AUC {real}), and "
                "contacting everyone earns {everyone:,.0f} for every {customers:,} customers."
            )
        )
        return [Sentence("note", say(text, real=shown(real), everyone=everyone, customers=CUSTOMERS))]
    kept = (made[0] - 0.5) / (real[0] - 0.5)
    tone = "good" if kept >= 0.95 else "note" if kept >= 0.8 else "bad"
    text = {
        "good": mark("A model of synthetic rows ranks real customers as well as one of real rows: {figures}."),
        "note": mark("A model of synthetic rows ranks real customers nearly as well as one of real rows: {figures}."),
        "bad": mark("A model of synthetic rows ranks real customers clearly worse than one of real rows: {figures}."),
    }[tone]
    figures = say("AUC {made}, of real rows {real}", made=shown(made), real=shown(real))
    earned = say(
        "A model of real rows would earn {earned} for every {customers:,} customers.",
        earned=shown(profit.values[REAL]),
        customers=CUSTOMERS,
    )
    return [
        *_whom(answer, tone),
        Sentence(tone, say(text, figures=figures)),
        Sentence("note", earned),
        *(gain_sentence(one, BOTH, REAL) for one in (auc, profit)),
    ]


def _whom(answer: Answer, tone: str) -> list[Sentence]:
    """Whom to contact, what that earns, and what sets these customers apart."""
    earned, everyone = answer.measures[2].values[SYNTHETIC], answer.tables["profit of contacting everyone"]
    share, chance = answer.tables["share to contact"], answer.tables["chance from which a contact pays"]
    figures = {"everyone": everyone, "customers": CUSTOMERS, "share": share, "chance": chance, "earned": shown(earned)}
    if everyone >= earned[0] and everyone > 0:
        text = say(
            "Contact everyone: that earns {everyone:,.0f} for every {customers:,} customers, while choosing the "
            "{share:.0%} whose chance exceeds {chance:.0%} earns {earned}.",
            **figures,
        )
        return [Sentence("note", text)]
    if earned[0] <= 0:
        text = say(
            "Contact nobody: at these costs the best choice earns {earned} for every {customers:,} customers.",
            **figures,
        )
        return [Sentence("note", text)]
    text = say(
        "Contact the {share:.0%} of customers whose chance exceeds {chance:.0%}: that earns {earned} for every "
        "{customers:,} customers, while contacting everyone earns {everyone:,.0f}.",
        **figures,
    )
    traits = say("; ").join(answer.tables["what sets them apart"])
    apart = [Sentence("note", say("What sets these customers apart: {traits}.", traits=traits))] if traits else []
    return [Sentence(tone, text), *apart]


def of_risk(answer: Answer) -> list[Sentence]:
    """Whether scores trained on synthetic cases work on real ones."""
    auc, psi = answer["AUC"], answer["population stability index"].values[SYNTHETIC]
    made, real = auc.values[SYNTHETIC], auc.values[REAL]
    behind = auc.gains[SYNTHETIC]
    tone = "good" if behind[1] > -0.02 else "note" if behind[0] > -0.05 else "bad"
    start = {"good": mark("Yes: "), "note": mark("In part: "), "bad": mark("No: ")}[tone]
    text = say(
        "{start}on real cases, a score trained on synthetic ones has an AUC of {made}, a score trained on real ones "
        "{real}.",
        start=say(start),
        made=shown(made),
        real=shown(real),
    )
    out = [Sentence(tone, text), gain_sentence(auc, BOTH, REAL)]
    if psi[0] < STABLE:
        out.append(
            Sentence("good", say("By its scores, the synthetic population is stable: PSI {psi}.", psi=shown(psi)))
        )
    else:
        text = say("By its scores, the synthetic population is a different one: PSI {psi}.", psi=shown(psi))
        out.append(Sentence("bad", text))
    for one in answer.measures:
        if ADDED in one.values:
            out.append(gain_sentence(one, ADDED, REAL))
            best = max(one.values, key=lambda arm: one.values[arm][0])
            if best not in (ADDED, REAL):
                text = say("{arm} does best there: {value}.", arm=say(best), value=shown(one.values[best]))
                out.append(Sentence("note", text[0].upper() + text[1:]))
    return out


def of_product(answer: Answer) -> list[Sentence]:
    """Whether synthetic shares are those of held-out customers."""
    distance, inside = answer.measures
    made, real = distance.values[SYNTHETIC], distance.values[REAL]
    verdict = distance.verdict(SYNTHETIC)
    tone = "good" if verdict != "loss" else "note" if made[0] < real[0] + 0.03 else "bad"
    start = {"good": mark("Yes: "), "note": mark("Nearly: "), "bad": mark("No: ")}[tone]
    text = {
        "gain": mark("{start}synthetic shares are nearer to held-out customers than the training rows are: {figures}."),
        "no gain": mark(
            "{start}synthetic shares are as near to held-out customers as the training rows are: {figures}."
        ),
        "loss": mark(
            "{start}synthetic shares are farther from held-out customers than the training rows are: {figures}."
        ),
    }.get(verdict, mark("{start}synthetic shares cannot be told apart from the training rows: {figures}."))
    figures = say("distance {made}, training rows {real}", made=shown(made), real=shown(real))
    within = say(
        "{made:.0%} of the synthetic shares lie within the interval of the held-out ones, {real:.0%} of those of the "
        "training rows.",
        made=inside.values[SYNTHETIC][0],
        real=inside.values[REAL][0],
    )
    out = [favourites(answer), Sentence(tone, say(text, start=say(start), figures=figures)), Sentence("note", within)]
    if left_out := answer.tables["left out"]:
        out.append(Sentence("note", say("Left out: {what}.", what=say("; ").join(left_out))))
    if (found := answer.tables.get("what if")) and found["held-out rows"] < LEAST:
        text = say(
            "The what-if shares cannot be checked: only {rows} held-out customers have {where}.",
            rows=found["held-out rows"],
            where=found["where"],
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
    span = low if low == high else say("{low} to {high}", low=low, high=high)
    if len(named) == 1:
        text = say(
            "The favourite is {level} in all segments ({count}), for {span} of the synthetic customers",
            level=named[0][0],
            count=len(best),
            span=span,
        )
    else:
        each = say("; ").join(
            say("{level} ({segments})", level=level, segments=listed(segments)) for level, segments in named
        )
        text = say("The favourites are {each}, each for {span} of the synthetic customers", each=each, span=span)
    text = say(
        "{favourites}; held-out customers name the same one in {same} of {count} segments and clearly prefer another "
        "one in {against}.",
        favourites=text,
        same=same,
        count=len(best),
        against=against,
    )
    return Sentence("bad" if against > len(best) / 2 else "note" if against else "good", text)


def of_research(answer: Answer) -> list[Sentence]:
    """Whether conclusions from synthetic rows hold for real ones."""
    segments = answer[SEGMENTS].values
    tone = "good" if segments[SYNTHETIC_ROWS][0] >= segments[ANOTHER_SAMPLE][0] - 0.1 else "note"
    text = say(
        "The agreement between segments found in synthetic rows and in real rows is {made} (1: identical); between two "
        "samples of real rows it is {real}.",
        made=shown(segments[SYNTHETIC_ROWS]),
        real=shown(segments[ANOTHER_SAMPLE]),
    )
    return [*_conclusions(answer), Sentence(tone, text)]


def _conclusions(answer: Answer) -> list[Sentence]:
    """What of the logistic model carries over."""
    made, real = (answer[FOUND].values[arm][0] for arm in (SYNTHETIC_ROWS, ANOTHER_SAMPLE))
    if not real >= LEAST_FOUND:
        text = say(
            "Not known: another sample of as few real rows does not reproduce the same coefficients either, so "
            "synthetic rows cannot be judged by them."
        )
        return [Sentence("note", text)]
    tone = "good" if made >= real - 0.05 else "note" if made >= real - 0.2 else "bad"
    start = {"good": mark("Yes: "), "note": mark("In part: "), "bad": mark("No: ")}[tone]
    text = say(
        "{start}{made:.0%} of the conclusions drawn from held-out real rows are found in synthetic rows, {real:.0%} "
        "in another sample of real rows.",
        start=say(start),
        made=made,
        real=real,
    )
    out = [Sentence(tone, text)]
    wrong = 1 - answer[CONTRARY].values[SYNTHETIC_ROWS][0]
    if wrong > 0.005:
        text = say("{wrong:.1%} of them are reversed: synthetic rows clearly say the opposite.", wrong=wrong)
        out.append(Sentence("bad", text))
    return out


def of_privacy(answer: Answer) -> list[Sentence]:
    """The verdict, why, and what it is not."""
    every_run = answer.runs or [answer]
    every = [one.curves["evaluation"] for one in every_run]
    order = {"bad": 0, "note": 1, "good": 2}

    def rank(one: Evaluation) -> tuple[int, float]:
        worst = one.scores.get("membership_worst_auc")
        return order[privacy_verdict(one).tone], -worst.value if worst else 0.0

    found = min(every, key=rank)  # the worst run speaks for all
    verdict = privacy_verdict(found)
    others = [one for one in privacy_sentences(found) if not is_told(one, verdict)]
    reasons = sorted(others, key=lambda one: order[one.tone])
    ledgers = [one.tables["ledger"] for one in every_run if "ledger" in one.tables]
    weakest = max(ledgers, key=lambda ledger: ledger["guarantee"]["epsilon"], default=None)
    guarantee = guarantee_sentences(weakest) if weakest is not None and len(ledgers) == len(every) else []
    further = []
    if privacy_state(found) in UNDECIDED:
        folders = ",".join(str(one.curves["folder"]) for one in every_run if "folder" in one.curves)
        command = f"gans use scenario=privacy {shell_quoted(f'run={folders}')}" if folders else ""
        further = [Sentence("note", what_decides(found), with_unseen(command, found))]
    return [verdict, *further, *guarantee, *reasons, limits()]
