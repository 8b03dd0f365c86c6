"""The personas of a run, and whether real customers fall into them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.findings.answers import Interval, shown
from gans.findings.sentence import Sentence
from gans.words import mark, say

AGREES, ALIKE = 0.05, 0.05


@dataclass
class Trait:
    """What sets a segment apart in one column.

    Attributes:
        column: its name.
        strength: 0 to 1: of a number |2 P(a customer of the segment has more than another) - 1|, of a level the
            difference of its shares.
        words: in plain words.
        short: in two or three words.
    """

    column: str
    strength: float
    words: str
    short: str


@dataclass
class Persona:
    """A segment.

    Attributes:
        name: of its two strongest traits.
        share: of the synthetic customers.
        held_out_share: its share of the held-out real customers, with an interval.
        traits: what sets it apart, the strongest first.
        typical: by column the median or the most frequent level, with the middle half or its share, as text.
        places: by column of numbers, where its median lies among all customers, 0 to 1.
        examples: synthetic customers of it, none of whom equals a training row.
    """

    name: str
    share: float
    held_out_share: Interval
    traits: list[Trait]
    typical: dict[str, str]
    places: dict[str, float]
    examples: list[dict[str, Any]]


@dataclass
class Personas:
    """The personas of a run.

    Attributes:
        k: number of segments.
        icl: by number of segments the criterion that chose it; empty where it was given.
        agreement: adjusted Rand index on held-out customers between segments of half of the training rows and of as
            many synthetic ones.
        ceiling: the same between both halves of the training rows, what a table as good as the real one has.
        points: of synthetic rows the first two components and the segment, [rows, 3].
    """

    personas: list[Persona]
    k: int
    icl: dict[int, float]
    agreement: Interval
    ceiling: Interval
    points: np.ndarray
    held_out_rows: int


def agreement_sentences(personas: Personas) -> list[Sentence]:
    """Whether real customers fall into the same segments, in words."""
    tone = (
        "good"
        if personas.agreement[0] >= personas.ceiling[0] - AGREES
        else "note"
        if personas.agreement[0] > 0.3
        else "bad"
    )
    start = {
        "good": mark("Real customers fall into the same segments"),
        "note": mark("Real customers fall into the same segments in part"),
        "bad": mark("Real customers do not fall into these segments"),
    }[tone]
    text = say(
        "{start}: for {rows:,} held-out customers, segments learned from synthetic rows agree with segments learned "
        "from half of the training rows by {agreement}, segments learned from the other half by {ceiling} (adjusted "
        "Rand index: 1 is the same, 0 is chance).",
        start=say(start),
        rows=personas.held_out_rows,
        agreement=shown(personas.agreement),
        ceiling=shown(personas.ceiling),
    )
    out = [Sentence(tone, text)]
    if personas.ceiling[0] < 0.5:
        text = say(
            "Segments of two samples of real rows differ as well: the table has no sharp segments, only a rough map."
        )
        out.append(Sentence("note", text))
    gap = max(personas.personas, key=lambda one: abs(one.share - one.held_out_share[0]))
    off = abs(gap.share - gap.held_out_share[0])
    text = say(
        "The shares of the segments differ by at most {off:.1%} ({name}: {share:.1%} of synthetic customers, "
        "{held:.1%} of held-out ones).",
        off=off,
        name=gap.name,
        share=gap.share,
        held=gap.held_out_share[0],
    )
    out.append(Sentence("good" if off <= ALIKE else "note", text))
    if personas.icl:
        text = say(
            "{k} segments, because that number has the lowest ICL of 2 to {most}.",
            k=personas.k,
            most=max(personas.icl),
        )
        out.append(Sentence("note", text))
    return out
