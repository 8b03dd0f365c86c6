"""Numbers below 0, as those of what is returned: a flag says which, and their sizes are learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gans.data.customer_histories import Histories
from gans.data.events.chains import NEGATIVE, Chain, Field, Shape
from gans.data.events.rules import signed
from gans.errors import UserError
from gans.histories.contexts import training_rows
from gans.histories.sides import real_side
from gans.histories.where import Rules


def log_of(folder: Path, mixed: bool = False, **columns: Any) -> str:
    """Orders of 40 customers; every fifth is a return, or one of its lines is, where they are mixed."""
    rng = np.random.default_rng(0)
    order = np.repeat(np.arange(200), 2)
    returned = (order % 5 == 0) & (~mixed | (np.arange(400) % 2 == 0))
    frame = pd.DataFrame({"customer": order % 40, "order": order})
    frame["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(order, unit="D")
    frame["quantity"] = np.where(returned, -1, 1) * rng.integers(1, 4, 400)
    frame["amount"] = frame["quantity"] * rng.uniform(1, 9, 400).round(2)
    frame["fee"] = np.where(returned, 0.0, rng.uniform(0, 2, 400).round(2))
    frame["balance"] = rng.normal(0, 9, 400).round(2)
    frame.assign(**columns).to_parquet(folder / "orders.parquet")
    return str(folder / "orders.parquet")


def shape_of(orders: str) -> Shape:
    with Histories(orders=orders).opened() as found:
        return found.shapes[0]


def flags(chain: Chain | None) -> dict[str, str]:
    assert chain is not None
    return {one.name: one.negative_if for one in chain.fields if one.negative_if}


def test_a_return_of_a_whole_order_is_said_by_the_order(tmp_path: Path) -> None:
    shape = shape_of(log_of(tmp_path))
    assert NEGATIVE in shape.of_event
    assert flags(shape.events) == {"quantity": NEGATIVE, "amount": NEGATIVE}
    assert flags(shape.lines) == {"quantity": f"event {NEGATIVE}", "amount": f"event {NEGATIVE}"}
    assert shape.said() == "orders: of a line amount, quantity, fee, balance; below 0 together amount, quantity"


def test_a_return_within_an_order_is_said_by_its_line(tmp_path: Path) -> None:
    shape = shape_of(log_of(tmp_path, mixed=True))
    assert NEGATIVE not in shape.of_event
    assert flags(shape.events) == {}
    assert flags(shape.lines) == {"quantity": NEGATIVE, "amount": NEGATIVE}


def test_a_column_of_the_order_has_no_flag_of_its_lines(tmp_path: Path) -> None:
    order = np.repeat(np.arange(200), 2)
    deposit = np.where(order % 5 == 0, 0, np.where(order % 5 == 1, -3.0, 3.0))  # below 0 with the whole order only
    quantity = np.where((order % 5 == 0) & (np.arange(400) % 2 == 0) | (order % 5 == 1), -1, 2)
    shape = shape_of(log_of(tmp_path, deposit=deposit, quantity=quantity))
    assert "deposit" in shape.of_event
    assert NEGATIVE not in shape.of_event
    assert flags(shape.events) == {}
    assert set(flags(shape.lines).values()) == {NEGATIVE}


def test_rows_of_one_sign_need_no_flag(tmp_path: Path) -> None:
    orders = log_of(tmp_path, quantity=1, amount=2.5, balance=-1.0)
    assert NEGATIVE not in shape_of(orders).of_event
    assert flags(shape_of(orders).lines) == {}


def test_sizes_are_learned_and_signs_are_what_is_left(tmp_path: Path) -> None:
    with Histories(orders=log_of(tmp_path)).opened() as found:
        places, (log,) = found.logs(np.arange(40), 10**6, 10**6, 0)
        rows, context = training_rows(log.events, found.people)
        assert (rows["amount"].to_numpy() > 0).all()
        net = pd.Series(rows["left amount a child"].to_numpy() * rows["children left"].to_numpy())
        np.testing.assert_allclose(net[rows["children left"].to_numpy() == 5], found.people["orders_amount"], atol=1e-4)
        assert sum(rows[NEGATIVE].to_pylist()) == 40
        assert f"left {NEGATIVE} a child" in context
        customers = real_side(found, places, [])
    assert NEGATIVE not in customers.logs["orders"].column_names


def test_no_customer_is_asked_for_what_no_log_says(tmp_path: Path) -> None:
    data = Histories(orders=log_of(tmp_path))
    split = data.split()
    assert f"orders_{NEGATIVE}" in [column.name for column in split.schema.features]
    with pytest.raises(UserError, match=f"orders_{NEGATIVE}"), data.opened() as found:
        Rules(f"`orders_{NEGATIVE}` > 1", split.schema, found.shapes)


def test_sizes_are_below_0_where_the_flag_says_so() -> None:
    chain = Chain(
        "orders", (Field("quantity", "whole", negative_if="mine"), Field("amount", "number", negative_if="of"))
    )
    made = pa.table({"mine": [True, False, True], "quantity": [1, 2, 3], "amount": [5.0, 4.0, None]})
    found = signed(made, chain, pa.table({"of": [False, True, True]}))
    assert found["quantity"].to_pylist() == [-1, 2, -3]
    assert found["amount"].to_pylist() == [5.0, -4.0, None]


def test_a_rare_value_of_anybody_is_none_of_a_customer(tmp_path: Path) -> None:
    order = np.repeat(np.arange(200), 2)
    gift = order == 7
    country = np.where(order % 40 == 3, "France", "Spain")
    shape = shape_of(log_of(tmp_path, gift=gift, country=country))
    assert [one.name for one in shape.people] == ["country"]
    assert "gift" in shape.of_event
