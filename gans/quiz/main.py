"""Make a quiz, or report what people answered."""

import logging
from typing import Any

from gans.cli.arguments import output_folder, run_folder
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, RUN, TEXT, WHOLE, choice
from gans.cli.tables import SYNTHETIC, TRUST, said_with_text_options, text_files
from gans.errors import DONE, UserError, in_range, one_of

log = logging.getLogger("gans")

TRACKERS = ("disabled", "online", "offline")
FORMS, ARMS, LANGUAGES = ("cards", "pairs"), ("synthetic", "real"), ("en", "zh")

SERVING = ("port", "host", "raters", "open")


@takes(
    Key("run", RUN, "run directory of gans train"),
    Key(
        "out",
        FOLDER,
        "an empty folder: quiz.html to send round; items.parquet, the key, and quiz.json, for the owner only",
    ),
    Key("test", FILE, "real rows that nothing was learnt from, in place of the held-out ones; a private run needs it"),
    Key(
        "real",
        FILE,
        "the rows that were trained on, where the run's table has moved; rows that equal one of them are not shown",
    ),
    SYNTHETIC,
    Key("form", choice(*FORMS), "cards: is this customer real? pairs: which of the two is real?", default=FORMS[0]),
    Key(
        "arm",
        choice(*ARMS),
        "synthetic, or real: both halves are real rows, a control of the procedure, which must come out at 50 %",
        default=ARMS[0],
    ),
    Key("language", choice(*LANGUAGES), "of the page, which has a switch, too", default=LANGUAGES[0]),
    Key("seed", WHOLE, "the same seed draws the same rows", default=0),
    TRUST,
    Key(
        "serve",
        TEXT,
        "true: a link for each rater is printed, answers are kept as they come; false: only the files are written. "
        "Without run: a folder of a quiz",
        section="Serving",
        default="true",
    ),
    Key("raters", WHOLE, "how many links", section="Serving", default=1),
    Key("port", WHOLE, "where it is served; 0 for any port that is free", section="Serving", default=8766),
    Key(
        "host",
        TEXT,
        "this machine alone unless given; 0.0.0.0 or one of its addresses for its network",
        section="Serving",
        default="127.0.0.1",
    ),
    Key(
        "open",
        choice("true", "false"),
        "whether a browser is opened with the first link",
        section="Serving",
        default="true",
    ),
    Key(
        "report",
        NAMES,
        "folders of quizzes: answers-*.json that lie in a folder, or in its folder `returned`, are added to its "
        "answers.parquet; the first folder gets report.html and report.json of all of them",
        section="Report",
        metavar="FOLDER,...",
    ),
    Key(
        "tracker.mode",
        choice(*TRACKERS),
        "online or offline: pooled figures and answers go to Weights & Biases, too",
        section="Report",
        default=TRACKERS[0],
    ),
    Key("tracker.project", TEXT, "of Weights & Biases", section="Report", default="gans"),
    *text_files(),
    usages=("run=DIR out=FOLDER [KEY=VALUE ...]", "serve=FOLDER [KEY=VALUE ...]", "report=FOLDER[,FOLDER ...]"),
    after="A quiz is made and served until Ctrl-C; served again; what people answered is reported.",
    needs=True,
)
def command(**_: Any) -> int:
    """Let people judge, blind, which customers are real and which are synthetic."""
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
    log.info("%s to send round; items.parquet beside it is the key: keep it", page)
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
        raise UserError(f"report={','.join(given['report'])}: two of the folders hold the same quiz, {twice.pop()}.")
    answers = take_returned(quizzes)
    print_report(answers)
    log.info("%s", write_report(quizzes[0].folder, answers))
    if mode != "disabled":
        track(answers, mode, given.get("tracker.project", "gans"))
    return DONE
