"""Customers chosen among candidates, and the days between which their events lie."""

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.config.run import Run
from gans.data.events.chains import EVENT, Chain, Shape
from gans.data.events.weeks import first_and_last, in_weeks, possible_days
from gans.errors import UserError
from gans.evaluation.history_side import HistorySide
from gans.histories.choice import Choice, described, learn_choice, needed, rule_of
from gans.histories.drawn import Drawn
from gans.refinement.pools import inclusion
from gans.runs.files import RunFiles


def side(people: int, most: int, gold: float, seed: int) -> HistorySide:
    """Customers with 1 to `most` orders a week apart."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), rng.integers(1, most + 1, people))
    day = np.datetime64("2024-01-01", "s") + 7 * np.arange(len(who)) % 300 * np.timedelta64(1, "D")
    log = {"customer": who, EVENT: np.arange(len(who)), "time": day, "amount": rng.normal(20, 3, len(who)).round(2)}
    segment = np.where(rng.random(people) < gold, "gold", "plain")
    return HistorySide(pa.table({"customer": np.arange(people), "segment": segment}), {"orders": pa.table(log)})


@pytest.fixture(scope="module")
def run() -> Run:
    return compose(["+experiment=histories"])


@pytest.fixture(scope="module")
def choice(run: Run) -> Choice:
    rule = rule_of(run)
    assert rule is not None
    return learn_choice(rule, run, side(800, 4, 0.5, 0), lambda describe: describe(side(4800, 8, 0.3, 1)))


@pytest.mark.parametrize(
    ("customers", "rows", "each"),
    [
        (300, 3_000, 64),  # few customers: no more for each
        (4_000, 40_000, 40),  # 160,000 in all
        (10_000, 2_000, 16),
        (3_500, 320_000, 31),  # ten million rows
        (10_000, 5_000_000, 6),  # at least so many
        (100, 0, 64),
    ],
)
def test_as_many_candidates_as_their_rows_allow(customers: int, rows: int, each: int) -> None:
    assert needed(customers, rows) == customers * each


def test_weights_favour_customers_as_real_ones_are(choice: Choice) -> None:
    made = side(1000, 8, 0.3, 2)
    chosen = inclusion(choice.log_weights(made), 250) / 250
    gold = np.array(made.customers["segment"].to_pylist()) == "gold"
    count = made.events["orders"].count
    assert gold.mean() + 0.1 < chosen[gold].sum() < 0.6  # a half of the real ones are
    assert chosen[count > 4].sum() < 0.1 < 0.4 < (count > 4).mean()  # none of the real ones has so many


def test_customers_without_events_are_weighed_where_no_real_one_is_so(choice: Choice) -> None:
    made = side(100, 4, 0.5, 4)
    made.customers = pa.table({"customer": np.arange(150), "segment": np.repeat(["gold", "plain"], 75)})
    weights = choice.log_weights(made)
    assert np.isfinite(weights).all()
    assert weights[100:].mean() < weights[:100].mean()


def test_no_choice_without_a_ratio() -> None:
    assert rule_of(compose(["+experiment=histories", "refine=none"])) is None


def test_a_choice_is_read_as_it_was_written(choice: Choice, run: Run, tmp_path: Path) -> None:
    files, made = RunFiles(tmp_path / "choice"), side(50, 8, 0.1, 3)
    assert Choice.load(files, run) is None
    choice.save(files)
    again = Choice.load(files, run)
    assert again is not None
    np.testing.assert_array_equal(again.log_weights(made), choice.log_weights(made))
    for path in (files.refinement, files.codec, files.form):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=path.name):
            Choice.load(files, run)
        path.write_bytes(whole)


def test_what_no_training_customer_has_is_weighed(choice: Choice) -> None:
    made = side(20, 20, 0.5, 4)
    strange = made.customers.set_column(1, "segment", pa.array(["silver"] * 20))
    assert np.isfinite(choice.log_weights(HistorySide(strange, made.logs))).all()


def test_customers_are_described_by_when_they_come_back() -> None:
    day = np.datetime64("2024-01-01", "s") + np.array([0, 5, 40, 0]) * np.timedelta64(1, "D")
    log = pa.table({"customer": [1, 1, 1, 2], EVENT: [1, 2, 3, 4], "time": day})
    one = HistorySide(pa.table({"customer": [1, 2, 3]}), {"orders": log})
    table = described(one, one.form, {"orders": np.datetime64("2024-03-15", "D")})
    assert table["orders in month 1"].to_pylist() == ["yes", "no", "unknown"]
    assert table["orders in month 2"].to_pylist() == ["unknown"] * 3  # it is not over
    classes = [table[f"orders gaps of class {place}"].to_pylist() for place in range(8)]
    assert [each[0] for each in classes] == [0, 1, 0, 0, 1, 0, 0, 0]  # 5 and 35 days
    assert all(each[1:] == [0, 0] for each in classes)


def test_chosen_customers_and_their_events_get_new_keys() -> None:
    customers = pa.table({"customer": [11, 12, 13], "age": [1, 2, 3]})
    orders = pa.table({"customer": [11, 13, 13], "order": [1101, 1301, 1302], "amount": [1.0, 2.0, 3.0]})
    views = pa.table({"customer": [12, 13], "page": ["a", "b"]})
    found = Drawn(customers, {"orders": orders, "views": views})
    chosen = found.renumbered(np.array([0, 2]), np.array([5, 6]), {"orders": ("order", 2)})
    assert chosen.customers.to_pydict() == {"customer": [5, 6], "age": [1, 3]}
    assert chosen.logs["orders"].to_pydict() == {
        "customer": [5, 6, 6],
        "order": [501, 601, 602],
        "amount": [1.0, 2.0, 3.0],
    }
    assert chosen.logs["views"].to_pydict() == {"customer": [6], "page": ["b"]}


@pytest.mark.parametrize("since", ["since", ""])
def test_days_of_customers_come_back_from_weeks(since: str) -> None:
    shape = Shape("orders", (), Chain("orders", ()), None, None, "2024-03-08", since)
    came = [dt.date(2023, 5, 3), dt.date(2024, 1, 1), None, dt.date(2023, 1, 1), dt.date(2024, 2, 29)]
    first = [dt.date(2023, 5, 3), dt.date(2024, 1, 7), dt.date(2024, 3, 4), None, dt.date(2024, 3, 1)]
    last = [dt.date(2024, 3, 8), dt.date(2024, 1, 7), dt.date(2024, 3, 5), None, dt.date(2024, 3, 8)]
    date = pa.date32()
    people = pa.table(
        {"since": pa.array(came, date), "orders_first": pa.array(first, date), "orders_last": pa.array(last, date)}
    )
    found = in_weeks(people, [shape])
    assert found["orders_weeks_before_end"].to_pylist() == [0, None, 0, None, 0]  # none where all was on one day
    if since:
        assert found["orders_first_week"].to_pylist() == [0, 0, 0, None, 0]
    days = first_and_last(found, shape)
    for made, real in zip(days, (first, last), strict=True):
        assert [None if np.isnat(one) else one.astype(object) for one in made] == real
    assert possible_days(found, shape).all()


@pytest.mark.parametrize("early", [False, True])
def test_days_that_contradict_each_other_are_told(early: bool) -> None:
    shape = Shape("orders", (), Chain("orders", ()), None, None, "2024-03-08", "since", early)  # a Friday
    people = pa.table(
        {
            "since": pa.array([dt.date(2024, 2, 7)] * 5, pa.date32()),
            "orders_first_week": [0, 0, 4, 3, 0],
            "orders_first_weekday": ["Thursday", "Monday", "Saturday", "Monday", "Friday"],
            "orders_weeks_before_end": [0, 0, None, 4, 0],
            "orders_last_weekday": ["Friday", "Friday", None, "Friday", "Sunday"],
        }
    )  # as it should be; before since; after the end; the last before the first; the last after the end
    assert possible_days(people, shape).tolist() == [True, early, False, False, False]
    later = dataclasses.replace(shape, begin="2024-02-09")  # the day after the first order of the first customer
    assert not possible_days(people, later)[0]
