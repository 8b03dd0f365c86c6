"""The configuration of a Weights & Biases sweep: its agents call gans.train."""

from pathlib import Path
from typing import Any

from gans.files import write_text
from gans.sweeps.space import Dimension, example_run


def write_sweep(path: Path, space: list[Dimension], fixed: list[str], trials: int) -> str:
    """Write the YAML file of a sweep; the lines that begin it and an agent.

    Raises:
        UserError: the settings cannot be composed.
    """
    import yaml

    run = example_run(space, fixed)
    goal = "maximize" if run.trainer.direction > 0 else "minimize"
    config: dict[str, Any] = {
        "method": "bayes",
        "run_cap": trials,
        "metric": {"name": f"holdout/{run.trainer.best}", "goal": goal},
        "early_terminate": {"type": "hyperband", "min_iter": 2},
        "command": ["${env}", "python", "-m", "gans.train", *fixed, "tracker.mode=online", "${args_no_hyphens}"],
        "parameters": {dimension.key: dimension.wandb() for dimension in space},
    }
    write_text(path, yaml.safe_dump(config, sort_keys=False))
    project = f"--project {run.tracker.project}"
    owner = f"{run.tracker.entity or 'ENTITY'}/{run.tracker.project}"
    return f"wandb sweep {project} {path}\nwandb agent {owner}/SWEEP_ID"
