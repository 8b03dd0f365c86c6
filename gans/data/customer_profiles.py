"""Profiles of customers, made of their events by one plan of DuckDB: `data=profiles`."""

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.data.base import Source
from gans.data.delimited.columns import check_names
from gans.data.delimited.options import TextOptions
from gans.data.events.features import Feature
from gans.data.events.logs import (
    EVENTS,
    LOGS,
    Log,
    check_customers,
    check_log,
    expression,
    files_of,
    interruptible,
    open_log,
    run,
)
from gans.data.events.plan import find_features, make_views, profiles_sql
from gans.data.sql import connect, first_line, lock, table_names
from gans.errors import UserError, in_range, nearest, one_of
from gans.files import temporary_folder
from gans.registry import register

log = logging.getLogger("gans")

# half to even, as NumPy, pandas and Arrow round; DuckDB's own takes the digits of the decimal fraction
ROUNDED = "create temp macro rounded(x, digits) as round_even(x * power(10, digits), 0) / power(10, digits)"


@register("data", "profiles")
@dataclass(kw_only=True)
class Profiles(TextOptions, Source):
    """One row a customer, of event logs and a table of customers.

    Each log is a file (Parquet, CSV, JSON lines, Excel), a pattern of files, a query, or the name of a table in
    `database`. Its columns are those of `gans.data.events.logs.LOGS`; `columns` says by SQL expressions which of the
    log's own columns are meant: `data.columns.orders.customer=CustomerID`.

    Attributes:
        orders: order lines: customer, time, amount (or quantity and price); order, category, channel, discount,
            returned.
        views: page views or sessions: customer, time; session, pages, minutes.
        social: social interactions: customer, time, action (follow, unfollow, like, post, message, reply, or others).
        customers: one row a customer: customer; since, and any attributes of their own.
        database: a DuckDB database file, opened for reading, that holds the logs.
        columns: expressions of standard columns, by log.
        reference: the date on which the profiles are drawn up; null for the day after the last event.
        windows: days before the reference date over which orders, spending, visits and interactions are counted, too.
        levels: of category and of channel that have a share of spending of their own.
        features: expressions of further features, by the view that they aggregate (lines, baskets, sent_back, sessions,
            actions), or of finished features (profile).
        outcome: days after the reference date; the column buys_next says whether the customer bought within them.
        orphans: `drop` leaves out events without a customer, or whose customer the table of customers lacks; `refuse`
            does not.
        zone: where the hours of times with a time zone are read.
        memory: GiB that DuckDB may use before it spills to the disk.
        trust: queries of logs may read anything, as other files, extensions and the network; a stored config does not
            say so.
    """

    orders: str = ""
    views: str = ""
    social: str = ""
    customers: str = ""
    database: str | None = None
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    reference: str | None = None
    windows: list[int] = field(default_factory=lambda: [30, 90, 365])
    levels: int = 6
    features: dict[str, dict[str, str]] = field(default_factory=dict)
    outcome: int | None = None
    orphans: str = "refuse"
    zone: str = "UTC"
    memory: float = 1.0
    trust: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_text_options()
        one_of("data.orphans", self.orphans, ("refuse", "drop"))
        in_range("data.levels", self.levels, 1)
        in_range("data.memory", self.memory, 0.1)
        for days in self.windows:
            in_range("data.windows", days, 1)
            if self.windows.count(days) > 1:
                raise UserError(f"data.windows={self.windows}: {days} is there twice.")
        if self.outcome is not None:
            in_range("data.outcome", self.outcome, 1)
            if not self.reference:
                raise UserError(f"data.outcome={self.outcome}: data.reference=DATE is needed, before the log ends.")
        for kind in self.columns:
            if kind not in LOGS:
                raise UserError(f"data.columns.{kind}: allowed are {', '.join(LOGS)}.{nearest(kind, LOGS)}")
        if self.reference:
            try:
                dt.datetime.fromisoformat(self.reference)
            except ValueError:
                raise UserError(f"data.reference={self.reference}: a date is needed, as in 2024-01-31.") from None

    def sources(self) -> dict[str, str]:
        """The logs that are given, by kind."""
        return {kind: source for kind in LOGS if (source := getattr(self, kind))}

    def read(self) -> pa.Table:
        """The profiles, without their keys."""
        table, _ = self.profiles()
        return table.drop_columns(["customer"])

    def profiles(self, tables: Mapping[str, pa.Table] | None = None) -> tuple[pa.Table, list[Feature]]:
        """The profiles [customers, 1 + attributes + features], the key `customer` first, and what features mean.

        Args:
            tables: logs by kind that are no files.

        Raises:
            UserError: no log is given; a log cannot be read or does not fit; a key occurs twice; a feature is in error.
        """
        import duckdb

        began = time.monotonic()
        with self._connection() as connection:
            logs, sentences, last = self._open(connection, self.sources() | dict(tables or {}))
            reference, outcome = self._dates(connection, logs, sentences, last)
            make_views(connection, logs, reference)
            features = find_features(connection, logs, self.windows, self.levels, self.features)
            self._check_own(connection, logs, features, reference)
            with interruptible():
                try:
                    table = connection.sql(profiles_sql(logs, features, reference, outcome)).to_arrow_table()
                except duckdb.Error as error:
                    raise UserError(f"data: profiles cannot be made: {first_line(error)}") from None
        table = _plain(table)
        if not table.num_rows:
            raise UserError(f"data.reference={self.reference}: no customer has an event before it.")
        log.info(
            "profiles: %s customers on %s, of %s; %s columns, %.1f s",
            f"{table.num_rows:,}",
            reference.split("'")[1].removesuffix(" 00:00:00"),
            ", ".join(sentences),
            table.num_columns - 1,
            time.monotonic() - began,
        )
        return table, features

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Any]:
        """A connection within the limit of memory, that spills into a folder of its own, and reads only the logs."""
        with (
            temporary_folder("gans-profiles-") as folder,
            connect(self.database, self.trust) as connection,
        ):
            for setting in (
                f"memory_limit = '{self.memory}GiB'",
                f"temp_directory = '{folder}'",
                "preserve_insertion_order = false",
                "TimeZone = 'UTC'",
            ):
                connection.execute(f"set {setting}")
            tables, files = table_names(connection) if self.database else [], []
            for kind, source in self.sources().items():
                files += files_of(source, f"data.{kind}", self.trust, tables)
            if not self.trust:
                lock(connection, files)
            connection.execute(ROUNDED)
            zones = "select count(*) from pg_timezone_names() where name = ?"
            if run(connection, zones, "data.zone", [self.zone]) == [(0,)]:
                raise UserError(f"data.zone={self.zone}: no time zone has that name; write for example Europe/Rome.")
            yield connection

    def _open(
        self, connection: Any, sources: dict[str, str | pa.Table]
    ) -> tuple[dict[str, Log], list[str], dt.datetime]:
        """The logs as checked views, a text about each, and the time of the last event.

        Where an outcome is asked for, that of the last order.
        """
        if not any(kind in sources for kind in EVENTS):
            raise UserError("data.orders is not set: a log is needed, data.orders, data.views or data.social.")
        for kind in self.columns:
            if kind not in sources:
                raise UserError(f"data.columns.{kind}: data.{kind} is not set.")
        if self.outcome and "orders" not in sources:
            raise UserError(f"data.outcome={self.outcome}: it asks whether a customer buys; data.orders is needed.")
        logs = {
            kind: open_log(connection, kind, source, self.columns.get(kind, {}), self.zone, self.text_options())
            for kind, source in sources.items()
        }
        check_names(self.text_options(), [name for log in logs.values() for name in log.source])
        zoned = {kind: found.zoned for kind, found in logs.items() if found.zoned is not None}
        if len(set(zoned.values())) > 1:
            names = [f"data.{kind} ({'with' if has else 'without'} a zone)" for kind, has in zoned.items()]
            raise UserError(f"mixed time zones: {', '.join(names)}; give the times of all logs a zone, or none.")
        self._same_keys(connection, logs)
        sentences, ends = [], {}
        if "customers" in logs:
            sentences.append(f"{check_customers(connection):,} customers")
        for kind, found in logs.items():
            if kind != "customers":
                rows, ends[kind], orphans = check_log(
                    connection, found, self.zone, self.orphans == "drop", "customers" in logs
                )
                sentences.append(
                    f"{rows:,} rows of {kind}" + (f" ({orphans:,} without a customer left out)" if orphans else "")
                )
        return logs, sentences, ends["orders"] if self.outcome else max(ends.values())

    def _same_keys(self, connection: Any, logs: dict[str, Log]) -> None:
        """Raise UserError where keys are numbers in one log and texts in another."""
        kinds = {
            kind: run(
                connection, f"select typeof(customer) from found_{kind} where customer is not null limit 1", "data"
            )
            for kind in logs
        }
        types = {found[0][0] for found in kinds.values() if found}
        if len(types) > 1 and "VARCHAR" in types:
            raise UserError(
                "data: the key of a customer is text in one log and a number in another; write one as the other, "
                "as in data.columns.orders.customer='customer::varchar'."
            )

    def _dates(
        self, connection: Any, logs: dict[str, Log], sentences: list[str], last: dt.datetime
    ) -> tuple[str, str | None]:
        """The reference date, and when a purchase counts for the outcome, as SQL."""
        if not self.reference:
            day = last.date() + dt.timedelta(days=1)
            return f"timestamp '{day.isoformat()}'", None
        reference = f"timestamp '{dt.datetime.fromisoformat(self.reference).replace(tzinfo=None).isoformat(sep=' ')}'"
        if self.outcome:
            end = dt.datetime.fromisoformat(self.reference) + dt.timedelta(days=self.outcome)
            if end.date() > last.date() + dt.timedelta(days=1):
                raise UserError(
                    f"data.outcome={self.outcome}: the orders end on {last.date()}, "
                    f"{self.outcome} days after {self.reference} are on {end.date()}."
                )
            return reference, f"time >= {reference} and time < timestamp '{end.isoformat()}'"
        after = [
            f"{many:,} {kind}"
            for kind in logs
            if kind != "customers"
            and (many := run(connection, f"select count(*) from {kind} where time >= {reference}", "data")[0][0])
        ]
        if after:
            sentences.append(f"not used because they lie after it: {', '.join(after)}")
        return reference, None

    def _check_own(self, connection: Any, logs: dict[str, Log], features: list[Feature], reference: str) -> None:
        """Raise UserError for an expression over the finished profile that is in error; the others were checked."""
        own = self.features.get("profile", {})
        plain = [one for one in features if one.name not in own]
        run(connection, f"create temp view finished as {profiles_sql(logs, plain, reference)}", "data")
        for name, sql in own.items():
            expression(connection, f"data.features.profile.{name}", sql.replace("{reference}", reference), "finished")


def _plain(table: pa.Table) -> pa.Table:
    """Sums of whole numbers as int64, other decimals as float64.

    Raises:
        UserError: a column holds lists or other values of several parts.
    """
    for place, column in enumerate(table.schema):
        if pa.types.is_nested(column.type):
            raise UserError(f"data: column '{column.name}' of the profiles holds {column.type}; one value is needed.")
        if pa.types.is_decimal(column.type):
            kind = pa.int64() if column.type.scale == 0 else pa.float64()
            exact = table[column.name].cast(pa.string())  # Arrow's own way to a float is a digit off
            table = table.set_column(place, column.name, exact.cast(kind))
    return table


@register("data", "online_retail")
@dataclass(kw_only=True)
class OnlineRetail(Profiles):
    """Profiles of the published log Online Retail.

    Attributes:
        root: the folder that holds online_retail.parquet.
    """

    root: str | None = None

    def sources(self) -> dict[str, str]:
        """The log in the folder.

        Raises:
            UserError: no folder is given.
        """
        if self.root is None and not self.orders:
            raise UserError("data.root is not set: set it to the folder that contains online_retail.parquet.")
        return super().sources() | (
            {} if self.orders else {"orders": str(Path(str(self.root)) / "online_retail.parquet")}
        )
