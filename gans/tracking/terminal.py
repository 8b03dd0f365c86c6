"""The terminal: the one place through which progress and the stages of a run are shown."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from rich.console import Console

from gans.tracking.bars import Bars
from gans.tracking.notebook_bars import NotebookBars
from gans.words import mark

console = Console(stderr=True, highlight=False)
SHORT = {"column_distance": "columns", "pair_distance": "pairs"}
STAGES = {
    "read": mark("reading"),
    "compile": mark("compiling"),
    "train": mark("training"),
    "evaluate": mark("evaluating"),
    "refine": mark("refining"),
    "sample": mark("sampling"),
    "write": mark("writing"),
    "track": mark("tracking"),
}
"""What a run does with its time, one after the other, and what it says meanwhile."""


def quieten(quiet: bool = True) -> None:
    """Show no progress from now on, neither bars nor lines."""
    console.quiet = quiet


def watched() -> bool:
    """Whether a person looks on who can see a bar: at a terminal or in a notebook."""
    able = console.is_terminal and not console.is_dumb_terminal
    return (able or console.is_jupyter) and not console.quiet


def progress_bar(unit: str, live: bool) -> Bars:
    """A bar with what is done, in `unit`, the rate where one means something, and the times; nothing unless `live`."""
    return (NotebookBars if console.is_jupyter else Bars)(unit, console, live)


@contextmanager
def waiting(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Within, a line says what is done and for how long, where a person looks on; it goes away at the end.

    What it gives may be told how far that is: of what, how many, and of how many.
    """
    with progress_bar("", watched()) as bars:
        task = bars.add_task(what, total=None)
        try:
            yield lambda unit, done, total: bars.update(task, unit=unit, completed=done, total=total)
        finally:
            bars.remove_task(task)


class Terminal:
    """What a run does: a bar where a person looks on, else a line for each stage and each score.

    Attributes:
        live: whether there are bars.
    """

    def __init__(self, show: bool) -> None:
        self.show = show and not console.quiet
        self.live = show and watched()
        self.bars = progress_bar("steps", self.live)
        self._seconds: dict[str, float] = {}
        self._training = self._other = None
        self._stage, self._since, self._score = "", time.monotonic(), ""

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def train(self, steps: int, done: int, seeds: int) -> None:
        """Show the bar of training, `done` of its steps behind it already."""
        self._drop_other()
        self._score = "score" if seeds == 1 else "mean score"
        self._training = self.bars.add_task(STAGES[self._stage], total=steps, completed=done)

    def turn(self, stage: str, what: str = "") -> None:
        """Another stage begins.

        Args:
            stage: one of `STAGES`.
            what: is read, refined and so on.
        """
        self._seconds, self._since = self.times(), time.monotonic()
        first, self._stage = stage not in self._seconds, stage
        words = f"{STAGES[stage]} {what}".rstrip()
        if self._training is not None:
            self.bars.update(self._training, description=words)
        else:
            self._drop_other()
            self._other = self.bars.add_task(words, total=None, unit="")
        if self.show and not self.live and first and stage in ("compile", "refine", "sample"):
            console.print(words, soft_wrap=True)

    def times(self) -> dict[str, float]:
        """The seconds of each stage so far."""
        if not self._stage:
            return dict(self._seconds)
        more = self._seconds.get(self._stage, 0.0) + time.monotonic() - self._since
        return self._seconds | {self._stage: more}

    def stage_seconds(self) -> dict[str, float]:
        """The same for a summary, by `STAGE_seconds`; what trackers took is not the run's."""
        return {f"{stage}_seconds": round(seconds, 2) for stage, seconds in self.times().items() if stage != "track"}

    def part(self, what: str, done: int, total: int) -> None:
        """So much of a part of the stage is done."""
        if self._other is not None:
            self.bars.update(self._other, completed=done, total=total, unit=what)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Move the bar of training; where there is none, print the score."""
        if self._training is None:
            return
        score = metrics.get("holdout/score")
        self.bars.update(self._training, completed=step)
        if score is not None:
            self.bars.update(self._training, note=f"{self._score} {score:.4f}")
        scores = {name[8:]: value for name, value in metrics.items() if name.startswith("holdout/")}
        if self.show and not self.live and scores:
            shown = "  ".join(f"{SHORT.get(name, name)} {value:.4f}" for name, value in scores.items())
            console.print(f"step {step:,}  {shown}  {metrics['seconds']:.0f} s", soft_wrap=True)

    def trained(self) -> None:
        """Training is over; its bar stays."""
        if self._training is not None:
            done = next(task.finished for task in self.bars.tasks if task.id == self._training)
            self.bars.update(self._training, description="trained" if done else "stopped")
            self.bars.stop_task(self._training)
            self._training = None

    def close(self) -> None:
        """Take down what moves; the bar of training stays as it is."""
        self._drop_other()
        self.bars.stop()

    def _drop_other(self) -> None:
        if self._other is not None:
            self.bars.remove_task(self._other)
            self._other = None
