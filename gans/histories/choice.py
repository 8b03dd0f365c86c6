"""Whole customers chosen among candidates: by how much likelier they are real, with all their events, than generated.

A chain sees one event at a time, and its small errors add up along a history. Boosted trees that compare customers
joined with what their events add up to see these, as a discriminator of whole customers would. Of a pool of candidates
customers are then taken as `gans.refinement.boosted` takes rows, but for its calibration: what is counted from events
cannot be moved by itself. Nothing of a training customer is copied.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gans.artefacts import read_json, reading
from gans.config.run import Run
from gans.data.codecs import FittedCodec
from gans.data.detection import detect
from gans.data.layout import Encoded
from gans.data.personal.handling import Handling
from gans.data.relations import Relations
from gans.data.schema import Schema, kind_of
from gans.evaluation.history_retention import MONTH, MOST_MONTHS
from gans.evaluation.history_side import Form, History, HistorySide
from gans.files import write_text
from gans.histories.draw import encode
from gans.refinement.base import FittedRefinement, Tell, untold
from gans.refinement.boosted import Boosted
from gans.runs.files import RunFiles

CANDIDATES = 4  # for each customer who is taken: more are nearer to the real ones, and cost as many times the time
POOL = 256  # customers that are taken from one pool, so that a few need a small pool only
MOST_REAL = 10_000  # customers to learn from
GENERATED = 160_000  # candidates to learn from, half of them for the trees and the others for raking
DRAWN = 10_000_000  # rows of their logs: where customers have many events, candidates are fewer
FEWEST, MOST = 6, 64  # candidates for each real customer, whatever the two above say
PAIRS, BINS = 3_000, 10  # pairs of columns that are raked, and parts of a number by itself
GAPS = (1, 7, 14, 30, 60, 90, 180)  # days: classes of the time between events

Describe = Callable[[HistorySide], pa.Table]


@dataclass
class Choice:
    """A density ratio of real to generated customers.

    Attributes:
        form: what aggregates of events have.
        end: by log the day of the last real event.
        codec: of customers as `described` has them.
        refinement: the ratio.
    """

    form: Form
    end: Mapping[str, np.datetime64]
    codec: FittedCodec
    refinement: FittedRefinement

    def log_weights(self, side: HistorySide) -> np.ndarray:
        """The logarithm of the ratio at customers, by their keys, [customers]."""
        return self.refinement.log_weights(encoded(self.codec, described(side, self.form, self.end)))

    def save(self, files: RunFiles) -> None:
        """Write it into a folder like that of a run."""
        files.checkpoints.mkdir(parents=True, exist_ok=True)
        self.codec.schema.write(files.schema)
        self.codec.save(files.codec)
        self.refinement.save(files.refinement)
        known = dataclasses.asdict(self.form) | {"end": {kind: str(day) for kind, day in self.end.items()}}
        write_text(files.form, json.dumps(known, indent=1) + "\n")

    @classmethod
    def load(cls, files: RunFiles, run: Run) -> "Choice | None":
        """What `save` wrote; None where there is none.

        Raises:
            UserError: a file is missing or damaged.
        """
        if not files.form.is_file():
            return None
        codec = FittedCodec.load(files.codec, Schema.read(files.schema))
        refinement = run.refine.load(files.refinement, codec)
        with reading(files.form, "what customers are chosen by"):
            known = read_json(files.form, "what customers are chosen by")
            assert refinement is not None
            end = {kind: np.datetime64(day, "D") for kind, day in known["end"].items()}
            return cls(Form(known["several"], known["few_levels"]), end, codec, refinement)


def rule_of(run: Run) -> Boosted | None:
    """How the ratio is learned; None where a run does not choose rows so.

    By trees of two questions and of large leaves, since customers are few: deeper ones told unseen customers no better.
    And with tenths of numbers: fiftieths of so few customers are left to chance, and the most frequent became too rare.
    """
    rule = run.refine
    if not isinstance(rule, Boosted):
        return None
    return dataclasses.replace(
        rule,
        calibrated=False,
        candidates=rule.candidates or CANDIDATES,
        depth=2,
        leaf=200.0,
        learning_rate=0.1,
        trees=500,
        pairs=PAIRS,
        bins=BINS,
    )


def needed(customers: int, rows: int) -> int:
    """How many candidates the ratio to real customers is learned from.

    Args:
        customers: real ones.
        rows: of their logs.
    """
    each = min(GENERATED // customers, DRAWN // max(rows, 1))
    return customers * min(max(each, FEWEST), MOST)


def learn_choice(
    rule: Boosted, run: Run, real: HistorySide, made: Callable[[Describe], pa.Table], tell: Tell = untold
) -> Choice:
    """Learn the ratio of real to generated customers.

    Args:
        made: candidates as the function that it is given describes them.
        tell: told how far it is.
    """
    end = {kind: history.day.max() for kind, history in real.events.items()}
    table = described(real, real.form, end)
    kinds = {one.name: kind_of(one.type) for one in table.schema}
    schema = detect(table, kinds, personal=Handling(keep=table.column_names))
    codec = run.codec.fit(table, schema, Relations())
    others = made(lambda side: described(side, real.form, end).cast(table.schema))
    return Choice(real.form, end, codec, rule.fit(codec, encoded(codec, table), encoded(codec, others), tell))


def described(side: HistorySide, form: Form, end: Mapping[str, np.datetime64]) -> pa.Table:
    """Customers, by key: attributes, aggregates of their events, when they come back, and the times between events.

    Args:
        end: by log the day of the last real event.
    """
    table = side.aggregates(form)
    for kind, history in side.events.items():
        for name, values in {**_months(history, end[kind]), **_gaps(history)}.items():
            table = table.append_column(f"{kind} {name}", values)
    return table


def _months(history: History, end: np.datetime64) -> dict[str, pa.Array]:
    """By month after the first event whether a customer has an event then; unknown of months that are not over."""
    start = history.day[history.first]
    own, who = np.cumsum(history.first) - 1, history.who[history.first]
    month = ((history.day - start[own]).astype(np.int64) / MONTH).astype(np.int64)
    whole = ((end - start).astype(np.int64) / MONTH).astype(np.int64)
    out = {}
    for number in range(1, MOST_MONTHS + 1):
        there = np.isin(np.arange(len(start)), own[month == number])
        column = np.full(history.customers, "unknown")
        column[who] = np.where(whole > number, np.where(there, "yes", "no"), "unknown")
        out[f"in month {number}"] = pa.array(column)
    return out


def _gaps(history: History) -> dict[str, pa.Array]:
    """How many of the times between a customer's events are of each class."""
    who = history.who[1:][~history.first[1:]]
    places = np.searchsorted(GAPS, history.gaps)
    return {
        f"gaps of class {place}": pa.array(np.bincount(who[places == place], minlength=history.customers))
        for place in range(len(GAPS) + 1)
    }


def encoded(codec: FittedCodec, table: pa.Table) -> Encoded:
    """Described customers as numbers and codes; what no training customer has becomes what some have."""
    out = codec.empty(table.num_rows)
    for fitted in codec.columns:
        encode(out, fitted, table[fitted.column.name])
    return out
