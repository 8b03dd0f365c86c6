"""Choosing rows from a pool: chances in proportion to weights, a fixed number of rows, none of them twice."""

import numpy as np
import pytest

from gans.refinement.pools import inclusion, lost, systematic


def test_chances_are_in_proportion_to_the_weights() -> None:
    np.testing.assert_allclose(inclusion(np.log([1.0, 2, 3, 4]) + 7, 2), [0.2, 0.4, 0.6, 0.8])


def test_rows_that_would_come_more_than_once_are_certain_and_the_others_share_the_rest() -> None:
    """First 90 is; then 9 of the remaining 10 would be, too."""
    np.testing.assert_allclose(inclusion(np.log([1.0, 9, 90, 0.5, 0.5]), 3), [0.5, 1, 1, 0.25, 0.25])


@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0])
def test_chances_sum_to_the_count(scale: float) -> None:
    chances = inclusion(np.random.default_rng(0).normal(0, scale, 5_000), 1_000)
    assert chances.sum() == pytest.approx(1_000)
    assert chances.min() >= 0
    assert chances.max() <= 1


def test_impossible_rows_come_only_where_the_others_are_too_few() -> None:
    weights = np.array([0.0, -np.inf, 1.0, -np.inf])
    assert inclusion(weights, 1)[[1, 3]].sum() == 0
    np.testing.assert_array_equal(inclusion(weights, 2), [1, 0, 1, 0])
    np.testing.assert_array_equal(inclusion(weights, 3), [1, 0.5, 1, 0.5])
    np.testing.assert_array_equal(inclusion(np.full(4, -np.inf), 2), np.full(4, 0.5))
    unlikely = np.array([0.0, 0.0, -800, -800, -900])  # their weights are 0 in double precision
    np.testing.assert_allclose(inclusion(unlikely, 3), [1, 1, 1 / 3, 1 / 3, 1 / 3])
    with pytest.raises(ValueError, match="5 of 4 rows"):
        inclusion(weights, 5)


def test_every_row_comes_as_often_as_its_chance_says_and_none_twice() -> None:
    chances = inclusion(np.random.default_rng(1).normal(size=40), 15)
    draws = [systematic(chances, start) for start in np.arange(2_000) / 2_000]
    assert {len(set(places.tolist())) for places in draws} == {15}
    often = np.bincount(np.concatenate(draws), minlength=40) / len(draws)
    np.testing.assert_allclose(often, chances, atol=2e-3)


def test_a_certain_row_always_comes() -> None:
    chances = inclusion(np.log([1.0, 1, 1, 1, 50]), 2)
    assert all(4 in systematic(chances, start) for start in np.linspace(0, 0.999, 50))


def test_what_a_pool_loses() -> None:
    """Of weights 1, 1, 1, 5, whose mean is 2: with a pool of twice the rows 5 / 2 - 2 of 4 is lost."""
    assert lost(np.log([1.0, 1, 1, 5]), 2) == pytest.approx(0.5 / 4)
    assert lost(np.log([1.0, 1, 1, 5]), 3) == 0


@pytest.mark.parametrize(("weights", "count"), [([0, 0, 0, *[-720] * 5, *[-744] * 4], 4), ([0, 0, *[-743.9] * 10], 4)])
def test_weights_too_small_for_a_ratio_do_not_choose_more_rows_than_asked(weights: list[float], count: int) -> None:
    chances = inclusion(np.array(weights, float), count)
    assert chances.sum() == pytest.approx(count)
    assert len(systematic(chances, 0.3)) == count
