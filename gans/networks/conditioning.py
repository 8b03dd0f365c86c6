"""How a condition enters a network. Functions to be called within a compact module, whose layers they become."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

GENERATOR = ("concatenate", "film")
DISCRIMINATOR = ("concatenate", "film", "projection", "none")


def entering(
    inputs: Float[Array, "batch inputs"], condition: Float[Array, "batch condition"], conditioning: str
) -> Float[Array, "batch entering"]:
    """What the first layer sees: the condition beside the inputs where it is concatenated (Mirza & Osindero 2014)."""
    return jnp.concatenate([inputs, condition], axis=-1) if conditioning == "concatenate" else inputs


def modulated(
    h: Float[Array, "batch *space features"], condition: Float[Array, "batch condition"], conditioning: str
) -> Float[Array, "batch *space features"]:
    """(1 + scale) h + shift, both linear in the condition, feature by feature (FiLM, Perez et al. 2017, 1709.07871)."""
    if conditioning != "film":
        return h
    both = nn.Dense(2 * h.shape[-1])(condition)
    scale, shift = jnp.split(both.reshape(h.shape[0], *[1] * (h.ndim - 2), -1), 2, axis=-1)
    return (1 + scale) * h + shift


def judged(
    h: Float[Array, "batch features"], condition: Float[Array, "batch condition"], conditioning: str, group: int
) -> Float[Array, " batch"]:
    """The logit psi(h), plus y' V h of the condition y where it is projected (Miyato & Koyama 2018, 1802.05637).

    With a group of more than one, the statistic of a minibatch stands beside the features.
    """
    seen = jnp.concatenate([h, group_deviation(h, group)], axis=-1) if group > 1 else h
    logits = nn.Dense(1)(seen)[:, 0]
    if conditioning == "projection":
        logits += jnp.sum(nn.Dense(h.shape[-1], use_bias=False, name="projection")(condition) * h, axis=-1)
    return logits


def group_deviation(h: Float[Array, "batch features"], group: int) -> Float[Array, "batch 1"]:
    """The standard deviation over each `group` neighbours of a batch, mean over features.

    A generator of too little variety gives itself away by it (Karras et al. 2017, arXiv:1710.10196, section 3).
    """
    groups = h.reshape(-1, group, h.shape[-1])
    deviation = jnp.sqrt(groups.var(axis=1) + 1e-8).mean(axis=-1)
    return jnp.repeat(deviation, group)[:, None]
