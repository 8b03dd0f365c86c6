"""Mode-specific normalisation: the modes of a numeric column, and a scalar within each."""

import warnings
from dataclasses import dataclass

import numpy as np

from gans.data.codecs.base import Codec
from gans.data.codecs.knots import REACH, Mixture
from gans.errors import in_range
from gans.registry import register

POINTS = 2_000
LEAST_WEIGHT = 0.005
LEAST_DEVIATION = 1e-3  # of that of the column


@register("codec", "modes")
@dataclass(kw_only=True)
class Modes(Codec):
    """A number is a mode, drawn by its responsibility, and a scalar (x - mean) / (4 sd) within it, from -.99 to .99.

    Xu et al. 2019, arXiv:1907.00503, section 4.2: a variational Gaussian mixture; modes of a weight up to .005 are
    dropped. Where we differ: it is fitted to 2,000 quantiles of the column, in a fraction of a second; what no mode
    reaches within 4 sd has a mode of its own that spans it, so that every training value comes back; values within a
    mode are clipped to its training values; missing is a level of the code. With `atom` below 1 and `long_tail`, as
    the mixed and long-tailed columns of CTAB-GAN+ (Zhao et al. 2022, arXiv:2204.00401), which names them by hand.

    Attributes:
        modes: at most.
        long_tail: the skewness of its numbers from which a column's logarithm is split into modes and scaled; null
            for never.
    """

    modes: int = 10
    long_tail: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("codec.modes", self.modes, 1)
        if self.long_tail is not None:
            in_range("codec.long_tail", self.long_tail, 0)

    def mixture(self, values: np.ndarray, counts: np.ndarray) -> Mixture:
        """The modes of distinct ascending values [n] that occur counts [n] times."""
        none = np.zeros(0)
        out = Mixture(none, none, none, scale=float(np.abs(values).max()) or 1.0)
        if self.long_tail is not None and _skewness(values / out.scale, counts) > self.long_tail:
            start = float(values[0])
            out.start, out.log = start, True
            out.scale = _quantiles(values - start, counts, 1)[0] or float(values[-1]) - start
        warped = out.warp(values)
        out.weights, out.means, out.deviations = _fit(_quantiles(warped, counts, POINTS), self.modes)
        beyond = (np.abs(out.scalars(values)) > REACH).all(axis=0)
        if beyond.any():
            low, high = warped[beyond].min(), warped[beyond].max()
            span = (high - low) / 2 * (1 + 1e-9) or 1e-3 * np.ptp(warped)
            out.weights = np.append(out.weights, counts[beyond].sum() / counts.sum())
            out.means = np.append(out.means, (low + high) / 2)
            out.deviations = np.append(out.deviations, span / (4 * REACH))
        used = (out.shares(values) > 0).any(axis=1)
        out.weights, out.means, out.deviations = out.weights[used], out.means[used], out.deviations[used]
        return out


def _quantiles(values: np.ndarray, counts: np.ndarray, points: int) -> np.ndarray:
    """The values at `points` ranks, evenly spaced: the middle of each share of the rows."""
    ends = np.cumsum(counts)
    return values[np.searchsorted(ends, (np.arange(points) + 0.5) / points * ends[-1], side="right")]


def _skewness(values: np.ndarray, counts: np.ndarray) -> float:
    """The third standardised moment."""
    away = values - np.average(values, weights=counts)
    deviation = np.sqrt(np.average(away**2, weights=counts))
    return float(np.average((away / deviation) ** 3, weights=counts)) if deviation else 0.0


def _fit(points: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and standard deviations [modes] of a Dirichlet-process Gaussian mixture (Blei & Jordan 2006).

    Moments are those of the points by responsibility: those of the posterior hold the prior, which widens narrow modes.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    scale = points.std() or 1.0
    standard = (points[:, None] - points.mean()) / scale
    model = BayesianGaussianMixture(
        n_components=min(most, len(np.unique(points))), weight_concentration_prior=1e-3, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        share = model.fit(standard).predict_proba(standard)
    share = share[:, share.mean(axis=0) > LEAST_WEIGHT]
    means = points @ share / share.sum(axis=0)
    variances = ((points[:, None] - means) ** 2 * share).sum(axis=0) / share.sum(axis=0)
    return share.mean(axis=0), means, np.maximum(np.sqrt(variances), LEAST_DEVIATION * scale)
