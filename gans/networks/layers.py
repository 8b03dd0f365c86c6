"""Layers whose randomness is per example."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout


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


class RowHead(nn.Module):
    """Raw outputs [batch, width] to rows: scores by a bounded tanh, categories by straight-through Gumbel-softmax.

    Scores are bound * tanh(raw / bound), so that tanh's range covers the scores of the table. Categories are hard
    one-hots with the gradient of the softmax (Jang et al. 2017, arXiv:1611.01144; Maddison et al. 2017,
    arXiv:1611.00712): a discriminator cannot tell them from real one-hots by their fractions. Gumbel noise is drawn
    in training and in sampling: the softmax is the distribution.
    """

    layout: Layout
    temperature: float = 1.0

    def __call__(self, raw: Float[Array, "batch width"], keys: Key[Array, " batch"]) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout."""
        layout = self.layout
        scores = layout.bound * jnp.tanh(raw[:, : layout.scores] / layout.bound)
        logits = raw[:, layout.scores :]
        noise = jax.vmap(lambda key: jax.random.gumbel(key, (logits.shape[1],)))(keys)
        noisy = (logits + noise) / self.temperature
        hots = []
        for start, count, size in layout.groups():
            start -= layout.scores
            group = noisy[:, start : start + count * size].reshape(-1, count, size)
            soft = jax.nn.softmax(group, axis=-1)
            hard = jax.nn.one_hot(jnp.argmax(group, axis=-1), size)
            hots.append((hard + soft - jax.lax.stop_gradient(soft)).reshape(-1, count * size))
        chosen = jnp.concatenate(hots, axis=-1) if hots else logits
        return jnp.concatenate([layout.masked(scores, chosen), chosen], axis=-1)
