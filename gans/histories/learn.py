"""Learn one chain: a conditional generator of the next child."""

import dataclasses
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.conditions.context import Context
from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.data.base import Split
from gans.data.codecs import FittedCodec
from gans.data.codecs.exclusions import exclude
from gans.data.customer_histories import Children
from gans.data.detection import detect, normalise
from gans.data.events.chains import LINES
from gans.data.layout import Encoded
from gans.data.relations import Relation, find_relations
from gans.data.relations.average import Average, that_fit
from gans.data.relations.order import Order
from gans.data.relations.sums import Sum
from gans.data.schema import kind_of
from gans.files import write_text
from gans.histories.contexts import DAY_GIVEN, SOON, WEEKDAY, WEEKS, training_rows
from gans.runs.directory import run_directory
from gans.runs.execute import train_prepared
from gans.runs.files import RunFiles
from gans.runs.goals import goals
from gans.runs.prepare import Prepared
from gans.runs.saved import SavedRun
from gans.sampling.marginals import fit_marginals
from gans.tracking.base import RunEnd, RunStart
from gans.tracking.terminal import Terminal
from gans.tracking.trackers import Trackers
from gans.tracking.weights_and_biases import new_id, settle_mode
from gans.training.loop import COMPLETED
from gans.training.step import Rows

log = logging.getLogger("gans")


def chain_run(run: Run) -> Run:
    """How the chains of a run are trained: the last generator, by the context.

    Raises:
        UserError: the network takes no condition.
    """
    return dataclasses.replace(
        run,
        condition=Context(),
        trainer=dataclasses.replace(run.trainer, best="last", metrics=[], patience=None, snapshots=0),
        tracker=dataclasses.replace(run.tracker, id=None),
    )


def prepare_chain(run: Run, children: Children, parents: pa.Table) -> Prepared | Split:
    """The children of real parents with their contexts, encoded; only the columns where all are alike.

    Nothing is written yet.

    Args:
        parents: by place, the columns that a child may depend on.
    """
    rows, known = training_rows(children, parents)
    rows = normalise(rows)
    kinds = {one.name: kind_of(one.type) for one in rows.schema}
    own = [name for name in rows.column_names if name not in known]
    split = Split(rows, rows.slice(0, 0), detect(rows, kinds))
    learned = [column.name for column in split.schema.features]
    if not set(learned) & set(own):
        return split
    mine = rows.select(own)
    schema = detect(mine, {name: kinds[name] for name in own})
    averages = [Average(total=one.name, count=one.count) for one in children.chain.learned if one.count]
    averages = that_fit(averages, mine, schema)
    denied = [f"not {one.text}" for one in _of_number(children) if set(one.columns) <= set(own)]
    relations = find_relations(mine, schema, [*(one.text for one in averages), *denied, "auto"])
    timed = children.chain.timed
    condition = Context(
        columns=[name for name in known if name in learned],
        flagged=[WEEKS, WEEKDAY, SOON] if timed else [],
        flag=DAY_GIVEN if timed and DAY_GIVEN in learned else "",
    )
    run = dataclasses.replace(run, condition=condition)
    codec = run.codec.fit(rows, split.schema, relations)
    encoded = codec.encode(rows, run.data.split_seed)
    codec = _exclude(codec, encoded, condition.columns)
    fitted = run.condition.fit(codec, encoded)
    terms = {name: term.fit(fitted.layout, fitted.rest(encoded)) for name, term in run.term.items()}
    ready = Rows(encoded.scalars, encoded.codes, fitted.known(encoded), terms)
    return Prepared(run, split, codec, fitted, fit_marginals(codec, encoded), encoded, ready)


def _of_number(children: Children) -> list[Relation]:
    """What the number of lines and their counts by level obey: each is learned, and drawn counts are made to add up."""
    out: list[Relation] = []
    for counts in children.chain.adding_up:
        out.append(Sum(total=LINES, parts=[*counts], signs=[1] * len(counts)))
        out += [Order(low=count, high=LINES) for count in counts]
    return out


def _exclude(codec: FittedCodec, encoded: Encoded, context: list[str]) -> FittedCodec:
    """The codec with the levels that never occur together, but for those that are both of the context."""
    codec, _ = exclude(codec, encoded)
    given = [fitted.code for fitted in codec.columns if fitted.column.name in context]
    known = np.isin(codec.exclusions[:, [0, 2]], given).all(axis=1)
    return dataclasses.replace(codec, exclusions=codec.exclusions[~known])


def learn_chain(run: Run, children: Children, parents: pa.Table, folder: Path, show: bool) -> dict[str, Any]:
    """Train, and write what drawing needs into a folder like that of a run; its summary: status, steps, seconds.

    Args:
        run: of `chain_run`.
    """
    files, resume = RunFiles(folder), run.trainer.resume
    if resume and files.summary.is_file():
        found = SavedRun.open(folder).summary
        if found["status"] == COMPLETED and found["steps"] in (0, run.trainer.steps):
            log.info("%s: completed before", folder)
            return found
    if resume and folder.exists() and not files.has_checkpoint:
        shutil.rmtree(folder)  # it was killed before its first checkpoint
    log.info("%s: %s rows of %s", children.chain.name, f"{len(children.parent):,}", f"{parents.num_rows:,} parents")
    run = dataclasses.replace(
        run,
        run_dir=str(folder),
        name=children.chain.name,
        trainer=dataclasses.replace(run.trainer, resume=files.has_checkpoint),
    )
    with Terminal(show) as terminal, run_directory(run) as files:
        terminal.turn("read", children.chain.name)
        ready = prepare_chain(run, children, parents)
        if isinstance(ready, Split):
            write_text(files.config, to_yaml(run))
            ready.schema.write(files.schema)
            summary: dict[str, Any] = {"status": COMPLETED, "steps": 0, "seconds": 0.0}
        else:
            summary = _train(ready, files, terminal)
        write_text(files.summary, json.dumps(summary, indent=1) + "\n")
        return summary


def _train(ready: Prepared, files: RunFiles, terminal: Terminal) -> dict[str, Any]:
    """Train a chain that has something to learn, and track it as a run of its own."""
    terminal.turn("track")
    run, mode = ready.run, settle_mode(ready.run.tracker)
    if mode != "disabled":
        run = dataclasses.replace(run, tracker=dataclasses.replace(run.tracker, id=new_id()))
    config = to_yaml(run)
    start = RunStart(name=run.name, config=config, run_dir=files.folder, goals=goals(run))
    tracked = Trackers(run.tracker, mode, run.logger, start)
    outcome = train_prepared(run, ready, files, config, (terminal, tracked))
    summary: dict[str, Any] = {"status": outcome.status, "steps": outcome.step, "seconds": round(outcome.seconds, 2)}
    summary |= terminal.stage_seconds()
    tracked.finish(RunEnd(summary=summary, generator=files.generator))
    return summary
