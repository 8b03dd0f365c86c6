"""A folder that one process writes at a time.

The lock is that of the system on a file in the folder (flock; on NFS the byte-range lock that stands for it there, on
Windows msvcrt.locking), which ends with the process that has it, however that ends. The file is removed with the lock.
Where a file system has no locks, there are none.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from gans.errors import UserError
from gans.files import undone_if_killed

LOCK = ".lock"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextlib.contextmanager
def locked(folder: Path, key: str, make: bool = False) -> Iterator[None]:
    """Keep other processes from writing a folder.

    Args:
        key: under which the folder was given, for the message.
        make: the folder, where it is not there.

    Raises:
        UserError: another process is writing it.
        OSError: the folder cannot be made or written.
    """
    lock = _Lock(folder)
    with undone_if_killed(lock.release):  # before anything is made: a signal may come between any two lines
        try:
            lock.acquire(key, make)
            yield
        finally:
            lock.release()


def check_unlocked(folder: Path, key: str) -> None:
    """Raise UserError where a process is writing a folder, which need not be there."""
    if (folder / LOCK).is_file() and os.access(folder, os.W_OK):
        with locked(folder, key):
            pass


class _Lock:
    """The lock of a folder, and what was made for it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / LOCK
        self._file: IO[str] | None = None
        self._makes = self._opens = False

    def acquire(self, key: str, make: bool) -> None:
        """Have the lock, or raise UserError; see `locked`."""
        while self._file is None:
            if make and not self._folder.exists():
                self._makes = True
                self._folder.mkdir(parents=True, exist_ok=True)
            self._opens = True
            try:
                file = self._path.open("a+", encoding="utf-8")
            except FileNotFoundError:
                if make:  # removed by the process that had made it
                    continue
                raise
            try:
                if not _lock(file):
                    file.seek(0)
                    who = file.read(200).strip() or "its number is not known"
                    raise UserError(
                        f"{key}={self._folder}: another process ({who}) is writing it; wait for it, or end it."
                    )
                with contextlib.suppress(OSError):  # of a file that was removed meanwhile, others do not see the lock
                    if os.path.samestat(os.fstat(file.fileno()), self._path.stat()):
                        self._file = file
                        file.truncate(0)
                        file.write(f"{os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M:%S}")
                        file.flush()
            finally:
                if self._file is not file:
                    file.close()

    def release(self) -> None:
        """Remove the lock, a file for it that no process has locked, and a folder that was made for it and is empty."""
        file, opens, self._file, self._opens = self._file, self._opens, None, False
        with contextlib.suppress(OSError):
            if file is not None:
                with contextlib.closing(file):
                    self._path.unlink()
            elif opens:
                with self._path.open("r+", encoding="utf-8") as left:
                    if _lock(left):
                        self._path.unlink()
        if self._makes:
            with contextlib.suppress(OSError):
                self._folder.rmdir()


def _lock(file: IO[str]) -> bool:
    """Whether this process has the lock of a file now."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            file.seek(2**20)  # beyond what is read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return True
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True
