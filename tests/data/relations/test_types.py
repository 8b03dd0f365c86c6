"""Relations between columns of different types: dates and times of any units, and numbers of two values."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest

from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect
from gans.data.layout import Encoded
from gans.data.relations import Relations, find_relations, parse_relation
from gans.errors import UserError

ROWS = 600
pc: Any = pyarrow.compute  # its functions are made at run time
DAY = pa.date32()


def texts(relations: Relations) -> list[str]:
    return [relation.text for relation in relations.relations]


def made(table: pa.Table, relations: Relations, rows: int = 3_000) -> pa.Table:
    """Rows of random codes and scalars, whatever a generator might make."""
    codec = Quantile().fit(table, detect(table), relations)
    random = np.random.default_rng(1)
    scores = random.normal(0, 2, (rows, codec.layout.scalars)).astype(np.float32)
    codes = [random.integers(0, size, rows) for size in codec.layout.cardinalities]
    return codec.decode(
        Encoded(scores, np.stack(codes, 1).astype(np.int32) if codes else np.zeros((rows, 0), np.int32))
    )


def visits(low: pa.DataType, high: pa.DataType, same_day: bool = False) -> pa.Table:
    """Moments `start` and `end` with some of the latter missing; `same_day`: `end` is the day of some `start`."""
    random = np.random.default_rng(0)
    zone = UTC if "tz=" in f"{low}{high}" else None
    begin = [datetime(2020, 1, 1, 9, tzinfo=zone) + timedelta(minutes=int(m)) for m in random.integers(0, 10**6, ROWS)]
    lasts = random.integers(1 if same_day else 2 * 1440, 20 * 1440, ROWS)
    finish = [start + timedelta(minutes=int(m)) for start, m in zip(begin, lasts, strict=True)]

    def column(moments: list[datetime], kind: pa.DataType) -> pa.Array:
        if pa.types.is_date(kind):
            return pa.array([moment.date() for moment in moments], kind)
        return pa.array(moments, kind)

    gone = pa.array(random.random(ROWS) < 0.1)
    end = pc.if_else(gone, pa.scalar(None, high), column(finish, high))
    return pa.table({"start": column(begin, low), "end": end, "word": random.choice(["a", "b"], ROWS)})


def moment(value: Any) -> datetime:
    """A date as its first moment, times without what they have below a microsecond."""
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day)


KINDS = [
    (DAY, pa.timestamp("us")),
    (pa.timestamp("us"), DAY),
    (pa.timestamp("s"), pa.date64()),
    (DAY, pa.timestamp("s")),
    (pa.timestamp("s"), pa.timestamp("us")),
    (pa.timestamp("us"), pa.timestamp("s")),
    (pa.timestamp("ms", "UTC"), pa.timestamp("us", "Europe/Berlin")),
]


@pytest.mark.parametrize("entries", [["auto"], ["start <= end"]], ids=["found", "declared"])
@pytest.mark.parametrize(("low", "high"), KINDS, ids=str)
def test_times_of_two_types_are_ordered(low: pa.DataType, high: pa.DataType, entries: list[str]) -> None:
    table = visits(low, high)
    relations = find_relations(table, detect(table), entries)
    assert texts(relations) == ["start <= end"]
    assert relations.restore(relations.reduce(table)).equals(table)
    rows = made(table, relations)
    assert rows.schema.equals(table.schema)
    assert 0 < rows["end"].null_count < rows.num_rows
    pairs = zip(rows["start"].to_pylist(), rows["end"].to_pylist(), strict=True)
    assert all(end is None or moment(start) <= moment(end) for start, end in pairs)
    known = Relations.from_json(relations.to_json())
    assert known.restore(relations.reduce(table)).equals(table)


def test_of_a_date_that_some_times_lie_on_the_day_is_compared() -> None:
    table = visits(pa.timestamp("us"), DAY, same_day=True)
    later = pc.greater(table["start"], table["end"].cast(pa.timestamp("us")))
    assert pc.sum(later).as_py() > 0
    relations = find_relations(table, detect(table))
    assert texts(relations) == ["start <= end"]
    assert relations.restore(relations.reduce(table)).equals(table)
    rows = made(table, relations)
    assert rows.schema.equals(table.schema)
    pairs = list(zip(rows["start"].to_pylist(), rows["end"].to_pylist(), strict=True))
    assert all(end is None or start.date() <= end for start, end in pairs)
    assert any(end is not None and start.date() == end for start, end in pairs)


@pytest.mark.parametrize(
    ("low", "high"), [(pa.timestamp("us"), pa.timestamp("us", "UTC")), (DAY, pa.timestamp("us", "UTC"))], ids=str
)
def test_a_time_zone_on_one_side_is_refused(low: pa.DataType, high: pa.DataType) -> None:
    table = visits(DAY if low == DAY else pa.timestamp("us", "UTC"), high)
    table = table.set_column(0, "start", table["start"].cast(low))
    schema = detect(table)
    assert texts(find_relations(table, schema)) == []
    with pytest.raises(UserError, match="one has a time zone and the other has none; give both one, or none") as caught:
        find_relations(table, schema, ["start <= end"])
    assert "\n" not in str(caught.value)


def test_a_date_beyond_nanoseconds_is_one_line() -> None:
    start = pa.array([datetime(2020, 1, day) for day in range(1, 11)], pa.timestamp("ns"))
    table = pa.table({"start": start, "end": [date(2021, 1, day) for day in range(1, 10)] + [date(9999, 12, 31)]})
    with pytest.raises(UserError, match="'end' has a value that the unit of the other cannot hold"):
        find_relations(table, detect(table), ["start <= end"])
    assert texts(find_relations(table, detect(table))) == []


def test_rows_of_two_types_are_judged_and_mended() -> None:
    start = pa.array(
        [datetime(2020, 1, 1, 10), datetime(2020, 1, 1), datetime(2020, 1, 3, 1), None], pa.timestamp("us")
    )
    end = pa.array([date(2020, 1, 1), date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 1)], DAY)
    table = pa.table({"start": start, "end": end})
    order = parse_relation("start <= end")
    assert order.holds(table).tolist() == [False, True, False, True]
    mended = order.repair(table)
    assert mended["end"].to_pylist() == [date(2020, 1, 2), date(2020, 1, 1), date(2020, 1, 4), date(2020, 1, 1)]
    assert order.holds(mended).all()


def orders(**more: Any) -> pa.Table:
    """Amounts with a shipping of nothing or 4.95."""
    random = np.random.default_rng(0)
    spend, shipping = np.round(random.gamma(2, 40, ROWS), 2), random.choice([0, 4.95], ROWS)
    columns = {"spend": spend, "shipping": shipping, "total": np.round(spend + shipping, 2)}
    return pa.table(columns | {name: make(random, shipping) for name, make in more.items()})


@pytest.mark.parametrize("entries", [["auto"], ["total = spend + shipping"]], ids=["found", "declared"])
def test_a_number_of_two_values_is_part_of_a_sum(entries: list[str]) -> None:
    table = orders(flag=lambda random, _: random.integers(0, 2, ROWS))
    schema = detect(table)
    assert schema["shipping"].kind == "category"
    relations = find_relations(table, schema, entries)
    assert texts(relations) == ["total = spend + shipping"]
    rows = made(table, relations)
    assert rows.schema.equals(table.schema)
    cents = {name: np.rint(rows[name].to_numpy() * 100) for name in ("total", "spend", "shipping")}
    assert np.array_equal(cents["total"], cents["spend"] + cents["shipping"])
    assert set(rows["shipping"].to_pylist()) == {0, 4.95}


def test_whole_numbers_of_two_values_are_counted() -> None:
    random = np.random.default_rng(0)
    adults, child = random.integers(1, 9, ROWS), random.integers(0, 2, ROWS)
    table = pa.table({"people": (adults + child).astype(np.int8), "adults": adults, "child": child})
    relations = find_relations(table, detect(table))
    assert texts(relations) == ["people = adults + child"]
    rows = made(table, relations).to_pylist()
    assert all(row["people"] == row["adults"] + row["child"] for row in rows)


def test_sums_of_other_numbers_are_found_as_without_flags() -> None:
    """`price` follows from the flags, so that `total` does too; it is still found from `price` and `tax`."""
    random = np.random.default_rng(0)
    first, second = random.integers(0, 2, (2, ROWS))
    price, tax = 10 * first + 5 * second, random.integers(1, 50, ROWS)
    table = pa.table({"first": first, "second": second, "price": price, "tax": tax, "total": price + tax})
    assert "total = price + tax" in texts(find_relations(table, detect(table), ["auto", "not functional"]))


def test_a_total_of_two_values_is_refused_with_another() -> None:
    table = orders()
    with pytest.raises(UserError, match=r"'shipping' has two values only, .*; write total = shipping \+ spend\.$"):
        find_relations(table, detect(table), ["shipping = total - spend"])


def test_declared_orders_with_numbers_of_two_values() -> None:
    table = orders(
        discount=lambda random, shipping: np.round(random.uniform(0, 1, ROWS) * shipping, 2),
        limit=lambda random, _: np.round(random.uniform(5, 9, ROWS), 1),
    )
    schema = detect(table)
    relations = find_relations(table, schema, ["discount <= shipping", "shipping <= limit"])
    assert relations.restore(relations.reduce(table)).equals(table)
    rows = made(table, relations)
    assert rows.schema.equals(table.schema)
    assert all(row["discount"] <= row["shipping"] <= row["limit"] for row in rows.to_pylist())
    assert set(rows["shipping"].to_pylist()) == {0, 4.95}
    assert not any("shipping" in text for text in texts(find_relations(table, schema, ["auto", "not sum"])))


def test_a_declared_formula_of_two_values() -> None:
    table = orders(express=lambda _, shipping: np.where(shipping > 0, 1, 3))
    schema = detect(table)
    relations = find_relations(table, schema, ["shipping = -2.475 * express + 7.425"])
    rows = made(table, relations)
    pairs = set(zip(rows["express"].to_pylist(), rows["shipping"].to_pylist(), strict=True))
    assert pairs == {(1, 4.95), (3, 0)}


def test_a_word_or_a_boolean_is_no_number() -> None:
    table = orders(
        word=lambda random, _: random.choice(["a", "b"], ROWS), paid=lambda random, _: random.random(ROWS) < 1 / 2
    )
    for name, kind in (("word", "category"), ("paid", "boolean")):
        with pytest.raises(UserError, match=f"column '{name}' is {kind}; needed is integer or numeric"):
            find_relations(table, detect(table), [f"total = spend + {name}"])
