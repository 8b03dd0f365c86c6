"""What a run leaves when its training is over: refinement, samples, scores, report, summary."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.config.run import Run
from gans.data.schema import Schema
from gans.evaluation.fidelity import Fidelity
from gans.evaluation.metrics import TrainingJudge
from gans.files import write_table, write_text
from gans.runs.files import RunFiles
from gans.runs.prepare import Prepared
from gans.tracking.jsonl import read_lines
from gans.tracking.weights_and_biases import WeightsAndBiases
from gans.training.loop import INTERRUPTED, Outcome

MOST_SAMPLES = 50_000
SHOWN = 20
PACKAGES = ("gans", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "hydra-core", "pyarrow")


@dataclass(kw_only=True)
class RunResults:
    """What a run is judged by, for its page and its sentences.

    Attributes:
        name: the variant's name.
        config: its config as text.
        summary: status, steps, seconds, seed, scores {name: value}, versions {package: version}, commit.
        history: rows of metrics, each with `step`.
        schema: the columns.
        training: the real training rows; only counts and shares of them reach the page.
        synthetic: the generated rows, with the columns of `schema.kept`.
        against_training: distances of the synthetic to the training rows.
        against_holdout: distances of the synthetic to the held-out rows.
        floor: distances of the held-out to the training rows, what a perfect generator would have.
    """

    name: str
    config: str
    summary: dict[str, Any]
    history: list[dict[str, float]]
    schema: Schema
    training: pa.Table
    synthetic: pa.Table
    against_training: Fidelity
    against_holdout: Fidelity
    floor: Fidelity

    @property
    def status(self) -> str:
        """completed, diverged or interrupted."""
        return str(self.summary.get("status", "unknown"))


Reporter = Callable[[Path, RunResults], dict[str, bytes]]
"""Writes a page about a run to a path; its figures as PNG, by name, for the tracker."""


@dataclass
class Judged:
    """Samples of the best generator, and how near they are.

    Attributes:
        distances: of the samples to the training and to the held-out rows, and of these to each other ("floor").
        scores: by the same sides the scores of the run's metrics.
    """

    synthetic: pa.Table
    distances: dict[str, Fidelity]
    scores: dict[str, dict[str, float]]


@dataclass
class Ending:
    """What `finish` needs to know of a run whose training is over."""

    run: Run
    ready: Prepared
    outcome: Outcome
    files: RunFiles
    config: str
    summary: dict[str, Any] = field(default_factory=dict)


def finish(ending: Ending, tracker: WeightsAndBiases, report: Reporter | None) -> dict[str, Any]:
    """Write refinement, samples, page and summary of a run; the summary.

    Raises:
        OSError: the disk is full; what was written before is whole.
    """
    run, ready, outcome, files = ending.run, ending.ready, ending.outcome, ending.files
    summary = ending.summary = _summary(ending)
    table, figures = None, {}
    if outcome.status != INTERRUPTED and (outcome.best.step > 0).any():
        judged = _judge(ending)
        summary["scores"] |= judged.scores
        write_table(files.samples, judged.synthetic)
        if report is not None:
            figures = report(files.report, _results(ending, judged))
        images = [column.name for column in ready.split.schema.images]
        table = judged.synthetic.slice(0, SHOWN).drop_columns(images).to_pandas()
    summary["scores"]["best"] = [
        {"seed": run.seed + member, "step": int(step), "value": None if np.isnan(value) else float(value)}
        for member, (step, value) in enumerate(zip(outcome.best.step, outcome.best.value, strict=True))
    ]
    write_text(files.summary, json.dumps(summary, indent=1) + "\n")
    tracker.finish(summary, [files.config, files.schema, files.checkpoints], table, figures)
    return summary


def _summary(ending: Ending) -> dict[str, Any]:
    outcome, split = ending.outcome, ending.ready.split
    return {
        "status": outcome.status,
        "name": ending.run.name,
        "steps": outcome.step,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 2),
        "compile_seconds": round(outcome.compile_seconds, 2),
        "seed": ending.run.seed,
        "rows": {"training": split.training.num_rows, "holdout": split.holdout.num_rows},
        "scores": {},
        "versions": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def _judge(ending: Ending) -> Judged:
    """Refine the best member, sample it, and score the samples by the run's metrics.

    The floor is what held-out rows score against the training rows, and training rows by the metrics of the run.
    """
    run, ready, best = ending.run, ending.ready, ending.outcome.best
    member, sampler = run.trainer.best_member(best.value), ready.sampler
    sampler.parameters = jax.tree.map(lambda leaf: leaf[member], best.generator)
    started = time.monotonic()
    sampler.refine(run.refine, ready.encoded, run.seed)
    if sampler.refinement is not None:
        sampler.refinement.save(ending.files.refinement)
        ending.summary["refine_seconds"] = round(time.monotonic() - started, 2)
    rows = run.samples or min(ready.split.training.num_rows, MOST_SAMPLES)
    synthetic = sampler.sample(rows, run.seed)
    distances = {
        "training": ready.training.compare(synthetic),
        "holdout": ready.holdout.compare(synthetic),
        "floor": ready.training.compare(ready.split.holdout),
    }
    images, most = ready.split.schema.images, run.trainer.evaluate_rows
    scores = {name: {} if images else fidelity.scores() for name, fidelity in distances.items()}
    ending.summary["score_rows"] = dict.fromkeys(scores["holdout"], synthetic.num_rows)
    others = [name for name in run.trainer.measured if name != "fidelity"]  # that is of all samples, above
    judge = TrainingJudge(others, ready.split.holdout, ready.split.schema)
    for side, table in (("holdout", synthetic), ("floor", ready.split.training)):
        scores[side] |= judge(table.slice(0, most))
    ending.summary["score_rows"] |= judge.rows(min(most, synthetic.num_rows))
    return Judged(synthetic, distances, scores)


def _results(ending: Ending, judged: Judged) -> RunResults:
    split = ending.ready.split
    return RunResults(
        name=ending.run.name,
        config=ending.config,
        summary=ending.summary,
        history=read_lines(ending.files.metrics),
        schema=split.schema,
        training=split.training,
        synthetic=judged.synthetic,
        against_training=judged.distances["training"],
        against_holdout=judged.distances["holdout"],
        floor=judged.distances["floor"],
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str | None:
    """The commit of the checkout that runs; None outside one."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
