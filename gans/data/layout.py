"""Where each column lives in a row, compact on the host and wide on the device."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


class Encoded(NamedTuple):
    """A table as arrays: `scalars` [rows, numbers] float32 and `codes` [rows, categories] int32."""

    scalars: np.ndarray
    codes: np.ndarray


@dataclass(frozen=True)
class Layout:
    """How compact rows become wide ones: `[batch, scalars + sum(cardinalities)]`, scalars first, then one-hots.

    Attributes:
        scalars: how many scalars a row has.
        bound: no scalar of the training table is larger than this in size.
        cardinalities: how many levels each code has, ascending, so that equal ones lie side by side.
        masks: triples (scalar, code, levels): the scalar counts only where the code is one of its first `levels`
            (modes), and is zero elsewhere (atoms, missing values).
        exclusions: (code, level, later code, level) that never go together.
        columns: the column of each feature of a wide row, from 0.
        partial: whether the condition of a generator is a partial row: a wide row, of which the columns that the mask
            behind it, one entry a column, says are given.
        context: codes that every such condition gives.
        conditioned: the feature of a wide row that each entry of a condition speaks of, where conditioned columns stay
            in the row.
        labels: cardinalities of the one-hots that a condition begins with.
        continuous: numbers behind them in a condition.
        image: height, width and channels of an image whose pixels are the last of the scalars; None without one.
    """

    scalars: int
    bound: float
    cardinalities: tuple[int, ...]
    masks: tuple[tuple[int, int, int], ...] = ()
    exclusions: tuple[tuple[int, ...], ...] = ()
    columns: tuple[int, ...] = ()
    partial: bool = False
    context: tuple[int, ...] = ()
    conditioned: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    continuous: int = 0
    image: tuple[int, int, int] | None = None

    @property
    def numbers(self) -> int:
        """Scores that are no pixels."""
        return self.scalars - math.prod(self.image or (0,))

    @property
    def width(self) -> int:
        """Features of a wide row."""
        return self.scalars + sum(self.cardinalities)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where the one-hot of each code starts within a wide row."""
        ends = np.cumsum((self.scalars, *self.cardinalities)).tolist()
        return tuple(ends[:-1]) if self.cardinalities else ()

    def groups(self) -> list[tuple[int, int, int]]:
        """Runs of codes with equal cardinality: (start within a wide row, how many codes, their cardinality)."""
        return runs(self.cardinalities, self.scalars)

    def wide(
        self, scalars: Float[Array, "batch scalars"], codes: Int[Array, "batch codes"]
    ) -> Float[Array, "batch width"]:
        """Scores and one-hot codes side by side."""
        return jnp.concatenate([scalars, one_hot(codes, self.cardinalities)], axis=-1)

    def compact(
        self, rows: Float[Array, "batch width"]
    ) -> tuple[Float[Array, "batch scalars"], Int[Array, "batch codes"]]:
        """The inverse of `wide`: scalars, and the largest entry of each one-hot."""
        codes = [
            jnp.argmax(rows[:, start : start + count * size].reshape(-1, count, size), axis=-1)
            for start, count, size in self.groups()
        ]
        empty = jnp.zeros((rows.shape[0], 0), jnp.int32)
        return rows[:, : self.scalars], jnp.concatenate([empty, *codes], axis=-1).astype(jnp.int32)

    def impose(
        self,
        features: Float[Array, "batch features"],
        condition: Float[Array, "batch condition"] | None,
        here: slice | np.ndarray,
    ) -> Float[Array, "batch features"]:
        """The features `here` of a wide row, given ones taken from the condition; a gradient flows to drawn ones."""
        return imposed(features, self.given(condition, here))

    def given(
        self, condition: Float[Array, "batch condition"] | None, here: slice | np.ndarray
    ) -> tuple[Float[Array, "batch features"], Float[Array, "batch features"]] | None:
        """The values of the features `here` in a condition, and a 1 where they are given; None without partial rows."""
        if not self.partial or condition is None:
            return None
        mask = condition[:, self.width :][:, np.array(self.columns, int)[here]]
        return condition[:, : self.width][:, here], mask

    def given_hots(
        self, condition: Float[Array, "batch condition"] | None, like: Float[Array, "batch hots"]
    ) -> Float[Array, "batch hots"]:
        """The given one-hots of a partial row; zeros where nothing is given."""
        return self.impose(jnp.zeros_like(like), condition, slice(self.scalars, self.width))

    def excluding(self) -> np.ndarray:
        """1 at [entry, entry] of two one-hot entries that never go together, the first of an earlier code; else 0."""
        hots = self.width - self.scalars
        out = np.zeros((hots, hots), np.float32)
        if self.exclusions:
            i, x, j, y = np.array(self.exclusions).T
            starts = np.array(self.offsets) - self.scalars
            out[starts[i] + x, starts[j] + y] = 1
        return out

    def violated(self, codes: np.ndarray) -> np.ndarray:
        """Which rows of codes [rows, codes] hold two levels that never go together."""
        out = np.zeros(len(codes), bool)
        for i, x, j, y in self.exclusions:
            out |= (codes[:, i] == x) & (codes[:, j] == y)
        return out

    def masked(
        self, scalars: Float[Array, "batch scalars"], hots: Float[Array, "batch hots"]
    ) -> Float[Array, "batch scalars"]:
        """Scores times the sum of the one-hot entries that say the value is there."""
        for levels in sorted({mask[2] for mask in self.masks}):
            some = [mask for mask in self.masks if mask[2] == levels]
            which = np.array([scalar for scalar, _, _ in some])
            first = np.array([self.offsets[code] - self.scalars for _, code, _ in some])
            there = hots[:, first[:, None] + np.arange(levels)].sum(axis=-1)
            scalars = scalars.at[:, which].multiply(there, unique_indices=True)
        return scalars


def imposed(features: Array, given: tuple[Array, Array] | None) -> Array:
    """Features, where the mask of `given` is 1 its values."""
    return features if given is None else features * (1 - given[1]) + given[0] * given[1]


def runs(cardinalities: Sequence[int], start: int = 0) -> list[tuple[int, int, int]]:
    """Runs of codes with equal cardinality: (start, how many codes, their cardinality)."""
    out = []
    for cardinality, run in groupby(cardinalities):
        count = len(list(run))
        out.append((start, count, cardinality))
        start += count * cardinality
    return out


def one_hot(codes: Int[Array, "batch codes"], cardinalities: tuple[int, ...]) -> Float[Array, "batch hots"]:
    """The one-hots of all codes side by side, by one gather and one comparison."""
    code_of = np.repeat(np.arange(len(cardinalities)), cardinalities)
    level_of = np.concatenate([np.arange(size) for size in cardinalities] or [np.zeros(0, int)])
    return (codes[:, code_of] == level_of).astype(jnp.float32)


def round_up(value: float) -> float:
    """The bound of a layout: the next tenth."""
    return math.ceil(value * 10) / 10
