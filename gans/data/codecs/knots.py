"""The maps between numbers and scalars, and the modes among which the numbers of a column are split."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

REACH = 0.99  # of a mode, in units of four standard deviations
LEAST_SHARE = 1e-3  # a value goes to a mode where this mode has at least this share of its density
CHUNK = 65_536


@dataclass
class Knots:
    """The distinct values of a numeric column, ascending, and the scalars [low, high] that stand for each."""

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def encode(self, values: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Scores [rows] float32. A value between knots is interpolated, one outside them clipped."""
        values = np.clip(values, self.values[0], self.values[-1])
        at = np.searchsorted(self.values, values)
        known = self.values[at] == values
        low, high = self.low[at], self.high[at]
        scalars = low.copy()
        wide = known & (high > low)
        if rng is not None and wide.any():
            scalars[wide] = _between(low[wide], high[wide], rng)
        elif wide.any():
            scalars[wide] = (low[wide] + high[wide]) / 2
        if not known.all():
            right = at[~known]
            left = right - 1
            share = (values[~known] - self.values[left]) / (self.values[right] - self.values[left])
            start = self.high[left].astype(np.float64)
            scalars[~known] = start + share * (self.low[right] - start)
        return scalars

    def decode(self, scalars: np.ndarray) -> np.ndarray:
        """Values [rows] float64; a scalar on a knot gives its value exactly, one between knots lies on their line."""
        flat = self.high > self.low
        order = np.argsort(np.concatenate([np.arange(len(flat)), np.flatnonzero(flat)]), kind="stable")
        at = np.concatenate([self.low, self.high[flat]])[order].astype(np.float64)
        value = np.concatenate([self.values, self.values[flat]])[order]
        return np.interp(scalars, at, value)


def _between(low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A normal draw truncated to [low, high], so that the scalars of tied values follow the normal law too."""
    from scipy.special import ndtr, ndtri

    left, right = ndtr(low.astype(np.float64)), ndtr(high.astype(np.float64))
    draw = ndtri(left + (right - left) * rng.random(len(low)))
    return np.clip(draw.astype(np.float32), low, high)


def ascending(scalars: np.ndarray) -> np.ndarray:
    """Ascending scalars [n] as float32, those that fall together moved up by the least step that tells them apart."""
    bits = scalars.astype(np.float32).view(np.int32).astype(np.int64)
    place = np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))  # floats in their order
    steps = np.arange(len(place))
    place = np.maximum.accumulate(place - steps) + steps
    return np.where(place >= 0, place, -place | 0x80000000).astype(np.uint32).view(np.float32)


@dataclass
class Mixture:
    """Modes [modes] of a column: a value x has the scalar (w - mean) / (4 deviation) within a mode.

    w = (x - start) / scale, or log(1 + w) of that where `log` says so.
    """

    weights: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    start: float = 0.0
    scale: float = 1.0
    log: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it is written."""
        return {name: np.asarray(value).tolist() for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> "Mixture":
        """Read what `to_json` gave."""
        weights, means, deviations = (np.array(written.pop(name)) for name in ("weights", "means", "deviations"))
        return cls(weights, means, deviations, **written)

    def scalars(self, values: np.ndarray) -> np.ndarray:
        """Scores [modes, rows] of values [rows] in every mode."""
        return (self.warp(values) - self.means[:, None]) / (4 * self.deviations[:, None])

    def warp(self, values: np.ndarray) -> np.ndarray:
        """w of values [rows]; below `start` a logarithm is that of `start`."""
        units = (values - self.start) / self.scale
        return np.log1p(np.maximum(units, 0)) if self.log else units

    def shares(self, values: np.ndarray) -> np.ndarray:
        """How likely values [rows] come from each mode, [modes, rows]; 0 beyond its reach and where negligible.

        What no mode reaches comes from the nearest.
        """
        scalars = np.abs(self.scalars(values))
        density = np.log(self.weights / self.deviations)[:, None] - 8 * np.minimum(scalars, 1) ** 2
        density[(scalars > REACH) & (scalars > scalars.min(axis=0))] = -np.inf
        share = np.exp(density - density.max(axis=0))
        share[share < LEAST_SHARE * share.sum(axis=0)] = 0
        return share / share.sum(axis=0)

    def draw(self, values: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """A mode for each of the values [rows], drawn by its share; without `rng` the likeliest."""
        out = np.zeros(len(values), np.int32)
        for start in range(0, len(values), CHUNK):
            share = self.shares(values[start : start + CHUNK])
            if rng is None:
                out[start : start + CHUNK] = share.argmax(axis=0)
                continue
            ends = share.cumsum(axis=0)
            out[start : start + CHUNK] = (rng.random(share.shape[1]) * ends[-1] >= ends).sum(axis=0)
        return out
