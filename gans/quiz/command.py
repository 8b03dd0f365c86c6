"""Make a quiz, or report what people answered."""

import logging
import sys
from typing import Any

from gans.cli.arguments import key_values, listed, output_folder, require, run_folder, take_text_options, wants_help
from gans.errors import DONE, UserError, in_range, one_of

log = logging.getLogger("gans")

TRACKERS = ("disabled", "online", "offline")
FORMS, ARMS, LANGUAGES = ("cards", "pairs"), ("synthetic", "real"), ("en", "zh")

HELP = """Let people judge, blind, which customers are real and which are synthetic.

  python -m gans.quiz run=DIR out=FOLDER [KEY=VALUE ...]    make a quiz, and serve it until Ctrl-C
  python -m gans.quiz serve=FOLDER [KEY=VALUE ...]          serve it again
  python -m gans.quiz report=FOLDER[,FOLDER ...]            what people answered

  run        run directory of gans.train
  out        an empty folder: quiz.html to send round; items.parquet, the key, and quiz.json, for the owner only
  test       real rows that nothing was learnt from, in place of the run's held-out ones; a private run needs it
  real       the rows that were trained on, where the run's table has moved; rows that equal one of them are not shown
  synthetic  rows in place of the run's samples
  form       cards: is this customer real? pairs: which of the two is real? cards unless given
  arm        synthetic, or real: both halves are real rows, a control of the procedure, which must come out at 50 %
  language   of the page: en or zh; the page has a switch, too
  seed       the same seed draws the same rows
  trust      true: read what the config of a run names that was not made on this machine, because you know who made it
  data.KEY   how text files are read, as gans.train has it

  serve      true: a link for each rater is printed, answers are kept as they come; false: only the files are written.
             Without run: a folder of a quiz
  raters     how many links; 1 unless given
  port       where it is served, 8766 unless given; 0 for any port that is free
  host       127.0.0.1, this machine alone, unless given; 0.0.0.0 or one of its addresses for its network
  open       whether a browser is opened with the first link; true unless given

  report     folders of quizzes: answers-*.json that lie in a folder, or in its folder `returned`, are added to its
             answers.parquet; the first folder gets report.html and report.json of all of them
  tracker.mode, tracker.project
             online or offline: pooled figures and answers go to Weights & Biases, too; disabled and gans unless given
"""

KEYS: dict[str, Any] = dict.fromkeys(
    (
        "run",
        "out",
        "test",
        "real",
        "synthetic",
        "form",
        "arm",
        "language",
        "trust",
        "serve",
        "host",
        "open",
        "tracker.mode",
        "tracker.project",
    ),
    str,
) | {"seed": int, "report": listed, "port": int, "raters": int}


SERVING = ("port", "host", "raters", "open")


def main() -> int:
    """Read the arguments, make a quiz or a report."""
    if wants_help(HELP):
        return DONE
    options, arguments = take_text_options(sys.argv[1:])
    given = options | key_values(arguments, KEYS)
    if "report" in given:
        return report(given)
    if "serve" in given and not {"run", "out"} & set(given):
        return serve_again(given)
    for key in ("tracker.mode", "tracker.project"):
        if key in given:
            raise UserError(f"{key}={given[key]}: it is a key of report=FOLDER.")
    require(given, ("run", "out"), "python -m gans.quiz run=DIR out=FOLDER, serve=FOLDER, or report=FOLDER")
    for key, allowed in (("form", FORMS), ("arm", ARMS), ("language", LANGUAGES), ("serve", ("true", "false"))):
        given.setdefault(key, allowed[0])
        one_of(key, given[key], allowed)
    in_range("seed", given.setdefault("seed", 0), 0, 2**31 - 1)
    folder = output_folder(given["out"], empty=True)
    run_folder(given, given["run"])

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
