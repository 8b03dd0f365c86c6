"""Segments of customers: a mixture of Gaussians on the components that columns share."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.errors import in_range
from gans.evaluation.inputs import FLAG, Side

FEWEST, MOST = 2, 10  # segments that are compared
MOST_COMPONENTS = 12
STARTS = 5
LEAST_SHARE = 0.02
FLOOR = 1e-2  # of variances, against segments that are a single level


@dataclass
class Segmentation:
    """A mixture of Gaussians over principal components of mixed data, the largest segment first.

    A number is the normal quantile of its rank among the rows that segments are learned from (0 where missing), ties
    spread at random, since the codec's own atoms would each become a segment; a level is a centred one-hot divided by
    the root of its share (factor analysis of mixed data, Pages 2004); columns that are missing together count so once.
    Components are kept whose variance exceeds that
    of the same columns, each shuffled by itself (Horn 1965): what columns share, not what one has alone. The number of
    segments is given, or that of the least ICL = BIC + 2 entropy of the assignments, from 2 to 10 (Biernacki et al.
    2000): segments that are told apart.

    Attributes:
        known: by column of numbers its sorted values.
        levels: by column of levels which of them have a one-hot.
        axes: directions of the components that are kept.
        plane: of the first two, for a map.
        icl: by number of segments, where they were compared.
    """

    known: dict[str, np.ndarray]
    levels: dict[str, np.ndarray]
    centre: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    plane: np.ndarray
    mixture: Any
    order: np.ndarray
    icl: dict[int, float]

    @property
    def k(self) -> int:
        """The number of segments."""
        return len(self.order)

    def points(self, side: Side, axes: np.ndarray | None = None) -> np.ndarray:
        """Components of rows [rows, components]; those that are kept unless axes are given."""
        standard = (_wide(side, self.known, self.levels) - self.centre) / self.scale
        return standard @ (self.axes if axes is None else axes)

    def chances(self, side: Side) -> np.ndarray:
        """The chance of each segment [rows, segments]."""
        return self.mixture.predict_proba(self.points(side))[:, self.order]

    def assign(self, side: Side) -> np.ndarray:
        """The likeliest segment of each row [rows]."""
        return self.chances(side).argmax(axis=1)


def fit_segments(side: Side, k: int | None = None, seed: int = 0) -> Segmentation:
    """Find the segments of rows.

    Raises:
        UserError: k is out of range.
    """
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    if k is not None:
        in_range("k", k, FEWEST, max(FEWEST, min(50, side.rows // 20)))
    known = {name: np.sort(side.columns[name]) for name in side.numeric}
    levels = {
        name: np.flatnonzero(np.bincount(side.columns[name], minlength=len(side.levels[name])))
        for name in _telling(side)
    }
    wide = _wide(side, known, levels)
    centre, scale = wide.mean(axis=0), np.ones(wide.shape[1])
    scale[len(known) :] = np.sqrt(np.maximum(centre[len(known) :], LEAST_SHARE))
    standard = (wide - centre) / scale
    rng = np.random.default_rng(0)
    shuffled = (_wide(_shuffled(side, rng), known, levels) - centre) / scale
    most = min(MOST_COMPONENTS, standard.shape[1], len(standard) - 1)
    found, chance = (PCA(most, random_state=0).fit(rows) for rows in (standard, shuffled))
    shared = int((found.explained_variance_ > chance.explained_variance_[0]).sum())
    components: Any = found.components_
    axes, plane = components[: max(1, shared)].T, components[:2].T
    points = standard @ axes
    mixtures, icl = {}, {}
    for count in [k] if k else range(FEWEST, MOST + 1):
        mixture = GaussianMixture(count, n_init=STARTS, reg_covar=FLOOR, random_state=seed).fit(points)
        chances = mixture.predict_proba(points)
        entropy = -float(np.sum(chances * np.log(np.maximum(chances, 1e-300))))
        mixtures[count], icl[count] = mixture, float(mixture.bic(points)) + 2 * entropy
    best = mixtures[min(icl, key=lambda count: icl[count])]
    sizes = np.bincount(best.predict(points), minlength=best.n_components)
    order = np.argsort(-sizes, kind="stable")
    return Segmentation(known, levels, centre, scale, axes, plane, best, order, {} if k else icl)


def _telling(side: Side) -> list[str]:
    """The columns of levels, but for flags of missing values that are rare, or the same as those of another column."""
    out, seen = [], []
    for name in side.levels:
        if name.endswith(FLAG):
            missing = side.columns[name]
            if missing.mean() < LEAST_SHARE or any(np.array_equal(missing, other) for other in seen):
                continue
            seen.append(missing)
        out.append(name)
    return out


def _shuffled(side: Side, rng: np.random.Generator) -> Side:
    return Side({name: rng.permutation(values) for name, values in side.columns.items()}, side.levels)


def _wide(side: Side, known: dict[str, np.ndarray], levels: dict[str, np.ndarray]) -> np.ndarray:
    """Normal quantiles of numbers, then one-hots of levels [rows, width]."""
    from scipy.special import ndtri

    parts = []
    for place, (name, values) in enumerate(known.items()):
        low, high = (np.searchsorted(values, side.columns[name], way) for way in ("left", "right"))
        spread = np.random.default_rng((side.rows, place)).random(side.rows)
        rank = low + spread * np.maximum(high - low, 1)
        score = ndtri(np.clip(rank / len(values), 0.5 / len(values), 1 - 0.5 / len(values)))
        parts.append(np.where(side.missing(name), 0, score)[:, None])
    parts += [(side.columns[name][:, None] == kept).astype(float) for name, kept in levels.items()]
    return np.concatenate(parts, axis=1)
