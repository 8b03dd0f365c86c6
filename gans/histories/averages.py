"""Sums of events as they are learned: as averages, and drawn levels that add up again."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from gans.config.run import Run
from gans.data.events.chains import LINES, Chain, Shape
from gans.data.relations import parse_relation
from gans.data.relations.average import Average, that_fit


def with_averages(run: Run, people: pa.Table, shapes: Sequence[Shape]) -> Run:
    """The run, with customers' sums learned as averages of an event or of a line, but for those that it says more of.

    Args:
        people: customers as they are learned.
    """
    split = run.data.split(people)
    averages = that_fit((one for shape in shapes for one in _of_customers(shape)), split.training, split.schema)
    entries = run.data.relations
    declared = {parse_relation(one).determined for one in entries if one != "auto" and not one.startswith("not ")}
    texts = [one.text for one in averages if one.determined not in declared]
    return dataclasses.replace(run, data=dataclasses.replace(run.data, relations=[*entries, *texts]))


def _of_customers(shape: Shape) -> list[Average]:
    of_lines = shape.lines.totals if shape.lines else []
    counts = {total: f"{shape.kind}_{LINES}" if total in of_lines else shape.kind for total in shape.events.totals}
    return [Average(total=f"{shape.kind}_{total}", count=count) for total, count in counts.items()]


def settled(sums: Mapping[str, np.ndarray], chain: Chain, count: np.ndarray) -> dict[str, np.ndarray]:
    """Sums of drawn parents, with counts of levels that add up to the children where each child has one of them.

    Args:
        sums: by total of the chain [parents].
        count: children of each parent.
    """
    out = dict(sums)
    for one in chain.fields:
        if one.always and one.totals:
            counts = _adding_up(np.stack([out[total] for total in one.totals], axis=1), count)
            out |= dict(zip(one.totals, counts.T, strict=True))
    return out


def with_counts(events: pa.Table, chain: Chain) -> pa.Table:
    """Drawn events with counts of levels that add up to their lines where each line has one of them."""
    for names in chain.adding_up:
        lines, *counts = (events[name].cast(pa.float64()).to_numpy() for name in (LINES, *names))
        for name, column in zip(names, _adding_up(np.stack(counts, axis=1), np.maximum(lines, 1)).T, strict=True):
            events = events.set_column(events.column_names.index(name), name, pa.array(column.astype(np.int64)))
    return events


def _adding_up(counts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Counts [rows, levels] in about the same shares that add up to whole numbers [rows]: largest remainders go up."""
    total = counts.sum(axis=1, keepdims=True)
    exact = whole[:, None] * np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / counts.shape[1])
    low = np.floor(exact + 1e-9)
    order = np.argsort(np.argsort(low - exact, axis=1, kind="stable"), axis=1)
    return low + (order < (whole - low.sum(axis=1))[:, None])
