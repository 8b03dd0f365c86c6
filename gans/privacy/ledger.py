"""The ledger: every look at the rows with what it costs, refused before it happens where the budget does not have it.

The guarantee is (epsilon, delta)-differential privacy for tables that differ by one row more or less (add or remove).
Costs are added up in zero-concentrated differential privacy, rho-zCDP (Bun and Steinke 2016, arXiv:1605.02065), which
composes by addition also where later mechanisms are chosen by what earlier ones gave, as long as the sum stays within a
budget fixed before (Whitehouse et al. 2023, arXiv:2203.05481). With a mechanism that sees a random part of the rows the
privacy loss distributions of all entries are composed instead, which asks for mechanisms that are fixed beforehand.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gans.artefacts import read_json, reading
from gans.errors import UserError
from gans.files import write_text
from gans.privacy.entry import SUBSAMPLED, Entry
from gans.privacy.loss_distributions import composed_epsilon

NEIGHBOURS = "add or remove one row"
SLACK = 1e-9  # of the budget, for sums of floats


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
    def noise_delta(self) -> float:
        """What is left of delta for the noise, without the chances that entries have of their own.

        These add up to it, as those of approximate zCDP do (Bun and Steinke 2016, arXiv:1605.02065, lemma 8.2). Such
        entries come first, so that the budget is fixed before anything is chosen by an answer.
        """
        return self.delta - math.fsum(entry.delta for entry in self.entries)

    @property
    def rho(self) -> float:
        """The budget."""
        return rho_of(self.epsilon, self.noise_delta)

    @property
    def spent(self) -> float:
        """The sum of the costs."""
        return math.fsum(entry.rho for entry in self.entries)

    @property
    def left(self) -> float:
        """What may still be spent."""
        return max(self.rho - self.spent, 0.0)

    @property
    def sampled(self) -> bool:
        """Whether a mechanism sees a random part of the rows, so that privacy loss distributions are composed."""
        return _sampled(self.entries)

    @property
    def spent_epsilon(self) -> float:
        """What was spent as an epsilon, at this delta."""
        if self.sampled:
            return composed_epsilon(self.entries, self.noise_delta, self.epsilon)
        return epsilon_of(self.spent, self.noise_delta) if self.entries else 0.0

    def charge(self, entry: Entry) -> None:
        """Write a mechanism down; the caller runs it afterwards.

        Raises:
            UserError: the budget does not have it. Nothing is written then.
        """
        after = Ledger(self.epsilon, self.delta, [*self.entries, entry])
        if after.noise_delta <= SLACK * self.delta:
            raise UserError(
                f"privacy.delta={self.delta:g}: it is used up; '{entry.what}' needs {entry.delta:.3g} of it."
            )
        if after.sampled:
            epsilon = after.spent_epsilon
            if epsilon > self.epsilon * (1 + SLACK):
                raise UserError(
                    f"privacy.epsilon={self.epsilon:g}: the budget is used up; with '{entry.what}' it is {epsilon:.3g}."
                )
        elif after.spent > after.rho * (1 + SLACK):
            raise UserError(
                f"privacy.epsilon={self.epsilon:g}: the budget is used up; '{entry.what}' costs rho={entry.rho:.3g}, "
                f"and {self.left:.3g} of {self.rho:.3g} are left."
            )
        self.entries.append(entry)

    def to_json(self) -> dict[str, Any]:
        """The guarantee, what was spent of it, and each entry with its cost: its rho, or its epsilon by itself."""
        return {
            "guarantee": {"epsilon": self.epsilon, "delta": self.delta, "neighbours": NEIGHBOURS},
            "spent": {
                "epsilon": self.spent_epsilon,
                "composition": "privacy loss distributions" if self.sampled else "zCDP",
            }
            | ({} if self.sampled else {"rho": self.spent, "rho_budget": self.rho}),
            "entries": [dataclasses.asdict(entry) | self._cost(entry) for entry in self.entries],
        }

    def _cost(self, entry: Entry) -> dict[str, float]:
        if _sampled([entry]):
            return {"epsilon": composed_epsilon([entry], self.noise_delta, self.epsilon)}
        return {"rho": entry.rho}

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
                Entry(
                    what=str(one["what"]),
                    mechanism=str(one["mechanism"]),
                    sensitivity=float(one["sensitivity"]),
                    scale=float(one["scale"]),
                    rate=float(one["rate"]),
                    times=int(one["times"]),
                    delta=float(one.get("delta", 0)),
                )
                for one in stored["entries"]
            ]
            guarantee = stored["guarantee"]
            return cls(float(guarantee["epsilon"]), float(guarantee["delta"]), entries)


def _sampled(entries: Sequence[Entry]) -> bool:
    return any(entry.mechanism == SUBSAMPLED for entry in entries)


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
