"""The baselines of histories, and the table made of the stored evaluations."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.events.chains import EVENT
from gans.evaluation.history_side import HistorySide

HERE = Path(__file__).parents[2] / "experiments" / "histories"


@pytest.fixture
def real() -> HistorySide:
    """Sixty customers with up to nine orders of up to three lines; the amount says whose it is, and which."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(60), rng.integers(0, 10, 60))
    rows = rng.integers(1, 4, len(who))
    event = np.repeat(np.arange(len(who)), rows)
    time = np.datetime64("2024-01-01", "s") + rng.integers(0, 365 * 86_400, len(who)).astype("timedelta64[s]")
    log = {"customer": who[event] + 100, EVENT: event, "time": time[event], "amount": event + 1000.0 * who[event]}
    return HistorySide(pa.table({"customer": np.arange(60) + 100, "city": rng.choice(["a", "b"], 60)}),
                       {"orders": pa.table(log)})  # fmt: skip


def rows_of(side: HistorySide) -> set[tuple[Any, ...]]:
    return set(map(tuple, side.aggregates().to_pandas().round(6).astype(str).to_numpy()))


def test_copied_customers_are_training_customers_with_all_they_did(study: Any, real: HistorySide) -> None:
    made = study.copied_histories(real, 200, 1)
    assert made.customers.num_rows == 200
    assert rows_of(made) <= rows_of(real)
    assert len(rows_of(made)) > 40


def test_independent_orders_are_real_ones_of_any_customer(study: Any, real: HistorySide) -> None:
    made = study.independent_children(real, 500, 1)
    assert made.known["orders"].all()
    log = made.logs["orders"]
    assert set(log["amount"].to_pylist()) <= set(real.logs["orders"]["amount"].to_pylist())
    owners = log["amount"].to_numpy() // 1000
    mixed = [len(set(owners[log["customer"].to_numpy() == who])) for who in np.unique(log["customer"].to_numpy())[:50]]
    assert np.mean(mixed) > 2
    assert abs(made.events["orders"].count.mean() - real.events["orders"].count.mean()) < 0.5
    assert set(made.events["orders"].columns["rows"].to_pylist()) <= {1, 2, 3}


def test_table_and_csv_are_those_of_the_evaluations(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evaluations").symlink_to(HERE / "evaluations")
    monkeypatch.setattr(study, "figure", lambda found, name: None)
    monkeypatch.setattr(study, "write_atomic", lambda path, write: None)
    study.write_results(tmp_path)
    for name in ("TABLE.md", "results.csv"):
        assert (tmp_path / name).read_text() == (HERE / name).read_text()


@pytest.mark.parametrize("arguments", [["tables=[adult]"], ["seeds=0"], ["steps=few"], ["tables=[online_retail]"]])
def test_mistakes_are_named(study: Any, arguments: list[str], tmp_path: Path) -> None:
    named = "orders is not set" if arguments == ["tables=[online_retail]"] else arguments[0].split("=")[0]
    with pytest.raises(study.UserError, match=named):
        study.main.run([*arguments, f"runs={tmp_path}", f"results={tmp_path}"])
