import datetime as dt
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gans.data.detection import detect, normalise
from gans.errors import UserError
from gans.evaluation.embedding import points
from gans.evaluation.fidelity import pairs
from gans.evaluation.inputs import MOST_LEVELS, NULL, OTHER, joined, read_sides

from .customers import people, sides, tables


def test_numbers_and_levels_by_hand() -> None:
    real = normalise(pa.table({"n": [1.5, None, 3.5, 2.5], "c": ["b", "a", None, "b"], "k": [1, 2, 2, 1]}))
    made = normalise(pa.table({"n": [9.0, 8.0], "c": ["z", "a"], "k": [2, 1]}))
    real_side, made_side = (tables(real, made).sides[name] for name in ("real", "synthetic"))
    assert real_side.levels == {
        "n is null": ["False", "True"], "c": [NULL, "a", "b", "z"], "k": ["1", "2"],
    }  # fmt: skip
    np.testing.assert_array_equal(real_side.columns["n"], [1.5, 2.5, 3.5, 2.5])  # the median in the place of null
    np.testing.assert_array_equal(real_side.columns["n is null"], [0, 1, 0, 0])
    np.testing.assert_array_equal(real_side.columns["c"], [2, 1, 0, 2])
    np.testing.assert_array_equal(made_side.columns["c"], [3, 1])
    np.testing.assert_array_equal(made_side.columns["k"], [1, 0])


def test_whole_numbers_as_levels_have_no_decimal_point() -> None:
    real = normalise(pa.table({"k": pa.array([1.0, 2.0, None, 1.0]), "n": [1.5, 2.5, 3.5, 0.5]}))
    made = normalise(pa.table({"k": [1, 2], "n": [1.5, 2.5]}))
    found = read_sides(detect(real, {"k": "category"}), real, made).sides
    assert found["synthetic"].levels["k"] == ["1", "2", NULL]


def test_drawing_is_that_of_pandas() -> None:
    table = people(0)
    (side, _) = sides(table, people(1))
    expected = pd.Series(side.columns["income"]).sample(50, random_state=3)
    np.testing.assert_array_equal(side.drawn(50, 3).columns["income"], expected)


def test_joining_and_leaving_out() -> None:
    real, made = sides(people(0), people(1, 100))
    both = joined(real, made)
    assert both.rows == 500
    np.testing.assert_array_equal(both.columns["plan"][400:], made.columns["plan"])
    assert set(both.without("age").columns) == {"plan", "income", "visits", "left"}


def test_rare_levels_become_one() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"w{k:04}" for k in range(3_000)])
    drawn = [pa.table({"c": rng.choice(words, 2_000), "x": rng.normal(size=2_000)}) for _ in range(2)]
    found = read_sides(detect(drawn[0], {"c": "category"}), *drawn)
    side = found.capped["real"]
    assert len(side.levels["c"]) == MOST_LEVELS + 1
    assert side.levels["c"][-1] == OTHER
    often = Counter(sorted(value for table in drawn for value in table["c"].to_pylist()))
    frequent = {value for value, _ in often.most_common(MOST_LEVELS)}  # of as frequent ones the first by name
    for name in ("real", "synthetic"):
        whole, capped = found.sides[name], found.capped[name]
        kept = set(side.levels["c"][:-1])
        assert kept == frequent
        own, level = (np.array(one.levels["c"])[one.columns["c"]] for one in (whole, capped))
        assert level.tolist() == [one if one in kept else OTHER for one in own]


def test_points_by_hand() -> None:
    real = normalise(pa.table({"n": [0.0, 10.0, 5.0, 2.5], "c": ["a", "b", "a", "b"]}))
    made = normalise(pa.table({"n": [20.0], "c": ["b"]}))
    real_side, made_side = sides(real, made)
    np.testing.assert_allclose(points(made_side, real_side).matrix(), [[2.0, 0, 1]])
    np.testing.assert_allclose(points(real_side, real_side).matrix()[:2], [[0, 1, 0], [1, 0, 1]])


def test_pairs_are_all_or_a_fixed_part() -> None:
    assert pairs(["a", "b", "c"], 10) == [("a", "b"), ("a", "c"), ("b", "c")]
    names = [f"c{k}" for k in range(80)]
    some = pairs(names, 100)
    assert len(set(some)) == 100
    assert some == pairs(names, 100)


def test_columns_of_the_synthetic_table_only_are_told() -> None:
    made = people(1).append_column("more", pa.array(np.zeros(400)))
    found = tables(people(0), made)
    assert found.ignored == ["more"]
    assert "more" not in found.sides["real"].columns


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda real, made: (real, made.drop_columns(["income", "left"]), None),
            ("columns differ", "'income', 'left'"),
        ),
        (lambda real, made: (real, made.slice(0, 0), None), ("synthetic: the table is empty", "0 rows")),
        (lambda real, made: (real, made, made.drop_columns(["plan"])), ("test", "'plan'")),
        (
            lambda real, made: (real, made.set_column(2, "income", pa.array(["much"] * 400)), None),
            ("synthetic: column 'income' holds string", "double"),
        ),
    ],
)
def test_tables_that_do_not_fit(change: object, said: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as error:
        tables(*change(people(0), people(1)))  # pyright: ignore
    assert all(word in str(error.value) for word in said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lefd", []), ("target=lefd", "Did you mean 'left'?")),
        (("left", ["agee"]), ("secrets=agee", "Did you mean 'age'?")),
    ],
)
def test_a_target_or_secret_that_is_not_there(arguments: tuple[str, list[str]], said: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as error:
        tables(people(0), people(1), people(2), *arguments)
    assert all(word in str(error.value) for word in said)


def test_a_target_of_one_class() -> None:
    real = people(0)
    real = real.set_column(4, "left", pa.array(["no"] * 400))
    with pytest.raises(UserError, match="target=left: it has one value only in the real table"):
        tables(real, people(1), people(2), "left")
    with pytest.raises(UserError, match="one value only in the test table"):
        tables(people(0), people(1), real, "left")


def test_fractions_in_a_column_of_levels_are_levels() -> None:
    real = normalise(pa.table({"k": [0, 1, 0, 1], "x": [1.5, 2.5, 3.5, 0.5]}))
    found = tables(real, pa.table({"k": [1.0, 1.3], "x": [1.5, 2.5]})).sides
    assert found["synthetic"].levels["k"] == ["0", "1", "1.3"]
    np.testing.assert_array_equal(found["synthetic"].columns["k"], [1, 2])


def test_fractions_in_a_column_of_whole_numbers_are_kept() -> None:
    real = normalise(pa.table({"n": [0, 10, 20, 30], "x": [1.5, 2.5, 3.5, 0.5]}))
    found = tables(real, pa.table({"n": [1.0, 1.3], "x": [1.5, 2.5]})).sides
    np.testing.assert_array_equal(found["synthetic"].columns["n"], [1.0, 1.3])


def test_an_empty_column_that_is_filled() -> None:
    real = normalise(pa.table({"e": pa.nulls(4), "x": [1.5, 2.5, 3.5, 0.5]}))
    found = tables(real, pa.table({"e": ["a", None], "x": [1.5, 2.5]})).sides
    assert found["real"].levels["e"] == [NULL, "a"]


def test_a_column_that_was_left_out_says_why() -> None:
    real = people(0).append_column("mail", pa.array([f"m{k}@x.org" for k in range(400)]))
    made = people(1).append_column("mail", pa.array([f"n{k}@x.org" for k in range(400)]))
    with pytest.raises(UserError, match=r"secrets=mail: it was left out: personal data: e-mail addresses"):
        tables(real, made, None, "", ["mail"])


def test_the_only_column_cannot_be_predicted() -> None:
    one = pa.table({"left": ["yes", "no"] * 50})
    with pytest.raises(UserError, match="target=left: it is the only column"):
        tables(one, one, one, "left")


def test_a_column_of_one_value_beside_missing_ones_has_no_range() -> None:
    day, other = dt.datetime(2020, 1, 1), dt.datetime(2024, 1, 1)
    real = normalise(pa.table({"day": pa.array([day, None] * 4), "x": np.arange(8) / 3}))
    real_side, made_side = sides(real, pa.table({"day": [day, other], "x": [0.5, 1.5]}))
    np.testing.assert_array_equal(points(made_side, real_side).numbers[:, 0], [0, 1])


def test_criteria_are_tested_once_for_each_secret_and_run() -> None:
    both = tables(people(0, 200), people(1, 200), people(2, 200), "left", ["plan", "age"])
    assert both.criteria_tests == 4
    both.runs = 5
    assert both.criteria_tests == 20
