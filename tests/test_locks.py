"""A folder is written by one process at a time; a lock ends with its process."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gans.errors import UserError
from gans.files import remove_stale, temporary_folder, write_text
from gans.locks import LOCK, check_unlocked, locked

HOLD = """
import sys, time
from pathlib import Path
from gans.locks import locked
with locked(Path(sys.argv[1]), "run_dir", make=True):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> Any:
    """Another process that holds the lock of `run`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_lock_is_gone_behind_it(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "run", "run_dir", make=True):
            assert [path.name for path in (tmp_path / "run").iterdir()] == [LOCK]
            with pytest.raises(UserError, match=rf"run_dir=.*run: another process \({os.getpid()} on .*, since 20"):
                check_unlocked(tmp_path / "run", "run_dir")
        assert not (tmp_path / "run").exists()  # made for the lock, and empty
    check_unlocked(tmp_path / "run", "run_dir")
    check_unlocked(tmp_path / "nowhere", "run_dir")


def test_another_process_is_named_and_when_it_is_killed_its_lock_is_free(other: Any, tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=rf"folder=.*run: another process \({other.pid} on .*\) is writing it"),
        locked(tmp_path / "run", "folder"),
    ):
        pass
    assert (tmp_path / "run" / LOCK).is_file()
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / "run" / LOCK).is_file()
    with locked(tmp_path / "run", "folder"):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_commands_leave_a_folder_alone_that_another_process_writes(
    other: Any, command: Callable[..., Any], tmp_path: Path, inputs: Path
) -> None:
    table = f"{inputs}/table.parquet"
    train = ("+experiment=vanilla", "+debug=limit", "data=table", f"data.path={table}")
    given = {
        "train": (*train, "run_dir=run"),
        "tune": ("optimizer.learning_rate=interval(1e-4,1e-3)", *train, "folder=run"),
        "evaluate": (f"real={table}", f"synthetic={table}", "out=run", "metrics=fast"),
    }
    for name, arguments in given.items():
        done = command(name, *arguments)
        assert done.status == 2, (name, done)
        assert f"run: another process ({other.pid} on " in done.err, name
        assert "Traceback" not in done.err, name
        assert [path.name for path in (tmp_path / "run").iterdir()] == [LOCK], name


def test_what_a_killed_process_left_is_taken_away_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    make = "import os, sys; from gans.files import *; from pathlib import Path\n"
    kill = "os.kill(os.getpid(), 9)"
    for code in (
        f"write_atomic(Path('a.json'), lambda path: (path.write_text('half'), {kill}))",
        f"with temporary_folder('.parts-', Path('.')) as folder: (folder / 'x').write_text('half'); {kill}",
    ):
        subprocess.run([sys.executable, "-c", make + code], cwd=tmp_path, check=False)
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == 2
    ours = [tmp_path / name.replace(name.split("-")[2], str(os.getpid())) for name in left]
    kept = [*ours, tmp_path / ".a-b.json", tmp_path / ".a-00000000-1-abcdefgh.json", tmp_path / ".parts-mine"]
    for path in kept:
        path.write_text("mine")
    write_text(tmp_path / "a.json", "{}")
    with temporary_folder(".parts-", tmp_path) as folder:
        assert folder.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", *(path.name for path in kept)}
    remove_stale(tmp_path / "nowhere", ".a-", "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that Python itself closes
def test_an_interrupt_at_any_line_leaves_nothing(tmp_path: Path) -> None:
    folder, usual = tmp_path / "made", sys.gettrace()
    for number in itertools.count():
        left = number

        def trace(frame: Any, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_name != "acquire":
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    sys.settrace(usual)
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            with locked(folder, "folder", make=True):
                break
        except KeyboardInterrupt:
            assert not folder.exists(), number
        finally:
            sys.settrace(usual)
    assert number > 8
