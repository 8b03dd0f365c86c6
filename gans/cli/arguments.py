"""The files and folders that a command writes, and lists of names."""

import os
from pathlib import Path

from gans.config.names import split_list, unquoted
from gans.errors import UserError


def output_file(text: str) -> Path:
    """The file of a table that `out` names.

    Raises:
        UserError: no table is written to a file of that name, or its folder is not there.
    """
    from gans.data.formats import check_writable

    out = Path(text).expanduser()
    if text.endswith(("/", os.sep)):
        raise UserError(f"out={text}: it is a folder; a file is written, as in out={out / 'rows.csv'}.")
    check_writable(out)
    if not out.parent.is_dir():
        raise UserError(f"out={out}: there is no folder {out.parent}.")
    return out


def in_place_of(out: Path) -> str:
    """What is said beside a file that is about to be written: whether it replaces another one."""
    return ", in place of the file that was there" if out.exists() else ""


def run_folder(out: str | Path | None, run: str | Path) -> Path:
    """Where what is found by real rows goes: `out`, or the folder of the run unless that is private.

    Raises:
        UserError: the run is private, and `out` is not set or lies in it.
    """
    from gans.runs.files import RunFiles

    folder = output_folder(out or run)
    inside = Path(run).expanduser().resolve() in (folder.resolve(), *folder.resolve().parents)
    if inside and RunFiles(Path(run).expanduser()).privacy.is_file():
        raise UserError(
            f"out={folder}: the run is private and its folder may be handed out, but what is found by real rows is not "
            "private; set out=FOLDER elsewhere."
        )
    return folder


def output_folder(text: str | Path, empty: bool = False) -> Path:
    """The folder that `out` names, which need not be there; it is not made.

    Raises:
        UserError: it is a file, or, where it must be `empty`, it is not.
    """
    folder = Path(text).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"out={folder}: it is a file; a folder is needed.")
    if any(parent.is_file() for parent in folder.parents):
        raise UserError(f"out={folder}: a part of it is a file; a folder is needed.")
    if empty and folder.exists() and any(folder.iterdir()):
        raise UserError(f"out={folder}: it is not empty; choose another.")
    return folder


def listed(text: str) -> list[str]:
    """The names of a list, as in [a,b] or a,b; a name with a comma goes in quotes."""
    return [unquoted(name) for name in split_list(text)]
