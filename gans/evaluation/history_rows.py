"""Single events, and rows of them: everything that a table shows, but not whose they are and when they follow."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.detection import detect
from gans.data.schema import kind_of
from gans.evaluation.history_side import NO_COLUMNS, History, HistorySide
from gans.evaluation.inputs import Tables, read_sides
from gans.evaluation.metrics import (
    HIGHER,
    LEAST_TEST,
    LOWER,
    Computed,
    Estimate,
    Meaning,
    MostRows,
    all_metrics,
    metric,
)
from gans.evaluation.unseen import detector_aucs, matrix, score_of

pc: Any = pyarrow.compute  # its functions are made at run time

ALIKE: dict[str, Any] = {"better": LOWER, "shrinks": 0.5, "sentence": False}


@metric(
    "history_rows",
    {
        "event_shapes": Meaning("columns of events, shape error, %", **ALIKE),
        "event_trends": Meaning("pairs of columns of events, trend error, %", **ALIKE),
        "event_unseen": Meaning("events, score against events of unseen customers", HIGHER, 1.0, sentence=False),
    },
    part="histories",
    least_test=LEAST_TEST,
    most=MostRows(None, 20_000, 100_000),
    in_training=False,
    on_test=False,
    asked=lambda tables: bool(tables.histories),
)
def history_rows(tables: Tables, rows: int | None) -> Computed:
    """Events by log, and the rows of events that have several, as tables of their own."""
    scores, details = {}, {}
    for kind in tables.histories["real"].logs:
        for name, found in _of_log(tables, kind).items():
            few = {side: _drawn(table, rows) for side, table in found.items()}
            kinds = {one.name: kind_of(one.type) for one in few["real"].schema}
            compared = dataclasses.replace(read_sides(detect(few["real"], kinds), **few), tuned=tables.tuned)
            errors = all_metrics()["published"].judge(compared, None)
            scores[f"event_shapes/{name}"] = errors.scores["shape_error"]
            scores[f"event_trends/{name}"] = errors.scores["trend_error"]
            scores[f"event_unseen/{name}"] = _score(compared)
            details[name] = errors.details["worst columns"]
    return Computed(scores, {"worst columns of events": details})


def _score(tables: Tables) -> Estimate:
    """The score against test rows, beside that of training rows."""
    count = min(side.rows for side in tables.sides.values())
    made, real, test = (matrix(tables.sides[name].drawn(count, 0)) for name in ("synthetic", "real", "test"))
    found = detector_aucs({"synthetic": (made, test), "training rows": (real, test)})
    return score_of(found["synthetic"])._replace(real=score_of(found["training rows"]).value)


def _of_log(tables: Tables, kind: str) -> dict[str, dict[str, pa.Table]]:
    """By name the tables of each side: `KIND`, the events, and `KIND rows` where events have several rows."""
    out = {kind: {name: _events(side.events[kind]) for name, side in tables.histories.items()}}
    if not tables.histories["real"].form.several[kind]:
        out[kind] = {name: table.drop_columns(["rows"]) for name, table in out[kind].items()}
    else:
        out[f"{kind} rows"] = {name: _rows(side, kind) for name, side in tables.histories.items()}
    return {name: sides for name, sides in out.items() if sides["real"].num_columns}


def _events(history: History) -> pa.Table:
    return _timed(history.columns, history.time)


def _rows(side: HistorySide, kind: str) -> pa.Table:
    log = side.logs[kind].filter(pa.array(side.known[kind]))
    names = [name for name in log.column_names if name not in NO_COLUMNS]
    return _timed(log.select(names), log["time"].cast(pa.timestamp("s"), safe=False).to_numpy())


def _timed(table: pa.Table, time: np.ndarray) -> pa.Table:
    """With the date, the weekday and the hour."""
    day = time.astype("datetime64[D]")
    weekday = (day.astype(np.int64) + 3) % 7
    columns = {
        "date": pa.array(day),
        "weekday": pa.array(weekday.astype(str)),
        "hour": pa.array((time - day).astype(np.int64) // 3600),
    }
    for name, values in columns.items():
        if name not in table.column_names:
            table = table.append_column(name, values)
    return table


def _drawn(table: pa.Table, rows: int | None) -> pa.Table:
    if rows is None or table.num_rows <= rows:
        return table
    return table.take(pa.array(np.sort(np.random.default_rng(0).choice(table.num_rows, rows, replace=False))))
