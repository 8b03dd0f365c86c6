"""The simulator of a shop: seeded, and of the causes that it states."""

import datetime as dt
from pathlib import Path

import pandas as pd

from gans.data.simulator import simulate, write_events

KINDS = ("orders", "views", "social", "customers")


def test_the_simulator_is_seeded_and_grows_by_chunks() -> None:
    one, two, other = (next(simulate(50, seed)) for seed in (0, 0, 1))
    assert all(one[kind].equals(two[kind]) for kind in KINDS)
    assert not one["orders"].equals(other["orders"])
    assert max(one["orders"]["time"].to_pylist()) < dt.datetime(2025, 1, 1)


def test_what_the_simulator_says_is_so(tmp_path: Path) -> None:
    write_events(tmp_path, simulate(4000, seed=1))
    lines = pd.read_parquet(tmp_path / "orders.parquet")
    people = pd.read_parquet(tmp_path / "customers.parquet")
    bought = lines[lines["quantity"] > 0].merge(people, on="customer")
    back = lines[lines["quantity"] < 0]["category"].value_counts() / bought["category"].value_counts()
    assert back["fashion"] > 0.2
    assert back.drop("fashion").max() < 0.07
    assert (
        bought[bought["category"] == "garden"]["age"].mean() > bought[bought["category"] == "sport"]["age"].mean() + 5
    )
    for kind in ("orders", "views", "social"):
        events = pd.read_parquet(tmp_path / f"{kind}.parquet").merge(people, on="customer")
        assert (events["time"] >= pd.to_datetime(events["since"])).all(), kind
    shop = bought[bought["channel"] == "shop"]
    assert not (shop["time"].dt.day_of_week == 6).any()
