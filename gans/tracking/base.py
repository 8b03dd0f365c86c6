"""What a tracker is."""

from collections.abc import Mapping
from typing import Protocol


class Tracker(Protocol):
    """Takes the metrics of a run; called by one process, between blocks. The file, the terminal and W&B are such."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step."""
        ...
