"""A run of histories: customers first, then each chain of their events."""

import dataclasses
import itertools
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.data.customer_histories import Children, Histories, Log
from gans.errors import UserError
from gans.evaluation.history_side import HistorySide
from gans.files import write_text
from gans.histories.averages import with_averages
from gans.histories.choice import MOST_REAL, Describe, learn_choice, needed, rule_of
from gans.histories.contexts import parent_columns
from gans.histories.counted import attributes
from gans.histories.learn import chain_run, learn_chain
from gans.histories.saved import BLOCK, SavedHistories
from gans.histories.shapes import write_shapes
from gans.histories.sides import drawn_side, real_side
from gans.refinement.base import Tell
from gans.refinement.boosted import Boosted
from gans.runs.calls import Call, record_call
from gans.runs.directory import run_directory
from gans.runs.execute import Reporter, Result, execute
from gans.runs.files import RunFiles
from gans.runs.provenance import sign_run
from gans.runs.saved import SavedRun
from gans.sampling.chunks import ahead
from gans.sampling.sampler import FAR
from gans.tracking.terminal import STAGES, waiting
from gans.training.loop import COMPLETED

log = logging.getLogger("gans")


def execute_histories(
    run: Run,
    tables: Mapping[str, pa.Table] | None = None,
    show: bool = True,
    report: Reporter | None = None,
    call: Call | None = None,
) -> Result:
    """Train customers and chains, and write the run's directory: a folder for each, and how they go together.

    Args:
        tables: logs and customers by kind, instead of those that `run.data` names.
        show: progress and lines on the terminal.
        report: writes the page about the customers.
        call: how it was asked for, to be kept in the run directory.

    Raises:
        UserError: as `execute`; or a part of the config does not go with histories.
    """
    data = run.data
    assert isinstance(data, Histories)
    _check(run)
    of_chains = chain_run(run)  # an error before anything is written
    with run_directory(run) as files:
        files.checkpoints.rmdir()  # those of its parts lie in their folders
        with data.opened(tables) as histories:
            for shape in histories.shapes:
                log.info(shape.said())
            people = histories.people
            numbered = people.append_column("place", pa.array(np.arange(people.num_rows)))
            training = np.sort(data.cut(numbered)[0]["place"].to_numpy())
            of_customers = with_averages(run, people, histories.shapes)
            places, logs = histories.logs(training, data.events, data.lines, data.split_seed)
            some = places[:: -(-len(places) // MOST_REAL)]
            real = real_side(histories, some, attributes(people.column_names, histories.shapes))
        if len(places) < len(training):
            log.info(
                "events of %s of %s customers are learned from (data.events, data.lines)",
                f"{len(places):,}",
                f"{len(training):,}",
            )
        write_text(files.config, to_yaml(dataclasses.replace(run, run_dir=str(files.folder))))
        write_shapes(files.histories, [one.shape for one in logs])
        record_call(files, call)
        if tables is None:
            sign_run(files)
        result = _customers(of_customers, files.customers, None if tables is None else people, show, report)
        summaries: dict[str, dict[str, Any]] = {files.customers.name: result.summary}
        parents = people.take(pa.array(places))
        for children, parents_of in (one for log_ in logs for one in _chains(log_, parents)):
            if result.summary["status"] != COMPLETED:
                break
            summary = learn_chain(of_chains, children, parents_of(), files.folder / children.chain.name, show)
            summaries[children.chain.name] = summary
            if summary["status"] != COMPLETED:
                result.summary["status"] = summary["status"]
        if result.summary["status"] == COMPLETED and (rule := rule_of(run)):
            began = time.monotonic()
            with waiting("learning which customers to choose") as tell:
                write_choice(SavedHistories(files.folder), real, rule, tell)
            seconds = round(time.monotonic() - began, 2)
            of_choice = {"status": COMPLETED, "steps": 0, "seconds": seconds, "refine_seconds": seconds}
            summaries[files.choice.name] = of_choice
        summary = _summary(run, summaries)
        write_text(files.summary, json.dumps(summary, indent=1) + "\n")
        return Result(files.folder, summary, result.sampler)


def _check(run: Run) -> None:
    """Raise UserError where a part of the config does not go with histories."""
    for key, value, allowed, why in (
        ("trainer.seeds", run.trainer.seeds, 1, "it trains one seed"),
        ("trainer.processes", run.trainer.processes, 1, "it trains in one process"),
        ("transfer.run", run.transfer.run, None, "its parts begin anew"),
        ("privacy", run.privacy.private, False, "no ledger counts what chains of events would spend"),
    ):
        if value != allowed:
            shown = value if key != "privacy" else type(run.privacy).__name__
            raise UserError(f"{key}={shown}: data=histories does not take it, {why}.")


def _customers(run: Run, folder: Path, table: pa.Table | None, show: bool, report: Reporter | None) -> Result:
    """Train the generator of customers in a folder of its own; one that is completed is taken as it is."""
    files = RunFiles(folder)
    if run.trainer.resume and files.summary.is_file():
        saved = SavedRun.open(folder)
        if saved.summary.get("status") == COMPLETED and saved.summary["steps"] >= run.trainer.steps:
            log.info("%s: completed before", folder)
            return Result(folder, saved.summary, saved.sampler())
    if run.trainer.resume and folder.exists() and not files.has_checkpoint:
        shutil.rmtree(folder)  # it was killed before its first checkpoint
    trainer = dataclasses.replace(run.trainer, resume=files.has_checkpoint)
    log.info("customers:")
    return execute(dataclasses.replace(run, run_dir=str(folder), trainer=trainer), table, show, report=report)


def _chains(one: Log, people: pa.Table) -> list[tuple[Children, Callable[[], pa.Table]]]:
    """The chains of a log, with what makes the columns of their parents that children may depend on."""
    shape, events = one.shape, one.events
    parents = people.select(parent_columns(people, shape))

    def of_event() -> pa.Table:
        out = parents.take(pa.array(events.parent))
        for name in shape.of_event:
            out = out.append_column(f"event {name}", events.table[name])
        return out

    lines = [(one.lines, of_event)] if one.lines else []
    return [(events, lambda: parents), *lines]


def write_choice(saved: SavedHistories, real: HistorySide, rule: Boosted, tell: Tell) -> None:
    """Learn from real customers and from candidates which of these to choose, and keep it in the run directory.

    Args:
        tell: told how far it is.
    """
    mine = HistorySide(real.customers.select(["customer", *saved.attributes]), real.logs)
    count, done = needed(len(real.keys), sum(log.num_rows for log in real.logs.values())), itertools.count(1)
    edges = [*range(FAR, FAR + count, BLOCK), FAR + count]

    def made(describe: Describe) -> pa.Table:
        def block(low: int, high: int) -> pa.Table:
            drawn, possible = saved.candidates(low, high, saved.people.run.seed)
            tell("customers", min(next(done) * BLOCK, count), count)
            return describe(drawn_side([drawn], saved.shapes, saved.attributes)).filter(pa.array(possible))

        return pa.concat_tables(ahead(block, pairwise(edges)))

    learn_choice(rule, saved.people.run, mine, made, tell).save(RunFiles(RunFiles(saved.folder).choice))


def _summary(run: Run, parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The summary of the whole: that of the customers, with steps and seconds of all parts."""
    out = dict(next(iter(parts.values()))) | {"name": run.name, "status": [one["status"] for one in parts.values()][-1]}
    out["steps"] = sum(one["steps"] for one in parts.values())
    for key in ("seconds", *(f"{stage}_seconds" for stage in STAGES)):
        seconds = [one[key] for one in parts.values() if key in one]
        if seconds:
            out[key] = round(sum(seconds), 2)
    return out | {
        "parts": {name: {key: one[key] for key in ("status", "steps", "seconds")} for name, one in parts.items()}
    }
