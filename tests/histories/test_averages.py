"""Sums of events as averages: which are learned so, and counts of levels that add up again."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.customer_histories import Histories
from gans.data.events.chains import Chain, Field
from gans.data.simulator import simulate, write_events
from gans.histories.averages import settled, with_averages, with_counts
from gans.histories.learn import chain_run, prepare_chain
from gans.runs.prepare import Prepared


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    write_events(folder, simulate(150, seed=3))
    return folder


def relations(shop: Path, *overrides: str) -> list[str]:
    logs = [f"data.{name}={shop}/{name}.parquet" for name in ("orders", "social", "customers")]
    run = compose(["+experiment=histories", *logs, *overrides])
    assert isinstance(run.data, Histories)
    with run.data.opened() as histories:
        return with_averages(run, histories.people, histories.shapes).data.relations


def test_sums_of_customers_are_learned_by_order_and_by_line(shop: Path) -> None:
    found = relations(shop)
    assert found[0] == "auto"
    assert {
        "orders_lines / orders",
        "`orders_channel=web` / orders",
        "orders_amount / orders_lines",
        "`orders_category=home` / orders_lines",
        "`social_action=like` / social",
    } <= set(found)
    declared = relations(shop, "data.relations=[auto,'orders <= orders_lines']")
    assert [one for one in found if one != "orders_lines / orders"] == [*declared[:1], *declared[2:]]
    assert declared[1] == "orders <= orders_lines"


def test_sums_of_lines_are_fields_of_events_learned_by_line(shop: Path) -> None:
    run = compose(["+experiment=histories", f"data.orders={shop}/orders.parquet"])
    assert isinstance(run.data, Histories)
    with run.data.opened() as histories:
        (shape,) = histories.shapes
    counts = {one.name: one.count for one in shape.events.fields}
    assert (counts["amount"], counts["quantity"]) == ("lines", "lines")
    assert (counts["lines"], counts["category=home"], counts["channel"]) == ("", "", "")
    assert shape.lines is not None
    assert {one.name: one.always for one in shape.lines.fields}["category"]


def test_counts_of_levels_add_up_to_the_children() -> None:
    chain = Chain("orders", (Field("channel", "level", ("app", "web", "shop"), always=True), Field("amount", "number")))
    rng = np.random.default_rng(0)
    count = rng.integers(0, 20, 500)
    drawn = {f"channel={level}": rng.integers(0, 20, 500).astype(float) for level in ("app", "web", "shop")}
    drawn |= {"amount": rng.random(500)}
    found = settled(drawn, chain, count)
    counts, before = (np.stack([one[f"channel={n}"] for n in ("app", "web", "shop")]) for one in (found, drawn))
    np.testing.assert_array_equal(counts.sum(axis=0), count)
    assert (counts == np.floor(counts)).all()
    there = before.sum(axis=0) > 0
    assert (abs(counts - count * before / before.sum(axis=0).clip(1))[:, there] < 1).all()
    np.testing.assert_array_equal(found["amount"], drawn["amount"])
    right = {f"channel={level}": np.array([2.0]) for level in ("app", "web", "shop")} | {"amount": np.ones(1)}
    assert settled(right, chain, np.array([6])) == right
    some = Chain("orders", (Field("channel", "level", ("app", "web"), always=False),))
    assert settled(drawn, some, count) == drawn


def test_a_column_with_gaps_has_not_always_one_of_its_levels(tmp_path: Path) -> None:
    rows = [f"{row % 9},2024-01-{1 + row % 28:02},{('web', 'app', '')[row % 3]},{row}" for row in range(60)]
    (tmp_path / "orders.csv").write_text("\n".join(["customer,time,channel,amount", *rows]))
    with Histories(orders=str(tmp_path / "orders.csv")).opened() as histories:
        fields = {one.name: one for one in histories.shapes[0].events.fields}
    assert (fields["channel"].levels, fields["channel"].always) == (("app", "web"), False)


def test_counts_of_an_event_add_up_to_its_lines() -> None:
    chain = Chain("orders", (), adding_up=(("category=a", "category=b"),))
    events = pa.table(
        {"lines": [3, 1, 2, 1], "category=a": [2, 1, 4, 0], "amount": [1.0] * 4, "category=b": [1, 1, 0, 0]}
    )
    found = with_counts(events, chain)
    assert found["category=a"].to_pylist() == [2, 1, 2, 1]
    assert found["category=b"].to_pylist() == [1, 0, 0, 0]
    assert found.schema == events.schema
    assert found["lines"].to_pylist() == [3, 1, 2, 1]


def test_the_number_of_lines_is_learned_by_itself(shop: Path) -> None:
    ready = prepared(shop)
    building = ready["orders"].codec.relations.building
    assert {"amount", "quantity"} <= set(building)
    assert not {"lines", "category=home"} & set(building)
    assert "lines" in [fitted.column.name for fitted in ready["orders"].codec.columns]


def test_levels_that_never_occur_together_are_never_drawn_together(shop: Path) -> None:
    ready = prepared(shop)["orders_lines"]
    names, levels = ready.codec.code_names()
    found = {
        (names[i], str(levels[i][x]), names[j], str(levels[j][y])) for i, x, j, y in ready.codec.exclusions.tolist()
    }
    assert ("left category=fashion a child", "0.0", "category", "fashion") in found
    context = ready.run.condition.columns
    assert all(not {first, second} <= set(context) for first, _, second, _ in found)


def prepared(shop: Path) -> dict[str, Prepared]:
    """The chains of orders and of lines, ready to be trained."""
    run = compose(["+experiment=histories", f"data.orders={shop}/orders.parquet"])
    assert isinstance(run.data, Histories)
    with run.data.opened() as histories:
        _, (log,) = histories.logs(np.arange(histories.people.num_rows), 10**6, 10**6, 0)
        parents, out = histories.people, {}
        for children in (log.events, log.lines):
            assert children is not None
            ready = prepare_chain(chain_run(run), children, parents)
            assert isinstance(ready, Prepared)
            out[children.chain.name] = ready
            parents = parents.take(pa.array(log.events.parent))
    return out
