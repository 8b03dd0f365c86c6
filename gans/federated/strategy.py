"""How the networks of sites become one: Flower's strategies, round by round."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from gans.errors import UserError
from gans.federated.arrays import Arrays
from gans.federated.messages import numbers
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

    def together(self, number: int, shared: Arrays, answers: Mapping[str, Any], weights: Mapping[str, float]) -> Arrays:
        """The shared arrays after a round.

        Args:
            shared: before it.
            answers: messages of sites by name, whose arrays fit.
            weights: of sites; where those of all that answered are 0, they are equal.

        Raises:
            UserError: the strategy fails on them.
        """
        messages = []
        even = not any(weights.get(name) for name in answers)
        for name, message in answers.items():
            message = copy.copy(message)
            message.content["metrics"] = numbers({WEIGHT: 1.0 if even else weights[name]})
            messages.append(message)
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
