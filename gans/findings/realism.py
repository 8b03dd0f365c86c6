"""What is said of how real the rows are: against rows that nothing was learnt from, where there are enough of them."""

from gans.evaluation.results import Evaluation, Score
from gans.findings.sentence import Sentence, ranged

DETECTED, EASILY = 0.9, 0.5
NOISE = 0.02  # of a score: what the training rows themselves lose to test rows; and the overfit that is let pass
GIVEN = 3


def realism_sentences(evaluation: Evaluation) -> list[Sentence]:
    """The score against unseen rows, what gives the rows away, and memory; without test rows, what detectors say."""
    score = evaluation.scores.get("unseen_score")
    if score is None:
        return _by_other_detectors(evaluation)
    beside = evaluation.details["unseen rows"]
    text = f"against {beside['rows of each side']:,} rows that nothing was learnt from, boosted trees give a score of "
    text += f"{ranged(score)}, where 1 means that they cannot tell the rows apart; real training rows have "
    text += f"{beside['training rows']:.3f}, columns drawn independently {beside['independent columns']:.3f}"
    tone, start = _verdict(score.value)
    out = [Sentence(tone, f"{start}: {text}.")]
    if score.value < beside["training rows"] - NOISE:
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
    blame = "how columns go together gives" if joint > columns else "single columns give"
    text = f"Mostly {blame} the rows away: the joint of columns costs {joint:.3f} of the score, "
    return f"{text}single columns {columns:.3f}.{_columns(evaluation)}"


def _memory(overfit: Score) -> Sentence:
    """Whether the score against training rows is higher than noise allows."""
    low, text = overfit.low or 0.0, f"{overfit.value:+.3f} ({overfit.low:+.3f} to {overfit.high:+.3f})"
    if low > NOISE:
        start = "Part of the realism is memory of the training rows: against them the score differs"
        return Sentence("bad", f"{start} by {text}, more than noise and more than {NOISE:g}.")
    if low > 0:
        return Sentence("note", f"The rows fit training rows a little better than unseen ones: the score by {text}.")
    return Sentence("good", f"No overfit beyond noise: against training rows the score differs by {text}.")


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
    text = f"{start}: a boosted classifier tells the rows from {kinds[name]} ones with a score of {ranged(score)} "
    given = "" if tone == "good" else _columns(evaluation)
    return [Sentence(tone, f"{text}(1: it cannot, 0: always).{given}")]


def _columns(evaluation: Evaluation) -> str:
    """What a detector went by."""
    given = list(evaluation.details.get("given away by columns", {}).items())[:GIVEN]
    return f" The trees go by {', '.join(f'{name} ({share:.0%})' for name, share in given)}." if given else ""
