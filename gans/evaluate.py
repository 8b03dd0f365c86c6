"""Judge synthetic rows: `python -m gans.evaluate run=DIR`, or `real=FILE synthetic=FILE [KEY=VALUE ...]`."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.cli.arguments import key_values, listed, output_folder, run_folder, take_text_options, wants_help
from gans.cli.command import main_command
from gans.errors import UserError, in_range, one_of
from gans.tracking.log import set_up_log

if TYPE_CHECKING:
    import numpy as np

    from gans.evaluation.inputs import Tables
    from gans.evaluation.results import Evaluation

log = logging.getLogger("gans")

HELP = """Judge synthetic rows: how real they are beside unseen rows, fidelity, detection, utility, privacy.

  python -m gans.evaluate run=DIR [KEY=VALUE ...]
  python -m gans.evaluate real=FILE synthetic=FILE [test=FILE] [target=COLUMN] [KEY=VALUE ...]

  run        run directory of gans.train: its table is read again, its held-out rows are the test rows
  real       the rows that were trained on, .csv or .parquet; with run=DIR in place of the run's table
  synthetic  rows to judge; with run=DIR in place of its samples
  test       real rows that nothing was learnt from: how real the rows are is judged by these; without them nothing is
             said of utility and little of privacy
  target     the column that models should predict; of a run its data.target
  secrets    columns that an attacker would like to know, as in secrets=[income,age]
  metrics    fast (seconds), standard, or full (more rows, tuned models)
  members    all: every seed of a run, beside the best one
  draws      samples of each seed, so that gans.compare tells training seeds from sampling noise; 1 unless given
  n          rows of a sample; as many as samples.parquet has unless given
  kinds.NAME the kind of a column that detection got wrong, as in kinds.zip=category
  drop       columns to leave out, as in drop=[id]
  data.KEY   how text files are read, as gans.train has it: data.delimiter, data.formats.COLUMN and others
  keep       columns of personal data that are compared in spite of it; left out, they are only searched for real values
  anonymeter a Python interpreter that has the package anonymeter, for singling-out and linkability
  out        folder for evaluation.json and report.html; of a run its directory, else `evaluation`
  retrain    true: train the run's config again on half of its training rows, in a folder of the run, and attack that
             generator with the other half; takes as long as the run
  trust      true: read what the config of a run names that was not made on this machine, because you know who made it
  network    for images, of a run or real=FILE.npy synthetic=FILE.npy: digits, or a TorchScript file such as
             inception-2015-12-05.pt

evaluation.json has all figures; report.html of a run gets a section.
"""

KEYS: dict[str, Any] = dict.fromkeys(
    ("run", "real", "synthetic", "test", "target", "metrics", "members", "retrain", "trust"), str
) | {
    "secrets": listed,
    "drop": listed,
    "keep": listed,
    "anonymeter": str,
    "out": str,
    "network": str,
    "draws": int,
    "n": int,
}


def main() -> int:
    """Read the arguments, judge, print, write."""
    if wants_help(HELP):
        return 0
    options, arguments = take_text_options(sys.argv[1:])
    kinds = [argument for argument in arguments if argument.startswith("kinds.")]
    given = options | key_values([argument for argument in arguments if argument not in kinds], KEYS)
    fixed = key_values(kinds, dict.fromkeys((kind.rpartition("=")[0] for kind in kinds), str), names_with_equals=True)
    given["kinds"] = {key.removeprefix("kinds."): kind for key, kind in fixed.items()}
    if "run" not in given and not {"real", "synthetic"} <= set(given):
        raise UserError("run is not set; usage: python -m gans.evaluate run=DIR, or real=FILE synthetic=FILE.")
    if "run" in given and (kinds or "drop" in given or "keep" in given):
        raise UserError("kinds, drop and keep go with real=FILE; a run has its own.")
    one_of("retrain", given.get("retrain", "false"), ("true", "false"))
    if given.get("retrain") == "true" and "run" not in given:
        raise UserError("retrain=true: it trains a run again; set run=DIR.")
    level = given.get("metrics", "standard")
    one_of("members", given.get("members", "best"), ("all", "best"))
    in_range("draws", given.get("draws", 1), 1)
    folder = run_folder(given, given["run"]) if "run" in given else output_folder(given.get("out") or "evaluation")
    from gans.config.components import load_components
    from gans.evaluation.metrics import LEVELS
    from gans.locks import check_unlocked
    from gans.runs.subjects import read_images

    one_of("metrics", level, LEVELS)
    load_components()  # plugins may bring metrics
    check_unlocked(folder, "out" if "out" in given else "run")
    if images := read_images(given):
        return judge_images(given, folder, images)
    return judge_tables(given, folder, level)


def judge_tables(given: dict[str, Any], folder: Path, level: str) -> int:
    """The metrics of a level on each sample; what they say is printed and written."""
    from gans.locks import locked
    from gans.report.evaluation import print_evaluation, write_evaluation
    from gans.runs.subjects import subjects

    retrained = attack_retrained(given) if given.get("retrain") == "true" else None
    evaluations, observed = [], []
    for subject in subjects(given):
        found = judged(subject.tables, level, subject.name)
        evaluations.append(found)
        scores = {name: score["value"] for name, score in found.to_json()["scores"].items()}
        observed.append({"seed": subject.seed, "draw": subject.draw, "scores": scores})
    if retrained:
        for name in ("membership", "membership rows"):
            evaluations[0].details[f"{name} after retraining"] = retrained.details[name]
    print_evaluation(evaluations[0])
    with locked(folder, "out" if "out" in given else "run", make=True):
        written = write_evaluation(folder, evaluations[0], observed)
    log.info("%s and %s", *written)
    return 0


def attack_retrained(given: dict[str, Any]) -> "Evaluation":
    """The membership attacks on the run's generator, trained again on half of its rows.

    Raises:
        UserError: the run's table is not there, or too small, or the attacks failed.
    """
    from gans.runs.again import half_split
    from gans.runs.saved import SavedRun
    from gans.runs.subjects import real_tables

    saved = SavedRun.open(given["run"])
    found = judged(half_split(saved, real_tables(given, saved).training), "standard", "retrained", ["membership"])
    if "membership" not in found.details:
        raise UserError(f"retrain=true: {'; '.join(found.notes)}.")
    return found


def judged(tables: "Tables", level: str, name: str, only: Sequence[str] | None = None) -> "Evaluation":
    """The evaluation of one table, with a progress bar where a person looks on; of some metrics only, if named."""
    from gans.evaluation.suite import evaluate, metrics_for
    from gans.tracking.terminal import progress_bar, watched

    with progress_bar("metrics", watched()) as bar:
        task = bar.add_task(name, total=len(only or metrics_for(level, tables)))

        def advance(metric: str) -> None:
            bar.update(task, advance=1, description=f"{name}: {metric}")

        return evaluate(tables, level, advance, only)


def judge_images(given: dict[str, Any], folder: Path, images: "dict[str, np.ndarray]") -> int:
    """FID, KID and the Inception-style score of real and synthetic images."""
    from gans.evaluation.images import image_scores, read_network
    from gans.report.evaluation import write_scores

    try:
        scores = image_scores(images["real"], images["synthetic"], read_network(given.get("network", "digits")))
    except ValueError as error:
        shown = ", ".join(f"{key}={given[key]}" for key in ("run", "real", "synthetic", "network") if key in given)
        raise UserError(f"{shown}: {error}.") from None
    for name, value in scores.items():
        print(f"{name:16} {value:.4f}")
    folder.mkdir(parents=True, exist_ok=True)
    write_scores(folder, scores)
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
