"""What was spent adds up, by another accountant too, and nothing beyond the budget happens."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import opendp.prelude
import pytest

from gans.errors import UserError
from gans.privacy.audit import epsilon_of_gaussian
from gans.privacy.entry import SUBSAMPLED, Entry
from gans.privacy.ledger import Ledger, delta_of, epsilon_of, rho_of
from gans.privacy.loss_distributions import composed_epsilon, least_scale
from gans.runs.spending import together

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


def test_choices_beside_sampled_gradients_cost_no_less_than_alone() -> None:
    """Privacy loss distributions of an exponential mechanism: between its bounded range's zCDP and its epsilon."""
    entry = Entry("edges", "exponential", 1.0, 20.0, times=4)
    found = composed_epsilon([entry], 1e-5, 1.0)
    assert epsilon_of(entry.rho, 1e-5) / 2 < found <= 4 * 2 / 20 * (1 + 1e-3)


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


def counted(ledger: Ledger, columns: int = 3) -> None:
    for column in range(columns):
        ledger.charge(Entry(f"counts of {column}", "discrete Gaussian", 1.0, (0.2 * ledger.rho / columns) ** -0.5))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 10.0])
def test_a_subsampled_mechanism_fills_the_budget_and_no_more(epsilon: float) -> None:
    ledger = Ledger(epsilon, 1e-5)
    counted(ledger)
    entry = Entry("gradients", SUBSAMPLED, 0.5, 1.0, rate=1 / 64, times=500)
    scale = least_scale(ledger.entries, entry, epsilon, 1e-5)
    ledger.charge(replace(entry, scale=scale))
    assert 0.99 * epsilon < ledger.spent_epsilon <= epsilon
    stored = ledger.to_json()
    assert stored["spent"]["composition"] == "privacy loss distributions"
    assert stored["entries"][-1]["epsilon"] < stored["spent"]["epsilon"]
    with pytest.raises(UserError, match=f"privacy.epsilon={epsilon:g}: the budget is used up; with 'once more' it is"):
        ledger.charge(replace(entry, what="once more", scale=scale))
    assert len(ledger.entries) == 4


@pytest.mark.parametrize(("rate", "scale", "times"), [(1 / 64, 2.0, 2_000), (0.25, 8.0, 100), (1.0, 30.0, 50)])
def test_another_accountant_bounds_it_from_above(rate: float, scale: float, times: int) -> None:
    """Renyi differential privacy of the same events, which is looser; and of all rows, the curve of one Gaussian."""
    import dp_accounting
    from dp_accounting.rdp import RdpAccountant

    ledger = Ledger(20.0, 1e-5)
    ledger.charge(Entry("gradients", SUBSAMPLED, 1.0, scale, rate, times))
    event = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(scale))
    other = RdpAccountant().compose(dp_accounting.SelfComposedDpEvent(event, times)).get_epsilon(1e-5)
    assert 0.7 * other < ledger.spent_epsilon <= 1.001 * other
    if rate == 1:
        assert ledger.spent_epsilon == pytest.approx(epsilon_of_gaussian(times**0.5 / scale, 1e-5), rel=2e-3)


def test_what_no_noise_can_bring_within_the_budget_is_refused() -> None:
    ledger = Ledger(1.0, 1e-5)
    ledger.charge(Entry("all of it", "discrete Gaussian", 1.0, (2 * ledger.rho) ** -0.5))
    more = Entry("gradients", SUBSAMPLED, 1.0, 100.0, 0.5, 10)
    scale = least_scale(ledger.entries, more, 1.0, 1e-5)
    assert scale > 10  # zCDP leaves a little, which loss distributions find
    with pytest.raises(UserError, match="nothing of it is left for 'gradients'"):
        least_scale([replace(more, scale=1.0)], more, 1.0, 1e-5)


def test_runs_on_the_same_rows_add_up_with_and_without_a_rho() -> None:
    zcdp = {"rho": rho_of(1.0, 1e-5), "epsilon": 1.0, "delta": 1e-5}
    other = {"rho": None, "epsilon": 2.0, "delta": 1e-6}
    assert together([zcdp]) == (pytest.approx(1.0), 1e-5)
    assert together([other, other]) == (4.0, 2e-6)
    epsilon, delta = together([zcdp, zcdp, other])
    assert epsilon == pytest.approx(epsilon_of(2 * zcdp["rho"], 1e-5) + 2)
    assert delta == pytest.approx(1.1e-5)
