"""Segments that were planted are found, told apart in words, and agree with held-out rows."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gans.decisions.cases import Case
from gans.decisions.segment_traits import find_personas, number
from gans.decisions.segments import fit_segments
from gans.errors import UserError
from gans.evaluation.inputs import Side


def planted(rows: int, seed: int) -> tuple[Side, np.ndarray]:
    """Three groups that differ in two numbers and a level, beside two columns of noise."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    columns = {
        "age": np.array([30.0, 50.0, 70.0])[group] + rng.normal(0, 4, rows),
        "spend": np.exp(np.array([2.0, 5.0, 3.0])[group] + rng.normal(0, 0.3, rows)),
        "plan": np.where(rng.random(rows) < 0.9, group, rng.integers(0, 3, rows)).astype(np.int32),
        "noise": rng.normal(size=rows),
        "coin": rng.integers(0, 2, rows).astype(np.int32),
    }
    return Side(columns, {"plan": ["a", "b", "c"], "coin": ["heads", "tails"]}), group


def test_planted_segments_are_found_with_their_number() -> None:
    side, group = planted(2000, 0)
    found = fit_segments(side)
    assert found.k == 3
    other, truth = planted(1000, 1)
    assert adjusted_rand_score(truth, found.assign(other)) > 0.85  # ranks bring groups nearer to each other
    shares = np.bincount(found.assign(side)) / 2000
    assert (np.diff(shares) < 0).all()  # the largest first
    assert found.chances(other).sum(axis=1) == pytest.approx(np.ones(1000))
    assert adjusted_rand_score(group, found.assign(side)) > 0.85


def test_segments_do_not_depend_on_units() -> None:
    side, _ = planted(1000, 0)
    scaled = Side(dict(side.columns) | {"spend": np.log(side.columns["spend"]) * 7}, side.levels)
    assert adjusted_rand_score(fit_segments(side, 3).assign(side), fit_segments(scaled, 3).assign(scaled)) == 1


def test_k_is_checked() -> None:
    with pytest.raises(UserError, match="k=1"):
        fit_segments(planted(100, 0)[0], 1)


def test_personas_say_what_sets_them_apart(good: Case, bad: Case) -> None:
    found = find_personas(good)
    assert len(found.personas) == 2
    loyal = min(found.personas, key=lambda one: one.share)
    assert loyal.share == pytest.approx(0.4, abs=0.03)
    assert loyal.held_out_share[1] < 0.4 < loyal.held_out_share[2]
    words = " ".join(trait.words for trait in loyal.traits)
    assert "age is very high" in words
    assert "city is Rome" in words
    assert loyal.places["spend"] > 0.7
    assert len(loyal.examples) == 3
    assert all(row["age"] > 40 for row in loyal.examples)
    assert found.agreement[0] > 0.9
    assert find_personas(bad, 2).agreement[0] < 0.5


def test_examples_equal_no_training_row(make_case: Any, customers: Any) -> None:
    real = customers(400, 1)
    found = find_personas(make_case(real, real, customers(400, 3)), 2)
    assert all(not one.examples for one in found.personas)


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,234,567"), (3.0, "3"), (0.12345, "0.123"), (-20.5, "-20.5")]
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text
