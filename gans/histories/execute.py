"""A run of histories: customers first, then each chain of their events."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa

from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.data.customer_histories import Histories, Log
from gans.errors import UserError
from gans.files import write_text
from gans.histories.contexts import parent_columns
from gans.histories.learn import learn_chain
from gans.histories.saved import CUSTOMERS, write_shapes
from gans.runs.directory import run_directory
from gans.runs.execute import Reporter, Result, execute
from gans.training.loop import COMPLETED

log = logging.getLogger("gans")


def execute_histories(run: Run, show: bool = True, report: Reporter | None = None) -> Result:
    """Train customers and chains, and write the run's directory: a folder for each, and how they go together.

    Raises:
        UserError: as `execute`; or a part of the config does not go with histories.
    """
    data = run.data
    assert isinstance(data, Histories)
    if run.trainer.seeds > 1:
        raise UserError(f"trainer.seeds={run.trainer.seeds}: data=histories trains one seed.")
    with run_directory(run) as files, data.opened() as histories:
        for shape in histories.shapes:
            log.info(shape.said())
        write_text(files.config, to_yaml(dataclasses.replace(run, run_dir=str(files.folder))))
        numbered = histories.people.append_column("place", pa.array(np.arange(histories.people.num_rows)))
        training = np.sort(data.cut(numbered)[0]["place"].to_numpy())
        places, logs = histories.logs(training, data.events, data.lines, data.split_seed)
        if len(places) < len(training):
            log.info(
                "events of %s of %s customers are learnt from (data.events, data.lines)",
                f"{len(places):,}",
                f"{len(training):,}",
            )
        result = execute(_part(run, files.folder / CUSTOMERS), histories.people, show, report=report)
        people = histories.people.take(pa.array(places))
        for one in logs:
            for children, parents in _parents(one, people):
                if result.status != COMPLETED:
                    return result
                outcome = learn_chain(run, children, parents, files.folder / children.chain.name, show)
                result = dataclasses.replace(result, summary=result.summary | {"status": outcome.status})
        write_shapes(files.folder, histories.shapes)
        return dataclasses.replace(result, run_dir=files.folder)


def _part(run: Run, folder: Path) -> Run:
    """The run of a part, in a folder of its own."""
    trainer = dataclasses.replace(run.trainer, resume=run.trainer.resume and folder.exists())
    return dataclasses.replace(run, run_dir=str(folder), name=folder.name, trainer=trainer)


def _parents(one: Log, people: pa.Table) -> list[tuple]:
    """The chains of a log, with the columns of their parents that children may depend on."""
    shape, events = one.shape, one.events
    parents = people.select(parent_columns(people, shape.kind, shape.events.totals))
    chains = [(events, parents)]
    if one.lines:
        of_event = parents.take(pa.array(events.parent))
        for name in shape.of_event:
            of_event = of_event.append_column(f"event {name}", events.table[name])
        chains.append((one.lines, of_event))
    return chains
