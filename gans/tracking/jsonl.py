"""Metrics as a file: one line of JSON for each look of the host."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gans.artefacts import OBJECTS, check_bytes, parse_json, read_text, reading
from gans.files import write_text

History = Sequence[Mapping[str, Any]]
"""Metrics over the steps, a row for each look of the host."""


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
    """All whole lines; the last one may have been cut off by a kill.

    Raises:
        UserError: the file is too large, or a line has no step.
    """
    if not path.exists():
        return []
    with reading(path, "readable metrics"):
        text, rows = read_text(path), []
        check_bytes(path, OBJECTS * len(text))
        for line in text.splitlines():
            try:
                rows.append(parse_json(line))
            except ValueError:
                break
            if not isinstance(rows[-1], dict) or not isinstance(rows[-1].get("step"), int):
                raise ValueError(f"line {len(rows)} has no step")
        return rows


def series(history: History, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and finite values of one metric, each [points]."""
    rows = [(row["step"], row[key]) for row in history if row.get(key) is not None and math.isfinite(row[key])]
    steps, values = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    return steps, values
