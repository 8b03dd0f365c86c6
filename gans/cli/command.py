"""One clear message for a mistake, and the exit status."""

import errno
import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from gans.cli.interrupts import Interrupts, end, interrupts, leave
from gans.errors import INTERRUPTED, USER_MISTAKE, UserError, out_of_memory
from gans.tracking.wrapped import wrapped


def main_command(call: Callable[[], int]) -> NoReturn:
    """Run a command as `python -m gans.NAME` does, and end the process."""
    with interrupts() as seen:
        status = _run(call, seen)
        seen.stop()
        if seen.ending:
            leave(status)
    end(status)


def run_command(call: Callable[[], int]) -> int:
    """Run a command; the exit status.

    A user's mistake, a full disk and too little memory give one message and 2, Ctrl-C and SIGTERM give 130.
    """
    with interrupts() as seen:
        return _run(call, seen)


def _run(call: Callable[[], int], seen: Interrupts) -> int:
    try:
        status = call()
        seen.over = True
        return INTERRUPTED if seen.ending and status else status
    except KeyboardInterrupt:
        seen.over = seen.ending = True
        seen.show()
        return INTERRUPTED
    except Exception as error:
        seen.over = True
        if seen.ending:  # what an interrupt became on its way
            seen.show()
            return INTERRUPTED
        return _failed(error)


def _failed(error: Exception) -> int:
    """Print what a user can mend, and the status; anything else is raised again."""
    if logging.getLogger("gans").level == logging.DEBUG:  # -v
        traceback.print_exception(error)
    if isinstance(error, UserError):
        print(wrapped(f"error: {error}", sys.stderr), file=sys.stderr)
        return USER_MISTAKE
    if isinstance(error, BrokenPipeError):  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    unwritable = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM)
    if isinstance(error, OSError) and error.errno in unwritable:
        print(
            f"error: cannot write {error.filename or ''}: {os.strerror(error.errno)}; existing files are intact.",
            file=sys.stderr,
        )
        return USER_MISTAKE
    if out_of_memory(error):
        print(
            "error: not enough memory; ask for fewer rows. Existing files are intact.",
            file=sys.stderr,
        )
        return USER_MISTAKE
    raise error
