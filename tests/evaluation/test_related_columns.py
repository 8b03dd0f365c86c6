"""What columns tell about each other: mutual information of pairs, and each column predicted from the others."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from gans.evaluation.global_utility import MOST_CLASSES, column_utility, global_utility
from gans.evaluation.mutual_information import binned, mutual_information, normalised_information, weighted_similarity
from gans.evaluation.suite import evaluate, metrics_for

from .customers import people, sides, tables


def apart(table: pa.Table) -> pa.Table:
    rng = np.random.default_rng(3)
    return pa.table({name: table[name].take(pa.array(rng.permutation(len(table)))) for name in table.column_names})


# ---- mutual information


def test_normalised_information_by_hand() -> None:
    left, right = np.repeat([0, 1], 4), np.array([0, 0, 0, 1, 0, 1, 1, 1])  # cells 3, 1, 1, 3 of 8
    information = 2 * (3 / 8 * np.log(1.5) + 1 / 8 * np.log(0.5))
    assert normalised_information((left, 2), (right, 2)) == pytest.approx(information / np.log(2))
    assert normalised_information((left, 2), (1 - left, 2)) == pytest.approx(1)
    assert normalised_information((left, 2), (np.tile([0, 1], 4), 2)) == pytest.approx(0, abs=1e-12)
    assert normalised_information((np.zeros(8, int), 1), (np.zeros(8, int), 1)) == 0


def test_weighted_similarity_by_hand() -> None:
    real, made = np.array([0.5, 0.0]), np.array([0.3, 0.1])
    assert weighted_similarity(real, made) == pytest.approx(1 - (0.8 * 0.2 + 0.1 * 0.1) / 0.9)
    assert weighted_similarity(real, real) == 1
    assert weighted_similarity(np.zeros(2), np.zeros(2)) == 1


def test_numbers_are_cut_over_the_real_range_and_missing_ones_are_apart() -> None:
    real, made, _ = sides(*(pa.table({"a": pa.array(values, pa.float64())}) for values in (
        [0.0, 0.99, 1.0, 10.0, 5.0], [-7.0, 99.0, None, 9.99, 5.01], [0.0] * 5)))  # fmt: skip
    np.testing.assert_array_equal(binned(real, real)["a"][0], [0, 0, 1, 9, 5])
    np.testing.assert_array_equal(binned(made, real)["a"][0], [0, 9, 10, 9, 5])
    assert list(binned(made, real)) == ["a"]


def test_training_rows_have_one_like_rows_nearly_and_independent_columns_little() -> None:
    real, like = people(0, 2_000), people(1, 2_000)
    same, alike, split = (
        mutual_information(tables(real, one), None).scores["wnmis"].value  # pyright: ignore
        for one in (real, like, apart(like))
    )
    assert same == 1
    assert alike > 0.95
    codes = binned(*sides(real, real)[:1] * 2)
    known = np.array([normalised_information(codes[a], codes[b]) for a, b in combinations(codes, 2)])
    assert split == pytest.approx(weighted_similarity(known, np.zeros_like(known)), abs=0.02)
    assert split < 0.85


# ---- every column from the others


def test_training_rows_keep_all_and_independent_columns_nothing() -> None:
    real, test = people(0, 800), people(2, 800)
    same, split = (global_utility(tables(real, one, test), None) for one in (real, apart(people(1, 800))))
    assert same.scores["global_utility"] == pytest.approx(1)
    assert split.scores["global_utility"] < 0.2  # pyright: ignore
    assert set(same.details["global utility by column"]) == {"age", "plan", "income", "left"}
    assert list(same.notes) == ["global utility: visits cannot be predicted from real rows either"]


def test_a_column_by_hand() -> None:
    """The synthetic target is half noise, so that its model has half the R^2: that of a shrunk slope."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, 4_000).astype(float)
    real, made = (pa.table({"x": x, "y": slope * x + 0.001 * rng.normal(size=4_000)}) for slope in (1.0, 0.5))
    found = column_utility(*sides(real, made, real), "y")
    # predictions x / 2 of y = x: 1 - sum (x/2)^2 / sum (x - mean)^2
    assert found == pytest.approx(1 - np.sum((x / 2) ** 2) / np.sum((x - x.mean()) ** 2), abs=0.01)


def test_many_levels_are_ten_and_the_rest() -> None:
    rng, names = np.random.default_rng(0), np.array([f"level {place:02}" for place in range(40)])
    code = np.minimum(rng.geometric(0.15, 1_500) - 1, 39)
    table = pa.table({"code": code.astype(float), "level": names[code]})
    real, made, test = sides(table, table, table)
    assert len(real.levels["level"]) > MOST_CLASSES + 1
    assert column_utility(real, made, test, "level") == 1


def test_it_belongs_to_level_full_and_needs_test_rows() -> None:
    real, made, test = people(0, 200), people(1, 200), people(2, 200)
    assert "global_utility" in [one.name for one in metrics_for("full", tables(real, made, test))]
    assert "global_utility" not in [one.name for one in metrics_for("standard", tables(real, made, test))]
    assert "global_utility" not in [one.name for one in metrics_for("full", tables(real, made))]
    found = evaluate(tables(real, made, test), "standard", only=["mutual_information"])
    assert found.scores["wnmis"].real is not None
