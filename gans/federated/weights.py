"""How much each site counts in an average."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import arrow_type
from gans.federated.agreement import Description
from gans.federated.sketches import ORDERED, ColumnSketch


def weights_of(sites: Sequence[Description], way: str) -> dict[str, float]:
    """By site its weight; they add up to 1.

    fed_tgan: w_i = softmax((1 - s_i / sum s) n_i / N), where s_i adds up, over the columns, the distance of site i's
    column to that of all sites as a share of the distances of all sites: the Jensen-Shannon distance of categories, the
    Wasserstein distance of numbers (Zhao et al. 2021, arXiv:2108.07927, section 4.2). The paper draws columns from
    fitted mixtures; ours are the sketches.
    """
    rows = np.array([site.rows for site in sites], float)
    if way == "uniform":
        found = np.ones(len(sites))
    elif way == "size":
        found = rows
    else:
        names = [one.name for one in sites[0].columns]
        by_site = [{one.name: one for one in site.columns} for site in sites]
        apart = np.zeros(len(sites))
        for name in names:
            columns = [columns[name] for columns in by_site]
            if any(one.left_out for one in columns):
                continue
            distances = _distances(columns)
            apart += distances / distances.sum() if distances.sum() > 0 else 0
        share = apart / apart.sum() if apart.sum() > 0 else apart
        found = np.exp((1 - share) * rows / rows.sum())
    return {site.name: float(weight) for site, weight in zip(sites, found / found.sum(), strict=True)}


def _distances(columns: list[ColumnSketch]) -> np.ndarray:
    """Of each site's column to that of all sites, [sites]."""
    if columns[0].kind in ORDERED:
        from scipy.stats import wasserstein_distance

        values = [_numbers(one) for one in columns]
        counts = [np.array(one.counts, float) for one in columns]
        everything = np.concatenate(values), np.concatenate(counts)
        if not everything[1].sum():
            return np.zeros(len(columns))
        return np.array(
            [
                wasserstein_distance(own, everything[0], count, everything[1]) if count.sum() else 0.0
                for own, count in zip(values, counts, strict=True)
            ]
        )
    from scipy.spatial.distance import jensenshannon

    levels = sorted({level for one in columns for level in one.values})
    place = {level: number for number, level in enumerate(levels)}
    table = np.zeros((len(columns), len(levels) + 2))
    for row, one in zip(table, columns, strict=True):
        row[[place[level] for level in one.values]] = one.counts
        row[-2:] = one.withheld, one.missing
    return np.array([jensenshannon(row, table.sum(axis=0), 2) for row in table])


def _numbers(column: ColumnSketch) -> np.ndarray:
    values = column.array(arrow_type(column.type))
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.timestamp("us")).cast(pa.int64())
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
