"""Product work: what segments of customers prefer, from conditional sampling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.decisions.cases import Case, category_column
from gans.errors import UserError, nearest
from gans.evaluation.intervals import RESAMPLES, wilson
from gans.findings.answers import HIGHER, LOWER, REAL, SYNTHETIC, Answer, Interval, Measured
from gans.findings.sentence import listed
from gans.findings.uses import LEAST
from gans.report.arms import Drawn, share_figures
from gans.sampling.where.dates import Formats, date_formats
from gans.sampling.where.grammar import Where
from gans.words import mark, say

pc: Any = pyarrow.compute  # its functions are made at run time

ROWS = 4000  # synthetic rows of a segment
MOST = 8  # segments and preferences
PARTS = 4
MISSING = mark("missing")


def ask(case: Case, options: Mapping[str, Any]) -> Answer:
    """Shares of a preference in each segment: synthetic rows drawn for the segment, beside held-out customers.

    Args:
        options: `of`, the column of the preference; `by`, the column of the segments, numbers in four parts; `where`, a
            condition whose preferences are shown beside those of all customers.

    Raises:
        UserError: a column is not there, or no segment has 20 held-out rows.
    """
    of = category_column(case, "of", _given(case, options, "of"))
    by = _given(case, options, "by")
    if by == of or case.tables.schema[by].kind == "datetime":
        raise UserError(f"by={by}: another column than of={of} is needed, of levels or of numbers.")
    shown = _preferences(case, of, by)
    rows, segments, levels = len(shown.codes["test"]), shown.segments, shown.levels
    held_out = [shown.codes["test"][mask] for mask in shown.masks["test"]]
    inside = {arm: _inside(shares, held_out, len(levels)) for arm, shares in shown.shares.items()}
    table = [
        [
            name,
            level,
            shown.shares[REAL][at, place],
            shown.shares[SYNTHETIC][at, place],
            *_observed(held_out[at], place),
        ]
        for at, (name, _) in enumerate(segments)
        for place, level in enumerate(levels)
    ]
    tables: dict[str, Any] = {"shares": table, "left out": shown.left_out}
    if options.get("where"):
        tables["what if"] = _what_if(case, of, levels, options["where"])
    return Answer(
        "product",
        say("Which {of} do customers of each {by} prefer, and do synthetic customers say the same?", of=of, by=by),
        say(
            "For each of {count} segments ({by}) {drawn:,} synthetic customers are drawn under that condition, and "
            "their shares of {of} are compared with those of {rows:,} held-out real customers. The shares of the "
            "training rows are the control. The distance is the total variation, 0 to 1, averaged over segments; "
            "held-out segments are small samples, so even correct shares are some distance away.",
            count=len(segments),
            by=by,
            drawn=ROWS,
            of=of,
            rows=rows,
        ),
        REAL,
        [
            _distances(shown),
            Measured(mark("shares within the interval of held-out ones"), HIGHER, inside, share=True),
        ],
        curves={"table": table, "levels": levels, "segments": [name for name, _ in segments]},
        tables=tables,
    )


@dataclass
class Preferences:
    """Which levels customers of each segment have.

    Attributes:
        segments: name and condition of each.
        levels: of the preference, the most frequent ones.
        codes: of real and test rows the places of their levels [rows].
        masks: of real and test rows, whether they belong to a segment [segments, rows].
        shares: of training rows and of synthetic rows of each segment [segments, levels].
        left_out: which segments and levels are not among them, and why, in words.
    """

    segments: list[tuple[str, dict[str, Any]]]
    levels: list[Any]
    codes: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]
    shares: dict[str, np.ndarray]
    left_out: list[str]


def _preferences(case: Case, of: str, by: str) -> Preferences:
    """The levels of `of` in each segment by `by` that has enough training and held-out rows.

    Raises:
        UserError: no segment has.
    """
    assert case.tables.test is not None
    sides = {"real": case.tables.real, "test": case.tables.test}
    every = _segments(case, by)
    segments = [
        (name, where)
        for name, where in every[:MOST]
        if all(int(where_mask(table, where).sum()) >= LEAST for table in sides.values())
    ]
    if not segments:
        raise UserError(f"by={by}: no segment of it has {LEAST} held-out rows.")
    levels = _levels(case.tables.real[of])
    small = [name for name, where in every[:MOST] if (name, where) not in segments]
    rare = len(case.tables.real[of].unique()) - len(levels)
    left_out = []
    if small:
        text = say("segments with fewer than {least} held-out customers ({names})", least=LEAST, names=listed(small))
        left_out.append(text)
    if len(every) > MOST:
        left_out.append(say("{count} segments beyond the {most} largest", count=len(every) - MOST, most=MOST))
    if rare:
        left_out.append(say("{count} levels of {of} beyond the {most} most frequent", count=rare, of=of, most=MOST))
    codes = {side: _codes(table[of], levels) for side, table in sides.items()}
    masks = {side: np.stack([where_mask(table, where) for _, where in segments]) for side, table in sides.items()}
    made = np.stack([_shares(_codes(case.sample(ROWS, where)[of], levels), len(levels)) for _, where in segments])
    known = np.stack([_shares(codes["real"][mask], len(levels)) for mask in masks["real"]])
    return Preferences(segments, levels, codes, masks, {REAL: known, SYNTHETIC: made}, left_out)


def _distances(shown: Preferences) -> Measured:
    """The distance of the shares of training and of synthetic rows to those of held-out ones, and their difference."""

    def distance(places: np.ndarray, shares: np.ndarray) -> float:
        """Mean over segments of the total variation distance to the shares of the held-out rows at these places."""
        code, inside = shown.codes["test"][places], shown.masks["test"][:, places]
        found = [_distance(shares[at], code[mask], len(shown.levels)) for at, mask in enumerate(inside) if mask.any()]
        return float(np.mean(found))

    rows = len(shown.codes["test"])
    everything, values = np.arange(rows), {}
    for arm, shares in shown.shares.items():
        value, low, high = _unbiased(distance(everything, shares), lambda at, s=shares: distance(at, s), rows)
        values[arm] = value, max(0.0, low), high

    def gain(places: np.ndarray) -> float:
        return distance(places, shown.shares[SYNTHETIC]) - distance(places, shown.shares[REAL])

    return Measured(mark("distance of shares"), LOWER, values, {SYNTHETIC: _unbiased(gain(everything), gain, rows)})


def _given(case: Case, options: Mapping[str, Any], key: str) -> str:
    names = [column.name for column in case.tables.schema.features]
    if not options.get(key):
        raise UserError(f"{key} is not set: scenario=product needs of=COLUMN by=COLUMN; there are {', '.join(names)}.")
    if options[key] not in names:
        raise UserError(
            f"{key}={options[key]}: no such column; there are {', '.join(names)}.{nearest(options[key], names)}"
        )
    return options[key]


def where_mask(table: pa.Table, where: str | Mapping[str, Any], formats: Formats | None = None) -> np.ndarray:
    """Which rows satisfy a condition, bool [rows]; `formats` as of `Where.of`."""
    return Where.of(where, formats).mask(table)


def _segments(case: Case, by: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and condition of each segment: a level, or a quarter of the training rows by a number."""
    array = case.tables.real[by]
    if by in case.real.levels:
        counts = sorted(pc.value_counts(array.drop_null()).to_pylist(), key=lambda one: -one["counts"])
        return [(f"{by} {one['values']}", {by: one["values"]}) for one in counts]
    edges = np.unique(np.quantile(array.drop_null().cast(pa.float64()).to_numpy(), np.linspace(0, 1, PARTS + 1)))
    out = []
    for place, (low, high) in enumerate(pairwise(edges)):
        last = place == len(edges) - 2
        text = say("{by} {low:g} to {high:g}", by=by, low=low, high=high)
        out.append((text, {by: slice(float(low), None if last else float(high))}))
    return out


def _levels(array: pa.ChunkedArray) -> list[Any]:
    """The most frequent levels; others are one, missing ones too."""
    counts = sorted(pc.value_counts(array).to_pylist(), key=lambda one: -one["counts"])
    return [one["values"] for one in counts[:MOST]]


def _codes(array: pa.ChunkedArray, levels: list[Any]) -> np.ndarray:
    """Places in `levels`, -1 for another one."""
    found = pc.index_in(array, value_set=pa.array(levels, array.type))
    return pc.fill_null(found, -1).to_numpy().astype(int)


def _shares(codes: np.ndarray, levels: int) -> np.ndarray:
    return np.bincount(codes[codes >= 0], minlength=levels) / max(len(codes), 1)


def _distance(shares: np.ndarray, codes: np.ndarray, levels: int) -> float:
    """Total variation distance of shares to those of codes; what is in no level counts as one more."""
    gap = shares - _shares(codes, levels)
    return float((np.abs(gap).sum() + abs(gap.sum())) / 2)


def _unbiased(value: float, statistic: Callable[[np.ndarray], float], rows: int) -> Interval:
    """A distance, or a difference of two, with its bootstrap interval less the bias.

    Rows that are drawn lie farther from anything than all rows do.
    """
    rng = np.random.default_rng(0)
    drawn = np.array([statistic(rng.integers(0, rows, rows)) for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn, [0.025, 0.975]) - (drawn.mean() - value)
    return value, float(low), float(high)


def _observed(codes: np.ndarray, place: int) -> list[float]:
    """A share of held-out rows with its interval."""
    hits = float((codes == place).sum())
    return [hits / len(codes), *wilson(hits, len(codes))]


def _inside(shares: np.ndarray, held: list[np.ndarray], levels: int) -> Interval:
    """The share of cells that lie in the interval of the held-out share; 95% is ideal but for their own draw."""
    hits = [
        low <= shares[at, place] <= high
        for at, codes in enumerate(held)
        for place in range(levels)
        for _, low, high in [_observed(codes, place)]
    ]
    return (float(np.mean(hits)), *wilson(float(np.sum(hits)), len(hits)))


def _what_if(case: Case, of: str, levels: list[Any], where: str) -> dict[str, Any]:
    """Shares of all synthetic customers, of those under a condition, and of held-out ones under it."""
    assert case.tables.test is not None
    some, every = (_shares(_codes(case.sample(ROWS, one)[of], levels), len(levels)) for one in (where, None))
    mask = where_mask(case.tables.test, where, date_formats(case.tables.schema))
    held = _codes(case.tables.test.filter(pa.array(mask))[of], levels)
    return {
        "where": where,
        "held-out rows": len(held),
        "rows": [
            [
                say(MISSING) if level is None else level,
                every[place],
                some[place],
                *(_observed(held, place) if len(held) else ()),
            ]
            for place, level in enumerate(levels)
        ],
    }


def draw(answer: Answer) -> Drawn:
    """Shares of each segment: held-out ones with intervals, training and synthetic ones."""
    return share_figures(answer.curves["table"], answer.curves["segments"], answer.curves["levels"])
