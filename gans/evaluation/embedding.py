"""Rows as points: numbers scaled to [0, 1] by the real range, levels as one-hots."""

from dataclasses import dataclass

import numpy as np

from gans.evaluation.inputs import Side


@dataclass(frozen=True)
class Points:
    """Rows of a table as points.

    Attributes:
        numbers: float32 [rows, numbers].
        codes: int32 [rows, categories].
        sizes: number of levels of each category.
    """

    numbers: np.ndarray
    codes: np.ndarray
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: np.ndarray) -> "Points":
        """The points at these places."""
        return Points(self.numbers[places], self.codes[places], self.sizes)

    def onehot(self) -> np.ndarray:
        """Float32 [rows, levels of all categories]."""
        out = np.zeros((len(self), sum(self.sizes)), np.float32)
        starts = np.cumsum([0, *self.sizes[:-1]])
        out[np.arange(len(self))[:, None], self.codes + starts] = 1
        return out

    def matrix(self) -> np.ndarray:
        """Float32 [rows, numbers + levels]: what Euclidean distances are taken of."""
        return np.concatenate([self.numbers, self.onehot()], axis=1)


def points(side: Side, real: Side) -> Points:
    """The rows of `side` as points, scaled by the range of `real`; two levels that differ are 2 apart in L1."""
    scaled = []
    for name in side.numeric:
        low, high, values = real.columns[name].min(), real.columns[name].max(), side.columns[name]
        scaled.append(((values - low) / (high - low) if high > low else values != low).astype(np.float32))
    names = list(side.levels)
    empty = np.zeros((side.rows, 0))
    return Points(
        np.stack(scaled, axis=1) if scaled else empty.astype(np.float32),
        np.stack([side.columns[name] for name in names], axis=1) if names else empty.astype(np.int32),
        tuple(len(side.levels[name]) for name in names),
    )
