"""The one statement that makes profiles of the views of logs."""

from collections.abc import Mapping, Sequence
from typing import Any

from gans.data.events.features import CONVERSION, FIXED, VIEWS, Feature, shares, windowed
from gans.data.events.logs import EVENTS, GAP, Log, expression, quoted, run
from gans.errors import UserError, nearest

FROM = {"lines": "orders", "baskets": "orders", "sent_back": "orders", "sessions": "views", "actions": "social"}


def make_views(connection: Any, logs: Mapping[str, Log], reference: str) -> None:
    """Make the views that features aggregate, of what happened before the reference date."""
    until = f"time < {reference}"
    statements = {}
    if "orders" in logs:
        has_discount = "discount" in logs["orders"].names
        discount = "sum(discount) filter (not returned)" if has_discount else "0"
        statements["lines"] = f"select * from orders where {until}"
        statements["all_orders"] = f"""
            select customer, "order", min(time) as time, sum(amount) filter (not returned) as value,
                sum(quantity) filter (not returned) as items, count(*) filter (not returned) as lines,
                count(*) filter (returned) as lines_back, sum(abs(amount)) filter (returned) as value_back,
                {discount} as discount
            from lines group by customer, "order" """
        statements["baskets"] = """
            select customer, "order", time, value, items, lines, discount,
                epoch(time)::bigint
                    - lag(epoch(time)::bigint) over (partition by customer order by time, "order") as gap
            from all_orders where lines > 0"""
        statements["sent_back"] = (
            'select customer, "order", time, value_back as value from all_orders where lines_back > 0'
        )
    if "views" in logs:
        statements["pages"] = f"select * from views where {until}"
        if "session" not in logs["views"].names:
            statements["gaps"] = f"""
                select *, coalesce(time - lag(time) over (partition by customer order by time)
                    > interval {GAP} minute, true) as begins from pages"""
            statements["numbered"] = """
                select * exclude (begins), sum(begins::int) over (partition by customer order by time
                    rows unbounded preceding) as session from gaps"""
        source = "pages" if "session" in logs["views"].names else "numbered"
        statements["sessions"] = f"""
            select customer, session, min(time) as time, sum(pages) as pages,
                greatest((epoch(max(time)) - epoch(min(time))) / 60, sum(minutes)) as minutes
            from {source} group by customer, session"""
    if "social" in logs:
        statements["actions"] = f"select * from social where {until}"
    for name, sql in statements.items():
        run(connection, f"create temp view {name} as {sql}", "data")


def find_features(
    connection: Any, logs: Mapping[str, Log], windows: Sequence[int], levels: int, own: Mapping[str, Mapping[str, str]]
) -> list[Feature]:
    """The features that the logs allow, and the user's own.

    Args:
        levels: of category and of channel that have a share of their own, the most bought ones.
        own: expressions by view and name.

    Raises:
        UserError: an expression of the user is in error, or a name is taken.
    """
    there = {name for log in logs.values() for name in log.names}
    known = [*FIXED, *(feature for days in windows for feature in windowed(days))]
    out = [one for one in known if FROM[one.view] in logs and set(one.needs) <= there]
    for column in ("category", "channel"):
        if "orders" in logs and column in logs["orders"].names:
            found = run(
                connection,
                f"select {column}::varchar, sum(amount) from lines where not returned and {column} is not null "
                "group by 1 having sum(amount) > 0 order by 2 desc, 1",
                f"data.columns.orders.{column}",
            )
            # all rows of the log are asked: one without a level is among the others, too
            blank = run(connection, f"select count(*) from lines where not returned and {column} is null", "data")
            most = [level for level, _ in found[:levels]]
            if most:
                out += shares(f"{column}", most, len(found) > levels or blank[0][0] > 0)
    if {"orders", "views"} <= set(logs):
        out.append(CONVERSION)
    tenure = "date_diff('day', profile.since::date, {reference}::date)"
    meaning = ("the customer has no date and no event", "since the customer came, or else since the first event")
    out.append(Feature("tenure_days", "profile", tenure, "days", *meaning))
    return out + _own(connection, logs, own, out)


def _own(
    connection: Any, logs: Mapping[str, Log], own: Mapping[str, Mapping[str, str]], made: Sequence[Feature]
) -> list[Feature]:
    names, out = {feature.name.lower() for feature in made} | {"customer", "since", "buys_next"}, []
    attributes = logs["customers"].own if "customers" in logs else []
    for name in attributes:
        if name.lower() in names:
            raise UserError(
                f"data.customers: its column '{name}' has the name of a feature; leave it out or rename it by a query, "
                f"as in data.customers=\"select * exclude ({quoted(name)}) from 'FILE'\"."
            )
    names |= {name.lower() for name in attributes}
    for view, expressions in own.items():
        allowed = [name for name in VIEWS if FROM.get(name, "orders") in logs or name == "profile"]
        if view not in allowed:
            raise UserError(f"data.features.{view}: allowed are {', '.join(allowed)}.{nearest(view, allowed)}")
        for name, sql in expressions.items():
            key = f"data.features.{view}.{name}"
            if name.lower() in names:
                raise UserError(f"{key}: the profiles have a column '{name}' already; choose another name.")
            names.add(name.lower())
            if view != "profile":
                expression(connection, key, sql.replace("{reference}", "current_timestamp::timestamp"), view, True)
            out.append(Feature(name, view, f"({sql}\n)", "of data.features", "as its expression says", sql))
    return out


def profiles_sql(
    logs: Mapping[str, Log], features: Sequence[Feature], reference: str, outcome: str | None = None
) -> str:
    """The statement: a row a customer, its key first, then its own attributes, then features.

    Args:
        outcome: an expression of time that holds where a purchase counts for the column `buys_next`.
    """
    views = {view: [one for one in features if one.view == view] for view in FROM}
    views = {view: kept for view, kept in views.items() if kept}
    parts = [
        f"{view}_features as (select customer, "
        + ", ".join(f"{one.sql} as {quoted(one.name)}" for one in kept)
        + f" from {view} group by customer)"
        for view, kept in views.items()
    ]
    events = [kind for kind in EVENTS if kind in logs]
    first = " union all ".join(
        f"select customer, min(time) as time from {kind} where time < {reference} group by customer" for kind in events
    )
    if events:
        parts.append(f"first_events as (select customer, min(time) as time from ({first}) group by customer)")
    if "customers" in logs:
        log = logs["customers"]
        since = "c.since" if "since" in log.names else "null::timestamp"
        own = "".join(f", c.{quoted(name)}" for name in log.own)
        origin = (
            f"select c.customer{own}, {f'coalesce({since}, e.time)' if events else since} as since from customers c"
        )
        origin += " left join first_events e using (customer)" if events else ""
        attributes = log.own
    else:
        origin, attributes = "select customer, time as since from first_events", []
    parts.append(f"base as (select * from ({origin}) where since is null or since < {reference})")  # not later ones
    columns = [f"base.{quoted(name)}" for name in ("customer", "since", *attributes)]
    joins = "base"
    for view, kept in views.items():
        joins += f" left join {view}_features using (customer)"
        columns += [
            f"coalesce({name}, 0) as {name}" if one.zero else name for one in kept if (name := quoted(one.name))
        ]
    if outcome:
        bought = f"select distinct customer from orders where not returned and {outcome}"
        parts.append(f"outcomes as ({bought})")
        joins += " left join outcomes using (customer)"
        columns.append("outcomes.customer is not null as buys_next")
    parts.append(f"profile as (select {', '.join(columns)} from {joins})")
    made = [quoted(name) for name in ("customer", *attributes)]
    made += [f"{one.sql} as {quoted(one.name)}" if one.view == "profile" else quoted(one.name) for one in features]
    made += ["buys_next"] if outcome else []
    text = f"with {', '.join(parts)} select {', '.join(made)} from profile order by customer"
    return text.replace("{reference}", reference)
