"""Where numbers lie within their bins: noisy counts of small parts of them, which bend the codec's curves."""

import numpy as np

from gans.data.codecs import FittedCodec
from gans.data.codecs.columns import FittedColumn
from gans.data.codecs.knots import Knots
from gans.data.layout import Encoded
from gans.privacy.entry import scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.rows import PrivateRows

PARTS = 32  # of a bin, at most; of whole numbers those that it has
LEAST = 1e-6  # share of a bin that a part keeps, so that curves ascend


def bend_bins(codec: FittedCodec, encoded: Encoded, ledger: Ledger, rho: float) -> None:
    """Give the bins of each number curves by which values lie in them as often as noisy counts say, in place.

    A row is in one part of one bin of each column, so that it changes one count of each by one.

    Args:
        encoded: the rows, by bins that are straight.
        rho: of all columns together.
    """
    numeric = [fitted for fitted in codec.columns if fitted.numeric]
    for fitted in numeric:
        scale = scale_of(rho / len(numeric))
        whole = fitted.column.kind in ("integer", "datetime")
        edges = [part_edges(knots.values[0], knots.values[-1], whole) for knots in fitted.knots]
        counts = _count(fitted, edges, encoded, ledger, scale)
        fitted.knots = [curve(*bin, scale) for bin in zip(edges, counts, strict=True)]


def part_edges(low: float, high: float, whole: bool) -> np.ndarray:
    """Where the parts of a bin begin, and where the last one ends; of whole numbers at halves, but for the ends."""
    if not whole:
        return np.linspace(low, high, PARTS + 1)
    first, last = np.rint(low + 0.5), np.rint(high - 0.5)  # the ends are a little within halves
    inner = np.unique(np.rint(np.linspace(first, last + 1, min(PARTS, int(last - first + 1)) + 1))) - 0.5
    return np.concatenate([[low], inner[1:-1], [high]])


def _count(
    fitted: FittedColumn, edges: list[np.ndarray], encoded: Encoded, ledger: Ledger, scale: float
) -> list[np.ndarray]:
    """Noisy counts of the parts of each bin."""
    parts = [len(one) - 1 for one in edges]
    starts = np.concatenate([[0], np.cumsum(parts)])
    codes, values = encoded.codes[:, fitted.code], fitted.decode_numbers(encoded)
    places = np.full(len(codes), starts[-1], np.int32)  # of those in no bin: points, missing values
    for code, one in enumerate(edges):
        here = codes == code
        places[here] = starts[code] + np.searchsorted(one[1:-1], values[here], side="right")
    rows = PrivateRows(places[:, None], [int(starts[-1]) + 1], [f"{fitted.column.name} within its bins"], ledger)
    return np.split(rows.one_way(0, scale)[:-1], starts[1:-1])


def curve(edges: np.ndarray, counts: np.ndarray, scale: float) -> Knots:
    """The curve of a bin: even where its counts differ by no more than their noise does.

    The counts are drawn towards an even bin by the share of their variance that the noise explains (James and Stein
    1961), so that few rows leave an even bin, and many what they say.
    """
    widths = np.diff(edges)
    even = widths / widths.sum()
    total = counts.sum()
    spread = float(((counts - total * even) ** 2).sum())
    noise = min((len(counts) - 1) * scale**2 / spread, 1.0) if spread else 1.0
    shares = even
    if total > 0:
        drawn = np.maximum((1 - noise) * counts + noise * total * even, 0)
        shares = np.maximum(drawn / drawn.sum(), LEAST)
    scalars = 2 * np.concatenate([[0], np.cumsum(shares) / shares.sum()]) - 1
    return Knots(edges, scalars.astype(np.float32), scalars.astype(np.float32))
