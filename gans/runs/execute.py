"""One run from config to run directory: table, codec, training, samples, report, summary."""

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import pyarrow as pa

from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.errors import UserError, out_of_memory
from gans.files import write_text
from gans.runs.build import build
from gans.runs.calls import Call, record_call
from gans.runs.directory import check_run_directory, run_directory
from gans.runs.files import RunFiles
from gans.runs.finish import SHOWN, Ending, Reporter, finish
from gans.runs.goals import goals
from gans.runs.memory import check_memory
from gans.runs.prepare import Prepared, prepare
from gans.runs.private import private_table, train_privately
from gans.runs.provenance import sign_run
from gans.runs.snapshot_writer import SnapshotWriter
from gans.runs.snapshots import Snapshots
from gans.runs.transfer import source_of, take_over, write_transfer
from gans.sampling.sampler import Sampler
from gans.tracking.base import RunEnd, RunStart, Tracker, no_figures
from gans.tracking.jsonl import JsonLines
from gans.tracking.terminal import Terminal
from gans.tracking.trackers import Trackers, settled_loggers
from gans.tracking.weights_and_biases import new_id, settle_mode
from gans.training.carry import Carried
from gans.training.checkpoints import Checkpoints
from gans.training.loop import COMPLETED, DIVERGED, INTERRUPTED, Hooks, Outcome, initial_state, train
from gans.training.step import GAN, TrainState
from gans.training.transfer_settings import Transfer
from gans.words import in_language

log = logging.getLogger("gans")

EXIT = {COMPLETED: 0, DIVERGED: 3, INTERRUPTED: 130}

Watch = Callable[[int, list[dict[str, float]]], bool]
"""Takes each step that is scored and the scores of each seed; whether to stop there."""


@dataclass
class Result:
    """What a run leaves: its folder, its summary, and a sampler of its best generator."""

    run_dir: Path
    summary: dict[str, Any]
    sampler: Sampler

    @property
    def files(self) -> RunFiles:
        """Where its files lie."""
        return RunFiles(self.run_dir)

    @property
    def status(self) -> str:
        """completed, diverged or interrupted."""
        return self.summary["status"]

    @property
    def score(self) -> float:
        """The score of the samples against the holdout in [0, 1], for sweepers; 0, the worst, if diverged or none.

        Of images it is 1 / (1 + fid).
        """
        found = {} if self.status == DIVERGED else self.summary["scores"].get("holdout", {})
        return found.get("score", 1 / (1 + found["fid"]) if "fid" in found else 0.0)


def execute(
    run: Run,
    table: pa.Table | None = None,
    show: bool = True,
    fields: Mapping[str, Any] | None = None,
    report: Reporter | None = None,
    watch: Watch | None = None,
    frame: Mapping[str, Any] | None = None,
    call: Call | None = None,
) -> Result:
    """Train a run and write its directory.

    Args:
        table: instead of reading the source of `run.data`.
        show: progress and lines on the terminal.
        fields: by column the fields of the schema that make sampled frames like the training frame.
        report: writes the page about the run, as `gans.report.page.report_run` does; None for no page.
        watch: of a search, which may stop a run.
        frame: what `Schema.frame` is of a table that came from a frame.
        call: how it was asked for, to be kept in the run directory.

    Raises:
        UserError: the table, the config, the run directory or the memory do not fit; nothing was written then, or
            memory ran out later, and existing files are intact.
        OSError: the disk is full; existing files are intact.
    """
    run = dataclasses.replace(run, logger=settled_loggers(run.logger))
    run.refine.check()
    run.trainer.prepare()
    if run.trainer.processes > 1 and run.run_dir is None:
        raise UserError("run_dir is not set: processes that train together need the same run_dir.")
    first = jax.process_index() == 0
    if first:
        check_run_directory(run)
        if run.trainer.resume and RunFiles(Path(run.run_dir or "").expanduser()).federated.is_file():
            raise UserError(f"run_dir={run.run_dir}: its sites train together; resume it with gans federate.")
    with in_language(run.language), Terminal(show and first) as terminal:
        if run.privacy.private:
            return _execute_privately(run, table, terminal, report, call)
        run.trainer.place(run.network.together)  # a batch that does not divide is refused before the table is read
        source = source_of(run)
        terminal.turn("read", "the table")
        ready = prepare(run, table, source)
        carried = take_over(source, ready.run, ready) if source else None
        _keep_frame(ready, fields or {}, frame or {})
        if show and first:
            for line in [*ready.lines(), *(carried.lines if carried else [])]:
                log.info(line)
        check_memory(ready.run, ready)
        with run_directory(ready.run, writes=first) as files:
            if not first:
                outcome = _train_beside(ready.run, ready, carried)
                summary = {"status": outcome.status, "steps": outcome.step, "scores": {}}
                return Result(files.folder, summary, ready.sampler)
            result = _execute_here(ready, carried, files, terminal, report, watch, call, signed=table is None)
    if carried and run.transfer.compare and result.status == COMPLETED:
        scores = _beside_scratch(run, table, show, result)
        write_transfer(result.files, carried, scores)
    return result


def _keep_frame(ready: Prepared, fields: Mapping[str, Any], frame: Mapping[str, Any]) -> None:
    """Put into the schema what makes sampled frames like the training frame."""
    ready.split.schema.frame = dict(frame)
    for column in ready.split.schema.columns:
        own = fields.get(column.name, {})
        if column.role in ("dropped", "faked") and "categories" in own.get("frame", {}):  # their values are not stored
            own = own | {"frame": _without_categories(own["frame"])}
        for name, value in own.items():
            setattr(column, name, value)


def _execute_here(
    ready: Prepared,
    carried: Carried | None,
    files: RunFiles,
    terminal: Terminal,
    report: Reporter | None,
    watch: Watch | None,
    call: Call | None,
    signed: bool,
) -> Result:
    """Train and finish in the process that writes."""
    run = ready.run
    terminal.turn("track")
    mode = settle_mode(run.tracker)
    if mode != "disabled" and run.tracker.id is None:  # an agent of a sweep brings the id of its run
        name = os.environ.get("WANDB_RUN_ID") or new_id()
        run = dataclasses.replace(run, tracker=dataclasses.replace(run.tracker, id=name))
    config = to_yaml(dataclasses.replace(run, run_dir=str(files.folder)))
    start = RunStart(name=run.name, config=config, run_dir=files.folder, goals=goals(run))
    tracked = Trackers(run.tracker, mode, run.logger, start)
    outcome = train_prepared(run, ready, files, config, (terminal, tracked), carried, watch, call, signed)
    if run.profile:
        _time_parts(run, ready)
    summary = finish(Ending(run, ready, outcome, files, config, terminal, given=not signed), tracked, report)
    if carried:
        write_transfer(files, carried, {})
    return Result(files.folder, summary, ready.sampler)


def _execute_privately(
    run: Run, table: pa.Table | None, terminal: Terminal, report: Reporter | None, call: Call | None
) -> Result:
    """As `execute`, of a run whose every look at the rows goes through a ledger."""
    if run.trainer.resume:
        raise UserError("trainer.resume=true: only gans federate resumes a private run; start a new one.")
    terminal.turn("read", "the table")
    rows = private_table(run, table)
    with run_directory(run) as files:
        mode = settle_mode(run.tracker)
        sampler, results = train_privately(run, rows, files, terminal)
        results.given = table is not None
        record_call(files, call)
        terminal.turn("track")
        start = RunStart(name=run.name, config=results.config, run_dir=files.folder)
        tracked = Trackers(run.tracker, mode, run.logger, start)
        figures = report(files.report, results) if report is not None else no_figures
        shown = results.synthetic.slice(0, SHOWN).to_pandas()
        tracked.finish(RunEnd(summary=results.summary, generator=files.generator, samples=shown, figures=figures))
        return Result(files.folder, results.summary, sampler)


def _beside_scratch(run: Run, table: pa.Table | None, show: bool, result: Result) -> dict[str, float]:
    """Train the same without transfer, in the folder `scratch`; both scores, of which the better one is said."""
    tracker = dataclasses.replace(run.tracker, mode="disabled")
    folder = str(result.run_dir / "scratch")
    run = dataclasses.replace(run, transfer=Transfer(), tracker=tracker, logger={}, run_dir=folder)
    alone = execute(run, table, show)
    scores = {"score": result.score, "score_from_scratch": alone.score}
    text = "score on held-out rows %.4f with transfer, %.4f from scratch"
    if scores["score"] < scores["score_from_scratch"]:
        log.warning(text + ": transfer made it worse", *scores.values())
    else:
        log.info(text, *scores.values())
    return scores


def _without_categories(back: Mapping[str, Any]) -> dict[str, Any]:
    """What brings a column of categories back, without naming these; an Enum of polars becomes a Categorical."""
    return {"polars": "Categorical"} if "polars" in back else {**back, "categories": None}


def _train_beside(run: Run, ready: Prepared, carried: Carried | None) -> Outcome:
    """Train in a process that leaves scores, tracking and writing to the first one."""
    schedule = run.trainer.schedule(run.network.together)
    gan, begin = _beginning(build(run, ready.condition, schedule.placement), carried)
    return train(gan, ready.windows or ready.rows, schedule, run.seed, Hooks(), None, begin)


def train_prepared(
    run: Run,
    ready: Prepared,
    files: RunFiles,
    config: str,
    trackers: tuple[Terminal, Trackers],
    carried: Carried | None = None,
    watch: Watch | None = None,
    call: Call | None = None,
    signed: bool = False,
) -> Outcome:
    """Train, score, track, and write the checkpoints.

    Args:
        carried: what the networks begin with, if they begin with anything.
        signed: sign the run, of which this machine itself read what its config names.
    """
    terminal, lines = trackers[0], JsonLines(files.metrics)
    every: tuple[Tracker, ...] = (lines, *trackers)
    failed: set[str] = set()

    def evaluate(average: Any) -> list[dict[str, float]]:
        """Scores of each seed; all looks draw with the run's seed, so that they differ by the generators alone."""
        if not run.trainer.measured:
            return [{}] * run.trainer.seeds
        scores, sampler = [], ready.sampler
        for member in range(run.trainer.seeds):
            sampler.parameters = jax.tree.map(lambda leaf, member=member: leaf[member], average)
            terminal.turn("evaluate" if sampler.generator.compiled else "compile")
            sample = sampler.sample(run.trainer.evaluate_rows, run.seed)
            terminal.turn("evaluate")
            found, left_out = ready.judge.attempt(sample)
            scores.append(found)
            for name, reason in left_out.items():
                if name not in failed:
                    log.warning("%s: left out of this look, %s", name, reason)
                failed.add(name)
        return scores

    def track(metrics: dict[str, float], step: int, seconds: float) -> None:
        for one in every:
            one.log(metrics | {"seconds": round(seconds, 3)}, step)

    def rewind(step: int) -> None:
        _write_beginning(ready, files, config, step)
        record_call(files, call)
        if signed:
            sign_run(files)
        lines.rewind(step)
        snapshots.drop_after(step)
        if writer:
            writer.begin()
        terminal.train(run.trainer.steps, step, run.trainer.seeds)

    checkpoints, snapshots = Checkpoints(files.checkpoints, run.trainer.keep), Snapshots(files.snapshots)
    writer = SnapshotWriter(ready, snapshots) if run.trainer.snapshots else None
    profile, snapshot = files.profile if run.profile else None, writer.write if writer else None
    hooks = Hooks(evaluate, track, rewind, ready.fingerprint(), profile, watch, snapshot, terminal.turn)
    schedule = run.trainer.schedule(run.network.together)
    gan, begin = _beginning(build(run, ready.condition, schedule.placement), carried)
    terminal.turn("compile")
    try:
        return train(gan, ready.windows or ready.rows, schedule, run.seed, hooks, checkpoints, begin)
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise UserError(
            f"trainer.batch_size={run.trainer.batch_size}: not enough memory to train; lower it, or raise "
            f"trainer.accumulate={run.trainer.accumulate}. Checkpoints that were written before are whole."
        ) from error
    finally:
        terminal.trained()
        for one in (lines, checkpoints):
            one.close()


def _beginning(gan: GAN, carried: Carried | None) -> tuple[GAN, Callable[[TrainState], TrainState]]:
    """A GAN that learns as transfer says, and what its first state becomes."""
    return (carried.slowed(gan), carried.begin) if carried else (gan, lambda state: state)


def _write_beginning(ready: Prepared, files: RunFiles, config: str, step: int) -> None:
    """Write what belongs to the run, now that its checkpoint, if any, is known to fit."""
    write_text(files.config, config)
    if step:
        for stale in (files.refinement, files.evaluation):  # of an earlier best generator
            stale.unlink(missing_ok=True)
        log.info("resuming %s from step %s", files.folder, f"{step:,}")
        return
    ready.split.schema.write(files.schema)
    ready.codec.save(files.codec)
    ready.condition.save(files.condition)
    ready.marginals.save(files.marginals)


def _time_parts(run: Run, ready: Prepared) -> None:
    """Log how the time of a step divides among its parts."""
    from gans.training.step_timing import STEP, time_parts

    gan = build(run, ready.condition)
    state, rows = jax.device_put(initial_state(gan, run.seed, 1)), jax.device_put(ready.rows)
    parts = time_parts(gan, state, rows)
    log.info("a step by parts, each compiled alone:")
    for name, milliseconds in parts.items():
        log.info("  %-28s %8.3f ms  %3.0f%%", name, milliseconds, 100 * milliseconds / parts[STEP])
