"""Columns of a log that are told by the names that shops give them, and times that are numbers."""

import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from gans.data.customer_histories import Histories
from gans.data.customer_profiles import Profiles
from gans.data.events.column_names import find_columns, plain
from gans.errors import UserError

TEXT, NUMBER, WHOLE, DAY = "VARCHAR", "DOUBLE", "BIGINT", "DATE"


def test_words_of_names() -> None:
    for name in ("CustomerID", "customer_id", "Customer ID", "customer-id"):
        assert plain(name) == "customer id"
    assert plain("会员编号") == "会员编号"


@pytest.mark.parametrize(
    ("kind", "wanted", "columns", "found"),
    [
        (
            "orders",
            "customer time order quantity price amount",
            {"InvoiceNo": TEXT, "StockCode": TEXT, "Quantity": WHOLE, "InvoiceDate": TEXT, "UnitPrice": NUMBER,
             "CustomerID": NUMBER, "Country": TEXT},
            "CustomerID InvoiceDate InvoiceNo Quantity UnitPrice ",
        ),
        (
            "orders",
            "customer time order quantity price amount",
            {"order_id": TEXT, "customer_id": TEXT, "customer_unique_id": TEXT, "order_status": TEXT,
             "order_purchase_timestamp": TEXT, "order_delivered_customer_date": TEXT, "freight_value": NUMBER},
            "customer_unique_id order_purchase_timestamp order_id   ",
        ),
        (
            "orders",
            "customer time order quantity price amount",
            {"Kundennummer": TEXT, "Bestellnummer": WHOLE, "Bestelldatum": DAY, "Menge": WHOLE, "Betrag": NUMBER},
            "Kundennummer Bestelldatum Bestellnummer Menge  Betrag",
        ),
        (
            "orders",
            "customer time order quantity amount",
            {"会员编号": WHOLE, "下单时间": TEXT, "订单号": WHOLE, "金额": NUMBER, "数量": WHOLE, "城市": TEXT},
            "会员编号 下单时间 订单号 数量 金额",
        ),
        (
            "orders",
            "customer time quantity amount",
            {"customer_id": WHOLE, "date": WHOLE, "num_cds": WHOLE, "dollar_value": NUMBER},
            "customer_id date  dollar_value",
        ),
        ("orders", "customer time amount", {"Client": TEXT, "day": DAY, "sales_eur": NUMBER}, "Client day sales_eur"),
        ("orders", "customer time amount", {"Client": TEXT, "day": DAY, "price_usd": NUMBER}, "Client day "),
        ("orders", "customer time amount", {"Client ID": TEXT, "Txn Date": DAY, "Amount": TEXT}, "Client ID|Txn Date|"),
        ("views", "customer time session", {"visitorid": WHOLE, "timestamp": WHOLE}, "visitorid timestamp "),
        ("social", "customer time action", {"user": TEXT, "at": DAY, "event": TEXT}, "user at event"),
        ("social", "customer time", {"who": TEXT, "moment": DAY, "type": TEXT}, " moment"),
        ("social", "customer time", {"who": TEXT, "begin": DAY, "stop": DAY}, " "),
        ("customers", "customer since", {"id": WHOLE, "name": TEXT, "SignupDate": DAY}, "id SignupDate"),
    ],
)  # fmt: skip
def test_columns_are_told_by_their_names(kind: str, wanted: str, columns: dict[str, str], found: str) -> None:
    expected = found.split("|") if "|" in found else found.split(" ")
    pairs = {name: column for name, column in zip(wanted.split(), expected, strict=True) if column}
    assert find_columns(kind, wanted.split(), columns) == pairs


def orders(folder: Path, time: object, **columns: object) -> dict[str, str]:
    """A log of two customers with five orders."""
    log = pd.DataFrame({"user_id": [1, 1, 2, 2, 2], "date": time} | (columns or {"Total": [1.0, 2, 3, 4, 5]}))
    log.to_parquet(folder / "orders.parquet")
    return {"orders": str(folder / "orders.parquet")}


def test_what_was_told_is_said_and_may_be_overruled(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = orders(tmp_path, pd.date_range("2024-01-01", periods=5), Total=[1.0, 2, 3, 4, 5], net=[0.5, 1, 2, 2, 2])
    with caplog.at_level(logging.INFO, "gans"):
        profiles, _ = Profiles(**given).profiles()
    assert profiles["monetary"].to_pylist() == [3.0, 12.0]
    assert "orders: customer is user_id, time is date, amount is Total (data.columns.orders.NAME=COLUMN" in caplog.text
    profiles, _ = Profiles(**given, columns={"orders": {"amount": "net"}}).profiles()
    assert profiles["monetary"].to_pylist() == [1.5, 6.0]


def test_a_price_without_a_quantity_is_the_amount(tmp_path: Path) -> None:
    given = orders(tmp_path, pd.date_range("2024-01-01", periods=5), price=[1.0, 2, 3, 4, 5])
    assert Profiles(**given).profiles()[0]["monetary"].to_pylist() == [3.0, 12.0]
    with Histories(**given).opened() as found:
        assert [one.name for one in found.shapes[0].events.fields] == ["amount"]


DAYS = pd.to_datetime(
    ["2023-12-30 10:00", "2024-01-02 09:30", "2024-01-31 23:59", "2024-02-01 00:00", "2024-03-01 12:00"]
)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_since_1970(unit: str, tmp_path: Path) -> None:
    given = orders(tmp_path, DAYS.astype(f"datetime64[{unit}]").astype("int64"))
    with Histories(**given).opened() as found:
        assert found.connection.sql("select time from orders order by time").to_arrow_table()["time"].cast(
            pa.timestamp("s")
        ).to_pylist() == DAYS.to_pydatetime().tolist()  # fmt: skip


def test_dates_that_are_numbers(tmp_path: Path) -> None:
    given = orders(tmp_path, DAYS.strftime("%Y%m%d").astype(int))
    with Histories(**given).opened() as found:
        assert found.connection.sql("select max(time)::date::varchar from orders").fetchall() == [("2024-03-01",)]


@pytest.mark.parametrize(
    "time", [[20240101, 20240102, 20240103, 20240104, 20241399], [1, 2, 3, 4, 5], [0.5, 1, 2, 3, 4]]
)
def test_numbers_that_are_no_times(time: list[float], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.columns\.orders\.time: it holds (BIGINT|DOUBLE); a date or a time is"):
        Profiles(**orders(tmp_path, time)).profiles()
