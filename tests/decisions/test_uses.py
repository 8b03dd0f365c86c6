"""The five uses: figures recomputed, and answers where it is known what they must be."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from gans.decisions import marketing, product, release, research, risk
from gans.decisions.cases import Case, Response
from gans.errors import UserError
from gans.evaluation.inputs import Side
from gans.findings import uses
from gans.findings.answers import BOTH, HIGHER, LOWER, REAL, SYNTHETIC, Answer, Measured, pool
from gans.findings.sentence import Sentence
from gans.findings.uses import use_sentences

# ---- verdicts and pooling


@pytest.mark.parametrize(
    ("better", "gain", "verdict"),
    [
        (HIGHER, (0.1, 0.05, 0.15), "gain"),
        (HIGHER, (0.1, -0.05, 0.25), "no gain"),
        (HIGHER, (-0.1, -0.15, -0.05), "loss"),
        (LOWER, (-0.1, -0.15, -0.05), "gain"),
        (LOWER, (0.1, 0.05, 0.15), "loss"),
        (HIGHER, (0.1, np.nan, np.nan), "not known"),
        ("", (0.1, 0.05, 0.15), ""),
    ],
)
def test_a_gain_is_one_whose_interval_lies_beyond_zero(better: str, gain: Any, verdict: str) -> None:
    assert Measured("x", better, {}, {"arm": gain}).verdict("arm") == verdict


def test_pooled_intervals_know_rows_and_seeds() -> None:
    def answer(value: float) -> Answer:
        return Answer("x", "q", "m", REAL, [Measured("AUC", HIGHER, {REAL: (value, value - 0.1, value + 0.1)})])

    values = np.array([0.7, 0.8, 0.9])
    found = pool([answer(value) for value in values]).measures[0].values[REAL]
    student = 4.302653 * values.std(ddof=1) / np.sqrt(3)  # t of 2 degrees of freedom
    assert found[0] == pytest.approx(0.8)
    assert found[2] - found[0] == pytest.approx(np.hypot(0.1, student))
    assert pool([answer(0.7)]).runs == []


# ---- marketing


def test_marketing_by_hand(good: Case) -> None:
    answer = marketing.ask(good, {"cost": 1.0, "margin": 4.0})
    asked, _ = Response.ask(good, None)
    assert asked.positive == "yes"
    labels, chance = asked.labels(good.test), asked.chances(good.real, good.test)
    assert answer["AUC"].values[REAL][0] == pytest.approx(roc_auc_score(labels, chance))
    first = np.argsort(-chance, kind="stable")[:150]
    assert answer["lift at 10%"].values[REAL][0] == pytest.approx(labels[first].mean() / labels.mean())
    contacted = chance > 0.25
    profit = (4 * labels[contacted].sum() - contacted.sum()) / len(labels) * 1000
    assert answer.measures[2].values[REAL][0] == pytest.approx(profit)
    gain = answer.curves["gain"][REAL]
    assert (gain[0], gain[-1]) == (0, 1)
    assert gain[10] == pytest.approx(labels[first].sum() / labels.sum())
    assert answer.curves["lift"][REAL][10] == pytest.approx(10 * gain[10])
    assert answer.curves["profit"][REAL][-1] == pytest.approx((4 * labels.mean() - 1) * 1000)


def test_marketing_tells_good_rows_from_noise(good: Case, bad: Case) -> None:
    fine, poor = (marketing.ask(case, {}) for case in (good, bad))
    first, apart, ranked, *_ = use_sentences(fine)
    share, chance = fine.tables["share to contact"], fine.tables["chance from which a contact pays"]
    assert first.text.startswith(f"Contact the {share:.0%} of customers whose chance exceeds {chance:.0%}: that earns ")
    assert f"contacting everyone earns {fine.tables['profit of contacting everyone']:,.0f}." in first.text
    assert (first.tone, ranked.tone) == ("good", "good")
    assert "age is very high" in apart.text  # who buys follows age and visits
    assert "clearly worse than one of real rows" in " ".join(one.text for one in use_sentences(poor))
    assert use_sentences(poor)[0].tone != "good"
    assert poor["AUC"].verdict(SYNTHETIC) == "loss"
    assert fine["AUC"].values[SYNTHETIC][0] > 0.75 > 0.6 > poor["AUC"].values[SYNTHETIC][0]


# ---- risk


def test_risk_by_hand(good: Case) -> None:
    answer = risk.ask(good, {})
    asked, _ = Response.ask(good, None)
    labels, chance = asked.labels(good.test), asked.chances(good.synthetic, good.test)
    assert answer["Brier score"].values[SYNTHETIC][0] == pytest.approx(brier_score_loss(labels, chance))
    order = np.argsort(chance)
    share = [np.cumsum(hits[order]) / hits.sum() for hits in (labels, ~labels)]
    assert answer["KS"].values[SYNTHETIC][0] == pytest.approx(np.abs(share[0] - share[1]).max(), abs=1e-9)
    assert answer["population stability index"].values[SYNTHETIC][0] < uses.STABLE


def test_calibration_and_stability_have_known_answers() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(50_000)
    bad = rng.random(50_000) < chance
    assert risk.calibration_error(bad, chance) < 0.01
    assert risk.calibration_error(bad, np.clip(chance / 2, 0, 1)) == pytest.approx(0.25, abs=0.01)
    assert risk.population_stability(chance, rng.random(50_000)) < 0.002
    # tenths of a uniform against twice as many below one half: (a - e) ln(a / e) by hand
    other = np.where(rng.random(50_000) < 2 / 3, rng.random(50_000) / 2, 0.5 + rng.random(50_000) / 2)
    expected = 5 * ((4 / 30 - 0.1) * np.log(4 / 3) + (2 / 30 - 0.1) * np.log(2 / 3))
    assert risk.population_stability(chance, other) == pytest.approx(expected, abs=0.01)


def test_synthetic_rows_of_a_rare_class_are_drawn_by_a_generator_of_the_rows_left(
    good: Case, monkeypatch: pytest.MonkeyPatch, customers: Callable[[int, int], pa.Table]
) -> None:
    seen = []

    def trained(run: Any, table: pa.Table, folder: Path, steps: int | None) -> Any:
        seen.append((table, folder.name, steps))
        return SimpleNamespace(sampler=lambda: good.sampler)

    monkeypatch.setattr(risk, "train_again", trained)
    answer = risk.ask(good, {"shortages": ["0.2", "0.1"], "steps": 7})
    yes = good.tables.real["bought"].to_pylist().count("yes")
    for (table, name, steps), share in zip(seen, (0.2, 0.1), strict=True):
        assert table["bought"].to_pylist().count("yes") == round(share * yes)
        assert table["bought"].to_pylist().count("no") == good.tables.real.num_rows - yes
        assert (name.startswith(f"shortage-{share:g}-"), steps) == (True, 7)
    assert len({name for _, name, _ in seen}) == 2
    found = answer["AUC with 10% of the bad cases"]
    assert set(found.values) == {REAL, risk.ADDED, "class weights", "SMOTE"}
    assert found.verdict(risk.ADDED) == "gain"  # the stub's rows of the class are as good as those left out
    assert answer.tables[found.name]["synthetic bad cases"] == yes - round(0.1 * yes)


@pytest.mark.parametrize("shortages", ["0", "1", "1.5", "few", "0.01"])
def test_a_shortage_is_a_share(good: Case, shortages: str) -> None:
    with pytest.raises(UserError, match="shortages="):
        risk.ask(good, {"shortages": [shortages]})


# ---- product


def test_product_shares_by_hand(good: Case) -> None:
    answer = product.ask(good, {"of": "city", "by": "member", "where": "age >= 50"})
    test = good.tables.test
    assert test is not None
    frame = test.to_pandas()
    for segment, level, _, made, held, low, high in answer.tables["shares"]:
        members = frame[frame["member"] == segment.removeprefix("member ")]
        assert held == pytest.approx((members["city"] == level).mean())
        assert low < held < high
        assert made == pytest.approx(held, abs=0.08)
    found = answer.tables["what if"]
    old = frame[frame["age"] >= 50]
    assert found["held-out rows"] == len(old)
    shares = {row[0]: row for row in found["rows"]}
    assert shares["Rome"][3] == pytest.approx((old["city"] == "Rome").mean())
    assert shares["Rome"][2] > shares["Rome"][1] + 0.08  # the loyal ones are old, and live in Rome


def test_product_tells_good_rows_from_noise(good: Case, bad: Case) -> None:
    fine, poor = (product.ask(case, {"of": "city", "by": "visits"}) for case in (good, bad))
    assert use_sentences(fine)[0].text.startswith("The favourites are Rome (visits ")
    assert "clearly prefer another one in 0." in use_sentences(fine)[0].text
    assert (use_sentences(fine)[1].text[:3], use_sentences(poor)[1].text[:3]) == ("Yes", "No:")
    assert poor["distance of shares"].verdict(SYNTHETIC) == "loss"
    assert poor["distance of shares"].values[SYNTHETIC][0] > 2 * fine["distance of shares"].values[SYNTHETIC][0]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"by": "city"}, "of is not set"), ({"of": "city"}, "by is not set"), ({"of": "cty", "by": "member"}, "of=cty"),
     ({"of": "age", "by": "city"}, "of=age: allowed are the columns of levels"), ({"of": "city", "by": "x"}, "by=x")],
)  # fmt: skip
def test_product_names_what_is_wrong(good: Case, options: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        product.ask(good, options)


def test_favourites_are_named_by_segment_and_what_contradicts_them() -> None:
    def row(segment: str, level: str | None, made: float, held: float) -> list:
        return [segment, level, 0.0, made, held, held - 0.05, held + 0.05]

    def told(*rows: list) -> Sentence:
        return uses.favourites(Answer("product", "q", "m", REAL, [], tables={"shares": rows}))

    same = told(
        row("a", "Mon", 0.6, 0.5), row("a", "Tue", 0.3, 0.3), row("b", "Mon", 0.5, 0.5), row("b", None, 0.9, 0.9)
    )
    assert same.tone == "good"
    assert "The favourite is Mon in all segments (2), for 50% to 60% of the synthetic customers" in same.text
    assert "name the same one in 2 of 2 segments and clearly prefer another one in 0." in same.text
    other = told(
        row("a", "Mon", 0.6, 0.2), row("a", "Tue", 0.3, 0.7), row("b", "Tue", 0.6, 0.5), row("b", "Mon", 0.1, 0.4)
    )
    assert "The favourites are Mon (a); Tue (b)" in other.text
    assert "name the same one in 1 of 2 segments and clearly prefer another one in 1." in other.text
    assert other.tone == "note"


def test_product_says_what_it_leaves_out(make_case: Any, customers: Any) -> None:
    tables = [customers(400, seed) for seed in (1, 2, 3)]
    towns = np.array([f"town {place % 11}" for place in range(399)] + ["hamlet"])
    tables = [table.append_column("town", pa.array(towns)) for table in tables]
    answer = product.ask(make_case(*tables), {"of": "city", "by": "town"})
    assert answer.tables["left out"] == ["4 segments beyond the 8 largest"]
    answer = product.ask(make_case(*tables), {"of": "town", "by": "city"})
    assert answer.tables["left out"] == ["4 levels of town beyond the 8 most frequent"]
    assert "Left out: 4 levels of town beyond the 8 most frequent." in [one.text for one in use_sentences(answer)]


# ---- research


def test_coefficients_are_those_of_the_law(customers: Callable[[int, int], pa.Table], make_case: Any) -> None:
    case = make_case(customers(20_000, 1), customers(200, 2), customers(200, 3))
    names, fits = research.coefficients({research.REFERENCE: case.real}, Response.ask(case, "yes")[0])
    found = dict(zip(names, zip(*fits[research.REFERENCE], strict=True), strict=True))
    value, error = found["city = Ulm"]
    assert abs(value - 0.8) < 4 * error < 0.4
    scale = np.std(case.real.columns["age"])
    value, error = found["age"]
    assert abs(value - 1.2 * scale / 13) < 4 * error
    assert abs(found["member = yes" if "member = yes" in found else "member = no"][0]) < 4 * error


def test_agreement_of_conclusions() -> None:
    real = np.array([1.0, -1.0, 0.01]), np.array([0.1, 0.1, 0.1])
    same, turned = (np.array([1.1, -0.9, 0.3]), np.array([0.1] * 3)), (np.array([-1.0, -1.0, 0.0]), np.array([0.1] * 3))
    assert research.agree(real, same) == {
        uses.FOUND: 1,
        uses.CONTRARY: 1,
        uses.OVERLAP: pytest.approx(2 / 3),
    }
    assert research.agree(real, turned) == {
        uses.FOUND: 0.5,
        uses.CONTRARY: 0.5,
        uses.OVERLAP: pytest.approx(2 / 3),
    }
    none = np.zeros(3), np.full(3, 0.1)
    assert np.isnan(research.agree(none, same)[uses.FOUND])


def test_research_tells_good_rows_from_noise(good: Case, bad: Case) -> None:
    fine, poor = (research.ask(case, {"k": 2}) for case in (good, bad))
    assert use_sentences(fine)[0].tone == "good"
    assert use_sentences(poor)[0].text.startswith("No")
    assert fine[uses.SEGMENTS].values[uses.SYNTHETIC_ROWS][0] > 0.9
    assert poor[uses.SEGMENTS].values[uses.SYNTHETIC_ROWS][0] < 0.5
    assert fine[uses.SIGNS].values[uses.SYNTHETIC_ROWS][0] == 1


# ---- privacy


def test_copies_must_not_be_shared(customers: Callable[[int, int], pa.Table], make_case: Any) -> None:
    real, test = customers(600, 1), customers(600, 3)
    assert use_sentences(release.ask(make_case(real, real, test), {}))[0].text.startswith("No:")
    fresh = release.ask(make_case(real, customers(600, 2), test), {})
    assert not use_sentences(fresh)[0].text.startswith("No:")
    again = release.ask(make_case(real, customers(600, 4), test), {})
    worst = [one.curves["evaluation"].scores["membership_worst_auc"].value for one in (fresh, again)]
    (told,) = (one.text for one in use_sentences(pool([fresh, again])) if "who was in the table" in one.text)
    assert f"AUC {max(worst):.3f}" in told  # of two runs the worse one is told
    few = release.ask(make_case(real, customers(600, 2), customers(50, 3)), {})
    assert use_sentences(few)[0].text.startswith("Cannot be decided")


# ---- targets


def test_rows_without_an_answer_do_not_count(make_case: Any, customers: Any) -> None:
    tables = [customers(400, seed) for seed in (1, 2, 3)]
    mask = np.arange(400) % 4 == 0
    tables = [table.set_column(5, "bought", pa.array(table["bought"].to_pylist(), mask=mask)) for table in tables]
    asked, case = Response.ask(make_case(*tables), None)
    assert asked.positive == "yes"
    assert (case.real.rows, case.test.rows) == (300, 300)
    assert asked.labels(case.test).sum() == tables[2]["bought"].to_pylist().count("yes")


def test_stability_of_one_population_is_near_zero_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(1)
    found = np.array([risk.stability_interval(rng.random(1000), rng.random(9000)) for _ in range(10)])
    assert (found[:, 0] < 0.01).all()
    assert (found[:, 1] <= found[:, 0]).all()
    assert (found[:, 0] <= found[:, 2]).all()
    other = risk.stability_interval(rng.random(1000), rng.random(9000) ** 2)
    assert other[1] > uses.STABLE


def test_rows_that_were_learned_by_heart_are_as_good_as_other_real_rows_and_no_better(
    make_case: Any, customers: Any
) -> None:
    """So few rows that both arms analyse all of them: where these are the same rows, so are the conclusions."""
    real, order = customers(150, 1), np.random.default_rng(0).permutation(150)
    learned = real.take(pa.array(np.roll(order, 75)))  # first the half that segments of another real sample are of
    answer = research.ask(make_case(real, learned, customers(1000, 3)), {"k": 2})
    for measure in answer.measures:
        found, control = measure.values[uses.SYNTHETIC_ROWS], measure.values[uses.ANOTHER_SAMPLE]
        assert found == pytest.approx(control, abs=1e-6), measure.name
    shares = [answer[name].values[uses.ANOTHER_SAMPLE][0] for name in (uses.FOUND, uses.OVERLAP, uses.SEGMENTS)]
    assert max(shares) < 0.96  # none is at its end, where all are the same
    fresh = research.ask(make_case(real, customers(150, 2), customers(1000, 3)), {"k": 2})
    assert [measure.values[uses.SYNTHETIC_ROWS] for measure in fresh.measures] != [
        measure.values[uses.SYNTHETIC_ROWS] for measure in answer.measures
    ]


def side(values: Sequence[int], levels: list[str]) -> Side:
    return Side({"answer": np.array(values, np.int32), "x": np.arange(len(values)) * 1.0}, {"answer": levels})


@pytest.mark.parametrize(
    ("target", "positive", "said"),
    [
        ("", None, "target is not set"),
        ("age", None, "target=age: it is a number"),
        ("city", "Roma", "positive=Roma: allowed are Rome, Ulm"),
    ],
)
def test_a_target_must_be_a_question(make_case: Any, customers: Any, target: str, positive: Any, said: str) -> None:
    case = make_case(customers(300, 1), customers(300, 2), customers(300, 3), target)
    with pytest.raises(UserError, match=said):
        Response.ask(case, positive)


def test_of_many_levels_one_is_named(make_case: Any, customers: Any) -> None:
    tables = [customers(300, seed) for seed in (1, 2, 3)]
    tables = [table.append_column("plan", pa.array(["a", "b", "c"] * 100)) for table in tables]
    case = make_case(*tables, "plan")
    with pytest.raises(UserError, match="positive is not set: plan has the levels a, b, c"):
        Response.ask(case, None)
    asked, _ = Response.ask(case, "b")
    assert asked.labels(case.real).mean() == pytest.approx(1 / 3)
    assert asked.asked(case.real).levels["plan"] == ["no", "yes"]
    assert BOTH in marketing.predictions(case, asked)
