import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gans.evaluation.intervals import Z, area, area_interval, bootstrap, corrected, difference, wilson


def test_wilson_by_hand() -> None:
    """Of 81 hits of 263 the interval is .2553 to .3662 (Newcombe 1998, table I)."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson(20, 20) == pytest.approx((0.8389, 1), abs=5e-5)
    assert wilson(0, 0) == (0, 1)


def test_difference_by_hand() -> None:
    """56 of 70 less 48 of 80 has .0524 to .3339 (Newcombe 1998, second paper, table II)."""
    assert difference((56, 48), (70, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_area_is_scikit_learns_and_its_error_that_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        labels, scores = np.repeat([0, 1], [60, 40]), np.append(rng.normal(size=60), rng.normal(0.8, 1, 40))
        value, error = area(labels, scores)
        assert value == pytest.approx(roc_auc_score(labels, scores))
        found.append((value, error))
    values, errors = np.array(found).T
    assert values.std() == pytest.approx(errors.mean(), rel=0.12)


def test_intervals_hold_the_truth_in_most_draws() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        labels, scores = np.repeat([0, 1], 80), rng.normal(size=160)
        _, low, high = area_interval(labels, scores)
        held += low <= 0.5 <= high
    assert 0.92 <= held / 300 <= 0.98


def test_ties_count_by_half() -> None:
    assert area(np.array([0, 1, 0, 1]), np.zeros(4))[0] == 0.5


def test_bootstrap_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = bootstrap(lambda places: float(values[places].mean()), 400)
    assert (high - low) / 2 == pytest.approx(1.96 * 2 / 20, rel=0.15)
    assert low < values.mean() < high
    assert np.isnan(bootstrap(lambda _: np.nan, 400)[0])


def test_the_more_tests_the_wider_the_interval_and_two_are_one_of_95_percent() -> None:
    assert corrected(2) == pytest.approx(Z)
    assert corrected(1) < corrected(2) < corrected(20)
    plain, wide = (difference((56, 48), (70, 80), corrected(tests)) for tests in (2, 20))
    assert plain == pytest.approx(difference((56, 48), (70, 80)))
    assert wide[0] < plain[0] < plain[1] < wide[1]
