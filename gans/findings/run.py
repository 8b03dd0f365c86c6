"""What the figures of a run say, in sentences: every one from a rule with a number in it."""

from typing import TypeVar

import numpy as np

from gans.data.personal.lines import kept_lines, left_out_lines
from gans.evaluation.column_counts import shares
from gans.findings.sentence import Sentence
from gans.runs.finish import RunResults
from gans.tracking.jsonl import series

Name = TypeVar("Name")

NOISE_FACTOR, NOISE_MARGIN, MOST_NOISE = 0.5, 0.01, 0.04
CLOSE, FAR = 0.05, 0.15
VERDICTS = ["within noise", "close", "off", "far off"]
FALL = 0.01
MISSING = 0.05
MOST_NAMED = 5
COARSE = 0.05
LOSSES = "Losses prove nothing: generator and critic move against each other, and neither says how real the rows are."
PRIVACY = "This page is no proof of privacy: a generator that copied training rows would look good here."
PAIR = " \N{MULTIPLICATION SIGN} "


def verdict(distance: float, floor: float) -> str:
    """A distance beside the one that real rows have: 'within noise', 'close', 'off' or 'far off'.

    The excess over the floor counts: within noise up to half the floor plus 0.01, at most 0.04; close below 0.05, off
    below 0.15.
    """
    excess = distance - floor
    if excess <= min(NOISE_FACTOR * floor + NOISE_MARGIN, MOST_NOISE):
        return "within noise"
    return "close" if excess < CLOSE else "off" if excess < FAR else "far off"


def worst(distances: dict[Name, float], floor: dict[Name, float]) -> list[tuple[Name, float, float, str]]:
    """(name, distance, floor, verdict) of columns or pairs, the largest excess over the floor first.

    One floor is one draw and may be small by luck, so the verdict takes at least the median floor.
    """
    typical = float(np.median(list(floor.values()))) if floor else 0.0
    rows = [(name, value, floor[name], verdict(value, max(floor[name], typical))) for name, value in distances.items()]
    return sorted(rows, key=lambda row: row[2] - row[1])


def duration(seconds: float) -> str:
    """Seconds for a reader: '8.4 s', '12 min 5 s', '3 h 20 min'."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def headline(report: RunResults) -> Sentence:
    """The verdict on the run."""
    if report.status == "diverged":
        text = "The run diverged: its losses ceased to be finite. This page measures its last finite generator."
        return Sentence("bad", f"{text} Mend the run before using its rows.")
    out = _of_images(report) if report.schema.images else _overall(report)
    if report.status == "interrupted":
        tone = "bad" if out.tone == "bad" else "note"
        return Sentence(tone, f"The run was interrupted before its last step. {out.text}")
    return out


def _of_images(report: RunResults) -> Sentence:
    scores = report.summary.get("scores", {})
    if not all("fid" in scores.get(side, {}) for side in ("holdout", "floor")):
        return Sentence("note", "Images were not judged by a network: look at them below.")
    found, floor = scores["holdout"]["fid"], scores["floor"]["fid"]
    text = f"FID to held-out images {found:.2f}; training images have {floor:.2f}. Look at them below."
    return Sentence("good" if found < 2 * floor else "note", text)


def _overall(report: RunResults) -> Sentence:
    found, floor = report.against_holdout.scores(), report.floor.scores()
    means = [verdict(found[key], floor[key]) for key in ("column_distance", "pair_distance")]
    level = max(means, key=VERDICTS.index)
    if level == "far off":
        return Sentence("bad", "Not like the real table: its columns or pairs of columns are far off on average.")
    if level == "off":
        return Sentence("note", "Recognisable, but off on average: read which columns and pairs are wrong before use.")
    columns = worst(report.against_holdout.columns, report.floor.columns)
    wrong = [name for name, _, _, words in columns if words in ("off", "far off")]
    average = "within the noise of real rows" if level == "within noise" else "close to the real table"
    if wrong:
        few = _count(len(wrong), "column is", "columns are")
        return Sentence("note", f"On average {average}, but {few} off: see which before use.")
    if level == "close":
        return Sentence("good", "Close to the real table in single columns and pairs, though not within noise.")
    text = (
        "Within noise: in single columns and pairs, synthetic rows are about as near to held-out rows as real rows are."
    )
    return Sentence("good", text)


def sentences(report: RunResults) -> list[Sentence]:
    """What is good and what is not, then what this page cannot tell."""
    if report.schema.images:
        return [*_left_out(report), *(Sentence("note", text) for text in (LOSSES, PRIVACY))]
    measured = [*_status(report), *_personal(report), *_distances(report), *_missing(report), *_fall(report)]
    return [*measured, *_left_out(report), *_limits(report)]


def _left_out(report: RunResults) -> list[Sentence]:
    """What could not be computed after training."""
    return [
        Sentence("note", f"{name} is left out: {reason}.")
        for name, reason in report.summary.get("left_out", {}).items()
    ]


def _status(report: RunResults) -> list[Sentence]:
    if report.status == "completed":
        return []
    steps = f"{report.summary.get('steps', 0):,}"
    if report.status == "diverged":
        return [
            Sentence("bad", f"The run diverged at step {steps}: every figure here is of the last finite checkpoint.")
        ]
    return [Sentence("bad", f"The run is {report.status} at step {steps}: it may not have had its full training.")]


def _personal(report: RunResults) -> list[Sentence]:
    kept = [Sentence("bad", line) for line in kept_lines(report.schema)]
    return [*kept, *(Sentence("note", line) for line in left_out_lines(report.schema))]


def _distances(report: RunResults) -> list[Sentence]:
    found, floor = report.against_holdout, report.floor
    score, most = found.scores()["score"], floor.scores()["score"]
    out = []
    tone = "good" if most - score <= NOISE_MARGIN else "bad" if most - score >= CLOSE else "note"
    out.append(
        Sentence(tone, f"Score {score:.3f} against held-out rows, where real rows have {most:.3f} (1 is the most).")
    )
    columns = worst(*({(name,): value for name, value in side.columns.items()} for side in (found, floor)))
    pairs = worst(found.pairs, floor.pairs)
    for rows, one, many in ((columns, "column", "columns"), (pairs, "pair of columns", "pairs of columns")):
        wrong = [row for row in rows if row[3] != "within noise"]
        if not rows:
            continue
        if not wrong:
            out.append(
                Sentence(
                    "good",
                    f"All {len(rows):,} {many} are within noise." if len(rows) > 1 else f"The {one} is within noise.",
                )
            )
            continue
        if len(wrong) < len(rows):
            out.append(Sentence("good", f"{len(rows) - len(wrong):,} of {len(rows):,} {many} are within noise."))
        text = _count(len(wrong), f"{one} is", f"{many} are") + " beyond noise"
        text += ", the worst" if len(wrong) > MOST_NAMED else ", worst first" if len(wrong) > 1 else ""
        named = "; ".join(
            f"{PAIR.join(name)} {value:.3f} (real rows {low:.3f}, {words})"
            for name, value, low, words in wrong[:MOST_NAMED]
        )
        tone = "bad" if wrong[0][3] in ("off", "far off") else "note"
        out.append(Sentence(tone, f"{text}: {named}."))
    return out


def _missing(report: RunResults) -> list[Sentence]:
    out = []
    rows = np.array([report.training.num_rows, report.synthetic.num_rows])
    for column in report.schema.features:
        missing = np.array([table[column.name].null_count for table in (report.training, report.synthetic)])
        real, synthetic = shares(missing, rows)
        if synthetic == 1 > real:
            out.append(Sentence("bad", f"{column.name}: every synthetic value is missing."))
        elif abs(real - synthetic) > MISSING:
            out.append(
                Sentence(
                    "bad",
                    f"{column.name}: {synthetic:.1%} of the synthetic values are missing, {real:.1%} of the real ones.",
                )
            )
    return out


def _fall(report: RunResults) -> list[Sentence]:
    steps, scores = series(report.history, "holdout/score")
    if not len(steps):
        text = "The score was not followed during training: whether more or fewer steps would help is not known."
        return [Sentence("note", text)]
    best = int(scores.argmax())
    highest = f"{scores[best]:.3f} at step {steps[best]:,.0f}"
    if scores[best] - scores[-1] > FALL:
        text = f"The held-out score fell after its best step: {highest}, {scores[-1]:.3f} at step {steps[-1]:,.0f}."
        return [Sentence("bad", f"{text} Rows from the last parameters are worse than rows from the best ones.")]
    if best == len(scores) - 1 > 0:
        return [Sentence("note", "The held-out score was best at its last evaluation: more steps may still help.")]
    return [Sentence("good", f"The held-out score ended within {FALL} of its best, {highest}.")]


def _limits(report: RunResults) -> list[Sentence]:
    out = []
    coarse = report.floor.scores()["column_distance"]
    if coarse > COARSE:
        text = (
            f"Held-out and training rows differ by {coarse:.3f} a column: with so few rows, small faults do not show."
        )
        out.append(Sentence("note", text))
    many = len(report.schema.features)
    if len(report.against_holdout.pairs) < many * (many - 1) // 2:
        out.append(
            Sentence(
                "note", f"A fixed random {len(report.against_holdout.pairs):,} of the pairs of columns were measured."
            )
        )
    fixed = (
        "Only single columns and pairs are measured: what takes three columns to see is not on this page.",
        LOSSES,
        PRIVACY,
    )
    return out + [Sentence("note", text) for text in fixed]


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
