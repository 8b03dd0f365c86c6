"""The last layers of generators: from features to rows of scores and one-hot categories."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout

NEVER = -1e9  # the logit of a level that is excluded
SEEN = "intermediates"  # Flax's collection of what modules let others see
LOGITS, FEATURES = "logits", "features"


def bounded(raw: Float[Array, "batch scores"], layout: Layout) -> Float[Array, "batch scores"]:
    """bound * tanh(raw / bound): tanh whose range covers the scores of the table."""
    return layout.bound * jnp.tanh(raw / layout.bound)


def straight_through(logits: Float[Array, "*batch levels"], temperature: float) -> Float[Array, "*batch levels"]:
    """Hard one-hots of the largest logit, with the gradient of the softmax (Jang et al. 2017, arXiv:1611.01144)."""
    soft = jax.nn.softmax(logits / temperature, axis=-1)
    hard = jax.nn.one_hot(jnp.argmax(logits, axis=-1), logits.shape[-1])
    return hard + soft - jax.lax.stop_gradient(soft)


def draw_categories(
    layout: Layout,
    logits: Float[Array, "batch hots"],
    keys: Key[Array, " batch"],
    temperature: float,
    coupling: Float[Array, "hots hots"] | None = None,
    condition: Float[Array, "batch condition"] | None = None,
) -> Float[Array, "batch hots"]:
    """One level of each code, drawn by its softmax (Gumbel-max, in training and in sampling), straight-through.

    Without couplings and exclusions all codes are drawn at once. Else one after another: a code's logits gain the rows
    of `coupling` that belong to the levels drawn before it, and a level that one of those excludes is never drawn.

    Args:
        coupling: only its part above the diagonal of codes is used.
        condition: given values take the place of drawn ones, where the layout says that conditions are partial rows.
    """
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (logits.shape[1],)))(keys)
    noisy = logits + noise
    if coupling is None and not layout.exclusions:
        hots = []
        for start, count, size in layout.groups():
            start -= layout.scores
            group = noisy[:, start : start + count * size].reshape(-1, count, size)
            hots.append(straight_through(group, temperature).reshape(-1, count * size))
        return layout.impose(jnp.concatenate([logits[:, :0], *hots], axis=-1), condition, layout.scores)
    never = NEVER * layout.excluding()
    noisy = noisy + layout.given_hots(condition, logits) @ never.T  # levels that a given later one excludes
    drawn = logits[:, :0]
    for offset, size in zip(layout.offsets, layout.cardinalities, strict=True):
        start = offset - layout.scores
        here = slice(start, start + size)
        raised = noisy[:, here] + jnp.round(jax.lax.stop_gradient(drawn)) @ never[:start, here]
        if coupling is not None:
            raised += drawn @ coupling[:start, here]
        own = straight_through(raised, temperature)
        own = layout.impose(own, condition, offset)
        drawn = jnp.concatenate([drawn, own], axis=-1)
    return drawn


def seen(variables: Any, name: str) -> Array | None:
    """What a module let others see under this name: logits of categories before any noise, or a critic's features."""
    found = jax.tree_util.tree_leaves_with_path(variables.get(SEEN, {}))
    return next((leaf for path, leaf in found if jax.tree_util.DictKey(name) in path), None)


class RowHead(nn.Module):
    """Raw outputs [batch, width] to rows: scores by a bounded tanh, categories by straight-through Gumbel-softmax.

    Categories are hard one-hots, so a discriminator cannot tell them from real ones by their fractions (Maddison et al.
    2017, arXiv:1611.00712).
    """

    layout: Layout
    temperature: float = 1.0

    def __call__(
        self,
        raw: Float[Array, "batch width"],
        keys: Key[Array, " batch"],
        condition: Float[Array, "batch condition"] | None = None,
    ) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout."""
        layout, logits = self.layout, raw[:, self.layout.scores :]
        self.sow(SEEN, LOGITS, logits)
        hots = draw_categories(layout, logits, keys, self.temperature, None, condition)
        scores = layout.impose(bounded(raw[:, : layout.scores], layout), condition, 0)
        return jnp.concatenate([layout.masked(scores, hots), hots], axis=-1)


class CoupledHead(nn.Module):
    """Features [batch, features] to rows: categories one after another, then the numbers given the categories.

    A code's logits are linear in the features and in the levels drawn before it, so that which levels go together is
    learnt by weights and not through the latent alone; scores come from a hidden layer on features and categories.
    """

    layout: Layout
    width: int
    slope: float
    temperature: float = 1.0

    @nn.compact
    def __call__(
        self,
        h: Float[Array, "batch features"],
        keys: Key[Array, " batch"],
        condition: Float[Array, "batch condition"] | None = None,
    ) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout."""
        layout, levels = self.layout, self.layout.width - self.layout.scores
        scores = hots = h[:, :0]
        if levels:
            coupling = self.param("coupling", nn.initializers.zeros, (levels, levels))
            logits = nn.Dense(levels)(h)
            hots = draw_categories(layout, logits, keys, self.temperature, coupling, condition)
            code = np.repeat(np.arange(len(layout.cardinalities)), layout.cardinalities)
            self.sow(SEEN, LOGITS, logits + hots @ (coupling * (code[:, None] < code)))
        if layout.scores:
            inner = nn.leaky_relu(nn.Dense(self.width)(jnp.concatenate([h, hots], axis=-1)), self.slope)
            scores = bounded(nn.Dense(layout.scores)(jnp.concatenate([h, inner], axis=-1)), layout)
            scores = layout.masked(layout.impose(scores, condition, 0), hots)
        return jnp.concatenate([scores, hots], axis=-1)
