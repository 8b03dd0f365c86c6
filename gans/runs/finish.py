"""What a run leaves when its training is over: refinement, samples, scores, report, summary."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.config.run import Run
from gans.config.trainer import LAST
from gans.data.schema import Schema
from gans.errors import UserError, one_line
from gans.evaluation.fidelity import Fidelity
from gans.evaluation.metrics import TrainingJudge
from gans.files import write_table, write_text
from gans.runs.files import RunFiles
from gans.runs.goals import best_values, goals
from gans.runs.prepare import Prepared
from gans.runs.private import PrivateResults
from gans.runs.versions import commit, versions
from gans.tracking.base import RunEnd, no_figures
from gans.tracking.jsonl import read_lines
from gans.tracking.terminal import Terminal
from gans.tracking.trackers import Trackers
from gans.training.loop import INTERRUPTED, Outcome

log = logging.getLogger("gans")

SHOWN = 20


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
        given: whether its table was given in memory, so that the config does not name it.
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
    given: bool = False

    @property
    def status(self) -> str:
        """completed, diverged or interrupted."""
        return str(self.summary.get("status", "unknown"))


Reporter = Callable[[Path, RunResults | PrivateResults], Callable[[], dict[str, bytes]]]
"""Writes a page about a run to a path; gives what draws its figures as PNG, by name, where a tracker wants them."""


@dataclass
class Judged:
    """Samples of the best generator, and how near they are.

    Attributes:
        distances: of the samples to the training and to the held-out rows, and of these to each other ("floor").
    """

    synthetic: pa.Table
    distances: dict[str, Fidelity]


@dataclass
class Ending:
    """What `finish` needs to know of a run whose training is over."""

    run: Run
    ready: Prepared
    outcome: Outcome
    files: RunFiles
    config: str
    terminal: Terminal
    given: bool = False
    summary: dict[str, Any] = field(default_factory=dict)

    def leave_out(self, name: str, reason: str) -> None:
        """Say in one line what the run goes without, and keep it for the summary."""
        log.warning("%s: left out, %s", name, reason)
        self.summary.setdefault("left_out", {})[name] = reason


def finish(ending: Ending, trackers: Trackers, report: Reporter | None) -> dict[str, Any]:
    """Write refinement, samples, summary and page of a run; the summary.

    What fails after training is left out, said in one line, and listed in the summary as `left_out`.

    Raises:
        UserError: too many generated rows hold levels that never go together.
        OSError: the disk is full; existing files are intact.
    """
    run, ready, outcome, files = ending.run, ending.ready, ending.outcome, ending.files
    summary = ending.summary = _summary(ending)
    summary["scores"]["best"] = [
        {"seed": run.seed + member, "step": int(step), "value": None if np.isnan(value) else float(value)}
        for member, (step, value) in enumerate(zip(outcome.best.step, outcome.best.value, strict=True))
    ]
    summary["kept"] = _kept(ending)
    judged, table, figures = None, None, no_figures
    if outcome.status != INTERRUPTED and (outcome.best.step > 0).any():
        synthetic = _sample(ending)
        ending.terminal.turn("write")
        write_table(files.samples, synthetic)
        ending.terminal.turn("evaluate")
        judged = _judge(ending, synthetic)
        images = [column.name for column in ready.split.schema.images]
        table = synthetic.slice(0, SHOWN).drop_columns(images).to_pandas()
    ending.terminal.turn("write")
    _write_summary(ending)
    if judged is not None and report is not None:
        ending.terminal.turn("write", files.report.name)
        try:
            figures = report(files.report, _results(ending, judged))
        except OSError:
            raise
        except Exception as error:
            ending.leave_out(files.report.name, one_line(error))
        _write_summary(ending)
    ending.terminal.turn("track")
    best = best_values(read_lines(files.metrics), goals(run))
    trackers.finish(RunEnd(summary=summary, best=best, generator=files.generator, samples=table, figures=figures))
    return summary


def _kept(ending: Ending) -> dict[str, Any]:
    """Whose generator the samples are of, at which step it stood, and which score chose it."""
    trainer, best = ending.run.trainer, ending.summary["scores"]["best"]
    member = trainer.best_member(ending.outcome.best.value)
    by = trainer.best if best[member]["value"] is not None else LAST
    return best[member] | {"by": by}


def _write_summary(ending: Ending) -> None:
    ending.summary |= ending.terminal.stage_seconds()
    write_text(ending.files.summary, json.dumps(ending.summary, indent=1) + "\n")


def _summary(ending: Ending) -> dict[str, Any]:
    outcome, split = ending.outcome, ending.ready.split
    return {
        "status": outcome.status,
        "name": ending.run.name,
        "steps": outcome.step,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 2),
        "seed": ending.run.seed,
        "rows": {"training": split.training.num_rows, "holdout": split.holdout.num_rows},
        "scores": {},
        "versions": versions(),
        "commit": commit(),
    }


def _sample(ending: Ending) -> pa.Table:
    """Refine the best member, and sample it.

    Raises:
        UserError: too many generated rows hold levels that never go together.
    """
    run, ready, best = ending.run, ending.ready, ending.outcome.best
    member, sampler = run.trainer.best_member(best.value), ready.sampler
    sampler.parameters = jax.tree.map(lambda leaf: leaf[member], best.generator)
    if run.refine.needs(ready.split.training.num_rows):
        ending.terminal.turn("refine")
    try:
        sampler.refine(run.refine, ready.encoded, run.seed, ending.terminal.part)
    except UserError:
        raise
    except Exception as error:
        ending.leave_out("refine", one_line(error))
    if sampler.refinement is not None:
        sampler.refinement.save(ending.files.refinement)
    count = run.sample_rows(ready.split.training.num_rows)
    ending.terminal.turn("sample", f"{count:,} rows")
    return sampler.sample(count, run.seed)


def _judge(ending: Ending, synthetic: pa.Table) -> Judged | None:
    """Write into the summary how near the samples are, by the run's metrics; None where not even their distances are.

    The floor is what held-out rows score against the training rows, and training rows by the metrics of the run.
    """
    run, ready, summary = ending.run, ending.ready, ending.summary
    try:
        distances = {
            "training": ready.training.compare(synthetic),
            "holdout": ready.holdout.compare(synthetic),
            "floor": ready.training.compare(ready.split.holdout),
        }
        images, most = ready.split.schema.images, run.trainer.evaluate_rows
        scores = {name: {} if images else fidelity.scores() for name, fidelity in distances.items()}
    except Exception as error:
        ending.leave_out("fidelity", one_line(error))
        return None
    summary["score_rows"] = dict.fromkeys(scores["holdout"], synthetic.num_rows)
    others = [name for name in run.trainer.measured if name != "fidelity"]  # that is of all samples, above
    judge = TrainingJudge(others, ready.split.holdout, ready.split.schema)
    for side, table in (("holdout", synthetic), ("floor", ready.split.training)):
        found, left_out = judge.attempt(table.slice(0, most))
        scores[side] |= found
        for name, reason in left_out.items():
            ending.leave_out(name if side == "holdout" else f"{name} of training rows", reason)
    rows = judge.rows(min(most, synthetic.num_rows))
    summary["score_rows"] |= {name: rows[name] for name in rows if name in scores["holdout"]}
    summary["scores"] = scores | summary["scores"]
    return Judged(synthetic, distances)


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
        given=ending.given,
    )
