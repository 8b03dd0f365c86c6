"""The run that a person means: a folder, `last`, or the beginning of a name."""

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from gans.errors import UserError
from gans.runs.files import RunFiles

log = logging.getLogger("gans")

RUNS = Path("runs")  # where a run without run_dir goes
LAST = "last"
SHOWN = 5
COMPLETED, INTERRUPTED, NOT_ENDED = "completed", "interrupted", "not ended"


def run_folders(parent: Path = RUNS) -> list[Path]:
    """The run directories below a folder, newest first, by the time when their config was written.

    What lies within a run directory, such as a run that was trained for comparison, is not among them.
    """
    found = []
    for folder, inner, _ in os.walk(parent):
        files = RunFiles(Path(folder))
        if files.begun:
            inner.clear()
            found.append((files.config.stat().st_mtime, folder))
    return [Path(folder) for _, folder in sorted(found, reverse=True)]


def _status(folder: Path) -> str:
    """How a run ended, as its summary says; NOT_ENDED without one."""
    summary = RunFiles(folder).summary
    return json.loads(summary.read_text(encoding="utf-8")).get("status", NOT_ENDED) if summary.is_file() else NOT_ENDED


def _unusual(folder: Path) -> str:
    """What a person should know who means another run: that this one was a trial, or is not completed."""
    overrides = RunFiles(folder).overrides
    typed = overrides.read_text(encoding="utf-8") if overrides.is_file() else ""
    trial = next((line.strip(" -") for line in typed.splitlines() if line.strip(" -").startswith("+debug=")), "")
    status = _status(folder)
    unusual = [*([f"a trial, {trial}"] if trial else []), *([status] if status != COMPLETED else [])]
    return f" ({', '.join(unusual)})" if unusual else ""


def _last(folders: Sequence[Path]) -> tuple[Path, str]:
    """The newest run that is completed, and a remark where another one is newer; the newest where none is."""
    newest, status = folders[0], _status(folders[0])
    last = next((folder for folder in folders if _status(folder) == COMPLETED), newest)
    how = {NOT_ENDED: "has not ended", INTERRUPTED: "was interrupted"}.get(status, status)
    return last, f"; {newest}, which is newer, {how}" if last != newest else ""


def find_run(text: str, key: str = "run", resumed: bool = False) -> str:
    """The folder of a run: `text` where it is there, the newest run for `last`, or the one that begins with `text`.

    `last` is the newest run that is completed, or the newest one where none is. A beginning is one of the path, as in
    runs/tabular/2026, of the path below runs/, or of the name of the folder. Where nothing begins with it, `text`
    itself is returned, for the reader of runs to refuse.

    Args:
        text: what the user gave.
        key: under which it was given, for messages.
        resumed: whether the run is to be continued, so that `last` is the newest one, completed or not.

    Raises:
        UserError: there is no run at all, or several begin with `text`.
    """
    if not text or Path(text).expanduser().exists():
        return text
    folders, newer = run_folders(), ""
    if text == LAST:
        if not folders:
            raise UserError(f"{key}={text}: there is no run below {RUNS}/ here.")
        last, newer = (folders[0], "") if resumed else _last(folders)
        found = [last]
    else:
        start = os.path.normpath(text)
        found = [
            folder
            for folder in folders
            if any(name.startswith(start) for name in (str(folder), str(folder.relative_to(RUNS)), folder.name))
        ]
    if len(found) > 1:
        more = f" and {len(found) - SHOWN} older ones" if len(found) > SHOWN else ""
        raise UserError(
            f"{key}={text}: {len(found)} runs begin so: {', '.join(map(str, found[:SHOWN]))}{more}; "
            f"type more of the name, or {key}={LAST} for the newest completed run."
        )
    if not found:
        return text
    log.info("%s=%s is %s%s%s", key, text, found[0], _unusual(found[0]), newer)
    return str(found[0])


def no_such_run(path: str | Path, key: str = "run") -> UserError:
    """The error of a folder that is not there, which names the newest runs."""
    newest = ", ".join(map(str, run_folders()[:SHOWN]))
    return UserError(f"{key}={path}: no such folder.{f' The newest runs are {newest}.' if newest else ''}")
