"""Progress bars in a notebook, by IPython alone: rich's own ones need ipywidgets there, and show nothing without."""

import time
from typing import Any

from rich.progress import TaskID

from gans.tracking.bars import Bars

SECONDS = 0.2  # between two drawings of a bar that moves


class NotebookBars(Bars):
    """The bars as an output of the cell that is drawn anew as they move; what is printed meanwhile stands beside it."""

    _shown: Any = None
    _drawn = 0.0

    def start(self) -> None:
        """Show the bars."""
        if self.disable or self._shown is not None:
            return
        from IPython.display import display

        self._shown = display(self, display_id=True)

    def stop(self) -> None:
        """Draw the bars as they are at the end."""
        self.refresh()
        self._shown = None

    def refresh(self) -> None:
        """Draw the bars."""
        if self._shown is not None:
            self._shown.update(self)
            self._drawn = time.monotonic()

    def update(self, task_id: TaskID, **fields: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As that of rich; drawn at once where words change, else at most five times a second."""
        super().update(task_id, **fields)
        if "description" in fields or time.monotonic() - self._drawn > SECONDS:
            self.refresh()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """As that of rich; drawn at most five times a second."""
        super().advance(task_id, advance)
        if time.monotonic() - self._drawn > SECONDS:
            self.refresh()

    def remove_task(self, task_id: TaskID) -> None:
        """As that of rich, and drawn."""
        super().remove_task(task_id)
        self.refresh()
