"""What a tracker is, and what a logger of a run is told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self


class Tracker(Protocol):
    """Takes the metrics of a run; called by one process, between blocks. The file, the terminal and W&B are such."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step."""
        ...


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """What is known when a run begins.

    Attributes:
        name: of the variant.
        config: the whole config, as YAML.
        run_dir: the folder of the run.
        goals: by metric whether its best value is the largest ("max") or the smallest ("min").
    """

    name: str
    config: str
    run_dir: Path
    goals: Mapping[str, str] = field(default_factory=dict)


def no_figures() -> Mapping[str, bytes]:
    """The figures of a run that draws none."""
    return {}


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """What a run leaves.

    Attributes:
        summary: status, steps, seconds, scores, versions.
        best: the best value of each metric that has a goal, over all steps.
        generator: the files and folders that a sampler needs, and the model card.
        samples: a pandas frame of generated rows; None where nothing was sampled.
        figures: draws figures as PNG, by name.
    """

    summary: Mapping[str, Any]
    best: Mapping[str, float] = field(default_factory=dict)
    generator: Iterable[Path] = ()
    samples: Any = None
    figures: Callable[[], Mapping[str, bytes]] = no_figures


class RunTracker(Tracker, Protocol):
    """A tracker of a whole run. Whatever it raises is said once, and the run goes on without it."""

    def finish(self, end: RunEnd) -> None:
        """Summary, sample rows, figures and the generator; nothing is logged after it."""
        ...


@dataclass(kw_only=True)
class Logger:
    """Settings of a logger, chosen by `logger=[NAME]`."""

    def check(self) -> None:
        """Raise UserError where what it needs is not installed; called before anything is trained."""

    def identified(self) -> Self:
        """The settings as config.yaml keeps them, with an id where a resumed run needs one to go on."""
        return self

    def start(self, start: RunStart) -> RunTracker:
        """Begin a run there."""
        raise NotImplementedError(f"{type(self).__name__} starts nothing")
