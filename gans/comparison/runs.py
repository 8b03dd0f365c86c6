"""The runs of a comparison, read from their directories."""

import glob
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gans.errors import UserError, nearest
from gans.tracking.jsonl import read_lines

DIVERGED = "diverged"


@dataclass(frozen=True)
class Observation:
    """The scores of one training seed, of one sample of it."""

    seed: int
    draw: int
    scores: Mapping[str, float]


@dataclass
class TrainedRun:
    """A run, with one seed or several.

    Attributes:
        source: its directory, or its address at Weights & Biases.
        config: as config.yaml has it.
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


def read_runs(pattern: str) -> list[TrainedRun]:
    """Runs that match: directories or globs joined by commas, or wandb:ENTITY/PROJECT. A folder of runs is searched.

    Raises:
        UserError: nothing matches, or a run cannot be read.
    """
    if pattern.startswith("wandb:"):
        from gans.comparison.wandb_runs import read_project

        return read_project(pattern.removeprefix("wandb:"))
    found: list[Path] = []
    for part in filter(None, pattern.split(",")):
        matches = [Path(match) for match in sorted(glob.glob(str(Path(part).expanduser())))]  # noqa: PTH207
        configs = [path / "config.yaml" for path in matches if path.is_dir()]
        here = [config.parent for config in configs if config.is_file()]
        if not here:
            here = sorted({config.parent for path in matches for config in path.rglob("config.yaml")})
        if not here:
            raise UserError(f"runs={part}: no run directory there; one holds config.yaml.")
        found += [path for path in here if path not in found]
    return [read_run_directory(path) for path in found]


def read_run_directory(path: Path) -> TrainedRun:
    """One run; what it lacks, because it was killed for example, is left empty.

    Raises:
        UserError: config.yaml, summary.json or evaluation.json is damaged.
    """
    import yaml

    try:
        config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
        summary = _json(path / "summary.json")
        evaluation = _json(path / "evaluation.json")
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"runs: {path} cannot be read ({' '.join(str(error).split())[:200]}).") from None
    if not isinstance(config, dict) or "components" not in config:
        raise UserError(f"runs: {path}/config.yaml is not that of a run.")
    try:
        return make_run(str(path), config, summary, read_lines(path / "metrics.jsonl"), evaluation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"runs: {path}: its files are not those of a run ({error!r}).") from None


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def make_run(
    source: str,
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    history: list[dict[str, Any]],
    evaluation: Mapping[str, Any] | None = None,
) -> TrainedRun:
    """A run from its config, summary, metrics over time and evaluation."""
    first, many = int(config.get("seed", 0)), int(config.get("trainer", {}).get("seeds", 1))
    seeds = list(range(first, first + many))
    run = TrainedRun(
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
