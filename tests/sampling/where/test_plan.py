"""Marginals against counting, and plans against the values that `where` names; no generator is trained."""

import datetime
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.relations import parse_relation
from gans.errors import UserError
from gans.runs.prepare import Prepared, prepare
from gans.sampling import marginals as module
from gans.sampling.marginals import Marginals, fit_marginals
from gans.sampling.where.plan import make_plan


@pytest.fixture(scope="module")
def ready(related: Any) -> Prepared:
    relations = 'data.relations=["' + '","'.join(related.relations) + '"]'
    return prepare(compose(["condition=subsets", "tracker.mode=disabled", relations]), related.table)


@pytest.fixture(scope="module")
def marginals(ready: Prepared) -> Marginals:
    return ready.marginals


def counted(ready: Prepared, name: str) -> Counter[Any]:
    return Counter(ready.split.training[name].to_pylist())


def drawn(marginals: Marginals, name: str) -> Counter[Any]:
    return Counter(dict(zip(marginals.values(name).to_pylist(), marginals[name].counts.tolist(), strict=True)))


@pytest.mark.parametrize("name", ["city", "plan", "channel", "age", "spend", "visits", "fee", "tax", "opened"])
def test_marginals_count_the_values_of_the_training_rows(ready: Prepared, marginals: Marginals, name: str) -> None:
    assert drawn(marginals, name) == counted(ready, name)


def test_a_date_as_its_file_writes_it(tmp_path: Path) -> None:
    days = [datetime.date(2023, 1, 1) + datetime.timedelta(days=place) for place in range(300)]
    lines = ["since,age", *(f"{day:%d.%m.%Y},{20 + place % 50}" for place, day in enumerate(days))]
    (tmp_path / "customers.csv").write_text("\n".join(lines) + "\n")
    path = f"data.path={tmp_path / 'customers.csv'}"
    ready = prepare(compose(["data=table", path, "condition=subsets", "tracker.mode=disabled"]))
    expected = make_plan("'2023-05-15' <= since < '2023-06-01'", [], ready.marginals).allowed["since"]
    found = make_plan("since >= '15.05.2023' and since < '01.06.2023'", [], ready.marginals).allowed["since"]
    assert 0 < expected.sum() <= 17
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(UserError, match=r"where: since == '15/05/2023'.*write one as '2024-01-31'"):
        make_plan("since == '15/05/2023'", [], ready.marginals)


def test_saved_and_loaded_they_are_the_same(marginals: Marginals, tmp_path: Path) -> None:
    marginals.save(tmp_path / "marginals.npz")
    loaded = Marginals.load(tmp_path / "marginals.npz", marginals.codec)
    for one, other in zip(marginals.columns, loaded.columns, strict=True):
        for field in ("scalars", "codes", "counts"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    (tmp_path / "marginals.npz").write_bytes(b"PK\x03\x04")
    for path in (tmp_path / "marginals.npz", tmp_path / "none.npz"):
        with pytest.raises(UserError, match="not readable marginals"):
            Marginals.load(path, marginals.codec)


def test_of_too_many_values_some_stand_for_all(ready: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 40)
    fewer = fit_marginals(ready.codec, ready.encoded)
    values, counts = np.array(fewer.values("spend").to_pylist()), fewer["spend"].counts
    assert 20 < len(values) <= 40
    assert counts.sum() == ready.split.training.num_rows
    spend = np.sort(ready.split.training["spend"].to_numpy())
    assert set(values) <= set(spend)
    for value, mass in zip(values, np.cumsum(counts), strict=True):  # each stands for the ones up to it
        assert mass == (spend <= value).sum()


@pytest.mark.parametrize(
    ("where", "column", "fits"),
    [
        ("plan == 'pilot'", "plan", lambda v: v == "pilot"),
        ("plan != 'pilot'", "plan", lambda v: v != "pilot"),
        ("city in ('Rome', 'Ulm')", "city", lambda v: v in ("Rome", "Ulm")),
        ("30 <= age < 45", "age", lambda v: 30 <= v < 45),
        ("spend > 99.5 and spend != 100", "spend", lambda v: v > 99.5 and v != 100),
        ("visits is null", "visits", lambda v: v is None),
        ("visits in (3, null)", "visits", lambda v: v in (3, None)),
        ("visits >= 3", "visits", lambda v: v is not None and v >= 3),
        ("country == 'IT'", "city", lambda v: v in ("Rome", "Milan")),
        ("country != 'IT' and city != 'Ulm'", "city", lambda v: v in ("Lyon", "Paris", "Bonn")),
    ],
)
def test_what_a_learned_column_may_hold(marginals: Marginals, where: str, column: str, fits: Any) -> None:
    plan = make_plan(where, [], marginals)
    assert list(plan.allowed) == [column]
    values = marginals.values(column).to_pylist()
    assert plan.allowed[column].tolist() == [fits(value) for value in values]
    assert 0 < plan.allowed[column].sum() < len(values)


@pytest.mark.parametrize("where", ["total > 30", "closed < 2010"])
def test_what_follows_from_several_or_is_a_difference_is_left_to_the_rows(marginals: Marginals, where: str) -> None:
    plan = make_plan(where, [], marginals)
    assert plan.allowed == {}
    assert str(plan.where) == where


def test_the_rarest_is_drawn_first(ready: Prepared, marginals: Marginals) -> None:
    plan = make_plan("age < 80 and plan == 'pilot' and country == 'FR'", [], marginals)
    rows = {
        "age": sum(n for age, n in counted(ready, "age").items() if age < 80),
        "plan": counted(ready, "plan")["pilot"],
        "city": counted(ready, "country")["FR"],
    }
    assert plan.rarest_first(marginals) == sorted(rows, key=lambda name: rows[name]) == ["plan", "city", "age"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("country == 'IT' and city == 'Paris'", ("country == 'IT'", "city == 'Paris'", "city -> country")),
        ("country == 'XX'", ("country == 'XX'", "city -> country")),
        ("plan == 'basic' and channel == 'shop'", ("plan == 'basic'", "channel == 'shop'", "then channel == 'web'")),
        ("age < 18", ("age < 18", "from 18 to 89")),
        ("age is null", ("age is null", "no missing value")),
        ("spend == 1e9", ("spend == 1", "from")),
        ("plan == 'pilt'", ("plan == 'pilt'", "Did you mean 'pilot'?")),
        ("cty == 'Rome'", ("'cty'", "Did you mean 'city'?")),
    ],
)
def test_contradictions_name_both_sides(marginals: Marginals, where: str, said: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as error:
        make_plan(where, [], marginals)
    for words in said:
        assert words in str(error.value)
    assert str(error.value).startswith("where:")


def test_what_leaves_one_pair_is_no_contradiction(marginals: Marginals) -> None:
    plan = make_plan("plan in ('basic', 'gold') and channel == 'shop'", [], marginals)
    assert set(plan.allowed) == {"plan", "channel"}


def test_further_relations_need_columns_that_are_there(marginals: Marginals) -> None:
    relation = parse_relation("fee <= age")
    assert make_plan("", [relation], marginals).relations == [relation]
    with pytest.raises(UserError, match=r"'fee <= agee'.*'agee' is not in the table.*Did you mean 'age'"):
        make_plan("", [parse_relation("fee <= agee")], marginals)


def test_a_constant_column_is_compared_and_then_left_alone() -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"kind": ["a"] * 60, "age": rng.integers(18, 60, 60)})
    marginals = prepare(compose(["tracker.mode=disabled", "trainer.batch_size=20"]), table).marginals
    assert make_plan("kind == 'a'", [], marginals).allowed == {}
    with pytest.raises(UserError, match="kind is constant"):
        make_plan("kind == 'b'", [], marginals)


def test_a_column_that_is_often_a_copy_is_given_like_any_other() -> None:
    rng = np.random.default_rng(0)
    bill, own = (np.round(rng.lognormal(6, 1, 2_000), 2) for _ in range(2))
    table = pa.table({"payment": np.where(rng.random(2_000) < 0.3, bill, own), "bill": bill})
    ready = prepare(compose(["condition=subsets", "tracker.mode=disabled"]), table)
    assert [relation.kind for relation in ready.codec.relations.relations] == ["sameness"]
    plan = make_plan("payment > 1000", [], ready.marginals)
    values = np.array(ready.marginals.values("payment").to_pylist())
    np.testing.assert_array_equal(plan.allowed["payment"], values > 1_000)
