"""The features of a customer, each with its unit and what a missing value means.

An expression is an aggregate, in DuckDB's SQL, over one customer's rows of a view:

| view | a row is |
|---|---|
| lines | a line of an order: amount, quantity, returned, discount, category, channel, and the log's own columns |
| baskets | an order with at least one line that was bought: time, value, items, lines, gap (seconds since the last) |
| sent_back | an order with at least one line that came back: value (positive) |
| sessions | a session: time, pages, minutes |
| actions | a social interaction: action is follow, unfollow, like, post, message or reply, or another |
| profile | the finished row: an expression of features that were made before |
"""

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86_400
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = {"night": (0, 6), "morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
VIEWS = ("lines", "baskets", "sent_back", "sessions", "actions", "profile")
OTHER = "other"


@dataclass(frozen=True)
class Feature:
    """A column of a profile.

    Attributes:
        name: of the column.
        view: whose rows are aggregated.
        sql: the expression; {reference} is the reference date, as TIMESTAMP.
        unit: of its values.
        missing: what a missing value means; "never" where there is none.
        text: what it says of the customer.
        needs: columns of the log without which it is left out.
        zero: 0 instead of missing for a customer without any row.
    """

    name: str
    view: str
    sql: str
    unit: str
    missing: str
    text: str
    needs: tuple[str, ...] = ()
    zero: bool = False


def _days_since(time: str) -> str:
    return f"date_diff('day', {time}::date, {{reference}}::date)"


def _share(condition: str, of: str = "count(*)") -> str:
    """The share of rows, or of a sum, for which a condition holds; missing where the whole is not positive."""
    return f"rounded(({of} filter ({condition}))::double / nullif(greatest(({of})::double, 0), 0), 4)"


BOUGHT = "sum(amount) filter (not returned)"
ORDERS = "no purchase"
PAID = "no purchase that cost anything"
BY_DAY = f"[{', '.join(f'count(*) filter (isodow(time) = {day})' for day in range(1, 8))}]"

FIXED = [
    Feature("recency_days", "baskets", _days_since("max(time)"), "days", ORDERS, "since the last purchase"),
    Feature("frequency", "baskets", "count(*)", "orders", "never", "purchases until the reference date", zero=True),
    Feature("monetary", "baskets", "rounded(sum(value)::double, 2)", "currency", "never",
            "spent on purchases, before returns", zero=True),
    Feature("interval_days", "baskets", f"rounded(sum(gap)::double / nullif(count(gap), 0) / {DAY}, 2)", "days",
            "fewer than two purchases", "mean time between purchases"),
    Feature("interval_spread_days", "baskets",
            "rounded(case when count(gap) > 1 then sqrt(greatest(0, (sum(gap::hugeint * gap) * count(gap)"
            f" - sum(gap)::hugeint * sum(gap))::double) / count(gap) / (count(gap) - 1)) / {DAY} end, 2)",
            "days", "fewer than three purchases", "standard deviation of the time between purchases"),
    Feature("basket_items", "baskets", "rounded(sum(items)::double / count(*), 2)", "items", ORDERS,
            "average number of items per purchase"),
    Feature("basket_lines", "baskets", "rounded(sum(lines)::double / count(*), 2)", "lines", ORDERS,
            "average number of lines per purchase"),
    Feature("basket_value", "baskets", "rounded(sum(value)::double / count(*), 2)", "currency", ORDERS,
            "average value per purchase"),
    Feature("returns", "sent_back", "count(*)", "orders", "never", "orders with at least one return", zero=True),
    Feature("returned_value", "sent_back", "rounded(sum(value)::double, 2)", "currency", "never",
            "value of returned items", zero=True),
    Feature("discount_share", "lines",
            "rounded((sum(discount) filter (not returned))::double / nullif(greatest((sum(amount + discount) "
            "filter (not returned))::double, 0), 0), 4)", "share of the full price", PAID,
            "taken off by discounts", ("discount",)),
    *(Feature(f"{name}_share", "baskets", _share(f"hour(time) >= {low} and hour(time) < {high}"), "share of orders",
              ORDERS, f"placed from {low:02} to {high:02} o'clock") for name, (low, high) in HOURS.items()),
    Feature("weekend_share", "baskets", _share("isodow(time) >= 6"), "share of orders", ORDERS,
            "placed on Saturday or Sunday"),
    Feature("favourite_weekday", "baskets",
            f"list_element([{', '.join(map(repr, WEEKDAYS))}], list_position({BY_DAY}, list_max({BY_DAY})))",
            "day", ORDERS, "the day with most purchases; the earlier one in a tie"),
    Feature("sessions", "sessions", "count(*)", "sessions", "never", "visits until the reference date", zero=True),
    Feature("session_recency_days", "sessions", _days_since("max(time)"), "days", "no visit", "since the last visit"),
    Feature("pages_per_session", "sessions", "rounded(sum(pages)::double / count(*), 2)", "pages", "no visit",
            "average number of pages per visit"),
    Feature("session_minutes", "sessions", "rounded(sum(minutes)::double / count(*), 2)", "minutes", "no visit",
            "average length of a visit, from its first to its last page"),
    Feature("social_recency_days", "actions", _days_since("max(time)"), "days", "no interaction",
            "since the last social interaction"),
    Feature("followers", "actions",
            "count(*) filter (action = 'follow') - count(*) filter (action = 'unfollow')", "people", "never",
            "who follow the customer", zero=True),
    Feature("likes", "actions", "count(*) filter (action = 'like')", "likes", "never", "given", zero=True),
    Feature("posts", "actions", "count(*) filter (action = 'post')", "posts", "never", "written", zero=True),
    Feature("messages", "actions", "count(*) filter (action = 'message')", "messages", "never", "received", zero=True),
    Feature("reply_rate", "actions",
            "rounded((count(*) filter (action = 'reply'))::double"
            " / nullif(count(*) filter (action = 'message'), 0), 4)",
            "replies a message", "no message received", "messages that were answered"),
]  # fmt: skip
CONVERSION = Feature("conversion", "profile", "rounded(frequency::double / nullif(sessions, 0), 4)", "orders a session",
                     "no visit", "purchases for each visit")  # fmt: skip


def windowed(days: int) -> list[Feature]:
    """What is counted over the last `days` days before the reference date."""
    recent = f"time >= {{reference}} - interval {days} day"
    last = f"in the last {days} days"
    return [
        Feature(f"orders_{days}d", "baskets", f"count(*) filter ({recent})", "orders", "never", f"purchases {last}",
                zero=True),
        Feature(f"spend_{days}d", "baskets", f"coalesce(rounded((sum(value) filter ({recent}))::double, 2), 0)",
                "currency", "never", f"spent {last}", zero=True),
        Feature(f"sessions_{days}d", "sessions", f"count(*) filter ({recent})", "sessions", "never", f"visits {last}",
                zero=True),
        Feature(f"interactions_{days}d", "actions", f"count(*) filter ({recent})", "interactions", "never",
                f"social interactions {last}", zero=True),
    ]  # fmt: skip


def shares(column: str, levels: Sequence[str], rest: bool) -> list[Feature]:
    """How spending divides among the levels of category or channel; `rest`: there are other levels, too."""
    quoted = [f"'{level.replace(chr(39), chr(39) * 2)}'" for level in levels]
    conditions = [
        (level, f"{column} = {text}", f"{column} {level}") for level, text in zip(levels, quoted, strict=True)
    ]
    if rest:
        others = f"({column} is null or {column} not in ({', '.join(quoted)}))"
        conditions.append((OTHER, others, f"any other {column}"))
    out: dict[str, Feature] = {}
    for level, condition, text in conditions:
        name = f"{column}_{_word(level)}"
        while name in out:
            name += "_"
        spent = f"(sum(amount) filter (not returned and {condition}))::double"
        sql = f"case when ({BOUGHT}) > 0 then coalesce(rounded({spent} / ({BOUGHT})::double, 4), 0) end"
        out[name] = Feature(name, "lines", sql, "share of spending", PAID, f"spent on {text}", (column,))
    return list(out.values())


def _word(level: str) -> str:
    """A level as a part of a column's name."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in level.lower()).split()) or "blank"
