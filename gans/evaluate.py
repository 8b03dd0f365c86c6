"""Judge synthetic rows: `python -m gans.evaluate run=DIR`, or `real=FILE synthetic=FILE [KEY=VALUE ...]`."""

import logging
from typing import Any

from gans.cli.arguments import output_folder, run_folder
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, RUN, TEXT, TRUTH, WHOLE, choice
from gans.cli.tables import LANGUAGE, TRUST, said_with_text_options, text_files
from gans.errors import UserError
from gans.runs.judging_options import LEVEL, check_judging
from gans.tracking.log import RESULT
from gans.words import in_language

log = logging.getLogger("gans")


@takes(
    Key("run", RUN, "run directory, or last: its table is read again, and its held-out rows are the test rows"),
    Key(
        "real",
        FILE,
        "the training rows; with run=DIR, instead of the run's table; or a folder of customers and their logs",
    ),
    Key("synthetic", FILE, "the rows to judge, or their folder; with run=DIR, instead of its samples"),
    Key(
        "test",
        FILE,
        "real rows that nothing was learned from: how real the rows are is judged by these; without them nothing is "
        "said of utility and little of privacy",
    ),
    Key("target", TEXT, "the column that models should predict; default: data.target of the run"),
    Key("secrets", NAMES, "columns that an attacker would like to know, as in secrets=[income,age]"),
    Key("metrics", TEXT, "fast (seconds), standard, or full (more rows, tuned models)", default=LEVEL),
    Key("members", choice("all", "best"), "all: every seed of a run, not only the best one", default="best"),
    Key("draws", WHOLE, "samples of each seed, so that gans compare tells seeds from sampling noise", default=1),
    Key("n", WHOLE, "rows of a sample; default: as many as in samples.parquet"),
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
    LANGUAGE,
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
    check_judging(given)
    out = given.get("out")
    folder = run_folder(out, given["run"]) if "run" in given else output_folder(out or "evaluation")
    from gans.decisions.judged_histories import judge_histories, judges_histories
    from gans.findings.first_screen import evaluate_command
    from gans.locks import check_unlocked, locked
    from gans.report.evaluation import print_evaluation, print_replies, replies_of, write_evaluation, write_scores
    from gans.runs.judged import image_distances, judge
    from gans.runs.saved import language_of
    from gans.runs.subjects import guarantee_of, read_images

    key = "out" if "out" in given else "run"
    check_unlocked(folder, key)
    of_histories = judges_histories(given)
    if not of_histories and (images := read_images(given)):
        scores = image_distances(given, images)
        for name, value in scores.items():
            print(f"{name:16} {value:.4f}")
        folder.mkdir(parents=True, exist_ok=True)
        with in_language(language_of(given)):
            write_scores(folder, scores)
        return 0
    with in_language(language_of(given)):
        found, observed = judge_histories(given) if of_histories else judge(given)
        guarantee = guarantee_of(given)
        print_evaluation(found)
        again = evaluate_command(given)
        print_replies(replies_of(folder, found, again, guarantee))
        with locked(folder, key, make=True):
            written = write_evaluation(folder, found, observed, again, guarantee)
    log.log(RESULT, "%s and %s", *written)
    return 0


if __name__ == "__main__":
    main_command(command.run)
