"""Everything that tracks a run beside its files: Weights & Biases, and the loggers that were chosen."""

from collections.abc import Mapping

from gans.tracking.base import Logger, RunEnd, RunStart, RunTracker
from gans.tracking.guard import Guard
from gans.tracking.settings import TrackerSettings
from gans.tracking.weights_and_biases import WeightsAndBiases


def settled_loggers(loggers: Mapping[str, Logger]) -> dict[str, Logger]:
    """The loggers with their ids.

    Raises:
        UserError: a package that one of them needs is not installed.
    """
    for logger in loggers.values():
        logger.check()
    return {name: logger.identified() for name, logger in loggers.items()}


class Trackers:
    """Weights & Biases and loggers as one. What fails is said once, and the others go on."""

    def __init__(self, settings: TrackerSettings, mode: str, loggers: Mapping[str, Logger], start: RunStart) -> None:
        self.all: list[RunTracker] = [
            WeightsAndBiases(settings, mode, start),
            *(_Guarded(name, logger, start) for name, logger in loggers.items()),
        ]

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step."""
        for one in self.all:
            one.log(metrics, step)

    def finish(self, end: RunEnd) -> None:
        """What the run leaves."""
        for one in self.all:
            one.finish(end)


class _Guarded:
    """A logger's tracker, begun at once."""

    def __init__(self, name: str, logger: Logger, start: RunStart) -> None:
        self.attempt = Guard(name)
        self.tracker: RunTracker

        def begin() -> None:
            self.tracker = logger.start(start)

        self.attempt(begin)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self.attempt(lambda: self.tracker.log(metrics, step))

    def finish(self, end: RunEnd) -> None:
        self.attempt(lambda: self.tracker.finish(end))
