"""Calibration: the scalars of generated numbers follow the law of the real ones, column by column."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gans.data.codecs import FittedCodec
from gans.data.codecs.base import FittedColumn
from gans.data.layout import Encoded

POINTS = 512


@dataclass
class Calibration:
    """A monotone map of each scalar: the quantiles of generated scalars to those of real ones, lines between them.

    Ranks within a column, and so what goes with what, stay as they are. Atoms, missing values and columns of several
    modes are left alone.

    Attributes:
        generated, real: quantiles of the ordinary scalars, [points] by column; none where the map is not used.
    """

    codec: FittedCodec
    generated: dict[int, np.ndarray]
    real: dict[int, np.ndarray]

    def adjust(self, rows: Encoded, given: np.ndarray | None = None) -> Encoded:
        """The rows with mapped scalars.

        Args:
            given: 1 for each column that is given and stays as it is, [columns].
        """
        scalars = rows.scalars.copy()
        for column, quantiles in self.generated.items():
            if given is not None and given[column]:
                continue
            slot = self.codec.columns[column].scalar
            own = scalars[:, slot]
            mapped = np.interp(own, quantiles, self.real[column]).astype(np.float32)
            scalars[:, slot] = np.where(_ordinary(self.codec.columns[column], rows), mapped, own)
        return Encoded(scalars, rows.codes)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, as arrays by name."""
        out = {f"{column}.generated": quantiles for column, quantiles in self.generated.items()}
        return out | {f"{column}.real": quantiles for column, quantiles in self.real.items()}

    @classmethod
    def read(cls, codec: FittedCodec, data: Mapping[str, np.ndarray]) -> "Calibration":
        """The inverse of `arrays`.

        Raises:
            KeyError, ValueError: these are no such arrays.
        """
        columns = [column for column in range(len(codec.columns)) if f"{column}.generated" in data]
        sides = ({column: data[f"{column}.{side}"] for column in columns} for side in ("generated", "real"))
        out = cls(codec, *sides)
        for column in columns:
            generated, real = out.generated[column], out.real[column]
            if codec.columns[column].scalar < 0 or generated.ndim != 1 or generated.shape != real.shape:
                raise ValueError(f"the quantiles of column '{codec.columns[column].column.name}'")
            if not len(real) or not np.isfinite(generated).all() or not np.isfinite(real).all():
                raise ValueError(f"the quantiles of column '{codec.columns[column].column.name}'")
        return out


def calibrate(codec: FittedCodec, real: Encoded, generated: Encoded) -> Calibration:
    """Fit the map to training rows and to generated rows."""
    out = Calibration(codec, {}, {})
    ranks = np.r_[0, (np.arange(POINTS) + 0.5) / POINTS, 1]
    for column, fitted in enumerate(codec.columns):
        if len(fitted.knots) != 1:
            continue
        sides = [rows.scalars[_ordinary(fitted, rows), fitted.scalar] for rows in (generated, real)]
        if min(map(len, sides)) < POINTS:
            continue
        quantiles = [np.quantile(side, ranks) for side in sides]
        distinct = np.r_[True, np.diff(quantiles[0]) > 0]
        out.generated[column], out.real[column] = (side[distinct].astype(np.float32) for side in quantiles)
    return out


def _ordinary(fitted: FittedColumn, rows: Encoded) -> np.ndarray:
    """Which rows hold an ordinary number."""
    return rows.codes[:, fitted.code] == 0 if fitted.code >= 0 else np.ones(len(rows.scalars), bool)
