"""What the figures of a run say, in sentences: every one from a rule with a number in it."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gans.data.personal.lines import kept_lines, left_out_lines
from gans.evaluation.column_counts import shares
from gans.findings.kept import steps_sentence
from gans.findings.sentence import Sentence
from gans.runs.finish import RunResults

Name = TypeVar("Name")

NOISE_FACTOR, NOISE_MARGIN, MOST_NOISE = 0.5, 0.01, 0.04
CLOSE, FAR = 0.05, 0.15
VERDICTS = ["within noise", "close", "off", "far off"]
MISSING = 0.05
MOST_NAMED = 5
COARSE = 0.05
LOSSES = (
    "Losses say nothing about quality: generator and discriminator move against each other, and neither loss tells how "
    "real the rows are."
)
PRIVACY = "Closeness is no proof of privacy: a generator that copied training rows would look good on these measures."
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


@dataclass(frozen=True)
class BeyondNoise:
    """The columns and pairs of columns whose distance lies beyond noise, worst first, as `worst` has them.

    Every count on the page is of these.

    Attributes:
        of_columns: how many columns were measured.
        of_pairs: how many pairs were.
    """

    columns: list[tuple[str, float, float, str]]
    pairs: list[tuple[tuple[str, str], float, float, str]]
    of_columns: int
    of_pairs: int

    @property
    def any_off(self) -> bool:
        """Whether a column or a pair is off or far off."""
        return any(row[3] in ("off", "far off") for row in (*self.columns, *self.pairs))

    def words(self) -> str:
        """How many of how many."""
        columns = f"{len(self.columns):,} of {_count(self.of_columns, 'column', 'columns')}"
        if not self.of_pairs:
            return columns
        return f"{columns} and {len(self.pairs):,} of {_count(self.of_pairs, 'pair', 'pairs')} of columns"


def beyond_noise(report: RunResults) -> BeyondNoise:
    """The columns and pairs of a run that are beyond noise."""
    found, floor = report.against_holdout, report.floor
    columns, pairs = worst(found.columns, floor.columns), worst(found.pairs, floor.pairs)
    return BeyondNoise(
        [row for row in columns if row[3] != "within noise"],
        [row for row in pairs if row[3] != "within noise"],
        len(columns),
        len(pairs),
    )


def headline(report: RunResults) -> Sentence:
    """The verdict on the run."""
    if report.status == "diverged":
        text = (
            "The run diverged: its losses are no longer finite. This page measures its last finite generator; find the "
            "cause before you use its rows."
        )
        return Sentence("bad", text)
    out = _of_images(report) if report.schema.images else _overall(report)
    if report.status == "interrupted":
        tone = "bad" if out.tone == "bad" else "note"
        return Sentence(tone, f"The run was interrupted before its last step. {out.text}")
    return out


def _of_images(report: RunResults) -> Sentence:
    scores = report.summary.get("scores", {})
    if not all("fid" in scores.get(side, {}) for side in ("holdout", "floor")):
        return Sentence("note", "The images were not scored by a network: look at them below.")
    found, floor = scores["holdout"]["fid"], scores["floor"]["fid"]
    text = f"FID to held-out images {found:.2f}; training images have {floor:.2f}. Look at them below."
    return Sentence("good" if found < 2 * floor else "note", text)


def _overall(report: RunResults) -> Sentence:
    found, floor = report.against_holdout.scores(), report.floor.scores()
    means = [verdict(found[key], floor[key]) for key in ("column_distance", "pair_distance")]
    level, beyond = max(means, key=VERDICTS.index), beyond_noise(report)
    if not (beyond.columns or beyond.pairs):
        text = (
            "Within noise: in single columns and in pairs of columns, synthetic rows are about as close to held-out "
            "rows as real rows are."
        )
        return Sentence("good", text)
    texts = {
        "far off": f"Not like the real table: far off on average, and beyond noise in {beyond.words()}.",
        "off": f"Recognisable, but off on average: beyond noise in {beyond.words()}.",
        "close": f"Close to the real table on average, but beyond noise in {beyond.words()}.",
        "within noise": f"Within noise on average, but beyond noise in {beyond.words()}.",
    }
    tone = "bad" if level == "far off" else "note" if level == "off" or beyond.any_off else "good"
    return Sentence(tone, texts[level])


def sentences(report: RunResults) -> list[Sentence]:
    """What is good and what is not, then what this page cannot tell."""
    if report.schema.images:
        return [*_left_out(report), *(Sentence("note", text) for text in (LOSSES, PRIVACY))]
    measured = [
        *_status(report),
        *_personal(report),
        *_distances(report),
        *_missing(report),
        steps_sentence(report),
    ]
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


def score_sentence(report: RunResults) -> Sentence:
    """The score of the rows beside that of real ones."""
    score, most = report.against_holdout.scores()["score"], report.floor.scores()["score"]
    tone = "good" if most - score <= NOISE_MARGIN else "bad" if most - score >= CLOSE else "note"
    return Sentence(tone, f"Score {score:.3f} against held-out rows, where real rows have {most:.3f} (1 is the best).")


def _distances(report: RunResults) -> list[Sentence]:
    beyond = beyond_noise(report)
    columns = [((name,), *rest) for name, *rest in beyond.columns]
    out = [score_sentence(report)]
    for wrong, every, one, many in (
        (columns, beyond.of_columns, "column", "columns"),
        (beyond.pairs, beyond.of_pairs, "pair of columns", "pairs of columns"),
    ):
        if not every:
            continue
        if not wrong:
            text = f"All {every:,} {many} are within noise." if every > 1 else f"The {one} is within noise."
            out.append(Sentence("good", text))
            continue
        if len(wrong) < every:
            out.append(Sentence("good", f"{every - len(wrong):,} of {every:,} {many} are within noise."))
        named = "; ".join(
            f"{PAIR.join(name)} {value:.3f} (real rows {low:.3f}, {words})"
            for name, value, low, words in wrong[:MOST_NAMED]
        )
        tone = "bad" if wrong[0][3] in ("off", "far off") else "note"
        if len(wrong) == 1:
            out.append(Sentence(tone, f"1 {one} is beyond noise: {named}."))
        elif len(wrong) <= MOST_NAMED:
            out.append(Sentence(tone, f"{len(wrong):,} {many} are beyond noise, worst first: {named}."))
        else:
            out.append(Sentence(tone, f"{len(wrong):,} {many} are beyond noise, of which the worst are: {named}."))
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
