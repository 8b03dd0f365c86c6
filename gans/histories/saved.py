"""A run of histories on disk: a generator of customers, and one for each chain of their events."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.artefacts import read_json, reading
from gans.data.events.chains import AFTER, LINES, Chain, Field, Shape
from gans.data.events.weeks import first_and_last
from gans.errors import UserError
from gans.files import write_text
from gans.histories.contexts import addends, parent_columns
from gans.histories.draw import ChainSampler
from gans.runs.files import RunFiles
from gans.runs.saved import SavedRun

pc: Any = pyarrow.compute  # its functions are made at run time

SHAPES = "histories.json"
CUSTOMERS = "customers"
BLOCK = 50_000  # customers whose events are drawn together


def write_shapes(folder: Path, shapes: list[Shape]) -> None:
    """Write how the logs are learnt."""
    write_text(folder / SHAPES, json.dumps([dataclasses.asdict(shape) for shape in shapes], indent=1) + "\n")


def read_shapes(folder: Path) -> list[Shape]:
    """Read what `write_shapes` wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = folder / SHAPES
    with reading(path, "the shapes of logs"):
        found = read_json(path)
        return [_shape(one) for one in found]


def _shape(found: dict[str, Any]) -> Shape:
    def field(one: dict[str, Any]) -> Field:
        return Field(one["name"], one["form"], tuple(one["levels"]), tuple(one["product"]))

    def chain(one: dict[str, Any]) -> Chain:
        return Chain(**{**one, "fields": tuple(map(field, one["fields"]))})

    lines = chain(found["lines"]) if found["lines"] else None
    people = tuple(map(field, found["people"]))
    return Shape(found["kind"], people, chain(found["events"]), lines, found["key"], found["until"])


@dataclass
class Drawn:
    """Some customers and what they did.

    Attributes:
        customers: key `customer`, attributes; of each log how many events, first and last day, and sums, all counted
            from the events.
        logs: by name their rows: `customer`, a key of events, `time`, columns.
    """

    customers: pa.Table
    logs: dict[str, pa.Table]


class SavedHistories:
    """The folder of a run of histories."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shapes = folder, read_shapes(folder)
        self.people = SavedRun.open(folder / CUSTOMERS)
        self.events, self.lines = {}, {}
        for shape in self.shapes:
            self.events[shape.kind] = self._chain(shape.events)
            if shape.lines:
                self.lines[shape.kind] = self._chain(shape.lines)

    @classmethod
    def open(cls, path: str | Path) -> "SavedHistories":
        """The run in a folder.

        Raises:
            UserError: it holds no run of histories, or one that has not ended.
        """
        folder = Path(path).expanduser()
        if not is_histories(folder):
            raise UserError(f"run={path}: it is no run of histories.")
        return cls(folder)

    def _chain(self, chain: Chain) -> ChainSampler:
        if not RunFiles(self.folder / chain.name).has_checkpoint:
            raise UserError(f"run={self.folder}: its chain {chain.name} is not learnt yet; go on with the run.")
        return ChainSampler(chain, SavedRun.open(self.folder / chain.name))

    def draw(
        self, n: int, seed: int = 0, where: Any = None, start: int = 0, stop: int | None = None
    ) -> Iterator[Drawn]:
        """Customers `start` to `stop` of n, with their events, a block at a time.

        Raises:
            UserError: as `Sampler.stream`.
        """
        sampler, number = self.people.sampler(), start
        sampler.table_rows = BLOCK
        for people in sampler.stream(n, seed, where, start=start, stop=stop):
            yield self.histories(people, np.arange(number, number + people.num_rows), seed)
            number += people.num_rows

    def histories(self, people: pa.Table, numbers: np.ndarray, seed: int) -> Drawn:
        """What customers did.

        Args:
            people: as the generator of customers makes them.
            numbers: of each customer, from 0: its random numbers and its key follow from it.
        """
        logs = {shape.kind: self._log(shape, people, numbers, seed) for shape in self.shapes}
        return Drawn(counted(people, numbers + 1, self.shapes, logs), logs)

    def _log(self, shape: Shape, people: pa.Table, numbers: np.ndarray, seed: int) -> pa.Table:
        kind = shape.kind
        first, last = first_and_last(people, kind)
        count = np.where(np.isnat(first), 0, people[kind].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(int))
        parents = people.select(parent_columns(people, kind, shape.events.totals))
        sums = {name: _numbers(people[f"{kind}_{name}"]) for name in shape.events.totals}
        until = np.datetime64(shape.until, "D")
        first, last = (np.where(np.isnat(days), until, np.minimum(days, until)) for days in (first, last))
        who, events = self.events[kind].draw(parents, count, sums, seed, numbers, first, last)
        place = np.arange(len(who)) - np.searchsorted(who, who)
        minutes = _uniform(seed, numbers[who], place) * (3600 // shape.events.step)
        time = events["time"].to_numpy() + (minutes.astype(np.int64) * shape.events.step).astype("timedelta64[s]")
        order = np.lexsort((time, who))
        events = events.set_column(0, "time", pa.array(time)).take(pa.array(order))
        digits = 10 ** len(str(max(int(count.max(initial=0)), 1)))
        keys = {"customer": numbers[who] + 1}
        if shape.key:
            keys[shape.key] = (numbers[who] + 1) * digits + place + 1
        rows = pa.table({name: pa.array(values) for name, values in keys.items()}).append_column("time", events["time"])
        for name in shape.of_event:
            rows = rows.append_column(name, events[name])
        if shape.lines is None:
            return rows
        of_event = parents.take(pa.array(who))
        for name in shape.of_event:
            of_event = of_event.append_column(f"event {name}", events[name])
        sums = {name: _numbers(events[name]) for name in shape.lines.totals}
        count = np.maximum(_numbers(events[LINES]).astype(int), 1)
        own = (numbers[who] * 1_000_003 + place) % 2**31
        event, lines = self.lines[kind].draw(of_event, count, sums, seed, own)
        rows = rows.take(pa.array(event))
        for name in lines.column_names:
            if name != AFTER:
                rows = rows.append_column(name, lines[name])
        if AFTER not in lines.column_names:
            return rows
        later = np.maximum(lines[AFTER].to_numpy(), 0).astype("timedelta64[s]")
        later -= np.minimum.reduceat(later, np.flatnonzero(np.append(True, event[1:] != event[:-1])))[
            np.unique(event, return_inverse=True)[1]
        ]
        time = rows["time"].to_numpy() + later
        rows = rows.set_column(rows.column_names.index("time"), "time", pa.array(time))
        return rows.take(pa.array(np.lexsort((time, event))))


def is_histories(folder: Path) -> bool:
    """Whether a folder is that of a run of histories."""
    return (folder / SHAPES).is_file()


def counted(people: pa.Table, keys: np.ndarray, shapes: list[Shape], logs: dict[str, pa.Table]) -> pa.Table:
    """Customers with what their logs say of them: how many events, the first and the last day, and sums."""
    made = {f"{shape.kind}{name}" for shape in shapes for name in _own(shape)}
    columns: dict[str, Any] = {"customer": pa.array(keys)}
    columns |= {name: people[name] for name in people.column_names if name not in made}
    for shape in shapes:
        kind, log = shape.kind, logs[shape.kind]
        who = np.searchsorted(keys, log["customer"].to_numpy())
        event = log[shape.key].to_numpy() if shape.key else np.arange(len(who))
        begins = np.append(True, event[1:] != event[:-1])[: len(who)]
        columns[kind] = pa.array(np.bincount(who[begins], minlength=len(keys)))
        none = np.asarray(pc.equal(columns[kind], 0))
        day = log["time"].cast(pa.date32())
        start, end = (
            np.searchsorted(who, np.arange(len(keys))),
            np.searchsorted(who, np.arange(len(keys)), side="right") - 1,
        )
        for name, places in (("first", start), ("last", end)):
            columns[f"{kind}_{name}"] = day.take(pa.array(np.maximum(places, 0), mask=none))
        if shape.lines:
            columns[f"{kind}_{LINES}"] = pa.array(np.bincount(who, minlength=len(keys)))
        chains: list[tuple[Chain, Any]] = [(shape.lines, slice(None))] if shape.lines else []
        chains.append((Chain(kind, tuple(f for f in shape.events.fields if f.name in shape.of_event)), begins))
        for chain, rows in chains:
            for one in chain.fields:
                if one.name == AFTER:
                    continue
                for total, amount in addends(one, log[one.name].combine_chunks()).items():
                    found = np.round(np.bincount(who[rows], amount[rows], len(keys)), 4)
                    whole = one.form != "number"
                    columns[f"{kind}_{total}"] = pa.array(found.astype(np.int64) if whole else found)
    return pa.table(columns)


def _own(shape: Shape) -> list[str]:
    """What follows the name of a log in the names of the columns that count its events."""
    ends = ("", "_first_week", "_first_weekday", "_weeks", "_last_weekday")
    return [*ends, *(f"_{name}" for name in shape.events.totals)]


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A column as float64, 0 where it is missing."""
    return pc.fill_null(column.cast(pa.float64()), 0.0).to_numpy()


def _uniform(seed: int, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """A number in [0, 1) that follows from the seed, the customer and the place of the event (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + places.astype(np.uint64)
        mixed = mixed * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(seed + 1)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)) / float(1 << 53)
