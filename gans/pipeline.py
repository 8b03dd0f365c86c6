"""One run from config to run directory: table, codec, training, samples, report, summary."""

import dataclasses
import json
import logging
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.conditions.marginals import Marginals, fit_marginals
from gans.config import Run, to_yaml
from gans.data.base import Split
from gans.data.codecs import FittedCodec
from gans.data.codecs.exclusions import exclude, exclusion_lines
from gans.data.layout import Encoded
from gans.data.relations import find_relations
from gans.data.streaming import EncodedWindows
from gans.errors import UserError
from gans.evaluation.fidelity import Fidelity, Reference
from gans.evaluation.metrics import METRICS
from gans.files import write_table, write_text
from gans.run_directory import check_run_directory, run_directory
from gans.sampling import REFINEMENT, Sampler
from gans.tracking.base import Tracker
from gans.tracking.jsonl import JsonLines, read_lines
from gans.tracking.terminal import Terminal
from gans.tracking.weights_and_biases import WeightsAndBiases, new_id, settle_mode
from gans.training.build import build
from gans.training.checkpoints import Checkpoints, digest
from gans.training.loop import COMPLETED, DIVERGED, INTERRUPTED, Hooks, Outcome, initial_state, train
from gans.training.step import Rows
from gans.training.windows import Windows

log = logging.getLogger("gans")

MOST_SAMPLES = 50_000
MOST_DRAWN = 60
PACKAGES = ("gans", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "hydra-core", "pyarrow")


@dataclass
class Result:
    """What a run leaves: its folder, its summary, and a sampler of its best generator."""

    run_dir: Path
    summary: dict[str, Any]
    sampler: Sampler

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


@dataclass
class Prepared:
    """A table made ready for training: everything that is learnt from it is learnt, and nothing is written yet."""

    run: Run
    split: Split
    codec: FittedCodec
    condition: FittedCondition
    marginals: Marginals
    encoded: Encoded
    rows: Rows
    windows: Windows | None = None

    @cached_property
    def holdout(self) -> Reference:
        """The held-out rows as a reference."""
        return Reference(self.split.holdout, self.split.schema)

    @cached_property
    def training(self) -> Reference:
        """The training rows as a reference."""
        return Reference(self.split.training, self.split.schema)

    @cached_property
    def sampler(self) -> Sampler:
        """A sampler; its parameters are set when they are known."""
        return Sampler(build(self.run, self.condition), self.codec, self.condition, self.marginals)


def prepare(run: Run, table: pa.Table | None = None) -> Prepared:
    """Read, split, fit the codec and the condition, encode.

    Raises:
        UserError: the table cannot be read, or does not fit the config.
    """
    stream = run.data.streamed(table)
    run = dataclasses.replace(run, data=run.data.settled(stream))
    if stream:
        log.info(stream.line())
    split = run.data.split(table)
    run.check(split)
    run, left_out = run.suited(split)
    for line in left_out:
        log.warning(line)
    relations = find_relations(split.training, split.schema, run.data.relations, run.condition.names())
    codec = run.codec.fit(split.training, split.schema, relations)
    encoded = codec.encode(split.training, run.data.split_seed)
    codec, exclusions = exclude(codec, encoded)
    split.schema.relations = [*(r for r in relations.summary() if r["kind"] != "exclusion"), *exclusions]
    condition = run.condition.fit(codec, encoded)
    rest = condition.rest(encoded)
    known = {name: term.fit(condition.layout, rest) for name, term in run.term.items()}

    def rows(encoded: Encoded) -> Rows:
        rest = condition.rest(encoded)
        return Rows(rest.scores, rest.codes, condition.known(encoded), known)

    windows = None
    if stream:
        source, trainer = EncodedWindows(stream, codec), run.trainer
        steps = stream.window // (trainer.batch_size * (trainer.critic_steps + 1))
        windows = Windows(lambda number: rows(source.window(number)), max(steps, 1))
    marginals = fit_marginals(codec, encoded)
    return Prepared(run, split, codec, condition, marginals, encoded, rows(encoded), windows)


def execute(
    run: Run,
    table: pa.Table | None = None,
    show: bool = True,
    fields: Mapping[str, Any] | None = None,
    report: bool = True,
    watch: Callable[[int, list[dict[str, float]]], bool] | None = None,
) -> Result:
    """Train a run and write its directory.

    Args:
        table: instead of reading the source of `run.data`.
        show: progress and lines on the terminal.
        fields: by column the fields of the schema that make sampled frames like the training frame.
        report: write report.html, whose figures take seconds.
        watch: takes each step that is scored and the scores of each seed; whether to stop there.

    Raises:
        UserError: the table, the config or the run directory do not fit; nothing was written then.
        OSError: the disk is full; what was written before is whole.
    """
    run.trainer.prepare()
    if run.trainer.processes > 1 and run.run_dir is None:
        raise UserError("run_dir is not set: processes that train together need the same run_dir.")
    placement = run.trainer.place(run.network.together)
    first = jax.process_index() == 0
    if first:
        check_run_directory(run)
    ready = prepare(run, table)
    run = ready.run
    for column in ready.split.schema.columns:
        for name, value in (fields or {}).get(column.name, {}).items():
            setattr(column, name, value)
    if show and first:
        schema = ready.split.schema
        learnt = [line for column in ready.codec.columns if (line := column.line())]
        relations = [*ready.codec.relations.lines(), *exclusion_lines(schema.relations)]
        for line in [*schema.lines(), *learnt, *relations]:
            log.info(line)
    gan = build(run, ready.condition, placement)
    with run_directory(run, writes=first) as run_dir:
        if not first:
            outcome = train(gan, ready.windows or ready.rows, run.trainer, run.seed, Hooks(), None)
            return Result(run_dir, {"status": outcome.status, "steps": outcome.step, "scores": {}}, ready.sampler)
        mode = settle_mode(run.tracker)
        if mode != "disabled" and run.tracker.id is None:  # an agent of a sweep brings the id of its run
            run = dataclasses.replace(
                run, tracker=dataclasses.replace(run.tracker, id=os.environ.get("WANDB_RUN_ID") or new_id())
            )
        config = to_yaml(dataclasses.replace(run, run_dir=str(run_dir)))
        tracker = WeightsAndBiases(run.tracker, mode, run.name, config, run_dir)
        outcome = _train(run, ready, gan, run_dir, config, tracker, show, watch)
        if run.profile:
            _tell_parts(run, ready)
        return _finish(run, ready, outcome, run_dir, config, tracker, report)


def _train(
    run: Run,
    ready: Prepared,
    gan: Any,
    run_dir: Path,
    config: str,
    tracker: WeightsAndBiases,
    show: bool,
    watch: Callable[[int, list[dict[str, float]]], bool] | None,
) -> Outcome:
    terminal, lines = Terminal(show), JsonLines(run_dir / "metrics.jsonl")
    trackers: tuple[Tracker, ...] = (lines, terminal, tracker)
    sampler, members = ready.sampler, range(run.trainer.seeds)
    judges = [METRICS[name].prepare(ready.split.holdout, ready.split.schema) for name in run.trainer.measured]

    def evaluate(average: Any) -> list[dict[str, float]]:
        scores = []
        for member in members:
            sampler.parameters = jax.tree.map(lambda leaf, member=member: leaf[member], average)
            rows = sampler.sample(run.trainer.evaluate_rows, run.seed)
            scores.append({name: value for judge in judges for name, value in judge(rows).items()})
        return scores

    def tell(metrics: dict[str, float], step: int, seconds: float) -> None:
        for one in trackers:
            one.log(metrics | {"seconds": round(seconds, 3)}, step)

    def rewind(step: int) -> None:
        """Write what belongs to the run, now that its checkpoint, if any, is known to fit."""
        write_text(run_dir / "config.yaml", config)
        if step:
            for stale in ("checkpoints/" + REFINEMENT, "evaluation.json"):  # of an earlier best generator
                (run_dir / stale).unlink(missing_ok=True)
            log.info("going on with %s from step %s", run_dir, f"{step:,}")
        else:
            ready.split.schema.write(run_dir / "schema.json")
            ready.codec.save(run_dir / "checkpoints" / "codec.npz")
            ready.condition.save(run_dir / "checkpoints" / "condition.npz")
            ready.marginals.save(run_dir / "checkpoints" / "marginals.npz")
        lines.rewind(step)
        terminal.start(run.name, run.trainer.steps, step)

    checkpoints = Checkpoints(run_dir / "checkpoints", run.trainer.keep)
    profile = run_dir / "profile" if run.profile else None
    hooks = Hooks(evaluate, tell, rewind, fingerprint(ready), profile, watch)
    try:
        return train(gan, ready.windows or ready.rows, run.trainer, run.seed, hooks, checkpoints)
    finally:
        terminal.close()
        lines.close()
        checkpoints.close()


def _tell_parts(run: Run, ready: Prepared) -> None:
    """Log how the time of a step divides among its parts."""
    from gans.training.profile import time_parts

    gan = build(run, ready.condition)
    state, rows = jax.device_put(initial_state(gan, run.seed, 1)), jax.device_put(ready.rows)
    parts = time_parts(gan, state, rows)
    log.info("a step by parts, each compiled alone:")
    for name, milliseconds in parts.items():
        log.info("  %-28s %8.3f ms  %3.0f %%", name, milliseconds, 100 * milliseconds / parts["step"])


def _finish(
    run: Run,
    ready: Prepared,
    outcome: Outcome,
    run_dir: Path,
    config: str,
    tracker: WeightsAndBiases,
    report: bool,
) -> Result:
    best = outcome.best
    summary: dict[str, Any] = {
        "status": outcome.status,
        "name": run.name,
        "steps": outcome.step,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 2),
        "compile_seconds": round(outcome.compile_seconds, 2),
        "seed": run.seed,
        "rows": {"training": ready.split.training.num_rows, "holdout": ready.split.holdout.num_rows},
        "scores": {},
        "versions": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
    }
    table, figures = None, {}
    if outcome.status != INTERRUPTED and (best.step > 0).any():
        synthetic, fidelities, scores = _samples(run, ready, outcome, run_dir, summary)
        summary["scores"] = scores | summary["scores"]
        write_table(run_dir / "samples.parquet", synthetic)
        if report:
            figures = _report(run, ready, run_dir, config, summary, synthetic, fidelities)
        table = synthetic.slice(0, 20).drop_columns([c.name for c in ready.split.schema.images]).to_pandas()
    summary["scores"]["best"] = [
        {"seed": run.seed + member, "step": int(step), "value": None if np.isnan(value) else float(value)}
        for member, (step, value) in enumerate(zip(best.step, best.value, strict=True))
    ]
    write_text(run_dir / "summary.json", json.dumps(summary, indent=1) + "\n")
    tracker.finish(summary, run_dir, table, figures)
    return Result(run_dir, summary, ready.sampler)


def _samples(
    run: Run, ready: Prepared, outcome: Outcome, run_dir: Path, summary: dict[str, Any]
) -> tuple[pa.Table, dict[str, Fidelity], dict[str, dict[str, float]]]:
    """Samples of the best member, their distances, and scores by side, those of the metrics of training among them.

    The noise floor is that of held-out rows to training rows.
    """
    best, sampler = outcome.best, ready.sampler
    member = run.trainer.best_member(best.value)
    sampler.parameters = jax.tree.map(lambda leaf: leaf[member], best.generator)
    started = time.monotonic()
    sampler.refine(run.refine, ready.encoded, run.seed)
    if sampler.refinement is not None:
        sampler.refinement.save(run_dir / "checkpoints" / REFINEMENT)
        summary["refine_seconds"] = round(time.monotonic() - started, 2)
    rows = run.samples or min(ready.split.training.num_rows, MOST_SAMPLES)
    synthetic = sampler.sample(rows, run.seed)
    fidelities = {
        "training": ready.training.compare(synthetic),
        "holdout": ready.holdout.compare(synthetic),
        "floor": ready.training.compare(ready.split.holdout),
    }
    schema, most = ready.split.schema, run.trainer.evaluate_rows
    scores = {name: {} if schema.images else fidelity.scores() for name, fidelity in fidelities.items()}
    for name in run.trainer.measured:
        if name != "fidelity":
            judge = METRICS[name].prepare(ready.split.holdout, schema)
            scores["holdout"] |= judge(synthetic.slice(0, most))
            scores["floor"] |= judge(ready.split.training.slice(0, most))
    return synthetic, fidelities, scores


def _report(
    run: Run,
    ready: Prepared,
    run_dir: Path,
    config: str,
    summary: dict[str, Any],
    synthetic: pa.Table,
    fidelities: dict[str, Fidelity],
) -> dict[str, bytes]:
    from gans.report.figures import marginal_grid, render
    from gans.report.page import RunReport, write_report
    from gans.report.pictures import pictures

    report = RunReport(
        name=run.name,
        config=config,
        summary=summary,
        history=read_lines(run_dir / "metrics.jsonl"),
        schema=ready.split.schema,
        training=ready.split.training,
        synthetic=synthetic,
        against_training=fidelities["training"],
        against_holdout=fidelities["holdout"],
        floor=fidelities["floor"],
    )
    write_report(run_dir / "report.html", report)
    schema, training = ready.split.schema, ready.split.training
    figures = pictures(training, synthetic, schema)
    if schema.features:
        figures["marginals"] = marginal_grid(training, synthetic, schema.features[:MOST_DRAWN])
    return {name: render(figure, "png") for name, figure in figures.items()}


def fingerprint(ready: Prepared) -> str:
    """A digest of the training table, encoded and how: a run goes on only with the table that it began with."""
    knots = [[k.values, k.low, k.high, c.atoms] for c in ready.codec.columns for k in c.knots]
    words = [[c.column.name, c.column.type, list(map(str, c.levels)), c.origin, c.step] for c in ready.codec.columns]
    words.append([ready.codec.relations.to_json()])
    return digest(
        {
            "rows": ready.rows.replace(known={}),
            "knots": knots,
            "words": np.frombuffer(json.dumps(words).encode(), np.uint8),
        }
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str | None:
    """The commit of the checkout that runs; None outside one."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


EXIT = {COMPLETED: 0, DIVERGED: 3, INTERRUPTED: 130}
