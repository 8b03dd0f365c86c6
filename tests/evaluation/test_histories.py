"""Distances of histories have known values of known histories, and see what each of them is for."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.detection import detect
from gans.data.events.chains import EVENT
from gans.evaluation.histories import closed, scores_of
from gans.evaluation.history_retention import cohorts, retention
from gans.evaluation.history_side import HistorySide
from gans.evaluation.inputs import read_sides
from gans.evaluation.rfm import rfm
from gans.evaluation.suite import evaluate
from gans.findings.customer_histories import history_verdict
from gans.findings.sentence import Sentence
from gans.report.figures import render
from gans.report.history_figures import timelines

DAY = np.timedelta64(1, "D")
START = np.datetime64("2024-01-01", "s")  # a Monday


def side(people: int, who: list[int], days: list[float], **columns: Any) -> HistorySide:
    """Customers 0 to people - 1, and their orders on days after the start, each a row of its own."""
    time = START + (np.array(days) * 86_400).astype("timedelta64[s]")
    log = {"customer": np.array(who), EVENT: np.arange(len(who)), "time": time, **columns}
    return HistorySide(pa.table({"customer": np.arange(people)}), {"orders": pa.table(log)})


def shop(seed: int, people: int = 300, since: bool = False) -> HistorySide:
    """Orders by day and by a habit of the customer: amounts follow the segment, channels follow the last one."""
    rng = np.random.default_rng(seed)
    count = rng.geometric(0.3, people)
    who = np.repeat(np.arange(people), count)
    days = rng.uniform(0, 300, len(who)).astype(int) // 7 * 7 + rng.integers(0, 5, len(who))
    who, days = (one[np.lexsort((days, who))] for one in (who, days))
    hour = rng.integers(9, 18, len(who))
    gold = rng.random(people) < 0.3
    habit = rng.normal(size=people)[who]
    amount = np.round(np.exp(0.8 * habit + gold[who] + 0.3 * rng.normal(size=len(who))), 2)
    channel = np.where(rng.random(people)[who] + rng.normal(0, 0.1, len(who)) > 0.5, "web", "shop")
    columns = {"customer": np.arange(people), "segment": np.where(gold, "gold", "plain")}
    if since:
        columns["since"] = np.full(people, START.astype("datetime64[D]"))
    time = START + days * DAY + hour * np.timedelta64(1, "h")
    log = {"customer": who, EVENT: np.arange(len(who)), "time": time, "amount": amount, "channel": channel}
    return HistorySide(pa.table(columns), {"orders": pa.table(log)})


def changed(one: HistorySide, **columns: Any) -> HistorySide:
    """With other columns of the orders."""
    log = one.logs["orders"]
    for name, values in columns.items():
        log = log.set_column(log.column_names.index(name), name, pa.array(values))
    return HistorySide(one.customers, {"orders": log})


def column(one: HistorySide, name: str) -> np.ndarray:
    return one.logs["orders"][name].to_numpy(zero_copy_only=False)


def test_the_same_histories_are_at_no_distance_and_others_of_their_kind_near() -> None:
    real = shop(0)
    assert set(scores_of(real, real, "orders").values()) == {0.0}
    other = scores_of(real, shop(1), "orders")
    assert other.pop("history_rfm") < 0.4  # 300 customers in 125 cells
    assert max(other.values()) < 0.15
    assert other["history_counts"] < 0.1
    assert other["history_keys"] == other["history_impossible"] == 0


def test_customers_of_whom_nothing_but_their_events_is_known_are_compared() -> None:
    real, other = (HistorySide(one.customers.select(["customer"]), one.logs) for one in (shop(0), shop(1)))
    found = scores_of(real, other, "orders")
    assert set(scores_of(shop(0), shop(1), "orders")) - set(found) == {"history_parent"}
    assert found["history_counts"] == scores_of(shop(0), shop(1), "orders")["history_counts"]


def test_every_distance_sees_what_it_is_for() -> None:
    real, made, rng = shop(0, since=True), shop(1, since=True), np.random.default_rng(2)
    usual = scores_of(real, made, "orders")
    rows = made.logs["orders"].num_rows
    time, log = column(made, "time"), made.logs["orders"]
    mixed = rng.permutation(rows)
    first = np.unique(column(made, "customer"), return_index=True)[1]
    broken = {
        "history_counts": HistorySide(made.customers, {"orders": log.take(pa.array(first))}),
        "history_gaps": changed(made, time=START + rng.integers(0, 6, rows) * 60 * DAY),
        "history_weekday": changed(made, time=time + 3 * DAY),
        "history_hour": changed(made, time=time.astype("datetime64[D]").astype("datetime64[s]")),
        "history_lag": changed(made, amount=column(made, "amount")[mixed]),
        "history_parent": changed(made, amount=column(made, "amount")[mixed]),
        "history_order": changed(made, channel=column(made, "channel")[mixed]),
        "history_retention": HistorySide(made.customers, {"orders": log.take(pa.array(first))}),
        "history_rfm": changed(made, time=time - 100 * DAY),
        "history_value": changed(made, amount=10 * column(made, "amount")),
        "history_keys": changed(made, customer=column(made, "customer") + 30),
        "history_impossible": changed(made, time=time + 300 * DAY),
    }
    for name, one in broken.items():
        assert scores_of(real, one, "orders")[name] > max(0.08, 1.5 * usual[name]), name


def test_events_are_rows_that_share_customer_and_event() -> None:
    log = pa.table({
        "customer": [7, 7, 7, 3, 7], EVENT: [1, 1, 2, 1, 1],
        "time": np.array(["2024-01-05", "2024-01-05", "2024-01-02", "2024-01-09", "2024-01-05"], "datetime64[s]"),
        "amount": [1.0, 2.0, 5.0, 4.0, 3.0], "category": ["b", "a", "a", None, "a"],
    })  # fmt: skip
    one = HistorySide(pa.table({"customer": [3, 5, 7]}), {"orders": log})
    events = one.events["orders"]
    assert events.who.tolist() == [0, 2, 2]
    assert events.count.tolist() == [1, 0, 2]
    assert events.gaps.tolist() == [3]
    assert events.columns["rows"].to_pylist() == [1, 1, 3]
    assert events.columns["amount"].to_pylist() == [4, 5, 6]
    assert events.columns["category"].to_pylist() == [None, "a", "a"]
    table = one.aggregates()
    assert table["orders events"].to_pylist() == [1, 0, 2]
    assert table["orders amount sum"].to_pylist() == [4, None, 11]
    assert table["orders longest gap"].to_pylist() == [None, None, 3]
    assert table["orders category most often"].to_pylist() == [None, None, "a"]


def test_events_of_one_row_are_compared_with_events_of_several() -> None:
    real = shop(0)
    log = pa.concat_tables([real.logs["orders"], real.logs["orders"]])
    double, rows = HistorySide(real.customers, {"orders": log}), real.aggregates(real.form)
    assert "orders rows sum" not in rows.column_names
    assert double.aggregates(real.form).column_names == rows.column_names
    assert real.aggregates(double.form).column_names == double.aggregates(double.form).column_names
    assert double.aggregates()["orders rows mean"].to_pylist() == [2.0] * 300


def test_retention_counts_those_who_were_seen_long_enough() -> None:
    people = 200
    who = [*range(people), *range(people // 4), 0]
    days = [0.0] * people + [40.0] * (people // 4) + [100.0]
    found = retention(side(people, who, days).events["orders"])
    assert found[:2].tolist() == [0.25, 0]  # the log ends in the fourth month
    assert np.isnan(found[3:]).all()
    few = retention(side(50, [*range(50)] * 2, [0.0] * 50 + [40.0] * 50).events["orders"])
    assert np.isnan(few).all()


def test_cohorts_are_shares_of_the_customers_of_a_quarter() -> None:
    one = side(3, [0, 0, 1, 1, 2], [0, 100, 10, 20, 100]).events["orders"]
    found = cohorts(one, one.day.min(), one.day.max())
    assert found[0].tolist() == [1, 0.5]
    assert found[1, 0] == 1
    assert np.isnan(found[1, 1])


def test_shares_of_recency_and_frequency_are_of_the_fifths_of_the_real_ones() -> None:
    real = side(5, [0, 1, 2, 3, 4], [0, 1, 2, 3, 4]).events["orders"]
    made = side(5, [0, 1, 2, 3, 4], [4, 4, 4, 4, 4]).events["orders"]
    shares = rfm(real, made)
    assert shares[0].sum(axis=1).tolist() == pytest.approx([0.2] * 5)
    assert shares[1].sum(axis=1).tolist() == pytest.approx([1, 0, 0, 0, 0])


def week(customers: int, often: Callable[[int, int], float], seed: int) -> HistorySide:
    """Customers who have an event in an hour of the week (day, hour) with a chance."""
    rng = np.random.default_rng(seed)
    hours = [(day, hour) for day in range(7) for hour in range(24)]
    there = {one: np.flatnonzero(rng.random(customers) < often(*one)) for one in hours}
    who = np.concatenate(list(there.values())).tolist()
    return side(customers, who, [day + hour / 24 for (day, hour), found in there.items() for _ in found])


def test_hours_at_which_only_synthetic_customers_have_events_are_closed() -> None:
    def opened(day: int, hour: int) -> float:
        return 0.3 * (day < 5 and 8 <= hour < 20 and (day, hour) != (1, 12))

    real = week(100, opened, 0).events["orders"]
    made = week(100, lambda day, hour: 0.3 * (day < 6 and 8 <= hour < 20) + 0.002 * (hour < 8), 1).events["orders"]
    shut = closed(real, made)
    assert shut[1, 12]
    assert shut[5].all()
    assert shut.sum() == 25  # Saturday, and an hour of Tuesday; the few at night may be chance
    assert not closed(real, week(100, opened, 2).events["orders"]).any()
    assert not closed(side(1, [0], [0.5]).events["orders"], made).any()


def test_real_customers_have_no_event_at_a_closed_hour_of_others_however_few() -> None:
    def often(day: int, hour: int) -> float:  # weekends differ from other days, and hardly anything is at night
        return (0.2 if (day < 5) == (9 <= hour < 17) else 0.01) * (0.02 if hour < 6 else 1)

    for seed, customers in enumerate((3, 20, 100, 400)):
        sides = [week(many, often, seed + 10 * place) for place, many in enumerate((customers, 300))]
        assert not closed(*(one.events["orders"] for one in sides)).any()


def written(folder: Path, one: HistorySide) -> None:
    folder.mkdir()
    counted = pa.array([7] * one.customers.num_rows)  # as gans sample writes it; it is counted again
    pq.write_table(one.customers.append_column("orders", counted), folder / "customers.parquet")
    pq.write_table(one.logs["orders"].rename_columns(["customer", "order", "time", "amount", "channel"]),
                   folder / "orders.parquet")  # fmt: skip


@pytest.mark.usefixtures("few_trees")
def test_folders_are_judged_and_copied_customers_fail_loudly(command: Callable[..., Any], tmp_path: Path) -> None:
    for name, seed in (("real", 0), ("made", 1), ("test", 2)):
        written(tmp_path / name, shop(seed))
    done = command("evaluate", "real=real", "synthetic=made", "test=test", "metrics=fast", "out=judged")
    assert done.status == 0, done.err
    assert "HISTORIES" in done.out
    assert "histories: left out" not in done.out
    assert "history_rows: left out" not in done.out
    assert "All orders belong to a customer" in done.out
    assert "NOT PRIVATE" not in done.out
    page = (tmp_path / "judged" / "report.html").read_text()
    for title in (
        "Synthetic customers and their orders",
        "Customers by recency and frequency",
        "Who comes back",
        "Cohorts",
    ):
        assert title in page
    done = command("evaluate", "real=real", "synthetic=real", "test=test", "metrics=fast", "out=copies")
    assert done.status == 0
    assert "NOT PRIVATE: 100.00% of the rows equal a training row" in done.out
    for arguments, said in (
        (("real=real", "synthetic=nothing"), "synthetic=nothing: no such folder"),
        (("real=real", "synthetic=judged"), "synthetic=judged: it holds no log"),
        (("real=real", "synthetic=made", "draws=2"), "draws: for customers with their events allowed are"),
    ):
        done = command("evaluate", *arguments, "out=wrong")
        assert done.status == 2
        assert said in done.err
    pq.write_table(pq.read_table(tmp_path / "made" / "orders.parquet").drop_columns(["amount"]),
                   tmp_path / "made" / "orders.parquet")  # fmt: skip
    done = command("evaluate", "real=real", "synthetic=made", "out=wrong")
    assert done.status == 2
    assert "synthetic=made: orders: it lacks the column 'amount'" in done.err


def test_held_out_customers_stand_in_for_the_synthetic_ones() -> None:
    sides = {"real": shop(0), "synthetic": shop(1), "test": shop(2, 120)}
    rows = {name: one.aggregates() for name, one in sides.items()}
    tables = read_sides(detect(rows["real"]), **rows)
    tables.histories = sides
    found = evaluate(tables, "fast", only=["histories"])
    direct = scores_of(sides["real"], sides["test"], "orders")
    shrunk = tables.floor(0.5)
    for name in ("history_gaps", "history_rfm"):
        assert found.scores[f"{name}/orders"].real == pytest.approx(shrunk * direct[name])
    assert len(found.details["histories"]["orders"]["examples"]) > 3


def told(real: HistorySide, synthetic: HistorySide, test: HistorySide, only: Sequence[str]) -> Sentence:
    sides = {"real": real, "synthetic": synthetic, "test": test}
    rows = {name: one.aggregates() for name, one in sides.items()}
    tables = read_sides(detect(rows["real"]), **rows)
    tables.histories = sides
    return history_verdict(evaluate(tables, only=only))


def test_the_verdict_on_events_is_one_sentence_about_orders_and_membership() -> None:
    looked = ("histories", "membership")
    real, other, test = shop(0, 400), shop(1, 400), shop(2, 400)
    fresh, copied = told(real, other, test, looked), told(real, real, test, looked)
    assert re.search(r"^the orders are close to real ones in all \d+ respects; no attack tells better", fresh.text)
    assert fresh.tone == "good"
    assert copied.tone == "bad"
    assert "; NOT PRIVATE, an attack tells which customers were learned from: the worst has AUC 1.0" in copied.text
    assert "too few held-out customers" in told(real, other, test, looked[:1]).text
    late = HistorySide(real.customers, {"orders": real.logs["orders"].slice(0, real.logs["orders"].num_rows // 3)})
    off = told(real, late, test, looked[:1])
    assert re.search(r"in \d of \d+ respects, not in events per customer, ", off.text)
    assert off.tone != "good"
    assert all(one.text.count(".\n") == 0 and one.text.endswith(".") for one in (fresh, copied, off))


@pytest.mark.parametrize("days", [0, 1, 20, 200, 650, 900, 1200, 4000])
def test_timelines_of_any_length_have_their_dates(days: int) -> None:
    one = {"days": [0, days], "amounts": [1.0, -2.0], "events": [2]}
    figure = timelines({"examples": [one], "begin": "2022-01-03"})
    assert render(figure, "png").startswith(b"\x89PNG")
