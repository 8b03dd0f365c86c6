"""A run trained again on half of its rows, and attacked with the other half."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gans.errors import UserError
from gans.runs.again import half_split
from gans.runs.saved import SavedRun


def test_few_rows_are_refused_before_anything_is_written(finished: Any) -> None:
    saved, before = SavedRun.open(finished.path), sorted(finished.path.iterdir())
    with pytest.raises(UserError, match=r"retrain=true: run=.* has 150 training rows; at least 200 are needed"):
        half_split(saved, pa.table({"x": range(150)}))
    assert sorted(finished.path.iterdir()) == before


def test_retrain_asks_for_a_run_and_a_plain_answer(command: Callable[..., Any]) -> None:
    done = command("evaluate", "real=a.csv", "synthetic=b.csv", "retrain=true")
    assert done.status == 2
    assert "retrain=true: it trains a run again; set run=DIR." in done.err
    done = command("evaluate", "run=x", "retrain=yes")
    assert done.status == 2
    assert "retrain=yes" in done.err


@pytest.mark.slow
def test_a_run_is_trained_again_on_half_of_its_rows(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", "+experiment=vanilla", "data=households", "trainer.steps=20", "trainer.evaluate_every=10",
                   "trainer.checkpoint_every=10", "tracker.mode=disabled", "run_dir=run")  # fmt: skip
    assert done.status == 0, done.err
    done = command("evaluate", "run=run", "metrics=fast", "retrain=true")
    assert done.status == 0, done.err
    (again,) = (tmp_path / "run").glob("retrained-*")
    rows = SavedRun.open(tmp_path / "run").summary["rows"]["training"]
    half = SavedRun.open(again).summary["rows"]
    assert half["training"] + half["holdout"] == (rows + 1) // 2 == int(again.name.partition("-")[2])
    details = json.loads((tmp_path / "run" / "evaluation.json").read_text())["details"]
    assert details["membership rows after retraining"]["non-members"] == rows // 2 // 2
    assert "Trained again on half" in (tmp_path / "run" / "report.html").read_text()
