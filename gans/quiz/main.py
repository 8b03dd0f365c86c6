"""Make a quiz, or report what people answered."""

import logging
from typing import Any

from gans.cli.arguments import output_folder, run_folder
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, RUN, TEXT, WHOLE, choice
from gans.cli.tables import SYNTHETIC, TRUST, said_with_text_options, text_files
from gans.errors import DONE, UserError, in_range, one_of
from gans.tracking.log import RESULT

log = logging.getLogger("gans")

TRACKERS = ("disabled", "online", "offline")
FORMS, ARMS, LANGUAGES = ("cards", "pairs"), ("synthetic", "real"), ("en", "zh")

SERVING = ("port", "host", "raters", "open")


@takes(
    Key("run", RUN, "run directory, or last"),
    Key(
        "out",
        FOLDER,
        "empty folder for quiz.html, to be sent round, and the key, items.parquet and quiz.json, which the owner keeps",
    ),
    Key("test", FILE, "real rows that nothing was learned from, instead of held-out rows; a private run needs them"),
    Key(
        "real",
        FILE,
        "the training rows, if the run's table has moved; rows equal to one of them are not shown",
    ),
    SYNTHETIC,
    Key("form", choice(*FORMS), "cards: is this customer real? pairs: which of the two is real?", default=FORMS[0]),
    Key(
        "arm",
        choice(*ARMS),
        "synthetic, or real: both halves are real rows, a control that must come out at 50%",
        default=ARMS[0],
    ),
    Key("language", choice(*LANGUAGES), "language of the page, which also has a switch", default=LANGUAGES[0]),
    Key("seed", WHOLE, "the same seed draws the same rows", default=0),
    TRUST,
    Key(
        "serve",
        TEXT,
        "true: print a link for each rater and collect the answers; false: only write the files. Without run: the "
        "folder of a quiz to serve",
        section="Serving",
        default="true",
    ),
    Key("raters", WHOLE, "number of links", section="Serving", default=1),
    Key("port", WHOLE, "port of the page; 0 for any free one", section="Serving", default=8766),
    Key(
        "host",
        TEXT,
        "default: this machine only; 0.0.0.0 or an address of this machine opens it to the network",
        section="Serving",
        default="127.0.0.1",
    ),
    Key(
        "open",
        choice("true", "false"),
        "whether to open the first link in a browser",
        section="Serving",
        default="true",
    ),
    Key(
        "report",
        NAMES,
        "folders of quizzes: answers-*.json in a folder, or in its subfolder `returned`, are added to its "
        "answers.parquet; report.html and report.json about all of them go to the first folder",
        section="Report",
        metavar="FOLDER,...",
    ),
    Key(
        "tracker.mode",
        choice(*TRACKERS),
        "online or offline: also send pooled figures and answers to Weights & Biases",
        section="Report",
        default=TRACKERS[0],
    ),
    Key("tracker.project", TEXT, "project on Weights & Biases", section="Report", default="gans"),
    *text_files(),
    usages=("run=DIR out=FOLDER [KEY=VALUE ...]", "serve=FOLDER [KEY=VALUE ...]", "report=FOLDER[,FOLDER ...]"),
    after="The first form makes a quiz and serves it until Ctrl-C, the second serves it again, the third reports it.",
    needs=True,
)
def command(**_: Any) -> int:
    """A blind test: let people judge which customers are real and which are synthetic."""
    given = said_with_text_options()
    if "report" in given:
        return report(given)
    if "serve" in given and not {"run", "out"} & set(given):
        return serve_again(given)
    for key in ("tracker.mode", "tracker.project"):
        if key in given:
            raise UserError(f"{key}={given[key]}: it is a key of report=FOLDER.")
    for key in ("run", "out"):
        if key not in given:
            usage = "gans quiz run=DIR out=FOLDER, serve=FOLDER, or report=FOLDER"
            raise UserError(f"{key} is not set; usage: {usage}")
    for key, allowed in (("form", FORMS), ("arm", ARMS), ("language", LANGUAGES), ("serve", ("true", "false"))):
        given.setdefault(key, allowed[0])
        one_of(key, given[key], allowed)
    in_range("seed", given.setdefault("seed", 0), 0, 2**31 - 1)
    folder = output_folder(given["out"], empty=True)
    run_folder(given["out"], given["run"])

    from gans.locks import locked
    from gans.quiz.items import draw_quiz
    from gans.quiz.page import write_quiz

    serving = None
    if given["serve"] == "true":
        from gans.quiz.serving import check_serving

        serving = check_serving(given)
    elif idle := next((key for key in SERVING if key in given), None):
        raise UserError(f"{idle}={given[idle]}: with serve=false nothing is served; leave it out.")
    quiz = draw_quiz(given)
    with locked(folder, "out", make=True):
        page = write_quiz(folder, quiz, given["language"])
    for line in quiz.lines():
        log.info("%s", line)
    log.info("send %s to your raters; keep items.parquet, which is the key", page)
    if serving:
        from gans.quiz.answers import Quiz
        from gans.quiz.serving import serve

        serve(Quiz.open(folder, "out"), serving)
    return DONE


def serve_again(given: dict[str, Any]) -> int:
    """Serve a quiz that is there."""
    if other := sorted(set(given) - {"serve", *SERVING}):
        raise UserError(f"{other[0]}={given[other[0]]}: serve=FOLDER takes {', '.join(SERVING)} and no other key.")

    from gans.quiz.answers import Quiz
    from gans.quiz.serving import check_serving, serve

    quiz = Quiz.open(given["serve"], "serve")
    serve(quiz, check_serving(given))
    return DONE


def report(given: dict[str, Any]) -> int:
    """Take what was returned into the folders, and report on all of them."""
    own = ("report", "tracker.mode", "tracker.project")
    if other := sorted(set(given) - set(own)):
        raise UserError(f"{other[0]}={given[other[0]]}: report=FOLDER takes {', '.join(own[1:])} and no other key.")
    mode = given.get("tracker.mode", TRACKERS[0])
    one_of("tracker.mode", mode, TRACKERS)

    from gans.quiz.answers import Quiz, take_returned
    from gans.quiz.report import print_report, track, write_report

    quizzes = [Quiz.open(folder) for folder in dict.fromkeys(given["report"])]
    if twice := {quiz.id for quiz in quizzes if [other.id for other in quizzes].count(quiz.id) > 1}:
        raise UserError(f"report={','.join(given['report'])}: two of the folders contain the same quiz, {twice.pop()}.")
    answers = take_returned(quizzes)
    print_report(answers)
    log.log(RESULT, "%s", write_report(quizzes[0].folder, answers))
    if mode != "disabled":
        track(answers, mode, given.get("tracker.project", "gans"))
    return DONE
