"""Judge synthetic rows: `python -m gans.evaluate run=DIR`, or `real=FILE synthetic=FILE [KEY=VALUE ...]`."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.cli.arguments import output_folder, run_folder
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, RUN, TEXT, TRUTH, WHOLE, choice
from gans.cli.tables import TRUST, said_with_text_options, text_files
from gans.errors import UserError, in_range, one_of

if TYPE_CHECKING:
    import numpy as np

    from gans.evaluation.inputs import Tables
    from gans.evaluation.results import Evaluation

log = logging.getLogger("gans")


@takes(
    Key("run", RUN, "run directory, or last: its table is read again, and its held-out rows are the test rows"),
    Key("real", FILE, "the training rows; with run=DIR, instead of the run's table"),
    Key("synthetic", FILE, "the rows to judge; with run=DIR, instead of its samples"),
    Key(
        "test",
        FILE,
        "real rows that nothing was learnt from: how real the rows are is judged by these; without them nothing is "
        "said of utility and little of privacy",
    ),
    Key("target", TEXT, "the column that models should predict; data.target of the run unless given"),
    Key("secrets", NAMES, "columns that an attacker would like to know, as in secrets=[income,age]"),
    Key("metrics", TEXT, "fast (seconds), standard, or full (more rows, tuned models)", default="standard"),
    Key("members", choice("all", "best"), "all: every seed of a run, not only the best one", default="best"),
    Key("draws", WHOLE, "samples of each seed, so that gans compare tells seeds from sampling noise", default=1),
    Key("n", WHOLE, "rows of a sample; as many as in samples.parquet unless given"),
    Key(
        "kinds",
        TEXT,
        "the kind of a column that was detected wrongly, as in kinds.zip=category",
        named=True,
        equals=True,
    ),
    Key("drop", NAMES, "columns to leave out, as in drop=[id]"),
    Key(
        "keep",
        NAMES,
        "columns of personal data that are compared in spite of it; left out, they are only searched for real values",
    ),
    Key(
        "anonymeter",
        FILE,
        "a Python interpreter that has the package anonymeter, for singling-out and linkability",
    ),
    Key("out", FOLDER, "folder for evaluation.json and report.html; the run's directory, or else `evaluation`"),
    Key(
        "retrain",
        TRUTH,
        "true: train the run's config again on half of its training rows, in a folder of the run, and attack that "
        "generator with the other half; takes as long as the run",
        default=False,
    ),
    TRUST,
    Key(
        "network",
        TEXT,
        "for images, of a run or real=FILE.npy synthetic=FILE.npy: digits, or a TorchScript file such as "
        "inception-2015-12-05.pt",
        default="digits",
    ),
    *text_files(),
    usages=("run=DIR [KEY=VALUE ...]", "real=FILE synthetic=FILE [test=FILE] [target=COLUMN] [KEY=VALUE ...]"),
    after="evaluation.json contains all figures, and report.html of a run gains a section.",
    needs=True,
)
def command(**_: Any) -> int:
    """Judge synthetic rows: how real they are beside unseen rows, fidelity, detection, utility, privacy."""
    given = said_with_text_options()
    kinds = given.setdefault("kinds", {})
    if "run" not in given and not {"real", "synthetic"} <= set(given):
        raise UserError("run is not set; usage: gans evaluate run=DIR, or real=FILE synthetic=FILE.")
    if "run" in given and (kinds or "drop" in given or "keep" in given):
        raise UserError("kinds, drop and keep go with real=FILE; a run has its own.")
    if given.get("retrain") and "run" not in given:
        raise UserError("retrain=true: it trains a run again; set run=DIR.")
    level = given.get("metrics", "standard")
    in_range("draws", given.get("draws", 1), 1)
    out = given.get("out")
    folder = run_folder(out, given["run"]) if "run" in given else output_folder(out or "evaluation")
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

    retrained = attack_retrained(given) if given.get("retrain") else None
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
    main_command(command.run)
