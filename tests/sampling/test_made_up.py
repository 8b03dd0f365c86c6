"""Made-up columns in sampled tables: their place, their types, and that parts fit each other."""

import pyarrow as pa

from gans.data.schema import Column, Schema
from gans.sampling.sampler import with_made_up


def fake(kind: str, key: str = "") -> dict:
    return {"kind": kind, "locale": "en_US", "levels": 0, "missing": 0.0, "key": key}


SCHEMA = Schema(
    [
        Column(name="id", kind="id", type="int64", role="dropped"),
        Column(name="email", kind="id", type="string", role="faked", fake=fake("email")),
        Column(name="plan", kind="category", type="string"),
        Column(name="phone", kind="integer", type="int64", role="faked", fake=fake("phone", "plan")),
    ]
)
PLANS = pa.table({"plan": ["basic", "gold", "basic", "plus", "gold", "basic"]})


def test_columns_stand_where_they_stood_with_their_types() -> None:
    table = with_made_up(PLANS, SCHEMA, 0, 0)
    assert table.schema.names == ["email", "plan", "phone"]
    assert [str(kind) for kind in table.schema.types] == ["string", "string", "int64"]
    assert table["plan"].equals(PLANS["plan"])


def test_rows_are_the_same_however_they_are_cut() -> None:
    whole = with_made_up(PLANS, SCHEMA, 7, 0)
    parts = [with_made_up(PLANS.slice(first, 2), SCHEMA, 7, first) for first in (0, 2, 4)]
    assert pa.concat_tables(parts).to_pydict() == whole.to_pydict()
    assert with_made_up(PLANS, SCHEMA, 8, 0)["email"].to_pylist() != whole["email"].to_pylist()


def test_rows_of_a_key_have_one_value() -> None:
    table = with_made_up(PLANS, SCHEMA, 0, 0).to_pydict()
    by_plan = set(zip(table["plan"], table["phone"], strict=True))
    assert len(by_plan) == 3
    assert len(set(table["email"])) == 6


def test_tables_without_such_columns_stay_as_they_are() -> None:
    assert with_made_up(PLANS, Schema([SCHEMA["plan"]]), 0, 0) is PLANS
