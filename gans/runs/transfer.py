"""What a run takes over from the run that `transfer.run` names."""

import json
from typing import Any

from flax.serialization import to_state_dict

from gans.config.run import Run
from gans.files import write_text
from gans.runs.build import build
from gans.runs.files import RunFiles
from gans.runs.prepare import Prepared
from gans.runs.saved import SavedRun
from gans.training.carry import Carried, carry


def source_of(run: Run) -> SavedRun | None:
    """The run that is gone on with, if there is one.

    Raises:
        UserError: there is none in the folder that is named.
    """
    return SavedRun.open(run.transfer.run, "transfer.run") if run.transfer.run else None


def take_over(source: SavedRun, run: Run, ready: Prepared) -> Carried:
    """What the networks of a run and of the one before have in common.

    Raises:
        UserError: they are not of one kind and size, or a column that the settings name is not there.
    """
    state = to_state_dict(source.state)
    return carry(run.transfer, run.network, build(run, ready.condition), source.run.network, source.gan, state)


def write_transfer(files: RunFiles, carried: Carried, found: dict[str, Any]) -> None:
    """Write what was taken over, and what came of it."""
    stored = {"run": carried.settings.run, "columns": carried.lines} | found
    write_text(files.transfer, json.dumps(stored, indent=1, ensure_ascii=False) + "\n")
