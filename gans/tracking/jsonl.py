"""metrics.jsonl: one line of JSON a look of the host."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.files import write_text


class JsonLines:
    """Appends metrics to a file. A resumed run drops the lines that lie beyond the step it goes on from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Any = None

    def rewind(self, step: int) -> None:
        """Keep the lines up to a step and open the file behind them."""
        kept = [row for row in read_lines(self.path) if row["step"] <= step] if step else []
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in kept))
        self.file = self.path.open("a")

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Append one line and flush it."""
        self.file.write(json.dumps({"step": step, **metrics}) + "\n")
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        if self.file:
            self.file.close()


def read_lines(path: Path) -> list[dict[str, float]]:
    """All whole lines; the last one may have been cut off by a kill."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
