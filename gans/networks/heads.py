"""The last layers of generators: from features to rows of scores and one-hot categories."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout, runs

NEVER = -1e9  # the logit of a level that is excluded
MOST_STAGES = 32


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

    Codes are drawn in the stages that `stages` gives: a code's logits gain the rows of `coupling` that belong to the
    levels drawn in earlier stages, and a level that one of those excludes is never drawn.

    Args:
        coupling: only what leads from an earlier to a later stage is used.
        condition: given values take the place of drawn ones, where the layout says that conditions are partial rows.
    """
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (logits.shape[1],)))(keys)
    noisy = logits + noise
    plan = stages(layout, 1 if coupling is None else MOST_STAGES)
    sizes = layout.cardinalities
    entries = [np.arange(start, start + size) for start, size in zip(layout.offsets, sizes, strict=True)]
    order = np.concatenate([np.zeros(0, int), *(entries[code] for stage in plan for code in stage)]) - layout.scores
    sorted_already = bool(np.all(np.diff(order) > 0))
    place = np.argsort(order)
    if not sorted_already:
        noisy = noisy[:, order]
        coupling = None if coupling is None else coupling[order][:, order]
    excluded = place[np.array(layout.exclusions, int).reshape(-1, 2)]
    drawn = logits[:, :0]
    for stage in plan:
        start = drawn.shape[1]
        here = slice(start, start + sum(sizes[code] for code in stage))
        raw = noisy[:, here]
        if coupling is not None and start:
            raw = raw + drawn @ coupling[:start, here]
        second = excluded[:, 1]
        raw = _without(raw, drawn, excluded[(second >= start) & (second < here.stop)], start)
        own = [
            straight_through(raw[:, first : first + count * size].reshape(-1, count, size), temperature).reshape(
                -1, count * size
            )
            for first, count, size in runs([sizes[code] for code in stage])
        ]
        made = layout.impose(jnp.concatenate(own, axis=-1), condition, order[here] + layout.scores)
        drawn = jnp.concatenate([drawn, made], axis=-1)
    return drawn if sorted_already else drawn[:, place]


def stages(layout: Layout, most: int) -> list[list[int]]:
    """The codes in the stages in which they are drawn: one after another where there are at most `most` codes.

    Else a code goes into the first stage that has room for it, later than those of the earlier codes that exclude a
    level of it. Only then are there more than `most` stages. So the compiled program stays small for hundreds of codes.
    """
    room = -(-len(layout.cardinalities) // most)
    ends = np.array(layout.offsets)
    before: dict[int, set[int]] = {}
    for first, second in layout.exclusions:
        code, later = (int(np.searchsorted(ends, entry + layout.scores, "right")) - 1 for entry in (first, second))
        before.setdefault(later, set()).add(code)
    out: list[list[int]] = []
    stage_of: dict[int, int] = {}
    for code in range(len(layout.cardinalities)):
        stage = 1 + max((stage_of[other] for other in before.get(code, ())), default=-1)
        while stage < len(out) and len(out[stage]) >= room:
            stage += 1
        if stage == len(out):
            out.append([])
        out[stage].append(code)
        stage_of[code] = stage
    return out


def _without(
    raw: Float[Array, "batch levels"], drawn: Float[Array, "batch drawn"], pairs: np.ndarray, start: int
) -> Float[Array, "batch levels"]:
    """Logits without the levels that drawn ones exclude.

    Args:
        pairs: entries [n, 2] of all one-hots, a drawn one and one of those that begin at `start`.
    """
    if not len(pairs):
        return raw
    first, row = np.unique(pairs[:, 0], return_inverse=True)
    second, column = np.unique(pairs[:, 1], return_inverse=True)
    never = np.zeros((len(first), len(second)), np.float32)
    never[row, column] = NEVER
    return raw.at[:, second - start].add(drawn[:, first] @ never, unique_indices=True)


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
        layout = self.layout
        hots = draw_categories(layout, raw[:, layout.scores :], keys, self.temperature, None, condition)
        scores = layout.impose(bounded(raw[:, : layout.scores], layout), condition, slice(layout.scores))
        return jnp.concatenate([layout.masked(scores, hots), hots], axis=-1)


class CoupledHead(nn.Module):
    """Features [batch, features] to rows: categories in stages, then the numbers given the categories.

    A code's logits are linear in the features and in the levels drawn in earlier stages, so that which levels go
    together is learnt by weights and not through the latent alone; scores come from a hidden layer on features and
    categories.
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
        coupling = self.param("coupling", nn.initializers.zeros, (levels, levels))
        logits = nn.Dense(levels)(h)
        hots = draw_categories(layout, logits, keys, self.temperature, coupling, condition)
        inner = nn.leaky_relu(nn.Dense(self.width)(jnp.concatenate([h, hots], axis=-1)), self.slope)
        scores = bounded(nn.Dense(layout.scores)(jnp.concatenate([h, inner], axis=-1)), layout)
        scores = layout.impose(scores, condition, slice(layout.scores))
        return jnp.concatenate([layout.masked(scores, hots), hots], axis=-1)
