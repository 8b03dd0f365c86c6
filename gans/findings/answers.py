"""What a use found: figures of real rows alone and of synthetic ones, with intervals, and sentences from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gans.evaluation.intervals import mean_interval
from gans.findings.sentence import Sentence
from gans.words import mark, say

Interval = tuple[float, float, float]
HIGHER, LOWER = "higher", "lower"

# arms: models of these rows
REAL, SYNTHETIC, BOTH = mark("real rows only"), mark("synthetic rows only"), mark("real and synthetic rows")
WEIGHTS, SMOTE, ADDED = mark("class weights"), "SMOTE", mark("synthetic rows of the rare class")


@dataclass
class Measured:
    """One figure.

    Attributes:
        name: for people.
        better: higher or lower; "" where neither is.
        values: by arm, with an interval of 95% each.
        gains: by arm the difference to the control, with its interval, where it was measured on the same rows.
        share: whether the values are shares, in [0, 1].
    """

    name: str
    better: str
    values: dict[str, Interval]
    gains: dict[str, Interval] = field(default_factory=dict)
    share: bool = False

    def verdict(self, arm: str) -> str:
        """gain, no gain or loss of an arm against the control; "" where that was not measured."""
        if arm not in self.gains or not self.better:
            return ""
        _, low, high = self.gains[arm]
        sign = 1 if self.better == HIGHER else -1
        if not np.isfinite([low, high]).all():
            return mark("not known")
        if min(sign * low, sign * high) > 0:
            return mark("gain")
        return mark("loss") if max(sign * low, sign * high) < 0 else mark("no gain")


@dataclass
class Answer:
    """What a use says of one run, or of several of one table.

    Attributes:
        question: that a person in the business asks.
        method: how it was answered.
        control: the arm that knows real rows only.
        measures: the figures.
        sentences: the answer, the first one is the headline.
        curves: what figures are drawn from.
        tables: further figures, as plain values.
        runs: the answers of single runs that were pooled.
    """

    scenario: str
    question: str
    method: str
    control: str
    measures: list[Measured]
    sentences: list[Sentence] = field(default_factory=list)
    curves: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    runs: list["Answer"] = field(default_factory=list)

    @property
    def arms(self) -> list[str]:
        """All arms, the control first."""
        return list(dict.fromkeys([self.control, *(arm for one in self.measures for arm in one.values)]))

    def __getitem__(self, name: str) -> Measured:
        return next(one for one in self.measures if one.name == name)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "scenario": self.scenario,
            "question": self.question,
            "method": self.method,
            "control": self.control,
            "runs": max(1, len(self.runs)),
            "answer": [
                {"tone": one.tone, "text": one.text} | ({"command": one.command} if one.command else {})
                for one in self.sentences
            ],
            "measures": [
                {
                    "name": one.name,
                    "better": one.better,
                    "values": {arm: _plain(value) for arm, value in one.values.items()},
                    "gains": {arm: _plain(value) for arm, value in one.gains.items()},
                    "verdicts": {arm: one.verdict(arm) for arm in one.gains},
                }
                for one in self.measures
            ],
            "tables": self.tables,
        }


def _plain(value: Interval) -> list[float | None]:
    return [float(f"{one:.6g}") if np.isfinite(one) else None for one in value]


def pool(answers: Sequence[Answer]) -> Answer:
    """One answer of several runs of one table: means, whose intervals know the draw of rows and the training seeds.

    The half width is the root of the summed squares of both: that over rows (mean of the runs), and Student's t over
    runs. The curves and tables are those of the first run.
    """
    first = answers[0]
    if len(answers) == 1:
        return first

    def mean(every: list[Interval], least: float = -np.inf, most: float = np.inf) -> Interval:
        values = np.array([one[0] for one in every])
        if not np.isfinite(every[0][1]) and np.ptp(values) == 0:
            return every[0]
        low, high = mean_interval(values)
        rows = np.nanmean([(one[2] - one[1]) / 2 for one in every]) if np.isfinite(every[0][1]) else 0.0
        half = float(np.hypot(rows, (high - low) / 2))
        low, high = np.clip([values.mean() - half, values.mean() + half], least, most)
        return float(values.mean()), float(low), float(high)

    measures = []
    for place, one in enumerate(first.measures):
        least = 0.0 if one.share or one.better == LOWER else -np.inf  # what should be low are distances and errors
        most = 1.0 if one.share else np.inf
        every = [answer.measures[place] for answer in answers]
        measures.append(
            Measured(
                one.name,
                one.better,
                {arm: mean([each.values[arm] for each in every], least, most) for arm in one.values},
                {arm: mean([each.gains[arm] for each in every]) for arm in one.gains},
                one.share,
            )
        )
    return Answer(
        first.scenario, first.question, first.method, first.control, measures, [], first.curves, first.tables,
        list(answers),
    )  # fmt: skip


def shown(value: Interval, signed: bool = False) -> str:
    """A figure with its interval, as text: three decimals below 10, none from 100 on."""
    most = max(abs(one) for one in value if np.isfinite(one)) if np.isfinite(value).any() else 0.0
    form = f"{'+' if signed else ''}z,.{0 if most >= 100 else 2 if most >= 10 else 3}f"
    middle, low, high = (format(one, form) if np.isfinite(one) else "" for one in value)
    return say("{middle} ({low} to {high})", middle=middle, low=low, high=high) if low else middle


def gain_sentence(measured: Measured, arm: str, control: str) -> Sentence:
    """Whether an arm gains against the control, in words."""
    verdict = measured.verdict(arm)
    gain = shown(measured.gains[arm], signed=True)
    text = say(
        "{arm} compared with {control}: {verdict} in {name}, {gain}.",
        arm=say(arm),
        control=say(control),
        verdict=say(verdict),
        name=say(measured.name),
        gain=gain,
    )
    tone = {"gain": "good", "loss": "bad"}.get(verdict, "note")
    return Sentence(tone, text[0].upper() + text[1:])
