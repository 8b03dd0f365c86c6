"""What a declaration leaves private, asked of the rows: the levels of categories, and edges of bins."""

import dataclasses
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.declared import Declared
from gans.data.domain import Domain
from gans.errors import UserError
from gans.privacy.entry import Entry, scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.noise import discrete_gaussian, noisy_max

pc: Any = pyarrow.compute  # its functions are made at run time

CHANCE = 0.1  # of delta, that a level of one row shows
GRID = 512  # places where an edge may be, at equal distances and at growing ones
LEAST_STEP = 1e-6  # of the range, between places that lie at growing distances


def settle(domain: Domain, table: pa.Table, ledger: Ledger, share: float) -> Domain:
    """The domain with the levels and edges that the rows answered.

    Args:
        share: of the budget, for all columns together.

    Raises:
        UserError: a value is outside what is declared, or no level of a column is frequent enough.
    """
    paid = [column for column in domain.columns if column.paid]
    frequent = [column for column in paid if column.paid == "levels"]
    rho = share * ledger.rho / max(len(paid), 1)
    settled = {}
    for column in frequent:
        valid = column.valid(table[column.name])
        levels = frequent_levels(column.name, valid, ledger, rho, CHANCE * ledger.delta / len(frequent))
        if not levels:
            raise UserError(
                f"column '{column.name}': no level is frequent enough to be told apart from noise; drop it "
                f"(data.drop=['{column.name}']), declare levels, or give more of the budget by privacy.cells."
            )
        settled[column.name] = dataclasses.replace(column, levels=levels)
    for column in paid:
        if column.paid == "edges":
            settled[column.name] = dataclasses.replace(column, edges=_edges(column, table, ledger, rho))
    return dataclasses.replace(domain, columns=[settled.get(column.name, column) for column in domain.columns])


def frequent_levels(name: str, valid: pa.ChunkedArray, ledger: Ledger, rho: float, delta: float) -> list[str]:
    """The levels, in order, whose noisy count passes a threshold that a level of one row passes with chance `delta`.

    One row changes the count of one level by one, which costs rho; a level that only this row has shows with chance
    delta (stability, Korolova et al. 2009; Bun, Nissim and Stemmer 2016, arXiv:1511.08552). The tail of the discrete
    Gaussian is below exp(-t^2 / (2 scale^2)) (Canonne, Kamath and Steinke 2020, arXiv:2004.00010).
    """
    scale = scale_of(rho)
    least = 1 + scale * math.sqrt(2 * math.log(1 / delta))
    ledger.charge(Entry(f"levels of {name}", "discrete Gaussian", 1.0, scale, delta=delta))
    found = pc.value_counts(valid)
    noisy = discrete_gaussian(found.field("counts").to_numpy(), scale)
    return sorted(found.field("values").filter(pa.array(noisy >= least)).to_pylist())


def _edges(column: Declared, table: pa.Table, ledger: Ledger, rho: float) -> list[float]:
    """Where bins of about equally many rows begin."""
    fitted = column.fitted()
    values = column.numbers_of(column.valid(table[column.name]), fitted)
    values = np.sort(values[~np.isin(values, fitted.atoms)])
    low, high = (end - fitted.origin / fitted.step for end in column.ends)
    places = candidate_edges(low, high, column.whole)
    found = private_quantiles(column.name, values, places, column.bins, ledger, rho)
    return column.from_units(np.array(found) + fitted.origin / fitted.step)


def candidate_edges(low: float, high: float, whole: bool) -> np.ndarray:
    """Where an edge may be [n], ascending within low and high: evenly, and ever farther from the value nearest to 0."""
    near = min(max(0.0, low), high)
    least = 1.0 if whole else LEAST_STEP * (high - low)
    steps = np.geomspace(least, max(high - low, least), GRID)
    places = np.concatenate([np.linspace(low, high, GRID + 1), near + steps, near - steps, [near]])
    places = np.unique(np.ceil(places) if whole else places)
    return places[(places > low) & (places < high)]


def private_quantiles(
    name: str, values: np.ndarray, places: np.ndarray, bins: int, ledger: Ledger, rho: float
) -> list[float]:
    """At most bins - 1 of the places, ascending, which part the values into about equally large bins.

    The median one is chosen by the exponential mechanism, then one in each half, and so on (Kaplan, Schnapp and Stemmer
    2022, arXiv:2110.05429); the halves have different rows, so that each of log2(bins) steps is charged once. The
    score of a place is how far the number of values below it is from what is wanted; one row changes it by one at most.

    Args:
        values: ascending.
        places: ascending, public.
    """
    if not len(places) or bins < 2:
        return []
    depth = math.ceil(math.log2(bins))
    scale = scale_of(rho / depth)
    ledger.charge(Entry(f"edges of {name}", "exponential", 1.0, scale, times=depth))

    def part(values: np.ndarray, places: np.ndarray, bins: int) -> list[float]:
        if bins < 2 or not len(places):
            return []
        left = bins // 2
        below = np.searchsorted(values, places)
        off = np.abs(below - round(len(values) * left / bins))
        chosen = noisy_max((-off).tolist(), scale)
        before, after = values[: below[chosen]], values[below[chosen] :]
        return [
            *part(before, places[:chosen], left),
            float(places[chosen]),
            *part(after, places[chosen + 1 :], bins - left),
        ]

    return part(values, places, bins)
