"""A line of the ledger."""

import math
from dataclasses import dataclass

SUBSAMPLED = "subsampled Gaussian"


@dataclass(frozen=True)
class Entry:
    """A mechanism that looked at the rows.

    Attributes:
        what: was asked, for people.
        mechanism: `discrete Gaussian`, `exponential` or `subsampled Gaussian`.
        sensitivity: by how much one row changes what the noise is added to (in the L2 norm), or any score.
        scale: of the noise: the standard deviation, or of the Gumbel noise of the exponential mechanism.
        rate: the chance of each row, by itself, to be seen (Poisson sampling); 1 where all are.
        times: that it is asked.
        delta: the chance that it shows what its noise does not cover: a level of one row that passes a threshold.
    """

    what: str
    mechanism: str
    sensitivity: float
    scale: float
    rate: float = 1.0
    times: int = 1
    delta: float = 0.0

    @property
    def rho(self) -> float:
        """Its zCDP; infinite of a subsampled mechanism, as there is none that counts the sampling.

        A Gaussian costs sensitivity^2 / (2 scale^2); so does the exponential mechanism, e = 2 sensitivity / scale,
        which is e-differentially private with a bounded range, hence e^2 / 8 (Cesar and Rogers 2021, arXiv:2004.07223).
        """
        return self.times * (self.sensitivity / self.scale) ** 2 / 2 if self.mechanism != SUBSAMPLED else math.inf


def scale_of(rho: float) -> float:
    """The scale of noise of a mechanism of sensitivity 1 that costs rho."""
    return (2 * rho) ** -0.5
