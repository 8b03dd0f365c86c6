"""Codes that are no columns: what InfoGAN's generator is given, and finds a meaning for."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from gans.conditions.base import Condition, FittedCondition
from gans.data.layout import Encoded, one_hot
from gans.errors import UserError, in_range
from gans.registry import register
from gans.streams import uniform

STEPS = 2**16  # of a continuous code between -1 and 1


class FittedCodes(FittedCondition):
    """Categorical codes as one-hots, then continuous ones in (-1, 1); on the host each is a whole number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rule: Any = self.rule
        self.layout = dataclasses.replace(self.layout, labels=tuple(rule.categories), continuous=rule.continuous)

    @property
    def places(self) -> int:
        """Codes of a row."""
        return len(self._levels)

    @property
    def _levels(self) -> np.ndarray:
        return np.array([*self.layout.labels, *[STEPS] * self.layout.continuous])

    def pick(self, known: Any, keys: Key[Array, " batch"]) -> tuple[Int[Array, " batch"], Int[Array, "batch columns"]]:
        """Training rows [batch], all as likely, and codes [batch, codes] that have nothing to do with them."""
        picked, _ = super().pick(known, keys)
        own = jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, 1), (self.places,)))(keys)
        return picked, jnp.minimum((own * self._levels).astype(jnp.int32), self._levels - 1)

    def wide(self, condition: Int[Array, "batch columns"]) -> Float[Array, "batch condition"]:
        """One-hots of the categorical codes, and the continuous ones."""
        count = len(self.layout.labels)
        continuous = (condition[:, count:] + 0.5) / (STEPS / 2) - 1
        return jnp.concatenate([one_hot(condition[:, :count], self.layout.labels), continuous], axis=-1)

    def draw(
        self,
        rows: int,
        seed: int,
        choices: Mapping[int, np.ndarray] | None = None,
        start: int = 0,
        attempt: int = 0,
    ) -> np.ndarray:
        """Codes [rows, codes] int32, uniform."""
        del choices
        own = [uniform("code", seed, (attempt, place), start, rows) for place in range(self.places)]
        return (np.stack(own, axis=1) * self._levels).astype(np.int32)


@register("condition", "codes")
@dataclass(kw_only=True)
class Codes(Condition):
    """Random codes for the generator only, beside its latent.

    Chen et al. 2016, arXiv:1606.03657: with term=[mutual_information] the generator has to make them tell.

    Attributes:
        categories: levels of each categorical code.
        continuous: how many codes are uniform on (-1, 1).
    """

    fitted: ClassVar[type[FittedCondition]] = FittedCodes
    hides_condition: ClassVar[bool] = True

    categories: list[int] = field(default_factory=lambda: [10])
    continuous: int = 2

    def __post_init__(self) -> None:
        for levels in self.categories:
            in_range("condition.categories", levels, 2)
        in_range("condition.continuous", self.continuous, 0)
        if not self.categories and not self.continuous:
            raise UserError("condition.categories=[], condition.continuous=0: condition=codes needs a code.")

    def fit(self, codec: Any, encoded: Encoded) -> FittedCondition:
        """Nothing is learned."""
        return self.fitted(self, codec, [], [], np.zeros((0, 0), np.int32), np.zeros(0, np.int64))
