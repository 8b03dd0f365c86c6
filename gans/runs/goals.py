"""Which way each metric of a run is better, and the best value that it reached."""

from collections.abc import Mapping

from gans.config.run import Run
from gans.evaluation.metrics import all_metrics
from gans.tracking.jsonl import History, series


def goals(run: Run) -> dict[str, str]:
    """By the name of a logged score "max" or "min"; those that should be near their ideal are left out."""
    first, many = run.seed, run.trainer.seeds
    prefixes = [f"seed{seed}/holdout/" for seed in range(first, first + many)] if many > 1 else ["holdout/"]
    scores = {
        score: meaning.sign for name in run.trainer.measured for score, meaning in all_metrics()[name].scores.items()
    }
    ways = {score: "max" if sign > 0 else "min" for score, sign in scores.items() if sign}
    return {f"{prefix}{score}": way for prefix in prefixes for score, way in ways.items()}


def best_values(history: History, wanted: Mapping[str, str]) -> dict[str, float]:
    """The best finite value of each metric that has a goal and was logged."""
    found = {name: series(history, name)[1] for name in wanted}
    return {
        name: float(values.max() if wanted[name] == "max" else values.min())
        for name, values in found.items()
        if len(values)
    }
