"""Private marginals: noisy counts of pairs of columns, those that the generator answers worst."""

from dataclasses import dataclass
from typing import ClassVar

from gans.errors import in_range
from gans.privacy.base import DifferentialPrivacy
from gans.registry import register


@register("privacy", "marginals")
@dataclass(kw_only=True)
class PrivateMarginals(DifferentialPrivacy):
    """The generator sees noisy counts and nothing else.

    First the counts of each column; then, round by round, the pair of columns that the generator answers worst is
    chosen by the exponential mechanism and its counts are measured with discrete Gaussian noise. Where a round moved
    the answer by less than the noise, the next ones get twice the budget. After AIM (McKenna et al. 2022,
    arXiv:2201.12677) and MargNet (2025, arXiv:2511.13893), which have 16 rounds a column. MargNet goes on with the
    network of the last round; ours begins anew, as that one has learned the noise of the first rounds, and ends where
    its errors are those that the noise explains.

    Attributes:
        rounds: for each column, before any doubling.
        choice: share of each round's budget for choosing.
        iterations: of the generator's optimiser, a round.
        finish: of the network that stays, at most.
    """

    networks: ClassVar[tuple[str, ...]] = ("product_mixture",)

    rounds: float = 4.0
    choice: float = 0.1
    iterations: int = 200
    finish: int = 3_000

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("privacy.rounds", self.rounds, 0, 100, open_low=True)
        in_range("privacy.choice", self.choice, 0, 1, open_low=True, open_high=True)
        in_range("privacy.iterations", self.iterations, 1)
        in_range("privacy.finish", self.finish, 1)
