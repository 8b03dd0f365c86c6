"""The evaluation of a synthetic table: every metric of a level, with what real rows have beside it."""

import time
from collections.abc import Callable, Container
from dataclasses import replace
from itertools import zip_longest

from gans.errors import one_line
from gans.evaluation.inputs import Tables
from gans.evaluation.metrics import LEAST_OF_EACH, LEAST_TEST, LEVELS, Estimate, Metric, all_metrics
from gans.evaluation.results import Evaluation, Score
from gans.words import say


def metrics_for(level: str, tables: Tables) -> list[Metric]:
    """The metrics of a level that these tables allow."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    return [one for one in all_metrics().values() if one.level in levels and _judges(one, tables)]


def _judges(one: Metric, tables: Tables) -> bool:
    fewest = min(tables.real.num_rows, tables.synthetic.num_rows)
    unseen = 0 if tables.test is None else tables.test.num_rows
    if one.level != "fast" and tables.test is not None:
        fewest = min(fewest, unseen)
    return not one.lacks(tables.schema) and one.asked(tables) and fewest >= one.least and unseen >= one.least_test


def evaluate(
    tables: Tables,
    level: str = "standard",
    done: Callable[[str], None] | None = None,
    only: Container[str] | None = None,
) -> Evaluation:
    """Every metric of a level.

    Args:
        done: called after each metric with the name of the next one, after the last with its own.
        only: the metrics that are computed; all of the level unless given.

    A metric that fails is left out, with its reason among the notes.
    """
    tables = replace(tables, tuned=level == "full")
    out = Evaluation(level, {name: side.rows for name, side in tables.sides.items()}, tables.target)
    chosen = [one for one in metrics_for(level, tables) if only is None or one.name in only]
    out.notes += [*_left_out(tables, level), *_drawn(chosen, level, tables)]
    for one, after in zip_longest(chosen, chosen[1:]):
        began = time.monotonic()
        try:
            _add(out, one, tables, one.most.at(level))
        except Exception as error:
            out.notes.append(say("{name}: left out, {reason}", name=one.name, reason=one_line(error)))
        out.seconds[one.name] = round(time.monotonic() - began, 2)
        if done:
            done((after or one).name)
    return out


def _add(out: Evaluation, one: Metric, tables: Tables, rows: int | None) -> None:
    """The scores of a metric, of synthetic rows and of test rows in their place."""
    found = one.judge(tables, rows)
    beside = one.judge(tables.with_test, rows).scores if one.on_test and "test" in tables.sides else {}
    used = found.rows or min(rows or tables.synthetic.num_rows, tables.synthetic.num_rows)
    for name, value in found.scores.items():
        estimate = value if isinstance(value, Estimate) else Estimate(float(value))
        if estimate.real is None and name in beside:
            estimate = estimate._replace(real=_as_many(one, name, beside[name], tables))
        out.scores[name] = Score(*estimate._replace(rows=estimate.rows or used))
    out.details |= found.details
    out.notes += [note for note in found.notes if note not in out.notes]


def _as_many(one: Metric, name: str, found: float | Estimate, tables: Tables) -> float:
    """A score of test rows, as it would be of as many as there are synthetic ones."""
    meaning, value = one.scores[name.partition("/")[0]], found[0] if isinstance(found, Estimate) else found
    ideal = meaning.ideal or 0.0
    return ideal + (float(value) - ideal) * tables.floor(meaning.shrinks)


def _drawn(chosen: list[Metric], level: str, tables: Tables) -> list[str]:
    """Which metrics look at a part of the rows only."""
    most = max(table.num_rows for table in (tables.real, tables.synthetic, tables.test) if table is not None)
    limits = sorted({rows for one in chosen if (rows := one.most.at(level)) is not None and rows < most})
    return [
        say(
            "{names}: {rows:,} rows at most of each table, drawn at random",
            names=", ".join(one.name for one in chosen if one.most.at(level) == rows),
            rows=rows,
        )
        for rows in limits
    ]


def _left_out(tables: Tables, level: str) -> list[str]:
    """What nothing is said of, and why."""
    out, fewest = [], min(side.rows for side in tables.sides.values())
    if tables.ignored:
        names = ", ".join(tables.ignored)
        out.append(say("columns of the synthetic table only, not compared: {names}", names=names))
    if tables.anonymeter is not None and tables.test is None:
        out.append(say("anonymeter: left out, it needs test rows"))
    least = all_metrics()["detection"].least
    if min(tables.real.num_rows, tables.synthetic.num_rows) < least:
        out.append(say("unseen rows, detection: left out, they need {least} rows of each side", least=least))
    if level == "fast":
        if tables.secrets:
            named = ",".join(tables.secrets)
            out.append(say("secrets=[{named}]: not attacked, metrics=standard or full does that", named=named))
        return [*out, say("metrics=fast does not measure utility, nor privacy beyond copies")]
    if fewest < LEAST_OF_EACH:
        text = say(
            "rows, detection, utility, privacy: left out, they need {least} rows of each table", least=LEAST_OF_EACH
        )
        return [*out, text]
    if tables.test is None:
        text = say("without test rows, realism on unseen rows, utility, and privacy beyond copies are not measured")
        out.append(text)
    elif tables.test.num_rows < LEAST_TEST:
        text = say(
            "the score against unseen rows and privacy beyond copies: left out, they need {least} test rows, there are "
            "{rows}",
            least=LEAST_TEST,
            rows=tables.test.num_rows,
        )
        out.append(text)
    if tables.test is not None and not tables.target:
        out.append(say("without target=COLUMN, utility is not measured"))
    return out
