"""Customers and what they did in order, as tables to learn from: customers, their events, the lines of each event.

A chain is a list of children in order of time for each parent: the orders of a customer, the lines of an order. The
parent knows how many there are, their sums and, of events, the first and the last day.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from gans.data.events.logs import Log, quoted, run

MOST_COUNTED = 8  # levels of a column that are counted for each parent
FREE = 100  # rows from which on a text that differs in most of them is left out
STEADY = 0.95  # share of the customers for whom something holds, for it to count as a rule
LINES = "lines"  # of an event, how many
EVENT = "number of event"  # the key of the events of a log, a name that its own columns hardly have
AFTER = "seconds after"  # the first line of its event, where lines have times of their own
NEGATIVE = "below 0"  # whether the numbers of a row are that share their sign, as those of what is returned
HIDDEN = (AFTER, NEGATIVE)  # columns that are learned, and not written
KEYS = {"orders": "order", "views": "session", "social": None}
CODE = re.compile(r"(?i)(^|[_ ])(id|no|nr|number|code|key|sku|ean|zip|postcode)$|(?<=[a-z])(ID|No|Code)$")
FORMS = {"category": "level", "numeric": "number", "integer": "whole", "boolean": "flag"}
EMPTY = '"NULL"'  # DuckDB's type of a column without a value
TYPES = {"number": "double", "whole": "bigint", "flag": "boolean", "level": "varchar"}  # of DuckDB


@dataclass(frozen=True)
class Field:
    """A column of the rows of a log.

    Attributes:
        form: number, whole (a whole number), flag or level.
        levels: those that are counted for each parent, of a column of few.
        product: the two columns whose product it is; such a column is not learned.
        negative_if: the flag that says whether it is below 0, so that its size alone is learned; "" for none.
        count: of a sum over lines, the column in which their number is: it is learned as an average; "" for others.
        always: whether each row has one of the counted levels.
    """

    name: str
    form: str
    levels: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    negative_if: str = ""
    count: str = ""
    always: bool = False

    @property
    def totals(self) -> list[str]:
        """The columns in which a parent has the sum, or the counts of true rows or of rows by level."""
        return [self.name] if self.form != "level" else [f"{self.name}={level}" for level in self.levels]


@dataclass(frozen=True)
class Chain:
    """What is learned of the children of each parent.

    Attributes:
        name: of the log; of lines of events with `_lines` behind it.
        fields: of the children, beside their times.
        timed: whether children have days of their own; else they are alike but for their fields.
        hours: whether times have hours.
        step: seconds that times are whole multiples of within an hour: 1, 60, or 3600 where they have no minutes.
        opening: by weekday, from Monday, the hours in which any event lies.
        adding_up: columns that count an event's lines by level, and together all of them.
    """

    name: str
    fields: tuple[Field, ...]
    timed: bool = False
    hours: bool = False
    step: int = 3600
    opening: tuple[tuple[int, ...], ...] = ()
    adding_up: tuple[tuple[str, ...], ...] = ()

    @property
    def totals(self) -> list[str]:
        """The columns in which a parent has the sums of its children."""
        return [total for one in self.fields for total in one.totals]

    @property
    def learned(self) -> list[Field]:
        """The fields that are no products of others."""
        return [one for one in self.fields if not one.product]


@dataclass(frozen=True)
class Shape:
    """How a log is learned.

    Attributes:
        people: columns that belong to the customer.
        events: the chain of a customer's events.
        lines: the chain of an event's lines; None where each event is one row.
        key: the column that tells events apart, `order` or `session`, if there is one.
        until: the date of the last event, after which none is drawn.
        since: the column of customers before whose date hardly any of their events lies; "" for none.
        early: whether some lie before it.
        left_out: columns that are not learned, and why.
        begin: the date of the first event, before which none is drawn; "" for any.
    """

    kind: str
    people: tuple[Field, ...]
    events: Chain
    lines: Chain | None
    key: str | None
    until: str
    since: str = ""
    early: bool = False
    left_out: tuple[str, ...] = ()
    begin: str = ""

    @property
    def of_event(self) -> list[str]:
        """The columns of an event itself, hidden ones too, without what it sums up of its lines."""
        sums = {LINES, *(self.lines.totals if self.lines else [])}
        return [one.name for one in self.events.fields if one.name not in sums]

    def said(self) -> str:
        """What was found, for people."""
        parts = {
            "of the customer": self.people,
            "of an event": [f for f in self.events.fields if f.name in self.of_event],
        }
        if self.lines:
            parts["of a line"] = self.lines.fields
        signed = [f for f in (self.lines or self.events).fields if f.negative_if]
        parts["below 0 together" if len(signed) > 1 else "below 0 in some"] = signed
        names = {what: [one.name for one in fields if one.name != NEGATIVE] for what, fields in parts.items()}
        named = [f"{what} {', '.join(there)}" for what, there in names.items() if there]
        named += [f"left out {', '.join(self.left_out)}"] if self.left_out else []
        return f"{self.kind}: " + "; ".join(named or ["times only"])


def find_shape(connection: Any, log: Log, reference: str, kinds: Mapping[str, str], drop: Sequence[str] = ()) -> Shape:
    """Which columns of a checked log are its customers', its events' and its lines'.

    Makes the tables `rows_KIND` (customer, number of event, time, columns) and `events_KIND` (the same, with columns
    of an event and sums of its lines), and the view `timed_KIND` (rows with seconds after the first of their event, and
    whether their numbers are below 0), of what happened before the reference date.

    Args:
        reference: an SQL expression of a time.
        kinds: that the user fixed, by column: category, numeric, integer or boolean.
        drop: columns to leave out.

    Raises:
        UserError: a column cannot be read.
    """
    kind, key = log.kind, f"data.{log.kind}"
    named = KEYS[kind] if KEYS[kind] in log.names else None
    types = dict(run(connection, f"select column_name, column_type from (describe {kind})", key))
    skipped = {"customer", "time", named, *log.used, *drop}
    names = [name for name in types if name not in skipped and (name in log.names or name in log.own)]
    forms = {name: FORMS.get(kinds.get(name, ""), _form(name, types[name])) for name in names}
    left_out = {
        name: "it is empty" if types[name] == EMPTY else f"it holds {types[name]}" for name in names if not forms[name]
    }
    left_out |= {
        name: "nearly every row has a text of its own"
        for name in names
        if forms[name] == "level" and name not in kinds and _is_unique(connection, kind, name)
    }
    names = [name for name in names if name not in left_out]
    event = f"{quoted(named)}, time::date" if named == "order" else quoted(named) if named else '"row of log"'
    columns = "".join(f", {quoted(name)}::{TYPES[forms[name]]} as {quoted(name)}" for name in names)
    number = quoted(EVENT)
    run(
        connection,
        f"create temp table rows_{kind} as select customer, "
        f"dense_rank() over (order by customer, {event}) as {number}, "
        f'time{columns} from (select *, row_number() over () as "row of log" from {kind} where time < {reference})',
        key,
    )
    signed = _sharing_sign(connection, kind, [name for name in names if forms[name] in ("number", "whole")])
    made = f", (epoch(time) - epoch(min(time) over (partition by {number})))::bigint as {quoted(AFTER)}"
    if signed:
        made += f", coalesce({quoted(signed[0])} < 0, false) as {quoted(NEGATIVE)}"
        names, forms = [*names, NEGATIVE], forms | {NEGATIVE: "flag"}
    run(connection, f"create temp view timed_{kind} as select *{made} from rows_{kind}", key)
    if run(connection, f"select max({quoted(AFTER)}) from timed_{kind}", key)[0][0]:
        names, forms = [*names, AFTER], forms | {AFTER: "whole"}
    fields = {name: _field(connection, kind, name, forms[name]) for name in names}
    if log.product and {"amount", "quantity", "price"} <= set(fields):
        fields["amount"] = Field("amount", "number", product=("quantity", "price"))
    several = run(connection, f"select count(*) > count(distinct {number}) from rows_{kind}", key)[0][0]
    attributes = [name for name in names if forms[name] in ("level", "flag") and name != NEGATIVE]
    people = [name for name in attributes if _is_steady(connection, kind, name)]
    others = [name for name in names if name not in people]
    of_line = [name for name in others if several and not _is_of_event(connection, kind, name)]
    of_event = [name for name in others if name not in of_line]
    by_event, by_line = (NEGATIVE, f"event {NEGATIVE}") if NEGATIVE in of_event else ("", NEGATIVE)

    def flagged(chosen: Iterable[Field], flag: str) -> tuple[Field, ...]:
        return tuple(replace(one, negative_if=flag) if one.name in signed else one for one in chosen)

    lines = Chain(f"{kind}_lines", flagged((fields[name] for name in of_line), by_line)) if several else None
    sums = {LINES: "count(*)", **_sums(lines)} if lines else {}
    steady = "".join(f", any_value({quoted(name)}) as {quoted(name)}" for name in of_event)
    summed = "".join(f", {sql} as {quoted(name)}" for name, sql in sums.items())
    run(
        connection,
        f"create temp table events_{kind} as select customer, {number}, min(time) as time{steady}{summed} "
        f"from timed_{kind} group by customer, {number}",
        key,
    )
    hours, minutes, seconds, begin, until = run(
        connection,
        "select max(hour(time)) > 0, max(minute(time)) > 0, max(second(time)) > 0, min(time)::date::varchar, "
        f"max(time)::date::varchar from events_{kind}",
        key,
    )[0]
    counts = [tuple(one.totals) for one in (lines.fields if lines else ()) if one.always]
    events = Chain(
        kind,
        flagged((*(fields[name] for name in of_event), *summed_fields(lines)), by_event),
        timed=True,
        hours=bool(hours or minutes or seconds),
        step=1 if seconds else 60 if minutes else 3600,
        adding_up=tuple(names for names in counts if len(names) > 1),
    )
    said = tuple(f"{name} ({why})" for name, why in left_out.items())
    return Shape(kind, tuple(fields[name] for name in people), events, lines, named, until, left_out=said, begin=begin)


def summed_fields(lines: Chain | None) -> list[Field]:
    """The columns in which an event has how many lines it has, and their sums."""
    if lines is None:
        return []
    out = [Field(LINES, "whole")]
    for one in lines.fields:
        number = one.form in ("number", "whole")  # what is counted is a small number, and learned as it is
        form = one.form if number else "whole"
        out += [Field(total, form, count=LINES if number else "") for total in one.totals]
    return out


def people_sql(shapes: Sequence[Shape], has_table: bool, attributes: Sequence[str]) -> str:
    """The query of a row for each customer: attributes, and of each log how many events, when, and their sums.

    Args:
        has_table: whether there is a view `customers`.
        attributes: its columns that are learned.
    """
    keys = " union ".join(f"select distinct customer from events_{shape.kind}" for shape in shapes)
    columns, joins = [f"customers.{quoted(name)}" for name in attributes], f"({keys})"
    if has_table:
        joins = f"(select customer from customers union {keys}) as people left join customers using (customer)"
    else:
        joins += " as people"
    for shape in shapes:
        kind, own = shape.kind, [one.name for one in shape.people if one.name not in attributes]
        latest = "".join(f", arg_max({quoted(name)}, time) as {quoted(name)}" for name in own)
        if own:
            joins += f" left join (select customer{latest} from rows_{kind} group by customer) as steady_{kind}"
            joins += " using (customer)"
        columns += [f"steady_{kind}.{quoted(name)}" for name in own]
        sums = "".join(f", {sql} as {quoted(name)}" for name, sql in _sums(shape.events).items())
        joins += (
            " left join (select customer, count(*) as events, min(time)::date as first_day, "
            f"max(time)::date as last_day{sums} from events_{kind} group by customer) as of_{kind} using (customer)"
        )
        columns += [f"coalesce(of_{kind}.events, 0) as {quoted(kind)}"]
        columns += [f"of_{kind}.{end}_day as {quoted(f'{kind}_{end}')}" for end in ("first", "last")]
        columns += [
            f"coalesce(of_{kind}.{quoted(name)}, 0) as {quoted(f'{kind}_{name}')}" for name in shape.events.totals
        ]
    return f"select people.customer, {', '.join(columns)} from {joins} order by people.customer"


def _sums(chain: Chain) -> dict[str, str]:
    """By column of the parent, what sums its children up, as SQL."""
    out = {}
    for one in chain.fields:
        name = quoted(one.name)
        if one.form in ("number", "whole"):
            out[one.name] = f"round(coalesce(sum({name}), 0)::double, 4)::{TYPES[one.form]}"
        elif one.form == "flag":
            out[one.name] = f"count(*) filter ({name})"
        for level in one.levels:
            text = level.replace("'", "''")
            out[f"{one.name}={level}"] = f"count(*) filter ({name} = '{text}')"
    return out


def _form(name: str, kind: str) -> str:
    """number, flag or level by the type of a column; nothing where it is not learned."""
    if kind.endswith("]"):
        return ""  # a list
    if kind == "BOOLEAN":
        return "flag"
    if kind.startswith(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINY", "USMALL", "UINT", "UBIG")):
        return "level" if CODE.search(name) else "whole"
    if kind.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
        return "number"
    return "level" if kind.startswith(("VARCHAR", "ENUM", "UUID")) else ""


def _field(connection: Any, kind: str, name: str, form: str) -> Field:
    """A field with the levels that are counted: all of a column of few."""
    if form != "level":
        return Field(name, form)
    column = quoted(name)
    found = run(
        connection,
        f"select {column} from rows_{kind} group by 1 order by 1 nulls last limit {MOST_COUNTED + 2}",
        f"data.{kind}",
    )
    levels = tuple(level for (level,) in found if level is not None)
    return (
        Field(name, form, levels, always=len(levels) == len(found))
        if len(levels) <= MOST_COUNTED
        else Field(name, form)
    )


def _sharing_sign(connection: Any, kind: str, names: Sequence[str]) -> list[str]:
    """Of numbers the first that is below 0 in some rows and above in others, and those with the same sign in each row.

    A quantity or an amount comes first: it is below 0 in what is returned.
    """
    if not names:
        return []
    table, key = f"rows_{kind}", f"data.{kind}"
    both = ", ".join(f"coalesce(min({quoted(name)}) < 0 and max({quoted(name)}) > 0, false)" for name in names)
    some = list(compress(names, run(connection, f"select {both} from {table}", key)[0]))
    if not some:
        return []
    first = next((name for name in ("quantity", "amount") if name in some), some[0])
    others, below = [name for name in some if name != first], f"coalesce({quoted(first)} < 0, false)"
    same = [f"count(*) filter (if({below}, {quoted(name)} > 0, {quoted(name)} < 0)) = 0" for name in others]
    return [first, *compress(others, run(connection, f"select {', '.join(same)} from {table}", key)[0] if same else ())]


def _is_steady(connection: Any, kind: str, name: str) -> bool:
    """Whether nearly all customers with several events have one value of a column, and so of those with a rarer one."""
    column, table = quoted(name), f"rows_{kind}"
    several, same, rarer, same_rarer = run(
        connection,
        "select count(*), count(*) filter (different = 1), count(*) filter (rarer), "
        "count(*) filter (rarer and different = 1) from ("
        f"select count(distinct {column}) as different, "
        f"bool_or({column} <> (select mode({column}) from {table})) as rarer "
        f"from {table} group by customer having count(distinct {quoted(EVENT)}) > 1)",
        f"data.{kind}",
    )[0]
    return several > 0 and same >= STEADY * several and same_rarer >= STEADY * rarer


def _is_of_event(connection: Any, kind: str, name: str) -> bool:
    """Whether all lines of each event have one value of a column."""
    column = quoted(name)
    found = run(
        connection,
        f"select 1 from timed_{kind} group by {quoted(EVENT)} "
        f"having count(distinct {column}) > 1 or count({column}) not in (0, count(*)) limit 1",
        f"data.{kind}",
    )
    return not found


def _is_unique(connection: Any, kind: str, name: str) -> bool:
    """Whether a text is free text or a key: more than half of many rows have one of their own."""
    column = quoted(name)
    sql = f"select count({column}), count(distinct {column}) from {kind}"
    many, different = run(connection, sql, f"data.{kind}")[0]
    return many > FREE and different > many / 2
