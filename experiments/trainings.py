"""What the studies share: a training that is done once, and its scores by seed and step."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gans.errors import UserError
from gans.files import write_text
from gans.tracking.jsonl import read_lines


def call(module: str, *arguments: str, folder: Path | None = None) -> None:
    """Run a command of gans to its end, in a folder.

    Raises:
        UserError: it failed; a run that diverged has not, it counts.
    """
    status = subprocess.run([sys.executable, "-m", f"gans.{module}", *arguments], cwd=folder).returncode
    if status == 130:
        raise KeyboardInterrupt
    if status not in (0, 3):
        raise UserError(f"exit status {status} of: python -m gans.{module} {' '.join(arguments)}")


def train(run_dir: Path, *overrides: str) -> None:
    """Train a run unless it came to its end already; one that was interrupted goes on.

    Raises:
        UserError: it failed.
    """
    summary = run_dir / "summary.json"
    if summary.is_file() and json.loads(summary.read_text())["status"] != "interrupted":
        return
    resume = str((run_dir / "config.yaml").is_file()).lower()
    call("train", *overrides, "tracker.mode=disabled", f"run_dir={run_dir}", f"trainer.resume={resume}")


def scores(run_dir: Path) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """The summary of a run, and a row {seed, step, score name: value} for each seed at each step that was scored.

    A run whose losses ceased to be finite has the rows up to there.
    """
    summary = json.loads((run_dir / "summary.json").read_text())
    rows: list[dict[str, float]] = []
    for line in read_lines(run_dir / "metrics.jsonl"):
        by_seed: dict[int, dict[str, float]] = {}
        for key, value in line.items():
            seed, _, name = key.partition("/holdout/")
            if name and seed.startswith("seed"):
                by_seed.setdefault(int(seed[4:]), {})[name] = value
        rows += [{"seed": seed, "step": line["step"], **found} for seed, found in sorted(by_seed.items())]
    return summary, rows


def write_csv(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Rows as a CSV file; the columns are those of the first."""
    rows = list(rows)
    shown = [
        ",".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in row.values()) for row in rows
    ]
    write_text(path, "\n".join([",".join(rows[0]), *shown]) + "\n")
