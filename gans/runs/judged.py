"""Samples of a run, or files, judged: the metrics of a level on each, and attacks on a generator trained again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gans.config.components import load_components
from gans.errors import UserError
from gans.evaluation.images import image_scores, read_network
from gans.evaluation.inputs import Tables
from gans.evaluation.results import Evaluation
from gans.evaluation.suite import evaluate, metrics_for
from gans.runs.again import half_split
from gans.runs.judging_options import LEVEL
from gans.runs.saved import SavedRun
from gans.runs.subjects import real_tables, subjects
from gans.tracking.terminal import progress_bar, watched


def judge(given: Mapping[str, Any]) -> tuple[Evaluation, list[dict[str, Any]]]:
    """The evaluation of the first sample, and the scores of each seed and draw, for gans.compare.

    Args:
        given: the arguments of gans.evaluate, checked.

    Raises:
        UserError: a file or the run cannot be read, or the tables do not fit each other.
    """
    load_components()  # plugins may bring metrics
    level = given.get("metrics", LEVEL)
    retrained = _retrained(given) if given.get("retrain") else None
    evaluations, observed = [], []
    for subject in subjects(given):
        found = _judged(subject.tables, level, subject.name)
        evaluations.append(found)
        scores = {name: score["value"] for name, score in found.to_json()["scores"].items()}
        observed.append({"seed": subject.seed, "draw": subject.draw, "scores": scores})
    if retrained:
        for name in ("membership", "membership rows"):
            evaluations[0].details[f"{name} after retraining"] = retrained.details[name]
    return evaluations[0], observed


def image_distances(given: Mapping[str, Any], images: Mapping[str, np.ndarray]) -> dict[str, float]:
    """FID, KID and the Inception-style score of real and synthetic images, by the network that is asked for.

    Raises:
        UserError: there are too few images, or the network cannot be read or does not fit them.
    """
    try:
        return image_scores(images["real"], images["synthetic"], read_network(given.get("network", "digits")))
    except ValueError as error:
        shown = ", ".join(f"{key}={given[key]}" for key in ("run", "real", "synthetic", "network") if key in given)
        raise UserError(f"{shown}: {error}.") from None


def _retrained(given: Mapping[str, Any]) -> Evaluation:
    """The membership attacks on the run's generator, trained again on half of its rows.

    Raises:
        UserError: the run's table is not there, or too small, or the attacks failed.
    """
    saved = SavedRun.open(given["run"])
    tables = half_split(saved, real_tables(given, saved).training)
    found = _judged(tables, LEVEL, "retrained", ["membership"])
    if "membership" not in found.details:
        raise UserError(f"retrain=true: {'; '.join(found.notes)}.")
    return found


def _judged(tables: Tables, level: str, name: str, only: Sequence[str] | None = None) -> Evaluation:
    """The evaluation of one table; of some metrics only, if named."""
    with progress_bar("metrics", watched()) as bar:
        task = bar.add_task(name, total=len(only or metrics_for(level, tables)))

        def advance(metric: str) -> None:
            bar.update(task, advance=1, description=f"{name}: {metric}")

        return evaluate(tables, level, advance, only)
