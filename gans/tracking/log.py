"""The log of the package on the terminal."""

import logging
import sys

from gans.tracking.wrapped import wrapped


class _Stderr(logging.Handler):
    """Plain lines on what is the standard error at the time, on a terminal as wide as that."""

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        command = text.startswith("  ")  # to be pasted as it is
        print(text if command else wrapped(text, sys.stderr), file=sys.stderr)


def set_up_log() -> None:
    """Send the log of `gans` to the terminal, once."""
    log = logging.getLogger("gans")
    if not log.handlers:
        log.addHandler(_Stderr())
        log.setLevel(logging.INFO)
        log.propagate = False
    for name in ("jax", "absl", "orbax"):
        logging.getLogger(name).setLevel(logging.ERROR)
