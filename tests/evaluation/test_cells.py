"""Cells: counts that are right, and never of a few held-out rows."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.schema import Column
from gans.evaluation.cells import FEWEST_ROWS, MOST_BINS, MOST_LEVELS, ColumnCells, PairCells, closest_pairs


def numeric(values: Any, kind: str = "numeric", missing: int = 0) -> tuple[pa.ChunkedArray, Column]:
    array = pa.chunked_array([pa.array([*values, *[None] * missing])])
    return array, Column(name="x", kind=kind, type=str(array.type))


RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": numeric(RNG.normal(size=900)),
    "heavy tail": numeric(RNG.pareto(1, 900)),
    "few rows": numeric(RNG.normal(size=20)),
    "one value": numeric([3.5] * 200),
    "nearly one value": numeric([0.0] * 995 + [7.0] * 5),
    "nearly all missing": numeric([1.0, 2.0], missing=100),
    "few missing": numeric(RNG.normal(size=100), missing=3),
    "whole": numeric(RNG.integers(0, 9, 500).tolist(), "integer"),
    "large": numeric((10**15 + RNG.integers(0, 9, 500)).tolist(), "integer"),
    "tiny": numeric(1e-9 * RNG.random(500)),
    "times": numeric([datetime(2020, 1, 1) + timedelta(hours=int(h)) for h in RNG.integers(0, 9_000, 500)], "datetime"),
    "levels": numeric(RNG.choice(list("abcd"), 300).tolist(), "category"),
    "rare levels": numeric(["a"] * 90 + ["b"] * 6 + ["c"] * 3 + ["d"], "category"),
    "levels with few others": numeric(["a"] * 90 + ["b"] * 3, "category", missing=2),
    "many levels": numeric([f"l{n}" for n in RNG.geometric(0.02, 3_000)], "category"),
    "all different": numeric([f"l{n}" for n in range(50)], "category"),
    "truth": numeric((RNG.random(100) < 0.3).tolist(), "boolean", missing=9),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_no_count_is_of_one_to_four_rows_and_all_rows_are_counted(name: str) -> None:
    array, column = COLUMNS[name]
    cells = ColumnCells.of(array, column)
    assert len(cells.counts) == cells.size == 2 + len(cells.edges) + len(cells.levels)
    assert sum(cells.counts) == len(array)
    assert all(count == 0 or count >= FEWEST_ROWS for count in cells.counts)
    if cells.numeric and len(array) - array.null_count >= FEWEST_ROWS:
        assert min(cells.counts[:-1]) >= FEWEST_ROWS
    assert len(cells.edges) <= MOST_BINS + 3
    assert len(cells.levels) <= MOST_LEVELS
    assert cells.edges == sorted(set(cells.edges))
    apart = np.abs(cells.count(array) - cells.counts)
    assert apart.sum() <= 2 * 2 * (FEWEST_ROWS - 1)  # only rows of small cells are counted elsewhere


def test_counts_of_other_rows_are_recounted_by_hand() -> None:
    array, column = COLUMNS["whole"]
    cells = ColumnCells.of(array, column)
    assert cells.edges == [1, 2, 3, 4, 5, 6, 7, 8]
    assert cells.axis == [0, 9]
    other, _ = numeric([-4, 0, 0, 3, 8, 9, 100], missing=2)
    assert cells.count(other).tolist() == [3, 0, 0, 1, 0, 0, 0, 0, 3, 2]
    assert cells.beyond(other) == [1, 2]
    array, column = COLUMNS["rare levels"]
    cells = ColumnCells.of(array, column)
    assert (cells.levels, cells.counts) == (["a", "b"], [94, 6, 0, 0])  # four others, in the fullest cell
    other, _ = numeric(["b", "c", "new", None])
    assert cells.count(other).tolist() == [0, 1, 2, 1]
    assert cells.beyond(other) == []


def test_edges_are_round_and_say_no_value() -> None:
    values = RNG.normal(size=900) * 17.3 + 4321.7
    cells = ColumnCells.of(*numeric(values))
    assert np.diff(cells.axis)[0] <= (MOST_BINS + 2) * 5
    assert all(edge % 5 == 0 for edge in [*cells.axis, *cells.edges])  # central 99%: 2.58 * 2 * 17.3 / 40 = 2.2, so 5
    assert not set(cells.edges) & set(values)
    times = ColumnCells.of(*COLUMNS["times"])
    assert times.axis[0] == pytest.approx(18262, abs=11)  # 2020-01-01 in days since 1970
    assert times.axis[1] == pytest.approx(18262 + 9_000 / 24, abs=11)


def test_a_pair_gives_held_out_counts_in_fives_and_others_as_they_are() -> None:
    x, y = RNG.normal(size=1_000), RNG.choice(["a", "b", "c"], 1_000, p=[0.6, 0.38, 0.02])
    arrays = [pa.chunked_array([pa.array(x)]), pa.chunked_array([pa.array(y)])]
    columns = [Column(name="x", kind="numeric", type="double"), Column(name="y", kind="category", type="string")]
    cells = [ColumnCells.of(array, column) for array, column in zip(arrays, columns, strict=True)]
    places = [one.places(array) for one, array in zip(cells, arrays, strict=True)]
    pair = PairCells.of(0, 1, cells, places)
    assert len(pair.x_groups) == cells[0].size
    assert sorted(set(pair.x_groups)) == list(range(max(pair.x_groups) + 1))
    assert 8 <= max(pair.x_groups) <= 20
    exact = np.zeros(np.shape(pair.counts), int)
    for one, other in zip(x, y, strict=True):
        place = int(np.searchsorted(cells[0].edges, one, side="right"))
        exact[pair.x_groups[place], cells[1].levels.index(other)] += 1
    np.testing.assert_array_equal(pair.count(places), exact)
    shown = np.array(pair.counts)
    assert (shown % 5 == 0).all()
    assert (shown[exact < 5] == 0).all()
    assert np.abs(shown - exact)[exact >= 5].max() <= 2
    assert ((exact > 0) & (exact < 5)).any()


def test_groups_hold_about_as_many_rows_and_missing_is_the_last() -> None:
    cells = ColumnCells.of(*numeric(RNG.normal(size=1_000), missing=50))
    groups = np.array(cells.groups(5))
    rows = np.bincount(groups, cells.counts)
    assert (np.diff(groups) >= 0).all()
    assert 4 <= len(rows[:-1]) <= 6
    assert rows[-1] == 50
    assert rows[:-2].min() >= 1_000 / 5
    levels = ColumnCells.of(*COLUMNS["levels"])
    assert levels.groups(20) == [0, 1, 2, 3, 4, 5]
    assert levels.groups(3) == [0, 1, 2, 2, 2, 3]


def test_the_closest_pairs_are_those_of_the_largest_associations() -> None:
    found = np.array([[1, 0.1, -0.9], [0.1, 1, 0.5], [-0.9, 0.5, 1]])
    assert closest_pairs(found, 2) == [(0, 2), (1, 2)]
    assert closest_pairs(found[:1, :1], 6) == []
