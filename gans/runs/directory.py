"""The folder of a run, claimed before anything is written into it."""

import contextlib
import dataclasses
import itertools
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gans.config.components import component_name
from gans.config.run import Run
from gans.config.stored import resumed
from gans.errors import UserError
from gans.files import undone_if_killed
from gans.locks import LOCK, check_unlocked, locked
from gans.runs.files import CONFIG, RunFiles
from gans.runs.saved import UNKNOWN, SavedRun, named
from gans.tracking.settings import TrackerSettings

log = logging.getLogger("gans")


@contextmanager
def run_directory(run: Run, writes: bool = True) -> Iterator[RunFiles]:
    """Claim the folder of a run; one that was made here and holds no checkpoint yet is removed again on an error.

    Args:
        writes: False for a process that leaves the writing to another.

    Raises:
        UserError: the folder holds something else, or there is nothing to resume, or it cannot be made.
    """
    if not writes:
        yield RunFiles(Path(run.run_dir or ""))
        return
    check_run_directory(run)
    path = new_folder(Path("runs") / run.name) if run.run_dir is None else Path(run.run_dir).expanduser()
    files, made = RunFiles(path), run.run_dir is None or not path.exists()

    def undo() -> None:
        if made and not files.has_checkpoint:
            shutil.rmtree(path, ignore_errors=True)

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path, "run_dir", make=True))
            check_run_directory(run, path)  # again: another process may have been here meanwhile
            files.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"run_dir={path}: it cannot be made ({error.strerror}).") from None
        stack.enter_context(undone_if_killed(undo))
        try:
            yield files
        except BaseException:
            undo()
            raise


def check_run_directory(run: Run, locked_here: Path | None = None) -> None:
    """Raise UserError where the folder cannot be claimed.

    Args:
        locked_here: the folder, where this process has its lock.
    """
    path = Path(run.run_dir or "").expanduser()
    if run.run_dir is not None and locked_here is None:
        check_unlocked(path, "run_dir")
    if run.trainer.resume:
        if run.run_dir is None:
            raise UserError("run_dir is not set: trainer.resume=true goes on with run_dir=DIR.")
        if not RunFiles(path).begun:
            raise UserError(f"run_dir={run.run_dir}: there is nothing to resume, it has no {CONFIG}.")
    elif (
        run.run_dir is not None
        and path.exists()
        and (not path.is_dir() or any(child.name != LOCK for child in path.iterdir()))
    ):
        raise UserError(
            f"run_dir={path}: it is not empty; choose another folder, or set trainer.resume=true to resume its run."
        )
    whole = (Path("runs") / run.name if run.run_dir is None else path).absolute()
    if match := re.search(r"\[[^/]+\]|\\", str(whole)):  # orbax looks for files by a pattern below it
        raise UserError(f"run_dir={whole}: checkpoints cannot be written below a name with {match[0]}; choose another.")


def stored_run(run: Run, overrides: list[str]) -> Run:
    """The run that lies in `run.run_dir`, with what was said on the command line of the keys that may change.

    Where none lies there, the run itself, for `check_run_directory` to refuse.

    Raises:
        UserError: an override contradicts the run, or it was made elsewhere and reads what nobody said here.
    """
    if run.run_dir is None or not RunFiles(Path(run.run_dir).expanduser()).begun:
        return run
    saved = SavedRun(Path(run.run_dir).expanduser())
    return resumed(saved.run if saved.made_here else _strangers(saved, overrides), run, overrides)


def _strangers(saved: SavedRun, overrides: list[str]) -> Run:
    """A run that was not made on this machine, without what would send anything away from here.

    Raises:
        UserError: it reads what is not said on the command line.
    """
    run = saved.run
    said = {override.lstrip("+").partition("=")[0] for override in overrides}
    if not run.data.self_contained and not (run.data.places() and set(run.data.places()) <= said):
        raise UserError(
            f"run_dir={saved.folder}: {UNKNOWN}, so {named(run.data)} from its config is not read; give it "
            f"again after data={component_name('data', type(run.data))} if you know what it is."
        )
    log.warning(
        "%s: %s; tracking is off and it trains in this process alone, unless tracker.*, logger and trainer.* say "
        "otherwise",
        saved.folder,
        UNKNOWN,
    )
    trainer = dataclasses.replace(run.trainer, coordinator=None, processes=1, process=0)
    return dataclasses.replace(run, trainer=trainer, tracker=TrackerSettings(mode="disabled"), logger={})


def new_folder(parent: Path) -> Path:
    """A folder named by the time, made at once.

    Raises:
        UserError: it cannot be made.
    """
    stem = parent / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for number in itertools.count():
        path = stem.with_name(f"{stem.name}_{number}") if number else stem
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"run_dir={path}: it cannot be made ({error.strerror}).") from None
        return path
    raise AssertionError("unreachable")
