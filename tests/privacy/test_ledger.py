"""What was spent adds up, by another accountant too, and nothing beyond the budget happens."""

import math
from pathlib import Path

import numpy as np
import opendp.prelude
import pytest

from gans.errors import UserError
from gans.privacy.ledger import Entry, Ledger, delta_of, epsilon_of, rho_of

dp = opendp.prelude
dp.enable_features("contrib")  # pyright: ignore[reportPrivateImportUsage]


def gaussian(scale: float) -> object:
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="i64")
    return dp.m.make_gaussian(*space, scale)


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("delta", [1e-5, 1e-9])
def test_the_budget_is_what_another_accountant_gives_back(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    measurement = dp.c.make_zCDP_to_approxDP(gaussian((2 * rho) ** -0.5))
    assert measurement.map(1).epsilon(delta) == pytest.approx(epsilon, rel=1e-3)
    assert epsilon_of(rho, delta) == pytest.approx(epsilon, rel=1e-6)
    assert delta_of(rho, epsilon) <= delta
    assert rho > (math.sqrt(epsilon + math.log(1 / delta)) - math.sqrt(math.log(1 / delta))) ** 2  # Bun and Steinke


@pytest.mark.parametrize(("mechanism", "scale"), [("discrete Gaussian", 7.0), ("exponential", 3.0)])
def test_the_cost_of_a_mechanism_is_what_its_maker_says(mechanism: str, scale: float) -> None:
    space = dp.vector_domain(dp.atom_domain(T="i64"))
    made = (
        gaussian(scale)
        if mechanism == "discrete Gaussian"
        else dp.m.make_noisy_max(space, dp.linf_distance(T="i64"), dp.zero_concentrated_divergence(), scale=scale)
    )
    assert Entry("", mechanism, 1.0, scale).rho == pytest.approx(made.map(1), rel=1e-9)


def test_nothing_beyond_the_budget_is_written() -> None:
    ledger = Ledger(1.0, 1e-5)
    half = Entry("a half", "discrete Gaussian", 1.0, ledger.rho**-0.5)
    ledger.charge(half)
    ledger.charge(half)
    assert ledger.left == pytest.approx(0, abs=1e-12)
    with pytest.raises(UserError, match=r"privacy.epsilon=1: the budget is used up; 'one more' costs rho="):
        ledger.charge(Entry("one more", "exponential", 1.0, 100.0))
    assert ledger.entries == [half, half]


def test_a_ledger_comes_back_from_its_file(tmp_path: Path) -> None:
    ledger = Ledger(2.0, 1e-6)
    for scale in np.linspace(20, 40, 5):
        ledger.charge(Entry(f"at {scale}", "discrete Gaussian", 1.0, float(scale)))
    ledger.write(tmp_path / "privacy.json")
    assert Ledger.read(tmp_path / "privacy.json") == ledger
    (tmp_path / "privacy.json").write_text("{}")
    with pytest.raises(UserError, match="a readable ledger"):
        Ledger.read(tmp_path / "privacy.json")
