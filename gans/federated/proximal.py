"""The pull of FedProx: a site minimises its loss + mu/2 |w - shared w|^2 (Li et al. 2020, arXiv:1812.06127, eq. 2)."""

from typing import Any, NamedTuple

import jax
import optax


class Pulled(NamedTuple):
    """The state of an optimiser, and the parameters that it is pulled towards."""

    shared: Any
    inner: Any


def pulled(inner: optax.GradientTransformation, weight: float) -> optax.GradientTransformation:
    """An optimiser whose gradients have the pull added, towards the parameters that it began with."""

    def init(params: Any) -> Pulled:
        return Pulled(jax.tree.map(jax.numpy.array, params), inner.init(params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Pulled]:
        gradient = jax.tree.map(lambda g, p, s: g + weight * (p - s), updates, params, state.shared)
        updates, after = inner.update(gradient, state.inner, params)
        return updates, Pulled(state.shared, after)

    return optax.GradientTransformation(init, update)
