"""Raking: weights of generated rows such that what is chosen by them has the real margins."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gans.data.codecs import FittedCodec
from gans.data.codecs.columns import FittedColumn
from gans.data.layout import Encoded
from gans.refinement.base import Tell, untold
from gans.refinement.pools import proportional

BINS = 10  # of an ordinary number in a pair
MOST_CELLS = 4_096  # of a pair


@dataclass(frozen=True)
class Sweeps:
    """How margins are brought to their targets.

    Attributes:
        rounds: how often all margins are gone through.
        share: of the way to its target that a cell is brought each time.
    """

    rounds: int
    share: float


PAIRS = Sweeps(rounds=8, share=0.5)
SINGLES = Sweeps(rounds=20, share=1.0)
ADDED = 2.0  # training rows that are added to both sides of a cell, so that empty ones have a ratio


@dataclass
class Raking:
    """Offsets of the logarithm of a row's weight, by cell of each margin.

    Iterative proportional fitting (Deming & Stephan 1940) of pairs of columns and of single ones. Where we differ: the
    margins are those of rows chosen from a pool, each at most once, so that a small pool is allowed for; a margin goes
    only as far as it lies farther from the training rows than chance explains (`beyond_chance`), since their exact
    shares are those of a sample; single columns follow on other generated rows, so that they come out right on rows
    that neither has seen.

    Attributes:
        margins: columns of the margins, [columns] of one or two.
        edges: of the ordinary numbers of each column in coarse and in fine bins; none for categories.
        sizes: cells of each column, coarse and fine.
        offsets: by margin, [cells].
    """

    codec: FittedCodec
    margins: list[tuple[int, ...]]
    edges: list[tuple[np.ndarray, np.ndarray]]
    sizes: list[tuple[int, int]]
    offsets: list[np.ndarray]

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, as arrays by name."""
        out = {"margins": np.array([(*margin, -1)[:2] for margin in self.margins]), "sizes": np.array(self.sizes)}
        out["offsets"] = np.concatenate(self.offsets)
        for column, (coarse, fine) in enumerate(self.edges):
            out |= {f"{column}.coarse": coarse, f"{column}.fine": fine}
        return out

    @classmethod
    def read(cls, codec: FittedCodec, data: Mapping[str, np.ndarray]) -> "Raking":
        """The inverse of `arrays`.

        Raises:
            KeyError, ValueError: these are no such arrays.
        """
        edges = [(data[f"{column}.coarse"], data[f"{column}.fine"]) for column in range(len(codec.columns))]
        margins = [tuple(int(c) for c in margin if c >= 0) for margin in data["margins"]]
        out = cls(codec, margins, edges, [(int(coarse), int(fine)) for coarse, fine in data["sizes"]], [])
        _check(out)
        counts = [out.sizes[m[0]][1] if len(m) == 1 else out.sizes[m[0]][0] * out.sizes[m[1]][0] for m in margins]
        if data["offsets"].shape != (sum(counts),) or not np.isfinite(data["offsets"]).all():
            raise ValueError(f"{data['offsets'].shape} offsets for {sum(counts)} cells")
        out.offsets = np.split(data["offsets"], np.cumsum(counts)[:-1])
        return out

    def bins(self, rows: Encoded) -> list[tuple[np.ndarray, np.ndarray]]:
        """The coarse and the fine cell of each row [rows], by column."""
        out = []
        for fitted, edges in zip(self.codec.columns, self.edges, strict=True):
            codes = rows.codes[:, fitted.code] if fitted.code >= 0 else np.int32(0)
            if not fitted.numeric:
                out.append((codes, codes))
                continue
            values, ordinary = fitted.decode_numbers(rows), codes < len(fitted.knots)
            cells = []
            for own in edges:
                found = np.searchsorted(own, values, side="right")
                cells.append(np.where(ordinary, found, len(own) + 1 + codes - len(fitted.knots)).astype(np.int32))
            out.append((cells[0], cells[1]))
        return out

    def cells(self, bins: list[tuple[np.ndarray, np.ndarray]], margin: tuple[int, ...]) -> tuple[np.ndarray, int]:
        """The cell of each row in a margin, and how many there are."""
        if len(margin) == 1:
            return bins[margin[0]][1], self.sizes[margin[0]][1]
        first, second = margin
        return bins[first][0] * self.sizes[second][0] + bins[second][0], self.sizes[first][0] * self.sizes[second][0]

    def log_weights(self, rows: Encoded) -> np.ndarray:
        """The sum of the offsets of each row, [rows]."""
        bins, out = self.bins(rows), np.zeros(len(rows.scalars))
        for margin, offsets in zip(self.margins, self.offsets, strict=True):
            out += offsets[self.cells(bins, margin)[0]]
        return out


def _check(out: Raking) -> None:
    """Raise ValueError where margins or sizes are not those of the columns."""
    columns = len(out.codec.columns)
    if any(not 1 <= len(margin) <= 2 or max(margin) >= columns for margin in out.margins) or len(out.sizes) != columns:
        raise ValueError("its margins")
    for fitted, edges, sizes in zip(out.codec.columns, out.edges, out.sizes, strict=True):
        if any(own.ndim != 1 or own.dtype.kind != "f" for own in edges) or sizes != _sizes(fitted, edges):
            raise ValueError(f"the cells of column '{fitted.column.name}'")


def _sizes(fitted: FittedColumn, edges: tuple[np.ndarray, np.ndarray]) -> tuple[int, int]:
    """Cells of a column between coarse and between fine edges; atoms and missing values have their own."""
    if not fitted.numeric:
        return fitted.cardinality, fitted.cardinality
    special = fitted.cardinality - len(fitted.knots) if fitted.code >= 0 else 0
    return len(edges[0]) + 1 + special, len(edges[1]) + 1 + special


def rake(
    codec: FittedCodec,
    real: Encoded,
    generated: Encoded,
    weights: np.ndarray,
    candidates: int,
    most_pairs: int,
    bins: int,
    tell: Tell = untold,
) -> Raking:
    """Fit the offsets: those of pairs on one half of the generated rows, those of single columns on the other half.

    Args:
        generated: rows, of which one in `candidates` is chosen, as `inclusion` has it.
        weights: logarithms [rows] that the offsets are added to.
        most_pairs: that are raked; of more, some at random.
        bins: of an ordinary number by itself.
    """
    edges, sizes = zip(*(_binning(fitted, real, bins) for fitted in codec.columns), strict=True)
    out = Raking(codec, [], list(edges), list(sizes), [])
    pairs, singles = _pairs(out.sizes, most_pairs), [(column,) for column in range(len(sizes))]
    total, done = PAIRS.rounds * len(pairs) + SINGLES.rounds * len(singles), itertools.count(1)
    half = len(weights) // 2 // candidates * candidates
    first, second = (Encoded(*(array[part] for array in generated)) for part in (slice(half), slice(half, 2 * half)))

    def one_more() -> None:
        tell("margins", next(done), total)

    _fit(out, pairs, real, first, weights[:half], candidates, PAIRS, one_more)
    logits = weights[half : 2 * half] + out.log_weights(second)
    _fit(out, singles, real, second, logits, candidates, SINGLES, one_more)
    return out


def _binning(fitted: FittedColumn, real: Encoded, bins: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[int, int]]:
    """Edges of a column's ordinary numbers and how many cells it has, both coarse and fine."""
    if not fitted.numeric:
        return (none := (np.zeros(0), np.zeros(0))), _sizes(fitted, none)
    codes = real.codes[:, fitted.code] if fitted.code >= 0 else np.zeros(len(real.scalars))
    values = fitted.decode_numbers(real)[codes < len(fitted.knots)]
    coarse, fine = (
        np.unique(np.quantile(values, np.arange(1, count) / count)) if len(values) else values for count in (BINS, bins)
    )
    return (coarse, fine), _sizes(fitted, (coarse, fine))


def _pairs(sizes: list[tuple[int, int]], most: int) -> list[tuple[int, ...]]:
    """The pairs of columns that are raked: of few enough coarse cells, and of very many pairs some at random."""
    pairs = [pair for pair in combinations(range(len(sizes)), 2) if sizes[pair[0]][0] * sizes[pair[1]][0] <= MOST_CELLS]
    if len(pairs) <= most:
        return pairs
    return [pairs[place] for place in np.sort(np.random.default_rng(0).permutation(len(pairs))[:most])]


def _fit(
    out: Raking,
    margins: list[tuple[int, ...]],
    real: Encoded,
    generated: Encoded,
    log_weights: np.ndarray,
    candidates: int,
    sweeps: Sweeps,
    one_more: Callable[[], None],
) -> None:
    """Add margins with their offsets.

    Args:
        log_weights: of the generated rows, [rows].
        one_more: called after each look at a margin.
    """
    weights, chosen = np.exp(log_weights.astype(np.float64) - log_weights.max()), len(log_weights) // candidates
    bins_of_real, bins_of_generated = out.bins(real), out.bins(generated)
    targets, places, offsets = [], [], []
    for margin in margins:
        cells, count = out.cells(bins_of_real, margin)
        targets.append(np.bincount(cells, minlength=count))
        small = np.min_scalar_type(max(count - 1, 0))  # hundreds of margins are kept at once
        places.append(out.cells(bins_of_generated, margin)[0].astype(small))
        offsets.append(np.zeros(count))
    times = len(real.scalars) / chosen
    for _ in range(sweeps.rounds):
        for target, place, offset in zip(targets, places, offsets, strict=True):
            chances = proportional(weights, chosen)
            expected = np.bincount(place, chances, len(target)) * times
            effective = chosen**2 / np.square(chances).sum()  # generated rows, by their weights (Kish 1965)
            way = sweeps.share * beyond_chance(target, expected, len(real.scalars) / effective)
            step = way * np.log((target + ADDED) / (expected + ADDED))
            offset += step
            weights *= np.exp(step)[place]
            one_more()
    out.margins += margins
    out.offsets += offsets


def beyond_chance(counts: np.ndarray, expected: np.ndarray, times: float) -> float:
    """The share in [0, 1] of the squared distance of counts from expected ones that chance does not explain.

    The positive-part estimator of James and Stein (1961, "Estimation with quadratic loss"): 1 - (cells - 1) / z2, where
    z2 is the sum of the squared distances, each in units of its variance if both sides came from one population.

    Args:
        counts: training rows in each cell, [cells].
        expected: how many there would be if they were like the generated rows, [cells].
        times: training rows for each generated row that `expected` was computed from.
    """
    there = counts + expected > 0
    variance = expected * (1 + times) + 0.5  # half a row where none is expected
    z2 = float(((counts - expected)[there] ** 2 / variance[there]).sum())
    return 0.0 if z2 == 0 else max(0.0, 1 - max(int(there.sum()) - 1, 1) / z2)
