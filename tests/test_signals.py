"""Ctrl-C and SIGTERM at any moment: status 130, one line, no half file, no process left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WAIT = 60


def interrupted(
    folder: Path, arguments: tuple[str, ...], number: int, seconds: float, again: float | None = None
) -> tuple[int, str]:
    """Status and standard error of `python -m gans.NAME ...`, to which a signal is sent after so many seconds."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child of a background job would ignore it
    process = subprocess.Popen(
        [sys.executable, "-m", f"gans.{arguments[0]}", *arguments[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, usual)
    time.sleep(seconds)
    process.send_signal(number)
    if again is not None:
        time.sleep(again)
        process.send_signal(number)
    _, error = process.communicate(timeout=WAIT)
    return process.returncode, error


def half_files(folder: Path) -> list[str]:
    """Temporary files, and locks."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]


def assert_nothing_or_whole(run: Path) -> None:
    """There is no run directory, or one that a run can go on from."""
    if run.exists():
        assert (run / "config.yaml").is_file()
        assert any(path.name.isdigit() for path in (run / "checkpoints").iterdir())


TRAIN = ("train", "+experiment=vanilla", "+debug=limit", "trainer.steps=1000000", "run_dir=run")
SIMULATE = ("simulate", "customers=2000000", "out=events")


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGINT, 0.3), (signal.SIGTERM, 0.6), (signal.SIGINT, 1.0)])
def test_a_command_that_starts_or_imports_ends_at_once(number: int, seconds: float, tmp_path: Path) -> None:
    status, error = interrupted(tmp_path, TRAIN, number, seconds)
    assert status == 130
    assert "Traceback" not in error
    assert error.endswith("interrupted\n")  # the lines of the schema may be there before
    assert_nothing_or_whole(tmp_path / "run")  # a busy machine may send the signal long after the moment that was asked


def test_a_table_that_is_half_written_is_taken_away(tmp_path: Path) -> None:
    status, error = interrupted(tmp_path, SIMULATE, signal.SIGTERM, 2.5)
    assert (status, error) == (130, "interrupted\n")
    assert half_files(tmp_path) == []
    assert list(tmp_path.rglob("*.parquet")) == []


LATE = """
import signal
from gans.cli.command import main_command
from gans.cli.interrupts import Interrupts

stop = Interrupts.stop

def late(seen):
    Interrupts.stop = stop
    signal.raise_signal(signal.{name})
    stop(seen)

Interrupts.stop = late
main_command(lambda: {status})
"""


@pytest.mark.parametrize("status", [0, 2])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_between_the_work_and_the_end_changes_nothing(name: str, status: int) -> None:
    ended = subprocess.run([sys.executable, "-c", LATE.format(name=name, status=status)], capture_output=True)
    assert (ended.returncode, ended.stderr) == (status, b"")


ENDING = """
import atexit, sys, threading, time
from gans.cli.command import main_command

def main():
    atexit.register(lambda: print("registered"))
    if {thread}:
        threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    sys.stdout.write("written\\n")
    return 3

main_command(main)
"""


@pytest.mark.parametrize("thread", [False, True])
def test_a_command_ends_with_all_that_it_has_to_say(thread: bool) -> None:
    ended = subprocess.run([sys.executable, "-c", ENDING.format(thread=thread)], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (3, "")
    assert ended.stdout.split() == ["written", *["thread"] * thread, "registered"]


LOCKED = """
import os, signal, sys
from pathlib import Path
from gans.cli.command import main_command
from gans.locks import locked

def main():
    with locked(Path("study"), "folder", make=True):
        Path("late.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(9)")
        sys.path.insert(0, "")
        import late

main_command(main)
"""


def test_a_lock_goes_with_a_command_that_is_ended_among_its_imports(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOCKED],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert (ended.returncode, ended.stderr) == (130, b"interrupted\n")
    assert half_files(tmp_path) == []


SLOW = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.15, 1, 2, 4, 8, 12])
@pytest.mark.parametrize("number", SLOW)
def test_training_ends_at_any_moment(number: int, seconds: float, tmp_path: Path) -> None:
    status, error = interrupted(tmp_path, TRAIN, number, seconds)
    assert status == 130
    assert "Traceback" not in error
    assert error.endswith(("interrupted\n", "trainer.resume=true\n"))
    assert [
        name for name in half_files(tmp_path) if ".lock" not in name
    ] == []  # a lock that nobody holds blocks nothing
    assert_nothing_or_whole(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("again", [0.01, 0.5])
def test_a_second_signal_ends_it_too(again: float, tmp_path: Path) -> None:
    for seconds in (1, 5, 12):
        status, error = interrupted(tmp_path, (*TRAIN[:-1], f"run_dir=run{seconds}"), signal.SIGINT, seconds, again)
        assert status == 130
        assert "Traceback" not in error
        assert [name for name in half_files(tmp_path) if ".lock" not in name] == []


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [2, 7])
@pytest.mark.parametrize("name", ["sample", "evaluate", "use", "personas", "tune", "augment"])
def test_other_commands_end_at_any_moment(name: str, seconds: float, tmp_path: Path, related: object) -> None:
    run = related.path  # pyright: ignore[reportAttributeAccessIssue]
    rows = f"{run}/samples.parquet"
    given = {
        "sample": (f"run={run}", "n=1e9", "out=rows.parquet"),
        "evaluate": (f"real={rows}", f"synthetic={rows}", f"test={rows}", "target=plan", "metrics=full", "out=judged"),
        "use": ("scenario=privacy", f"run={run}", f"real={rows}", f"test={rows}", "out=uses"),
        "personas": (f"run={run}", f"real={rows}", f"test={rows}", "out=personas"),
        "tune": ("optimizer.learning_rate=interval(1e-4,1e-3)", *TRAIN[1:-1], "folder=study"),
        "augment": (f"run={run}", f"real={rows}", f"test={rows}", "target=plan", "out=more.csv"),
    }
    status, error = interrupted(tmp_path, (name, *given[name]), signal.SIGINT, seconds)
    assert status == 130 or (status == 0 and name not in ("sample", "tune"))
    assert "Traceback" not in error
    assert half_files(tmp_path) == []
    assert not list(tmp_path.glob("*.parquet"))
