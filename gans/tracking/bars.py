"""Progress bars of one line each, as wide as the terminal: what is done, how far it is, how fast, and how long."""

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import Progress, Task
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

GAP = 2  # between what stands side by side
LEAST_BAR, MOST_BAR = 8, 40
PERIOD = 600.0  # seconds that the rate is of: steps of large networks come in blocks of minutes
LEAST_WORDS = 10  # letters, so that the bar stays in its place while stages change
LONGEST_WORDS = 3  # of what is done: at most a third of the line
RATED = {"steps", "rows", "customers", "trees"}  # units that are like each other, so that a rate means something


class Bars(Progress):
    """Bars of one unit. A task may have a `note`, such as a score, at its end, and a `unit` of its own.

    A line never wraps: where the terminal is narrow, first the rate goes, then the bar, then the note.
    """

    def __init__(self, unit: str, console: Console, live: bool) -> None:
        self.unit, self.screen = unit, console  # which Progress draws on before it is set up
        super().__init__(console=console, speed_estimate_period=PERIOD, disable=not live)

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        """The lines of all tasks, their bars below each other."""
        shown, width = [task for task in tasks if task.visible], self.screen.width
        words = [shortened(task.description, max(width // LONGEST_WORDS, 1)) for task in shown]
        left = max([LEAST_WORDS, *map(cell_len, words)])
        told = [self._told(task, width - left - 2 * GAP - LEAST_BAR) for task in shown]
        room = width - left - 2 * GAP - max(map(len, told), default=0)
        grid = Table.grid(padding=0)
        for _ in range(3):
            grid.add_column(no_wrap=True, overflow="crop")
        for task, text, rest in zip(shown, words, told, strict=True):
            bar = _bar(task, min(room, MOST_BAR)) if room >= LEAST_BAR else ""
            cells = set_cell_size(text, left + GAP), bar, f"{' ' * GAP * bool(bar)}{rest}"
            grid.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
        return grid

    def _told(self, task: Task, room: int) -> str:
        """What stands behind a bar, without what there is no room for."""
        unit = task.fields.get("unit", self.unit)
        parts = [_count(task, unit), _rate(task, unit), _times(task), task.fields.get("note", "")]
        for optional in (1, 3, 0):
            if len(_joined(parts)) <= room:
                break
            if optional == 3 and len(_joined(parts)) <= room + LEAST_BAR + GAP:  # the bar goes before the note
                break
            parts[optional] = ""
        return _joined(parts)


def shortened(text: str, most: int) -> str:
    """A text without its middle where it is too long, in cells of the terminal."""
    if cell_len(text) <= most:
        return text
    head = max((most - 3) // 2, 0)
    tail = max(most - 3 - head, 0)
    return f"{set_cell_size(text, head)}...{set_cell_size(text[::-1], tail)[::-1]}"


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:05 or 3:20:00."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _joined(parts: list[str]) -> str:
    return (" " * GAP).join(part for part in parts if part)


def _bar(task: Task, width: int) -> ProgressBar:
    waits = not task.started or task.total is None
    return ProgressBar(task.total or 100, 0 if waits else task.completed, width, waits, animation_time=task.get_time())


def _count(task: Task, unit: str) -> str:
    if task.total is None:
        return ""
    if unit == "%":
        return f"{task.percentage:.0f}%"
    return f"{task.completed:,.0f}/{task.total:,.0f} {unit}"


def _rate(task: Task, unit: str) -> str:
    """So many a second, or so many seconds each; nothing of units that take unlike times."""
    speed = task.finished_speed or task.speed
    if not speed or unit not in RATED:
        return ""
    if speed < 1:
        return f"{1 / speed:.1f} s each"
    return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s"


def _times(task: Task) -> str:
    elapsed, left = task.finished_time if task.finished else task.elapsed, task.time_remaining
    text = clock(elapsed or 0)
    return f"{text}, {clock(left)} left" if left and not task.finished and task.stop_time is None else text
