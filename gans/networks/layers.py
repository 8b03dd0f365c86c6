"""Layers whose randomness is per example."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


def dropout(
    h: Float[Array, "batch features"], keys: Key[Array, " batch"], rate: float, train: bool
) -> Float[Array, "batch features"]:
    """Zero a share `rate` of the features of each example and scale the others up (Srivastava et al. 2014).

    Deviation: one random byte decides a feature, so the share that is kept is rounded to 1/256; the scale uses the
    rounded one.
    """
    kept = max(1, round((1 - rate) * 256))
    if not train or kept == 256:
        return h
    words = -(-h.shape[1] // 4)
    bits = jax.vmap(lambda key: jax.random.bits(key, (words,)))(keys)
    octets = jax.lax.bitcast_convert_type(bits, jnp.uint8).reshape(h.shape[0], 4 * words)[:, : h.shape[1]]
    return jnp.where(octets < kept, h * (256 / kept), 0.0)


def fold(keys: Key[Array, " batch"], number: int) -> Key[Array, " batch"]:
    """Fresh keys [batch] for the layer `number`."""
    return jax.vmap(lambda key: jax.random.fold_in(key, number))(keys)
