"""What the methods of a Synthesizer of histories refuse, and what they say to do instead."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gans
from gans.data.simulator import simulate
from gans.errors import UserError


@pytest.fixture
def histories(tmp_path: Path) -> gans.Synthesizer:
    """As `fit` leaves it, without a generator."""
    out = gans.Synthesizer(experiment="histories")
    out._sampler, out._library, out.run_dir_ = object(), "pandas", tmp_path / "run"  # pyright: ignore[reportAttributeAccessIssue]
    return out


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("personas", {}), ("use", {"scenario": "marketing"}), ("augment", {"target": "city"}), ("to_metadata", {})],
)
def test_what_is_of_tables_names_profiles_and_the_run_of_the_customers(
    histories: gans.Synthesizer, method: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=rf"^{method} is of tables.*gans\.profiles.*gans\.load\('.*run/customers'\)\.$"):
        getattr(histories, method)(**arguments)


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("events", {"reference": "2024-01-01"}, "reference and out go with profiles"),
        ("sample", {"n": 5, "refine": False}, "relations and refine go with tables"),
        ("sample", {"n": "many"}, "n='many': a whole number is needed"),
        ("evaluate", {"test": {"orders": pd.DataFrame()}}, "test: of customers with events the path of a folder"),
        ("report", {}, "it has no report.html"),
    ],
)
def test_arguments_of_tables_are_refused(
    histories: gans.Synthesizer, method: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        getattr(histories, method)(**arguments)


@pytest.mark.parametrize(
    ("frame", "given", "said"),
    [
        ("orders", {}, 'learned from frames by name, as in {"orders": frame}'),
        ({}, {}, "learned from frames by name"),
        ({"order": "orders"}, {}, "frame: 'order': allowed are customers, orders, views, social. Did you mean"),
        (None, {}, "data.orders is not set"),
        ({"orders": "orders"}, {"kinds": {"age": "category"}}, "kinds, formats and metadata go with one table"),
        ({"orders": "orders"}, {"overrides": ["data.drop=[age]"]}, "data.drop: column 'age': no log"),
    ],
)
def test_frames_that_are_no_logs(frame: Any, given: dict[str, Any], said: str, tmp_path: Path) -> None:
    orders = next(simulate(20, 1))["orders"].to_pandas()
    logs = dict.fromkeys(frame, orders) if isinstance(frame, dict) else orders if frame else None
    synthesizer = gans.Synthesizer(experiment="histories", run_dir=tmp_path / "run", progress=False, **given)
    with pytest.raises(UserError, match=said):
        synthesizer.fit(logs)
    assert not (tmp_path / "run").exists()


def test_a_run_of_frames_that_was_loaded_cannot_be_evaluated_by_itself(
    histories: gans.Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gans.decisions import judged_histories
    from gans.notebook import answers

    class Saved:
        people = type("People", (), {"run": type("Run", (), {"data": judged_histories.Histories()})})

    monkeypatch.setattr(answers, "language_of", lambda given: "en")
    monkeypatch.setattr(answers, "judges_histories", lambda given: True)
    monkeypatch.setattr(judged_histories.SavedHistories, "open", lambda path: Saved)
    monkeypatch.setattr(histories, "_asked", lambda given, *_: (histories.run_dir_, {}))
    with pytest.raises(UserError, match="it was trained on frames, which are not kept"):
        histories.evaluate()
