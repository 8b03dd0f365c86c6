"""Where the runs of a comparison come from: run directories, or a Weights & Biases project."""

import glob
from pathlib import Path

from gans.comparison.wandb_runs import read_project
from gans.errors import UserError
from gans.runs.files import CONFIG, RunFiles
from gans.runs.record import RunRecord, read_record


def read_runs(pattern: str) -> list[RunRecord]:
    """Runs that match: directories or globs joined by commas, or wandb:ENTITY/PROJECT. A folder of runs is searched.

    Raises:
        UserError: nothing matches, or a run cannot be read.
    """
    if pattern.startswith("wandb:"):
        return read_project(pattern.removeprefix("wandb:"))
    folders: list[Path] = []
    for part in filter(None, pattern.split(",")):
        matches = [Path(match) for match in sorted(glob.glob(str(Path(part).expanduser())))]  # noqa: PTH207
        here = [path for path in matches if RunFiles(path).begun]
        if not here:
            here = sorted({config.parent for path in matches for config in path.rglob(CONFIG)})
        if not here:
            raise UserError(f"runs={part}: no run directory there; one holds {CONFIG}.")
        folders += [path for path in here if path not in folders]
    return [read_record(path) for path in folders]
