"""What the files of a run say of it, as a comparison takes it: config, seeds, budget, scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gans.artefacts import read_yaml, reading
from gans.errors import UserError, nearest
from gans.runs.saved import SavedRun
from gans.training.loop import DIVERGED


@dataclass(frozen=True)
class Observation:
    """The scores of one training seed, of one sample of it."""

    seed: int
    draw: int
    scores: Mapping[str, float]


@dataclass
class RunRecord:
    """A run, with one seed or several.

    Attributes:
        source: its directory, or its address at Weights & Biases.
        config: as its file has it.
        status: completed, diverged, interrupted, or unknown where it left no summary.
        steps: that it trained.
        seconds: that its training took.
        rows: training rows.
        seeds: that it trained.
        held_out: of the seeds that were scored in training, the scores against held-out rows at the step that was kept.
        evaluated: of the seeds that `gans.evaluate` judged.
        evaluation: what that was by: its level and its numbers of rows; "" without one.
        curves: of each seed rows {step, seconds, score name: value} of its held-out scores.
    """

    source: str
    config: Mapping[str, Any]
    status: str = "unknown"
    steps: int = 0
    seconds: float = 0.0
    rows: int = 0
    seeds: list[int] = field(default_factory=list)
    held_out: list[Observation] = field(default_factory=list)
    evaluated: list[Observation] = field(default_factory=list)
    evaluation: str = ""
    curves: dict[int, list[dict[str, float]]] = field(default_factory=dict)

    def value(self, key: str) -> str:
        """What `by=KEY` groups by: the experiment's name, a component, or any key of the config.

        Raises:
            UserError: the config has no such key.
        """
        if key == "experiment":
            return str(self.config.get("name"))
        components = self.config.get("components", {})
        if key in components:
            return str(components[key])
        node: Any = self.config
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                known = ["experiment", *components, *_keys(self.config)]
                raise UserError(f"by={key}: {self.source} has no such key.{nearest(key, known)}")
            node = node[part]
        return ",".join(map(str, node)) if isinstance(node, (list, dict)) else str(node)

    @property
    def data(self) -> str:
        """The name of its table."""
        data, name = self.config.get("data", {}), self.config.get("components", {}).get("data", "table")
        for key in ("path", "file"):
            if data.get(key):
                return Path(data[key]).stem
        return str(data.get("query") or name)

    @property
    def table(self) -> tuple[Any, ...]:
        """What must agree for two runs to have seen the same rows."""
        data = self.config.get("data", {})
        return (self.rows, *(data.get(key) for key in ("holdout", "split_seed", "limit")))


def _keys(node: Mapping[str, Any], prefix: str = "") -> list[str]:
    out = []
    for key, value in node.items():
        out.append(f"{prefix}{key}")
        if isinstance(value, Mapping):
            out += _keys(value, f"{prefix}{key}.")
    return out


def make_record(
    source: str,
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    history: list[dict[str, Any]],
    evaluation: Mapping[str, Any] | None = None,
) -> RunRecord:
    """A run from its config, summary, metrics over time and evaluation."""
    first, many = int(config.get("seed", 0)), int(config.get("trainer", {}).get("seeds", 1))
    seeds = list(range(first, first + many))
    run = RunRecord(
        source,
        config,
        str(summary.get("status", "unknown")),
        int(summary.get("steps", history[-1]["step"] if history else 0)),
        float(summary.get("seconds", history[-1].get("seconds", 0) if history else 0)),
        int(summary.get("rows", {}).get("training", 0)),
        seeds,
    )
    for seed in seeds:
        prefix = f"seed{seed}/holdout/" if many > 1 else "holdout/"
        run.curves[seed] = [
            {"step": row["step"], "seconds": row.get("seconds", 0.0)}
            | {key.removeprefix(prefix): value for key, value in row.items() if key.startswith(prefix)}
            for row in history
            if any(key.startswith(prefix) for key in row)
        ]
    for one in (evaluation or {}).get("observed", []):
        if one["seed"] is not None:  # else of a file that this run did not make
            scores = {name: value for name, value in one["scores"].items() if value is not None}
            run.evaluated.append(Observation(one["seed"], one["draw"], scores))
    if evaluation and run.evaluated:
        rows = ", ".join(f"{count:,} {side}" for side, count in evaluation["rows"].items() if side != "real")
        run.evaluation = f"metrics={evaluation['level']} with {rows} rows"
    kept = {one["seed"]: one["step"] for one in summary.get("scores", {}).get("best", [])}
    for seed, curve in run.curves.items():
        row = next((row for row in curve if row["step"] == kept.get(seed)), None)
        if row is not None and run.status != DIVERGED:
            scores = {name: value for name, value in row.items() if name not in ("step", "seconds")}
            run.held_out.append(Observation(seed, 0, scores))
    return run


def read_record(path: Path) -> RunRecord:
    """The record of a run directory; what it lacks, because it was killed for example, is left empty.

    Raises:
        UserError: one of its files is damaged.
    """
    import yaml

    saved = SavedRun(path)
    try:
        with reading(saved.files.config, "the config of a run"):
            config = yaml.safe_load(read_yaml(saved.files.config))
        summary, evaluation, history = saved.summary, saved.evaluation, saved.history
    except UserError as error:
        raise UserError(f"runs: {path} cannot be read ({' '.join(str(error).split())[:200]}).") from None
    if not isinstance(config, dict) or "components" not in config:
        raise UserError(f"runs: {saved.files.config} is not that of a run.")
    try:
        return make_record(str(path), config, summary, history, evaluation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"runs: {path}: its files are not those of a run ({error!r}).") from None
