"""The run that a person means: a folder, `last`, or the beginning of a name."""

import json
import logging
import os
from pathlib import Path

from gans.errors import UserError
from gans.runs.files import RunFiles

log = logging.getLogger("gans")

RUNS = Path("runs")  # where a run without run_dir goes
LAST = "last"
SHOWN = 5


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


def _unusual(files: RunFiles) -> str:
    """What a person should know who means another run: that this one was a trial, or is not completed."""
    typed = files.overrides.read_text(encoding="utf-8") if files.overrides.is_file() else ""
    trial = next((line.strip(" -") for line in typed.splitlines() if line.strip(" -").startswith("+debug=")), "")
    summary = json.loads(files.summary.read_text(encoding="utf-8")) if files.summary.is_file() else {}
    status = summary.get("status", "not ended")
    unusual = [*([f"a trial, {trial}"] if trial else []), *([status] if status != "completed" else [])]
    return f" ({', '.join(unusual)})" if unusual else ""


def find_run(text: str, key: str = "run") -> str:
    """The folder of a run: `text` where it is there, the newest run for `last`, or the one that begins with `text`.

    A beginning is one of the path, as in runs/tabular/2026, of the path below runs/, or of the name of the folder.
    Where nothing begins with it, `text` itself is returned, for the reader of runs to refuse.

    Args:
        text: what the user gave.
        key: under which it was given, for messages.

    Raises:
        UserError: there is no run at all, or several begin with `text`.
    """
    if not text or Path(text).expanduser().exists():
        return text
    folders = run_folders()
    if text == LAST:
        if not folders:
            raise UserError(f"{key}={text}: there is no run below {RUNS}/ here.")
        found = folders[:1]
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
            f"type more of the name, or {key}={LAST} for the newest run."
        )
    if not found:
        return text
    log.info("%s=%s is %s%s", key, text, found[0], _unusual(RunFiles(found[0])))
    return str(found[0])
