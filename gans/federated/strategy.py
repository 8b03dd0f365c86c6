"""How the networks of sites become one: Flower's strategies, round by round."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.errors import UserError
from gans.federated.arrays import Arrays
from gans.federated.messages import TRAIN, content, numbers
from gans.federated.settings import Federation

WEIGHT = "weight"


class Aggregation:
    """A strategy of Flower, and what it remembers from round to round."""

    def __init__(self, federation: Federation) -> None:
        from flwr.serverapp.strategy import FedAdam, FedAvg, FedTrimmedAvg, Krum

        key: dict[str, Any] = {"weighted_by_key": WEIGHT}
        made = {
            "fedavg": lambda: FedAvg(**key),
            "fedprox": lambda: FedAvg(**key),  # the pull is at the sites, see gans.federated.proximal
            "fedadam": lambda: FedAdam(eta=federation.server_rate, **key),
            "trimmed_mean": lambda: FedTrimmedAvg(beta=federation.trim, **key),
            "krum": lambda: Krum(num_malicious_nodes=federation.malicious, **key),
        }
        self.strategy: Any = made[federation.strategy]()

    def together(
        self, number: int, shared: Arrays, answers: Mapping[str, Arrays], weights: Mapping[str, float]
    ) -> Arrays:
        """The shared arrays after a round.

        Args:
            shared: before it.
            answers: the arrays of sites by name, which fit.
            weights: of sites.

        Raises:
            UserError: the strategy fails on them.
        """
        from flwr.app import Message

        asked, messages = Message(content(), 0, TRAIN), []
        usual = sum(weights.values()) / len(weights) or 1.0  # of a site that came later
        for name, arrays in answers.items():
            told = content(arrays)
            told["metrics"] = numbers({WEIGHT: weights.get(name) or usual})
            del told["said"]
            messages.append(Message(told, reply_to=asked))
        self.strategy.current_arrays = dict(shared)
        try:
            found, _ = self.strategy.aggregate_train(number, messages)
        except Exception as error:  # Flower's own, of every kind
            raise UserError(f"round {number}: Flower cannot put the networks together ({error}).") from None
        return {path: np.asarray(array.numpy()).astype(shared[path].dtype) for path, array in found.items()}

    @property
    def moments(self) -> dict[str, Arrays]:
        """Of the server's optimiser; empty where it has none."""
        found = {name: getattr(self.strategy, name, None) for name in ("m_t", "v_t")}
        return {name: dict(arrays) for name, arrays in found.items() if arrays}

    @moments.setter
    def moments(self, stored: Mapping[str, Arrays]) -> None:
        for name, arrays in stored.items():
            setattr(self.strategy, name, dict(arrays))
