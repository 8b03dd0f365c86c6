"""Ctrl-C and SIGTERM end a command in one line, wherever it is.

The first signal raises KeyboardInterrupt, so that what is half done is taken back on the way out. That does not always
come through: it waits while a program compiles or a query runs, and code in between may swallow it or turn it into an
error of its own. Where the process has not ended a few seconds later, or at a second signal, it ends at once: half
files are removed, children are ended, status 130. Training has handlers of its own, which let it write a checkpoint.
"""

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from gans.errors import INTERRUPTED

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SECONDS = 5.0  # for what is half done to be taken back


class Interrupts:
    """The signals that came to a command.

    Attributes:
        ending: whether one came that is to end it.
        over: whether its work is done, so that there is nothing left to end.
    """

    def __init__(self) -> None:
        self.ending, self.over = False, False
        self._count, self._remembered, self._shown = 0, False, False
        self._timer = threading.Timer(SECONDS, self.end_now)
        self._timer.daemon = True
        self._lock = threading.Lock()

    def handle(self, number: int, frame: Any) -> None:
        """The handler of a command."""
        if self.over:
            return
        self.ending = True
        if _imports(frame):  # a library that is half loaded may crash at an exception
            self.end_now()
        signal.default_int_handler(number, frame)

    def show(self) -> None:
        """Print the one line, once."""
        with self._lock:
            if not self._shown:
                self._shown = True
                with contextlib.suppress(OSError, ValueError):
                    sys.stdout.flush()
                with contextlib.suppress(OSError, ValueError):
                    print("interrupted", file=sys.stderr, flush=True)

    def watch(self, reader: int) -> None:
        """Read the numbers of signals as they come, also while the main thread is not in Python."""
        while number := os.read(reader, 1):
            if number[0] not in SIGNALS:
                continue
            if signal.getsignal(number[0]) != self.handle and not self._remembered:
                self._remembered = True  # training stops at the end of its block
                continue
            self.ending, self._count = True, self._count + 1
            if self._count > 1:
                self.end_now()
            self._timer.start()
        os.close(reader)

    def stop(self) -> None:
        """Nothing ends the process any more."""
        self._timer.cancel()

    def end_now(self) -> NoReturn:
        """End this process and its children."""
        self.show()
        leave(INTERRUPTED)


def _imports(frame: Any) -> bool:
    """Whether a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Within, signals end the command as said above; those that the caller ignores stay ignored."""
    out = Interrupts()
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield out
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hooks = sys.unraisablehook, threading.excepthook, sys.excepthook
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=out.watch, args=(reader,), daemon=True, name="signals").start()
    # a destructor, a thread or a call from C that an interrupt hits would print a traceback
    sys.unraisablehook = lambda found: None if out.ending else hooks[0](found)
    threading.excepthook = lambda found: None if out.ending else hooks[1](found)
    sys.excepthook = lambda *found: None if out.ending else hooks[2](*found)
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, out.handle)
        yield out
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        out.stop()
        sys.unraisablehook, threading.excepthook, sys.excepthook = hooks
        signal.set_wakeup_fd(wakeup)
        os.close(writer)  # which ends the thread


def ignore_signals() -> None:
    """From now on signals do nothing: the work is done, and the process is about to end."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def leave(status: int) -> NoReturn:
    """End the process after an interrupt with a status, without waiting for threads that still compute."""
    from gans.files import undo_all

    ignore_signals()
    undo_all()
    _end_children()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def end(status: int) -> NoReturn:
    """End the process after its work with a status.

    What is registered for the end is done, and nothing is taken apart in memory before the system takes it back, which
    would last most of a second. A thread that is still at work is waited for, as usual.
    """
    ignore_signals()
    if any(not one.daemon and one is not threading.main_thread() for one in threading.enumerate()):
        sys.exit(status)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # its reader has gone, or it was never opened
            sys.exit(status)
    os._exit(status)


def _end_children() -> None:
    """SIGTERM to the processes that this one started, where the system lists them."""
    for tasks in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in tasks.read_text().split():
                os.kill(int(child), signal.SIGTERM)
