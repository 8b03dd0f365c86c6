"""Where the runs of a comparison come from: run directories, or a Weights & Biases project."""

import glob
from pathlib import Path

from gans.comparison.wandb_runs import read_project
from gans.config.names import split_list, unquoted
from gans.errors import UserError
from gans.runs.files import CONFIG, RunFiles
from gans.runs.record import RunRecord, read_record


def read_runs(pattern: str) -> list[RunRecord]:
    """Runs that match: directories or globs joined by commas, or wandb:ENTITY/PROJECT. A folder of runs is searched.

    A path that holds a comma stands alone, or in quotes.

    Raises:
        UserError: nothing matches, or a run cannot be read.
    """
    if pattern.startswith("wandb:"):
        return read_project(pattern.removeprefix("wandb:"))
    folders: list[Path] = []
    for part in [pattern] if Path(pattern).expanduser().exists() else map(unquoted, split_list(pattern)):
        here = Path(part).expanduser()
        matches = [here] if here.exists() else [Path(match) for match in sorted(glob.glob(str(here)))]  # noqa: PTH207
        here = [path for path in matches if RunFiles(path).begun]
        if not here:
            here = sorted({config.parent for path in matches for config in path.rglob(CONFIG)})
        if not here:
            raise UserError(f"runs={part}: no run directory there; a run directory contains {CONFIG}.")
        folders += [path for path in here if path not in folders]
    return [read_record(path) for path in folders]
