"""Known answers, and raters of known kinds: who guess, who see, who say 'real' always."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import norm

from gans.evaluation.intervals import wilson
from gans.quiz.statistics import Rater, d_prime, d_prime_error, detectable, half_width, judgements_needed, score


def rater(real: int, synthetic: int, qualified: int = 20, missed: int = 0, name: str = "r") -> Rater:
    """One who is wrong so often on 50 real and on 50 synthetic cards."""
    wrong, judged = Counter({"real": real, "synthetic": synthetic}), Counter({"real": 50, "synthetic": 50})
    return Rater(name, wrong, judged, qualified, 20, missed, 5)


def drawn(rng: np.random.Generator, real: float, synthetic: float) -> Rater:
    return rater(int(rng.binomial(50, real)), int(rng.binomial(50, synthetic)))


def test_the_score_of_one_rater() -> None:
    found = score([rater(10, 20)])
    assert found is not None
    assert found.error == pytest.approx((0.3, *wilson(30, 100)))
    assert found.real == pytest.approx((0.2, *wilson(10, 50)))
    assert found.synthetic == pytest.approx((0.4, *wilson(20, 50)))
    assert found.said_real == pytest.approx(0.6)
    assert found.d_prime[0] == pytest.approx(norm.ppf(30.5 / 51) - norm.ppf(10.5 / 51))
    assert found.d_prime[1] < found.d_prime[0] < found.d_prime[2]
    assert found.told_apart
    assert not found.indistinguishable
    assert score([]) is None


def test_pairs_have_one_error_and_their_own_d_prime() -> None:
    found = score([Rater("r", Counter({"pair": 10}), Counter({"pair": 50}))])
    assert found is not None
    assert found.error == pytest.approx((0.2, *wilson(10, 50)))
    assert found.real is found.synthetic is found.said_real is None
    assert found.d_prime[0] == pytest.approx(np.sqrt(2) * norm.ppf(40.5 / 51))


def test_d_prime_is_finite_at_the_ends_and_its_error_is_that_of_repeated_trials() -> None:
    ends = d_prime(np.array([0, 0, 0]), np.array([50, 50, 0]))
    assert 4 < ends < 6
    assert d_prime(np.array([0, 50, 0]), np.array([50, 50, 0])) == pytest.approx(0)
    rng, judged = np.random.default_rng(0), np.array([50, 50, 0])
    trials = [d_prime(np.array([*rng.binomial(50, [0.3, 0.4]), 0]), judged) for _ in range(4000)]
    assert d_prime_error(np.array([15, 20, 0]), judged) == pytest.approx(np.std(trials), rel=0.08)


def test_what_a_number_of_judgements_can_show() -> None:
    assert half_width(100) == pytest.approx(0.98 / np.sqrt(100), rel=0.03)
    assert half_width(1600) == pytest.approx(0.0245, abs=2e-4)
    z = norm.ppf(0.975)
    assert judgements_needed() == int(np.ceil((z / 0.1) ** 2 - z**2)) == 381
    rate, rng = detectable(400), np.random.default_rng(0)
    hits = rng.binomial(400, rate, 4000)
    assert np.mean([wilson(hit, 400)[1] < 0.5 for hit in hits]) == pytest.approx(0.8, abs=0.04)
    assert detectable(100) < rate < 0.5


def test_raters_who_guess_come_out_at_half() -> None:
    rng = np.random.default_rng(0)
    found = [score([drawn(rng, 0.5, 0.5) for _ in range(5)]) for _ in range(200)]
    inside = [one.error[1] <= 0.5 <= one.error[2] for one in found if one]
    assert np.mean(inside) > 0.93
    assert np.mean([one.d_prime[1] <= 0 <= one.d_prime[2] for one in found if one]) > 0.93
    many = score([drawn(rng, 0.5, 0.5) for _ in range(30)])
    assert many is not None
    assert many.indistinguishable
    alone = score([rater(25, 25)])
    assert alone is not None
    assert not alone.indistinguishable  # one rater can never show it


def test_raters_who_agree_by_chance_are_no_proof() -> None:
    same = score([rater(25, 25), rater(25, 25), rater(25, 25)])
    assert same is not None
    assert same.error[2] - same.error[1] > 2 * 0.05  # a bootstrap of equal raters alone would have no width
    assert not same.indistinguishable


def test_raters_who_differ_widen_the_interval() -> None:
    alike = score([rater(20, 20)] * 10)
    unlike = score([rater(0, 0)] * 4 + [rater(25, 40), rater(40, 25)] * 3)
    assert alike is not None
    assert unlike is not None
    assert unlike.error[0] == pytest.approx(0.39)
    assert unlike.error[2] - unlike.error[1] > 2 * (alike.error[2] - alike.error[1])


def test_raters_who_say_real_always_have_half_an_error_rate_and_no_d_prime() -> None:
    one = rater(0, 50, qualified=10, missed=5)
    assert one.apart == "10 of 20 right in the qualification, missed 5 of 5 hidden controls"
    found = score([one] * 20)
    assert found is not None
    assert found.error[0] == 0.5
    assert found.real is not None
    assert found.synthetic is not None
    assert (found.real[0], found.synthetic[0], found.said_real) == (0, 1, 1)
    assert found.d_prime[0] == pytest.approx(0)


@pytest.mark.parametrize(
    ("qualified", "missed", "apart"),
    [(13, 2, ""), (12, 0, "12 of 20 right in the qualification"), (20, 3, "missed 3 of 5 hidden controls")],
)
def test_who_is_apart(qualified: int, missed: int, apart: str) -> None:
    assert rater(1, 1, qualified, missed).apart == apart
