"""What the figures of a run say, in sentences: every one from a rule with a number in it."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gans.data.personal.lines import kept_lines, left_out_lines
from gans.evaluation.column_counts import shares
from gans.findings.kept import steps_sentence
from gans.findings.sentence import Sentence
from gans.runs.finish import RunResults
from gans.words import mark, say

Name = TypeVar("Name")

NOISE_FACTOR, NOISE_MARGIN, MOST_NOISE = 0.5, 0.01, 0.04
CLOSE, FAR = 0.05, 0.15
VERDICTS = [mark("within noise"), mark("close"), mark("off"), mark("far off")]
MISSING = 0.05
MOST_NAMED = 5
COARSE = 0.05
LOSSES = mark(
    "Losses say nothing about quality: generator and discriminator move against each other, and neither loss tells how "
    "real the rows are."
)
PRIVACY = mark(
    "Closeness is no proof of privacy: a generator that copied training rows would look good on these measures."
)
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
        return say("{seconds:.1f} s", seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return say("{minutes} min {rest} s", minutes=minutes, rest=rest)
    return say("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


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
        every = say("{n:,} column", n=1) if self.of_columns == 1 else say("{n:,} columns", n=self.of_columns)
        columns = say("{n:,} of {every}", n=len(self.columns), every=every)
        if not self.of_pairs:
            return columns
        every = (
            say("{n:,} pair of columns", n=1) if self.of_pairs == 1 else say("{n:,} pairs of columns", n=self.of_pairs)
        )
        pairs = say("{n:,} of {every}", n=len(self.pairs), every=every)
        return say("{columns} and {pairs}", columns=columns, pairs=pairs)


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
        text = say(
            "The run diverged: its losses became infinite or NaN. This page describes its last finite generator; find "
            "the cause before you use its rows."
        )
        return Sentence("bad", text)
    out = _of_images(report) if report.schema.images else _overall(report)
    if report.status == "interrupted":
        tone = "bad" if out.tone == "bad" else "note"
        return Sentence(tone, say("The run was interrupted before its last step. {text}", text=out.text))
    return out


def _of_images(report: RunResults) -> Sentence:
    scores = report.summary.get("scores", {})
    if not all("fid" in scores.get(side, {}) for side in ("holdout", "floor")):
        return Sentence("note", say("The images were not scored by a network: look at them below."))
    found, floor = scores["holdout"]["fid"], scores["floor"]["fid"]
    text = say(
        "FID to held-out images {found:.2f}; training images have {floor:.2f}. Look at them below.",
        found=found,
        floor=floor,
    )
    return Sentence("good" if found < 2 * floor else "note", text)


def _overall(report: RunResults) -> Sentence:
    found, floor = report.against_holdout.scores(), report.floor.scores()
    means = [verdict(found[key], floor[key]) for key in ("column_distance", "pair_distance")]
    level, beyond = max(means, key=VERDICTS.index), beyond_noise(report)
    if not (beyond.columns or beyond.pairs):
        text = say(
            "Within noise: in single columns and in pairs of columns, synthetic rows are about as close to held-out "
            "rows as real rows are."
        )
        return Sentence("good", text)
    texts = {
        "far off": mark("Unlike the real table: far off on average, and beyond noise in {counts}."),
        "off": mark("Recognisable, but inaccurate on average: beyond noise in {counts}."),
        "close": mark("Close to the real table on average, but beyond noise in {counts}."),
        "within noise": mark("Within noise on average, but beyond noise in {counts}."),
    }
    tone = "bad" if level == "far off" else "note" if level == "off" or beyond.any_off else "good"
    return Sentence(tone, say(texts[level], counts=beyond.words()))


def sentences(report: RunResults) -> list[Sentence]:
    """What is good and what is not, then what this page cannot tell."""
    if report.schema.images:
        return [*_left_out(report), *(Sentence("note", say(text)) for text in (LOSSES, PRIVACY))]
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
        Sentence("note", say("{name} is left out: {reason}.", name=name, reason=reason))
        for name, reason in report.summary.get("left_out", {}).items()
    ]


def _status(report: RunResults) -> list[Sentence]:
    if report.status == "completed":
        return []
    step = report.summary.get("steps", 0)
    if report.status == "diverged":
        text = say("The run diverged at step {step:,}: every figure here is of the last finite checkpoint.", step=step)
        return [Sentence("bad", text)]
    text = say(
        "The run is {status} at step {step:,}: it may not have had its full training.",
        status=say(report.status),
        step=step,
    )
    return [Sentence("bad", text)]


def _personal(report: RunResults) -> list[Sentence]:
    kept = [Sentence("bad", line) for line in kept_lines(report.schema)]
    return [*kept, *(Sentence("note", line) for line in left_out_lines(report.schema))]


def score_sentence(report: RunResults) -> Sentence:
    """The score of the rows beside that of real ones."""
    score, most = report.against_holdout.scores()["score"], report.floor.scores()["score"]
    tone = "good" if most - score <= NOISE_MARGIN else "bad" if most - score >= CLOSE else "note"
    text = say(
        "Score {score:.3f} on held-out rows; real rows reach {most:.3f} (1 is the best).", score=score, most=most
    )
    return Sentence(tone, text)


OF_COLUMNS = {
    "all": mark("All {n:,} columns are within noise."),
    "only": mark("The column is within noise."),
    "some": mark("{n:,} of {every:,} columns are within noise."),
    "one": mark("{n} column is beyond noise: {named}."),
    "few": mark("{n:,} columns are beyond noise, worst first: {named}."),
    "many": mark("{n:,} columns are beyond noise, of which the worst are: {named}."),
}
OF_PAIRS = {
    "all": mark("All {n:,} pairs of columns are within noise."),
    "only": mark("The pair of columns is within noise."),
    "some": mark("{n:,} of {every:,} pairs of columns are within noise."),
    "one": mark("{n} pair of columns is beyond noise: {named}."),
    "few": mark("{n:,} pairs of columns are beyond noise, worst first: {named}."),
    "many": mark("{n:,} pairs of columns are beyond noise, of which the worst are: {named}."),
}


def _distances(report: RunResults) -> list[Sentence]:
    beyond = beyond_noise(report)
    columns = [((name,), *rest) for name, *rest in beyond.columns]
    out = [score_sentence(report)]
    for wrong, every, texts in ((columns, beyond.of_columns, OF_COLUMNS), (beyond.pairs, beyond.of_pairs, OF_PAIRS)):
        if not every:
            continue
        if not wrong:
            out.append(Sentence("good", say(texts["all"] if every > 1 else texts["only"], n=every)))
            continue
        if len(wrong) < every:
            out.append(Sentence("good", say(texts["some"], n=every - len(wrong), every=every)))
        named = say("; ").join(
            say(
                "{name} {value:.3f} (real rows {low:.3f}, {verdict})",
                name=PAIR.join(name),
                value=value,
                low=low,
                verdict=say(str(words)),
            )
            for name, value, low, words in wrong[:MOST_NAMED]
        )
        tone = "bad" if wrong[0][3] in ("off", "far off") else "note"
        which = "one" if len(wrong) == 1 else "few" if len(wrong) <= MOST_NAMED else "many"
        out.append(Sentence(tone, say(texts[which], n=len(wrong), named=named)))
    return out


def _missing(report: RunResults) -> list[Sentence]:
    out = []
    rows = np.array([report.training.num_rows, report.synthetic.num_rows])
    for column in report.schema.features:
        missing = np.array([table[column.name].null_count for table in (report.training, report.synthetic)])
        real, synthetic = shares(missing, rows)
        if synthetic == 1 > real:
            out.append(Sentence("bad", say("{name}: every synthetic value is missing.", name=column.name)))
        elif abs(real - synthetic) > MISSING:
            text = say(
                "{name}: {synthetic:.1%} of the synthetic values are missing, {real:.1%} of the real ones.",
                name=column.name,
                synthetic=synthetic,
                real=real,
            )
            out.append(Sentence("bad", text))
    return out


def _limits(report: RunResults) -> list[Sentence]:
    out = []
    coarse = report.floor.scores()["column_distance"]
    if coarse > COARSE:
        text = say(
            "Held-out and training rows differ by {coarse:.3f} per column: with so few rows, small errors do not show.",
            coarse=coarse,
        )
        out.append(Sentence("note", text))
    many, pairs = len(report.schema.features), len(report.against_holdout.pairs)
    if pairs < many * (many - 1) // 2:
        out.append(
            Sentence("note", say("A fixed random sample of {pairs:,} pairs of columns was measured.", pairs=pairs))
        )
    only = say(
        "Only single columns and pairs are measured; errors that involve three or more columns do not show here."
    )
    return out + [Sentence("note", text) for text in (only, say(LOSSES), say(PRIVACY))]
