"""What few rows get from an earlier run before training: rows of its generator, and finer quantiles.

Three hundred numbers tell roughly how they are spread, and little of where people round, of tails, and of what lies
between two of them. An earlier run on many rows knows that of its own. So the quantiles of a number are those of the
earlier run's values, weighted so that stretches of them hold as much as these rows say. How many stretches there are is
chosen by how likely each row is by the others (leave-one-out): one where both tables agree, many where there are rows
enough to tell them apart.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.config.run import Run
from gans.data.schema import Column, Schema
from gans.errors import UserError
from gans.runs.saved import SavedRun

pc: Any = pyarrow.compute  # its functions are made at run time

VALUES = 200_000  # that a column is learned from, as many as make rounding of masses small
ROWS_A_STRETCH = 8
PRIOR = 0.5  # rows a stretch that the earlier run counts for, beside those that are there


def replayed(source: SavedRun, run: Run, training: pa.Table) -> pa.Table:
    """Rows of the earlier generator, in the columns and types of the training rows, so many that they have the share.

    Raises:
        UserError: a column is not in its rows, or of a type that cannot be brought into this one.
    """
    share, names = run.transfer.replay, training.column_names
    rows = round(training.num_rows * share / (1 - share))
    made = source.sampler().sample(max(rows, 1), run.seed)
    earlier = {name: run.transfer.columns.get(name, name) for name in names}
    for name, other in earlier.items():
        if other not in made.column_names:
            raise UserError(
                f"transfer.replay={share:g}: column '{name}' is not in the rows of transfer.run={run.transfer.run}, "
                f"which have {', '.join(made.column_names)}. Set transfer.replay=0, or leave it out by data.drop."
            )
    try:
        return pa.table({name: made[other].cast(training[name].type) for name, other in earlier.items()})
    except pa.ArrowException as error:
        raise UserError(f"transfer.replay={share:g}: {str(error).splitlines()[0]}.") from None


def earlier_values(source: SavedRun, run: Run, training: pa.Table, schema: Schema) -> dict[str, pa.ChunkedArray]:
    """By column of numbers or times that both runs have the values that its quantiles are learned from.

    Columns of which the earlier run saw no more rows than there are here are not among them.
    """
    out = {}
    for column in schema.features:
        name = run.transfer.columns.get(column.name, column.name)
        before = {fitted.column.name: fitted for fitted in source.codec.columns}.get(name)
        if column.kind not in ("integer", "numeric", "datetime") or before is None or before.column.kind != column.kind:
            continue
        marginals = source.blank_sampler.marginals
        own = training[column.name].drop_null()
        try:
            values = marginals.values(name).cast(own.type)
        except pa.ArrowException:  # a type that does not hold them: its own values are enough
            continue
        there = values.is_valid().to_numpy(zero_copy_only=False)
        counts = marginals[name].counts[there]
        if counts.sum() > len(own):
            out[column.name] = _weighted(values.drop_null(), counts, own, column)
    return out


def _weighted(values: pa.Array, counts: np.ndarray, own: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Distinct earlier values, as often as these rows say; and these rows, whose values must not be lost."""
    there, here = _numbers(values, column), _numbers(own, column)
    order = np.argsort(there, kind="stable")
    values, there, counts = values.take(pa.array(order)), there[order], counts[order].astype(float)
    inside = (here >= there[0]) & (here <= there[-1])
    shares = masses(there, counts, here[inside])
    times = np.maximum(np.rint(VALUES * inside.mean() * shares), shares > 0).astype(int)
    repeated = values.take(pa.array(np.repeat(np.arange(len(values)), times)))
    outside = own.filter(pa.array(~inside))
    outer = [outside] * max(round(VALUES / len(own)), 1)
    chunks = [chunk for one in (own, *outer) for chunk in one.chunks]
    return pa.chunked_array([repeated, *chunks], own.type)


def masses(values: np.ndarray, counts: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Shares [n] of ascending distinct values [n] that occur counts [n] times, by rows [m] within their bounds."""
    counts = counts / counts.sum()
    if not len(here):
        return counts
    mass = np.cumsum(counts)
    best, chosen = -np.inf, counts
    stretches = 1
    while stretches <= max(len(here) // ROWS_A_STRETCH, 1):
        edges = np.unique(np.searchsorted(mass, np.arange(1, stretches) / stretches))
        stretch = np.searchsorted(edges, np.arange(len(values)))  # of each value; an edge ends its stretch
        before = np.bincount(stretch, counts)
        of_row = np.searchsorted(values[edges[edges < len(values) - 1]], here)
        rows = np.bincount(of_row, minlength=len(before)).astype(float)
        prior = PRIOR * len(before) * before
        left = np.maximum(rows - 1 + prior, 1e-12) / (len(here) - 1 + prior.sum())
        likely = float(np.sum(rows * np.log(left / before)))
        if likely > best:
            best, chosen = likely, (counts / before[stretch]) * (rows + prior)[stretch]
        stretches *= 2
    return chosen / chosen.sum()


def _numbers(values: Any, column: Column) -> np.ndarray:
    if column.kind == "datetime":
        values = pc.cast(pc.cast(values, pa.timestamp("us"), safe=False), pa.int64())
    return pc.cast(values, pa.float64(), safe=False).to_numpy()
