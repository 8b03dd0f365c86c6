import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gans.data.detection import find_column
from gans.errors import UserError
from gans.federated.agreement import Description
from gans.federated.sketches import ColumnSketch, condensed, sketch_column


def below(values: np.ndarray, counts: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows below each of some values."""
    ends = np.append(0, np.cumsum(counts))
    return ends[np.searchsorted(values, at)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=200), st.integers(10, 100), st.integers(1, 12))
def test_no_share_below_a_value_is_off_by_more_than_is_stated(counts: list[int], points: int, floor: int) -> None:
    real = np.array(counts)
    kept, told = condensed(real, points, floor)
    rows, at = real.sum(), np.arange(len(real) + 1)
    assert told.sum() == rows
    assert (np.diff(kept) > 0).all()
    error = np.abs(below(np.arange(len(real)), real, at) - below(kept, told, at)).max() / rows
    assert error <= 1 / points + 2 * floor / rows
    assert len(told) == 1 or told.min() >= min(floor, rows)


def test_values_that_many_rows_hold_stand_for_themselves() -> None:
    kept, told = condensed(np.array([500, 1, 1, 1, 497]), 10, 1)
    assert kept[0] == 0
    assert kept[-1] == 4
    assert told[0] == 500
    assert told[-1] == 497


def test_levels_of_few_rows_are_withheld_and_counted() -> None:
    array = pa.chunked_array([["a"] * 9 + ["b"] * 5 + ["rare"] * 4 + [None] * 2])
    told = sketch_column(find_column("plan", array), array, 100, 5)
    assert (told.values, told.counts, told.withheld, told.missing) == (["a", "b"], [9, 5], 4, 2)


def test_nothing_is_told_of_what_is_not_learned() -> None:
    array = pa.chunked_array([[f"customer-{place}" for place in range(50)]])
    told = sketch_column(find_column("customer", array), array, 100, 5)
    assert told.left_out
    assert (told.values, told.counts, told.missing) == ([], [], 0)


@pytest.mark.parametrize(
    "column",
    [
        ColumnSketch(name="x", type="int64", kind="integer", values=["1"], counts=[3]),
        ColumnSketch(name="x", type="int64", kind="integer", values=["1"], counts=[-5]),
        ColumnSketch(name="x", type="int64", kind="integer", values=["1", "2"], counts=[5]),
        ColumnSketch(name="x", type="int64", kind="integer", values=["one"], counts=[5]),
        ColumnSketch(name="x", type="list<int>", kind="integer", values=["1"], counts=[5]),
    ],
)
def test_a_sketch_that_no_table_gives_is_refused(column: ColumnSketch) -> None:
    with pytest.raises(UserError, match="column 'x'"):
        column.check(5)


SITE = {"name": "a", "rows": 1, "holdout": 1}


@pytest.mark.parametrize(
    "told",
    [None, {}, SITE | {"rows": "x", "columns": []}, SITE | {"columns": [{"name": 1}]}, SITE | {"columns": 3}],
)
def test_what_is_no_description_is_refused(told: object) -> None:
    with pytest.raises(UserError, match="no description"):
        Description.from_json(told)


COLUMN = {"name": "x", "type": "int64", "kind": "integer", "values": ["1"], "counts": [1]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../north"}, "a name of at most"),
        ({"name": "a" * 65}, "a name of at most"),
        ({"rows": 0}, "it tells of 0 rows"),
        ({"columns": []}, "1 rows and 0 columns"),
        ({"columns": [COLUMN | {"counts": [0]}]}, "site a: column 'x': 0 rows are told of it, and 1 are there"),
        ({"columns": [COLUMN | {"counts": [2]}]}, "site a: column 'x': its counts"),
    ],
)
def test_a_description_that_cannot_be_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Description.from_json(SITE | {"columns": [COLUMN]} | changes)


@pytest.mark.parametrize(
    "values",
    [[0.0] * 50 + [48213.77], [True] * 50 + [False], ["a"] * 50 + ["b"], [7] * 50 + [8]],
)
def test_what_one_row_holds_is_not_told(values: list[object]) -> None:
    array = pa.chunked_array([values])
    told = sketch_column(find_column("x", array), array, 1000, 5)
    assert len(told.values) == 1
    assert told.withheld == 1


def test_of_fewer_numbers_than_the_floor_none_is_told() -> None:
    array = pa.chunked_array([[31, 33, 38, 41] + [None] * 40])
    told = sketch_column(find_column("age", array, "integer"), array, 1000, 5)
    assert (told.values, told.withheld, told.missing) == ([], 4, 40)
