"""Event logs as DuckDB views of standard columns, checked before anything is counted."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gans.data.files import CSV_KINDS, MISSING_WORDS, PARQUET, first_line
from gans.errors import UserError, nearest

CSV = (".csv", ".tsv", ".txt", ".gz")
QUERY = re.compile(r"(?i)\s*(select|with|from)\b")
OFFSET = r"(?:[+-]\d{2}(?::?\d{2})?|[zZ]| ?UTC)$"
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


LOGS = {
    "customers": Kind(("customer",), ("since",)),
    "orders": Kind(
        ("customer", "time", "amount"),
        ("order", "quantity", "price", "category", "channel", "discount", "returned"),
        {"order": "time", "quantity": "1", "returned": "quantity < 0 or amount < 0"},
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
    """

    kind: str
    names: list[str]
    zoned: bool | None
    own: list[str]


def open_log(connection: Any, kind: str, source: str, given: Mapping[str, str], zone: str) -> Log:
    """Make the view `kind` of a file, a table or a query, with the standard columns and the log's own.

    Args:
        given: expressions, over the source's columns, of standard columns that are not there by their names.
        zone: where the hours of times with a zone are read.

    Raises:
        UserError: the source cannot be read, or a column is not there, unknown, or not of its type.
    """
    key = f"data.{kind}"
    kept = "table" if "read_csv(" in (sql := source_sql(source, key)) else "view"  # a CSV file is parsed once
    run(connection, f"create temp {kept} raw_{kind} as {sql}", f"{key}={source}")
    raw = dict(run(connection, f"select column_name, column_type from (describe raw_{kind})", key))
    spec = LOGS[kind]
    known = (*spec.columns, *spec.optional)
    for name in given:
        if name not in known:
            raise UserError(f"data.columns.{kind}.{name}: allowed are {', '.join(known)}.{nearest(name, known)}")
    parts: dict[str, str] = {}
    for name in known:
        if given.get(name) in raw:
            parts[name] = quoted(given[name])
        elif name in given:
            expression(connection, f"data.columns.{kind}.{name}", given[name], f"raw_{kind}")
            parts[name] = f"({given[name]})"
        elif name in raw:
            parts[name] = quoted(name)
    if kind == "orders" and "amount" not in parts and {"quantity", "price"} <= set(parts):
        parts["amount"] = f"{parts['quantity']} * {parts['price']}"
    for name in spec.columns:
        if name not in parts:
            raise UserError(
                f"{key}={source}: it has no column '{name}', but {', '.join(raw)}; name the one that is meant by "
                f"data.columns.{kind}.{name}=COLUMN.{nearest(name, raw)}"
            )
    zoned = None
    time = "since" if kind == "customers" else "time"
    if time in parts:
        parts[time], zoned = _time(connection, kind, time, parts[time], zone)
    if "amount" in parts:
        parts["amount"] = _decimal(connection, kind, "amount", parts["amount"])
    if "discount" in parts:
        parts["discount"] = f"coalesce({_decimal(connection, kind, 'discount', parts['discount'])}, 0)"
    own = [name for name in raw if name not in parts]
    columns = [f"{sql} as {name}" for name, sql in parts.items()] + [quoted(name) for name in own]
    inner = f"select {', '.join(columns)} from raw_{kind}"
    made = [f"{sql} as {name}" for name, sql in (spec.defaults or {}).items() if name not in parts]
    outer = f"select *{''.join(f', {sql}' for sql in made)} from ({inner})"
    run(connection, f"create temp view {kind} as {outer}", key)
    run(connection, f"select * from {kind} limit 0", key)
    return Log(kind, list(parts), zoned, own)


def source_sql(source: str, key: str) -> str:
    """The SELECT of a file (also a pattern such as orders/*.parquet), of a query, or of a table of the database.

    Raises:
        UserError: there is no such file.
    """
    if QUERY.match(source):
        return f"select * from ({source.rstrip().rstrip(';')})"
    suffix, text = Path(source).suffix.lower(), str(Path(source).expanduser()).replace("'", "''")
    if suffix not in (*PARQUET, *CSV):
        if "/" in source or Path(source).exists():
            allowed = ", ".join((*PARQUET, *CSV))
            raise UserError(
                f"{key}={source}: allowed are files ({allowed}), patterns of them, queries, and tables of "
                "data.database."
            )
        return f"select * from {'.'.join(map(quoted, source.split('.')))}"
    path = Path(source).expanduser()
    if not any(sign in source for sign in "*?[") and not path.is_file():
        beside = sorted(one.name for one in path.parent.iterdir() if one.is_file())[:10] if path.parent.is_dir() else []
        raise UserError(f"{key}={source}: no such file." + (f" Beside it are {', '.join(beside)}." if beside else ""))
    if suffix in PARQUET:
        return f"select * from read_parquet('{text}')"
    words = ", ".join(f"'{word}'" for word in MISSING_WORDS)
    # times with an offset stay texts, so that a mixture of both can be seen
    kinds = ", ".join(f"'{kind}'" for kind in CSV_KINDS if kind != "TIMESTAMPTZ")
    return (
        f"select * from read_csv('{text}', nullstr=[{words}], sample_size=-1, hive_partitioning=false, "
        f"auto_type_candidates=[{kinds}])"
    )


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
        raise UserError(f"{key}: it holds {type_}; a date or a time is needed, as in to_timestamp(seconds).")
    offset = f"regexp_matches({sql}, '{OFFSET}') and strlen({sql}) > 10"
    many, with_zone, one, other, bad = run(
        connection,
        f"select count({sql}), count(*) filter ({offset}), any_value({sql}) filter ({offset}), "
        f"any_value({sql}) filter (not ({offset})), "
        f"any_value({sql}) filter (try_cast({sql} as timestamp) is null) from raw_{kind}",
        key,
    )[0]
    if bad is not None:
        raise UserError(f"{key}: '{bad}' is no time; write 2024-01-31 13:05, or use strptime(COLUMN, '%d/%m/%Y').")
    if 0 < with_zone < many:
        raise UserError(
            f"{key}: mixed time zones: '{one}' has a zone, '{other}' has none; give all of them one, or none."
        )
    if with_zone:
        return f"timezone('{zone}', ({sql})::timestamptz)", True
    return f"({sql})::timestamp", False


def _decimal(connection: Any, kind: str, name: str, sql: str) -> str:
    """Money in exact decimals, so that sums do not depend on their order.

    Raises:
        UserError: a value is no number, or infinite.
    """
    cast = f"try_cast({sql} as decimal(18, 4))"
    found = f"select ({sql})::varchar from raw_{kind} where {cast} is null and ({sql}) is not null limit 1"
    bad = run(connection, found, f"data.columns.{kind}.{name}")
    if bad:
        raise UserError(f"data.columns.{kind}.{name}: '{bad[0][0]}' is no amount.")
    return cast.replace("try_cast", "cast")


def check_log(connection: Any, log: Log, drop_orphans: bool) -> tuple[int, dt.datetime, int]:
    """Rows and last time of a log, and how many rows have no customer.

    Raises:
        UserError: it is empty, or a row lacks its customer (unless they are dropped), its time or its amount, or is in
            the future.
    """
    key = f"data.{log.kind}"
    needed = [name for name in LOGS[log.kind].columns if name != "customer"]
    counts = "".join(f", count(*) filter ({name} is null)" for name in needed)
    rows, orphans, last, *gaps = run(
        connection,
        f"select count(*), count(*) filter (customer is null), max(time){counts} from {log.kind}",
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
    now = run(connection, f"select count(*), min(time) from {log.kind} where time > now()::timestamp", key)[0]
    if now[0]:
        raise UserError(f"{key}: {now[0]:,} of {rows:,} events are in the future, the first at {now[1]}.")
    return rows, last, orphans


def check_customers(connection: Any) -> int:
    """How many customers the table of customers has.

    Raises:
        UserError: it is empty, or a key is missing or occurs twice.
    """
    rows, known, different = run(
        connection, "select count(*), count(customer), count(distinct customer) from customers", "data.customers"
    )[0]
    if not rows:
        raise UserError("data.customers: the table is empty; leave it out, or give one that has customers.")
    if known < rows:
        raise UserError(f"data.customers: {rows - known:,} of {rows:,} rows have no customer.")
    if different < rows:
        key, count = run(
            connection,
            "select customer, count(*) from customers group by 1 having count(*) > 1 order by 2 desc, 1 limit 1",
            "data.customers",
        )[0]
        raise UserError(
            f"data.customers: the key '{key}' occurs {count:,} times ({rows - different:,} rows too many); "
            "one row a customer is needed."
        )
    return rows


def expression(connection: Any, key: str, sql: str, view: str, grouped: bool = False) -> None:
    """Raise UserError unless `sql` is one expression over the columns of a view, or over its rows by customer."""
    text = f"select ({sql}) as it from {view}" + (" group by customer" if grouped else "")
    import duckdb

    try:
        if len(connection.extract_statements(text)) != 1:
            raise UserError(f"{key}: one expression is needed, without ';': {sql}")
    except duckdb.Error as error:
        raise UserError(f"{key}={sql}: {first_line(error)}") from None
    try:
        run(connection, f"{text} limit 0", f"{key}={sql}")
    except UserError as error:
        names = [name for (name,) in run(connection, f"select column_name from (describe {view})", key)]
        raise UserError(f"{error} It is over the columns {', '.join(names)}.") from None


def run(connection: Any, sql: str, what: str) -> list[tuple[Any, ...]]:
    """All rows of a statement.

    Raises:
        UserError: DuckDB refuses it.
    """
    import duckdb

    try:
        return connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise UserError(f"{what}: {first_line(error)}") from None


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
