"""Customers and their events as they are: `data=histories`."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.base import Split
from gans.data.customer_profiles import Profiles
from gans.data.events.chains import EVENT, LINES, STEADY, Chain, Shape, find_shape, people_sql
from gans.data.events.logs import EVENTS, quoted, run
from gans.data.events.logs import Log as Found
from gans.data.events.rules import with_opening
from gans.data.events.weeks import in_weeks
from gans.data.named_columns import check_named, counted_columns
from gans.errors import UserError, in_range
from gans.registry import register

log = logging.getLogger("gans")
pc: Any = pyarrow.compute  # its functions are made at run time

FEWEST = 4  # customers
PARENT, PLACE = "place of customer", "place of event"  # names that the columns of logs hardly have


@dataclass
class Children:
    """The rows of a chain, by parent and in order of time.

    Attributes:
        table: their columns, and `time` where the chain is timed.
        parent: the place of the parent of each [rows], ascending.
    """

    chain: Chain
    table: pa.Table
    parent: np.ndarray


@dataclass
class Log:
    """What some of the customers did.

    Attributes:
        events: `parent` is a place among these customers.
        lines: `parent` is a place among the events; None where each event is one row.
    """

    shape: Shape
    events: Children
    lines: Children | None


@register("data", "histories")
@dataclass(kw_only=True)
class Histories(Profiles):
    """Customers with their events, of event logs and a table of customers, by the keys of `data=profiles`.

    Attributes:
        events: most events of a log that are learned from; of a larger log so many customers are drawn.
        lines: most lines of events likewise.
    """

    events: int = 200_000
    lines: int = 500_000

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.events", self.events, 100)
        in_range("data.lines", self.lines, 100)
        profiles = Profiles()
        for key in ("windows", "levels", "features", "outcome"):  # that are of profiles alone
            if (value := getattr(self, key)) != getattr(profiles, key):
                raise UserError(f"data.{key}={value}: data=histories takes the events as they are.")

    def read(self) -> pa.Table:
        """The customers as they are learned: attributes; of each log how many events, when, and their sums."""
        with self.opened() as histories:
            return histories.people

    @contextlib.contextmanager
    def opened(self, tables: Mapping[str, pa.Table] | None = None) -> Iterator["OpenHistories"]:
        """The logs, read and checked.

        Args:
            tables: logs and customers by kind that are no files.

        Raises:
            UserError: as of `data=profiles`.
        """
        with self._connection() as connection:
            logs, sentences, last = self._open(connection, self.sources() | dict(tables or {}))
            reference, _ = self._dates(connection, logs, sentences, last)
            kinds = [
                kind
                for kind in EVENTS
                if kind in logs and run(connection, f"select 1 from {kind} where time < {reference} limit 1", "data")
            ]
            if not kinds:
                raise UserError(f"data.reference={self.reference}: no customer has an event before it.")
            check_named(connection, logs, self.kinds, self.drop)
            shapes = [find_shape(connection, logs[kind], reference, self.kinds, self.drop) for kind in kinds]
            attributes = self._attributes(logs["customers"], shapes) if "customers" in logs else []
            table = connection.sql(people_sql(shapes, "customers" in logs, attributes)).to_arrow_table()
            shapes = [_with_since(one, table) for one in shapes]
            yield OpenHistories(
                connection, shapes, in_weeks(table.drop_columns(["customer"]), shapes), table["customer"]
            )

    def _attributes(self, customers: Found, shapes: Sequence[Shape]) -> list[str]:
        """The columns of a table of customers that are learned: none that follows from the logs, as `orders` does."""
        counted = {name for shape in shapes for name in counted_columns(shape)}
        if both := [name for name in customers.own if name in counted and name not in self.drop]:
            log.info("customers: left out %s (counted from the logs)", ", ".join(both))
        own = [name for name in customers.own if name not in counted and name not in self.drop]
        return own + (["since"] if "since" in customers.names else [])

    def cut(self, table: pa.Table | None = None) -> tuple[pa.Table, pa.Table]:
        """As of any table.

        Raises:
            UserError: as of any table; there are fewer than four customers.
        """
        whole = self.read() if table is None else table
        if whole.num_rows < FEWEST:
            raise UserError(f"data: the logs are of {whole.num_rows} customers; at least {FEWEST} are needed.")
        return super().cut(whole)

    def split(self, table: pa.Table | None = None) -> Split:
        """As of any table; kinds and columns to leave out may be of events, which the customers have not."""
        whole = self.read() if table is None else table
        there = set(whole.column_names)
        kinds = {name: kind for name, kind in self.kinds.items() if name in there} | whole_numbers(whole)
        mine = dataclasses.replace(self, kinds=kinds, drop=[name for name in self.drop if name in there])
        found = super(Histories, mine).split(whole)
        if table is None:
            mine._check_target(found.schema)
        return found


@dataclass
class OpenHistories:
    """Logs that are open.

    Attributes:
        people: the customers as they are learned, of all.
        keys: of these customers.
    """

    connection: Any
    shapes: list[Shape]
    people: pa.Table
    keys: pa.ChunkedArray

    def logs(self, chosen: np.ndarray, events: int, lines: int, seed: int) -> tuple[np.ndarray, list[Log]]:
        """The events of some customers.

        Args:
            chosen: places of the customers that may be read.
            events: of a log at most; with more, so many of the customers are drawn as have these.
            lines: likewise.

        Returns:
            Places of the customers whose events these are, and their logs.
        """
        most = {shape.kind: events for shape in self.shapes}
        most |= {f"{shape.kind}_{LINES}": lines for shape in self.shapes if shape.lines}
        order = np.random.default_rng(seed).permutation(len(chosen))
        fits = np.ones(len(chosen), bool)
        for name, limit in most.items():
            fits &= np.cumsum(self.people[name].to_numpy()[chosen[order]]) <= limit
        places = np.sort(chosen[order[: max(int(fits.argmin()) if not fits.all() else len(fits), 1)]])
        mine = pa.table({"customer": self.keys.take(pa.array(places)), PARENT: np.arange(len(places))})
        self.connection.register("chosen", mine)
        return places, [self._log(shape) for shape in self.shapes]

    def _log(self, shape: Shape) -> Log:
        kind, sql, number = shape.kind, self.connection.sql, quoted(EVENT)
        names = "".join(f", {quoted(one.name)}" for one in shape.events.fields)
        found = sql(
            f"select {quoted(PARENT)}, {number}, time{names} from events_{kind} join chosen using (customer) "
            f"order by {quoted(PARENT)}, time, {number}"
        ).to_arrow_table()
        parent = found[PARENT].to_numpy()
        own = found.drop_columns([PARENT, EVENT])
        events = Children(with_opening(shape.events, own["time"]), own, parent)
        shape = dataclasses.replace(shape, events=events.chain)
        if not shape.lines:
            return Log(shape, events, None)
        self.connection.register("numbered", pa.table({EVENT: found[EVENT], PLACE: np.arange(len(parent))}))
        names = "".join(f", {quoted(one.name)}" for one in shape.lines.fields)
        rows = sql(
            f"select {quoted(PLACE)}{names} from timed_{kind} join numbered using ({number}) "
            f"order by {quoted(PLACE)}, time"
        ).to_arrow_table()
        lines = Children(shape.lines, rows.drop_columns([PLACE]), rows[PLACE].to_numpy())
        return Log(shape, events, lines)


def _with_since(shape: Shape, people: pa.Table) -> Shape:
    """The shape with `since`, where nearly all customers have no event before that date."""
    if "since" not in people.column_names:
        return shape
    early = pc.less(people[f"{shape.kind}_first"].cast(pa.date32()), people["since"].cast(pa.date32()))
    share = pc.mean(early).as_py() or 0.0
    return dataclasses.replace(shape, since="since", early=share > 0) if share <= 1 - STEADY else shape


def whole_numbers(people: pa.Table) -> dict[str, str]:
    """The kind of the columns that count: they are never codes."""
    return {one.name: "integer" for one in people.schema if pa.types.is_integer(one.type)}
