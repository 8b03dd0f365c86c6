"""Rows at fixed latents: the same inputs for a generator whose parameters change."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from gans.conditions.base import FittedCondition
from gans.data.layout import Encoded
from gans.streams import per_example, stream
from gans.training.step import GAN

CORNERS = 3  # latents that a walk joins


class FixedLatents:
    """What a generator makes of latents, conditions and noise that stay as they are."""

    def __init__(
        self,
        gan: GAN,
        condition: FittedCondition,
        latents: Float[Array, "rows latent"],
        labels: np.ndarray,
        keys: Key[Array, " rows"],
    ) -> None:
        """Of conditions `labels` [rows, columns] and of the keys by which levels are drawn."""
        self.condition, self.labels = condition, labels
        wide = condition.wide(jnp.asarray(labels))
        self._rows = jax.jit(
            lambda parameters: gan.layout.compact(gan.generate_at(parameters, latents, wide, keys, False)[0])
        )

    def __call__(self, parameters: Any) -> Encoded:
        """Its rows, for parameters and statistics of the generator."""
        scalars, codes = jax.device_get(self._rows(parameters))
        return self.condition.join(Encoded(np.array(scalars), np.array(codes)), self.labels)


def walk(gan: GAN, condition: FittedCondition, seed: int, rows: int) -> FixedLatents:
    """Rows along a closed path through three latents; condition and noise are the same all along."""
    key = stream(jnp.uint32(seed), jnp.int32(0), "walk")
    latents = gan.of_prior(closed_path(jax.random.normal(key, (CORNERS, gan.latent)), rows))
    labels = np.repeat(condition.draw(1, seed), rows, axis=0)
    return FixedLatents(gan, condition, latents, labels, jnp.repeat(per_example(key, 1), rows))


def closed_path(corners: Float[Array, "corners latent"], rows: int) -> Float[Array, "rows latent"]:
    """Normal latents from corner to corner and back, the first one at the first corner, the last one a step before it.

    From a to b they are cos(t) a + sin(t) b, 0 <= t < pi / 2: each is normal where the corners are independent and
    normal, as a point on the straight line is not.
    """
    leg, within = np.divmod(np.arange(rows) * len(corners) / rows, 1)
    here, angle = leg.astype(int), jnp.asarray(within * np.pi / 2)[:, None]
    return jnp.cos(angle) * corners[here] + jnp.sin(angle) * corners[(here + 1) % len(corners)]


def independent(gan: GAN, condition: FittedCondition, seed: int, rows: int) -> FixedLatents:
    """Rows at latents, conditions and noise that are drawn independently of each other."""
    key = stream(jnp.uint32(seed), jnp.int32(0), "grid")
    latents = gan.of_prior(jax.random.normal(key, (rows, gan.latent)))
    return FixedLatents(gan, condition, latents, condition.draw(rows, seed), per_example(key, rows))
