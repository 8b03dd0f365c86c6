"""Days as weeks and weekdays, so that what happens on Saturdays is learnt as such."""

import numpy as np
import pyarrow as pa

from gans.data.events.chains import Shape

MONDAY = np.datetime64("1970-01-05", "D")
WEEKDAYS = np.array(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])


def week(day: np.ndarray) -> np.ndarray:
    """The number of the week of each date, from that of 1970-01-05, int64."""
    return (day.astype("datetime64[D]") - MONDAY).astype(np.int64) // 7


def weekday(day: np.ndarray) -> np.ndarray:
    """The weekday of each date, from 0 for Monday."""
    return (day.astype("datetime64[D]") - MONDAY).astype(np.int64) % 7


def date(weeks: np.ndarray, weekdays: np.ndarray) -> np.ndarray:
    """The inverse of `week` and `weekday`."""
    return MONDAY + (weeks.astype(np.int64) * 7 + weekdays).astype("timedelta64[D]")


def in_weeks(people: pa.Table, shapes: list[Shape]) -> pa.Table:
    """Customers with week and weekday of their first event, weeks from there to the last one, and its weekday."""
    for shape in shapes:
        first, last = (people[f"{shape.kind}_{end}"].cast(pa.date32()) for end in ("first", "last"))
        none = np.asarray(first.is_null())
        start, end = (np.asarray(days.fill_null(0).cast(pa.int32())).astype("datetime64[D]") for days in (first, last))
        place = people.column_names.index(f"{shape.kind}_first")
        columns = {
            "first_week": pa.array(week(start), mask=none),
            "first_weekday": pa.array(WEEKDAYS[weekday(start)], mask=none),
            "weeks": pa.array(week(end) - week(start), mask=none),
            "last_weekday": pa.array(WEEKDAYS[weekday(end)], mask=none),
        }
        people = people.drop_columns([f"{shape.kind}_first", f"{shape.kind}_last"])
        for offset, (name, values) in enumerate(columns.items()):
            people = people.add_column(place + offset, f"{shape.kind}_{name}", values)
    return people


def first_and_last(people: pa.Table, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of each customer's events, datetime64[D], NaT without any; the last is not before the first.

    Args:
        people: as of `in_weeks`.
    """
    numbers = {}
    for name in ("first_week", "weeks"):
        numbers[name] = people[f"{kind}_{name}"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    days = {}
    for name in ("first_weekday", "last_weekday"):
        words = people[f"{kind}_{name}"].fill_null(WEEKDAYS[0]).to_pandas().to_numpy()
        days[name] = np.searchsorted(np.sort(WEEKDAYS), words)
        days[name] = np.argsort(WEEKDAYS)[days[name]]
    none = np.isnan(numbers["first_week"]) | np.isnan(numbers["weeks"])
    start = np.where(none, 0, np.round(numbers["first_week"]))
    end = start + np.where(none, 0, np.maximum(np.round(numbers["weeks"]), 0))
    first, last = date(start, days["first_weekday"]), date(end, days["last_weekday"])
    last = np.maximum(first, last)
    return np.where(none, np.datetime64("NaT"), first), np.where(none, np.datetime64("NaT"), last)
