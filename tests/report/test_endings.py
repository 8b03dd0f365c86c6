"""How a run says that it ended: its time, the verdict of its page, and commands that can be pasted."""

import logging
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.detection import detect
from gans.evaluation.fidelity import Reference
from gans.findings import endings
from gans.findings.endings import ending_lines, job_line, next_commands, with_smaller_steps
from gans.findings.run import headline
from gans.report.evaluation import table_lines
from gans.runs.calls import Call, record_call
from gans.runs.execute import Result
from gans.runs.files import RunFiles
from gans.runs.finish import RunResults
from gans.sweeps import jobs
from gans.tracking.log import RESULT

FOLDER = 'a run\'s "folder" of $HOME & co'
TIMES = {"read_seconds": 1.9, "compile_seconds": 62.0, "train_seconds": 0.2, "write_seconds": 3.0}
SUMMARY: dict[str, Any] = {"status": "completed", "steps": 2_000, "stopped": None, "scores": {}} | TIMES


def results(seed: int = 0) -> RunResults:
    tables = [pa.table({"x": np.random.default_rng(one).normal(size=300)}) for one in (1, 2, seed)]
    training, holdout, synthetic = tables
    schema = detect(training)
    to_training, to_holdout = Reference(training, schema), Reference(holdout, schema)
    found = to_training.compare(synthetic), to_holdout.compare(synthetic), to_training.compare(holdout)
    return RunResults(
        name="toy", config="", summary=dict(SUMMARY), history=[], schema=schema, training=training,
        synthetic=synthetic, against_training=found[0], against_holdout=found[1], floor=found[2],
    )  # fmt: skip


def ended(folder: Path, **changed: Any) -> Result:
    return Result(folder, SUMMARY | changed, None)  # pyright: ignore[reportArgumentType]


def commands(lines: list[str]) -> list[list[str]]:
    return [shlex.split(line) for line in "\n".join(lines).splitlines() if line.startswith("  ")]


def test_a_completed_run_tells_its_time_its_verdict_and_three_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "opener", lambda: "xdg-open")
    folder, found = tmp_path / FOLDER, results()
    folder.mkdir()
    files = RunFiles(folder)
    files.report.touch()
    scores = {"holdout": {"score": 0.9735}, "floor": {"score": 0.9742}}
    lines = ending_lines(ended(folder, scores=scores), found, compose([]), Call("gans train"))
    assert lines[:3] == [
        "completed after 2,000 steps in 1 min 7 s: reading 1.9 s, compiling 1 min 2 s, writing 3.0 s",
        "score 0.9735 on held-out rows (real rows 0.9742)",
        f"verdict: {headline(found).text}",
    ]
    assert commands(lines) == [
        ["xdg-open", str(files.report)],
        ["gans", "evaluate", f"run={folder}"],
        ["gans", "sample", f"run={folder}", "n=1000", "out=rows.csv"],
    ]
    assert job_line(ended(folder), found) == f"completed after 2,000 steps in 1 min 7 s. {headline(found).text}"


@pytest.mark.parametrize(("level", "quiet"), [(logging.INFO, False), (RESULT, True)])
def test_a_quiet_run_says_its_verdict_and_its_folder(
    level: int, quiet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = results()

    def execute(run: Any, report: Any, call: Any) -> Result:
        report(tmp_path / "report.html", found)
        return ended(tmp_path)

    log = logging.getLogger("gans")
    monkeypatch.setattr(jobs, "to_run", lambda config: compose([]))
    monkeypatch.setattr(jobs, "execute", execute)
    monkeypatch.setattr(jobs, "report_run", lambda path, results: dict)
    monkeypatch.setattr(log, "handlers", [caplog.handler])
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "level", level)
    monkeypatch.setattr(log, "_cache", {})
    assert jobs.run_job(None, Call("gans train"))[0] == 0
    said = [record.getMessage() for record in caplog.records]
    if quiet:
        assert said == [headline(found).text, str(tmp_path)]
    else:
        assert said == ending_lines(ended(tmp_path), found, compose([]), Call("gans train"))


def test_a_run_without_a_page_has_no_command_that_opens_it(tmp_path: Path) -> None:
    lines = ending_lines(ended(tmp_path), None, compose([]), Call("gans train"))
    assert [words[1] for words in commands(lines)] == ["evaluate", "sample"]
    assert not any("verdict" in line for line in lines)


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    lines = ending_lines(ended(tmp_path / FOLDER, status="interrupted"), None, compose([]), Call("gans train"))
    assert commands(lines) == [["gans", "train", f"run_dir={tmp_path / FOLDER}", "trainer.resume=true"]]
    assert lines[-1].endswith("trainer.resume=true")


@pytest.mark.parametrize(("typed", "expected"), [
    (["+experiment=wgan_gp"], ["+experiment=wgan_gp", "optimizer.learning_rate=0.00017"]),
    (["run_dir=a b", "optimizer.learning_rate=9e-4", "data.path='x y.csv'"],
     ["data.path='x y.csv'", "optimizer.learning_rate=0.0003"]),
    (["optimizer.learning_rate=1000"], ["optimizer.learning_rate=0.0005"]),
    (["+experiment=vanilla", "optimizer.discriminator_learning_rate=3e-4"],
     ["+experiment=vanilla", "optimizer.learning_rate=0.00017", "optimizer.discriminator_learning_rate=0.0001"]),
])  # fmt: skip
def test_a_diverged_run_is_trained_again_by_smaller_steps(typed: list[str], expected: list[str]) -> None:
    run = compose([one for one in typed if one.startswith("optimizer")])
    line = with_smaller_steps(Call("gans train", typed), run)
    assert shlex.split(line) == ["gans", "train", *expected]


def test_a_resumed_run_that_diverges_names_no_command_of_its_own(tmp_path: Path) -> None:
    run = compose([f"run_dir={tmp_path}", "trainer.resume=true"])
    lines = ending_lines(ended(tmp_path, status="diverged"), None, run, Call("gans train", ["trainer.resume=true"]))
    assert lines[-1] == "lower the learning rate in a new run"


def test_rows_of_images_go_into_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = results()
    monkeypatch.setattr(type(found.schema), "images", [found.schema.columns[0]])
    assert next_commands(tmp_path, tmp_path / "none", found)[-1].endswith("out=rows.parquet")


def test_calls_are_kept_one_after_the_other(tmp_path: Path) -> None:
    import yaml

    files = RunFiles(tmp_path)
    record_call(files, None)
    assert not files.overrides.exists()
    calls = [Call("gans train", ["data.path=a b.csv", "+experiment=tabular"]), Call("gans train", ["\u8def\u5f84=1"])]
    for call in calls:
        record_call(files, call)
    stored = yaml.safe_load(files.overrides.read_text(encoding="utf-8"))
    assert [one["overrides"] for one in stored] == [list(call.overrides) for call in calls]
    assert [shlex.split(one["command"])[2:] for one in stored] == [list(call.overrides) for call in calls]
    assert set(stored[0]) == {"command", "overrides", "began", "gans", "commit"}


@pytest.mark.parametrize("width", [None, 60, 80, 200])
def test_the_figures_of_an_evaluation_fit_the_terminal(width: int | None) -> None:
    title = "shape error, %, as published (sdmetrics 0.11)"
    rows = [
        (title, "21.87", "20.11 to 23.40", "as real rows", "4.0304", "540"),
        ("detection", "0.0637", "", "1", "", "540"),
    ]
    lines = table_lines({"fidelity": rows, "images": []}, width)
    assert lines[-1] == ""
    assert "FIDELITY" in lines[0]
    assert not any("IMAGES" in line for line in lines)
    if width is None or width > 100:
        assert len(lines) == 4
        assert lines[1].split() == [
            *title.split(),
            "21.87",
            "20.11",
            "to",
            "23.40",
            "as",
            "real",
            "rows",
            "4.0304",
            "540",
        ]
        return
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(line.split()) for line in lines)
    assert "ideal 1" in text
    assert all(word in text for word in (*title.split(), "21.87", "20.11 to 23.40", "4.0304"))
