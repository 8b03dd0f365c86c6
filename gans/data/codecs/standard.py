"""Standard scalars: (value - mean) / standard deviation."""

from dataclasses import dataclass

import numpy as np

from gans.data.codecs.base import Codec
from gans.registry import register


@register("codec", "standard")
@dataclass(kw_only=True)
class Standard(Codec):
    """Score = (value - mean) / sd, with the mean and the population sd of the training rows.

    The map is a line, so heavy tails stay heavy; generated values are clipped to the bounds of the training rows.
    Values closer together than 1e-7 sd share a scalar.
    """

    def scalars(self, values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores of distinct ascending values [n]; low and high are the same."""
        values = values / (np.abs(values).max() or 1.0)  # no overflow in the squares
        mean = np.average(values, weights=counts)
        deviation = np.sqrt(np.average((values - mean) ** 2, weights=counts)) or 1.0
        scalar = ((values - mean) / deviation).astype(np.float32)
        return scalar, scalar
