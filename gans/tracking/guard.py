"""Calls that may fail without ending a run."""

import logging
from collections.abc import Callable

log = logging.getLogger("gans")


class Guard:
    """Makes calls until one fails; that is said in one line, and later calls are left out."""

    def __init__(self, name: str) -> None:
        self.name, self.failed = name, False

    def __call__(self, call: Callable[[], None]) -> None:
        """Call unless an earlier call failed."""
        if self.failed:
            return
        try:
            call()
        except Exception as error:
            self.failed = True
            reason = (str(error).strip() or repr(error)).split("\n", 1)[0]
            log.warning(
                "%s: tracking failed and is off from here on; training continues, and metrics.jsonl "
                "has everything (%s)",
                self.name,
                reason,
            )
