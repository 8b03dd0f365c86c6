"""Levels and edges that are paid for: what they cost, how near they are, and what one row may change."""

import math
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

import gans.data.private_domain as settling
from gans.data.declared import Declared
from gans.data.domain import Domain
from gans.data.private_domain import candidate_edges, frequent_levels, private_quantiles, settle
from gans.errors import UserError
from gans.privacy.entry import Entry
from gans.privacy.ledger import Ledger, epsilon_of, rho_of


def chunked(values: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def test_a_level_of_one_row_shows_no_oftener_than_delta_says() -> None:
    """It fails where a level is shown because it is there: the threshold is what keeps it back."""
    shown, times, delta = 0, 2_000, 0.05
    for _ in range(times):
        shown += frequent_levels("a", chunked(["only me"]), Ledger(9.0, 0.5), 0.5, delta) == ["only me"]
    assert shown / times <= delta + 3 * math.sqrt(delta / times)


def test_levels_that_many_rows_have_are_told_and_cost_rho_and_delta() -> None:
    ledger = Ledger(1.0, 1e-5)
    found = frequent_levels("city", chunked(["York"] * 900 + ["Bath"] * 800 + ["Ely"] * 3), ledger, 0.001, 1e-6)
    assert found == ["Bath", "York"]
    assert ledger.entries == [Entry("levels of city", "discrete Gaussian", 1.0, 500**0.5, delta=1e-6)]
    assert ledger.spent == pytest.approx(0.001)


def test_a_delta_of_its_own_leaves_less_for_the_noise() -> None:
    ledger = Ledger(1.0, 1e-5)
    ledger.charge(Entry("levels", "discrete Gaussian", 1.0, 50.0, delta=4e-6))
    assert ledger.rho == rho_of(1.0, 6e-6) < rho_of(1.0, 1e-5)
    assert ledger.spent_epsilon == epsilon_of(2e-4, 6e-6) > epsilon_of(2e-4, 1e-5)
    with pytest.raises(UserError, match=r"privacy.delta=1e-05: it is used up; 'more' needs 6e-06"):
        ledger.charge(Entry("more", "discrete Gaussian", 1.0, 1e9, delta=6e-6))
    assert len(ledger.entries) == 1


def test_quantiles_part_the_rows_evenly() -> None:
    values = np.sort(np.random.default_rng(0).lognormal(3, 1, 20_000))
    places, ledger = candidate_edges(0, 10_000, whole=False), Ledger(1.0, 1e-5)
    edges = private_quantiles("paid", values, places, 16, ledger, 0.002)
    shares = np.diff(np.searchsorted(values, [0, *edges, 10_000])) / len(values)
    assert len(edges) == 15
    assert np.all(np.diff(edges) > 0)
    assert set(edges) <= set(places)
    assert np.abs(shares - 1 / 16).max() < 0.03
    assert (ledger.spent, ledger.entries[0].times) == (pytest.approx(0.002), 4)


@pytest.mark.parametrize("bins", [2, 5, 16])
def test_one_row_more_changes_each_score_by_one_at_most(bins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores that the exponential mechanism sees, with the same choices on neighbouring tables."""
    rng = np.random.default_rng(1)
    places = candidate_edges(0, 100, whole=True)

    def scores(values: np.ndarray) -> list[np.ndarray]:
        seen: list[np.ndarray] = []

        def choose(given: list[int], scale: float) -> int:
            seen.append(np.array(given))
            return len(given) // 2

        monkeypatch.setattr(settling, "noisy_max", choose)
        private_quantiles("a", np.sort(values), places, bins, Ledger(1.0, 1e-5), 0.001)
        return seen

    for size in (0, 1, 30, 31):
        values = rng.integers(0, 101, size)
        pairs = zip(scores(values), scores(np.append(values, rng.integers(0, 101))), strict=True)
        apart = [np.abs(one - other).max() for one, other in pairs]
        assert max(apart) <= 1
        halves = sum(gap > 0 for gap in apart)
        assert halves <= math.ceil(math.log2(bins))  # a row is in one half of each step


def test_edges_may_be_anywhere_within_the_bounds() -> None:
    assert candidate_edges(0, 3, whole=True).tolist() == [1, 2]
    far = candidate_edges(-5e5, 2e6, whole=True)
    assert far.min() > -5e5
    assert far.max() < 2e6
    assert {1, 2, -1, 0} <= set(far.tolist())
    near = candidate_edges(200, 900, whole=False)
    assert near.min() < 200.01  # nearest to 0, where amounts are dense


def test_a_domain_is_settled_by_answers_and_the_rest_is_as_declared() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "city": pa.array(rng.choice(["York", "Bath", "Ely"], 90_000, p=[0.6, 0.3998, 0.0002])),
            "age": pa.array(rng.integers(18, 91, 90_000)),
            "since": pa.array(rng.integers(18_000, 19_000, 90_000).astype("datetime64[D]")),
            "plan": pa.array(rng.choice(["basic", "gold"], 90_000)),
        }
    )
    days = ["2010-01-01", "2029-12-31"]
    open_domain = Domain(
        [
            Declared(name="city", kind="category", levels="private", other="elsewhere"),
            Declared(name="age", kind="integer", low=0, high=120, edges="private", bins=4),
            Declared(name="since", kind="datetime", low=days[0], high=days[1], edges="private", bins=4),
            Declared(name="plan", kind="category", levels=["basic", "gold"]),
        ]
    )
    ledger = Ledger(1.0, 1e-5)
    settled = settle(open_domain, table, ledger, 0.05)
    assert not open_domain.settled
    assert settled.settled
    assert ledger.spent == pytest.approx(0.05 * rho_of(1.0, 1e-5), rel=0.01)
    city, age, since, plan = settled.columns
    assert city.levels == ["Bath", "York", "elsewhere"]
    assert np.allclose(age.edges, [36, 54, 72], atol=5)
    quarters = [date(2019, 12, 20), date(2020, 8, 26), date(2021, 5, 3)]
    assert all(abs(edge - quarter).days < 40 for edge, quarter in zip(since.edges, quarters, strict=True))
    assert plan == open_domain.columns[3]
    codec = settled.codec()
    assert codec.decode(settled.encode(table, codec)).schema.types == table.schema.types


def test_levels_that_nobody_shares_are_no_column() -> None:
    table = pa.table({"name": [f"n{row}" for row in range(500)]})
    domain = Domain([Declared(name="name", kind="category", levels="private", other="rest")])
    with pytest.raises(UserError, match="column 'name': no level is frequent enough to be told apart from noise; drop"):
        settle(domain, table, Ledger(1.0, 1e-5), 0.05)
