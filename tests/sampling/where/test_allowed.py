import datetime
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gans.data.detection import detect, normalise
from gans.data.schema import Schema
from gans.errors import UserError
from gans.sampling.where.allowed import Allowed
from gans.sampling.where.grammar import parse

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
UTC = datetime.UTC
HELD: dict[str, tuple[list[Any], pa.DataType, str, Any]] = {  # rows, type, a literal and what it means
    "int8": ([1, 40, None, -3, 41], pa.int8(), "40.0", 40),
    "between": ([1, 40, None, -3, 41], pa.int64(), "40.5", 40.5),
    "large": ([2**63 - 1, -(2**63), None, 2**53 + 1, 2**53], pa.int64(), "9007199254740993", 2**53 + 1),
    "beyond": ([2**63 - 1, -(2**63), None], pa.int64(), "1e30", 1e30),
    "uint64": ([2**64 - 1, 2**64 - 2, None], pa.uint64(), str(2**64 - 2), 2**64 - 2),
    "float": ([0.1, 0.2, None, float("nan"), -0.0], pa.float64(), "0", 0),
    "float32": ([np.float32(0.1), np.float32(0.3), None], pa.float32(), "0.1", np.float32(0.1)),
    "decimal": ([Decimal("0.10"), Decimal("0.30"), None], pa.decimal128(9, 2), "0.1", Decimal("0.1")),
    "finer": ([Decimal("0.10"), Decimal("0.11"), None], pa.decimal128(9, 2), "0.105", Decimal("0.105")),
    "text": (["b", "a", None, "é", ""], pa.string(), "'b'", "b"),
    "date": (
        [datetime.date(2024, 1, 31), datetime.date(1, 1, 1), None, datetime.date(2024, 2, 1)],
        pa.date32(),
        "'2024-01-31'",
        datetime.date(2024, 1, 31),
    ),
    "time": (
        [datetime.datetime(2024, 1, 31, 12), datetime.datetime(2024, 1, 31), None, datetime.datetime(9000, 1, 1)],
        pa.timestamp("us"),
        "'2024-01-31 12:00'",
        datetime.datetime(2024, 1, 31, 12),
    ),
    "zoned": (
        [datetime.datetime(2024, 1, 31, 11, tzinfo=UTC), datetime.datetime(2024, 1, 31, 12, tzinfo=UTC), None],
        pa.timestamp("ms", "Europe/Berlin"),
        "'2024-01-31T12:00'",
        datetime.datetime(2024, 1, 31, 11, tzinfo=UTC),
    ),
    "offset": (
        [datetime.datetime(2024, 1, 31, 11, tzinfo=UTC), datetime.datetime(2024, 1, 31, 12, tzinfo=UTC), None],
        pa.timestamp("s", "Europe/Berlin"),
        "'2024-01-31T13:00:00+01:00'",
        datetime.datetime(2024, 1, 31, 12, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("name", HELD)
def test_each_operator_on_each_type(name: str, sign: str) -> None:
    rows, kind, literal, value = HELD[name]
    expected = [row is not None and row == row and bool(OPERATORS[sign](row, value)) for row in rows]
    array = pa.array(rows, kind)
    assert parse(f"x {sign} {literal}")["x"].mask(array).tolist() == expected
    mirrored = sign.translate(str.maketrans("<>", "><"))
    assert parse(f"{literal} {mirrored} x")["x"].mask(pa.chunked_array([array, array])).tolist() == expected * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x in (1, 3)", [1, 0, 1, 0, 0]),
        ("x in (1, null)", [1, 0, 0, 0, 1]),
        ("x IN (null)", [0, 0, 0, 0, 1]),
        ("x not in (1, 3)", [0, 1, 0, 1, 0]),
        ("x NOT In (1, null)", [0, 1, 1, 1, 0]),
        ("x is null", [0, 0, 0, 0, 1]),
        ("x == null", [0, 0, 0, 0, 1]),
        ("null == x", [0, 0, 0, 0, 1]),
        ("x IS NOT NULL", [1, 1, 1, 1, 0]),
        ("x != null", [1, 1, 1, 1, 0]),
        ("2 <= x < 4", [0, 1, 1, 0, 0]),
        ("4 > x >= 2", [0, 1, 1, 0, 0]),
        ("1 < x and x <= 4 and x != 3", [0, 1, 0, 1, 0]),
        ("x >= 1 AND x != 1", [0, 1, 1, 1, 0]),
        ("x in (1, 2, null) and x in (2, null)", [0, 1, 0, 0, 1]),
        ("x in (1, null) and x in (2, null)", [0, 0, 0, 0, 1]),
        ("x in (1, null) and x is null", [0, 0, 0, 0, 1]),
        ("x in (1, 2, null) and x > 1", [0, 1, 0, 0, 0]),
        ("x in (1, 2, 3) and x not in (2, 7)", [1, 0, 1, 0, 0]),
        ("x <= 3 and x >= 3", [0, 0, 1, 0, 0]),
    ],
)
def test_lists_ranges_and_missing(text: str, expected: list[int]) -> None:
    array = pa.array([1, 2, 3, 4, None])
    assert parse(text)["x"].mask(array).astype(int).tolist() == expected
    assert parse(text)["x"].mask(array.cast(pa.float64())).astype(int).tolist() == expected


def test_booleans_and_columns_of_missing_values() -> None:
    array = pa.array([True, False, None])
    assert parse("x == true")["x"].mask(array).tolist() == [True, False, False]
    assert parse("x != TRUE")["x"].mask(array).tolist() == [False, True, False]
    assert parse("x in (False, null)")["x"].mask(array).tolist() == [False, True, True]
    assert parse("x == 1")["x"].mask(pa.nulls(2)).tolist() == [False, False]
    assert parse("x in ('a', null)")["x"].mask(pa.nulls(2)).tolist() == [True, True]
    assert parse("x > 1")["x"].mask(pa.chunked_array([], pa.int32())).shape == (0,)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("x == 1", pa.bool_(), "holds true and false, and 1 is a number"),
        ("x == true", pa.int64(), "holds numbers, and true is true or false"),
        ("x == '1'", pa.float64(), "holds numbers, and '1' is text"),
        ("x == 1", pa.string(), "holds text, and 1 is a number"),
        ("x > 2024", pa.date32(), "holds times, and 2024 is a number"),
        ("x > '2024-13-01'", pa.date32(), "holds times, and '2024-13-01' is none"),
        ("x > '2024-01-01T00:00Z'", pa.timestamp("us"), "holds times without a zone"),
    ],
)
def test_values_that_the_column_cannot_be_compared_with(text: str, kind: pa.DataType, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)["x"].mask(pa.array([], kind))
    assert str(caught.value).startswith(f"where: {text}: column x {said}")


NUMBERS = st.integers(-5, 5) | st.integers(-10, 10).map(lambda n: n / 2)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


def rules(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Allowed]:
    lists = st.lists(values | st.none(), min_size=1, max_size=4)
    signs = st.sampled_from(list(OPERATORS))
    return st.one_of(
        lists.map(lambda some: Allowed.any_of("x", some)),
        lists.map(lambda some: Allowed.none_of("x", some)),
        st.booleans().map(lambda missing: Allowed("x", missing=missing)),
        st.tuples(signs, values).map(lambda pair: Allowed.compare("x", *pair)),
    )


@pytest.mark.parametrize("family", ["numbers", "text", "days"])
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_an_intersection_allows_what_both_allow_and_is_read_back(family: str, data: st.DataObject) -> None:
    days = [f"2024-01-{day:02}{clock}" for day in (1, 2, 3) for clock in ("", "T00:00", "T12:00:00")]
    values = {"numbers": NUMBERS, "text": TEXTS, "days": st.sampled_from(days)}[family]
    one, two, three = (data.draw(rules(values)) for _ in range(3))
    rows = data.draw(st.lists(values | st.none(), max_size=20))
    kind = pa.float64() if family == "numbers" else pa.string()
    array = pa.array([None if row is None else float(row) for row in rows] if family == "numbers" else rows, kind)
    if family == "days":
        array = pa.array([None if row is None else np.datetime64(row, "s") for row in rows], pa.timestamp("s"))
    fits = one.mask(array) & two.mask(array)
    if one._merge(two) is None:
        assert not fits.any()
        with pytest.raises(UserError) as caught:
            one.intersect(two)
        assert str(caught.value) == f"where: {one} and {two} allows nothing."
        return
    both = one.intersect(two)
    assert both.mask(array).tolist() == fits.tolist()
    assert parse(str(both)) == {"x": both}
    all_three = both._merge(three)
    left = all_three.mask(array) if all_three else np.zeros(len(array), bool)
    assert left.tolist() == (fits & three.mask(array)).tolist()


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rows = np.arange(40)
    table = {
        "age": pa.array(17 + rows % 30, pa.int64()),
        "child": pa.array([None if row % 9 == 0 else float(row % 5) for row in rows]),
        "income": pa.array(np.round(1.25 * (1 + rows % 20), 2)),
        "price": pa.array([Decimal(f"{row % 20}.50") for row in rows], pa.decimal128(9, 2)),
        "plan": pa.array(["basic" if row % 3 else "gold" for row in rows]),
        "churned": pa.array((rows % 2).astype(bool)),
        "day": pa.array([datetime.date(2024, 1, 1 + int(row) % 20) for row in rows]),
        "seen": pa.array([datetime.datetime(2024, 1, 1 + int(row) % 20, tzinfo=UTC) for row in rows]),
        "country": pa.array(["NL"] * 40),
        "opened": pa.array([datetime.date(2024, 1, 1)] * 40),
        "customer_id": pa.array([f"c{row}" for row in rows]),
    }
    return normalise(pa.table(table))


@pytest.fixture(scope="module")
def schema(table: pa.Table) -> Schema:
    return detect(table)


@pytest.mark.parametrize(
    "text",
    [
        "age == 17 and income in (1.25, 2.5) and plan == 'gold' and churned == true",
        "age > 45 and age != 17.5",
        "46 <= age and age != 999",
        "child is null",
        "child in (1, 4, null)",
        "price >= 19.5",
        "day == '2024-01-20' and seen > '2024-01-19T23:00+01:00'",
        "day > '2024-01-19T05:00'",
        "country == 'NL' and opened <= '2024-01-01'",
        "plan > 'c'",
    ],
)
def test_what_some_row_holds_the_schema_can_hold(text: str, table: pa.Table, schema: Schema) -> None:
    where = parse(text)
    where.check(schema)
    assert all(allowed.mask(table[name]).any() for name, allowed in where.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agee == 17", "column 'agee' is not in the table; allowed are age, .* Did you mean 'age'"),
        ("customer_id == 'c1'", "customer_id == 'c1': column customer_id is left out"),
        ("country == 'DE'", "country == 'DE': column country is constant; every row holds 'NL'"),
        ("opened > '2024-01-01'", "column opened is constant; every row holds '2024-01-01'"),
        ("country == 1", "country == 1: column country holds text, and 1 is a number"),
        ("age > 120", "age > 120: the training rows hold whole numbers from 17 to 46"),
        ("age < 17", "age < 17: the training rows hold whole numbers from 17 to 46"),
        ("17 < age < 18", "17 < age < 18: the training rows hold whole numbers"),
        ("age not in (17, 18) and age < 19", r"age < 19 and age not in \(17, 18\): the training rows"),
        ("age in (30, 99)", "age == 99: the training rows hold whole numbers from 17 to 46"),
        ("age == 30.5", "age == 30.5: the training rows hold whole numbers"),
        ("child == 1.5", "child == 1.5: the training rows hold whole numbers from 0 to 4"),
        ("income == 1.255", "income == 1.255: the training rows hold numbers of 2 decimals from 1.25 to 25.0"),
        ("income > 25", "income > 25: the training rows hold numbers of 2 decimals"),
        ("price > 19.5", "price > 19.5: the training rows hold numbers of 1 decimal from"),
        ("age is null", "age is null: the column has no missing value in the training table"),
        ("age == 'x'", "age == 'x': column age holds numbers, and 'x' is text"),
        ("churned == 1", "churned == 1: column churned holds true and false, and 1 is a number"),
        ("day > '2024-01-20'", "the training rows hold times from 2024-01-01 to 2024-01-20"),
        ("day == '2024-01-03T12:00'", "the training rows hold times from"),
        ("seen < '2024-01-01'", "the training rows hold times from 2024-01-01"),
        ("seen == 'now'", "column seen holds times, and 'now' is none"),
    ],
)
def test_what_the_schema_cannot_hold(text: str, said: str, schema: Schema) -> None:
    with pytest.raises(UserError, match=f"^where: .*{said}"):
        parse(text).check(schema)


def test_a_number_of_any_decimals_misses_only_beyond_its_bounds() -> None:
    values = np.random.default_rng(0).normal(size=100)
    low, high = float(values.min()), float(values.max())
    schema = detect(pa.table({"x": values}))
    for text, rows in ((f"x <= {low!r}", 1), (f"x >= {high!r}", 1), ("0.1234567890123 <= x <= 0.1234567890124", 0)):
        where = parse(text)
        where.check(schema)
        assert where["x"].mask(pa.array(values)).sum() == rows
    for text in (f"x < {low!r}", f"x > {high!r}", "x == 100", "x > 100"):
        with pytest.raises(UserError, match="the training rows hold numbers from"):
            parse(text).check(schema)


@pytest.mark.parametrize(
    ("text", "levels", "expected"),
    [
        ("x in ('b', 'a')", ["a", "b", "c", None], [1, 1, 0, 0]),
        ("x in ('b', null)", ["a", "b", None], [0, 1, 1]),
        ("x != 'b'", ["a", "b", None], [1, 0, 0]),
        ("x is null", ["a", None], [0, 1]),
        ("x > 'a'", ["a", "b"], [0, 1]),
        ("x == false", [False, True], [1, 0]),
        ("x >= 2", [1, 2, 3], [0, 1, 1]),
        ("x == 2.5", [Decimal("1.00"), Decimal("2.50"), None], [0, 1, 0]),
        (f"x > {2**63}", [1, 2**63, 2**64 - 1], [0, 0, 1]),
    ],
)
def test_levels(text: str, levels: list[Any], expected: list[int]) -> None:
    assert parse(text)["x"].levels(levels).astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "x == 'bsic'",
            r"x == 'bsic' does not occur in the training table; allowed are 'basic', 'gold'\. Did you mean 'basic'",
        ),
        ("x in ('gold', 'bsic')", "x == 'bsic' does not occur"),
        ("x != 'silver'", "x == 'silver' does not occur"),
        ("x is null", "x is null does not occur in the training table; allowed are 'basic', 'gold'"),
        ("x not in ('basic', 'gold')", r"x not in \('basic', 'gold'\) does not occur"),
        ("x > 'h'", "x > 'h' does not occur"),
        ("x == 1", "x == 1: column x holds text, and 1 is a number"),
    ],
)
def test_levels_that_are_not_there(text: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^where: {said}"):
        parse(text)["x"].levels(["basic", "gold"])
