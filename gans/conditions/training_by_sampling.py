"""Training by sampling: one level of one discrete column as the condition, rare levels more often than they occur."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from gans.conditions.base import Condition, FittedCondition
from gans.conditions.levels import by_level, pick_level
from gans.data.codecs import FittedCodec
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.registry import register

NOT_GIVEN = -1  # a code that no one-hot has an entry for


class FittedTrainingBySampling(FittedCondition):
    """Columns that stay in the row. Of a condition [columns] all codes but one are not given.

    `combinations [levels, columns]` are the single levels, `counts [levels]` how many rows have them.
    """

    stays = True

    least: ClassVar[int] = NOT_GIVEN

    def check(self) -> None:
        """Raise ValueError where the levels are not those of the columns."""
        super().check()
        if len(self.counts) != sum(self.cardinalities):
            raise ValueError(f"{len(self.counts)} levels; the columns have {sum(self.cardinalities)}")

    def __post_init__(self) -> None:
        super().__post_init__()
        starts = [self.layout.offsets[fitted.code] for fitted in self.columns]
        spans = zip(starts, self.cardinalities, strict=True)
        conditioned = tuple(entry for start, size in spans for entry in range(start, start + size))
        self.layout = dataclasses.replace(self.layout, conditioned=conditioned)

    def known(self, encoded: Encoded) -> dict[str, np.ndarray]:
        """The rows by level, and how often a level is picked."""
        rule: Any = self.rule
        return by_level(self.codes(encoded), self.cardinalities, rule.log_frequency)

    def pick(self, known: Any, keys: Key[Array, " batch"]) -> tuple[Int[Array, " batch"], Int[Array, "batch columns"]]:
        """A column, uniformly; one of its levels by log frequency; one of the rows that have it, uniformly."""
        sizes = self.cardinalities

        def one(key: Key[Array, ""]) -> tuple[Array, Array]:
            row, column, level = pick_level(known, sizes, key)
            return row, jnp.where(jnp.arange(len(sizes)) == column, level, NOT_GIVEN)

        return jax.vmap(one)(keys)

    def draw(
        self,
        rows: int,
        seed: int,
        choices: Mapping[int, np.ndarray] | None = None,
        start: int = 0,
        attempt: int = 0,
    ) -> np.ndarray:
        """Conditions [rows, columns] int32: a column, uniformly, and one of its levels as often as it occurs.

        Each column has every row once, so the single levels by their counts are that. Of columns with given codes only
        the one whose codes are rarest is the condition, as in training: the others are left to the rows.
        """
        if not choices:
            return super().draw(rows, seed, None, start, attempt)
        shares = {place: self.counts[self._here(place)][codes].sum() for place, codes in choices.items()}
        rarest = min(shares, key=lambda place: shares[place])
        return super().draw(rows, seed, {rarest: np.append(choices[rarest], False)}, start, attempt)

    def _here(self, place: int) -> slice:
        """Where the levels of a column stand among all."""
        first = sum(self.cardinalities[:place])
        return slice(first, first + self.cardinalities[place])


@register("condition", "training_by_sampling")
@dataclass(kw_only=True)
class TrainingBySampling(Condition):
    """The conditional vector of CTGAN: one-hots of all categories and booleans, zeros but for one level of one column.

    Xu et al. 2019, arXiv:1907.00503, section 4.3. In training a column is picked uniformly, one of its levels by
    log(1 + frequency) (the paper: log frequency, which never picks what occurs once), then a training row that has it.
    In sampling levels follow their true frequency, so that no column is biased.

    Attributes:
        numbers: also the modes, atoms and missing values of numeric columns, as CTAB-GAN does (Zhao et al. 2021,
            arXiv:2102.08369).
        log_frequency: pick levels in training by log(1 + frequency); False for by frequency.
    """

    fitted: ClassVar[type[FittedCondition]] = FittedTrainingBySampling

    numbers: bool = False
    log_frequency: bool = True

    def fit(self, codec: FittedCodec, encoded: Encoded) -> FittedCondition:
        """Count the levels of every discrete column.

        Raises:
            UserError: there is none.
        """
        columns = [c for c in codec.columns if c.code >= 0 and (self.numbers or c.levels)]
        if not columns:
            raise UserError("condition=training_by_sampling: the table has no category or boolean; use condition=none.")
        sizes = [fitted.cardinality for fitted in columns]
        levels = np.full((sum(sizes), len(columns)), NOT_GIVEN, np.int32)
        place = np.repeat(np.arange(len(sizes)), sizes)
        levels[np.arange(len(levels)), place] = np.concatenate([np.arange(size) for size in sizes])
        counts = [np.bincount(encoded.codes[:, c.code], minlength=c.cardinality) for c in columns]
        return self.fitted(self, codec, columns, [np.zeros(0)] * len(columns), levels, np.concatenate(counts))
