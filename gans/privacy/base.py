"""What a privacy component gives."""

from dataclasses import dataclass
from typing import ClassVar

from gans.errors import UserError, in_range
from gans.registry import register


@dataclass(kw_only=True)
class Privacy:
    """How what is learned of a table is bounded.

    Attributes:
        private: whether every look at the rows goes through a ledger.
        networks: that it trains; none for any.
        objectives: that it trains with; none for any.
    """

    private: ClassVar[bool] = False
    networks: ClassVar[tuple[str, ...]] = ()
    objectives: ClassVar[tuple[str, ...]] = ()


@register("privacy", "none")
@dataclass(kw_only=True)
class NoPrivacy(Privacy):
    """Rows are read as often as training needs: no guarantee."""


@dataclass(kw_only=True)
class DifferentialPrivacy(Privacy):
    """A guarantee of (epsilon, delta)-differential privacy for tables that differ by one row more or less.

    Attributes:
        samples: whether mechanisms see random parts of the rows, which zCDP does not count.
        epsilon: of the guarantee: no conclusion about a row becomes more likely than exp(epsilon) times by it.
        delta: but for a chance of so much; far below one in the number of rows.
        domain: the declaration of the columns: a YAML file, or the name of one that is shipped; null for that of the
            data.
        cells: share of the budget for levels and edges that the domain leaves private.
        single: share of the budget for the counts of single columns.
        within: share of the budget for where numbers lie within their bins; 0 for anywhere.
    """

    private: ClassVar[bool] = True
    samples: ClassVar[bool] = False

    epsilon: float = 1.0
    delta: float = 1e-5
    domain: str | None = None
    cells: float = 0.05
    single: float = 0.1
    within: float = 0.1

    def __post_init__(self) -> None:
        in_range("privacy.epsilon", self.epsilon, 0, 100, open_low=True)
        in_range("privacy.delta", self.delta, 0, 1, open_low=True, open_high=True)
        in_range("privacy.cells", self.cells, 0, 1, open_low=True, open_high=True)
        in_range("privacy.single", self.single, 0, 1, open_low=True, open_high=True)
        in_range("privacy.within", self.within, 0, 1, open_high=True)
        if self.cells + self.single + self.within >= 1:
            raise UserError(
                f"privacy.cells={self.cells:g} single={self.single:g} within={self.within:g}: shares of the budget, "
                "which leave nothing for what columns have to do with each other."
            )


@dataclass(kw_only=True)
class PrivateGAN(DifferentialPrivacy):
    """A generator that learns from a critic, and from noisy counts of each column.

    Networks learn the cells of numbers, and where these lie in them follows from noisy counts: a critic that sees
    little of the rows is better spent on how columns go together.

    Attributes:
        matching: weight of the generator's cost of answering these counts wrongly.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "residual")
    objectives: ClassVar[tuple[str, ...]] = ("non_saturating", "wasserstein", "hinge", "least_squares", "minimax")

    matching: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("privacy.matching", self.matching, 0)
