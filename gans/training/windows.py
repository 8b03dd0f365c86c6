"""Training rows that come in windows: what is on the device at a step, and the next one that is made meanwhile."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gans.training.step import Rows


@dataclass(frozen=True)
class Windows:
    """Windows of training rows, all of one size.

    Attributes:
        load: the rows of a window, by its number.
        steps: that a window serves.
    """

    load: Callable[[int], Rows]
    steps: int


class Feed:
    """The window of each step, on the device. A thread makes the next one while this one is trained on."""

    def __init__(self, windows: Windows, put: Callable[[Any], Any]) -> None:
        self.windows, self.put = windows, put
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="windows")
        self.number, self.rows = -1, None
        self.ahead: tuple[int, Future[Any]] | None = None

    def at(self, step: int) -> Any:
        """The rows of a step; steps are asked for in ascending order."""
        number = step // self.windows.steps
        if number != self.number:
            future = self.ahead[1] if self.ahead and self.ahead[0] == number else self._make(number)
            self.number, self.rows = number, None  # its memory is free before the next one is there
            self.rows = self.put(future.result())
            self.ahead = number + 1, self._make(number + 1)
        return self.rows

    def close(self) -> None:
        """Stop the thread."""
        self.pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, number: int) -> Future[Any]:
        return self.pool.submit(self.windows.load, number)
