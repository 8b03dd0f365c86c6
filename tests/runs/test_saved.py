"""A run on disk, opened: one owner of its files, one wording for what is no run, each file read once."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gans.errors import UserError
from gans.runs.saved import SavedRun
from gans.training.checkpoints import Checkpoints

COMMANDS = {
    "sample": ("n=10", "out=rows.csv"),
    "evaluate": (),
    "personas": (),
    "augment": (),
    "use": ("scenario=privacy",),
    "events": ("n=10", "out=events", "reference=2025-01-01"),
}


def test_a_finished_run_is_what_its_files_say(finished: Any) -> None:
    saved = SavedRun.open(finished.path)
    assert saved.run.run_dir == str(finished.path)
    assert saved.summary == json.loads((finished.path / "summary.json").read_text())
    assert saved.samples is not None
    assert saved.samples.equals(pq.read_table(finished.path / "samples.parquet"))
    assert saved.history == [json.loads(line) for line in (finished.path / "metrics.jsonl").read_text().splitlines()]
    assert [column.name for column in saved.schema.kept] == saved.samples.column_names
    assert saved.sampler().sample(saved.samples.num_rows, saved.run.seed).equals(saved.samples)
    assert (saved.members, saved.best_member) == (1, 0)
    with pytest.raises(UserError, match="member=1: it must be at least 0 and at most 0"):
        saved.sampler(1)


def test_its_table_is_read_again_and_another_one_is_refused(finished: Any, tmp_path: Path) -> None:
    training, holdout = SavedRun.open(finished.path).table()
    rows = SavedRun.open(finished.path).summary["rows"]
    assert (training.num_rows, holdout.num_rows) == (rows["training"], rows["holdout"])
    moved = tmp_path / "run"
    shutil.copytree(finished.path, moved)
    (moved / "summary.json").write_text(json.dumps({"rows": {"training": 3}}))
    with pytest.raises(UserError, match=r"trained on another table \(3 rows\)"):
        SavedRun.open(moved).table()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_the_same_of_what_is_no_run(name: str, command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for folder, said in (
        ("nowhere", "run=nowhere: no such folder."),
        ("folder", "run=folder: it is no run directory; one holds config.yaml."),
    ):
        done = command(name, f"run={folder}", *COMMANDS[name])
        assert (done.status, done.err) == (2, f"error: {said}\n")
    assert {path.name for path in tmp_path.iterdir()} == {"folder"}


@pytest.mark.parametrize(
    ("name", "given"),
    [("sample", COMMANDS["sample"]), ("evaluate", ("metrics=fast", "members=all", "draws=2", "out=judged"))],
)
def test_a_command_reads_the_checkpoint_once(
    name: str, given: tuple[str, ...], finished: Any, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    latest, read = Checkpoints.latest, []

    def count(self: Checkpoints, *shapes: Any) -> Any:
        read.append(self.folder)
        return latest(self, *shapes)

    monkeypatch.setattr(Checkpoints, "latest", count)
    done = command(name, f"run={finished.path}", *given)
    assert done.status == 0, done.err
    assert read == [finished.path / "checkpoints"]


@pytest.mark.parametrize(("file", "key"), [("summary.json", "summary"), ("evaluation.json", "evaluation")])
def test_a_damaged_file_is_one_error(finished: Any, tmp_path: Path, file: str, key: str) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    for text, said in (("{", "not readable"), ("[1]", "not that of a run")):
        (tmp_path / "run" / file).write_text(text)
        with pytest.raises(UserError, match=rf"{file}: {said}"):
            getattr(SavedRun.open(tmp_path / "run"), key)
    (tmp_path / "run" / file).unlink()
    assert getattr(SavedRun.open(tmp_path / "run"), key) == {}
