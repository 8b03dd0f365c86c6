"""Profiles of events: features recomputed in pandas, dates, sources, and the mistakes of a user."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.data.customer_profiles import Profiles
from gans.data.simulator import simulate, write_events
from gans.errors import UserError

KINDS = ("orders", "views", "social", "customers")
LOOSE: dict[str, Any] = {"check_names": False, "check_dtype": False}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The events of 300 simulated customers."""
    folder = tmp_path_factory.mktemp("shop")
    write_events(folder, simulate(300, seed=3))
    return folder


@pytest.fixture(scope="module")
def whole(shop: Path) -> pd.DataFrame:
    """Their profiles, of all logs."""
    table, _ = Profiles(**{kind: str(shop / f"{kind}.parquet") for kind in KINDS}).profiles()
    return table.to_pandas().set_index("customer")


def test_orders_by_hand(shop: Path, whole: pd.DataFrame) -> None:
    lines = pd.read_parquet(shop / "orders.parquet")
    reference = pd.Timestamp("2025-01-01")
    bought = lines[lines["quantity"] > 0]
    orders = bought.groupby(["customer", "order"], as_index=False).agg(
        time=("time", "min"), value=("amount", "sum"), lines=("amount", "size"), items=("quantity", "sum")
    )
    by = orders.sort_values(["time", "order"]).groupby("customer")
    pd.testing.assert_series_equal(whole["frequency"], by.size().reindex(whole.index).fillna(0), **LOOSE)
    recency = (reference - by["time"].max().dt.normalize()).dt.days
    pd.testing.assert_series_equal(whole["recency_days"], recency.reindex(whole.index), **LOOSE)
    np.testing.assert_allclose(whole["monetary"], by["value"].sum().reindex(whole.index).fillna(0), atol=0.0051)
    np.testing.assert_allclose(whole["basket_lines"], by["lines"].mean().reindex(whole.index), atol=0.0051)
    np.testing.assert_allclose(whole["basket_items"], by["items"].mean().reindex(whole.index), atol=0.0051)
    gaps = orders.sort_values(["customer", "time", "order"])
    gaps["gap"] = gaps.groupby("customer")["time"].diff().dt.total_seconds() / 86_400
    np.testing.assert_allclose(
        whole["interval_days"], gaps.groupby("customer")["gap"].mean().reindex(whole.index), atol=0.0051
    )
    np.testing.assert_allclose(
        whole["interval_spread_days"], gaps.groupby("customer")["gap"].std().reindex(whole.index), atol=0.0051
    )
    evening = orders[orders["time"].dt.hour >= 18].groupby("customer").size()
    share = evening.reindex(by.size().index).fillna(0) / by.size()
    np.testing.assert_allclose(whole["evening_share"], share.reindex(whole.index), atol=6e-5)
    recent = orders[orders["time"] >= reference - pd.Timedelta(days=90)].groupby("customer")["value"].sum()
    np.testing.assert_allclose(whole["spend_90d"], recent.reindex(whole.index).fillna(0), atol=0.0051)
    garden = bought[bought["category"] == "garden"].groupby("customer")["amount"].sum()
    share = garden.reindex(by.size().index).fillna(0) / bought.groupby("customer")["amount"].sum()
    np.testing.assert_allclose(whole["category_garden"], share.reindex(whole.index), atol=6e-5)
    full = bought.groupby("customer")[["amount", "discount"]].sum()
    share = full["discount"] / full.sum(axis=1)
    np.testing.assert_allclose(whole["discount_share"], share.reindex(whole.index), atol=6e-5)
    sent = lines[lines["quantity"] < 0]
    np.testing.assert_allclose(
        whole["returned_value"], -sent.groupby("customer")["amount"].sum().reindex(whole.index).fillna(0), atol=0.0051
    )
    days = orders["time"].dt.day_name().str[:3]
    counts = pd.crosstab(orders["customer"], days)[["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]]
    assert (whole["favourite_weekday"].dropna() == counts.idxmax(axis=1).reindex(whole.index).dropna()).all()


def test_visits_and_social_by_hand(shop: Path, whole: pd.DataFrame) -> None:
    pages = pd.read_parquet(shop / "views.parquet")
    sessions = pages.groupby(["customer", "session"])["time"].agg(["min", "max", "size"])
    by = sessions.groupby("customer")
    np.testing.assert_array_equal(whole["sessions"], by.size().reindex(whole.index).fillna(0))
    np.testing.assert_allclose(whole["pages_per_session"], by["size"].mean().reindex(whole.index), atol=0.0051)
    minutes = (sessions["max"] - sessions["min"]).dt.total_seconds() / 60
    np.testing.assert_allclose(
        whole["session_minutes"], minutes.groupby("customer").mean().reindex(whole.index), atol=0.0051
    )
    np.testing.assert_allclose(
        whole["conversion"], whole["frequency"] / whole["sessions"].replace(0, np.nan), atol=6e-5
    )
    actions = pd.crosstab(*(pd.read_parquet(shop / "social.parquet")[name] for name in ("customer", "action")))
    actions = actions.reindex(whole.index).fillna(0)
    np.testing.assert_array_equal(whole["followers"], actions["follow"])
    np.testing.assert_array_equal(whole["likes"], actions["like"])
    np.testing.assert_allclose(whole["reply_rate"], actions["reply"] / actions["message"].replace(0, np.nan), atol=6e-5)


def test_attributes_and_quiet_customers(shop: Path, whole: pd.DataFrame) -> None:
    people = pd.read_parquet(shop / "customers.parquet").set_index("customer")
    assert (whole["city"] == people["city"]).all()
    assert (whole["tenure_days"] == (pd.Timestamp("2025-01-01") - pd.to_datetime(people["since"])).dt.days).all()
    quiet = whole[whole["frequency"] == 0]
    assert len(quiet) > 10
    assert quiet["recency_days"].isna().all()
    assert (quiet["monetary"] == 0).all()
    assert quiet["category_home"].isna().all()


def test_sessions_without_a_number_end_after_half_an_hour() -> None:
    start = dt.datetime(2024, 5, 1, 12)
    minutes = {"a": [0, 10, 39, 70], "b": [5]}
    rows = [(name, start + dt.timedelta(minutes=at)) for name, every in minutes.items() for at in every]
    found = of_rows("views", rows, ["customer", "time"])
    assert found["sessions"].tolist() == [2, 1]  # 39 to 70 is more than half an hour
    assert found["pages_per_session"].tolist() == [2, 1]
    assert found["session_minutes"].tolist() == [19.5, 0]


def of_rows(kind: str, rows: list[Any], names: list[str], **settings: Any) -> pd.DataFrame:
    """Profiles of a log that is written out."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), path)
        table, _ = Profiles(**({kind: str(path)} | settings)).profiles()
    return table.to_pandas().set_index("customer")


def test_reference_and_outcome(shop: Path) -> None:
    orders = str(shop / "orders.parquet")
    table, _ = Profiles(orders=orders, reference="2024-07-01", outcome=90).profiles()
    lines = pd.read_parquet(orders)
    before = lines[lines["time"] < "2024-07-01"]
    assert table["customer"].to_pylist() == sorted(before["customer"].unique())
    after = lines[(lines["time"] >= "2024-07-01") & (lines["time"] < "2024-09-29") & (lines["quantity"] > 0)]
    assert table["buys_next"].to_pylist() == [one in set(after["customer"]) for one in table["customer"].to_pylist()]
    spent = before[before["quantity"] > 0].groupby("customer")["amount"].sum()
    found = table.to_pandas().set_index("customer")["monetary"]
    np.testing.assert_allclose(found, spent.reindex(found.index).fillna(0), atol=0.0051)


def test_customers_who_came_later_are_not_there(shop: Path) -> None:
    people = pd.read_parquet(shop / "customers.parquet")
    settings = {kind: str(shop / f"{kind}.parquet") for kind in KINDS}
    table, _ = Profiles(**settings, reference="2024-07-01").profiles()
    came = people[pd.to_datetime(people["since"]) < "2024-07-01"]
    assert table["customer"].to_pylist() == came["customer"].tolist()
    assert min(table["tenure_days"].to_pylist()) >= 1


def test_returns_that_are_flagged_and_lines_without_a_quantity() -> None:
    day = dt.datetime(2024, 1, 1)
    rows = [("a", day, 10.0, 1, False), ("a", day, 20.0, 2, True), ("a", day, 30.0, 3, None)]
    found = of_rows("orders", rows, ["customer", "time", "amount", "order", "returned"]).loc["a"]
    assert (found["frequency"], found["monetary"], found["returns"], found["returned_value"]) == (2, 40, 1, 20)
    rows = [("a", day, 10.0, 1), ("a", day, 20.0, None), ("a", day, -5.0, -1)]
    found = of_rows("orders", rows, ["customer", "time", "amount", "quantity"]).loc["a"]
    assert (found["monetary"], found["returned_value"]) == (30, 5)


def test_dropped_events_move_nothing(tmp_path: Path) -> None:
    pq.write_table(log(), tmp_path / "orders.parquet")
    later = pa.table({"customer": [None, "x"], "time": ["2024-06-01"] * 2, "amount": [9.0, 9.0]})
    pq.write_table(pa.concat_tables([log(), later]), tmp_path / "more.parquet")
    pq.write_table(pa.table({"cid": ["a", "b"], "age": [30, 40]}), tmp_path / "people.parquet")
    people = {"customers": str(tmp_path / "people.parquet"), "columns": {"customers": {"customer": "cid"}}}
    expected, _ = Profiles(orders=str(tmp_path / "orders.parquet"), **people).profiles()
    found, _ = Profiles(orders=str(tmp_path / "more.parquet"), orphans="drop", **people).profiles()
    assert found.equals(expected)
    assert "cid" not in found.column_names  # a key under another name is not learned either


def test_the_outcome_is_within_the_orders(tmp_path: Path) -> None:
    pq.write_table(log(), tmp_path / "orders.parquet")
    pq.write_table(pa.table({"customer": ["a"], "time": ["2024-09-01"]}), tmp_path / "views.parquet")
    logs = {kind: str(tmp_path / f"{kind}.parquet") for kind in ("orders", "views")}
    with pytest.raises(UserError, match="the orders end on 2024-01-03"):
        Profiles(**logs, reference="2024-01-02", outcome=90).profiles()


def test_attributes_may_not_have_the_name_of_a_feature(tmp_path: Path) -> None:
    pq.write_table(log(), tmp_path / "orders.parquet")
    for name in ("buys_next", "Frequency", "tenure_days"):
        pq.write_table(pa.table({"customer": ["a", "b"], name: [1, 2]}), tmp_path / "people.parquet")
        with pytest.raises(UserError, match=f"its column '{name}' has the name of a feature"):
            Profiles(orders=str(tmp_path / "orders.parquet"), customers=str(tmp_path / "people.parquet")).profiles()


def test_a_blank_is_no_customer_and_a_missing_order_none(tmp_path: Path) -> None:
    pq.write_table(log(customer=["a", " ", "b"]), tmp_path / "orders.parquet")
    with pytest.raises(UserError, match="1 of 3 events have no customer"):
        Profiles(orders=str(tmp_path / "orders.parquet")).profiles()
    pq.write_table(log(order=["1", None, None]), tmp_path / "orders.parquet")
    with pytest.raises(UserError, match="2 of 3 events have no order"):
        Profiles(orders=str(tmp_path / "orders.parquet")).profiles()


def test_now_is_that_of_the_zone(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    for hours, fine in ((-1, True), (3, False)):
        time = pa.array([now + dt.timedelta(hours=hours)] * 3, pa.timestamp("us", "UTC"))
        pq.write_table(log(time=time), tmp_path / "orders.parquet")
        source = Profiles(orders=str(tmp_path / "orders.parquet"), zone="Asia/Tokyo" if fine else "America/Los_Angeles")
        if fine:
            assert source.profiles()[0].num_rows == 2
            continue
        with pytest.raises(UserError, match="in the future"):
            source.profiles()


def test_a_little_memory_gives_the_same(shop: Path, whole: pd.DataFrame) -> None:
    settings = {kind: str(shop / f"{kind}.parquet") for kind in KINDS}
    again, _ = Profiles(**settings, memory=0.1).profiles()
    pd.testing.assert_frame_equal(again.to_pandas().set_index("customer"), whole)


def test_csv_and_database_give_the_same(shop: Path, tmp_path: Path) -> None:
    table = pq.read_table(shop / "orders.parquet")
    expected, _ = Profiles(orders=str(shop / "orders.parquet")).profiles()
    pyarrow.csv.write_csv(table, tmp_path / "orders.csv")
    assert Profiles(orders=str(tmp_path / "orders.csv")).profiles()[0].equals(expected)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(f"create table sales as from '{shop / 'orders.parquet'}'")
    found, _ = Profiles(orders="sales", database=str(tmp_path / "shop.duckdb")).profiles()
    assert found.equals(expected)
    half = table.num_rows // 2
    pq.write_table(table.slice(0, half), tmp_path / "one.parquet")
    pq.write_table(table.slice(half), tmp_path / "two.parquet")
    assert Profiles(orders=str(tmp_path / "*.parquet")).profiles()[0].equals(expected)


def test_times_with_a_zone_are_read_there() -> None:
    rows = [("a", "2024-05-01 23:30:00+00:00", 2.0), ("a", "2024-05-03 10:00:00+02:00", 4.0)]
    utc = of_rows("orders", rows, ["customer", "time", "amount"])
    rome = of_rows("orders", rows, ["customer", "time", "amount"], zone="Europe/Rome")
    assert utc.loc["a", "evening_share"] == 0.5
    assert rome.loc["a", "evening_share"] == 0  # half past one
    assert rome.loc["a", "night_share"] == 0.5


def test_columns_of_any_name(command: Callable[..., Any]) -> None:
    Path("o.csv").write_text(
        "Client Id;When;Value;Cat\na;31/01/2024;10,5;O'Hara\na;01/02/2024;3,25;{x}\nb;01/02/2024;7,0;{x}\n"
    )
    found = command(
        "profiles",
        "data.orders=o.csv",
        "data.columns.orders.customer=Client Id",
        "data.columns.orders.time=When",
        "data.columns.orders.amount=Value",
        'data.columns.orders.category="Cat"',
        "data.windows=[]",
        "data.features.baskets.days=date_diff('day', max(time), {reference})",
        "out=p.parquet",
    )
    assert found.status == 0, found.err
    table = pq.read_table("p.parquet")
    assert table["monetary"].to_pylist() == [13.75, 7.0]
    assert table["category_o_hara"].to_pylist() == [0.7636, 0.0]
    assert table["days"].to_pylist() == [1, 1]
    assert "orders_30d" not in table.column_names


def test_own_features(shop: Path, whole: pd.DataFrame) -> None:
    run = compose(
        [
            "data=profiles",
            f"data.orders={shop}/orders.parquet",
            "data.features.lines.garden=sum(amount) filter (category = 'garden')",
            "data.features.baskets.largest=max(value)",
            "data.features.profile.a_day=monetary / nullif(tenure_days, 0)",
        ]
    )
    assert isinstance(run.data, Profiles)
    table, features = run.data.profiles()
    assert table.column_names[-3:] == ["garden", "largest", "a_day"]
    lines = pd.read_parquet(shop / "orders.parquet")
    garden = lines[lines["category"] == "garden"].groupby("customer")["amount"].sum()
    found = table.to_pandas().set_index("customer")
    np.testing.assert_allclose(found["garden"].dropna(), garden[garden.index.isin(found.index)].round(2))
    assert [one.name for one in features] == table.column_names[1:]


def test_every_feature_says_what_it_is(shop: Path) -> None:
    _, features = Profiles(**{kind: str(shop / f"{kind}.parquet") for kind in KINDS}).profiles()
    assert all(one.text and one.unit and one.missing for one in features)


def test_profiles_are_learned_without_their_keys(shop: Path) -> None:
    source = Profiles(orders=str(shop / "orders.parquet"), columns={"orders": {}})
    assert "customer" not in source.read().column_names


# ---- mistakes


def log(**changed: Any) -> pa.Table:
    columns = {
        "customer": ["a", "b", "a"],
        "time": ["2024-01-01", "2024-01-02", "2024-01-03"],
        "amount": [1.0, 2.0, 3.0],
    }
    return pa.table(columns | changed)


MISTAKES = [
    ({"customer": ["a", None, "a"]}, (), ("data.orders", "1 of 3 events have no customer", "data.orphans=drop")),
    ({"time": ["2024-01-01", "2093-01-02", "2024-01-03"]}, (), ("data.orders", "in the future", "2093-01-02")),
    (
        {"time": ["2024-01-01 10:00:00+02:00", "2024-01-02 10:00:00", "2024-01-03 10:00:00"]},
        (),
        ("data.columns.orders.time", "mixed time zones", "'2024-01-02 10:00:00' has none"),
    ),
    ({"time": ["2024-01-01", "soon", "2024-01-03"]}, (), ("data.columns.orders.time", "'soon' is not a time")),
    ({"time": ["2024-01-01", None, "2024-01-03"]}, (), ("1 of 3 events have no time",)),
    ({"time": [1, 2, 3]}, (), ("data.columns.orders.time", "BIGINT")),
    ({"amount": [1.0, float("inf"), 3.0]}, (), ("data.columns.orders.amount", "'inf' is not an amount")),
    ({"amount": [1.0, None, 3.0]}, (), ("1 of 3 events have no amount",)),
    ({}, ("data.columns.orders.customer=client",), ("data.columns.orders.customer=client", "client", "amount")),
    ({}, ("data.columns.orders.client=customer",), ("data.columns.orders.client", "allowed are customer")),
    ({}, ("data.columns.sales.client=customer",), ("data.columns.sales", "allowed are customers")),
    (
        {},
        ("data.features.lines.most=max(amout)",),
        ("data.features.lines.most=max(amout)", "amout", "columns customer"),
    ),
    ({}, ("data.features.lines.most=max(amount",), ("data.features.lines.most=max(amount",)),
    ({}, ("data.features.lines.most=amount",), ("data.features.lines.most=amount", "aggregate")),
    ({}, ("data.features.lines.most=1); drop table orders; select (1",), ("one expression", "without ';'")),
    ({}, ("data.features.lines.monetary=max(amount)",), ("data.features.lines.monetary", "already")),
    ({}, ("data.features.sessions.most=max(pages)",), ("data.features.sessions", "allowed are lines")),
    ({}, ("data.features.profile.most=monetry * 2",), ("data.features.profile.most", "monetry")),
    ({}, ("data.reference=2023-01-01",), ("data.reference=2023-01-01", "no customer has an event before it")),
    ({}, ("data.reference=soon",), ("data.reference=soon", "2024-01-31")),
    ({}, ("data.windows=[7,7]",), ("data.windows=[7, 7]", "7 is there twice")),
    ({}, ("data.views=nowhere/visits",), ("data.views=nowhere/visits", ".parquet", "tables of data.database")),
    ({}, ("data.outcome=30",), ("data.outcome=30", "data.reference=DATE")),
    ({}, ("data.reference=2024-01-02", "data.outcome=30"), ("data.outcome=30", "2024-01-03")),
    ({}, ("data.orphans=keep",), ("data.orphans=keep", "refuse, drop")),
    ({}, ("data.zone=Rome",), ("data.zone=Rome", "Europe/Rome")),
    ({}, ("data.views=visits.parquet",), ("data.views=visits.parquet", "no such file")),
    ({}, ("data.database=shop.duckdb",), ("data.database=shop.duckdb",)),
]


@pytest.mark.parametrize(("changed", "arguments", "said"), MISTAKES)
def test_one_message_for_a_mistake(
    command: Callable[..., Any], changed: dict[str, Any], arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    pq.write_table(log(**changed), "orders.parquet")
    found = command("profiles", "data.orders=orders.parquet", *arguments, "out=profiles.csv")
    assert found.status == 2
    assert found.err.count("\n") == 1, found.err
    assert found.err.startswith("error: ")
    for text in said:
        assert text in found.err
    assert not Path("profiles.csv").exists()


@pytest.mark.parametrize(("changed", "arguments", "said"), MISTAKES)
def test_a_training_on_histories_refuses_the_same(
    command: Callable[..., Any], changed: dict[str, Any], arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    pq.write_table(log(**changed), "orders.parquet")
    if "features" in str(arguments) or "data.outcome=30" in arguments:
        said = ("data.features" if "features" in str(arguments) else "data.outcome=30",)
    if arguments == ("data.windows=[7,7]",):
        said = ("data.windows",)
    usual = ("data=histories", "data.orders=orders.parquet", "condition=subsets", "tracker.mode=disabled")
    found = command("train", *usual, *arguments, "run_dir=run")
    assert (found.status, found.err.count("\n")) == (2, 1), found.err
    assert found.err.startswith("error: ")
    for text in said:
        assert text in found.err
    assert {path.name for path in Path().iterdir()} == {"orders.parquet"}


def test_mistakes_of_two_tables(command: Callable[..., Any]) -> None:
    pq.write_table(log(), "orders.parquet")
    pq.write_table(pa.table({"customer": ["a", "a", "b"], "age": [1, 2, 3]}), "customers.parquet")
    found = command("profiles", "data.orders=orders.parquet", "data.customers=customers.parquet", "out=p.csv")
    assert (found.status, "the key 'a' occurs 2 times" in found.err) == (2, True)
    pq.write_table(pa.table({"customer": ["a"], "age": [1]}), "customers.parquet")
    found = command("profiles", "data.orders=orders.parquet", "data.customers=customers.parquet", "out=p.csv")
    assert (found.status, "1 events are of customers that data.customers lacks, such as 'b'" in found.err) == (2, True)
    kept = ("data.orphans=drop", "data.customers=customers.parquet", "out=p.csv")
    assert command("profiles", "data.orders=orders.parquet", *kept).status == 0
    pq.write_table(pa.table({"customer": [1, 2], "age": [1, 2]}), "customers.parquet")
    found = command("profiles", "data.orders=orders.parquet", "data.customers=customers.parquet", "out=p2.csv")
    assert (found.status, "the key of a customer is text in one log" in found.err) == (2, True)
    pq.write_table(log().slice(0, 0), "empty.parquet")
    found = command("profiles", "data.orders=empty.parquet", "out=p2.csv")
    assert (found.status, "the log is empty" in found.err) == (2, True)
    zoned = pa.array([dt.datetime(2024, 1, 1)] * 3, pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"customer": ["a", "b", "a"], "time": zoned}), "views.parquet")
    pq.write_table(log(time=[dt.datetime(2024, 1, 1)] * 3), "orders.parquet")
    found = command("profiles", "data.orders=orders.parquet", "data.views=views.parquet", "out=p2.csv")
    assert (found.status, "mixed time zones" in found.err) == (2, True)
    assert not Path("p2.csv").exists()


def test_a_training_on_profiles_refuses_the_same(command: Callable[..., Any]) -> None:
    pq.write_table(log(customer=["a", None, "a"]), "orders.parquet")
    found = command("train", "data=profiles", "data.orders=orders.parquet", "+debug=limit")
    assert (found.status, "have no customer" in found.err) == (2, True)
    assert not Path("runs").exists()
    found = command("train", "data=profiles", "+debug=limit")
    assert (found.status, "data.orders is not set" in found.err) == (2, True)


def test_unknown_values_raise_before_anything_is_read() -> None:
    with pytest.raises(UserError, match=r"data\.windows=0"):
        Profiles(orders="x.parquet", windows=[0])
