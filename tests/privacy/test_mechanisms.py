"""Mechanisms have the law that their cost rests on, and one row changes what they see by no more than is charged."""

import numpy as np
import pytest

from gans.errors import UserError
from gans.privacy.ledger import Ledger
from gans.privacy.noise import discrete_gaussian, noisy_max
from gans.privacy.rows import PrivateRows

SIZES, NAMES = (2, 3, 5), ("a", "b", "c")


def codes(rows: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, rows) for size in SIZES], axis=1)


def test_noise_is_gaussian_whole_and_never_the_same() -> None:
    counts, scale = np.full(20_000, 7), 3.0
    noise = discrete_gaussian(counts, scale) - 7
    assert noise.dtype == np.int64
    assert abs(noise.mean()) < 5 * scale / len(noise) ** 0.5
    assert noise.std() == pytest.approx(scale, rel=0.03)
    share = np.array([(noise == k).mean() for k in range(-3, 4)])
    law = np.exp(-(np.arange(-3, 4) ** 2) / (2 * scale**2))
    assert share / share.sum() == pytest.approx(law / law.sum(), abs=0.02)
    assert not np.array_equal(noise, discrete_gaussian(counts, scale) - 7)


def test_a_choice_follows_the_exponential_mechanism() -> None:
    scores, scale = [0, 2, 3], 2.0
    drawn = np.bincount([noisy_max(scores, scale) for _ in range(4_000)], minlength=3) / 4_000
    law = np.exp(np.array(scores) / scale)
    assert drawn == pytest.approx(law / law.sum(), abs=0.04)


def seen(table: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> tuple[list[np.ndarray], list[list[int]]]:
    """What the mechanisms are given: counts of all columns and pairs, and scores."""
    counts, scores = [], []
    monkeypatch.setattr(
        "gans.privacy.rows.discrete_gaussian", lambda found, scale: counts.append(found.copy()) or found
    )
    monkeypatch.setattr("gans.privacy.rows.noisy_max", lambda found, scale: scores.append(list(found)) or 0)
    rows = PrivateRows(table, SIZES, NAMES, Ledger(100.0, 1e-5))
    pairs = np.array([(0, 1), (0, 2), (1, 2)])
    for column in range(3):
        rows.one_way(column, 10.0)
    for first, second in pairs:
        rows.two_way(first, second, 10.0)
    answers = np.random.default_rng(1).uniform(0, 9, (10, 10))
    rows.worst_pair(pairs, answers, np.array([1.2, 3.4, 5.6]), 10.0)
    return counts, scores


@pytest.mark.parametrize("seed", range(10))
def test_one_row_changes_each_marginal_and_each_score_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = codes(50, seed)
    for neighbour in (np.delete(table, seed, axis=0), np.concatenate([table, codes(1, seed + 100)])):
        one, other = seen(table, monkeypatch), seen(neighbour, monkeypatch)
        for here, there in zip(one[0], other[0], strict=True):
            assert np.abs(here - there).sum() == 1
        assert np.abs(np.subtract(one[1], other[1])).max() <= 1


def test_counts_are_those_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    table = codes(200)
    counts, scores = seen(table, monkeypatch)
    assert counts[2].tolist() == np.bincount(table[:, 2], minlength=5).tolist()
    joint = np.histogram2d(table[:, 1], table[:, 2], bins=(np.arange(4), np.arange(6)))[0]
    assert counts[5].tolist() == joint.ravel().tolist()
    answers = np.rint(np.random.default_rng(1).uniform(0, 9, (10, 10)))[2:5, 5:10]
    assert scores[0][2] == np.abs(joint - answers).sum() - 6


def test_every_look_is_charged_before_it_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr("gans.privacy.rows.discrete_gaussian", lambda found, scale: looked.append("counts"))
    monkeypatch.setattr("gans.privacy.rows.noisy_max", lambda found, scale: looked.append("choice"))
    rows = PrivateRows(codes(50), SIZES, NAMES, Ledger(0.01, 1e-9))
    for ask in (
        lambda: rows.one_way(0, 1.0),
        lambda: rows.two_way(0, 1, 1.0),
        lambda: rows.worst_pair(np.array([(0, 1)]), np.zeros((10, 10)), np.zeros(1), 1.0),
    ):
        with pytest.raises(UserError, match="the budget is used up"):
            ask()
    assert looked == []
    assert rows.ledger.entries == []
