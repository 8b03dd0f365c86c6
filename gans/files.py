"""Files that are whole or not there: written to a temporary name, then renamed.

A temporary name says which process it belongs to. What a process that was killed left behind is taken away by the next
one that writes to the same place; what belongs to a living one is left alone.
"""

import contextlib
import os
import re
import shutil
import socket
import tempfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

_undoing: dict[object, Callable[[], Any]] = {}


@contextlib.contextmanager
def undone_if_killed(undo: Callable[[], Any]) -> Iterator[None]:
    """While something is half done: `undo` is called by `undo_all`, where the process ends without unwinding."""
    key = object()
    _undoing[key] = undo
    try:
        yield
    finally:
        _undoing.pop(key, None)


def undo_all() -> None:
    """Take back what is half done, the latest first; the process ends after it."""
    for undo in reversed(list(_undoing.values())):
        with contextlib.suppress(Exception):
            undo()


@contextlib.contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A folder that is removed behind it, and the like-named ones of processes that were killed before it.

    Args:
        parent: that of the system for temporary files unless given.
    """
    where = Path(tempfile.gettempdir()) if parent is None else parent
    remove_stale(where, prefix, "")
    folder = Path(tempfile.mkdtemp(dir=where, prefix=f"{prefix}{_owner()}-"))
    with undone_if_killed(lambda: shutil.rmtree(folder, ignore_errors=True)):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def write_atomic(path: Path, write: Callable[[Path], Any]) -> None:
    """Call `write` with a temporary path beside `path`, then rename it. On an error nothing stays behind."""
    path = Path(path)
    prefix = f".{path.stem[:100]}-"
    remove_stale(path.parent, prefix, path.suffix)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{prefix}{_owner()}-", suffix=path.suffix)
    temporary = Path(name)
    with undone_if_killed(lambda: temporary.unlink(missing_ok=True)):
        try:
            os.close(handle)
            write(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        except OSError as error:
            error.filename = str(path)  # not the temporary name, and pyarrow gives none
            raise
        finally:
            temporary.unlink(missing_ok=True)


def remove_stale(folder: Path, prefix: str, suffix: str) -> None:
    """Remove temporary files and folders of this name whose process, of this machine, is not there any more."""
    machine, name = (
        _owner().split("-")[0],
        re.compile(rf"{re.escape(prefix)}([0-9a-f]{{8}})-(\d+)-\w{{8}}{re.escape(suffix)}"),
    )
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            match = name.fullmatch(entry.name)
            if not match or match[1] != machine or is_alive(int(match[2])):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number on this machine; where that cannot be asked, it is said to be."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _owner() -> str:
    """The machine, or the container on it, and this process."""
    space = ""
    with contextlib.suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{zlib.crc32(f'{socket.gethostname()} {space}'.encode()):08x}-{os.getpid()}"


def write_text(path: Path, text: str) -> None:
    """Write text atomically, in UTF-8."""
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_table(path: Path, table: Any) -> None:
    """Write an Arrow table as a Parquet file, atomically."""
    write_tables(path, iter([table]))


def write_tables(path: Path, tables: Iterator[Any]) -> None:
    """Write Arrow tables, at least one and all of one schema, end to end as one Parquet file, atomically.

    Only one table is held at a time; each is a row group.
    """

    def write(temporary: Path) -> None:
        import pyarrow.parquet as pq

        first = next(tables)
        with pq.ParquetWriter(temporary, first.schema, compression="zstd") as writer:
            for table in chain([first], tables):
                writer.write_table(table)

    write_atomic(path, write)
