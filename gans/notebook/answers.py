"""What the commands about a run find, as objects: evaluation, personas, uses, augmentation, event histories."""

import glob
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from gans.cli.arguments import output_file, output_folder, run_folder
from gans.data.frames import to_frame
from gans.data.writing import write_rows
from gans.decisions.added_rows import MARK, augment, augmented
from gans.decisions.cases import Case, open_cases
from gans.decisions.event_histories import draw_histories
from gans.decisions.growth import BALANCE, check_growth
from gans.decisions.judged_histories import judge_histories, judges_histories
from gans.decisions.scenario_options import check_scenario
from gans.decisions.scenarios import answer_of, draw
from gans.decisions.segment_traits import find_personas
from gans.errors import UserError
from gans.evaluation.metrics import all_metrics, meaning, metric_of
from gans.evaluation.results import Evaluation, score_rows
from gans.files import write_table
from gans.findings.answers import Answer
from gans.findings.customer_segments import agreement_sentences
from gans.findings.evaluation import findings
from gans.findings.first_screen import evaluate_command
from gans.findings.histories import history_sentences
from gans.locks import check_unlocked, locked
from gans.notebook.frames import as_frame
from gans.notebook.shown import Augmented, Finding, Judged, Page
from gans.report.answers import write_answer
from gans.report.evaluation import write_evaluation, write_scores
from gans.report.history_page import write_histories
from gans.report.segment_page import write_personas
from gans.runs.files import RunFiles
from gans.runs.judged import image_distances, judge
from gans.runs.judging_options import check_judging
from gans.runs.saved import SavedRun, language_of
from gans.runs.subjects import guarantee_of, read_images
from gans.words import in_language

log = logging.getLogger("gans")


def judged(run: Path, given: dict[str, Any], logs: Mapping[str, pa.Table] | None = None) -> Judged:
    """What gans.evaluate says of a run, and writes into its folder or that of `out`.

    Args:
        given: as the command has it.
        logs: by kind what a run of histories was trained on, if that were no files.

    Raises:
        UserError: as the command.
    """
    given = {"run": str(run), **given}
    check_judging(given)
    folder, key = run_folder(given.get("out"), run), "out" if "out" in given else "run"
    check_unlocked(folder, key)
    of_histories = judges_histories(given)
    if not of_histories and (images := read_images({**given, "kinds": {}})):
        scores = image_distances(given, images)
        folder.mkdir(parents=True, exist_ok=True)
        with in_language(language_of(given)):
            write_scores(folder, scores)
        return Judged([], pd.DataFrame({"value": scores}))
    with in_language(language_of(given)):
        found, observed = judge_histories(given, logs) if of_histories else judge(given)
        with locked(folder, key, make=True):
            _, page = write_evaluation(folder, found, observed, evaluate_command(given), guarantee_of(given))
        return Judged(findings(found), score_table(found), Page(page))


def score_table(found: Evaluation) -> pd.DataFrame:
    """The scores of an evaluation, a row each, in the order in which the command prints them."""
    rows = {
        name: {
            "part": all_metrics()[metric_of(name)].part,
            "what": meaning(name).title,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "ideal": meaning(name).ideal,
            "real": score.real,
            "rows": score.rows,
        }
        for name, score in score_rows(found)
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def segments(run: Path, given: dict[str, Any]) -> Finding:
    """What gans.personas finds, a row a segment, and writes.

    Raises:
        UserError: as the command.
    """
    folder, (case,) = run_folder(given.get("out"), run), _cases(run, given)
    with in_language(given.get("language", case.run.language)):
        found = find_personas(case, given.get("k"))
        folder.mkdir(parents=True, exist_ok=True)
        page = write_personas(folder, found, case.run.name)
        table = pd.read_csv(page.with_suffix(".csv"), index_col="segment", keep_default_na=False)
        return Finding(agreement_sentences(found), table, Page(page))


def answered(run: Path, given: dict[str, Any]) -> Finding:
    """What gans.use says of a scenario, a row for each figure and arm, and writes.

    Raises:
        UserError: as the command.
    """
    scenario = check_scenario(given)
    folder, cases = run_folder(given.get("out"), run), _cases(run, given)
    with in_language(given.get("language", cases[0].run.language)):
        answer = answer_of(scenario, cases, given)
        folder.mkdir(parents=True, exist_ok=True)
        return Finding(answer.sentences, answer_table(answer), Page(write_answer(folder, answer, draw(answer))))


def answer_table(answer: Answer) -> pd.DataFrame:
    """The figures of an answer, a row for each and each arm, with intervals and the gain over the control."""
    rows = []
    for one in answer.measures:
        for arm, value in one.values.items():
            gain = one.gains.get(arm, (float("nan"),) * 3)
            row = dict(zip(("value", "low", "high"), value, strict=True))
            row |= dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
            rows.append({"measure": one.name, "arm": arm, **row, "verdict": one.verdict(arm)})
    return pd.DataFrame(rows).set_index(["measure", "arm"])


def grown(run: Path, given: dict[str, Any], how: str = BALANCE) -> Augmented:
    """What gans.augment adds, and whether a model gains by it.

    Raises:
        UserError: as the command.
    """
    check_growth(how, given.get("n"))
    out = output_file(given["out"]) if "out" in given else None
    (case,) = _cases(run, given)
    with in_language(given.get("language", case.run.language)):
        found = augment(case, how, given.get("n"))
        schema, whole = case.tables.schema, augmented(case, found)
        if out is not None:
            write_rows(out, iter([whole]), schema)
        name, measured = found.measured.name, found.measured
        table = pd.DataFrame(
            {arm: dict(zip(("value", "low", "high"), value, strict=True)) for arm, value in measured.values.items()}
        ).T.rename_axis(name)
        marks = whole[MARK].to_numpy()
        return Augmented(
            found.sentences(),
            table,
            rows=to_frame(found.rows, schema),
            whole=_marked(to_frame(whole.drop_columns([MARK]), schema), marks),
            helps=found.helps,
        )


def _marked(frame: Any, marks: Any) -> Any:
    """A frame of any library with the column that tells synthetic rows."""
    if isinstance(frame, pa.Table):
        return frame.append_column(MARK, pa.array(marks))
    if isinstance(frame, pd.DataFrame):
        return frame.assign(**{MARK: marks})
    import polars as pl

    return frame.with_columns(pl.Series(MARK, marks))


def event_logs(
    run: Path, n: int, reference: str | None, where: Any, seed: int, out: str | None, language: str | None
) -> dict[str, Any]:
    """Event histories of new synthetic customers, as frames; what gans.events writes goes to `out`, where that is set.

    Args:
        where: what profiles may hold, as the schema has it.

    Raises:
        UserError: as the command.
    """
    folder = None if out is None else output_folder(out, empty=True)
    saved = SavedRun.open(run)
    found = draw_histories(saved, n, reference, where, seed)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in found.events.items():
            write_table(folder / f"{name}.parquet", table)
    with in_language(language or saved.run.language):
        if folder is not None:
            write_histories(folder, found.kept, found.method)
        for sentence in history_sentences(found.kept):
            log.info("%s", sentence.line())
    library = saved.schema.frame.get("library", "pandas")
    return {name: as_frame(table, library) for name, table in found.events.items()}


def _cases(run: Path, given: Mapping[str, Any]) -> list[Case]:
    """The run as the uses take it."""
    return open_cases({**given, "run": [glob.escape(str(run))]})


def report_page(run: Path) -> Page:
    """The page about a run, of histories that about their customers until they are evaluated.

    Raises:
        UserError: it has none.
    """
    page = RunFiles(run).report
    if not page.is_file() and RunFiles(run).histories.is_file():
        page = RunFiles(RunFiles(run).customers).report  # of histories, as long as their events are not evaluated
    if not page.is_file():
        raise UserError(f"run={run}: it has no {page.name}; the run has not ended.")
    return Page(page)
