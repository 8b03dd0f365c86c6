"""The grammar of relations: what it reads, what it refuses, and that texts are read back."""

import pyarrow as pa
import pytest

from gans.data.relations import parse_relation
from gans.data.relations.average import Average
from gans.data.relations.exclusions import Exclusion
from gans.data.relations.formula import Formula
from gans.data.relations.functional import Functional
from gans.data.relations.order import Order
from gans.data.relations.sums import Sum
from gans.errors import UserError

READ = [
    ("education -> education-num", Functional(source="education", target="education-num")),
    ("education->education-num", Functional(source="education", target="education-num")),
    ("`a b` -> `c -> d`", Functional(source="a b", target="c -> d")),
    ("`a``b` -> ````", Functional(source="a`b", target="`")),
    ("start <= end", Order(low="start", high="end")),
    ("end >= start", Order(low="start", high="end")),
    ("total = a + b - c", Sum(total="total", parts=["a", "b", "c"], signs=[1, 1, -1])),
    ("total = - a + b", Sum(total="total", parts=["a", "b"], signs=[-1, 1])),
    ("square = value ^ 2", Formula(target="square", source="value", power=2)),
    ("spent / `of orders`", Average(total="spent", count="of orders")),
    ("f = 1.8 * c + 32", Formula(target="f", source="c", slope=1.8, intercept=32.0)),
    ("f = 3 - 2e-3 * c", Formula(target="f", source="c", slope=-0.002, intercept=3.0)),
    ("copy = value", Formula(target="copy", source="value")),
    ("if a == 'x' then b == \"it's\"", Exclusion(source="a", value="x", target="b", values=["it's"])),
    ("if a == true then b != -3", Exclusion(source="a", value=True, target="b", values=[-3], among=False)),
    ("if `if` == 2 then b in ('x', null)", Exclusion(source="if", value=2, target="b", values=["x", None])),
    (
        "if a == null then b not in (1.5, 2)",
        Exclusion(source="a", value=None, target="b", values=[1.5, 2], among=False),
    ),
]


@pytest.mark.parametrize(("text", "relation"), READ)
def test_texts_are_read_and_read_back(text: str, relation: object) -> None:
    found = parse_relation(text)
    assert found == relation
    assert parse_relation(found.text) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a column name is expected, not nothing"),
        ("a", "-> or <= or >= or = or ~ or / is expected, not nothing"),
        ("a -> ", "a column name is expected, not nothing"),
        ("a -> b c", "'c' is left over"),
        ("a -> a", "column 'a' is named twice"),
        ("t = a + t", "column 't' is named twice"),
        ("t = 2 * a + b", "several columns are added or subtracted as they are"),
        ("t = a + b + 1", "several columns are added or subtracted as they are"),
        ("t = 3", "the right side names no column"),
        ("t = a ^ 3", r"the only power is \^ 2"),
        ("if a = 'x' then b == 'y'", "== is expected, not '='"),
        ("if a == x then b == 'y'", "a value is expected, not 'x', and text goes in quotes"),
        ("if a == 'x' then b in ('y'", r", or \) is expected, not nothing"),
        ("a < b", "cannot read '< b'"),
        ("__import__('os') -> b", "-> or <= or >= or = or ~ or / is expected"),
    ],
)
def test_what_does_not_follow_the_grammar_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_relation(text)


def test_a_dependency_that_was_not_fitted_allows_nothing_to_be_checked() -> None:
    with pytest.raises(UserError, match="what follows from what is learned from a table"):
        parse_relation("a -> b").holds(pa.table({"a": ["x"], "b": ["y"]}))


def test_missing_is_a_value_only_where_null_is_written() -> None:
    table = pa.table({"a": ["x", "x", "x", None, None], "b": ["y", None, "z", "y", "z"]})
    held = {
        "if a == 'x' then b == 'y'": [True, True, False, True, True],
        "if a == 'x' then b in ('y', null)": [True, True, False, True, True],
        "if a == 'x' then b != null": [True, False, True, True, True],
        "if a == null then b == 'y'": [True, True, True, True, False],
    }
    for text, expected in held.items():
        assert parse_relation(text).holds(table).tolist() == expected
