"""What the page of a run is headed by: its table, how many rows that has, and the day."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.data.events.logs import EVENTS, QUERY
from gans.data.formats import format_of
from gans.findings.sentence import listed
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.words import mark, say

MONTHS = (
    mark("January"),
    mark("February"),
    mark("March"),
    mark("April"),
    mark("May"),
    mark("June"),
    mark("July"),
    mark("August"),
    mark("September"),
    mark("October"),
    mark("November"),
    mark("December"),
)


LOGGED = ("profiles", "histories")  # tables that are made of event logs


def logs_name(config: Mapping[str, Any]) -> str:
    """What the event logs of a run and its table of customers are called; empty of another table."""
    data: Mapping[str, Any] = config.get("data", {})
    if config.get("components", {}).get("data") not in LOGGED:
        return ""
    sources = [data[kind] for kind in (*EVENTS, "customers") if data.get(kind)]
    *most, last = dict.fromkeys(log_name(source, data.get("database")) for source in sources) or [""]
    return say("{names} and {last}", names=listed(most), last=last) if most else last


def log_name(source: str, database: str | None) -> str:
    """What a log is called: by its file, without the folder, or by that of the database whose table it is."""
    if QUERY.match(source):
        return say("a query")
    return Path(database if database and not format_of(Path(source)) else source).name


def table_file(config: Mapping[str, Any]) -> str:
    """The name of the file that a run's table was read from, without its folder; empty where the config names none."""
    data = config.get("data", {})
    return next((Path(str(data[key])).name for key in ("path", "file") if data.get(key)), "")


def table_name(config: Mapping[str, Any], given: bool) -> str:
    """What a run's table is called: by its file or those of its logs, or by the data set that the program knows.

    Args:
        config: of the run, as its YAML holds it.
        given: whether the table was given in memory, so that the config does not name it.
    """
    if given:
        return say("a table in memory")
    known = config.get("components", {}).get("data", "table")
    if known == "sql":
        return say("a query")
    return logs_name(config) or (table_file(config) if known == "table" else "") or known


def run_title(report: RunResults | PrivateResults) -> str:
    """The title of the page of a run that ends today, as 'Report on customers.csv, 2,700 rows, 28 November 2026'."""
    import yaml

    name, day = table_name(yaml.safe_load(report.config), report.given), said_day(dt.date.today())
    rows = report.summary["rows"]
    if isinstance(report, PrivateResults):
        return say("Report on {name}, about {rows:,} rows, {day}", name=name, rows=rows["estimated"], day=day)
    return say("Report on {name}, {rows:,} rows, {day}", name=name, rows=rows["training"] + rows["holdout"], day=day)


def said_day(day: dt.date) -> str:
    """A day for a reader: '28 November 2026'."""
    return say("{day} {month} {year}", day=day.day, month=say(MONTHS[day.month - 1]), year=day.year)
