"""Composition by privacy loss distributions, which counts that a mechanism saw a random part of the rows.

Koskela et al. 2020, arXiv:1906.03049; computed by dp-accounting, from above (Doroshenko et al. 2022, arXiv:2207.04380).
It holds for mechanisms that are fixed before the first answer.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from gans.errors import UserError, missing_extra
from gans.privacy.entry import SUBSAMPLED, Entry

GRID = 1e-4  # of privacy losses, for an epsilon of 1 and less
MOST = 1e9  # noise for one of sensitivity
HALVINGS = 10  # of the search for a scale, between one and its double


def _distributions() -> Any:
    """The module of dp-accounting.

    Raises:
        UserError: it is not installed.
    """
    try:
        from dp_accounting.pld import privacy_loss_distribution
    except ImportError:
        raise missing_extra("privacy", "privacy") from None
    return privacy_loss_distribution


def _distribution(entry: Entry, epsilon: float) -> Any:
    """The privacy loss distribution of an entry, on a grid that is fine enough near epsilon.

    Raises:
        ValueError: there is none for its mechanism.
    """
    made, noise, grid = _distributions(), entry.scale / entry.sensitivity, GRID * max(epsilon, 1)
    if entry.mechanism == SUBSAMPLED:
        one = made.from_gaussian_mechanism(
            noise, sampling_prob=entry.rate, value_discretization_interval=grid, use_connect_dots=True
        )
    elif entry.mechanism == "discrete Gaussian" and entry.sensitivity == 1:
        one = made.from_discrete_gaussian_mechanism(noise, value_discretization_interval=grid)
    elif entry.mechanism == "exponential":  # as any mechanism of this epsilon; that its range is bounded is not used
        from dp_accounting.pld.common import DifferentialPrivacyParameters

        pure = DifferentialPrivacyParameters(2 * entry.sensitivity / entry.scale, 0)
        one = made.from_privacy_parameters(pure, value_discretization_interval=grid)
    else:
        raise ValueError(f"no privacy loss distribution of {entry}")
    return one if entry.times == 1 else one.self_compose(entry.times)


def composed_epsilon(entries: Sequence[Entry], delta: float, near: float) -> float:
    """The epsilon of all entries together at this delta, from above.

    Args:
        near: the epsilon that is expected, which decides how finely losses are computed.

    Raises:
        UserError: dp-accounting is not installed.
    """
    return float(_composed(entries, near).get_epsilon_for_delta(delta))


def _composed(entries: Sequence[Entry], near: float) -> Any:
    first, *others = (_distribution(entry, near) for entry in entries)
    for other in others:
        first = first.compose(other)
    return first


def least_scale(before: Sequence[Entry], entry: Entry, epsilon: float, delta: float) -> float:
    """The least scale of an entry, nearly, with which all is within (epsilon, delta).

    Args:
        before: what is charged already.
        entry: whose scale is looked for; the one that it has is where the search begins.

    Raises:
        UserError: there is none, or dp-accounting is not installed.
    """
    others = _composed(before, epsilon) if before else None

    def within(scale: float) -> bool:
        own = _distribution(dataclasses.replace(entry, scale=scale), epsilon)
        return float((own if others is None else own.compose(others)).get_epsilon_for_delta(delta)) <= epsilon

    high = entry.scale
    while not within(high):
        high *= 2
        if high > MOST * entry.sensitivity:
            raise UserError(f"privacy.epsilon={epsilon:g}: nothing of it is left for '{entry.what}'.")
    while within(high / 2):
        high /= 2
    low = high / 2
    for _ in range(HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if within(middle) else (middle, high)
    return high
