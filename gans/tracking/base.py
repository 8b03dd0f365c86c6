"""What a tracker is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """Takes what a run tells; called by one process, between blocks."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step."""
        ...

    def finish(self, summary: Mapping[str, Any], run_dir: Path, table: Any, figures: Mapping[str, bytes]) -> None:
        """The end: the summary, the run directory, a frame of sample rows and PNG figures by name."""
        ...
