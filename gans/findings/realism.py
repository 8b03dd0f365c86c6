"""What is said of how real the rows are: against rows that nothing was learned from, where there are enough of them."""

from gans.evaluation.results import Evaluation, Score
from gans.findings.sentence import Sentence, listed, ranged
from gans.words import mark, say

DETECTED, EASILY = 0.9, 0.5
NOISE = 0.02  # of a score: what the training rows themselves lose to test rows; and the overfit that is let pass
GIVEN = 3


def realism_headline(evaluation: Evaluation) -> Sentence | None:
    """The score against unseen rows; None where there were no rows that nothing was learned from."""
    score = evaluation.scores.get("unseen_score")
    if score is None:
        return None
    beside = evaluation.details["unseen rows"]
    tone, start = _verdict(score.value)
    return Sentence(
        tone,
        say(
            "{start}: score {score} on {rows:,} unseen rows, where 1 means that boosted trees cannot tell the rows "
            "apart. Real training rows reach {training:.3f}, independently drawn columns {independent:.3f}.",
            start=say(start),
            score=ranged(score),
            rows=beside["rows of each side"],
            training=beside["training rows"],
            independent=beside["independent columns"],
        ),
    )


def realism_sentences(evaluation: Evaluation) -> list[Sentence]:
    """The score against unseen rows, what gives the rows away, and memory; without test rows, what detectors say."""
    first = realism_headline(evaluation)
    if first is None:
        return _by_other_detectors(evaluation)
    out = [first]
    if evaluation.scores["unseen_score"].value < evaluation.details["unseen rows"]["training rows"] - NOISE:
        out.append(Sentence("note", _given_away(evaluation)))
    return [*out, _memory(evaluation.scores["unseen_overfit"])]


def _verdict(score: float) -> tuple[str, str]:
    """Tone and first words."""
    if score >= DETECTED:
        return "good", mark("Hard to detect")
    return ("bad", mark("DETECTED")) if score < EASILY else ("note", mark("Possible to detect"))


def is_lost(value: float) -> bool:
    """Whether a part of the score that is lost can be seen, by its three digits; one below zero is of chance."""
    return round(value, 3) > 0


def _given_away(evaluation: Evaluation) -> str:
    """Whether single columns or their joint give the rows away."""
    columns, joint = (evaluation.scores[name].value for name in ("unseen_columns", "unseen_joint"))
    if not is_lost(joint):
        return say(
            "What gives the rows away is single columns: they cost {columns:.3f} of the score, and relations between "
            "columns nothing more.{used}",
            columns=columns,
            used=_columns(evaluation),
        )
    if not is_lost(columns):
        return say(
            "What gives the rows away is the relations between columns: they cost {joint:.3f} of the score, and single "
            "columns nothing.{used}",
            joint=joint,
            used=_columns(evaluation),
        )
    return say(
        "What gives the rows away is mostly {blame}: relations between columns cost {joint:.3f} of the score, single "
        "columns {columns:.3f}.{used}",
        blame=say("the relations between columns") if joint > columns else say("single columns"),
        joint=joint,
        columns=columns,
        used=_columns(evaluation),
    )


def _memory(overfit: Score) -> Sentence:
    """Whether the score against training rows is higher than noise allows."""
    low, high = overfit.low or 0.0, overfit.high or 0.0
    by = say("{value:+z.3f} ({low:+z.3f} to {high:+z.3f})", value=overfit.value, low=low, high=high)
    if low > NOISE:
        text = say(
            "Part of the realism is memory: against training rows the score is higher by {by}, more than noise and "
            "more than {noise:g}.",
            by=by,
            noise=NOISE,
        )
        return Sentence("bad", text)
    if low > 0:
        text = say("The rows fit training rows slightly better than unseen ones: the score is higher by {by}.", by=by)
        return Sentence("note", text)
    return Sentence("good", say("No overfitting beyond noise: the score against training rows differs by {by}.", by=by))


def _by_other_detectors(evaluation: Evaluation) -> list[Sentence]:
    kinds = {
        "xgb_c2st_test": mark("held-out"),
        "xgb_c2st": mark("training"),
        "detection": evaluation.details.get("detection against"),
    }
    name = next((name for name in kinds if name in evaluation.scores), None)
    if name is None:
        return []
    score = evaluation.scores[name]
    tone, start = _verdict(score.value)
    given = "" if tone == "good" else _columns(evaluation)
    text = say(
        "{start}: a boosted classifier that tries to tell the rows from {kind} ones scores {score} (1: it cannot, 0: "
        "it always can).{used}",
        start=say(start),
        kind=say(kinds[name]),
        score=ranged(score),
        used=given,
    )
    return [Sentence(tone, text)]


def _columns(evaluation: Evaluation) -> str:
    """What a detector went by."""
    given = list(evaluation.details.get("given away by columns", {}).items())[:GIVEN]
    named = listed(say("{level} ({share:.0%})", level=name, share=share) for name, share in given)
    return say(" They mostly use {named}.", named=named) if given else ""
