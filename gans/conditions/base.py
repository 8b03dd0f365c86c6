"""Conditions on columns, fitted to a table."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from jaxtyping import Array, Float, Int, Key

from gans.data.codecs import FittedCodec
from gans.data.codecs.base import FittedColumn
from gans.data.layout import Encoded, Layout, one_hot
from gans.data.schema import arrow_type
from gans.errors import UserError, nearest
from gans.files import UNREADABLE, write_atomic


@dataclass
class FittedCondition:
    """Which columns condition generator and discriminator, and how often their values occur together.

    A category or boolean leaves the row: the generator is given it and the discriminator too. A number stays in the
    row and its bin is the condition. `combinations [m, columns]` are the distinct conditions of the training rows,
    `counts [m]` their rows.
    """

    rule: "Condition"
    codec: FittedCodec
    columns: list[FittedColumn]
    edges: list[np.ndarray]
    combinations: np.ndarray
    counts: np.ndarray

    def __post_init__(self) -> None:
        self.cardinalities = tuple(
            c.cardinality if c.knots is None else len(e) + 1 + c.column.missing
            for c, e in zip(self.columns, self.edges, strict=True)
        )
        self.given = [c.code for c in self.columns if c.knots is None]
        whole = self.codec.layout
        self.left = [code for code in range(len(whole.cardinalities)) if code not in self.given]
        self.layout: Layout = dataclasses.replace(
            whole,
            cardinalities=tuple(whole.cardinalities[code] for code in self.left),
            masks=tuple((score, self.left.index(code)) for score, code in whole.masks),
            columns=whole.columns[: whole.scores]
            + tuple(
                column
                for code in self.left
                for column in whole.columns[whole.offsets[code] : whole.offsets[code] + whole.cardinalities[code]]
            ),
        )

    def codes(self, encoded: Encoded) -> np.ndarray:
        """The condition of each row, [rows, columns] int32."""
        out = np.zeros((len(encoded.scores), len(self.columns)), np.int32)
        for place, (fitted, edges) in enumerate(zip(self.columns, self.edges, strict=True)):
            if fitted.knots is None:
                out[:, place] = encoded.codes[:, fitted.code]
                continue
            values, missing = fitted.numbers(encoded)
            out[:, place] = np.searchsorted(edges, values, side="right")
            if missing is not None:
                out[missing, place] = len(edges) + 1
        return out

    def rest(self, encoded: Encoded) -> Encoded:
        """The rows without the codes that the condition gives."""
        return Encoded(encoded.scores, encoded.codes[:, self.left])

    def join(self, rest: Encoded, condition: np.ndarray) -> Encoded:
        """The inverse of `rest`: put the given codes back from the conditions [rows, columns]."""
        codes = np.zeros((len(rest.scores), len(self.codec.layout.cardinalities)), np.int32)
        codes[:, self.left] = rest.codes
        codes[:, self.given] = condition[:, [place for place, c in enumerate(self.columns) if c.knots is None]]
        return Encoded(rest.scores, codes)

    def wide(self, condition: Int[Array, "batch columns"]) -> Float[Array, "batch condition"]:
        """One-hot conditions side by side: what generator and discriminator are given in sampling."""
        return one_hot(condition, self.cardinalities)

    def reveal(
        self, real: Float[Array, "batch width"], condition: Int[Array, "batch columns"], keys: Key[Array, " batch"]
    ) -> Float[Array, "batch condition"]:
        """What they are given in training: for real rows [batch, width] and their conditions."""
        del real, keys
        return self.wide(condition)

    def draw(self, rows: int, seed: int, fixed: Mapping[int, int] | None = None, start: int = 0) -> np.ndarray:
        """Conditions [rows, columns] int32 as they occur in the training rows, some columns fixed to a code.

        Where the fixed values never occur together, the other columns follow their own distribution. The condition of
        a row depends on the seed and on its number only, which is counted from `start`.
        """
        fixed = dict(fixed or {})
        fits = np.ones(len(self.counts), bool)
        for place, code in fixed.items():
            fits &= self.combinations[:, place] == code
        weights = self.counts * fits if fits.any() else self.counts
        share = np.cumsum(weights) / weights.sum()
        drawn = np.searchsorted(share, _uniform(seed, start, rows), side="right")
        out = self.combinations[np.minimum(drawn, len(share) - 1)].astype(np.int32)
        for place, code in fixed.items():
            out[:, place] = code
        return out

    def fix(self, where: Mapping[str, Any]) -> tuple[dict[int, int], dict[str, Any]]:
        """What `where` fixes: codes by place among the conditions, and values by numeric column that rows must hold.

        Raises:
            UserError: a column is no condition of this run, or the value does not occur there.
        """
        codes: dict[int, int] = {}
        values: dict[str, Any] = {}
        names = [fitted.column.name for fitted in self.columns]
        for name, given in where.items():
            value = _scalar(name, given)
            if name not in names:
                known = f"its conditions are {', '.join(names)}" if names else "it has no conditions"
                raise UserError(
                    f"where: column '{name}' is no condition of this run; {known}."
                    f"{nearest(name, names)} Train with condition=labels condition.columns=[{name}] to sample by it."
                )
            place = names.index(name)
            fitted = self.columns[place]
            encoded = self._encode_value(fitted, value)
            codes[place] = int(self.codes(encoded)[0, place])
            if fitted.knots is not None:
                values[name] = value
        return codes, values

    def _encode_value(self, fitted: FittedColumn, value: Any) -> Encoded:
        column, layout = fitted.column, self.codec.layout
        empty = Encoded(np.zeros((1, layout.scores), np.float32), np.zeros((1, len(layout.cardinalities)), np.int32))
        if fitted.levels and not (value is None and fitted.knots is not None):
            matches = [
                k
                for k, level in enumerate(fitted.levels)
                if _plain(level) == value and isinstance(level, bool) == isinstance(value, bool)
            ]
            if not matches:
                allowed = ["null" if level is None else repr(_plain(level)) for level in fitted.levels]
                near = nearest(str(value), map(str, fitted.levels))
                raise UserError(
                    f"where: {column.name} == {value!r} does not occur in the training table; allowed are "
                    f"{', '.join(allowed[:20])}{', ...' if len(allowed) > 20 else ''}.{near}"
                )
            level = pa.chunked_array([pa.array([fitted.levels[matches[0]]], arrow_type(column.type))])
            scores, codes = fitted.encode(level, None)
            if fitted.score >= 0:
                empty.scores[0, fitted.score] = scores[0]
            if fitted.code >= 0:
                empty.codes[0, fitted.code] = codes[0]
            return empty
        if value is None:
            if not column.missing:
                raise UserError(f"where: {column.name} == null: the column has no missing value in the training table.")
            empty.codes[0, fitted.code] = fitted.cardinality - 1
            return empty
        if column.kind == "datetime":
            raise UserError(
                f"where: {column.name} == {value!r}: a time cannot be fixed; condition on a category of it."
            )
        low, high = column.bounds or (-math.inf, math.inf)
        if (
            isinstance(value, (bool, str))
            or not low <= value <= high
            or (column.kind == "integer" and value != int(value))
        ):
            allowed = f"{'a whole number' if column.kind == 'integer' else 'a number'} from {low} to {high}"
            raise UserError(f"where: {column.name} == {value!r}: allowed is {allowed}.")
        assert fitted.knots is not None
        empty.scores[0, fitted.score] = fitted.knots.encode(np.array([value - fitted.origin], np.float64), None)[0]
        return empty

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
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                columns = [codec[str(name)] for name in data["columns"]]
                edges = [data[f"{place}.edges"] for place in range(len(columns))]
                return cls(rule, codec, columns, edges, data["combinations"], data["counts"])
        except UNREADABLE as error:
            raise UserError(f"{path}: not a readable condition ({error}).") from None


def _uniform(seed: int, start: int, count: int) -> np.ndarray:
    """Numbers `start` to `start + count` of the stream of a seed, [count] in [0, 1).

    Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") enciphers a counter, so that any place
    is reached at once; each count gives four numbers.
    """
    ahead, skip = divmod(start, 4)
    return np.random.Generator(np.random.Philox(seed).advance(ahead)).random(skip + count)[skip:]


def _plain(level: Any) -> Any:
    """A level as `where` writes it: decimals as numbers."""
    return float(level) if isinstance(level, Decimal) else level


def _scalar(name: str, value: Any) -> Any:
    """A plain Python value; NaN and pandas' NA are missing."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, (list, tuple, set, dict, np.ndarray)):
        raise UserError(f"where: {name} == {value!r}: one value is needed.")
    return None if type(value).__name__ in ("NAType", "NaTType") or value != value else value


@dataclass(kw_only=True)
class Condition:
    """Which columns condition generator and discriminator."""

    fitted: ClassVar[type[FittedCondition]] = FittedCondition

    def names(self) -> list[str]:
        """The columns."""
        return []

    def fit(self, codec: FittedCodec, encoded: Encoded) -> FittedCondition:
        """Learn the bins and the frequencies of the conditions from the training rows.

        Raises:
            UserError: a column is not in the table or not learnt; no column is left beside the conditions.
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
