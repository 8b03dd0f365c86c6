"""A simulator of a shop's events: not real customers. Its causes are these, and no others.

Every customer belongs to one of four groups with these habits:

| group | share | orders a year | basket | discounts | visits an order | social |
|---|---|---|---|---|---|---|
| regular | 35% | 9 | 45 | .05 | 3 | .3 |
| bargain hunter | 25% | 6 | 28 | .25 | 7 | .6 |
| big spender | 10% | 14 | 140 | .02 | 2 | .4 |
| occasional | 30% | 1.6 | 55 | .10 | 5 | .2 |

- Age is normal around 38, 33, 51 and 45 years by group (standard deviation 11, from 18 to 90); city, gender and
  newsletter are independent of all but: a newsletter makes visits half as frequent again.
- A customer comes at any time of the three years before the last day, and leaves for good after an exponential time
  with a mean of 500 days (big spenders 1,500). While there, orders are a Poisson process of the group's rate times a
  gamma factor of the customer's own (shape 4).
- The value of a line is log-normal around the basket divided by the lines; lines of an order are 1 + Poisson(1.5).
- The young buy electronics and sport, the old home and garden: logits of the five categories are linear in age.
- Younger customers order in the app and in the evening, older ones in the shop (closed on Sundays) and in the morning.
- Lines of fashion come back with a chance of 25%, others with 5%, one to three weeks after the order.
- Visits are a Poisson process of their own beside the visit of each order in app or web: 1 + Poisson(4) pages, 30 s to
  3 min apart.
- Followers, posts, likes and messages are Poisson with a factor of the customer's sociability; a message is answered
  with a chance that falls with the number of followers.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.errors import in_range
from gans.files import temporary_folder, write_tables

LAST_DAY = np.datetime64("2025-01-01", "s")
YEARS, DAY = 3, 86_400
CHUNK = 20_000  # customers that are drawn together
GROUPS = ("regular", "bargain hunter", "big spender", "occasional")
SHARES = np.array([0.35, 0.25, 0.10, 0.30])
ORDERS = np.array([9.0, 6.0, 14.0, 1.6])  # a year
BASKET = np.array([45.0, 28.0, 140.0, 55.0])
DISCOUNT = np.array([0.05, 0.25, 0.02, 0.10])
VISITS = np.array([3.0, 7.0, 2.0, 5.0])  # for each order
SOCIAL = np.array([0.3, 0.6, 0.4, 0.2])
AGE = np.array([38.0, 33.0, 51.0, 45.0])
STAY = np.array([500.0, 500.0, 1500.0, 500.0])  # days
CATEGORIES = ("electronics", "fashion", "garden", "home", "sport")
SLOPES = np.array([-0.05, -0.01, 0.05, 0.03, -0.04])  # of the logits, a year of age
CHANNELS = ("app", "shop", "web")
CITIES = ("Bergen", "Ghent", "Graz", "Lille", "Malmo", "Porto", "Turin", "Ulm")
CITY_SHARES = np.array([0.08, 0.1, 0.1, 0.16, 0.12, 0.14, 0.2, 0.1])
ACTIONS = ("follow", "like", "message", "post", "reply")

Events = dict[str, pa.Table]


def simulate(customers: int, seed: int = 0) -> Iterator[Events]:
    """Tables `customers`, `orders`, `views`, `social`, of at most 20,000 customers at a time.

    Chunks are drawn apart: more customers leave those of whole chunks as they are.

    Raises:
        UserError: a number or the seed is out of range.
    """
    in_range("customers", customers, 1, 10**9)
    in_range("seed", seed, 0)
    return (
        _chunk(np.random.default_rng((seed, start)), start, min(CHUNK, customers - start))
        for start in range(0, customers, CHUNK)
    )


def write_events(folder: Path, chunks: Iterator[Events]) -> dict[str, int]:
    """Write the tables of all chunks as FOLDER/NAME.parquet; the rows of each.

    Each file is whole or not there. Only one chunk is held at a time, and the others in files beside.
    """
    import pyarrow.parquet as pq

    rows: dict[str, int] = {}
    with temporary_folder(".parts-", folder) as parts:
        for number, chunk in enumerate(chunks):
            for name, table in chunk.items():
                (parts / name).mkdir(exist_ok=True)
                pq.write_table(table, parts / name / f"{number:06}.parquet", compression="zstd")
                rows[name] = rows.get(name, 0) + table.num_rows
        for name in rows:
            files = sorted((parts / name).iterdir())
            write_tables(folder / f"{name}.parquet", (pq.ParquetFile(file).read() for file in files))
    return rows


def _chunk(rng: np.random.Generator, first: int, count: int) -> Events:
    person = _customers(rng, first, count)
    orders, lines = _orders(rng, person)
    return {
        "customers": _table(person, ("customer", "since", "age", "gender", "city", "newsletter")),
        "orders": lines,
        "views": _views(rng, person, orders),
        "social": _social(rng, person),
    }


def _table(columns: Mapping[str, Any], names: tuple[str, ...]) -> pa.Table:
    return pa.table({name: columns[name] for name in names})


def _customers(rng: np.random.Generator, first: int, count: int) -> dict[str, Any]:
    group = rng.choice(len(GROUPS), count, p=SHARES)
    came = rng.uniform(0, YEARS * 365, count)  # days before the last day
    stay = rng.exponential(STAY[group])
    return {
        "customer": np.arange(first, first + count) + 1,
        "group": group,
        "age": np.clip(np.round(rng.normal(AGE[group], 11)), 18, 90).astype(np.int64),
        "gender": np.array(["female", "male"])[rng.integers(0, 2, count)],
        "city": np.array(CITIES)[rng.choice(len(CITIES), count, p=CITY_SHARES)],
        "newsletter": rng.random(count) < 0.4,
        "since": _day(came).astype("datetime64[D]"),
        "came": came,
        "there": np.minimum(stay, came),  # days between coming and leaving, or the last day
        "pace": rng.gamma(4, 1 / 4, count),
        "sociable": rng.gamma(2, 1 / 2, count) * SOCIAL[group],
    }


def _times(rng: np.random.Generator, person: dict[str, Any], rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A Poisson process of `rate` a day while a customer is there: places of customers and days before the last day."""
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate * person["there"]))
    return who, person["came"][who] - rng.random(len(who)) * person["there"][who]


def _day(days: np.ndarray) -> np.ndarray:
    """Midnight of the day in which the time lies that is `days` before the end of the last one; not after that."""
    return LAST_DAY - np.maximum(np.ceil(days).astype(np.int64), 1) * DAY


def _stamp(days: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Times of so many seconds after midnight of the day that lies `days` before the last one; not after that."""
    return _day(days) + np.clip(seconds, 0, DAY - 1).astype(np.int64)


def _orders(rng: np.random.Generator, person: dict[str, Any]) -> tuple[dict[str, np.ndarray], pa.Table]:
    """Orders by customer, and the table of their lines, those that come back among them."""
    who, days = _times(rng, person, ORDERS[person["group"]] * person["pace"] / 365)
    age, group = person["age"][who], person["group"][who]
    young = 1 / (1 + np.exp((age - 40) / 8))
    channel = np.where(rng.random(len(who)) < young, 0, np.where(rng.random(len(who)) < (age - 18) / 100, 1, 2))
    hour = np.where(rng.random(len(who)) < young, rng.normal(20, 2, len(who)), rng.normal(11, 3, len(who)))
    hour = np.where(channel == 1, np.clip(hour, 9, 19), hour) % 24
    time = _stamp(days, hour * 3600 + rng.integers(0, 60, len(who)))
    sunday = (time.astype("datetime64[D]").astype(np.int64) + 3) % 7 == 6
    time = np.where((channel == 1) & sunday, time + DAY, time)
    order = who.astype(np.int64) * 10_000 + np.arange(len(who)) - np.searchsorted(who, who) + 1
    order += person["customer"][0] * 10_000

    many = 1 + rng.poisson(1.5, len(who))
    line = np.repeat(np.arange(len(who)), many)
    logits = SLOPES * (age[line, None] - 42) + rng.gumbel(size=(len(line), len(CATEGORIES)))
    category = logits.argmax(axis=1)
    full = np.exp(rng.normal(np.log(BASKET[group[line]] / 2.5), 0.6))
    quantity = 1 + rng.poisson(0.3, len(line))
    share = np.where(rng.random(len(line)) < 0.5, rng.beta(2, 2, len(line)) * 2 * DISCOUNT[group[line]], 0)
    paid = np.round(full * (1 - share), 2) * quantity
    back = rng.random(len(line)) < np.where(category == 1, 0.25, 0.05)
    late = time[line] + rng.integers(7 * DAY, 21 * DAY, len(line))
    back &= late < LAST_DAY
    customer = person["customer"][who[line]]

    def both(bought: np.ndarray, returned: np.ndarray | None = None) -> np.ndarray:
        return np.concatenate([bought, (bought if returned is None else returned)[back]])

    table = pa.table(
        {
            "customer": both(customer),
            "order": both(order[line]),
            "time": both(time[line], late),
            "channel": np.array(CHANNELS)[both(channel[line])],
            "category": np.array(CATEGORIES)[both(category)],
            "quantity": both(quantity, -quantity),
            "amount": np.round(both(paid, -paid), 2),
            "discount": np.round(both(np.round(full * share, 2) * quantity, np.zeros(len(line))), 2),
        }
    )
    return {"who": who, "time": time, "channel": channel}, table


def _views(rng: np.random.Generator, person: dict[str, Any], orders: dict[str, np.ndarray]) -> pa.Table:
    """Page views: of the visits that led to an order in app or web, and of others."""
    online = orders["channel"] != 1
    rate = ORDERS[person["group"]] * person["pace"] * (VISITS[person["group"]] - 1) / 365
    who, days = _times(rng, person, rate * np.where(person["newsletter"], 1.5, 1.0))
    began = _stamp(days, rng.normal(17, 4, len(who)) % 24 * 3600)
    who = np.concatenate([orders["who"][online], who])
    led = orders["time"][online]
    began = np.concatenate([np.maximum(led - 600, led.astype("datetime64[D]")), began])
    many = 1 + rng.poisson(4, len(who))
    visit = np.repeat(np.arange(len(who)), many)
    pause = rng.integers(30, 180, len(visit))
    offset = np.cumsum(pause)
    offset -= np.repeat(offset[np.cumsum(many) - many], many)
    time = np.minimum(began[visit] + offset, LAST_DAY - 1)
    return pa.table({"customer": person["customer"][who[visit]], "session": visit + 1, "time": time})


def _social(rng: np.random.Generator, person: dict[str, Any]) -> pa.Table:
    """Social interactions."""
    rates = {"follow": 0.02, "post": 0.01, "like": 0.04, "message": 0.015}
    times = {name: _times(rng, person, rate * person["sociable"]) for name, rate in rates.items()}
    followers = np.bincount(times["follow"][0], minlength=len(person["age"]))
    who, days = times["message"]
    answered = rng.random(len(who)) < 1 / (1 + np.exp((followers[who] - 6) / 4))
    times["reply"] = who[answered], days[answered]
    who = np.concatenate([times[name][0] for name in ACTIONS])
    days = np.concatenate([times[name][1] for name in ACTIONS])
    action = np.repeat(np.array(ACTIONS), [len(times[name][0]) for name in ACTIONS])
    time = _stamp(days, rng.normal(19, 3, len(who)) % 24 * 3600)
    return pa.table({"customer": person["customer"][who], "time": time, "action": action})
