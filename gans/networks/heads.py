"""The last layers of generators: from features to rows of scalars and one-hot categories."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from gans.data.layout import Layout, imposed, runs

NEVER = -1e9  # the logit of a level that is excluded
MOST_STAGES = 32
MOST_SLOTS = 256  # of the levels of a block, padded: its stages are coupled by a product of that many rows and columns
NO_LEVEL = -1e30  # the logit of padding
SEEN = "intermediates"  # Flax's collection of what modules let others see
LOGITS, FEATURES = "logits", "features"


def bounded(raw: Float[Array, "batch scalars"], layout: Layout) -> Float[Array, "batch scalars"]:
    """bound * tanh(raw / bound): tanh whose range covers the scalars of the table."""
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
    levels drawn in earlier stages, and a level that one of those excludes, or a given one, is never drawn. The codes of
    a context come before all stages, and are not drawn.

    Args:
        coupling: only what leads from an earlier to a later stage is used.
        condition: given values take the place of drawn ones, where the layout says that conditions are partial rows.
    """
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (logits.shape[1],)))(keys)
    noisy = logits + noise
    plan, sizes = stages(layout, 1 if coupling is None else MOST_STAGES), layout.cardinalities
    entries = [np.arange(start, start + size) for start, size in zip(layout.offsets, sizes, strict=True)]
    ordered = [entries[code] for stage in [layout.context, *plan] for code in stage]
    order = np.concatenate([np.zeros(0, int), *ordered]) - layout.scalars
    excluding = layout.excluding() if layout.exclusions else None  # of tens of thousands of levels it takes gigabytes
    if layout.partial and excluding is not None:
        noisy = _without(noisy, layout.given_hots(condition, logits), excluding.T)
    sorted_already = bool(np.all(np.diff(order) > 0))
    if not sorted_already:
        noisy, excluding = noisy[:, order], None if excluding is None else excluding[order][:, order]
        coupling = None if coupling is None else coupling[order][:, order]
    context = layout.given(condition, order[: sum(sizes[code] for code in layout.context)] + layout.scalars)
    drawn = logits[:, :0] if context is None else context[0]
    for block in blocks(plan, sizes):
        start = drawn.shape[1]
        here = slice(start, start + sum(sizes[code] for stage in block for code in stage))
        raised = noisy[:, here] if excluding is None else _without(noisy[:, here], drawn, excluding[:start, here])
        if coupling is not None and start:
            raised += drawn @ coupling[:start, here]
        given = layout.given(condition, order[here] + layout.scalars)
        if len(block) > 1:
            among = None if coupling is None else coupling[here, here]
            barred = None if excluding is None else excluding[here, here]
            made = _in_turn(_slots(block, sizes), raised, among, barred, given, temperature)
        else:
            own = [
                straight_through(raised[:, first : first + count * size].reshape(-1, count, size), temperature).reshape(
                    -1, count * size
                )
                for first, count, size in runs([sizes[code] for code in block[0]])
            ]
            made = imposed(jnp.concatenate(own, axis=-1), given)
        drawn = jnp.concatenate([drawn, made], axis=-1)
    return drawn if sorted_already else drawn[:, np.argsort(order)]


def stages(layout: Layout, most: int) -> list[list[int]]:
    """The codes in the stages in which they are drawn: one after another where there are at most `most` of them.

    Else a code goes into the first stage that has room for it, later than those of the earlier codes that exclude a
    level of it. Only then are there more than `most` stages. So the compiled program stays small for hundreds of codes.
    Codes of a context are in no stage, since they are not drawn.
    """
    codes = [code for code in range(len(layout.cardinalities)) if code not in layout.context]
    room = -(-len(codes) // most)
    before: dict[int, set[int]] = {}
    for code, _, later, _ in layout.exclusions:
        before.setdefault(later, set()).add(code)
    out: list[list[int]] = []
    stage_of = dict.fromkeys(layout.context, -1)
    for code in codes:
        stage = 1 + max((stage_of[other] for other in before.get(code, ())), default=-1)
        while stage < len(out) and len(out[stage]) >= room:
            stage += 1
        if stage == len(out):
            out.append([])
        out[stage].append(code)
        stage_of[code] = stage
    return out


def blocks(plan: list[list[int]], sizes: Sequence[int]) -> list[list[list[int]]]:
    """Stages cut into blocks, each of which is compiled once: neighbours that padding at most doubles, or one stage.

    Args:
        plan: the codes of each stage.
        sizes: how many levels each code has.
    """
    out: list[list[list[int]]] = []
    for stage in plan:
        longer = [*out[-1], stage] if out else [stage]
        levels = sum(sizes[code] for codes in longer for code in codes)
        if out and _slots(longer, sizes).size <= min(2 * levels, MOST_SLOTS):
            out[-1] = longer
        else:
            out.append([stage])
    return [part for block in out for part in ([block] if len(block) > 2 else [[stage] for stage in block])]


def _slots(block: list[list[int]], sizes: Sequence[int]) -> np.ndarray:
    """The level of the block at each place of [stages, codes, levels], padded; at padding numbers beyond the levels."""
    shape = len(block), max(map(len, block)), max(sizes[code] for stage in block for code in stage)
    there = np.zeros(shape, bool)
    for place, stage in enumerate(block):
        for code, size in enumerate(sizes[code] for code in stage):
            there[place, code, :size] = True
    out = np.zeros(shape, int)
    out[there] = np.arange(there.sum())
    out[~there] = np.arange(there.sum(), there.size)
    return out


def _in_turn(
    slots: np.ndarray,
    logits: Float[Array, "batch levels"],
    coupling: Float[Array, "levels levels"] | None,
    excluding: np.ndarray | None,
    given: tuple[Array, Array] | None,
    temperature: float,
) -> Float[Array, "batch levels"]:
    """Hard one-hots of a block of stages, each drawn from logits that those before it have raised: one loop.

    Args:
        slots: as `_slots` gives them.
        logits: with their noise and with what earlier blocks do to them.
        given: values [batch, levels] and a 1 where they stand in the place of drawn ones.
    """
    stages_here, codes, size = slots.shape
    width, flat, batch = codes * size, slots.reshape(-1), logits.shape[0]

    def padded(array: Any, fill: float) -> Any:
        return array.at[:, flat].get(mode="fill", fill_value=fill, unique_indices=True)

    def by_stage(array: Any) -> Any:
        return jnp.moveaxis(padded(array, 0.0).reshape(batch, stages_here, width), 1, 0)

    def between(array: Any) -> Any:
        return padded(padded(array, 0.0).T, 0.0).T.reshape(stages_here, width, stages_here * width)

    couplings = None if coupling is None else between(coupling)
    barred = None if excluding is None or not excluding.any() else NEVER * between(jnp.asarray(excluding))

    def draw(raised: Array, now: tuple[Any, ...]) -> tuple[Array, Array]:
        stage, coupled, never, fixed = now
        own = jax.lax.dynamic_slice_in_dim(raised, stage * width, width, axis=1).reshape(batch, codes, size)
        made = imposed(straight_through(own, temperature).reshape(batch, width), fixed)
        if coupled is not None:
            raised = raised + made @ coupled
        if never is not None:
            raised = raised + jnp.round(jax.lax.stop_gradient(made)) @ never
        return raised, made

    fixed = None if given is None else (by_stage(given[0]), by_stage(given[1]))
    steps = jnp.arange(stages_here), couplings, barred, fixed
    _, made = jax.lax.scan(draw, padded(logits, NO_LEVEL), steps)
    back = np.argsort(flat)[: logits.shape[1]]
    return jnp.moveaxis(made, 0, 1).reshape(batch, -1).at[:, back].get(unique_indices=True, mode="clip")


def _without(
    logits: Float[Array, "batch levels"], hots: Float[Array, "batch hots"], excluding: np.ndarray
) -> Float[Array, "batch levels"]:
    """Logits without the levels that the one-hots exclude: 1 at [hot, level] of `excluding`. No gradient passes."""
    first, second = (np.flatnonzero(excluding.any(axis=axis)) for axis in (1, 0))
    if not len(first):
        return logits
    there = jnp.round(jax.lax.stop_gradient(hots[:, first]))
    return logits.at[:, second].add(there @ (NEVER * excluding[first][:, second]), unique_indices=True)


def seen(variables: Any, name: str) -> Array | None:
    """What a module let others see under this name: logits of categories before any noise, or a critic's features."""
    found = jax.tree_util.tree_leaves_with_path(variables.get(SEEN, {}))
    return next((leaf for path, leaf in found if jax.tree_util.DictKey(name) in path), None)


def anywhere_in_bins(
    layout: Layout, hots: Float[Array, "batch hots"], keys: Key[Array, " batch"]
) -> Float[Array, "batch width"]:
    """Rows of these one-hots whose scalars are uniform over -1 to 1: anywhere within the bins that were drawn."""
    within = jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, 1), (layout.scalars,)))(keys)
    return jnp.concatenate([layout.masked(2 * within - 1, hots), hots], axis=-1)


class NumbersAnywhere(nn.Module):
    """A generator of whose rows only the categories count: numbers lie anywhere within the bins that it draws."""

    generator: nn.Module
    layout: Layout

    @nn.compact
    def __call__(
        self,
        latent: Float[Array, "batch latent"],
        condition: Float[Array, "batch condition"],
        keys: Key[Array, " batch"],
        train: bool,
    ) -> Float[Array, "batch width"]:
        """Rows in the wide form of the layout."""
        rows = self.generator(latent, condition, keys, train)
        return anywhere_in_bins(self.layout, rows[:, self.layout.scalars :], keys)


class RowHead(nn.Module):
    """Raw outputs [batch, width] to rows: scalars by a bounded tanh, categories by straight-through Gumbel-softmax.

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
        raw = raw.astype(jnp.float32)  # whatever the precision of the layers before
        layout, logits = self.layout, raw[:, self.layout.scalars :]
        self.sow(SEEN, LOGITS, logits)
        hots = draw_categories(layout, logits, keys, self.temperature, None, condition)
        scalars = layout.impose(bounded(raw[:, : layout.scalars], layout), condition, slice(layout.scalars))
        return jnp.concatenate([layout.masked(scalars, hots), hots], axis=-1)


class CoupledHead(nn.Module):
    """Features [batch, features] to rows: categories in stages, then the numbers given the categories.

    A code's logits are linear in the features and in the levels drawn in earlier stages, so that which levels go
    together is learned by weights and not through the latent alone; scalars come from a hidden layer on features and
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
        layout, levels = self.layout, self.layout.width - self.layout.scalars
        scalars = hots = h[:, :0]
        if levels:
            coupling = self.param("coupling", nn.initializers.zeros, (levels, levels))
            logits = nn.Dense(levels)(h).astype(jnp.float32)  # whatever the precision of the layers
            hots = draw_categories(layout, logits, keys, self.temperature, coupling, condition)
            plan = stages(layout, MOST_STAGES)
            stage_of = dict.fromkeys(layout.context, -1)
            stage_of |= {code: stage for stage, codes in enumerate(plan) for code in codes}
            stage = jnp.asarray(np.repeat([stage_of[code] for code in range(len(stage_of))], layout.cardinalities))
            self.sow(SEEN, LOGITS, logits + hots @ (coupling * (stage[:, None] < stage)))
        if layout.scalars:
            known = jnp.concatenate([h, hots.astype(h.dtype)], axis=-1)
            inner = nn.leaky_relu(nn.Dense(self.width)(known), self.slope)
            raw = nn.Dense(layout.scalars)(jnp.concatenate([h, inner], axis=-1))
            scalars = bounded(raw.astype(jnp.float32), layout)
            scalars = layout.masked(layout.impose(scalars, condition, slice(layout.scalars)), hots)
        return jnp.concatenate([scalars, hots], axis=-1)
