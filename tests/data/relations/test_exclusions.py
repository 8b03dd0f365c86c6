"""Levels that never occur together, against counting every cell."""

import datetime as dt
import math
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from gans.data.relations import exclusion_texts, find_exclusions, parse_relation
from gans.data.relations.exclusions import exclusions_of_cells
from gans.data.schema import Column, Schema


def counted(codes: np.ndarray, cardinalities: tuple[int, ...], least: float) -> set[tuple[int, int, int, int]]:
    """Every empty cell where independence expects `least` rows, by a contingency table of each pair."""
    rows, out = len(codes), set()
    for i, j in combinations(range(len(cardinalities)), 2):
        table = np.zeros((cardinalities[i], cardinalities[j]), int)
        np.add.at(table, (codes[:, i], codes[:, j]), 1)
        expected = np.outer(table.sum(1), table.sum(0)) / rows
        out |= {(i, int(x), j, int(y)) for x, y in np.argwhere((table == 0) & (expected >= least))}
    return out


def planted(rows: int = 30_000, seed: int = 0) -> tuple[np.ndarray, tuple[int, ...]]:
    """Codes with cells that are nearly impossible, some of which are empty only beyond the first rows."""
    rng = np.random.default_rng(seed)
    sizes = (2, 2, 3, 7, 40, 60)
    codes = np.stack([rng.choice(k, rows, p=rng.dirichlet(np.full(k, 5.0))) for k in sizes], 1)
    codes[(codes[:, 0] == 1), 1] = 1
    codes[(codes[:, 2] == 2) & (codes[:, 3] > 3), 3] = 0
    codes[(codes[:, 4] < 20) & (codes[:, 5] > 30), 5] = 3
    codes[-1] = [1, 1, 2, 5, 3, 40]  # one row that breaks some of them
    return codes.astype(np.int32), sizes


def test_the_cells_are_those_of_counting() -> None:
    codes, sizes = planted()
    found = find_exclusions(codes, sizes)
    cells = {cell[:4] for cell in found}
    assert (0, 1, 1, 0) in cells
    assert (2, 2, 3, 5) not in cells
    assert cells <= counted(codes, sizes, 10)
    assert cells >= counted(codes, sizes, 20)
    assert len(cells) > 20
    counts = [np.bincount(codes[:, k], minlength=size) for k, size in enumerate(sizes)]
    for i, x, j, y, expected in found:
        assert expected == pytest.approx(counts[i][x] * counts[j][y] / len(codes))
        assert expected >= 10


def test_one_row_ends_an_exclusion() -> None:
    codes = np.zeros((5_000, 2), np.int32)
    codes[:2_500, 0] = 1
    codes[2_500:, 1] = 1
    assert [cell[:4] for cell in find_exclusions(codes, (2, 2))] == [(0, 0, 1, 0), (0, 1, 1, 1)]
    for row in (0, 1_700, 2_499):
        broken = codes.copy()
        broken[row] = [1, 1]
        assert [cell[:4] for cell in find_exclusions(broken, (2, 2))] == [(0, 0, 1, 0)]


def test_independent_codes_exclude_nothing() -> None:
    rng = np.random.default_rng(0)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        sizes = (2, 5, 10, 30, 60, 100, 3_000)
        codes = np.stack([rng.choice(k, 20_000, p=rng.dirichlet(np.ones(k))) for k in sizes], 1).astype(np.int32)
        assert find_exclusions(codes, sizes) == []


def test_many_levels_do_not_blow_up() -> None:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, 100_000, 50_000), rng.zipf(1.3, 50_000) % 100_000, rng.integers(0, 2, 50_000)], 1)
    codes[codes[:, 1] == 1, 2] = 0
    found = find_exclusions(codes.astype(np.int32), (100_000, 100_000, 2))
    assert [cell[:4] for cell in found] == [(1, 1, 2, 1)]


def test_few_rows_or_codes_exclude_nothing() -> None:
    assert find_exclusions(np.zeros((100, 0), np.int32), ()) == []
    assert find_exclusions(np.zeros((100, 1), np.int32), (3,)) == []
    assert find_exclusions(np.array([[0, 1], [1, 0]] * 4, np.int32), (2, 2)) == []


def test_they_are_said_in_as_few_exclusions_as_possible() -> None:
    names = ["eligible", "participant", "marital status", "role", "age"]
    levels = [["no", "yes"], ["no", "yes"], ["single", "married", "abroad", None], ["husband", "child"], [True, None]]
    e = math.nan
    cells = [(0, 0, 1, 1, e), (2, 0, 3, 0, e), (2, 3, 3, 0, e), (2, 1, 3, 1, e), (3, 1, 4, 0, e)]
    assert exclusion_texts(cells, names, levels) == [
        "if participant == 'yes' then eligible == 'yes'",
        "if role == 'husband' then `marital status` in ('married', 'abroad')",
        "if role == 'child' then `marital status` != 'married'",
        "if age == true then role == 'husband'",
    ]


LEVELS = [
    ["no", "yes", "it's", "a\\b", 'say "no"', "", "null", "two\nlines", " if x == 1 then y ", "Köln", None],
    [0, -3, 7, 10**15 + 1, 2**62, None],
    [0.1, -2.5, 1e-7, 1e16, 1 / 3],
    [Decimal("1.10"), Decimal("-0.05"), Decimal("3")],
    [dt.date(2024, 1, 31), dt.date(2024, 2, 29), None],
    [dt.datetime(2024, 1, 31, 12), dt.datetime(1999, 2, 1)],
    [True, False, None],
    ["other than 0", 0, 5],
]
NAMES = ["if", "a b", "fee - cost", "tick`s", "`", "straße", "x.y-z", "9 lives"]


def test_every_printed_exclusion_is_read_back_as_the_same_relation() -> None:
    rng = np.random.default_rng(0)
    many = 0
    for _ in range(100):
        codes = [
            (i, int(x), j, int(y), math.nan)
            for i, j in combinations(range(len(LEVELS)), 2)
            for x in range(1, len(LEVELS[i]))  # the first level goes with every other one
            for y in range(1, len(LEVELS[j]))
            if rng.random() < 0.4
        ]
        exclusions = exclusions_of_cells(codes, NAMES, LEVELS)
        assert exclusion_texts(codes, NAMES, LEVELS) == [exclusion.text for exclusion in exclusions]
        for exclusion in exclusions:
            read = parse_relation(exclusion.text)
            assert read == exclusion
            assert read.text == exclusion.text
        many += len(exclusions)
    assert many > 1_000


def test_a_stored_schema_with_texts_of_before_is_still_read(tmp_path: Path) -> None:
    relations = [{"kind": "exclusion", "text": "a == 'x' implies b != 'y'", "support": {"rows": 9}}]
    Schema([Column(name="a", type="string", kind="category", levels=2)], relations).write(tmp_path / "schema.json")
    assert Schema.read(tmp_path / "schema.json").relations == relations
