"""Conditions on columns, fitted to a table."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from gans.artefacts import read_npz, reading
from gans.data.codecs import FittedCodec
from gans.data.codecs.columns import FittedColumn
from gans.data.layout import Encoded, Layout, one_hot
from gans.errors import UserError
from gans.files import write_atomic
from gans.streams import uniform


@dataclass
class FittedCondition:
    """Which columns condition generator and discriminator, and how often their values occur together.

    A category or boolean leaves the row: the generator is given it and the discriminator too. A number stays in the
    row and its bin is the condition. Where `stays`, all stay and the condition is their codes. Where it
    `takes_any_column`, `partial` makes a condition of any columns of a row. `combinations [m,
    columns]` are the distinct conditions of the training rows, `counts [m]` their rows; `least` is the smallest entry.
    """

    stays: ClassVar[bool] = False
    takes_any_column: ClassVar[bool] = False
    least: ClassVar[int] = 0

    rule: "Condition"
    codec: FittedCodec
    columns: list[FittedColumn]
    edges: list[np.ndarray]
    combinations: np.ndarray
    counts: np.ndarray

    def __post_init__(self) -> None:
        self.cardinalities = tuple(
            len(e) + 1 + c.column.missing if self._binned(c) else c.cardinality
            for c, e in zip(self.columns, self.edges, strict=True)
        )
        self.given = [c.code for c in self.columns if not (self.stays or c.numeric)]
        whole = self.codec.layout
        self.left = [code for code in range(len(whole.cardinalities)) if code not in self.given]
        self.layout: Layout = dataclasses.replace(
            whole,
            cardinalities=tuple(whole.cardinalities[code] for code in self.left),
            masks=tuple((scalar, self.left.index(code), levels) for scalar, code, levels in whole.masks),
            exclusions=tuple(
                (self.left.index(i), x, self.left.index(j), y)
                for i, x, j, y in whole.exclusions
                if i in self.left and j in self.left
            ),
            columns=whole.columns[: whole.scalars]
            + tuple(
                column
                for code in self.left
                for column in whole.columns[whole.offsets[code] : whole.offsets[code] + whole.cardinalities[code]]
            ),
            labels=self.cardinalities,
        )

    @property
    def places(self) -> int:
        """Whole numbers that make up the condition of a row."""
        return len(self.columns)

    def _binned(self, fitted: FittedColumn) -> bool:
        return fitted.numeric and not self.stays

    def codes(self, encoded: Encoded) -> np.ndarray:
        """The condition of each row, [rows, columns] int32."""
        out = np.zeros((len(encoded.scalars), len(self.columns)), np.int32)
        for place, (fitted, edges) in enumerate(zip(self.columns, self.edges, strict=True)):
            if not self._binned(fitted):
                out[:, place] = encoded.codes[:, fitted.code]
                continue
            out[:, place] = np.searchsorted(edges, fitted.decode_numbers(encoded), side="right")
            if fitted.column.missing:
                out[fitted.missing(encoded), place] = len(edges) + 1
        return out

    def known(self, encoded: Encoded) -> Any:
        """What `pick` knows of the training rows: here the condition of each, [rows, columns]."""
        return self.codes(encoded)

    def pick(self, known: Any, keys: Key[Array, " batch"]) -> tuple[Int[Array, " batch"], Int[Array, "batch columns"]]:
        """Training rows [batch], one for each key, and their conditions [batch, columns]; here all are as likely."""
        picked = jax.vmap(lambda key: jax.random.randint(key, (), 0, known.shape[0]))(keys)
        return picked, known[picked]

    def rest(self, encoded: Encoded) -> Encoded:
        """The rows without the codes that the condition gives."""
        return Encoded(encoded.scalars, encoded.codes[:, self.left])

    def join(self, rest: Encoded, condition: np.ndarray) -> Encoded:
        """The inverse of `rest`: put the given codes back from the conditions [rows, columns]."""
        codes = np.zeros((len(rest.scalars), len(self.codec.layout.cardinalities)), np.int32)
        codes[:, self.left] = rest.codes
        codes[:, self.given] = condition[:, [place for place, c in enumerate(self.columns) if c.code in self.given]]
        return Encoded(rest.scalars, codes)

    def wide(self, condition: Int[Array, "batch columns"]) -> Float[Array, "batch condition"]:
        """One-hot conditions side by side: what generator and discriminator are given in sampling."""
        return one_hot(condition, self.cardinalities)

    def partial(
        self, scalars: Float[Array, "batch scalars"], codes: Int[Array, "batch codes"], given: Float[Array, " columns"]
    ) -> Float[Array, "batch condition"]:
        """The condition that gives the columns with a 1 in `given`, from rows in which they have their place.

        Only where it `takes_any_column`.
        """
        raise NotImplementedError(f"{type(self).__name__} takes its own columns only")

    def reveal(
        self, real: Float[Array, "batch width"], condition: Int[Array, "batch columns"], keys: Key[Array, " batch"]
    ) -> Float[Array, "batch condition"]:
        """What they are given in training: for real rows [batch, width] and their conditions."""
        del real, keys
        return self.wide(condition)

    def draw(
        self,
        rows: int,
        seed: int,
        choices: Mapping[int, np.ndarray] | None = None,
        start: int = 0,
        attempt: int = 0,
    ) -> np.ndarray:
        """Conditions [rows, columns] int32 as they occur in the training rows, some columns among given codes.

        Where those never occur together, each is drawn by itself and the other columns follow their own distribution.
        The condition of a row depends on the seed, its number, which is counted from `start`, and the attempt only.
        """
        if not self.columns:
            return np.zeros((rows, 0), np.int32)
        choices = choices or {}
        fits = np.ones(len(self.counts), bool)
        for place, codes in choices.items():
            fits &= codes[self.combinations[:, place]]
        draws = uniform("condition", seed, (attempt,), start, rows)
        out = self.combinations[pick(self.counts * fits if fits.any() else self.counts, draws)].astype(np.int32)
        for place, codes in {} if fits.any() else choices.items():
            counts = np.bincount(self.combinations[:, place], self.counts, self.cardinalities[place])
            weights = counts * codes
            own = uniform("condition of a column", seed, (attempt, place), start, rows)
            out[:, place] = pick(weights if weights.any() else codes.astype(float), own)
        return out

    def save(self, path: Path) -> None:
        """Write to one .npz file: counts of combinations of the condition columns, never another column."""
        arrays: dict[str, Any] = {f"{place}.edges": edges for place, edges in enumerate(self.edges)}
        arrays["columns"] = np.array([fitted.column.name for fitted in self.columns], dtype=np.str_)
        arrays |= {"combinations": self.combinations, "counts": self.counts}
        write_atomic(path, lambda temporary: np.savez_compressed(temporary, **arrays))

    @classmethod
    def load(cls, path: Path, codec: FittedCodec, rule: "Condition") -> "FittedCondition":
        """Read what `save` wrote.

        Raises:
            UserError: the file is missing or damaged.
        """
        with reading(path, "a readable condition"):
            data = read_npz(path)
            columns = [codec[str(name)] for name in data["columns"]]
            edges = [data[f"{place}.edges"].astype(np.float64, casting="same_kind") for place in range(len(columns))]
            found = cls(rule, codec, columns, edges, data["combinations"], data["counts"])
            found.check()
            return found

    def check(self) -> None:
        """Raise ValueError where combinations or counts are none that a table can have."""
        rows, places = self.combinations.shape
        if (
            places != len(self.columns)
            or self.combinations.dtype.kind not in "iu"
            or self.counts.dtype.kind not in "iu"
        ):
            raise ValueError(f"combinations {self.combinations.dtype} {self.combinations.shape}")
        inside = (self.combinations >= self.least) & (self.combinations < np.array(self.cardinalities, np.int64))
        if (
            not inside.all()
            or self.counts.shape != (rows,)
            or (self.counts < 0).any()
            or not (self.counts.sum() or not places)
        ):
            raise ValueError("a combination that the columns do not have")


def pick(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Places drawn by their weights."""
    share = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(share, uniform, side="right"), np.flatnonzero(weights)[-1])


@dataclass(kw_only=True)
class Condition:
    """Which columns condition generator and discriminator.

    Attributes:
        fitted: what `fit` makes of it.
        conditional: whether generator and discriminator are given anything at all.
        hides_condition: whether the discriminator must find the condition out, and so may not be given it.
        takes_images: whether the table may hold images.
    """

    fitted: ClassVar[type[FittedCondition]] = FittedCondition
    conditional: ClassVar[bool] = True
    hides_condition: ClassVar[bool] = False
    takes_images: ClassVar[bool] = True

    def names(self) -> list[str]:
        """The columns."""
        return []

    def fit(self, codec: FittedCodec, encoded: Encoded) -> FittedCondition:
        """Learn the bins and the frequencies of the conditions from the training rows.

        Raises:
            UserError: a column is not in the table or not learned; no column is left beside the conditions.
        """
        columns = [codec[name] for name in self.names()]
        edges = [self._edges(fitted, encoded) for fitted in columns]
        blank = np.zeros((0, len(columns)), np.int32)
        fitted = self.fitted(self, codec, columns, edges, blank, np.zeros(0, np.int64))
        if fitted.layout.width == 0:
            raise UserError(f"condition.columns={self.names()}: no column is left to generate.")
        fitted.combinations, fitted.counts = np.unique(fitted.codes(encoded), axis=0, return_counts=True)
        return fitted

    def _edges(self, fitted: FittedColumn, encoded: Encoded) -> np.ndarray:
        return np.zeros(0)
