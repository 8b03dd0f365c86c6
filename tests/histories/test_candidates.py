"""Candidates whose first and last days contradict each other have no events drawn, unless a pool lacks others."""

import numpy as np
import pytest

from gans.histories.saved import stopgaps


@pytest.mark.parametrize(
    ("possible", "pool", "least", "expected"),
    [
        ("1111", 4, 2, "0000"),
        ("0110", 4, 2, "0000"),
        ("0010", 4, 2, "1000"),
        ("0000", 4, 2, "1100"),
        ("00101111", 4, 2, "10000000"),
        ("11110010", 4, 3, "00001100"),
        ("0101000", 4, 2, "0000110"),  # the last pool is smaller
        ("01010", 4, 2, "00001"),
        ("", 4, 2, ""),
    ],
)
def test_as_many_impossible_ones_are_taken_as_a_pool_lacks(possible: str, pool: int, least: int, expected: str) -> None:
    found = stopgaps(np.array([one == "1" for one in possible], bool), pool, least)
    assert "".join("01"[int(one)] for one in found) == expected
