import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gans.errors import UserError
from gans.sampling.where.grammar import Where, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'yes'", "yes"),
        ('"it\'s"', "it's"),
        (r"'it\'s'", "it's"),
        (r'"say \"hi\""', 'say "hi"'),
        (r"'back\\slash\n'", "back\\slash\n"),
        ("'a and b == c'", "a and b == c"),
        ("'line\nbreak'", "line\nbreak"),
        ("'null'", "null"),
        ("'40'", "40"),
        ("-40", -40),
        ("+40", 40),
        ("007", 7),
        ("1_000_000", 1_000_000),
        ("12345678901234567890", 12345678901234567890),
        ("-.5", -0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("1.5E-3", 0.0015),
        ("0.12345678901234567890123", Decimal("0.12345678901234567890123")),
        ("True", True),
        ("FALSE", False),
    ],
)
def test_literals(literal: str, value: Any) -> None:
    for text in (f"x == {literal}", f"  x=={literal}  ", f"`x`  ==\t{literal}\n", f"{literal} == x"):
        found = parse(text)["x"].values
        assert found == (value,)
        assert [type(one) for one in found or ()] == [type(value)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("education-num == 10", "education-num"),
        ("education.num<10", "education.num"),
        ("_private in(1)", "_private"),
        ("é == 1", "é"),
        ("`marital status` == 1", "marital status"),
        ("`and` == 1", "and"),
        ("`2nd` == 1", "2nd"),
        ("`a``b` == 1", "a`b"),
        ("android is null", "android"),
        ("-9<=x-1<-0.5e+1 and x-1 != -7", "x-1"),
    ],
)
def test_column_names(text: str, name: str) -> None:
    assert list(parse(text)) == [name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age", "'age' ends where one of == != < <= > >= in, not in, is is needed"),
        ("age ==", "ends where a value is needed"),
        ("== 40", "a column name is needed where '== 40' stands"),
        ("age = 40", "cannot read '= 40'; equality is ==; "),
        ("age > 12,5", "'and' is needed where ',5' stands; decimals have a point, as in 12.5; "),
        ("since > 31.12.2023", "cannot read '31.12.2023'; dates go in quotes, as in '2023-12-31'; "),
        ("age === 40", "cannot read '=== 40'"),
        ("age == yes", "age: text goes in quotes: 'yes'"),
        ("age == income", "age: text goes in quotes: 'income'"),
        ("age == 40 and", "ends where a column name is needed"),
        ("and age == 40", "a column name is needed where 'and age == 40' stands"),
        ("age == 40 income == 3", "'and' is needed where 'income == 3' stands"),
        ("age == 40 or income == 3", "'or' is not known; for several values write age in (a, b)"),
        ("age == 40, income == 3", "'and' is needed where ', income == 3' stands"),
        ("age == 'open", 'cannot read "\'open"'),
        ("`age == 40", "cannot read '`age == 40'"),
        ("age == - 40", "cannot read '- 40'"),
        ("age == 40abc", "cannot read '40abc'"),
        ("age == 1__0", "cannot read '1__0'"),
        ("age == (40)", "a value is needed where '(40)' stands"),
        ("age in 40", "a list in parentheses is needed where '40' stands"),
        ("age in (40", "ends where ',' or ')' is needed"),
        ("age in (40 41)", "',' or ')' is needed where '41)' stands"),
        ("age in (40,)", "a value is needed where ')' stands"),
        ("age in ()", "age in () allows nothing"),
        ("age in (40, 'x')", "age: 40 is a number and 'x' is text"),
        ("age in (1, true)", "age: 1 is a number and true is true or false"),
        ("age is 40", "'null' is needed where '40' stands"),
        ("age not 40", "'in' is needed where '40' stands"),
        ("not age == 40", "'not' stands only in 'not in' and 'is not null'"),
        ("age < null", "age < null: null has no order"),
        ("age >= true", "age >= true: true has no order"),
        ("30 <= age > 45", "<= and > around age are no range; write one as low <= age < high"),
        ("30 == age == 30", "== and == around age are no range"),
        ("30 <= 40", "a column name is needed where '40' stands"),
        ("age < 45 < 50", "'and' is needed where '< 50' stands"),
        ("day > 2024-01-31", "2024-01-31 goes in quotes: '2024-01-31'"),
        ("age == 1e999", "age: the number 1e999 is out of range"),
        ("age == 1e-999999999", "age: the number 1e-999999999 is out of range"),
        (r"path == 'C:\dir'", r"'\d' in 'C:\dir' means nothing; write a backslash as '\\'"),
        ("age >= 50 and age < 40", "age >= 50 and age < 40 allows nothing"),
        ("50 <= age < 40", "age >= 50 and age < 40 allows nothing"),
        ("age < 40 and age > 40", "age < 40 and age > 40 allows nothing"),
        ("age == 1 and age == 2", "age == 1 and age == 2 allows nothing"),
        ("age in (1, 2) and age not in (1, 2)", "age in (1, 2) and age not in (1, 2) allows nothing"),
        ("age is null and age > 3", "age is null and age > 3 allows nothing"),
        (
            "day > '2024-01-01' and day < '2024-01-01T00:00Z'",
            "'2024-01-01T00:00Z' names its zone and '2024-01-01' does",
        ),
        ("age == 40;", "cannot read ';'"),
        ("age == 0x10", "cannot read '0x10'"),
        ("age == [40]", "cannot read '[40]'"),
    ],
)
def test_bad_text_has_one_clear_message(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)
    assert str(caught.value).startswith("where: ")
    assert said in str(caught.value)


def test_an_example_stands_with_a_mistake_of_the_grammar_and_can_be_read() -> None:
    with pytest.raises(UserError, match="write for example where=") as caught:
        parse("age = 40")
    assert list(parse(str(caught.value).split('where="')[1].split('"')[0])) == ["plan", "age", "region"]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_allows_everything(text: str) -> None:
    assert parse(text) == {}
    assert parse(text).mask(pa.table({"x": [1, 2]})).all()


@pytest.mark.parametrize("code", ["__import__('pathlib').Path({path!r}).touch()", "open({path!r}, 'w')", "f'{{1}}'"])
def test_nothing_is_evaluated(code: str, tmp_path: Path) -> None:
    code = code.format(path=str(tmp_path / "touched"))
    for text in (f"x == {code}", f"{code} == 1", f"x in ({code})", code):
        with pytest.raises(UserError):
            parse(text)
    quoted = code.replace('"', "")
    assert parse(f'x == "{quoted}"')["x"].values == (quoted,)
    assert not (tmp_path / "touched").exists()


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    with pytest.raises(UserError, match="cannot read"):
        parse("x == '" + "\\'" * 50_000)
    many = " and ".join(f"c{i} == {i}" for i in range(2_000))
    assert [rule.values for rule in parse(many).values()] == [(i,) for i in range(2_000)]
    assert len(parse(f"x in ({', '.join(map(str, range(50_000)))})")["x"].values or ()) == 50_000


@settings(max_examples=200, deadline=None)
@given(name=st.text(min_size=1, max_size=5), value=TEXTS | st.booleans() | st.integers() | st.decimals(-1e6, 1e6))
def test_names_and_values_are_read_back(name: str, value: Any) -> None:
    where = Where.of({name: [value, None], "other": slice(1, None)})
    assert parse(str(where)) == where


def test_a_mapping() -> None:
    given = {
        "one": np.int8(2),
        "some": [1, 2.0, Decimal("2"), np.float32(0.5), None],
        "set": {"y", "x"},
        "slice": slice(30, 45),
        "open": slice(None, datetime.date(2024, 1, 1)),
        "interval": pd.Interval(0, np.inf, closed="left"),
        "missing": pd.NA,
        "nat": np.datetime64("NaT"),
        "nan": float("nan"),
        "month": np.datetime64("2024-01"),
        "time": pd.Timestamp("2024-01-31T12:00:00.000000001", tz="UTC"),
        "series": pd.Series(["a", None], dtype="str"),
        "array": np.array([1, 2]),
        "range": range(3),
        "rule": parse("other > 3")["other"],
    }
    expected = (
        "one == 2 and some in (1, 2, 0.5, null) and set in ('x', 'y') and 30 <= slice < 45 and open < '2024-01-01' "
        "and interval >= 0 and missing is null and nat is null and nan is null and month == '2024-01-01' "
        "and time == '2024-01-31T12:00:00.000000001+00:00' and series in ('a', null) and array in (1, 2) "
        "and range in (0, 1, 2) and other > 3"
    )
    assert str(Where.of(given)) == expected
    assert Where.of("one == 2") == Where.of({"one": 2.0})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("since == '01.02.2023'", "since == '2023-02-01'"),
        ("since == '1.2.2023'", "since == '2023-02-01'"),
        ("since >= '15.01.2023' and since < '01.06.2023'", "'2023-01-15' <= since < '2023-06-01'"),
        ("'15.01.2023' <= since < '2023-06-01'", "'2023-01-15' <= since < '2023-06-01'"),
        ("since in ('15.01.2023', null)", "since in ('2023-01-15', null)"),
        ({"since": ["15.01.2023", datetime.date(2023, 2, 1)]}, "since in ('2023-01-15', '2023-02-01')"),
        ({"since": slice("15.01.2023", "01.06.2023")}, "'2023-01-15' <= since < '2023-06-01'"),
        ("paid > '03/04/23 05:06 PM'", "paid > '2023-03-04T17:06:00'"),
        ("paid > '03/04/23'", "paid > '2023-03-04'"),
        ("plan == '01.02.2023'", "plan == '01.02.2023'"),  # a column of text
        ("since == 'soon'", "since == 'soon'"),  # which the column's type refuses
        ("since == '01/02/2023'", "since == '01/02/2023'"),
    ],
)
def test_times_by_the_format_of_the_file(given: Any, expected: str) -> None:
    assert str(Where.of(given, {"since": "%d.%m.%Y", "paid": "%m/%d/%y %I:%M %p"})) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": []}, r"x in \(\) allows nothing"),
        ({"x": {"a": 1}}, r"x: \{'a': 1\} is no value; allowed are a number, text"),
        ({"x": [[1]]}, r"x: \[1\] is no value"),
        ({"x": b"a"}, "x: b'a' is no value"),
        ({"x": float("inf")}, "x: the number Infinity is out of range"),
        ({"x": slice(None)}, r"x: slice\(None, None, None\) is no range"),
        ({"x": slice(1, 5, 2)}, "is no range"),
        ({"x": slice(5, 1)}, "x >= 5 and x < 1 allows nothing"),
        ({"x": slice(1, "b")}, "1 is a number and 'b' is text"),
        ({1: 1}, "1 is no column name"),
        ([("x", 1)], "allowed are a text or a mapping"),
    ],
)
def test_a_bad_mapping(given: Any, said: str) -> None:
    with pytest.raises(UserError, match=f"^where.*{said}"):
        Where.of(given)


def test_a_table() -> None:
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})
    assert parse("a > 1 and b is not null").mask(table).tolist() == [False, True, False]
    with pytest.raises(UserError, match="where: column 'c' is not in the table; it has a, b"):
        parse("c == 1").mask(table)
