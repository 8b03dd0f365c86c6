"""Sums of clipped gradients, of which one row changes no more than its share: what DP-SGD adds noise to.

Each private row stands in one pair with a generated row, and in no other term of the loss. The gradient of a pair is
scaled down to a norm of at most `clip`. Norms come from the inputs and the backward signals of dense layers, without a
gradient for each pair (Goodfellow 2015, arXiv:1510.01799; ghost clipping, Li et al. 2022, arXiv:2110.05679).
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

ROUNDING = 1e-4  # by which norms are counted larger, for what float32 rounds away
STANDARD_DEVIATIONS = 10  # above the mean, that a batch has room for: beyond it a chance of less than 1e-20

Path = tuple[str, ...]


def clipped_sum(
    critic: Callable[[Any, Float[Array, "rows width"]], Float[Array, " rows"]],
    loss: Callable[[Float[Array, " pairs"], Float[Array, " pairs"]], Float[Array, " pairs"]],
    parameters: Any,
    real: Float[Array, "pairs width"],
    fake: Float[Array, "pairs width"],
    there: Float[Array, " pairs"],
    clip: float,
) -> Any:
    """The sum over pairs of their clipped gradients: a tree like the parameters.

    One pair more or less changes it by at most `clip` in the L2 norm of all parameters together.

    Args:
        critic: (parameters, rows) -> logits, each row by itself, of dense layers alone, each of which is used once.
        loss: of the logits of a real and a generated row, pair by pair.
        there: 1 of a pair, 0 of padding.

    Raises:
        ValueError: a parameter belongs to no dense layer.
    """
    rows = jnp.concatenate([real, fake])
    shapes = jax.eval_shape(lambda: _watched(critic, parameters, rows, {})[2])
    zeros = {path: jnp.zeros(shape.shape, shape.dtype) for path, shape in shapes.items()}
    known = {path: kind for path in zeros for kind in [_layer(parameters, path)]}
    if sum(map(len, known.values())) != len(jax.tree.leaves(parameters)):
        raise ValueError("the critic has parameters outside dense layers, whose gradients cannot be clipped")

    def total(added: dict[Path, Array]) -> tuple[Array, dict[Path, Array]]:
        logits, inputs, _ = _watched(critic, parameters, rows, added)
        return loss(*jnp.split(logits, 2)).sum(), inputs

    signals, inputs = jax.grad(total, has_aux=True)(zeros)
    signals = {path: jnp.nan_to_num(signal, posinf=0.0, neginf=0.0) for path, signal in signals.items()}
    norms = jnp.sqrt(sum(_squared_norms(inputs[path], signals[path], "bias" in known[path]) for path in signals))
    factors = there * jnp.minimum(1.0, clip / ((1 + ROUNDING) * norms + 1e-12))
    both = jnp.concatenate([factors, factors])[:, None]
    summed = {path: _sums(inputs[path], both * signals[path]) for path in signals}
    return jax.tree.map_with_path(lambda path, _: _at(summed, path), parameters)


def _watched(
    critic: Callable[[Any, Array], Array], parameters: Any, rows: Array, added: dict[Path, Array]
) -> tuple[Array, dict[Path, Array], dict[Path, Array]]:
    """Logits, and of each dense layer its inputs and its outputs, to which `added` is added."""
    inputs: dict[Path, Array] = {}
    outputs: dict[Path, Array] = {}

    def watch(call: Any, arguments: Any, keywords: Any, context: nn.module.InterceptorContext) -> Any:
        out = call(*arguments, **keywords)
        if not isinstance(context.module, nn.Dense):
            return out
        path = context.module.path
        if path in inputs:
            raise ValueError(f"the critic uses its layer {'/'.join(path)} more than once")
        inputs[path], outputs[path] = arguments[0], out
        return out + added[path] if path in added else out

    with nn.intercept_methods(watch):
        logits = critic(parameters, rows)
    return logits, inputs, outputs


def _layer(parameters: Any, path: Path) -> Any:
    for name in path:
        parameters = parameters[name]
    return parameters


def _squared_norms(inputs: Array, signals: Array, bias: bool) -> Float[Array, " pairs"]:
    """Of the gradient of each pair: |a b' + c d'|^2 = |a|^2 |b|^2 + |c|^2 |d|^2 + 2 (a c) (b d) of its two rows."""
    (real, fake), (of_real, of_fake) = jnp.split(inputs, 2), jnp.split(signals, 2)

    def dot(one: Array, other: Array) -> Array:
        return jnp.sum(one * other, axis=-1)

    kernel = dot(real, real) * dot(of_real, of_real) + dot(fake, fake) * dot(of_fake, of_fake)
    kernel += 2 * dot(real, fake) * dot(of_real, of_fake)
    both = of_real + of_fake
    return jnp.maximum(kernel, 0.0) + (dot(both, both) if bias else 0.0)


def _sums(inputs: Array, signals: Array) -> dict[str, Array]:
    return {"kernel": inputs.T @ signals, "bias": signals.sum(axis=0)}


def _at(summed: dict[Path, dict[str, Array]], path: Any) -> Array:
    *layer, name = (key.key for key in path)
    return summed[tuple(layer)][name]


def batch_room(rows: int, rate: float) -> int:
    """Places that a Poisson sample of so many rows fits into, but for a chance of less than 1e-20.

    It bounds a shape and nothing that leaves the process.
    """
    return min(rows, int(rows * rate + STANDARD_DEVIATIONS * (rows * rate) ** 0.5) + STANDARD_DEVIATIONS)


def poisson_sample(
    key: Key[Array, ""], rows: int, rate: float, room: int, there: Any
) -> tuple[Int[Array, " room"], Float[Array, " room"]]:
    """Places of rows, each of which is drawn by itself with chance `rate`, and a 1 for each place that is one.

    Args:
        rows: with padding.
        there: how many of them, the first ones, are none.
    """
    drawn = (jax.random.uniform(key, (rows,)) < rate) & (jnp.arange(rows) < there)
    (places,) = jnp.nonzero(drawn, size=room, fill_value=rows)
    return jnp.minimum(places, rows - 1), (places < rows).astype(jnp.float32)


def with_noise(key: Key[Array, ""], tree: Any, scale: float) -> Any:
    """Gaussian noise of this standard deviation added to each number of a tree."""
    leaves, shape = jax.tree.flatten(tree)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        shape, [leaf + scale * jax.random.normal(one, leaf.shape) for leaf, one in zip(leaves, keys, strict=True)]
    )
