import numpy as np
import pytest
from scipy.stats import trim_mean

from gans.comparison.statistics import (
    holm,
    interquartile_mean,
    paired_test,
    probability_of_improvement,
    ranks,
    stratified_interval,
    variance_of,
)
from gans.evaluation.intervals import mean_error, mean_interval


def test_mean_and_standard_error_by_hand() -> None:
    assert mean_error(np.array([1.0, 2, 3, 4])) == pytest.approx((2.5, np.sqrt(5 / 3) / 2))
    assert np.isnan(mean_error(np.array([1.0]))[1])
    assert np.isnan(mean_error(np.zeros(0))[0])


def test_the_interval_of_a_mean_holds_it_also_of_few_values() -> None:
    rng = np.random.default_rng(0)
    for many in (2, 3, 5):
        held = [low <= 0 <= high for low, high in (mean_interval(rng.normal(size=many)) for _ in range(1_000))]
        assert np.mean(held) == pytest.approx(0.95, abs=0.02)
    assert np.isnan(mean_interval(np.ones(1))).all()


def test_interquartile_mean_leaves_the_ends_out() -> None:
    assert interquartile_mean(np.array([-100.0, 1, 2, 3, 4, 5, 6, 900])) == 3.5
    values = np.random.default_rng(0).normal(size=31)
    assert interquartile_mean(values) == trim_mean(values, 0.25)


def test_an_interval_holds_the_mean_in_most_draws_and_has_its_width() -> None:
    rng = np.random.default_rng(0)
    held = [
        low <= 0.5 <= high
        for low, high in (
            stratified_interval([rng.normal(0, 1, 20), rng.normal(1, 1, 20)], lambda v: v.mean(-1)) for _ in range(100)
        )
    ]
    assert 0.88 <= np.mean(held) <= 1
    low, high = stratified_interval([np.array([0.0, 1] * 200)], lambda v: v.mean(-1))
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.15)


def test_groups_are_drawn_by_themselves() -> None:
    """Two data sets that differ much, no seeds that do: there is nothing to be unsure of."""
    assert stratified_interval([np.zeros(5), np.full(5, 100.0)], lambda v: v.mean(-1)) == (50, 50)


def test_one_seed_has_no_interval() -> None:
    assert np.isnan(stratified_interval([np.array([1.0]), np.array([2.0])], lambda v: v.mean(-1))).all()


def test_probability_of_improvement_by_hand() -> None:
    left, right = {"a": np.array([3.0, 1]), "b": np.array([5.0])}, {"a": np.array([2.0, 1]), "b": np.array([1.0])}
    chance, low, high = probability_of_improvement(left, right)
    assert chance == pytest.approx(((1 + 1 + 0 + 0.5) / 4 + 1) / 2)
    assert low <= chance <= high
    assert np.isnan(probability_of_improvement({"a": np.ones(1)}, {"a": np.zeros(1)})[1])
    diverged = {"a": np.array([-np.inf, -np.inf])}
    assert probability_of_improvement({"a": np.array([1.0, 2])}, diverged)[0] == 1
    assert np.isnan(probability_of_improvement(left, {"c": np.ones(2)})[0])


def test_the_least_p_value_of_pairs_and_ties() -> None:
    assert paired_test(np.arange(5.0) + 1, np.zeros(5)) == pytest.approx(2 / 2**5)
    assert paired_test(np.ones(5), np.ones(5)) == 1
    rng = np.random.default_rng(0)
    small = [paired_test(rng.normal(size=10), rng.normal(size=10)) < 0.05 for _ in range(400)]
    assert np.mean(small) == pytest.approx(0.05, abs=0.025)


def test_a_run_that_diverged_loses_by_most() -> None:
    gaps = np.array([1.0, 2, 3, 4, 5, 6])
    lost = np.where(np.arange(6) == 5, -np.inf, 0.0)
    assert paired_test(gaps, lost) == paired_test(gaps, np.zeros(6))
    assert paired_test(np.append(gaps, -np.inf), np.append(np.zeros(6), -np.inf)) == paired_test(gaps, np.zeros(6))


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert len(holm([])) == 0


def test_ranks_and_their_critical_difference_by_hand() -> None:
    values = np.array([[3.0, 2, 1], [3, 1, 2], [2, 2, -np.inf], [9, 5, 1]])
    found = ranks(values)
    np.testing.assert_allclose(found.means, [(1 + 1 + 1.5 + 1) / 4, (2 + 3 + 1.5 + 2) / 4, (3 + 2 + 3 + 3) / 4])
    assert found.difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 4)), abs=2e-3)  # Demsar 2006, table 5
    assert found.p_value < 0.1
    assert ranks(values[:, :2]).difference == pytest.approx(1.960 * np.sqrt(2 * 3 / (6 * 4)), abs=2e-3)
    assert np.isnan(ranks(np.ones((3, 3))).p_value)


def test_variance_is_told_apart() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 2, 400)
    found = variance_of([seed + rng.normal(0, 1, 4) for seed in seeds])
    assert found is not None
    assert found.seed == pytest.approx(4, rel=0.2)
    assert found.sampling == pytest.approx(1, rel=0.1)
    assert found.share == pytest.approx(0.8, abs=0.05)
    assert found.p_value < 1e-6
    alike = [variance_of([rng.normal(0, 1, 3) for _ in range(5)]) for _ in range(300)]
    assert np.mean([one.p_value < 0.05 for one in alike if one]) == pytest.approx(0.05, abs=0.03)
    assert variance_of([np.array([1.0]), np.array([2.0])]) is None
    assert variance_of([np.array([1.0, 2])]) is None
