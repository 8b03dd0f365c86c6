"""Event logs as DuckDB views of standard columns, checked before anything is counted."""

import contextlib
import datetime as dt
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.delimited.options import TextOptions
from gans.data.events.column_names import find_columns
from gans.data.files import read_files
from gans.data.formats import READABLE, format_of, remedy
from gans.data.sql import check_expression, check_select, first_line
from gans.errors import UserError, nearest

log = logging.getLogger("gans")

QUERY = re.compile(r"(?i)\s*(select|with|from)\b")
OFFSET = r"(?:[+-]\d{2}(?::?\d{2})?|[zZ]| ?UTC)$"
EPOCHS = ("1990-01-01", "2100-01-01")  # between which numbers are times since 1970
GAP = 30  # minutes without a page after which a visit is over


@dataclass(frozen=True)
class Kind:
    """What a log holds.

    Attributes:
        columns: that it must have; of `customers`, the key.
        optional: that it may have.
        defaults: expressions of columns that are not given.
    """

    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    defaults: Mapping[str, str] | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """Those that it must have, and those that it may have."""
        return (*self.columns, *self.optional)


LOGS = {
    "customers": Kind(("customer",), ("since",)),
    "orders": Kind(
        ("customer", "time", "amount"),
        ("order", "quantity", "price", "category", "channel", "discount", "returned"),
        {"order": "time", "quantity": "1", "returned": "coalesce(quantity < 0, false) or amount < 0"},
    ),
    "views": Kind(("customer", "time"), ("session", "pages", "minutes"), {"pages": "1", "minutes": "0"}),
    "social": Kind(("customer", "time", "action"), (), {}),
}
EVENTS = ("orders", "views", "social")


@dataclass
class Log:
    """A log that was found readable.

    Attributes:
        kind: customers, orders, views or social; the view has that name.
        names: its standard columns.
        zoned: whether its times have a zone; None for dates, or without times.
        own: the columns of the source that are no standard ones.
        source: all columns of the source.
        used: columns of the source that are standard ones under another name.
        product: whether the amount is quantity times price.
    """

    kind: str
    names: list[str]
    zoned: bool | None
    own: list[str]
    source: list[str]
    used: list[str]
    product: bool


def open_log(
    connection: Any, kind: str, source: str | pa.Table, given: Mapping[str, str], zone: str, options: TextOptions
) -> Log:
    """Make the view `found_KIND` of a file, a table or a query, with the standard columns and the log's own.

    Args:
        source: the name of a file, a query, a table of the database, or the rows themselves.
        given: expressions, over the source's columns, of standard columns that are not there by their names.
        zone: where the hours of times with a zone are read.
        options: of text files.

    Raises:
        UserError: the source cannot be read, or a column is not there, unknown, or not of its type.
    """
    key = f"data.{kind}"
    named = key if isinstance(source, pa.Table) else f"{key}={source}"
    if isinstance(source, pa.Table):
        connection.register(f"raw_{kind}", source)
    elif files := own_files(source):
        connection.register(f"raw_{kind}", read_files(files, named, options, prefer=kind))
    else:
        run(connection, f"create temp view raw_{kind} as {source_sql(source, key)}", named)
    raw = dict(run(connection, f"select column_name, column_type from (describe raw_{kind})", key))
    spec = LOGS[kind]
    known = spec.all
    for name in given:
        if name not in known:
            raise UserError(f"data.columns.{kind}.{name}: allowed are {', '.join(known)}.{nearest(name, known)}")
    parts: dict[str, str] = {}
    given = {**_named_otherwise(kind, set(known) - set(raw) - set(given), raw, given), **given}
    for name in known:
        if given.get(name) in raw:
            parts[name] = quoted(given[name])
        elif name in given:
            expression(connection, f"data.columns.{kind}.{name}", given[name], f"raw_{kind}")
            parts[name] = f"({given[name]}\n)"  # it may end in a comment
        elif name in raw and name not in given.values():
            parts[name] = quoted(name)
    product = kind == "orders" and "amount" not in parts and {"quantity", "price"} <= set(parts)
    if product:
        parts["amount"] = f"{parts['quantity']} * {parts['price']}"
    for name in spec.columns:
        if name not in parts:
            otherwise = " Give a log without amounts as data.views." if name == "amount" else ""
            raise UserError(
                f"{named}: it has no column '{name}', but {', '.join(raw)}; name the one that is meant by "
                f"data.columns.{kind}.{name}=COLUMN.{otherwise or nearest(name, raw)}"
            )
    if "returned" in parts:
        parts["returned"] = f"coalesce(({parts['returned']})::boolean, false)"
    kinds = run(connection, f"select typeof({parts['customer']}) from raw_{kind} limit 1", key)
    if kinds and kinds[0][0] == "VARCHAR":
        parts["customer"] = f"nullif(trim({parts['customer']}), '')"
    zoned = None
    time = "since" if kind == "customers" else "time"
    if time in parts:
        parts[time], zoned = _time(connection, kind, time, parts[time], zone)
    if "amount" in parts:
        parts["amount"] = _decimal(connection, kind, "amount", parts["amount"])
    if "discount" in parts:
        parts["discount"] = f"coalesce({_decimal(connection, kind, 'discount', parts['discount'])}, 0)"
    renamed = [text.strip('"') for text in given.values()] if kind == "customers" else []
    own = [name for name in raw if name not in parts and name not in renamed]
    columns = [f"{sql} as {name}" for name, sql in parts.items()] + [quoted(name) for name in own]
    inner = f"select {', '.join(columns)} from raw_{kind}"
    made = [f"{sql} as {name}" for name, sql in (spec.defaults or {}).items() if name not in parts]
    outer = f"select *{''.join(f', {sql}' for sql in made)} from ({inner})"
    run(connection, f"create temp view found_{kind} as {outer}", key)
    run(connection, f"select * from found_{kind} limit 0", key)
    return Log(kind, list(parts), zoned, own, list(raw), [name for name in given.values() if name in raw], product)


def _named_otherwise(kind: str, wanted: set[str], raw: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The columns of a source that mean standard ones by another name; says which.

    An order with a price and no quantity has the price for its amount.
    """
    free = {name: type_ for name, type_ in raw.items() if name not in LOGS[kind].all and name not in given.values()}
    found = find_columns(kind, wanted, free)
    if kind == "orders" and {"amount", "quantity"} <= wanted - set(found) and ("price" in found or "price" in raw):
        found["amount"] = found.pop("price", "price")
    if found:
        named = ", ".join(f"{standard} is {name}" for standard, name in found.items())
        log.info("%s: %s (data.columns.%s.NAME=COLUMN overrules it)", kind, named, kind)
    return found


def own_files(source: str) -> list[Path]:
    """The files that are not left to DuckDB (all but Parquet), also by a pattern such as orders/*.csv."""
    path = Path(source).expanduser()
    if QUERY.match(source) or format_of(path) in ("", "parquet"):
        return []
    if not any(sign in source for sign in "*?[") or path.is_file():
        return [path] if path.is_file() else []
    root = Path(path.anchor)
    return sorted(root.glob(str(path.relative_to(root))))


def source_sql(source: str, key: str) -> str:
    """The SELECT of a Parquet file (also a pattern of them), of a query, or of a table of the database.

    Raises:
        UserError: there is no such file.
    """
    if QUERY.match(source):
        return f"select * from (\n{source.rstrip().rstrip(';')}\n)"  # it may end in a comment
    path = Path(source).expanduser()
    kind = format_of(path)
    if not kind:
        if "/" in source or Path(source).exists():
            raise UserError(
                f"{key}={source}: allowed are queries, tables of data.database, and files, or patterns of them: "
                f"{READABLE}.{remedy(path)}"
            )
        return f"select * from {'.'.join(map(quoted, source.split('.')))}"
    if kind != "parquet" or (not any(sign in source for sign in "*?[") and not path.is_file()):
        beside = sorted(one.name for one in path.parent.iterdir() if one.is_file())[:10] if path.parent.is_dir() else []
        raise UserError(f"{key}={source}: no such file." + (f" Next to it are {', '.join(beside)}." if beside else ""))
    text = str(path).replace("'", "''")
    return f"select * from read_parquet('{text}')"


def files_of(source: str, key: str, trust: bool, tables: Iterable[str]) -> list[str]:
    """The files and patterns that a log is read from, so that its connection can be locked to them.

    Args:
        trust: a query may read anything.
        tables: names of the database that are no files.

    Raises:
        UserError: it is a query that is not one SELECT, or reads what it may not.
    """
    if QUERY.match(source):
        return check_select(source, key, trust, tables)[1]
    return [str(Path(source).expanduser())] if format_of(Path(source)) == "parquet" else []


def _time(connection: Any, kind: str, name: str, sql: str, zone: str) -> tuple[str, bool | None]:
    """An expression as TIMESTAMP in `zone`, and whether it had a zone of its own.

    Raises:
        UserError: it is no time, or some have a zone and others do not.
    """
    key = f"data.columns.{kind}.{name}"
    found = run(connection, f"select typeof({sql}) from raw_{kind} where ({sql}) is not null limit 1", key)
    type_ = found[0][0] if found else "TIMESTAMP"
    if type_ == "DATE":
        return f"({sql})::timestamp", None
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('{zone}', {sql})", True
    if type_.startswith("TIMESTAMP"):
        return f"({sql})::timestamp", False
    if type_ != "VARCHAR":
        return _numbered_time(connection, kind, key, sql, type_, zone)
    offset = f"regexp_matches({sql}, '{OFFSET}') and strlen({sql}) > 10"
    many, with_zone, one, other, bad = run(
        connection,
        f"select count({sql}), count(*) filter ({offset}), any_value({sql}) filter ({offset}), "
        f"any_value({sql}) filter (not ({offset})), "
        f"any_value({sql}) filter (try_cast({sql} as timestamp) is null) from raw_{kind}",
        key,
    )[0]
    if bad is not None:
        raise UserError(f"{key}: '{bad}' is not a time; write 2024-01-31 13:05, or use strptime(COLUMN, '%d/%m/%Y').")
    if 0 < with_zone < many:
        raise UserError(
            f"{key}: mixed time zones: '{one}' has a zone, '{other}' has none; give all of them one, or none."
        )
    if with_zone:
        return f"timezone('{zone}', ({sql})::timestamptz)", True
    return f"({sql})::timestamp", False


def _numbered_time(connection: Any, kind: str, key: str, sql: str, type_: str, zone: str) -> tuple[str, bool | None]:
    """Whole numbers as TIMESTAMP: dates such as 20240131, or the time since 1970.

    Raises:
        UserError: they are neither.
    """
    whole = f"({sql})::bigint"
    if type_.endswith(("INT", "INTEGER")):
        date = f"try_strptime({whole}::varchar, '%Y%m%d')"
        low, high, dates, many = run(
            connection, f"select min({whole}), max({whole}), count({date}), count({sql}) from raw_{kind}", key
        )[0]
        if dates == many and low >= 19_000_101 and high <= 21_001_231:
            return date, None
        for unit, micro in (("s", "* 1000000"), ("ms", "* 1000"), ("us", ""), ("ns", "// 1000")):
            ticks = np.array(EPOCHS, f"datetime64[{unit}]").astype(np.int64)
            if ticks[0] <= low and high <= ticks[1]:
                return f"timezone('{zone}', make_timestamptz({whole} {micro}))", True
    raise UserError(
        f"{key}: it holds {type_}; a date or a time is needed, or whole numbers such as 20240131 or seconds since 1970."
    )


def _decimal(connection: Any, kind: str, name: str, sql: str) -> str:
    """Money in exact decimals, so that sums do not depend on their order.

    Raises:
        UserError: a value is no number, or infinite.
    """
    cast = f"try_cast({sql} as decimal(18, 4))"
    found = f"select ({sql})::varchar from raw_{kind} where {cast} is null and ({sql}) is not null limit 1"
    bad = run(connection, found, f"data.columns.{kind}.{name}")
    if bad:
        raise UserError(f"data.columns.{kind}.{name}: '{bad[0][0]}' is not an amount.")
    return cast.replace("try_cast", "cast")


def check_log(connection: Any, log: Log, zone: str, drop_orphans: bool, people: bool) -> tuple[int, dt.datetime, int]:
    """Make the view `KIND` of a log, of the events that count; rows, time of the last one, and how many do not.

    Args:
        drop_orphans: events without a customer do not count, nor events of customers that the table lacks.
        people: whether there is a table of customers.

    Raises:
        UserError: the log is empty, an event has no customer or one that the table lacks (unless they are dropped), no
            time, amount, order or session, or is in the future, or all are dropped.
    """
    key, found = f"data.{log.kind}", f"found_{log.kind}"
    needed = [name for name in LOGS[log.kind].columns if name != "customer"]
    needed += [name for name in ("order", "session") if name in log.names]
    # without a zone a time may be that of a place whose clocks are ahead
    now = f"timezone('{zone}', now())" if log.zoned else "timezone('UTC', now()) + interval 14 hour"
    counts = "".join(f", count(*) filter ({quoted(name)} is null)" for name in needed)
    rows, orphans, later, first, *gaps = run(
        connection,
        f"select count(*), count(*) filter (customer is null), count(*) filter (time > {now}), "
        f"min(time) filter (time > {now}){counts} from {found}",
        key,
    )[0]
    if not rows:
        raise UserError(f"{key}: the log is empty; leave it out, or give one that has events.")
    if orphans and not drop_orphans:
        raise UserError(
            f"{key}: {orphans:,} of {rows:,} events have no customer (data.columns.{log.kind}.customer); "
            "data.orphans=drop leaves them out."
        )
    for name, missing in zip(needed, gaps, strict=True):
        if missing:
            raise UserError(f"{key}: {missing:,} of {rows:,} events have no {name} (data.columns.{log.kind}.{name}).")
    if later:
        raise UserError(f"{key}: {later:,} of {rows:,} events are in the future, the first at {first}.")
    known = "customer is not null"
    if people:
        stranger = f"{known} and customer not in (select customer from customers)"
        many, one = run(connection, f"select count(*), min(customer) from {found} where {stranger}", key)[0]
        if many and not drop_orphans:
            raise UserError(
                f"{key}: {many:,} events are of customers that data.customers lacks, such as '{one}'; "
                "data.orphans=drop leaves them out."
            )
        orphans += many
        known += " and customer in (select customer from customers)" if many else ""
    run(connection, f"create temp view {log.kind} as select * from {found} where {known}", key)
    last = run(connection, f"select max(time) from {log.kind}", key)[0][0]
    if last is None:
        raise UserError(f"{key}: none of its {rows:,} events belongs to a known customer.")
    return rows, last, orphans


def check_customers(connection: Any) -> int:
    """Make the view `customers`; how many the table has.

    Raises:
        UserError: it is empty, or a key is missing or occurs twice.
    """
    rows, known, different = run(
        connection, "select count(*), count(customer), count(distinct customer) from found_customers", "data.customers"
    )[0]
    if not rows:
        raise UserError("data.customers: the table is empty; leave it out, or give one that has customers.")
    if known < rows:
        raise UserError(f"data.customers: {rows - known:,} of {rows:,} rows have no customer.")
    if different < rows:
        key, count = run(
            connection,
            "select customer, count(*) from found_customers group by 1 having count(*) > 1 order by 2 desc, 1 limit 1",
            "data.customers",
        )[0]
        raise UserError(
            f"data.customers: the key '{key}' occurs {count:,} times ({rows - different:,} rows too many); "
            "one row per customer is needed."
        )
    run(connection, "create temp view customers as select * from found_customers", "data.customers")
    return rows


def expression(connection: Any, key: str, sql: str, view: str, grouped: bool = False) -> None:
    """Raise UserError unless `sql` is one expression over the columns of a view, or over its rows by customer."""
    check_expression(sql, f"{key}={sql}")
    text = f"select ({sql}\n) as it from {view}" + (" group by customer" if grouped else "")
    try:
        run(connection, f"{text} limit 0", f"{key}={sql}")
    except UserError as error:
        names = [name for (name,) in run(connection, f"select column_name from (describe {view})", key)]
        raise UserError(f"{error} It is over the columns {', '.join(names)}.") from None


def run(connection: Any, sql: str, what: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement.

    Args:
        values: of its parameters, each a question mark.

    Raises:
        UserError: DuckDB refuses it.
    """
    import duckdb

    with interruptible():
        try:
            return connection.execute(sql, list(values)).fetchall()
        except duckdb.Error as error:
            raise UserError(f"{what}: {first_line(error)}") from None


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn what DuckDB raises where Ctrl-C stops a query into KeyboardInterrupt."""
    try:
        yield
    except (RuntimeError, UserError) as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from None
        raise


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
