"""TensorBoard and MLflow, read back from their files; and failures that do not end a run."""

import json
import logging
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from gans.config.compose import compose
from gans.config.stored import to_yaml
from gans.errors import UserError, install_command
from gans.report.page import report_run
from gans.runs.directory import stored_run
from gans.runs.execute import execute
from gans.runs.files import RunFiles
from gans.runs.goals import best_values, goals

RUN = ["+experiment=cgan", "+debug=limit", "network.generator_widths=[8,8]"]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program says."""
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(record.getMessage())
    monkeypatch.setattr(logging.getLogger("gans"), "handlers", [listener])
    return lines


def metrics_of(folder: Path) -> dict[int, dict[str, float]]:
    lines = [json.loads(line) for line in RunFiles(folder).metrics.read_text().splitlines()]
    return {line.pop("step"): line for line in lines}


def test_a_run_of_somebody_else_goes_on_without_loggers(tmp_path: Path, said: list[str]) -> None:
    run = compose(["data=moons", "logger=[mlflow]", "logger.mlflow.uri=http://elsewhere"])
    folder = tmp_path / "run"
    folder.mkdir()
    RunFiles(folder).config.write_text(to_yaml(run))
    RunFiles(folder).schema.write_text("{}")
    again = ["data=moons", f"run_dir={folder}", "trainer.resume=true"]
    assert stored_run(compose(again), again).logger == {}
    assert any("logger" in line for line in said)


@pytest.mark.parametrize(("name", "module"), [("tensorboard", "tensorboardX"), ("mlflow", "mlflow")])
def test_without_its_extra_one_line_says_what_to_install(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda one, *more: None if one == module else find(one, *more))
    run = compose([*RUN, f"logger=[{name}]", f"run_dir={tmp_path / 'run'}"])
    with pytest.raises(UserError, match=f"logger={name} needs what is not installed: python -m pip install ."):
        execute(run, show=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("override", "hint"), [
    ("tracker=tensorboard", r"In addition to it, logger=\[tensorboard\]"),
    ("logger=[wandb]", "set tracker.mode"),
])  # fmt: skip
def test_a_service_sought_in_the_wrong_group_is_shown_the_right_one(override: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        compose([override])


def test_the_command_of_an_extra_names_its_packages() -> None:
    assert install_command("tune") == 'python -m pip install "optuna>=4"'
    assert install_command("nothing_of_that_name") == 'python -m pip install -e ".[nothing_of_that_name]"'


def test_goals_and_best_values() -> None:
    wanted = goals(compose(["trainer.seeds=2", "seed=3"]))
    assert wanted["seed3/holdout/score"] == wanted["seed4/holdout/score"] == "max"
    history = [{"step": 1, "a": 2.0, "b": 2.0}, {"step": 2, "a": float("nan"), "b": 3.0}, {"step": 3, "a": 1.0}]
    assert best_values(history, {"a": "max", "b": "min", "c": "max"}) == {"a": 2.0, "b": 2.0}


def events(path: Path) -> list[Any]:
    """The events of a file of TensorBoard: each is a length, a check of it, the content, and a check of that."""
    event = pytest.importorskip("tensorboardX.proto.event_pb2").Event
    data, place, out = path.read_bytes(), 0, []
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        out.append(event.FromString(data[place + 12 : place + 12 + length]))
        place += 16 + length
    return out


def scalars(found: list[Any]) -> dict[int, dict[str, float]]:
    out: dict[int, dict[str, float]] = {}
    for event in found:
        for value in event.summary.value:
            if value.HasField("simple_value"):
                out.setdefault(event.step, {})[value.tag] = value.simple_value
    return out


def test_tensorboard_has_what_metrics_jsonl_has_and_resumes(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    folder = tmp_path / "run"
    overrides = ["logger=[tensorboard]", f"run_dir={folder}"]
    execute(compose([*RUN, *overrides]), show=False, report=report_run)
    (path,) = (folder / "tensorboard").iterdir()
    found = events(path)
    shown, lines = scalars(found), metrics_of(folder)
    for step, metrics in lines.items():
        assert {name: shown[step][name] for name in metrics} == pytest.approx(metrics)
    best = max(row.get("holdout/score", 0) for row in lines.values())
    assert shown[max(lines)]["best/holdout/score"] == pytest.approx(best)
    tags = {value.tag for event in found for value in event.summary.value}
    assert {"config/text_summary", "samples/text_summary", "marginals"} <= tags
    resume = [f"run_dir={folder}", "trainer.resume=true", "trainer.steps=30"]
    execute(stored_run(compose(resume), resume), show=False)
    (more,) = (other for other in (folder / "tensorboard").iterdir() if other != path)
    found = events(more)
    assert min(scalars(found)) > max(lines)
    assert any(event.session_log.status for event in found)  # hides later steps of the first file


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_has_what_metrics_jsonl_has_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    mlflow: Any = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.chdir(tmp_path)
    uri, folder = f"sqlite:///{tmp_path / 'runs.db'}", tmp_path / "run"
    overrides = ["logger=[mlflow]", f"logger.mlflow.uri={uri}", f"run_dir={folder}"]
    execute(compose([*RUN, *overrides, "data.kinds.age=integer"]), show=False, report=report_run)
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("gans").experiment_id
    resume = [f"run_dir={folder}", "trainer.resume=true", "trainer.steps=30"]
    execute(stored_run(compose(resume), resume), show=False)
    (run,) = client.search_runs([experiment])
    for name in ("holdout/score", "seconds"):
        logged = {one.step: one.value for one in client.get_metric_history(run.info.run_id, name)}
        assert logged == pytest.approx({step: row[name] for step, row in metrics_of(folder).items() if name in row})
    best = max(row.get("holdout/score", 0) for row in metrics_of(folder).values())
    assert run.data.metrics["best/holdout/score"] == pytest.approx(best)
    assert run.data.params["trainer.steps"] == "20"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run")
    kept = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"model", "samples.csv", "results.json", "figures"} <= kept
    assert {item.path for item in client.list_artifacts(run.info.run_id, "model")} >= {"model/config.yaml"}
    assert not [line for line in said if "tracking failed" in line]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_mlflow_server_that_is_down_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    overrides = ["logger=[mlflow]", "logger.mlflow.uri=http://127.0.0.1:9", f"run_dir={tmp_path / 'run'}"]
    assert execute(compose([*RUN, *overrides]), show=False).status == "completed"
    assert len([line for line in said if line.startswith("mlflow: tracking failed")]) == 1
