"""One clear message for a mistake, and the exit status."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable

from gans.errors import INTERRUPTED, USER_MISTAKE, UserError, out_of_memory


def run_command(call: Callable[[], int]) -> int:
    """Run a command; the exit status.

    A user's mistake, a full disk and too little memory give one message and 2, Ctrl-C and SIGTERM give 130.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return call()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EPERM):
            raise
        print(
            f"error: cannot write {error.filename or ''}: {os.strerror(error.errno)}; "
            "what was written before is whole.",
            file=sys.stderr,
        )
    except Exception as error:
        if not out_of_memory(error):
            raise
        print(
            "error: there is not enough memory for this; ask for fewer rows. What was written before is whole.",
            file=sys.stderr,
        )
    return USER_MISTAKE
