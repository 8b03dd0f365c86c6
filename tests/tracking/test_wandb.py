"""A real offline run of Weights & Biases, read back from its file; and failures that do not end a run."""

import json
import logging

import pytest
import yaml

from gans.config.compose import compose
from gans.report.page import report_run
from gans.runs.execute import execute
from gans.tracking.base import RunEnd, RunStart
from gans.tracking.settings import TrackerSettings
from gans.tracking.weights_and_biases import WeightsAndBiases, settle_mode

RUN = ["+experiment=cgan", "+debug=limit", "network.generator_widths=[8,8]", "trainer.steps=20"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory, recorded):
    """A run directory and the records of its offline run."""
    folder = tmp_path_factory.mktemp("tracked")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_API_KEY", raising=False)
        patch.setenv("NETRC", str(folder / "none"))
        overrides = ["tracker.mode=auto", f"tracker.folder={folder}", "tracker.tags=[a,b]", "tracker.group=study"]
        result = execute(compose([*RUN, f"run_dir={folder / 'run'}", *overrides]), show=False, report=report_run)
    files = list(folder.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 1
    return result, recorded(files[0]), files[0].parent


def history(found):
    """Rows of metrics as dictionaries."""
    rows = []
    for record in found:
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            rows.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
    return rows


def test_config_group_tags_and_id_are_there(tracked):
    result, found, _ = tracked
    run = next(record.run for record in found if record.WhichOneof("record_type") == "run")
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["trainer"]["steps"] == 20
    assert config["components"]["objective"] == "non_saturating"
    assert (run.run_group, list(run.tags), run.job_type, run.project) == ("study", ["a", "b"], "train", "gans")
    assert yaml.safe_load((result.run_dir / "config.yaml").read_text())["tracker"]["id"] == run.run_id


def test_metrics_equal_those_of_metrics_jsonl(tracked):
    result, found, _ = tracked
    lines = [json.loads(line) for line in (result.run_dir / "metrics.jsonl").read_text().splitlines()]
    rows = {row["_step"]: row for row in history(found)}
    for line in lines:
        for key, value in line.items():
            if key != "step":
                assert rows[line["step"]][key] == pytest.approx(value)


def test_scores_have_their_best_value_in_the_summary_and_the_step_as_their_axis(tracked):
    _, found, _ = tracked
    metrics = [record.metric for record in found if record.WhichOneof("record_type") == "metric"]
    defined = {one.name or one.glob_name: one for one in metrics}
    assert defined["*"].step_metric == defined["holdout/score"].step_metric == "step"
    assert defined["holdout/score"].summary.max
    assert defined["holdout/column_distance"].summary.min
    assert not defined["holdout/column_distance"].summary.max


def test_online_the_address_is_said(tmp_path, monkeypatch):
    import wandb

    class Run:
        id, url = "x", "https://example.org/gans/runs/x"

        def define_metric(self, name, **how):
            pass

    monkeypatch.setattr(wandb, "init", lambda **given: Run())
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(record.getMessage())
    log = logging.getLogger("gans")
    monkeypatch.setattr(log, "handlers", [listener])
    log.setLevel(logging.INFO)
    for mode in ("online", "offline"):
        settings = TrackerSettings(folder=str(tmp_path))
        WeightsAndBiases(settings, mode, RunStart(name="a", config="{}", run_dir=tmp_path))
    assert lines == [f"Weights & Biases: {Run.url}"]


def test_sample_rows_figure_and_generator_are_there_and_the_run_is_finished(tracked):
    _, found, folder = tracked
    media = {key.split("/")[0] for row in history(found) for key in row}
    assert {"samples", "marginals"} <= media
    assert list(folder.glob("files/media/images/marginals*.png"))
    assert list(folder.glob("files/media/table/samples*.json"))
    kinds = [record.WhichOneof("record_type") for record in found]
    assert "exit" in kinds
    artifacts = [
        record.request.log_artifact.artifact for record in found if record.WhichOneof("record_type") == "request"
    ] + [record.artifact for record in found if record.WhichOneof("record_type") == "artifact"]
    assert {artifact.type for artifact in artifacts if artifact.name.startswith("generator-")} == {"model"}
    names = {entry.path for artifact in artifacts for entry in artifact.manifest.contents}
    assert {"config.yaml", "schema.json", "checkpoints/codec.npz"} <= names


def test_sample_rows_have_the_columns_of_the_table(tracked):
    result, _, folder = tracked
    table = json.loads(next(iter(folder.glob("files/media/table/samples*.json"))).read_text())
    assert table["columns"] == [column.name for column in result.sampler.codec.schema.kept]
    assert len(table["data"]) == 20


@pytest.mark.parametrize(("environment", "mode"), [
    ({}, "offline"),
    ({"WANDB_API_KEY": "x" * 40}, "online"),
    ({"WANDB_MODE": "disabled", "WANDB_API_KEY": "x" * 40}, "disabled"),
    ({"WANDB_MODE": "offline", "WANDB_API_KEY": "x" * 40}, "offline"),
])  # fmt: skip
def test_auto_is_online_with_a_key_only(monkeypatch, tmp_path, environment, mode):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert settle_mode(TrackerSettings()) == mode
    assert settle_mode(TrackerSettings(mode="disabled")) == "disabled"


def test_a_tracker_that_fails_says_so_once_and_the_run_goes_on(tmp_path, monkeypatch):
    import wandb

    def broken(**arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wandb, "init", broken)
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(record.getMessage())
    monkeypatch.setattr(logging.getLogger("gans"), "handlers", [listener])
    overrides = ["tracker.mode=offline", f"tracker.folder={tmp_path}", f"run_dir={tmp_path / 'run'}"]
    result = execute(compose([*RUN, *overrides]), show=False)
    assert result.status == "completed"
    said = [line for line in lines if "tracking failed" in line]
    assert len(said) == 1
    assert "No space left" in said[0]


def test_disabled_touches_nothing(tmp_path):
    start = RunStart(name="name", config="{}", run_dir=tmp_path)
    tracker = WeightsAndBiases(TrackerSettings(folder=str(tmp_path)), "disabled", start)
    tracker.log({"a": 1.0}, 1)
    tracker.finish(RunEnd(summary={"status": "completed"}, generator=[tmp_path]))
    assert list(tmp_path.iterdir()) == []
