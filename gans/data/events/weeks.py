"""Days as weeks and weekdays, so that what happens on Saturdays is learned as such."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.events.chains import Shape

pc: Any = pyarrow.compute  # its functions are made at run time

ENDS = ("first_week", "first_weekday", "weeks_before_end", "last_weekday")  # columns of customers
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
    """Customers with the day of their first event, and of their last one where it is another, as weeks and weekdays.

    Numbers that are small and never below 0 are learned better than days which have to keep their order: the week of
    the first event is counted from that of `since`, where that is known, else from that of the last event of all; the
    week of the last one back from there.
    """
    for shape in shapes:
        days = {end: people[f"{shape.kind}_{end}"].cast(pa.date32()) for end in ("first", "last")}
        none = np.asarray(days["first"].is_null())
        one_day = none | np.asarray(pc.fill_null(pc.equal(days["first"], days["last"]), True))
        first, last = (np.asarray(day.fill_null(0).cast(pa.int32())).astype("datetime64[D]") for day in days.values())
        place = people.column_names.index(f"{shape.kind}_first")
        columns = {
            "first_week": pa.array(week(first) - _base(people, shape), mask=none),
            "first_weekday": pa.array(WEEKDAYS[weekday(first)], mask=none),
            "weeks_before_end": pa.array(_end(shape) - week(last), mask=one_day),
            "last_weekday": pa.array(WEEKDAYS[weekday(last)], mask=one_day),
        }
        people = people.drop_columns([f"{shape.kind}_first", f"{shape.kind}_last"])
        for offset, (name, values) in enumerate(columns.items()):
            people = people.add_column(place + offset, f"{shape.kind}_{name}", values)
    return people


def first_and_last(people: pa.Table, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of each customer's events, datetime64[D], NaT without any.

    The last day of generated customers may lie before the first.

    Args:
        people: as of `in_weeks`.
    """
    numbers, days = {}, {}
    for name in ("first_week", "weeks_before_end"):
        numbers[name] = np.round(people[f"{shape.kind}_{name}"].cast(pa.float64()).to_numpy(zero_copy_only=False))
    for name in ("first_weekday", "last_weekday"):
        words = people[f"{shape.kind}_{name}"].fill_null(WEEKDAYS[0]).to_pandas().to_numpy()
        days[name] = np.argsort(WEEKDAYS)[np.searchsorted(np.sort(WEEKDAYS), words)]
    none, one_day = np.isnan(numbers["first_week"]), np.isnan(numbers["weeks_before_end"])
    first = date(_base(people, shape) + np.where(none, 0, numbers["first_week"]), days["first_weekday"])
    last = date(_end(shape) - np.where(one_day, 0, numbers["weeks_before_end"]), days["last_weekday"])
    last = np.where(one_day, first, last)
    return np.where(none, np.datetime64("NaT"), first), np.where(none, np.datetime64("NaT"), last)


def possible_days(people: pa.Table, shape: Shape) -> np.ndarray:
    """Whether first and last day of generated customers are in order, within the log, and not before `since` [rows].

    Args:
        people: as of `in_weeks`.
    """
    first, last = first_and_last(people, shape)
    wrong = (last < first) | (last > np.datetime64(shape.until, "D"))
    if shape.begin:
        wrong |= first < np.datetime64(shape.begin, "D")
    if shape.since and not shape.early:
        since = people[shape.since].cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
        wrong |= first < since  # NaT is never before or after
    return ~wrong


def _end(shape: Shape) -> int:
    """The week of the last event of all."""
    return int(week(np.array(shape.until, "datetime64[D]")))


def _base(people: pa.Table, shape: Shape) -> np.ndarray:
    """The week from which that of the first event is counted [customers]."""
    if not shape.since:
        return np.full(people.num_rows, _end(shape))
    since = people[shape.since].cast(pa.date32())
    weeks = week(np.asarray(since.fill_null(0).cast(pa.int32())).astype("datetime64[D]"))
    return np.where(np.asarray(since.is_null()), _end(shape), weeks)
