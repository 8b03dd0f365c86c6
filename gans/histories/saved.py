"""A run of histories on disk: a generator of customers, and one for each chain of their events."""

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.events.chains import AFTER, HIDDEN, LINES, Chain, Shape
from gans.data.events.weeks import first_and_last, possible_days
from gans.errors import UserError, in_range
from gans.histories.averages import settled
from gans.histories.choice import POOL, Choice
from gans.histories.contexts import parent_columns
from gans.histories.counted import attributes, counted, numbers_of
from gans.histories.draw import ChainSampler, uniform
from gans.histories.drawn import Drawn
from gans.histories.shapes import read_shapes
from gans.histories.sides import drawn_side
from gans.histories.where import Rules
from gans.refinement.boosted import MOST_CANDIDATES
from gans.refinement.pools import inclusion, systematic
from gans.runs.files import RunFiles
from gans.runs.saved import SavedRun
from gans.sampling.chunks import ahead
from gans.sampling.sampler import FAR, Sampler
from gans.training.loop import COMPLETED

BLOCK = 20 * POOL  # customers whose events are drawn together
ATTEMPTS = 100  # to draw customers whose events fit `where`
ANOTHER = 15_485_863  # between the seeds of two attempts


class SavedHistories:
    """The folder of a run of histories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shapes = read_shapes(RunFiles(folder).histories)
        self.people = SavedRun.open(self._learned(RunFiles(folder).customers.name))

    @classmethod
    def open(cls, path: str | Path) -> "SavedHistories":
        """The run in a folder.

        Raises:
            UserError: it holds no run of histories, or one that has not ended.
        """
        folder = Path(path).expanduser()
        if not is_histories(folder):
            raise UserError(f"run={path}: it is no run of histories; data=histories makes one.")
        return cls(folder)

    def _learned(self, name: str) -> Path:
        """The folder of a part.

        Raises:
            UserError: it is not learned yet.
        """
        folder = self.folder / name
        if not folder.is_dir() or SavedRun.open(folder).summary.get("status") != COMPLETED:
            raise UserError(
                f"run={self.folder}: its part {name} is not learned yet; go on with the run by trainer.resume=true."
            )
        return folder

    @cached_property
    def chains(self) -> dict[str, ChainSampler]:
        """What draws the children of each chain, by its name.

        Raises:
            UserError: a chain is not learned yet.
        """
        chains: list[Chain] = [one for shape in self.shapes for one in (shape.events, shape.lines) if one]
        return {one.name: ChainSampler(one, SavedRun.open(self._learned(one.name))) for one in chains}

    def most_events(self, kind: str) -> int:
        """The most events that a generated customer has."""
        column = self.people.schema[kind]
        return int(column.bounds[1]) if column.bounds else 1

    @cached_property
    def choice(self) -> Choice | None:
        """By what customers are chosen among candidates; None where they are taken as they come."""
        return Choice.load(RunFiles(RunFiles(self.folder).choice), self.people.run)

    @property
    def attributes(self) -> list[str]:
        """The columns of customers that do not follow from their events."""
        return attributes([column.name for column in self.people.schema.kept], self.shapes)

    def draw(
        self, n: int, seed: int = 0, where: Any = None, start: int = 0, stop: int | None = None
    ) -> Iterator[Drawn]:
        """Customers `start` to `stop` of n, with their events, a block at a time.

        A customer and all of their events depend on the seed and their number only.

        Args:
            where: what the columns of `Drawn.customers` may hold, as `Where.of` reads it.

        Raises:
            UserError: n or seed is out of range; as `Sampler.stream`; or hardly any customer fits.
        """
        in_range("n", n, 1, FAR // MOST_CANDIDATES)
        rules, stop = Rules(where or {}, self.people.schema, self.shapes), n if stop is None else stop

        def block(low: int, high: int) -> Drawn:
            parts, missing = [], np.arange(low, high)
            for attempt in range(ATTEMPTS):
                parts.append(self._chosen(missing, (seed + ANOTHER * attempt) % 2**31, rules))
                missing = np.setdiff1d(missing, parts[-1].customers["customer"].to_numpy() - 1)
                if not len(missing):
                    return parts[0] if len(parts) == 1 else Drawn.joined(parts)
            raise rules.too_few(ATTEMPTS)

        edges = [start, *range(start // BLOCK * BLOCK + BLOCK, stop, BLOCK), stop]
        return ahead(block, pairwise(edges))

    def candidates(
        self, low: int, high: int, seed: int, where: Any = None, pool: int = BLOCK
    ) -> tuple[Drawn, np.ndarray]:
        """Customers low to high as they come, and whether their first and last days are possible [customers].

        The others have no events drawn and are left out, unless a pool has fewer than `POOL` without them.

        Args:
            pool: how many follow each other in a pool.
        """
        people = pa.concat_tables(self._sampler.stream(high, seed, where, start=low, stop=high))
        possible = np.logical_and.reduce([possible_days(people, shape) for shape in self.shapes])
        places = np.flatnonzero(possible | stopgaps(possible, pool, POOL))
        drawn = self.histories(people.take(pa.array(places)), low + places, seed, self._most)
        return drawn, possible[places]

    @cached_property
    def _sampler(self) -> Sampler:
        return self.people.sampler()

    @cached_property
    def _most(self) -> dict[str, int]:
        return {shape.kind: self.most_events(shape.kind) for shape in self.shapes}

    def _chosen(self, numbers: np.ndarray, seed: int, rules: Rules) -> Drawn:
        """Those of the customers with these numbers, ascending, who fit the rules, each chosen from a pool."""
        times = self.choice.refinement.candidates if self.choice else 1
        low, high, size = int(numbers[0]) // POOL, int(numbers[-1]) // POOL + 1, POOL * times  # pools, and of how many
        found, possible = self.candidates(low * size, high * size, seed, rules.of_people, size)
        fits = rules.mask(found.customers)
        weights = np.zeros(len(fits))
        if self.choice:
            weights = self.choice.log_weights(drawn_side([found], self.shapes, self.attributes))
        weights = np.where(fits & possible, weights, -np.inf)
        edges = np.searchsorted(found.customers["customer"].to_numpy() - 1, np.arange(low, high + 1) * size)
        places = []
        for pool, (first, stop) in enumerate(pairwise(edges)):
            start = np.random.default_rng((seed, low + pool)).random()
            places.append(systematic(inclusion(weights[first:stop], POOL), start) + first)
        chosen = np.concatenate(places)
        wanted = np.isin(np.arange(low * POOL, high * POOL), numbers) & fits[chosen]
        digits = {shape.kind: (shape.key, digits_of(self._most[shape.kind])) for shape in self.shapes if shape.key}
        return found.renumbered(chosen[wanted], np.flatnonzero(wanted) + low * POOL + 1, digits)

    def histories(self, people: pa.Table, numbers: np.ndarray, seed: int, most: dict[str, int]) -> Drawn:
        """What customers did.

        Args:
            people: as the generator of customers makes them.
            numbers: of each customer, from 0, ascending: their random numbers and their keys follow from it.
            most: by log, the most events of any customer of the whole draw.
        """
        logs = {shape.kind: self._log(shape, people, numbers, seed, most[shape.kind]) for shape in self.shapes}
        return Drawn(counted(people, numbers + 1, self.shapes, logs), logs)

    def _log(self, shape: Shape, people: pa.Table, numbers: np.ndarray, seed: int, most: int) -> pa.Table:
        kind = shape.kind
        first, last = first_and_last(people, shape)
        count = np.where(np.isnat(first), 0, numbers_of(people[kind])).astype(np.int64)
        parents = people.select(parent_columns(people, shape))
        sums = {name: numbers_of(people[f"{kind}_{name}"]) for name in shape.events.totals}
        sums = settled(sums, shape.events, count)
        if shape.lines:
            sums[LINES] = np.maximum(sums[LINES], count)
            sums = settled(sums, shape.lines, sums[LINES])
        until = np.datetime64(shape.until, "D")
        first, last = (np.where(np.isnat(days), until, np.minimum(days, until)) for days in (first, last))
        if shape.since and not shape.early:
            since = people[shape.since].cast(pa.date32()).to_pandas().to_numpy().astype("datetime64[D]")
            first = np.where(np.isnat(since), first, np.minimum(np.maximum(first, since), until))
            last = np.maximum(first, last)
        who, events = self.chains[kind].draw(parents, count, sums, seed, numbers, first, last)
        place = np.arange(len(who)) - np.searchsorted(who, who)
        minutes = uniform(seed, numbers[who], place) * (3600 // shape.events.step)
        time = events["time"].to_numpy() + (minutes.astype(np.int64) * shape.events.step).astype("timedelta64[s]")
        order = np.lexsort((time, who))
        events = events.set_column(0, "time", pa.array(time)).take(pa.array(order))
        keys = {"customer": numbers[who] + 1}
        own = (numbers[who] + 1) * 10 ** digits_of(most) + place + 1
        if shape.key:
            keys[shape.key] = own
        rows = pa.table({name: pa.array(values) for name, values in keys.items()}).append_column("time", events["time"])
        for name in shape.of_event:
            if name not in HIDDEN:
                rows = rows.append_column(name, events[name])
        return rows if shape.lines is None else self._lines(shape, rows, events, parents.take(pa.array(who)), own, seed)

    def _lines(
        self, shape: Shape, rows: pa.Table, events: pa.Table, parents: pa.Table, numbers: np.ndarray, seed: int
    ) -> pa.Table:
        """The lines of each event, each with the columns of its event [rows].

        Args:
            parents: columns of the customers of the events.
            numbers: of each event.
        """
        assert shape.lines is not None
        for name in shape.of_event:
            parents = parents.append_column(f"event {name}", events[name])
        sums = {name: numbers_of(events[name]) for name in shape.lines.totals}
        count = np.maximum(numbers_of(events[LINES]).astype(np.int64), 1)
        event, lines = self.chains[shape.lines.name].draw(parents, count, sums, seed, numbers % 2**31)
        rows = rows.take(pa.array(event))
        for name in lines.column_names:
            if name not in HIDDEN:
                rows = rows.append_column(name, lines[name])
        if AFTER not in lines.column_names or not len(event):
            return rows
        begins = np.flatnonzero(np.append(True, event[1:] != event[:-1]))
        after = np.maximum(numbers_of(lines[AFTER]), 0).astype(np.int64)
        after -= np.repeat(np.minimum.reduceat(after, begins), np.diff(np.append(begins, len(event))))
        time = rows["time"].to_numpy()
        day = time.astype("datetime64[D]") if shape.key == "order" else np.datetime64(shape.until, "D")
        time = np.minimum(time + after.astype("timedelta64[s]"), (day + np.timedelta64(1, "D")).astype("M8[s]") - 1)
        rows = rows.set_column(rows.column_names.index("time"), "time", pa.array(time))
        return rows.take(pa.array(np.lexsort((time, event))))


def stopgaps(possible: np.ndarray, pool: int, least: int) -> np.ndarray:
    """The first of the impossible ones of each pool, as many as it lacks to `least` possible ones, [customers]."""
    of_pool = np.arange(len(possible)) // pool
    lacking = np.maximum(least - np.bincount(of_pool, possible), 0)
    before = np.cumsum(~possible) - ~possible  # impossible ones before each, in all pools
    return ~possible & (before - before[of_pool * pool] < lacking[of_pool])


def digits_of(most: int) -> int:
    """How many digits the place of an event among so many has."""
    return len(str(max(most, 1)))


def is_histories(folder: Path) -> bool:
    """Whether a folder is that of a run of histories."""
    return RunFiles(folder).histories.is_file()
