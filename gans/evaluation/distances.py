"""Distances between two tables: of single columns, of pairs, and of all columns at once."""

from functools import cached_property
from typing import Any

import numpy as np

from gans.evaluation.embedding import points
from gans.evaluation.fidelity import MOST_PAIRS, pairs
from gans.evaluation.inputs import Side, Tables
from gans.evaluation.metrics import LEAST_OF_EACH, LOWER, Meaning, MostRows, metric
from gans.evaluation.published import binned, joint_cells

QUANTILES = 20
PROJECTIONS = 128
BLOCK = 1_000
FEATURES = 32


def wasserstein(real: Side, other: Side) -> float:
    """Mean over the columns of the Wasserstein-1 distance, at least 0.

    Numbers in standard deviations of the real ones; levels at distance 1 from each other, so total variation.
    """
    from scipy.stats import wasserstein_distance

    out = []
    for name, left in real.columns.items():
        right = other.columns[name]
        if name in real.levels:
            size = len(real.levels[name])
            shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (left, right)]
            out.append(np.abs(shares[0] - shares[1]).sum() / 2)
        else:
            scale = left.std() or np.concatenate([left, right]).std() or 1.0
            out.append(wasserstein_distance(left, right) / scale)
    return float(np.mean(out))


def jensen_shannon(real: Side, other: Side) -> float:
    """Mean over the columns of the Jensen-Shannon distance to base 2 (the root of the divergence), in [0, 1].

    Numbers in twenty bins that hold equally many real values each.
    """
    out = []
    for name, left in real.columns.items():
        right = other.columns[name]
        if name in real.levels:
            size = len(real.levels[name])
        else:
            edges = np.unique(np.quantile(left, np.linspace(0, 1, QUANTILES + 1)[1:-1]))
            size = len(edges) + 1
            left, right = (np.searchsorted(edges, values, "right") for values in (left, right))
        out.append(_distance(left, right, size))
    return float(np.mean(out))


def joint_jensen_shannon(real: Side, other: Side) -> float:
    """Mean over the pairs of columns of the Jensen-Shannon distance of their cells, in [0, 1].

    Numbers in ten bins of equal width over the real values, as in `published.trend_errors`; at most 2,000 pairs.
    """
    bins = [binned(real, side) for side in (real, other)]
    out = []
    for left, right in pairs(list(real.columns), MOST_PAIRS):
        cells, size = joint_cells(bins, left, right)
        out.append(_distance(*cells, size))
    return float(np.mean(out)) if out else 0.0


def _distance(left: np.ndarray, right: np.ndarray, size: int) -> float:
    from scipy.spatial.distance import jensenshannon

    counts = [np.bincount(codes, minlength=size).astype(np.float64) for codes in (left, right)]
    return float(np.nan_to_num(jensenshannon(*counts, base=2)))


def sliced_wasserstein(left: np.ndarray, right: np.ndarray) -> float:
    """Mean over 128 random directions of the Wasserstein-1 distance of points [rows, width], at least 0.

    Rabin et al. 2011 (Wasserstein barycenter and its application to texture mixing). Directions are fixed.
    """
    from scipy.stats import wasserstein_distance

    directions = np.random.default_rng(0).normal(size=(left.shape[1], PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    there, here = (points @ directions for points in (left, right))
    return float(np.mean([wasserstein_distance(a, b) for a, b in zip(there.T, here.T, strict=True)]))


class Mmd:
    """The kernel two-sample statistic with a Gaussian kernel, its bandwidth the median distance among real points.

    Gretton et al. 2012 (JMLR 13), equation 3: unbiased, so that it may fall below 0 where both sides are alike.
    """

    def __init__(self, real: np.ndarray) -> None:
        self.real = np.asarray(real, np.float64)
        some = self.real[:BLOCK]
        squares = _squares(some, some)[np.triu_indices(len(some), 1)]
        self.width = float(np.median(squares)) or 1.0

    @cached_property
    def _within(self) -> float:
        return self._mean(self.real, self.real, True)

    def __call__(self, other: np.ndarray) -> float:
        """The squared MMD to points [rows, width]."""
        other = np.asarray(other, np.float64)
        return self._within + self._mean(other, other, True) - 2 * self._mean(self.real, other, False)

    def _mean(self, left: np.ndarray, right: np.ndarray, same: bool) -> float:
        total = 0.0
        for start in range(0, len(left), BLOCK):
            total += float(np.exp(-_squares(left[start : start + BLOCK], right) / self.width).sum())
        if same:
            return (total - len(left)) / (len(left) * (len(left) - 1))
        return total / (len(left) * len(right))


def _squares(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    products = left @ right.T
    return np.maximum((left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * products, 0)


class LearnedFeatures:
    """32 features of a table's rows, learned by an autoencoder of the real ones.

    scikit-learn's MLPRegressor, width -> 64 -> 32 -> 64 -> width, rectified; the features are the 32. The points are
    centred before. What the Inception network is to images, of this table's own: figures of different tables do not
    compare.
    """

    def __init__(self, real: np.ndarray) -> None:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        self.mean, self.scale = real.mean(0), real.std(0) + 0.1
        points = self._scaled(real)
        settings: dict[str, Any] = {"hidden_layer_sizes": (64, FEATURES, 64), "max_iter": 8, "random_state": 0}
        self.network = MLPRegressor(batch_size=min(200, len(points)), **settings)  # pyright: ignore[reportArgumentType]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network.fit(points, points)

    def _scaled(self, points: np.ndarray) -> np.ndarray:
        return np.asarray((points - self.mean) / self.scale, np.float64)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The features [rows, 32] of points [rows, width]."""
        out = self._scaled(points)
        for weights, bias in zip(self.network.coefs_[:2], self.network.intercepts_[:2], strict=True):
            out = np.maximum(out @ weights + bias, 0)
        return out


def frechet(left: np.ndarray, right: np.ndarray) -> float:
    """|m - n|^2 + tr(A + B - 2 (A B)^(1/2)) of means m, n and covariances A, B of features [rows, width]; at least 0.

    The Frechet distance of two Gaussians (Dowson & Landau 1982), in images FID (Heusel et al. 2017, arXiv:1706.08500).
    The trace of the root is the sum of the roots of the eigenvalues of A B, which are not negative.
    """
    from scipy.linalg import eigvals

    gap = left.mean(0) - right.mean(0)
    there, here = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (left, right))
    roots = np.sqrt(np.maximum(np.real(eigvals(there @ here)), 0))
    return float(max(gap @ gap + np.trace(there) + np.trace(here) - 2 * roots.sum(), 0.0))


def point_matrices(tables: Tables, rows: int | None) -> tuple[np.ndarray, np.ndarray]:
    """At most so many real and synthetic rows, in random order, as points [rows, width], scaled by all real rows."""
    scale = tables.capped["real"]
    real = tables.once(("matrix", rows, tables.coding), lambda: points(tables.drawn("real", rows), scale).matrix())
    return real, points(tables.drawn("synthetic", rows), scale).matrix()


COLUMNS = MostRows(None, 200_000, 1_000_000)


@metric(
    "distances",
    {
        "wasserstein": Meaning("Wasserstein distance of columns", LOWER, shrinks=0.5, sentence=False),
        "jensen_shannon": Meaning("Jensen-Shannon distance of columns", LOWER, shrinks=0.5, sentence=False),
    },
    most=COLUMNS,
)
def column_distances(tables: Tables, rows: int | None) -> dict[str, float]:
    """Distances of single columns."""
    sides = [tables.some(name, rows, capped=False) for name in ("real", "synthetic")]
    return {"wasserstein": wasserstein(*sides), "jensen_shannon": jensen_shannon(*sides)}


@metric(
    "pairs",
    {"joint_jensen_shannon": Meaning("Jensen-Shannon distance of pairs", LOWER, shrinks=0.5, sentence=False)},
    most=COLUMNS,
)
def pair_distances(tables: Tables, rows: int | None) -> dict[str, float]:
    """Distances of pairs of columns."""
    sides = [tables.some(name, rows, capped=False) for name in ("real", "synthetic")]
    return {"joint_jensen_shannon": joint_jensen_shannon(*sides)}


@metric(
    "sliced_wasserstein",
    {"sliced_wasserstein": Meaning("sliced Wasserstein distance of rows", LOWER, shrinks=0.5, sentence=False)},
    level="standard",
    least=LEAST_OF_EACH,
    most=MostRows(2_000, 10_000, 20_000),
)
def sliced(tables: Tables, rows: int | None) -> dict[str, float]:
    """The sliced Wasserstein distance of rows as points."""
    return {"sliced_wasserstein": sliced_wasserstein(*point_matrices(tables, rows))}


@metric(
    "mmd",
    {"mmd": Meaning("squared MMD, unbiased", LOWER, 0.0, sentence=False)},
    level="standard",
    least=LEAST_OF_EACH,
    most=MostRows(2_000, 4_000, 10_000),
)
def mmd(tables: Tables, rows: int | None) -> dict[str, float]:
    """The unbiased squared MMD of rows as points."""
    real, other = point_matrices(tables, rows)
    return {"mmd": Mmd(real)(other)}


@metric(
    "frechet",
    {"frechet": Meaning("Frechet distance on learned features", LOWER, shrinks=1.0, sentence=False)},
    level="standard",
    least=LEAST_OF_EACH,
    most=MostRows(2_000, 10_000, 20_000),
)
def learned_frechet(tables: Tables, rows: int | None) -> dict[str, float]:
    """The Frechet distance on features that an autoencoder of the real rows learns."""
    real, other = point_matrices(tables, rows)
    features = tables.once(("learned features", rows, tables.coding), lambda: LearnedFeatures(real))
    return {"frechet": frechet(features(real), features(other))}
