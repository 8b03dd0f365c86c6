from pathlib import Path
from typing import Any

import pytest

from gans.conditions.where import parse_where
from gans.errors import UserError


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'yes'", "yes"),
        ('"yes"', "yes"),
        ("''", ""),
        ("' a  b '", " a  b "),
        (r"'it\'s'", "it's"),
        (r'"say \"hi\""', 'say "hi"'),
        (r"'back\\slash'", "back\\slash"),
        ("'a and b == c'", "a and b == c"),
        ('"it\'s"', "it's"),
        ("'日本 é'", "日本 é"),
        ("'line\nbreak'", "line\nbreak"),
        ("'null'", "null"),
        ("'40'", "40"),
        ("40", 40),
        ("-40", -40),
        ("+40", 40),
        ("007", 7),
        ("12345678901234567890", 12345678901234567890),
        ("0.5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("NULL", None),
    ],
)
def test_literals(literal: str, value: Any) -> None:
    for text in (f"x == {literal}", f"  x=={literal}  ", f"`x`  ==\t{literal}\n"):
        found = parse_where(text)
        assert found == {"x": value}
        assert type(found["x"]) is type(value)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("age", "age"),
        ("_private", "_private"),
        ("marital-status", "marital-status"),
        ("education.num", "education.num"),
        ("a1", "a1"),
        ("é", "é"),
        ("AND", "AND"),
        ("`marital status`", "marital status"),
        ("`and`", "and"),
        ("`==`", "=="),
        ("`2nd`", "2nd"),
        ("`it's`", "it's"),
        ("`_private`", "_private"),
    ],
)
def test_column_names(written: str, name: str) -> None:
    assert parse_where(f"{written} == 1") == {name: 1}


def test_several_columns_in_their_order() -> None:
    found = parse_where("b == 'x' and `c d`==null and a == 1.5   and\ne == true")
    assert list(found.items()) == [("b", "x"), ("c d", None), ("a", 1.5), ("e", True)]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_nothing_fixes_nothing(text: str) -> None:
    assert parse_where(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "age",
        "age ==",
        "== 40",
        "age = 40",
        "age === 40",
        "age != 40",
        "age > 40",
        "age == yes",
        "age == `yes`",
        "age == 40 and",
        "and age == 40",
        "age == 40 income == 3",
        "age == 40 or income == 3",
        "age == 40, income == 3",
        "age == 40 `and` income == 3",
        "age == 40 and and income == 3",
        "age == 'open",
        'age == "open',
        r"age == 'open\'",
        "age == 'a' 'b'",
        "`age == 40",
        "`` == 40",
        "40 == age",
        "'age' == 40",
        "age == - 40",
        "age == 4 0",
        "age == 40abc",
        "age == 1_000",
        "age == (40)",
        "age == [40]",
        "not age == 40",
        "age == 40;",
        "age == 0x10",
        "age == --5",
        "age == 40 #",
    ],
)
def test_malformed_text_is_named_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match=r"^where: .*for example where="):
        parse_where(text)


def test_a_column_twice() -> None:
    with pytest.raises(UserError, match="column 'age' is named twice"):
        parse_where("age == 4 and `age` == 5")


@pytest.mark.parametrize("code", ["__import__('pathlib').Path({path!r}).touch()", "open({path!r}, 'w')", "f'{{1}}'"])
def test_nothing_is_evaluated(code: str, tmp_path: Path) -> None:
    code = code.format(path=str(tmp_path / "touched"))
    for text in (f"x == {code}", f"{code} == 1", code):
        with pytest.raises(UserError):
            parse_where(text)
    quoted = code.replace('"', "")
    assert parse_where(f'x == "{quoted}"') == {"x": quoted}
    assert not (tmp_path / "touched").exists()


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    text = "x == '" + "\\'" * 50_000
    with pytest.raises(UserError, match="cannot read"):
        parse_where(text)
    many = " and ".join(f"c{i} == {i}" for i in range(2_000))
    assert parse_where(many) == {f"c{i}": i for i in range(2_000)}
