"""Quantile-normal scalars: every numeric column becomes standard normal."""

from dataclasses import dataclass

import numpy as np

from gans.data.codecs.base import Codec
from gans.registry import register


@register("codec", "quantile")
@dataclass(kw_only=True)
class Quantile(Codec):
    """Score = normal quantile of the empirical distribution function (rank-based inverse normal, c = 1/2).

    A value that occurs once sits at the middle of its step; one that occurs more often keeps the whole step as an
    interval, inside which encoding draws at random (dequantisation), so that ties do not become spikes. A value that
    holds more than `atom` of the rows (no capital gain, 40 hours a week) is an atom: a level of a code of its own, and
    the scalars are those of the other rows.
    """

    atom: float = 0.05

    def scalars(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores [low, high] of distinct ascending values [n]; strictly ascending up to some ten million rows."""
        from scipy.special import ndtri

        rows = counts.sum()
        right = np.cumsum(counts)
        middle = ndtri((right - counts / 2) / rows)
        edge = ndtri(0.5 / rows)
        low = np.where(counts > 1, np.maximum(ndtri((right - counts) / rows), edge), middle)
        high = np.where(counts > 1, np.minimum(ndtri(right / rows), -edge), middle)
        low, high = low.astype(np.float32), high.astype(np.float32)
        tied = counts > 1
        low[tied] = np.nextafter(low[tied], np.float32(np.inf))
        high[tied] = np.nextafter(high[tied], np.float32(-np.inf))
        return low, high
