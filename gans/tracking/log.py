"""The log of the package on the terminal."""

import contextlib
import logging
import sys
from collections.abc import Iterator

from gans.tracking.wrapped import wrapped

RESULT = logging.INFO + 5
"""The level of a line that a quiet command prints too: how a run went, and where its files are."""


class _Stderr(logging.Handler):
    """Plain lines on what is the standard error at the time, on a terminal as wide as that.

    A notebook shows what comes from there as a mistake; its lines go to the standard output.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text, stream = self.format(record), sys.stdout if "ipykernel" in sys.modules else sys.stderr
        command = text.startswith("  ")  # to be pasted as it is
        print(text if command else wrapped(text, stream), file=stream)


def set_up_log(level: int | None = None) -> None:
    """Send the log of `gans` to the terminal, once.

    Args:
        level: of what is shown: logging.INFO unless given; DEBUG puts the seconds before each line, and shows the
            warnings of JAX and Orbax; RESULT shows results, warnings and mistakes, and no progress.
    """
    log = logging.getLogger("gans")
    if not log.handlers:
        log.addHandler(_Stderr())
        log.propagate = False
        log.setLevel(logging.INFO)
    if level is not None:
        log.setLevel(level)
        debug = level <= logging.DEBUG
        for handler in log.handlers:
            handler.setFormatter(_Seconds() if debug else None)
        if level > logging.INFO:
            from gans.tracking.terminal import quieten

            quieten()
    for name in ("jax", "absl", "orbax", "matplotlib"):
        logging.getLogger(name).setLevel(logging.WARNING if log.level <= logging.DEBUG else logging.ERROR)


@contextlib.contextmanager
def silenced(silent: bool) -> Iterator[None]:
    """While it lasts, where `silent`: no lines but warnings, and no progress."""
    from gans.tracking.terminal import console

    log = logging.getLogger("gans")
    level, quiet = log.level, console.quiet
    if silent:
        log.setLevel(max(level, logging.WARNING))
        console.quiet = True
    try:
        yield
    finally:
        log.setLevel(level)
        console.quiet = quiet


class _Seconds(logging.Formatter):
    """The seconds since the start before the line."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.relativeCreated / 1000:7.2f} s  {super().format(record)}"
