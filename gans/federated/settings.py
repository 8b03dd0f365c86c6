"""The settings of federated training, `federated.KEY=VALUE` on the command line."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gans.config.names import read_number
from gans.errors import UserError, in_range, nearest, one_of

SHARES = ("both", "generator", "discriminator")
STRATEGIES = ("fedavg", "fedprox", "fedadam", "trimmed_mean", "krum")
WEIGHTS = ("uniform", "size", "fed_tgan")
MOMENTS = ("averaged", "kept", "reset")


@dataclass(frozen=True, kw_only=True)
class Federation:
    """How sites train together.

    Attributes:
        rounds: after each of which networks are put together.
        local_steps: generator updates of each site in a round.
        share: which networks are shared: both; the generator, where each site has a discriminator of its own; or the
            discriminator, where each has its own generator and the server has none.
        strategy: fedavg (McMahan et al. 2017, arXiv:1602.05629), fedprox (Li et al. 2020, arXiv:1812.06127), fedadam
            (Reddi et al. 2021, arXiv:2003.00295), trimmed_mean (Yin et al. 2018, arXiv:1803.01498) or krum (Blanchard
            et al. 2017, arXiv:1703.02757).
        weights: of sites: uniform, by the size of their tables, or fed_tgan (Zhao et al. 2021, arXiv:2108.07927),
            which counts also how near a site's columns are to those of all. trimmed_mean and krum have none.
        moments: of the optimisers of shared networks, at the beginning of a round: averaged over the sites, kept by
            each site, or reset.
        proximal: weight mu of the pull of fedprox towards the shared networks.
        server_rate: the learning rate of fedadam at the server.
        trim: share of sites that trimmed_mean leaves out at each side of every number.
        malicious: sites that krum reckons with.
        points: values of a sketch of a number.
        floor_rows: rows of a site below which it does not tell a level of text; these become one rare level.
        floor_sites: sites below which a level of text becomes rare.
        sites: that must be there before the run begins, and whose networks a round needs.
        evaluate_every: rounds between scores.
        timeout: seconds that a round waits for a site.
    """

    rounds: int = 50
    local_steps: int = 100
    share: str = "both"
    strategy: str = "fedavg"
    weights: str = "size"
    moments: str = "reset"
    proximal: float = 0.01
    server_rate: float = 0.01
    trim: float = 0.2
    malicious: int = 1
    points: int = 1000
    floor_rows: int = 5
    floor_sites: int = 1
    sites: int = 2
    evaluate_every: int = 10
    timeout: float = 600.0

    def __post_init__(self) -> None:
        for key in ("rounds", "local_steps", "floor_rows", "floor_sites", "sites", "evaluate_every"):
            in_range(f"federated.{key}", getattr(self, key), 1)
        in_range("federated.points", self.points, 10)
        in_range("federated.malicious", self.malicious, 0)
        in_range("federated.proximal", self.proximal, 0)
        in_range("federated.server_rate", self.server_rate, 0, open_low=True)
        in_range("federated.trim", self.trim, 0, 0.5, open_high=True)
        in_range("federated.timeout", self.timeout, 0, open_low=True)
        for key, allowed in (("share", SHARES), ("strategy", STRATEGIES), ("weights", WEIGHTS), ("moments", MOMENTS)):
            one_of(f"federated.{key}", getattr(self, key), allowed)
        if self.strategy == "fedadam" and self.moments == "averaged":
            raise UserError(
                "federated.moments=averaged: federated.strategy=fedadam would take moments for parameters; allowed "
                "are kept, reset."
            )

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Federation":
        """From the texts of the command line.

        Raises:
            UserError: an unknown key, or a value of another type or out of range.
        """
        kinds: dict[str, Any] = {one.name: one.type for one in dataclasses.fields(cls)}
        values = {}
        for key, text in given.items():
            if key not in kinds:
                raise UserError(f"unknown key federated.{key}; allowed are {', '.join(kinds)}.{nearest(key, kinds)}")
            values[key] = text if kinds[key] is str else read_number(f"federated.{key}", text, kinds[key])
        return cls(**values)

    @property
    def shared(self) -> tuple[str, ...]:
        """The parts of the state of training that sites share."""
        parts = ("generator", "statistics") * (self.share != "discriminator")
        parts += ("discriminator",) * (self.share != "generator")
        if self.moments == "averaged":
            parts += tuple(f"{part}_optimizer" for part in ("generator", "discriminator") if part in parts)
        return parts

    def to_json(self) -> str:
        """As it is written."""
        return json.dumps(dataclasses.asdict(self))
