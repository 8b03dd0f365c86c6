"""Customers with their events judged: a run of histories by its held-out customers, or folders of files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.config.components import load_components
from gans.data.customer_histories import Histories
from gans.data.detection import detect
from gans.data.personal.handling import Handling
from gans.data.schema import Schema, kind_of
from gans.decisions.history_sides import folder_side, source_of
from gans.errors import UserError, in_range
from gans.evaluation.history_side import HistorySide
from gans.evaluation.inputs import Tables, read_sides
from gans.evaluation.results import Evaluation
from gans.evaluation.suite import evaluate, metrics_for
from gans.histories.counted import attributes
from gans.histories.saved import SavedHistories, is_histories
from gans.histories.sides import drawn_side, real_side
from gans.runs.judging_options import LEVEL
from gans.tracking.terminal import progress_bar, watched

ALLOWED = (
    "run",
    "real",
    "synthetic",
    "test",
    "target",
    "secrets",
    "metrics",
    "n",
    "anonymeter",
    "out",
    "trust",
    "language",
)
LOOKED_AT = 2_000  # customers, at the end of a run
MOST_CUSTOMERS = {"fast": 20_000, "standard": 20_000, "full": 100_000}


def judges_histories(given: Mapping[str, Any]) -> bool:
    """Whether gans.evaluate was given customers with their logs: a run of histories, or folders."""
    if "run" in given:
        return is_histories(Path(given["run"]).expanduser())
    return isinstance(given["real"], str) and Path(given["real"]).expanduser().is_dir()


def judge_histories(
    given: Mapping[str, Any], logs: Mapping[str, pa.Table] | None = None
) -> tuple[Evaluation, list[dict[str, Any]]]:
    """The evaluation of customers with their events, and its scores for gans.compare.

    Args:
        logs: by kind what the run was trained on, if that were no files.

    Raises:
        UserError: a file or the run cannot be read, the sides do not fit each other, or a key does not go with it.
    """
    extra = [key for key in given if key not in ALLOWED and given[key] not in ({}, [], None)]
    if extra:
        raise UserError(f"{extra[0]}: for customers with their events allowed are {', '.join(ALLOWED)}.")
    load_components()  # plugins may bring metrics
    level = given.get("metrics", LEVEL)
    tables = history_tables(given, MOST_CUSTOMERS[level], logs)
    with progress_bar("metrics", watched()) as bar:
        task = bar.add_task("customers", total=len(metrics_for(level, tables)))
        found = evaluate(tables, level, lambda name: bar.update(task, advance=1, description=f"customers: {name}"))
    found.notes.insert(0, "rows are customers, with their attributes and aggregates of their events")
    scores = {name: score["value"] for name, score in found.to_json()["scores"].items()}
    return found, [{"seed": None, "draw": 0, "scores": scores}]


def look_at_events(run_dir: Path) -> Evaluation:
    """A quick look at the events of a completed run, and at whether attacks tell who was learned from.

    Raises:
        UserError: the logs have changed, or there are too few held-out customers.
    """
    return evaluate(history_tables({"run": str(run_dir)}, LOOKED_AT), only=("histories", "membership"))


def history_tables(given: Mapping[str, Any], most: int, logs: Mapping[str, pa.Table] | None = None) -> Tables:
    """The sides that the arguments of gans.evaluate name, at most so many real customers of each.

    Args:
        logs: as of `judge_histories`.

    Raises:
        UserError: a side cannot be read, or the sides do not fit each other.
    """
    if "run" not in given:
        source, saved = source_of(given["real"], "real"), None
    elif "real" in given:
        raise UserError("real: with run=DIR of histories its own customers are compared; leave real out.")
    else:
        saved = SavedHistories.open(given["run"])
        source = saved.people.run.data
        assert isinstance(source, Histories)
        if logs is None and not source.sources():
            raise UserError(
                f"run={given['run']}: it was trained on frames, which are not kept; evaluate it where it was fitted, "
                "or give folders: gans evaluate real=FOLDER synthetic=FOLDER test=FOLDER."
            )
        if logs is None:
            saved.people.table(bool(given.get("trust")))  # refuses what may not be read, or has changed
    with source.opened(logs) as opened:
        people = opened.people
        places = pa.table({"place": pa.array(np.arange(people.num_rows))})
        training, holdout = (
            (np.arange(people.num_rows), None)
            if saved is None
            else (np.sort(part["place"].to_numpy()) for part in source.cut(places))
        )
        if saved is None:
            schema, shapes = source.split(people).schema, opened.shapes
        else:
            schema, shapes = saved.people.schema, saved.shapes
        kept = [column.name for column in schema.kept]
        own = [name for name in attributes(people.column_names, shapes) if name in kept]
        real = real_side(opened, _some(training, most), own)
        test = None if holdout is None or "test" in given else real_side(opened, _some(holdout, most), own)
    if "test" in given:
        test = folder_side(given["test"], "test", shapes, own)
    if "synthetic" in given:
        made = folder_side(given["synthetic"], "synthetic", shapes, own)
    else:
        assert saved is not None
        rows = given.get("n", real.customers.num_rows)
        in_range("n", rows, 1)
        made = drawn_side(saved.draw(rows, saved.people.run.seed), shapes, own)
    return joined_tables(real, made, test, schema, given)


def joined_tables(
    real: HistorySide,
    synthetic: HistorySide,
    test: HistorySide | None,
    schema: Schema,
    given: Mapping[str, Any],
) -> Tables:
    """Sides as tables of customers with aggregates of their events, and the events beside them.

    Args:
        schema: of the customers.
        given: the arguments of gans.evaluate: target, secrets, anonymeter.
    """
    sides = {"real": real, "synthetic": synthetic} | ({"test": test} if test else {})
    rows = {name: side.aggregates(real.form) for name, side in sides.items()}
    attributes = real.customers.column_names[1:]
    known = {column.name: column.kind for column in schema.kept if column.name in attributes}
    kinds = {one.name: known.get(one.name) or kind_of(one.type) for one in rows["real"].schema}
    found = detect(rows["real"], kinds, personal=Handling(keep=attributes))
    tables = read_sides(found, **rows, target=given.get("target", ""), secrets=given.get("secrets", []))
    tables.anonymeter, tables.histories = given.get("anonymeter"), sides
    return tables


def _some(places: np.ndarray, most: int) -> np.ndarray:
    """At most so many, drawn at random."""
    if len(places) <= most:
        return places
    return np.sort(np.random.default_rng(0).choice(places, most, replace=False))
