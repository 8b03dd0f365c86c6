"""The run that a person means: a folder, `last`, or the beginning of a name."""

import json
import os
from pathlib import Path

import pytest

from gans.cli.overrides import found_runs
from gans.errors import UserError
from gans.runs.find import find_run, run_folders

NAMES = ("tabular/2026-11-27_09-00-00", "tabular/2026-11-28_10-00-00", "cgan/2026-11-29_08-00-00", "sweeps/a/0")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four runs, the second of which was begun last; one holds another."""
    monkeypatch.chdir(tmp_path)
    for place, name in enumerate((*NAMES, "cgan/2026-11-29_08-00-00/scratch")):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
        when = 1_000 if place == 1 else place
        os.utime(folder / "config.yaml", (when, when))
    (tmp_path / "runs" / "tabular" / "empty").mkdir()


def test_last_is_the_newest_run_where_none_is_completed() -> None:
    assert find_run("last") == f"runs/{NAMES[1]}"
    assert list(map(str, run_folders()))[1:] == [f"runs/{NAMES[place]}" for place in (3, 2, 0)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-11-28", NAMES[1]),
        ("tabular/2026-11-27", NAMES[0]),
        ("runs/tabular/2026-11-27", NAMES[0]),
        ("./runs/cg", NAMES[2]),
        ("cgan", NAMES[2]),
        ("sweeps/a/0", NAMES[3]),
    ],
)
def test_a_beginning_that_one_run_has(text: str, name: str) -> None:
    assert find_run(text) == f"runs/{name}"


@pytest.mark.parametrize("text", ["runs/tabular", "runs/cgan/2026-11-29_08-00-00/scratch", "nothing", "", "runs/a*"])
def test_a_folder_and_what_no_run_begins_with_stay_as_they_are(text: str) -> None:
    assert find_run(text) == text


def test_several_runs_are_listed() -> None:
    with pytest.raises(UserError) as caught:
        find_run("2026-11", "run_dir")
    said = str(caught.value)
    assert said.startswith(f"run_dir=2026-11: 3 runs begin so: runs/{NAMES[1]}, runs/{NAMES[2]}, runs/{NAMES[0]}; ")
    assert "run_dir=last" in said


def ended(name: str, status: str) -> Path:
    folder = Path("runs", name)
    (folder / "summary.json").write_text(json.dumps({"status": status}))
    return folder


def test_the_run_that_was_found_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    from gans.cli.keys import Key, takes
    from gans.cli.kinds import RUN

    found = []
    takes(Key("run", RUN))(lambda run: found.append(run)).run(["run=last"])
    assert found == [f"runs/{NAMES[1]}"]
    assert capsys.readouterr().err == f"run=last is runs/{NAMES[1]} (not ended)\n"
    folder = Path("runs", NAMES[1])
    (folder / "overrides.yaml").write_text("- overrides:\n  - +debug=limit\n")
    for status, said in (("interrupted", "a trial, +debug=limit, interrupted"), ("completed", "a trial, +debug=limit")):
        ended(NAMES[1], status)
        assert find_run("last") == str(folder)
        assert capsys.readouterr().err == f"run=last is {folder} ({said})\n"
    (folder / "overrides.yaml").unlink()
    assert find_run("last") == str(folder)
    assert capsys.readouterr().err == f"run=last is {folder}\n"


@pytest.mark.parametrize(
    ("status", "how"),
    [("interrupted", "was interrupted"), ("diverged", "diverged"), ("not ended", "has not ended")],
)
def test_last_is_the_newest_run_that_is_completed(status: str, how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gans")
    oldest, newest = ended(NAMES[0], "completed"), Path("runs", NAMES[1])
    if status != "not ended":
        ended(NAMES[1], status)
    assert find_run("last") == str(oldest)
    assert found_runs(["transfer.run=last"]) == [f"transfer.run={oldest}"]
    assert found_runs(["run_dir=last", "trainer.resume=true"])[0] == f"run_dir={newest}"  # what is to go on
    assert caplog.messages == [
        f"run=last is {oldest}; {newest}, which is newer, {how}",
        f"transfer.run=last is {oldest}; {newest}, which is newer, {how}",
        f"run_dir=last is {newest} ({status})",
    ]


def test_last_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "runs" / "tabular" / "empty")
    with pytest.raises(UserError, match=r"^run=last: there is no run below runs/ here\.$"):
        find_run("last")


def test_overrides_of_a_resumed_run() -> None:
    resumed = ["run_dir=last", "trainer.resume=true"]
    assert found_runs(resumed) == [f"run_dir=runs/{NAMES[1]}", "trainer.resume=true"]
    assert found_runs(["run_dir=cgan", "seed=1"]) == ["run_dir=cgan", "seed=1"]  # of a new run
    with pytest.raises(UserError, match=r"^run_dir=last: it means the newest run; add trainer\.resume=true"):
        found_runs(["run_dir=last", "seed=1"])
    assert found_runs(["transfer.run=cgan", "seed=1"]) == [f"transfer.run=runs/{NAMES[2]}", "seed=1"]


def test_the_newest_runs_are_named_where_a_folder_is_not_there() -> None:
    from gans.decisions.cases import open_cases
    from gans.sample import command

    newest = "no such folder. The newest runs are runs/" + ", runs/".join(NAMES[place] for place in (1, 3, 2, 0))
    for refuse in (
        lambda: command.run(["run=runs/tabular/DIR", "n=1", "out=rows.csv"]),
        lambda: open_cases({"run": ["runs/tabular/DIR"]}),
    ):
        with pytest.raises(UserError) as caught:
            refuse()
        assert str(caught.value) == f"run=runs/tabular/DIR: {newest}."
