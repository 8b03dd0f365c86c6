"""Logs and customers that cannot be learned: status 2, one line with the key and the value, nothing written.

The mistakes that profiles refuse, too, are in tests/data/test_profiles.py.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.customer_histories import Histories

ROWS = 40
ORDERS = {
    "customer": [f"c{row % 10}" for row in range(ROWS)],
    "time": [dt.datetime(2024, 1, 1 + row % 20, row % 24) for row in range(ROWS)],
    "amount": [1.5 + row for row in range(ROWS)],
    "note": ["gift", "none"] * (ROWS // 2),
}
PEOPLE = {"customer": [f"c{row}" for row in range(10)], "age": list(range(30, 40))}
VIEWS = {"customer": ["c1", "c2"], "time": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)]}


def first(columns: dict[str, list[Any]], rows: int) -> dict[str, list[Any]]:
    return {name: values[:rows] for name, values in columns.items()}


MISTAKES: list[Any] = [
    pytest.param({}, (), ("data.orders is not set", "data.views or data.social"), id="nothing"),
    pytest.param({"customers": PEOPLE}, (), ("data.orders is not set",), id="no log"),
    pytest.param({"orders": first(ORDERS, 0)}, (), ("data.orders", "the log is empty"), id="empty log"),
    pytest.param({"orders": first(ORDERS, 1)}, (), ("1 customers", "at least 4"), id="one event"),
    pytest.param({"orders": ORDERS, "customers": first(PEOPLE, 0)}, (), ("data.customers", "empty"), id="no customers"),
    pytest.param(
        {"orders": ORDERS, "customers": PEOPLE | {"customer": ["c0", *PEOPLE["customer"][:9]]}},
        (),
        ("data.customers: the key 'c0' occurs 2 times",),
        id="a key twice",
    ),
    pytest.param(
        {"orders": ORDERS, "customers": PEOPLE | {"customer": [None, *PEOPLE["customer"][1:]]}},
        (),
        ("data.customers: 1 of 10 rows have no customer",),
        id="no key",
    ),
    pytest.param(
        {"orders": ORDERS, "customers": first(PEOPLE, 9)},
        (),
        ("data.orders: 4 events", "'c9'", "data.orphans=drop"),
        id="unknown customers",
    ),
    pytest.param(
        {"orders": ORDERS, "customers": PEOPLE | {"customer": list(range(10))}},
        (),
        ("the key of a customer is text in one log and a number in another",),
        id="keys of two types",
    ),
    pytest.param(
        {"views": {"customer": ["c1"], "when": ["2024-01-01"]}},
        (),
        ("data.views", "no column 'time'", "when"),
        id="no time",
    ),
    pytest.param(
        {"orders": ORDERS, "views": VIEWS | {"time": [VIEWS["time"][0], None]}},
        (),
        ("data.views: 1 of 2 events have no time",),
        id="a time is missing",
    ),
    pytest.param(
        {"orders": ORDERS, "views": VIEWS | {"time": [VIEWS["time"][0], dt.datetime(2093, 1, 1)]}},
        (),
        ("data.views: 1 of 2 events are in the future", "2093-01-01"),
        id="future",
    ),
    pytest.param(
        {"orders": ORDERS | {"amount": [float("nan"), *ORDERS["amount"][1:]]}},
        (),
        ("data.columns.orders.amount: 'nan' is not an amount",),
        id="nan",
    ),
    pytest.param(
        {"orders": ORDERS | {"rows": ["a"] * ROWS}},
        (),
        ("data.orders: column 'rows'", "rename", "data.drop=[rows]"),
        id="taken name",
    ),
    pytest.param({"orders": ORDERS}, ("data.drop=[amuont]",), ("data.drop: column 'amuont'", "Did you mean 'amount'?")),
    pytest.param({"orders": ORDERS}, ("data.drop=[time]",), ("data.drop: column 'time': it is needed", "amount, note")),
    pytest.param(
        {"orders": ORDERS, "customers": PEOPLE},
        ("data.kinds.agee=category",),
        ("data.kinds: column 'agee'", "Did you mean 'age'?"),
    ),
    pytest.param(
        {"orders": ORDERS},
        ("data.kinds.amount=datetime",),
        ("data.kinds.amount=datetime", "category, numeric, integer, boolean"),
    ),
    pytest.param(
        {"orders": ORDERS}, ("data.kinds.amount=integer",), ("data.kinds.amount=integer", "data.orders", "'1.5")
    ),
    pytest.param(
        {"orders": ORDERS}, ("data.kinds.note=numeric",), ("data.kinds.note=numeric", "data.orders", "'gift'")
    ),
    pytest.param({"orders": ORDERS}, ("data.target=churn",), ("data.target=churn", "no such column", "orders_amount")),
    *(
        pytest.param({"orders": ORDERS}, (given, "data.reference=2024-01-10"), (shown, "takes the events as they are"))
        for given, shown in (
            ("data.windows=[30]", "data.windows=[30]: data=histories"),
            ("data.levels=3", "data.levels=3: data=histories"),
            (
                "data.features.lines.most=max(amount)",
                "data.features={'lines': {'most': 'max(amount)'}}: data=histories",
            ),
            ("data.outcome=9", "data.outcome=9: data=histories"),
        )
    ),
    pytest.param({"orders": ORDERS}, ("data.lines=0",), ("data.lines=0", "at least 100")),
    pytest.param({"orders": ORDERS}, ("condition=context",), ("condition=context", "labels or subsets")),
    pytest.param(
        {"orders": ORDERS}, ("condition=labels", "condition.columns=[segment]"), ("condition.columns", "'segment'")
    ),
]


@pytest.mark.parametrize(("logs", "arguments", "said"), MISTAKES)
def test_one_message_and_nothing_is_written(
    command: Callable[..., Any], logs: dict[str, dict[str, Any]], arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    for name, columns in logs.items():
        pq.write_table(pa.table(columns), f"{name}.parquet")
    before = set(Path().iterdir())
    files = [f"data.{name}={name}.parquet" for name in logs]
    usual = ("data=histories", "condition=subsets", "tracker.mode=disabled", "run_dir=run")
    found = command("train", *usual, *files, *arguments)
    assert (found.status, found.err.count("error: "), "Traceback" in found.err) == (2, 1, False), found.err
    assert found.err.endswith("\n")
    line = found.err.splitlines()[-1]
    for text in said:
        assert text in line
    assert set(Path().iterdir()) == before


def test_a_table_is_not_learned_by_a_context(command: Callable[..., Any], inputs: Path) -> None:
    found = command("train", f"data.path={inputs}/table.parquet", "condition=context", "run_dir=run")
    assert (found.status, found.err.count("error: ")) == (2, 1)
    assert "condition=context: it is for the events of data=histories" in found.err
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("n=-1", "out=made"), "n=-1: it must be at least 1"),
        (("n=ten", "out=made"), "n=ten: a whole number is needed"),
        (("n=5", "out=file"), "out=file: it is a file; a folder is needed"),
        (("n=5", "out=file/below"), "out=file/below: a part of it is a file"),
        (("n=5", "out=full"), "out=full: it is not empty"),
        (("n=5", "out=made.parquet"), "out=made.parquet: customers and their events are several files"),
        (("n=5", "out=made", "member=1"), "member: run=run is a run of histories"),
        (("n=5", "out=made", "run=nowhere"), "run=nowhere: no such folder"),
    ],
)
def test_a_draw_that_cannot_be(command: Callable[..., Any], arguments: tuple[str, ...], said: str) -> None:
    for name in ("run", "full"):
        Path(name).mkdir()
        Path(name, "histories.json").write_text("[]")
    Path("file").write_text("")
    before = set(Path().rglob("*"))
    given = dict([("run", "run"), *(argument.split("=") for argument in arguments)])
    found = command("sample", *(f"{key}={value}" for key, value in given.items()))
    assert (found.status, found.err.count("\n")) == (2, 1), found.err
    assert said in found.err
    assert set(Path().rglob("*")) == before


def test_columns_of_any_name_and_type_that_are_not_refused(tmp_path: Path) -> None:
    more = {
        "number": [1, 2] * 20,
        "now": ["a", "b"] * 20,
        "parts": [[1]] * ROWS,
        "void": pa.nulls(ROWS),
        "time zone": ["UTC", None] * 20,
    }
    counted = {
        "orders": [9] * 10,
        "orders_first": ["soon"] * 10,
        "orders_weeks_before_end": [1] * 10,
        "orders_weeks": [1] * 10,
    }
    with Histories().opened({"orders": pa.table(ORDERS | more), "customers": pa.table(PEOPLE | counted)}) as opened:
        (shape,) = opened.shapes
        names = opened.people.column_names
        assert opened.people["orders"].to_pylist() == [4] * 10
    assert len(set(names)) == len(names)
    assert "age" in names
    assert {"number", "now", "time zone"} <= {one.name for one in (*shape.people, *shape.events.fields)}
    assert shape.left_out == ("parts (it holds BIGINT[])", "void (it is empty)")


def test_an_amount_without_its_factors_is_learned_as_it_is() -> None:
    log = {name: values for name, values in ORDERS.items() if name != "amount"}
    log |= {"quantity": [1, 2] * 20, "price": [2.5] * ROWS}
    for drop, product in (([], ("quantity", "price")), (["price"], ())):
        with Histories(drop=drop).opened({"orders": pa.table(log)}) as opened:
            fields = {one.name: one for one in opened.shapes[0].events.fields}
        assert fields["amount"].product == product


def test_the_defaults_of_profiles_are_taken() -> None:
    assert Histories(windows=[30, 90, 365], levels=6).events == 200_000
