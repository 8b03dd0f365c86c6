"""Events that are drawn: what the learned numbers may not break, whatever the generator says."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.data.base import Split
from gans.data.customer_histories import Histories, OpenHistories
from gans.data.customer_profiles import Profiles
from gans.data.events.chains import Chain
from gans.data.events.rules import days_to_opening, nearest_opening
from gans.data.events.weeks import WEEKDAYS
from gans.data.simulator import simulate, write_events
from gans.errors import UserError
from gans.histories.contexts import HOUR, LATER, SOON, WEEK, WEEKDAY, WEEKS, Known, soon, training_rows
from gans.histories.draw import KINDS, ChainSampler
from gans.histories.learn import chain_run, prepare_chain
from gans.histories.saved import SavedHistories
from gans.histories.shapes import read_shapes, write_shapes
from gans.histories.sides import real_side


class Anything(ChainSampler):
    """Draws children at random, without regard to what is known of them."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.opening, self.days_to_opening = chain, nearest_opening(chain), days_to_opening(chain)

    def next(self, known: Known, days: np.ndarray | None, seed: int, parents: np.ndarray) -> pa.Table:
        rows, place = len(parents), int(known.place[0])
        rng = np.random.default_rng((seed, place, rows))
        made: dict[str, Any] = {
            WEEKS: rng.integers(0, 30, rows),
            WEEKDAY: WEEKDAYS[rng.integers(0, 7, rows)],
            SOON: np.array([*map(str, range(WEEK)), LATER])[rng.integers(0, WEEK + 1, rows)],
            HOUR: rng.integers(0, 24, rows).astype(str),
        }
        values = {"number": rng.normal(0, 50, rows).round(2), "whole": rng.integers(-3, 9, rows)}
        values |= {"flag": rng.random(rows) < 0.5}
        for one in self.chain.learned:
            levels = np.array(one.levels or ("a", "b"))[rng.integers(0, len(one.levels or "ab"), rows)]
            column = values.get(one.form, levels)
            made[one.name] = pa.array(np.abs(column) if one.negative_if else column, KINDS[one.form])
        return pa.table(made)


def opened(folder: Path, **more: Any) -> tuple[OpenHistories, list[Any]]:
    files = {path.stem: str(path) for path in folder.glob("*.parquet")}
    with Histories(**(files | more)).opened() as found:
        _, logs = found.logs(np.arange(found.people.num_rows), 10**6, 10**6, 0)
    return found, logs


def drawn(found: OpenHistories, logs: list[Any], seed: int = 0) -> Any:
    """Events for the real customers, with chains that draw anything."""
    saved = object.__new__(SavedHistories)
    saved.shapes = [log.shape for log in logs]
    saved.chains = {
        chain.name: Anything(chain) for one in saved.shapes for chain in (one.events, one.lines) if chain is not None
    }
    most = {one.kind: int(found.people[one.kind].to_numpy().max()) for one in saved.shapes}
    return saved.histories(found.people, np.arange(found.people.num_rows), seed, most)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    write_events(folder, simulate(150, seed=3))
    return folder


@pytest.fixture(scope="module")
def result(shop: Path) -> tuple[OpenHistories, list[Any], Any]:
    found, logs = opened(shop)
    return found, logs, drawn(found, logs)


def test_days_hours_and_counts_keep_to_what_real_ones_have(result: tuple[OpenHistories, list[Any], Any]) -> None:
    found, logs, made = result
    for one in logs:
        kind, log = one.shape.kind, made.logs[one.shape.kind].to_pandas()
        assert made.customers[kind].equals(found.people[kind].cast(pa.int64()))
        of_event = ["customer", *([one.shape.key] if one.shape.key else ["time"])]
        events = log.groupby(of_event, as_index=False).agg(first=("time", "min"))
        hours = zip(events["first"].dt.day_of_week, events["first"].dt.hour, strict=True)
        assert set(hours) <= {(day, hour) for day, open_ in enumerate(one.shape.events.opening) for hour in open_}
        assert log["time"].max() < pd.Timestamp(one.shape.until) + pd.Timedelta(days=1)
        assert (events.groupby("customer")["first"].diff().dropna() >= pd.Timedelta(0)).all()
        since = found.people["since"].to_pandas().to_numpy()[log["customer"].to_numpy() - 1]
        assert one.shape.since == "since"
        assert not one.shape.early
        assert (log["time"] >= pd.to_datetime(since)).all()
    lines = made.logs["orders"].to_pandas()
    assert (lines["quantity"] * lines["amount"] >= 0).all()
    by_order = lines.groupby("order")["quantity"]
    assert (by_order.min() * by_order.max() >= 0).all()
    assert 0 < (by_order.min() < 0).mean() < 1


def test_profiles_of_the_events_agree_with_the_customers(
    result: tuple[OpenHistories, list[Any], Any], tmp_path: Path
) -> None:
    _, logs, made = result
    for name, table in made.logs.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    people = made.customers.to_pandas().set_index("customer")
    pq.write_table(made.customers.select(["customer", "city", "since"]), tmp_path / "customers.parquet")
    again, _ = opened(tmp_path, reference=f"{pd.Timestamp(logs[0].shape.until) + pd.Timedelta(days=1):%Y-%m-%d}")
    counts = again.people.to_pandas()
    counts.index = again.keys.to_pandas()
    for name in people.columns.intersection(counts.columns).difference(["city", "since"]):
        np.testing.assert_allclose(people[name], counts[name].reindex(people.index).fillna(0), atol=1e-4, err_msg=name)
    files = {path.stem: str(path) for path in tmp_path.glob("*.parquet")}
    profiles = Profiles(**files, reference="2025-01-01").profiles()[0].to_pandas().set_index("customer")
    profiles = profiles.reindex(people.index)
    np.testing.assert_array_equal(profiles["sessions"].fillna(0), people["views"])
    np.testing.assert_array_equal(profiles["likes"].fillna(0), people["social_action=like"])
    spent = made.logs["orders"].to_pandas()
    bought = spent[spent["quantity"] >= 0].query("amount >= 0").groupby("customer")["amount"].sum()
    np.testing.assert_allclose(profiles["monetary"].fillna(0), bought.reindex(people.index).fillna(0), atol=0.0051)
    latest = pd.Timestamp("2025-01-01") - pd.to_datetime(people["social_last"])
    pd.testing.assert_series_equal(profiles["social_recency_days"], latest.dt.days.astype(float), check_names=False)


def test_shapes_are_read_as_they_were_written(tmp_path: Path, result: tuple[OpenHistories, list[Any], Any]) -> None:
    shapes = [log.shape for log in result[1]]
    write_shapes(tmp_path / "histories.json", shapes)
    assert read_shapes(tmp_path / "histories.json") == shapes
    older = (tmp_path / "histories.json").read_text().replace('"negative_if"', '"sign"')
    (tmp_path / "histories.json").write_text(older)
    with pytest.raises(UserError, match="earlier version made this run; train it again"):
        read_shapes(tmp_path / "histories.json")


def test_days_within_a_week_are_told_and_closed_weekdays_passed_over() -> None:
    monday, chain = np.datetime64("2024-01-01", "D"), Chain("orders", (), timed=True)
    assert soon(monday + np.array([0, 6, 7, 40]), np.repeat(monday, 4)).to_pylist() == ["0", "6", LATER, LATER]
    weekdays_only = dataclasses.replace(chain, opening=((9,), (9,), (9,), (9, 10), (9,), (), ()))
    np.testing.assert_array_equal(days_to_opening(weekdays_only), [0, 0, 0, 0, 0, 2, 1])
    np.testing.assert_array_equal(days_to_opening(chain), np.zeros(7))


def log_of(rows: list[tuple[Any, ...]], names: str, folder: Path, kind: str = "orders") -> None:
    pq.write_table(pa.table(dict(zip(names.split(), zip(*rows, strict=True), strict=True))), folder / f"{kind}.parquet")


def test_events_of_one_time_and_ties_and_customers_without_events(tmp_path: Path) -> None:
    now = dt.datetime(2024, 5, 3, 12)
    log_of([(name, now, 5.0) for name in "aabccc"], "customer time amount", tmp_path)
    log_of([(name, 30 + place) for place, name in enumerate("abcde")], "customer age", tmp_path, "customers")
    found, logs = opened(tmp_path)
    assert found.people["orders"].to_pylist() == [2, 1, 3, 0, 0]
    made = drawn(found, logs)
    assert made.customers["orders"].to_pylist() == [2, 1, 3, 0, 0]
    assert made.customers["orders_first"].to_pylist() == [now.date()] * 3 + [None] * 2
    assert set(made.logs["orders"]["time"].to_pandas().dt.hour) == {12}
    nobody = found.people.slice(3, 2)
    found.people = nobody
    made = drawn(found, logs)
    assert made.logs["orders"].num_rows == 0
    assert made.customers["orders_amount"].to_pylist() == [0, 0]


def test_a_chain_knows_what_is_left(tmp_path: Path) -> None:
    days = [dt.datetime(2024, 1, day, 9 + day % 3) for day in (2, 5, 9, 10)]
    rows = [("a", day, amount) for day, amount in zip(days, (1.0, 2.5, -2.5, 4.0), strict=True)]
    log_of(rows, "customer time amount", tmp_path)
    found, logs = opened(tmp_path)
    table, known = training_rows(logs[0].events, found.people.select([]).append_column("none", pa.array([0])))
    assert table["left amount a child"].to_pylist() == [1.25, 1.333333, 0.75, 4.0]
    assert table["weeks left a child"].to_pylist() == [0.25, 0.333333, 0.5, 0.0]
    assert table["before amount"].to_pylist() == [None, 1.0, 2.5, -2.5]
    assert table["children left"].to_pylist() == [4, 3, 2, 1]
    assert table[WEEKS].to_pylist() == [0, 0, 1, 0]
    assert WEEKS not in known


def test_columns_of_a_log_may_have_the_names_of_what_is_counted(tmp_path: Path) -> None:
    rng, names = np.random.default_rng(0), ("event", "parent", "place", "key", "who", "gap", "count", "left", "it's")
    order = np.sort(rng.integers(0, 200, 400))
    log = pd.DataFrame({"customer": order % 50, "order": order, "amount": 1.0})
    log["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(order, unit="D")
    log = log.assign(**{name: rng.choice(["a", "b"], 400) for name in names})
    log.to_parquet(tmp_path / "orders.parquet")
    with Histories(orders=str(tmp_path / "orders.parquet")).opened() as found:
        places, logs = found.logs(np.arange(50), 10**6, 10**6, 0)
        pd.testing.assert_series_equal(
            logs[0].lines.table.to_pandas()[[*names]].eq("a").sum(), log[[*names]].eq("a").sum()
        )
        table, known = training_rows(logs[0].lines, found.people.take(pa.array(logs[0].events.parent)))
        assert set(names) <= set(table.column_names) - set(known)
        assert {f"orders {name} levels" for name in names} <= set(
            real_side(found, places, []).aggregates().column_names
        )


def test_a_chain_whose_children_are_all_alike_is_not_trained(tmp_path: Path) -> None:
    log_of([(who, dt.datetime(2024, 3, 3, 10), 5.0) for who in "aabcccdd"], "customer time amount", tmp_path)
    found, logs = opened(tmp_path)
    ready = prepare_chain(chain_run(compose(["+experiment=histories"])), logs[0].events, found.people)
    assert isinstance(ready, Split)
    assert {"time.weekday", "time.hour", "amount"} <= {
        one.name for one in ready.schema.columns if one.role == "constant"
    }
