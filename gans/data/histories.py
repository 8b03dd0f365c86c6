"""Event histories for profiles: a simple, stated model, so that systems that take events can be tried.

Of a customer's profile these hold exactly, up to rounding, where the profile agrees with itself: the number of
purchases, what was spent, the day of the last purchase and of the first one (from the mean interval), the counts and
the spending of each window, lines and items in all, parts of the day, visits, pages and the last visit, followers,
likes, posts, messages and replies.

The rest is drawn, by these rules and no others:

- Events lie in the bands between the windows, on days drawn evenly within a band; purchases are moved by at most three
  days so that the share of weekends is kept, and dealt to the parts of the day by their shares, hours even within.
- Values of orders are log-normal (sigma .5), scaled to the spending of their band; an order's lines divide it evenly
  but for a factor exponential in distribution. Lines and items go to orders at random.
- Orders are dealt to channels, and lines to categories, in random order by their value, so that shares of spending are
  kept as nearly as single orders allow.
- So many orders as the profile says come back, in part, one to three weeks later.
- Visits and interactions are independent of orders, and spread over the time with the shop.

Days between single purchases, the favourite weekday, and what a user's own features say are not modelled.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.events.features import HOURS

SIGMA = 0.5
SHIFTS = (0, 1, -1, 2, -2, 3, -3)
STAY = 365.0  # days with the shop where a profile does not say
ACTIONS = {"follow": "followers", "like": "likes", "post": "posts", "message": "messages"}
DAY = 86_400


def histories(
    profiles: pa.Table, reference: np.datetime64, windows: Sequence[int], seed: int = 0
) -> dict[str, pa.Table]:
    """Event logs `orders`, `views`, `social`, as far as the profiles have such columns, and `customers`.

    Args:
        profiles: rows with columns of `gans.data.events.features`; any other column is an attribute of the customer.
        reference: the date of the profiles, a midnight.
        windows: days of the windowed columns.
    """
    rng = np.random.default_rng(seed)
    profile = _Profile(profiles, reference.astype("datetime64[s]"), sorted(windows))
    out = {}
    if "frequency" in profile:
        out["orders"] = _orders(rng, profile)
    if "sessions" in profile:
        out["views"] = _views(rng, profile)
    if set(ACTIONS.values()) & set(profiles.column_names):
        out["social"] = _social(rng, profile)
    since = (profile.reference - np.round(profile.stay).astype(np.int64) * DAY).astype("datetime64[D]")
    features = {*profile.shares_of("category"), *profile.shares_of("channel")}
    attributes = {
        name: profiles[name]
        for name in profiles.column_names
        if name not in features and not _is_feature(name, windows)
    }
    out["customers"] = pa.table({"customer": profile.keys, "since": since} | attributes)
    return out


def _is_feature(name: str, windows: Sequence[int]) -> bool:
    from gans.data.events.features import CONVERSION, FIXED, windowed

    features = {one.name for one in [*FIXED, CONVERSION, *(one for days in windows for one in windowed(days))]}
    return name in features or name in ("tenure_days", "buys_next")


class _Profile:
    """Columns of profiles as numbers.

    Attributes:
        reference: the date of the profiles.
        windows: days of the windowed columns, ascending.
        edges: of the bands between them, in days before the reference date.
        keys: of the customers.
        stay: days that each has been with the shop.
    """

    def __init__(self, table: pa.Table, reference: np.datetime64, windows: list[int]) -> None:
        self.table, self.rows, self.reference, self.windows = table, table.num_rows, reference, windows
        self.edges = np.array([0, *windows, 10**6])
        self.keys = np.arange(1, self.rows + 1)
        self.stay = np.maximum(self.number("tenure_days", STAY), 1)

    def __contains__(self, name: str) -> bool:
        return name in self.table.column_names

    def number(self, name: str, missing: float = 0.0) -> np.ndarray:
        """A column as float64 [rows], with a value in the place of missing ones, or of a column that is not there."""
        if name not in self:
            return np.full(self.rows, missing)
        values = self.table[name].cast(pa.float64()).to_numpy()
        return np.where(np.isfinite(values), values, missing)

    def count(self, name: str) -> np.ndarray:
        """A column of counts, as int64 [rows]."""
        return np.maximum(np.round(self.number(name)), 0).astype(np.int64)

    def band(self, day: np.ndarray) -> np.ndarray:
        """The band in which each day lies."""
        return np.searchsorted(self.edges[1:], day)

    def shares_of(self, what: str) -> list[str]:
        """The columns of shares of category or channel: fractions from 0 to 1."""
        return [
            name
            for name in self.table.column_names
            if name.startswith(f"{what}_")
            and pa.types.is_floating(self.table[name].type)
            and 0 <= self.number(name).min(initial=0) <= 1
            and self.number(name).max(initial=0) <= 1
        ]

    def shares(self, names: Sequence[str]) -> np.ndarray:
        """Shares [rows, names] that sum to one; even where none is known."""
        out = np.stack([np.clip(self.number(name), 0, None) for name in names], axis=1)
        total = out.sum(axis=1, keepdims=True)
        return np.where(total > 0, out / np.where(total > 0, total, 1), 1 / len(names))


def _orders(rng: np.random.Generator, profile: _Profile) -> pa.Table:
    count = profile.count("frequency")
    last = np.maximum(np.round(profile.number("recency_days", 1)), 1)
    first = np.round(last + profile.number("interval_days") * np.maximum(count - 1, 0))
    first = np.where(count > 1, np.clip(first, last, np.maximum(profile.stay, last)), last)
    who, day, band = _days(rng, profile, "orders", count, last, first)
    weekend = rng.random(len(who)) < profile.number("weekend_share", 2 / 7)[who]
    fixed = _ends(who, day)
    day = np.where(fixed, day, _moved(profile, day, weekend, band, first[who]))
    part = _dealt(rng, profile.shares([f"{name}_share" for name in HOURS]), who, np.ones(len(who)))
    low, high = (np.array([bounds[end] for bounds in HOURS.values()])[part] for end in (0, 1))
    second = (low * 3600 + rng.random(len(who)) * (high - low) * 3600).astype(np.int64)
    time = profile.reference - day.astype(np.int64) * DAY + second

    value = _values(rng, profile, who, band)
    lines = _spread(rng, np.maximum(np.round(profile.number("basket_lines", 1) * count), count).astype(np.int64), who)
    line = np.repeat(np.arange(len(who)), lines)
    weight = rng.exponential(size=len(line)) + 0.2
    amount = value[line] * weight / np.bincount(line, weight, len(who))[line]
    items = np.maximum(np.round(profile.number("basket_items", 1) * count), 0).astype(np.int64)
    quantity = _spread(rng, np.maximum(items, np.bincount(who[line], minlength=profile.rows)), who[line])
    amount = _rounded(amount)
    columns: dict[str, Any] = {"customer": profile.keys[who][line], "order": (line + 1), "time": time[line]}
    for name, at, worth in (("channel", who, value), ("category", who[line], amount)):
        if share_columns := profile.shares_of(name):
            dealt = _dealt(rng, profile.shares(share_columns), at, worth)
            words = np.array([column.removeprefix(f"{name}_") for column in share_columns])[dealt]
            columns[name] = words[line] if name == "channel" else words
    columns |= {"quantity": quantity, "amount": amount}
    share = np.clip(profile.number("discount_share"), 0, 0.95)[who[line]]
    if "discount_share" in profile:
        columns["discount"] = np.round(amount * share / (1 - share), 2)
    return _with_returns(rng, profile, pa.table(columns), who, line)


def _days(
    rng: np.random.Generator,
    profile: _Profile,
    what: str,
    count: np.ndarray,
    last: np.ndarray,
    first: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, days before the reference date, and band of each event, by customer and time.

    Args:
        what: orders, sessions or interactions, whose windowed counts are kept.
        count: events of each customer [customers].
        last: day of the last event [customers].
        first: day of the first order [customers]; of sessions and interactions only a bound, before which none lies.
    """
    # Events whose day the profile says: which customers have one, and its day; the days of the others are drawn.
    fixed = [(count > 0, last), (count > 1, first)] if what == "orders" else [(count > 0, last)]
    counts = _counts_by_band(profile, what, count)
    for has_one, day in fixed:
        counts[np.arange(profile.rows), profile.band(day)] -= has_one
    bands = np.arange(counts.shape[1])
    allowed = (bands >= profile.band(last)[:, None]) & (bands <= profile.band(first)[:, None])
    others = count - sum(has_one.astype(np.int64) for has_one, _ in fixed)
    who, band = _events_of_counts(_with_totals(counts, others, allowed))
    day = _days_within(rng, profile.edges, band, last[who], first[who])
    for has_one, fixed_day in fixed:
        owner = np.flatnonzero(has_one)
        who, day = np.append(who, owner), np.append(day, fixed_day[owner])
        band = np.append(band, profile.band(fixed_day)[owner])
    order = np.lexsort((-day, who))
    return who[order], day[order], band[order]


def _counts_by_band(profile: _Profile, what: str, count: np.ndarray) -> np.ndarray:
    """Events in each band, int64 [customers, bands]: differences of the windowed counts, none of which is below that
    of a shorter window or above `count` [customers]."""
    windowed = [np.clip(profile.number(f"{what}_{days}d"), 0, count) for days in profile.windows]
    cumulative = np.maximum.accumulate(np.column_stack([np.zeros(profile.rows), *windowed, count]), axis=1)
    return np.diff(cumulative, axis=1).astype(np.int64)


def _with_totals(counts: np.ndarray, totals: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Counts [customers, bands], none outside allowed bands, that sum to `totals` [customers].

    What is lacking is added to the fullest allowed band, what is too much is taken from the fullest ones in turn.
    """
    rows, bands = np.arange(len(counts)), counts.shape[1]
    counts = np.where(allowed, np.maximum(counts, 0), 0)
    for _ in range(bands):  # one round adds all that is lacking, or empties a band
        lacking = totals - counts.sum(axis=1)
        fullest = np.where(allowed, counts, -1).argmax(axis=1)
        counts[rows, fullest] += np.maximum(lacking, -counts[rows, fullest])
    return counts


def _events_of_counts(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Customer and band of each event, int64 [events], of counts [customers, bands]."""
    customer, band = np.indices(counts.shape)
    return np.repeat(customer, counts.ravel()), np.repeat(band, counts.ravel())


def _days_within(
    rng: np.random.Generator, edges: np.ndarray, band: np.ndarray, last: np.ndarray, first: np.ndarray
) -> np.ndarray:
    """A day of each event [events], drawn evenly within its band and between a customer's last and first day."""
    low, high = np.maximum(edges[band] + 1, last), np.minimum(edges[band + 1], first)
    return np.floor(low + rng.random(len(band)) * np.maximum(high - low + 1, 1))


def _ends(who: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Which purchases are a customer's first or last one, of rows by customer and time."""
    change = np.append(True, who[1:] != who[:-1]) if len(who) else np.zeros(0, bool)
    return change | np.append(change[1:], True)[: len(who)]


def _moved(profile: _Profile, day: np.ndarray, weekend: np.ndarray, band: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The nearest day within the band that is a weekend, or none, as asked; the day itself where there is none."""
    edges, today = profile.edges, profile.reference.astype("datetime64[D]").astype(np.int64)
    out, open_ = day.copy(), np.ones(len(day), bool)
    for shift in SHIFTS:
        other = day + shift
        inside = (other > edges[band]) & (other <= np.minimum(edges[band + 1], first)) & (other >= 1)
        fits = open_ & inside & (((today - other.astype(np.int64) + 3) % 7 >= 5) == weekend)
        out[fits] = other[fits]
        open_ &= ~fits
    return out


def _values(rng: np.random.Generator, profile: _Profile, who: np.ndarray, band: np.ndarray) -> np.ndarray:
    """What each order is worth: the spending of each band divided log-normally."""
    total = np.maximum(profile.number("monetary"), 0)
    inside = [np.clip(profile.number(f"spend_{days}d"), 0, total) for days in profile.windows]
    inside = np.maximum.accumulate(np.column_stack([np.zeros(profile.rows), *inside]), axis=1)
    spent = np.diff(np.column_stack([inside, total]), axis=1)
    place = who * spent.shape[1] + band
    there = np.bincount(place, minlength=spent.size).reshape(spent.shape) > 0
    spent = np.where(there, np.maximum(spent, 0.01), 0)
    sums = spent.sum(axis=1, keepdims=True)
    spent = np.where(sums > 0, spent * (total[:, None] / np.where(sums > 0, sums, 1)), 0)
    weight = np.exp(rng.normal(0, SIGMA, len(who)))
    return spent.ravel()[place] * weight / np.bincount(place, weight, spent.size)[place]


def _spread(rng: np.random.Generator, total: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Whole numbers, at least one each, that sum to `total` [customers] over the rows of each customer."""
    rows = np.bincount(who, minlength=len(total))
    more = np.maximum(total - rows, 0)
    owner = np.repeat(np.arange(len(total)), np.where(rows > 0, more, 0))
    start = np.searchsorted(who, np.arange(len(total)))
    place = start[owner] + (rng.random(len(owner)) * rows[owner]).astype(np.int64)
    return 1 + np.bincount(place, minlength=len(who))


def _rounded(amount: np.ndarray) -> np.ndarray:
    """Amounts in cents whose running sum stays within half a cent, so that totals keep."""
    cents = np.diff(np.round(np.cumsum(amount) * 100), prepend=0)
    return np.round(np.maximum(cents, 0) / 100, 2)


def _dealt(rng: np.random.Generator, shares: np.ndarray, who: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """A place for each row so that each place gets its share of a customer's worth, as nearly as rows allow."""
    order = np.lexsort((rng.random(len(who)), who))
    total = np.bincount(who, worth, len(shares))
    ends = np.cumsum(worth[order])
    before = np.cumsum(total) - total
    middle = (ends - worth[order] / 2 - before[who[order]]) / np.maximum(total[who[order]], 1e-9)
    out = np.empty(len(who), np.int64)
    out[order] = (middle[:, None] > np.cumsum(shares, axis=1)[who[order]][:, :-1]).sum(axis=1)
    return out


def _with_returns(
    rng: np.random.Generator,
    profile: _Profile,
    table: pa.Table,
    who: np.ndarray,
    line: np.ndarray,
) -> pa.Table:
    """The lines, and below them what came back: one line of each order that is chosen."""
    wanted = np.minimum(profile.count("returns"), np.bincount(who, minlength=profile.rows))
    order = np.lexsort((rng.random(len(who)), who))
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    chosen = np.sort(order[rank < wanted[who]])
    firsts = np.searchsorted(line, chosen)
    back = table.take(pa.array(firsts))
    owner = who[chosen]
    weight = rng.exponential(size=len(owner)) + 0.2
    value = profile.number("returned_value")[owner] * weight / np.bincount(owner, weight, profile.rows)[owner]
    late = back["time"].to_numpy() + rng.integers(7 * DAY, 21 * DAY, len(owner)).astype("timedelta64[s]")
    late = np.minimum(late, profile.reference - np.timedelta64(1, "s"))
    changed: dict[str, Any] = {
        "time": late,
        "amount": -np.maximum(np.round(value, 2), 0.01),
        "quantity": -np.ones(len(owner), np.int64),
        "discount": np.zeros(len(owner)),
    }
    for name, values in changed.items():
        if name in back.column_names:
            place = back.column_names.index(name)
            back = back.set_column(place, name, pa.array(values, back.schema.field(name).type))
    return pa.concat_tables([table, back])


def _views(rng: np.random.Generator, profile: _Profile) -> pa.Table:
    count = profile.count("sessions")
    last = np.maximum(profile.number("session_recency_days", 1), 1)
    who, day, _ = _days(rng, profile, "sessions", count, last, np.maximum(profile.stay, last))
    pages = _spread(rng, np.round(profile.number("pages_per_session", 1) * count).astype(np.int64), who)
    began = profile.reference - day.astype(np.int64) * DAY + (rng.random(len(who)) * 20 * 3600).astype(np.int64)
    minutes = profile.number("session_minutes") * count
    gaps = np.bincount(who, pages - 1, profile.rows)
    pause = np.minimum(minutes / np.maximum(gaps, 1), 29)[who] * 60
    visit = np.repeat(np.arange(len(who)), pages)
    place = np.arange(len(visit)) - np.searchsorted(visit, visit)
    time = np.minimum(
        began[visit] + np.round(place * pause[visit]).astype(np.int64), profile.reference - np.timedelta64(1, "s")
    )
    return pa.table({"customer": profile.keys[who][visit], "session": visit + 1, "time": time})


def _social(rng: np.random.Generator, profile: _Profile) -> pa.Table:
    counts = {action: profile.count(name) for action, name in ACTIONS.items()}
    counts["reply"] = np.round(profile.number("reply_rate") * counts["message"]).astype(np.int64)
    every = np.stack(list(counts.values()), axis=1)
    last = np.maximum(profile.number("social_recency_days", 1), 1)
    who, day, _ = _days(rng, profile, "interactions", every.sum(axis=1), last, np.maximum(profile.stay, last))
    action = np.repeat(np.tile(np.array(list(counts)), profile.rows), every.ravel())
    order = np.lexsort((rng.random(len(who)), who))
    time = profile.reference - day.astype(np.int64) * DAY + (rng.random(len(who)) * DAY).astype(np.int64)
    return pa.table({"customer": profile.keys[who], "time": time, "action": action[order]})


def kept(asked: pa.Table, made: pa.Table) -> dict[str, dict[str, float]]:
    """How far the profiles of histories are those that were asked for, by column that both have.

    Returns:
        equal: the share of customers with the same value, within 1% or half a unit of the last digit kept; missing is
            the same as missing. correlation: of ranks, of numbers that are known on both sides; NaN for levels.
    """
    from scipy.stats import spearmanr

    out: dict[str, dict[str, float]] = {}
    for name in asked.column_names:
        if name not in made.column_names:
            continue
        left, right = asked[name], made[name]
        if pa.types.is_string(left.type) or pa.types.is_boolean(left.type) or pa.types.is_temporal(left.type):
            same = np.array([a == b for a, b in zip(left.to_pylist(), right.to_pylist(), strict=True)])
            out[name] = {"equal": float(same.mean()), "correlation": np.nan}
            continue
        a, b = (side.cast(pa.float64()).to_numpy() for side in (left, right))
        both = np.isfinite(a) & np.isfinite(b)
        close = np.abs(a - b) <= np.maximum(0.01 * np.abs(a), 0.0051)
        same = np.where(both, close, np.isnan(a) & np.isnan(b))
        rank: Any = spearmanr(a[both], b[both]) if both.sum() > 2 and np.ptp(a[both]) and np.ptp(b[both]) else None
        out[name] = {"equal": float(same.mean()), "correlation": float(rank.statistic) if rank else np.nan}
    return out


def verdict(agreement: Mapping[str, float]) -> str:
    """Whether a column is kept: "kept", "nearly kept" or "not kept", by its entry of what `kept` returns."""
    if agreement["equal"] >= 0.95:
        return "kept"
    return "nearly kept" if agreement["equal"] >= 0.7 or agreement["correlation"] >= 0.9 else "not kept"
