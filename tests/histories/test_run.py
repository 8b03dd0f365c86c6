"""A run of histories, end to end: trained, resumed, drawn from."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

import gans
from gans.data.simulator import simulate

TINY = ("network.latent=8", "network.generator_widths=[16]", "network.discriminator_widths=[16]", "condition=subsets")


def test_mistakes_before_anything_is_written(command: Callable[..., Any]) -> None:
    chunk = next(simulate(30, 1))
    pq.write_table(chunk["orders"], "orders.parquet")
    histories = ("train", "data=histories", "data.orders=orders.parquet", "tracker.mode=disabled", "run_dir=run")
    for arguments, said in (
        (("condition=subsets", "trainer.seeds=2"), "trainer.seeds=2: data=histories does not take it"),
        (("data.events=10",), "data.events=10"),
        (("data.outcome=90", "data.reference=2024-01-01"), "data.outcome=90: data=histories takes the events"),
        (("transfer.run=other",), "transfer.run=other: data=histories does not take it"),
    ):
        found = command(*histories, *arguments)
        assert (found.status, found.err.count("error: ")) == (2, 1), found.err
        assert said in found.err
        assert not Path("run").exists()


@pytest.mark.slow
def test_train_resume_and_draw(command: Callable[..., Any]) -> None:
    chunk = next(simulate(60, 1))
    pq.write_table(chunk["social"], "social.parquet")
    pq.write_table(chunk["customers"], "customers.parquet")
    logs = ("data.social=social.parquet", "data.customers=customers.parquet")
    trained = command("train", "data=histories", *logs, "+debug=limit", *TINY, "run_dir=run")
    assert trained.status == 0, trained.err
    assert "gans sample run=run n=1000 out=customers-and-events" in trained.err
    assert trained.err.count("verdict on events: the social events are ") == 1, trained.err
    assert {path.name for path in Path("run").iterdir()} >= {"config.yaml", "summary.json", "customers", "social"}

    resumed = command("train", "run_dir=run", "trainer.resume=true")
    assert (resumed.status, resumed.err.count("completed before")) == (0, 2), resumed.err

    drawn = command("sample", "run=run", "n=50", "out=all", "seed=3")
    assert drawn.status == 0, drawn.err
    assert f"50 customers, {len(pd.read_parquet('all/social.parquet')):,} rows of social: " in drawn.err
    assert command("sample", "run=run", "n=50", "out=part", "seed=3", "part=2/2").status == 0
    people, log = (pd.read_parquet(f"all/{name}.parquet") for name in ("customers", "social"))
    again, later = (pd.read_parquet(f"part/{name}.parquet") for name in ("customers", "social"))
    pd.testing.assert_frame_equal(people[25:].reset_index(drop=True), again)
    pd.testing.assert_frame_equal(log[log["customer"] > 25].reset_index(drop=True), later)
    assert set(log["customer"]) <= set(people["customer"])
    assert (log.groupby("customer").size().reindex(people["customer"]).fillna(0) == people["social"].to_numpy()).all()

    assert (
        command("sample", "run=run", "n=20", "out=some", "where=social >= 1 and social_first >= '2022-06-01'").status
        == 0
    )
    some = pd.read_parquet("some/customers.parquet")
    assert (len(some), some["social"].min() >= 1) == (20, True)
    assert pd.to_datetime(some["social_first"]).min() >= pd.Timestamp("2022-06-01")

    chunk["customers"].slice(0, 5).to_pandas().assign(customer=list("abcde")).to_csv("given.csv", index=False)
    assert command("sample", "run=run", "customers=given.csv", "out=given").status == 0
    given = pd.read_parquet("given/customers.parquet")
    assert given["customer"].tolist() == list("abcde")
    assert set(pd.read_parquet("given/social.parquet")["customer"]) <= set("abcde")

    for arguments, said in (
        (("sample", "run=run", "n=5", "out=all"), "it is not empty"),
        (("evaluate", "run=run", "test=given.csv", "out=other"), "test=given.csv: no such folder"),
        (("evaluate", "run=run", "synthetic=run", "out=other"), "synthetic=run: it holds no log"),
        (("sample", "run=run", "n=5", "out=other", "where=order >= 3"), "column 'order' is not in the table"),
        (("sample", "run=run", "n=5", "out=other", "refine=false"), "refine: run=run is a run of histories"),
        (("sample", "run=run", "customers=social.parquet", "out=other"), "it has none of the columns"),
        (("events", "run=run", "n=5", "out=other", "reference=2024-01-01"), "has learned its events"),
        (("personas", "run=run"), "run=run: it is a run of histories"),
    ):
        found = command(*arguments)
        assert (found.status, found.err.count("error: ")) == (2, 1), found.err
        assert said in found.err, found.err
        assert not Path("other").exists()
    loaded = gans.load("run")
    judged = loaded.evaluate(metrics="fast")
    assert {"history_counts/social", "exact_copies"} <= set(judged.scores.index)
    assert loaded.report().path == Path("run/report.html")
    assert pickle.loads(pickle.dumps(loaded)).sample(50, seed=3)["social"].equals(loaded.sample(50, seed=3)["social"])
    loaded.save_pretrained("layout")
    assert "gans.load(" in Path("layout/README.md").read_text()
    assert gans.load("layout").events(50, seed=3)["social"]["action"].tolist() == log["action"].tolist()

    people = pd.read_csv("given.csv")
    dates = {"social_first": ["2024-05-01"] * 5, "social_last": ["2024-04-01"] * 5}
    for columns, said in (
        ({"city": ["Rome"] * 5}, "column 'city' holds 'Rome', which no training row has"),
        ({"age": ["old"] * 5}, "column 'age' holds string; the run has int64 there"),
        ({"customer": ["a"] * 5}, "4 keys of customers occur twice"),
        ({"social_action=like": [2] * 5}, "column 'social_action=like' needs 'social' beside it"),
        ({"social": [-3] * 5}, "column 'social' holds -3; the training customers have 0 to "),
        ({"social_first": dates["social_first"]}, "it has social_first alone; give social_first and social_last"),
        (dates, "social_first is 2024-05-01, after social_last, which is 2024-04-01"),
        (dates | {"social_last": ["2093-01-01"] * 5}, "column 'social_last' holds 2093-01-01; the events end on "),
    ):
        people.assign(**columns).to_csv("wrong.csv", index=False)
        found = command("sample", "run=run", "customers=wrong.csv", "out=other")
        assert (found.status, found.err.count("error: ")) == (2, 1), found.err
        assert f"customers=wrong.csv: {said}" in found.err
        assert not Path("other").exists()


@pytest.mark.slow
def test_events_that_are_all_alike(command: Callable[..., Any]) -> None:
    who = [customer for customer in range(40) for _ in range(1 + customer % 5)]
    log = {"customer": who, "time": pd.Timestamp("2024-03-03 10:00"), "amount": 5.0}
    pd.DataFrame(log).to_parquet("orders.parquet")
    trained = command("train", "data=histories", "data.orders=orders.parquet", "+debug=limit", *TINY, "run_dir=run")
    assert trained.status == 0, trained.err
    assert command("sample", "run=run", "n=30", "out=drawn").status == 0
    drawn = pd.read_parquet("drawn/orders.parquet")
    assert (drawn["time"] == log["time"]).all()
    assert (drawn["amount"] == 5.0).all()
