"""The terminal: a progress bar with rate, time left and score, and plain lines."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

console = Console(stderr=True, highlight=False)
SHORT = {"column_distance": "columns", "pair_distance": "pairs"}


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} {self.unit}/s" if task.speed else "...")


def progress_bar(unit: str, live: bool, *more: ProgressColumn) -> Progress:
    """A bar with what is done, the rate in `unit` a second and the time left; nothing unless `live`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}/{task.total:,}"),
        _Rate(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        *more,
    )
    return Progress(*columns, console=console, disable=not live)


class Terminal:
    """A bar where a person looks on, else a line at each score."""

    def __init__(self, show: bool) -> None:
        self.show = show
        self.live = show and console.is_terminal
        self.progress = progress_bar("steps", self.live, TextColumn("{task.fields[score]}"))
        self.task = None

    def start(self, name: str, steps: int, done: int) -> None:
        """Show the bar, `done` of `steps` behind it already."""
        self.task = self.progress.add_task(name, total=steps, completed=done, score="")
        self.progress.start()

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Move the bar; where there is none, print the score."""
        if self.task is None:
            return
        score = metrics.get("holdout/score")
        self.progress.update(self.task, completed=step)
        if score is not None:
            self.progress.tasks[0].fields["score"] = f"score {score:.4f}"
        scores = {name[8:]: value for name, value in metrics.items() if name.startswith("holdout/")}
        if self.show and not self.live and scores:
            shown = "  ".join(f"{SHORT.get(name, name)} {value:.4f}" for name, value in scores.items())
            console.print(f"step {step:,}  {shown}  {metrics['seconds']:.0f} s", soft_wrap=True)

    def close(self) -> None:
        """Take the bar down."""
        self.progress.stop()
