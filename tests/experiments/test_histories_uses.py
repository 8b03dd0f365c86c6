"""The label of the use of histories, and the table made of the stored answers."""

import datetime as dt
import importlib.util
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gans.data.events.chains import EVENT
from gans.errors import UserError
from gans.evaluation.history_side import HistorySide

HERE = Path(__file__).parents[2] / "experiments" / "histories"
LAST = dt.datetime(2024, 12, 31, 9)


@pytest.fixture(scope="module")
def uses() -> Any:
    spec = importlib.util.spec_from_file_location("histories_uses", HERE / "uses.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def side(orders: list[tuple[str, int, float]], customers: dict[str, list[Any]] | None = None) -> HistorySide:
    """Orders as customer, days before the last one of all, amount."""
    who, days, amount = (list(column) for column in zip(*orders, strict=True))
    log = {"customer": who, EVENT: list(range(len(who))), "time": [LAST - dt.timedelta(days=day) for day in days]}
    people = customers or {"customer": sorted(set(who))}
    return HistorySide(pa.table(people), {"orders": pa.table(log | {"amount": amount})})


def test_who_buys_within_90_days_of_the_cut_and_who_is_left_out(uses: Any) -> None:
    orders = [
        ("returns", 200, 10.0), ("returns", 89, 99.0),  # on the day of the cut
        ("left", 90, 20.0),  # on the day before it
        ("sends back", 300, 30.0), ("sends back", 40, -30.0),  # nothing bought
        ("new", 5, 40.0), ("new", 0, 40.0),  # nothing before the cut
    ]  # fmt: skip
    found = uses.labelled({"real": side(orders), "test": side([("a", 150, 1.0), ("a", 0, 1.0)])})
    assert found.cut == dt.date(2024, 10, 3)
    real = found.tables["real"]
    assert "customer" not in real.column_names
    assert dict(zip(real["monetary"].to_pylist(), real["buys_next"].to_pylist(), strict=True)) == {
        10.0: True,
        20.0: False,
        30.0: False,
    }
    assert found.tables["test"]["buys_next"].to_pylist() == [True]


def test_all_sides_are_cut_where_the_first_of_them_ends(uses: Any) -> None:
    real, made = (side([(name, 150, 1.0), (name, last, 1.0)]) for name, last in (("a", 0), ("b", 3)))
    found = uses.labelled({"real": real, "synthetic": made})
    assert found.cut == dt.date(2024, 9, 30)
    assert found.tables["real"].column_names == found.tables["synthetic"].column_names


def test_attributes_go_with_the_profiles_and_who_is_not_known_yet_does_not(uses: Any) -> None:
    people = {"customer": ["a", "b", "c"], "city": ["Turin", "Ulm", "Graz"]}
    found = uses.labelled({"real": side([("a", 150, 1.0), ("a", 0, 1.0), ("b", 10, 1.0)], people)})
    assert found.tables["real"]["city"].to_pylist() == ["Turin"]


def test_table_and_csv_are_those_of_the_answers(uses: Any, tmp_path: Path) -> None:
    (tmp_path / "answers").symlink_to(HERE / "answers")
    uses.write_results(tmp_path)
    for name in ("USES.md", "uses.csv"):
        assert (tmp_path / name).read_text() == (HERE / name).read_text()


@pytest.mark.parametrize("arguments", [["tables=[adult]"], ["seeds=0"], ["steps=few"], ["tables=[online_retail]"]])
def test_mistakes_are_named(uses: Any, arguments: list[str], tmp_path: Path) -> None:
    named = "orders is not set" if arguments == ["tables=[online_retail]"] else arguments[0].split("=")[0]
    with pytest.raises(UserError, match=named):
        uses.main.run([*arguments, f"runs={tmp_path}", f"results={tmp_path}"])
