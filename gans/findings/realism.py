"""What is said of how real the rows are: against rows that nothing was learnt from, where there are enough of them."""

from gans.evaluation.results import Evaluation, Score
from gans.findings.sentence import Sentence, ranged

DETECTED, EASILY = 0.9, 0.5
NOISE = 0.02  # of a score: what the training rows themselves lose to test rows; and the overfit that is let pass
GIVEN = 3


def realism_headline(evaluation: Evaluation) -> Sentence | None:
    """The score against unseen rows; None where there were no rows that nothing was learnt from."""
    score = evaluation.scores.get("unseen_score")
    if score is None:
        return None
    beside = evaluation.details["unseen rows"]
    tone, start = _verdict(score.value)
    return Sentence(
        tone,
        f"{start}: score {ranged(score)} against {beside['rows of each side']:,} rows that nothing was learnt from, "
        "where 1 means that boosted trees cannot tell the rows apart. Real training rows have "
        f"{beside['training rows']:.3f}, columns drawn independently {beside['independent columns']:.3f}.",
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
        return "good", "Hard to detect"
    return ("bad", "DETECTED") if score < EASILY else ("note", "Possible to detect")


def _given_away(evaluation: Evaluation) -> str:
    """Whether single columns or their joint give the rows away."""
    columns, joint = (evaluation.scores[name].value for name in ("unseen_columns", "unseen_joint"))
    blame = "the relations between columns" if joint > columns else "single columns"
    return (
        f"What gives the rows away is mostly {blame}: relations between columns cost {joint:.3f} of the score, single "
        f"columns {columns:.3f}.{_columns(evaluation)}"
    )


def _memory(overfit: Score) -> Sentence:
    """Whether the score against training rows is higher than noise allows."""
    low, text = overfit.low or 0.0, f"{overfit.value:+.3f} ({overfit.low:+.3f} to {overfit.high:+.3f})"
    if low > NOISE:
        return Sentence(
            "bad",
            f"Part of the realism is memory of the training rows: the score against them is higher by {text}, more "
            f"than noise and more than {NOISE:g}.",
        )
    if low > 0:
        return Sentence("note", f"The rows fit the training rows slightly better than unseen ones: score {text}.")
    return Sentence("good", f"No overfitting beyond noise: the score against training rows differs by {text}.")


def _by_other_detectors(evaluation: Evaluation) -> list[Sentence]:
    kinds = {
        "xgb_c2st_test": "held-out",
        "xgb_c2st": "training",
        "detection": evaluation.details.get("detection against"),
    }
    name = next((name for name in kinds if name in evaluation.scores), None)
    if name is None:
        return []
    score = evaluation.scores[name]
    tone, start = _verdict(score.value)
    given = "" if tone == "good" else _columns(evaluation)
    return [
        Sentence(
            tone,
            f"{start}: a boosted classifier that tries to tell the rows from {kinds[name]} ones scores {ranged(score)} "
            f"(1: it cannot, 0: it always can).{given}",
        )
    ]


def _columns(evaluation: Evaluation) -> str:
    """What a detector went by."""
    given = list(evaluation.details.get("given away by columns", {}).items())[:GIVEN]
    return f" They mostly use {', '.join(f'{name} ({share:.0%})' for name, share in given)}." if given else ""
