"""Event histories keep to the profiles that they are made for, where the model says that they do."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.customer_profiles import Profiles
from gans.data.histories import histories, kept, verdict
from gans.data.simulator import simulate, write_events

KINDS = ("orders", "views", "social", "customers")
EXACT = (
    "recency_days", "frequency", "monetary", "basket_items", "basket_lines", "returns", "returned_value", "sessions",
    "session_recency_days", "pages_per_session", "followers", "likes", "posts", "messages", "orders_30d", "spend_90d",
    "sessions_90d", "interactions_365d", "evening_share", "tenure_days", "age", "city", "discount_share",
)  # fmt: skip


def profiled(folder: Path, **settings: str) -> pa.Table:
    return Profiles(**{kind: str(folder / f"{kind}.parquet") for kind in KINDS}, **settings).profiles()[0]  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Profiles of 400 simulated customers."""
    folder = tmp_path_factory.mktemp("shop")
    write_events(folder, simulate(400, seed=5))
    return profiled(folder).drop_columns(["customer"])


def test_profiles_of_histories_are_those_asked_for(asked: pa.Table, tmp_path: Path) -> None:
    made = histories(asked, np.datetime64("2025-01-01"), [30, 90, 365], seed=1)
    for kind, table in made.items():
        pq.write_table(table, tmp_path / f"{kind}.parquet")
    found = kept(asked, profiled(tmp_path, reference="2025-01-01"))
    wrong = {name: found[name] for name in EXACT if verdict(found[name]) != "kept"}
    assert not wrong
    assert all(found[name]["equal"] == 1 for name in ("frequency", "recency_days", "sessions", "likes", "city"))
    for name in ("category_home", "channel_web", "weekend_share"):
        assert found[name]["correlation"] > 0.8
    assert verdict(found["favourite_weekday"]) == "not kept"  # not modelled, and said so


def test_events_lie_before_the_reference_date_and_within_the_time_with_the_shop(asked: pa.Table) -> None:
    made = histories(asked, np.datetime64("2025-01-01"), [30, 90, 365])
    since = dict(zip(*(made["customers"][name].to_pylist() for name in ("customer", "since")), strict=True))
    for kind in ("orders", "views", "social"):
        frame = made[kind].to_pandas()
        assert (frame["time"] < "2025-01-01").all()
        first = frame.groupby("customer")["time"].min().dt.date
        assert all(day >= since[customer] for customer, day in first.items())
    again = histories(asked, np.datetime64("2025-01-01"), [30, 90, 365])
    assert all(made[kind].equals(again[kind]) for kind in made)


def test_profiles_that_contradict_themselves_still_give_events() -> None:
    odd = pa.table(
        {
            "frequency": [0, 1, 5, 3],
            "recency_days": pa.array([None, 10, 400, 1], pa.int64()),
            "monetary": [50.0, 0.0, 100.0, -3.0],
            "interval_days": pa.array([None, None, 900.0, 0.0]),
            "orders_30d": [4, 0, 5, 9],
            "spend_30d": [10.0, 5.0, 500.0, 0.0],
            "tenure_days": [30, 5, 100, 2],
        }
    )
    made = histories(odd, np.datetime64("2025-01-01"), [30])
    orders = made["orders"].to_pandas()
    assert orders.groupby("customer")["order"].nunique().to_dict() == {2: 1, 3: 5, 4: 3}
    assert (orders["amount"] >= 0).all()


def test_what_is_kept() -> None:
    asked = pa.table({"n": [1.0, 2.0, 3.0, None], "word": ["a", "b", "c", "d"]})
    made = pa.table({"n": [1.0, 2.0, 30.0, None], "word": ["a", "b", "c", "x"]})
    found = kept(asked, made)
    assert found["n"]["equal"] == found["word"]["equal"] == 0.75
    assert found["n"]["correlation"] == 1
    assert verdict(found["n"]) == verdict(found["word"]) == "nearly kept"
    assert verdict({"equal": 0.5, "correlation": 0.5}) == "not kept"
