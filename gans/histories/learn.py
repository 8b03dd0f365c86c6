"""Learn one chain: a conditional generator of the next child."""

import dataclasses
from pathlib import Path

import pyarrow as pa

from gans.conditions.context import Context
from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.data.base import Split
from gans.data.customer_histories import Children
from gans.data.detection import detect, normalise
from gans.data.relations import find_relations
from gans.histories.contexts import DAY_GIVEN, WEEKDAY, WEEKS, training_rows
from gans.runs.directory import run_directory
from gans.runs.execute import train_prepared
from gans.runs.goals import goals
from gans.runs.prepare import Prepared
from gans.sampling.marginals import fit_marginals
from gans.tracking.base import RunStart
from gans.tracking.terminal import Terminal
from gans.tracking.trackers import Trackers
from gans.training.loop import Outcome
from gans.training.step import Rows


def prepare_chain(run: Run, children: Children, parents: pa.Table) -> Prepared:
    """The children of real parents with their contexts, encoded; nothing is written yet.

    Args:
        parents: by place, the columns that a child may depend on.
    """
    rows, known = training_rows(children, parents)
    rows = normalise(rows)
    kinds = {one.name: kind_of(one.type) for one in rows.schema}
    own = [name for name in rows.column_names if name not in known]
    relations = find_relations(rows.select(own), detect(rows.select(own), {name: kinds[name] for name in own}))
    split = Split(rows, rows.slice(0, 0), detect(rows, kinds))
    learnt = [column.name for column in split.schema.features]
    timed = children.chain.timed
    condition = Context(
        columns=[name for name in known if name in learnt],
        flagged=[WEEKS, WEEKDAY] if timed else [],
        flag=DAY_GIVEN if timed and DAY_GIVEN in learnt else "",
    )
    run = dataclasses.replace(run, condition=condition)
    codec = run.codec.fit(rows, split.schema, relations)
    encoded = codec.encode(rows, run.data.split_seed)
    fitted = run.condition.fit(codec, encoded)
    terms = {name: term.fit(fitted.layout, fitted.rest(encoded)) for name, term in run.term.items()}
    ready = Rows(encoded.scalars, encoded.codes, fitted.known(encoded), terms)
    return Prepared(run, split, codec, fitted, fit_marginals(codec, encoded), encoded, ready)


def learn_chain(run: Run, children: Children, parents: pa.Table, folder: Path, show: bool) -> Outcome:
    """Train, and write what drawing needs into a folder like that of a run."""
    trainer = dataclasses.replace(run.trainer, best="last", metrics=[], patience=None, snapshots=0, seeds=1)
    trainer = dataclasses.replace(trainer, resume=run.trainer.resume and folder.exists())
    tracker = dataclasses.replace(run.tracker, mode="disabled")
    run = dataclasses.replace(run, run_dir=str(folder), name=children.chain.name, trainer=trainer, tracker=tracker)
    ready = prepare_chain(run, children, parents)
    with run_directory(ready.run) as files:
        config = to_yaml(ready.run)
        start = RunStart(name=run.name, config=config, run_dir=files.folder, goals=goals(ready.run))
        with Terminal(show) as terminal:
            trackers = terminal, Trackers(tracker, "disabled", {}, start)
            return train_prepared(ready.run, ready, files, config, trackers)


def kind_of(kind: pa.DataType) -> str:
    """How a column of this type is learnt: what it holds is known already."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_temporal(kind):
        return "datetime"
    return "integer" if pa.types.is_integer(kind) else "numeric" if pa.types.is_floating(kind) else "category"
