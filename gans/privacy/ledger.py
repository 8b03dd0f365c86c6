"""The ledger: every look at the rows with what it costs, refused before it happens where the budget does not have it.

The guarantee is (epsilon, delta)-differential privacy for tables that differ by one row more or less (add or remove).
Costs are added up in zero-concentrated differential privacy, rho-zCDP (Bun and Steinke 2016, arXiv:1605.02065), which
composes by addition also where later mechanisms are chosen by what earlier ones gave, as long as the sum stays within a
budget fixed before (Whitehouse et al. 2023, arXiv:2203.05481).
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gans.artefacts import read_json, reading
from gans.errors import UserError
from gans.files import write_text

NEIGHBOURS = "add or remove one row"
SLACK = 1e-9  # of the budget, for sums of floats


@dataclass(frozen=True)
class Entry:
    """A mechanism that looked at the rows.

    Attributes:
        what: was asked, for people.
        mechanism: `discrete Gaussian` or `exponential`.
        sensitivity: by how much one row changes what the noise is added to (in the L2 norm), or any score.
        scale: of the noise: the standard deviation, or of the Gumbel noise of the exponential mechanism.
        rho: its zCDP: (sensitivity / scale)^2 / 2 of both.
    """

    what: str
    mechanism: str
    sensitivity: float
    scale: float

    @property
    def rho(self) -> float:
        """A Gaussian costs sensitivity^2 / (2 scale^2); so does the exponential mechanism, e = 2 sensitivity / scale.

        The latter is e-differentially private with a bounded range, hence e^2 / 8 (Cesar and Rogers 2021,
        arXiv:2004.07223).
        """
        return (self.sensitivity / self.scale) ** 2 / 2


@dataclass
class Ledger:
    """What may be spent on a table, and what was.

    Attributes:
        epsilon, delta: of the guarantee.
    """

    epsilon: float
    delta: float
    entries: list[Entry] = field(default_factory=list)

    @property
    def rho(self) -> float:
        """The budget."""
        return rho_of(self.epsilon, self.delta)

    @property
    def spent(self) -> float:
        """The sum of the costs."""
        return math.fsum(entry.rho for entry in self.entries)

    @property
    def left(self) -> float:
        """What may still be spent."""
        return max(self.rho - self.spent, 0.0)

    def charge(self, entry: Entry) -> None:
        """Write a mechanism down; the caller runs it afterwards.

        Raises:
            UserError: the budget does not have it. Nothing is written then.
        """
        if entry.rho > self.left + SLACK * self.rho:
            raise UserError(
                f"privacy.epsilon={self.epsilon:g}: the budget is used up; '{entry.what}' costs rho={entry.rho:.3g}, "
                f"and {self.left:.3g} of {self.rho:.3g} are left."
            )
        self.entries.append(entry)

    def to_json(self) -> dict[str, Any]:
        """The guarantee, the budget and each entry with its cost."""
        return {
            "guarantee": {"epsilon": self.epsilon, "delta": self.delta, "neighbours": NEIGHBOURS},
            "rho": {"budget": self.rho, "spent": self.spent},
            "entries": [dataclasses.asdict(entry) | {"rho": entry.rho} for entry in self.entries],
        }

    def write(self, path: Path) -> None:
        """Write as JSON, atomically."""
        write_text(path, json.dumps(self.to_json(), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Ledger":
        """Read what `write` wrote.

        Raises:
            UserError: the file is missing or no ledger.
        """
        with reading(path, "a readable ledger"):
            stored = read_json(path, "a readable ledger")
            entries = [
                Entry(str(one["what"]), str(one["mechanism"]), float(one["sensitivity"]), float(one["scale"]))
                for one in stored["entries"]
            ]
            guarantee = stored["guarantee"]
            return cls(float(guarantee["epsilon"]), float(guarantee["delta"]), entries)


def delta_of(rho: float, epsilon: float) -> float:
    """The least delta known for which rho-zCDP implies (epsilon, delta)-differential privacy.

    min over a > 1 of exp((a - 1)(a rho - epsilon)) (1 - 1/a)^a / (a - 1): Canonne, Kamath and Steinke 2020,
    arXiv:2004.00010, corollary 13.
    """
    from scipy.optimize import minimize_scalar

    def log_delta(log_order: float) -> float:
        above = math.exp(log_order)  # a - 1
        order = 1 + above
        return above * (order * rho - epsilon) + order * math.log1p(-1 / order) - math.log(above)

    found: Any = minimize_scalar(log_delta, bounds=(-15.0, 15.0), method="bounded", options={"xatol": 1e-9})
    return min(math.exp(min(float(found.fun), 0.0)), 1.0)


@cache
def rho_of(epsilon: float, delta: float) -> float:
    """The largest rho whose zCDP implies (epsilon, delta)-differential privacy, by bisection from below."""
    low, high = 0.0, epsilon + 1.0  # at rho = epsilon the best delta is far from 0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle, epsilon) <= delta else (low, middle)
    return low


def epsilon_of(rho: float, delta: float) -> float:
    """The least epsilon known that rho-zCDP gives at this delta, by bisection from above."""
    low, high = 0.0, rho + 2 * math.sqrt(rho * math.log(1 / delta))  # Bun and Steinke 2016, proposition 1.3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if delta_of(rho, middle) <= delta else (middle, high)
    return high
