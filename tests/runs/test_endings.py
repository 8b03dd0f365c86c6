"""What is left of a run when something fails before, in or after its training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.runs import memory
from gans.runs.memory import check_memory, lasting_needs, passing_needs, total
from gans.runs.prepare import Prepared, prepare

GIB = 2**30


def customers(rows: int = 200) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {"age": rng.integers(18, 90, rows), "plan": rng.choice(["a", "b"], rows), "x": rng.normal(size=rows)}
    )


def ready(*overrides: str) -> Prepared:
    return prepare(compose(["+experiment=tabular", "tracker.mode=disabled", *overrides]), customers())


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("samples=1000000000", "samples=1000000000: the samples of about"),
        ("trainer.evaluate_rows=1000000000", "trainer.evaluate_rows=1000000000: a look at the scores of about"),
        ("network.width=200000", "network.width=200000: networks and optimizers of about"),
    ],
)
def test_a_run_that_cannot_fit_is_refused_and_its_key_named(
    override: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 16 * GIB)
    found = ready(override)
    with pytest.raises(UserError, match=rf"{said}.* GiB.*; lower {override.partition('=')[0]}"):
        check_memory(found.run, found)
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    check_memory(found.run, found)


def test_an_ordinary_run_fits_into_two_gibibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * GIB)
    found = ready()
    check_memory(found.run, found)
    assert GIB / 2 < total(lasting_needs(found.run, found), passing_needs(found.run, found)) < GIB


def test_networks_are_counted_as_they_are() -> None:
    """Three copies of the state and two of the averaged generator, for each seed."""
    found = ready("network.blocks=1")
    one, rows = lasting_needs(found.run, found)
    two, _ = lasting_needs(ready("network.blocks=1", "trainer.seeds=2").run, found)
    assert two.size == 2 * one.size
    assert rows.size == sum(part.nbytes for part in found.encoded) + sum(
        np.asarray(leaf).nbytes for known in found.rows.known.values() for leaf in known.values()
    ) + np.asarray(found.rows.condition).nbytes  # fmt: skip


def test_metrics_that_the_samples_are_too_few_for_are_said_before(caplog: pytest.LogCaptureFixture) -> None:
    found = compose(["+experiment=tabular", "tracker.mode=disabled", "samples=5", "data.holdout=0.6"])
    with caplog.at_level("WARNING", "gans"):
        run = prepare(found, customers()).run
    assert run.trainer.best == "detection"  # training scores more rows
    said = [line for line in caplog.messages if line.startswith("detection")]
    assert said == [
        "detection: left out of the scores of the samples (samples=5), it needs at least 100 rows of each side, "
        "there are 120 real and 5 synthetic"
    ]


def test_too_little_memory_in_training_is_one_line(
    command: Callable[..., Any], finished: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def train(*arguments: Any) -> None:
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 640000000000 bytes.")

    monkeypatch.setattr("gans.runs.execute.train", train)
    done = command("train", *finished.arguments, "run_dir=run", "trainer.batch_size=200")
    assert done.status == 2
    (line,) = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert "trainer.batch_size=200: not enough memory to train; lower it, or raise trainer.accumulate=1" in line
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_what_fails_after_training_is_left_out_and_the_rest_is_written(
    command: Callable[..., Any], finished: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Five samples are too few for detection; refinement and page break."""

    def breaks(*arguments: Any) -> None:
        raise ValueError("no such figure")

    monkeypatch.setattr("gans.sweeps.jobs.report_run", breaks)
    monkeypatch.setattr("gans.refinement.boosted.FRESH", 0)
    monkeypatch.setattr("gans.refinement.boosted.Boosted.fit", breaks)
    done = command("train", *finished.arguments, "run_dir=run", "samples=5", "trainer.metrics=[fidelity,detection]",
                   "data.holdout=0.6", "refine=boosted")  # fmt: skip
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    run = tmp_path / "run"
    assert pq.read_table(run / "samples.parquet").num_rows == 5
    summary = json.loads((run / "summary.json").read_text())
    assert set(summary["left_out"]) == {"refine", "detection", "detection of training rows", "report.html"}
    assert "needs at least 100 rows of each side, there are 118 real and 5" in summary["left_out"]["detection"]
    assert summary["left_out"]["report.html"].endswith("no such figure")
    assert 0 <= summary["scores"]["holdout"]["score"] <= 1
    assert "detection" not in summary["scores"]["holdout"]
    assert "detection" not in summary["score_rows"]
    assert not (run / "report.html").exists()
    for name in summary["left_out"]:
        assert f"{name}: left out, " in done.err
