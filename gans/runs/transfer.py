"""What a run takes over from the run that `transfer.run` names."""

import json
from typing import Any

import pyarrow as pa
from flax.serialization import to_state_dict

from gans.config.run import Run
from gans.errors import UserError
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


def replayed(source: SavedRun, run: Run, training: pa.Table) -> pa.Table:
    """Rows of the earlier generator, in the columns and types of the training rows, so many that they have the share.

    Raises:
        UserError: a column is not in its rows, or of a type that cannot be brought into this one.
    """
    share, names = run.transfer.replay, training.column_names
    rows = round(training.num_rows * share / (1 - share))
    made = source.sampler().sample(max(rows, 1), run.seed)
    earlier = {name: run.transfer.columns.get(name, name) for name in names}
    for name, other in earlier.items():
        if other not in made.column_names:
            raise UserError(
                f"transfer.replay={share:g}: column '{name}' is not in the rows of transfer.run={run.transfer.run}, "
                f"which have {', '.join(made.column_names)}. Set transfer.replay=0, or leave it out by data.drop."
            )
    try:
        return pa.table({name: made[other].cast(training[name].type) for name, other in earlier.items()})
    except pa.ArrowException as error:
        raise UserError(f"transfer.replay={share:g}: {str(error).splitlines()[0]}.") from None


def write_transfer(files: RunFiles, carried: Carried, found: dict[str, Any]) -> None:
    """Write what was taken over, and what came of it."""
    stored = {"run": carried.settings.run, "columns": carried.lines} | found
    write_text(files.transfer, json.dumps(stored, indent=1, ensure_ascii=False) + "\n")
