"""Attacks on membership: known answers, the split, both controls, and what is said of them."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from gans.evaluation import membership_densities as densities
from gans.evaluation import membership_neighbours as neighbours
from gans.evaluation.attacks import copies
from gans.evaluation.criteria import linkability, singling_out
from gans.evaluation.embedding import points
from gans.evaluation.inputs import Side
from gans.evaluation.membership import (
    ATTACKS,
    COPIES,
    INDEPENDENT,
    SYNTHETIC,
    Attacker,
    Split,
    mean_ranks,
)
from gans.evaluation.membership_strength import Strength, members_found, strength
from gans.evaluation.results import Evaluation, Score
from gans.findings.privacy import privacy_sentences, privacy_verdict
from gans.report.attacks import attack_rows

from .customers import people, tables

ROWS = 800


@pytest.fixture(scope="module")
def attacker() -> Attacker:
    return Attacker(Split.draw(tables(people(0, 1_500), people(1, ROWS), people(2, ROWS)), None))


@pytest.fixture(scope="module")
def copied(attacker: Attacker) -> dict[str, dict[str, Strength]]:
    """What the attacks tell of a table that is the members."""
    return attacker.attack(attacker.split.members)


# ---- the attacks


@pytest.mark.parametrize("name", list(ATTACKS))
def test_a_full_copy_is_found(copied: dict[str, dict[str, Strength]], name: str) -> None:
    """What looks at single rows finds all of them; neighbourhoods and densities are shared with rows nearby."""
    found = copied[name]["all"]
    assert found.auc[0] > {"nearest": 0.99, "forest": 0.99, "ranks": 0.9, "plagiarism": 0.6}.get(name, 0.7)
    assert found.succeeds


def test_the_nearest_row_of_a_copy_is_the_row_itself(copied: dict[str, dict[str, Strength]]) -> None:
    found = copied["nearest"]["all"]
    assert found.auc[0] == found.tpr[0] == found.tpr10[0] == 1


@pytest.mark.parametrize("control", ["independent", "like"])
def test_nothing_is_told_where_nothing_can_be_told(attacker: Attacker, control: str) -> None:
    like = tables(people(0, 1_500), people(1, ROWS), people(2, ROWS)).capped["synthetic"]
    found = attacker.attack(attacker.split.independent(ROWS) if control == "independent" else like)
    for name, groups in found.items():
        for one in groups.values():
            assert one.auc_corrected[0] <= 0.5 <= one.auc_corrected[1], name
        assert not groups["all"].succeeds


def test_the_order_of_rows_does_not_matter(attacker: Attacker) -> None:
    made = attacker.split.members.take(np.arange(200))
    turned = made.take(np.random.default_rng(0).permutation(200))
    there, here = attacker.scores(made), attacker.scores(turned)
    for name in ("nearest", "difference", "plagiarism", "kernel", "likelihood"):
        np.testing.assert_allclose(there[name], here[name], rtol=1e-4, atol=1e-4)


def test_asked_rows_are_judged_one_by_one(attacker: Attacker) -> None:
    """Members first or last, each row has the score that it had."""
    split = attacker.split
    other = Attacker(dataclasses.replace(split, members=split.others, others=split.members))
    made, half = split.members.take(np.arange(200)), split.members.rows
    there, here = attacker.scores(made), other.scores(made)
    for name in set(ATTACKS) - {"ranks"}:
        np.testing.assert_allclose(there[name][:half], here[name][half:], rtol=1e-4, atol=1e-4)


def test_neighbours_by_hand() -> None:
    near, known = np.array([[1.0, 4.0], [0.0, 0.0], [2.0, 2.0]]), np.array([[2.0, 3.0], [5.0, 6.0], [2.0, 2.0]])
    np.testing.assert_array_equal(neighbours.nearest_row(near), [-1, 0, -2])
    np.testing.assert_array_equal(neighbours.nearest_difference(near, known), [1, 5, 0])
    np.testing.assert_array_equal(neighbours.plagiarism_index(near, known), [0.5, 1, 0.5])


def test_kernel_densities_by_their_formula() -> None:
    rng = np.random.default_rng(0)
    places, rows = rng.normal(size=(50, 3)), rng.normal(size=(70, 3))
    squares = ((places[:, None] - rows[None]) ** 2).sum(axis=2)
    expected = np.log(np.exp(-squares / (2 * 0.4**2)).mean(axis=1))
    np.testing.assert_allclose(densities.log_kernel_density(places, rows, 0.4), expected, atol=1e-6)
    far = densities.log_kernel_density(places + 1_000, rows, 0.4)
    assert np.isfinite(far).all()


def test_the_local_likelihood_is_that_of_a_reference_that_a_row_joins() -> None:
    rng = np.random.default_rng(1)
    rows, made, known = (rng.normal(size=(many, 2)) for many in (5, 12, 30))

    def density(at: np.ndarray, of: np.ndarray) -> np.ndarray:
        return np.exp(-((at[:, None] - of[None]) ** 2).sum(axis=2) / (2 * 0.5**2)).mean(axis=1)

    expected = []
    for row in rows:
        near = made[((made - row) ** 2).sum(axis=1).argsort()[:10]]
        expected.append(np.log(density(near, np.vstack([known, row])) / density(near, known)).sum())
    at_made = densities.log_kernel_density(made, known, 0.5)
    found = densities.local_likelihood(rows, made, at_made, len(known), 0.5)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_ranks_are_averaged() -> None:
    np.testing.assert_allclose(mean_ranks([np.array([1.0, 2.0]), np.array([5.0, 5.0])]), [0.625, 0.875])


@pytest.mark.parametrize("kept", [["plan", "left"], ["income", "visits"], ["income"]])
def test_tables_of_levels_or_of_numbers_only(kept: list[str]) -> None:
    split = Split.draw(tables(*(people(seed, 300).select(kept) for seed in range(3))), None)
    for scores in Attacker(split).scores(split.members).values():
        assert np.isfinite(scores).all()


# ---- the strength


def test_shares_at_few_false_alarms_by_hand() -> None:
    others = np.arange(99.0)  # one percent of a hundred places: the threshold is the largest other
    assert strength(np.full(100, 98.5), others).tpr[0] == 1
    assert strength(np.full(100, 97.5), others).tpr[0] == 0
    assert strength(np.append(np.full(30, 99.0), np.zeros(70)), others).tpr[0] == pytest.approx(0.3)
    assert strength(np.append(np.full(30, 89.5), np.zeros(70)), others).tpr10[0] == pytest.approx(0.3)


@pytest.mark.parametrize("rows", [50, 1_000])
def test_where_nothing_can_be_told_one_percent_is_found(rows: int) -> None:
    rng, found = np.random.default_rng(0), []
    for _ in range(1_000):
        curve = members_found(rng.integers(0, 3, rows).astype(float), rng.integers(0, 3, rows).astype(float), rng)
        found.append(np.interp(0.01 * (rows + 1), np.arange(len(curve)), curve))
    assert np.mean(found) == pytest.approx(0.01, abs=0.0015)


@pytest.mark.parametrize("rows", [20, 400])
def test_a_guess_succeeds_in_few_tables_however_many_tests_there_are(rows: int) -> None:
    rng = np.random.default_rng(1)
    wrong = [strength(rng.normal(size=rows), rng.normal(size=rows), 10).succeeds for _ in range(100)]
    assert sum(wrong) <= 4  # two of ten tests, so 1% of the tables


def test_the_more_tests_the_wider_the_corrected_intervals() -> None:
    rng = np.random.default_rng(0)
    members, others = rng.normal(0.5, 1, 300), rng.normal(size=300)
    few, many = (strength(members, others, tests) for tests in (24, 120))
    assert few.auc == many.auc
    assert many.auc_corrected[0] < few.auc_corrected[0] < few.auc[0]
    assert many.tpr_corrected[0] <= few.tpr_corrected[0] < few.tpr[0]
    assert many.tpr_corrected[1] >= few.tpr_corrected[1] > few.tpr[2]


def test_intervals_of_the_share_hold_it() -> None:
    """Scores shifted by 2: at 1% false alarms 37% of the members are found."""
    rng, held = np.random.default_rng(2), []
    for _ in range(60):
        _, low, high = strength(rng.normal(2, 1, 500), rng.normal(size=500)).tpr
        held.append(low <= 0.3721 <= high)
    assert np.mean(held) > 0.85


# ---- the split and the controls


def test_the_parts_of_the_split_are_apart(attacker: Attacker) -> None:
    split = attacker.split
    incomes = [set(side.columns["income"]) for side in (split.members, split.spare, split.reference, split.others)]
    assert [side.rows for side in (split.members, split.spare, split.reference, split.others)] == [400, 1_100, 400, 400]
    assert len(set.union(*incomes)) > 2_250  # few incomes are the same by chance


def test_isolated_rows_are_of_both_kinds_and_far_from_the_reference(attacker: Attacker) -> None:
    assert attacker.isolated.sum() == 20
    assert 3 <= attacker.isolated[:400].sum() <= 17
    far = attacker.to_reference[:, -1]
    assert far[attacker.isolated].min() >= far[~attacker.isolated].max()


def test_the_controls_are_what_they_say(attacker: Attacker) -> None:
    split = attacker.split
    assert copies(split.copies(600), split.scale).mean() == pytest.approx(1, abs=0.01)  # real rows, members and others
    assert copies(split.copies(600), split.members).sum() == pytest.approx(30 * 400 / 1_500, abs=8)
    assert not copies(split.independent(600), split.scale).any()


def test_the_positive_control_is_noticed(attacker: Attacker) -> None:
    found = attacker.attack(attacker.split.copies(1_500))
    assert found["nearest"]["all"].succeeds
    assert found["nearest"]["all"].tpr[0] > 0.03


# ---- singling out, linkability


def test_a_copy_singles_out_and_links_and_a_like_table_does_not(attacker: Attacker) -> None:
    split = attacker.split
    like = tables(people(0, 1_500), people(1, ROWS), people(2, ROWS)).capped["synthetic"].take(np.arange(400))
    for made, told in ((split.members, True), (like, False)):
        for risk in (
            singling_out(made, split.members, split.others),
            linkability(made, split.members, split.others, split.scale),
        ):
            assert risk is not None
            assert risk.low is not None
            assert (risk.low > 0.05) == told
            assert told or risk.low <= 0.01


def test_singling_out_by_hand() -> None:
    """One column, median 2: only "at most 0" and "at least 9.5" fit one row, and of the others only the latter."""
    made = Side({"x": np.array([0.0, 1.0, 2.0, 9.0, 9.5])}, {})
    members, others = Side({"x": np.array([-1.0, 9.6])}, {}), Side({"x": np.array([0.5, 9.7])}, {})
    risk = singling_out(made, members, others)
    assert risk is not None
    assert risk.value == pytest.approx(1)  # members: both predicates; others: one of them


# ---- what is said


def panel(auc: float = 0.5, tpr: float = 0.01, isolated: float = 0.5, half: float = 0.01) -> dict[str, Any]:
    """One attack does as well as given; the others guess."""

    def plain(auc: float, tpr: float) -> dict[str, Any]:
        near, few = (auc - half, auc + half), (max(tpr - 0.005, 0), tpr + 0.005)
        return dataclasses.asdict(Strength((auc, *near), (tpr, *few), (0.1, 0.09, 0.11), near, few))

    guess = {"all": plain(0.5, 0.01), "isolated": plain(0.5, 0.01)}
    return dict.fromkeys(ATTACKS, guess) | {"plagiarism": {"all": plain(auc, tpr), "isolated": plain(isolated, 0.01)}}


def evaluated(own: dict[str, Any], copied: dict[str, Any] | None = None) -> Evaluation:
    panels = {SYNTHETIC: own, INDEPENDENT: panel(), COPIES: panel(tpr=0.05) if copied is None else copied}
    details = {
        "membership": panels,
        "membership rows": {"isolated": 80},
        "exact copies beyond real rows": [0, -0.01, 0.01],
    }
    return Evaluation("standard", {}, scores={"exact_copies": Score(0, 0, 0.01, 0)}, details=details)


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        (panel(), "Yes"),
        (panel(auc=0.509), "Yes"),
        (panel(auc=0.511), "Only"),
        (panel(auc=0.549), "Only"),
        (panel(auc=0.56), "No"),
        (panel(auc=0.56, half=0.07), "Yes"),
        (panel(tpr=0.014), "Yes"),
        (panel(tpr=0.02), "Only"),
        (panel(tpr=0.06), "No"),
        (panel(isolated=0.54), "Only"),
        (panel(isolated=0.6), "No"),
        (panel(isolated=0.6, half=0.12), "Yes"),
    ],
)
def test_the_verdict_is_that_of_the_worst_attack(own: dict[str, Any], verdict: str) -> None:
    assert privacy_verdict(evaluated(own)).text.startswith(verdict)


def test_attacks_that_were_left_out_are_said_to_be() -> None:
    fast = Evaluation("fast", {})
    assert privacy_verdict(fast).text == "Not tested: metrics=fast leaves out the attacks."
    assert privacy_verdict(Evaluation("standard", {})).text.startswith("Cannot be decided: there are too few")


def test_attacks_that_would_not_notice_copies_prove_nothing() -> None:
    assert privacy_verdict(evaluated(panel(), panel())).text.startswith("Cannot be decided")
    assert privacy_verdict(evaluated(panel(auc=0.6), panel())).text.startswith("No")


def test_the_controls_and_the_table_of_attacks_are_shown() -> None:
    found = evaluated(panel(auc=0.6))
    said = " ".join(one.text for one in privacy_sentences(found))
    assert "1 of 8 attacks notice a table that copies 5% of its rows (share of synthetic neighbours (DPI))" in said
    assert "Negative control: from a table of independent columns, no attack" in said
    found.details["membership"][INDEPENDENT] = panel(auc=0.52)
    assert "training and test rows differ" in " ".join(one.text for one in privacy_sentences(found))
    heads, *rows = attack_rows(found)
    assert len(rows) == len(ATTACKS)
    assert {len(row) for row in rows} == {len(heads)}
    assert rows[2][:2] == ("share of synthetic neighbours (DPI)", ("0.600", "(0.590 to 0.610)"))


def test_points_are_scaled_by_real_rows_only() -> None:
    """A synthetic row that is far away must not change what is near."""
    split = Split.draw(tables(people(0, 300), people(1, 300), people(2, 300)), None)
    made = split.members.take(np.arange(100))
    wild = made.take(np.append(np.arange(100), 0))
    wild.columns["income"][-1] = 1e9
    there, here = (Attacker(split).scores(side)["nearest"] for side in (made, wild))
    np.testing.assert_array_equal(there, here)
    assert points(wild, split.scale).numbers.max() > 1e3
