"""The declared domain of a table: columns, bounds, levels and bins that are public, read from YAML, never off the rows.

    source: UCI Adult, adult.names
    columns:
      age: {kind: integer, low: 17, high: 90, bins: 15}
      capital-gain: {kind: integer, low: 0, high: 99999, points: [0], edges: [2500, 5000, 10000, 20000]}
      workclass: {kind: category, levels: [Private, State-gov], missing: true}
      city: {kind: category, levels: [London, Paris], other: elsewhere}

What a row holds beyond it is refused; levels that are not declared become `other` where that is declared.
"""

import dataclasses
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.artefacts import read_yaml, reading
from gans.data.codecs import FittedCodec
from gans.data.codecs.columns import FittedColumn
from gans.data.codecs.knots import Knots
from gans.data.layout import Encoded
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError, nearest
from gans.files import write_text

pc: Any = pyarrow.compute  # its functions are made at run time

SHIPPED = Path(__file__).parent / "domains"
KINDS = ("category", "boolean", "integer", "numeric")
BINS = 16  # of numbers, unless declared
MOST_LEVELS = 1_000
INSET = 0.001  # from the ends of a bin of whole numbers, which are halves, so that none is rounded out of it


@dataclass(kw_only=True)
class Declared:
    """What is public about a column.

    Attributes:
        kind: category, boolean, integer or numeric.
        type: the Arrow type; string or int64 of levels, bool, int64 and double unless given.
        levels: of a category.
        other: the level that stands for any that is not declared; "" where there are none such.
        low, high: of a number, both of them possible values.
        bins: of equal width, that numbers are counted in.
        edges: of bins, in the place of equal ones: where a new bin begins, within low and high.
        points: values that are counted by themselves, such as 0 where many have none.
        decimals: of numeric values.
        missing: whether a value may be missing.
    """

    name: str
    kind: str
    type: str = ""
    levels: list[Any] = field(default_factory=list)
    other: str = ""
    low: float | None = None
    high: float | None = None
    bins: int = BINS
    edges: list[float] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    decimals: int | None = None
    missing: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"column '{self.name}': kind={self.kind}; allowed are {', '.join(KINDS)}.")
        if self.kind == "boolean":
            self.levels, self.type = [False, True], self.type or "bool"
        if self.number:
            self._check_number()
            self.type = self.type or ("int64" if self.kind == "integer" else "double")
            self._check_type([])
            return
        if self.other and self.other not in self.levels:
            self.levels = [*self.levels, self.other]
        if len(self.levels) < 2 - self.missing or len(set(map(str, self.levels))) < len(self.levels):
            raise UserError(f"column '{self.name}': levels={self.levels}; two or more are needed, each once.")
        if len(self.levels) > MOST_LEVELS:
            raise UserError(
                f"column '{self.name}': {len(self.levels):,} levels; at most {MOST_LEVELS:,} are counted, declare the "
                "frequent ones and other=NAME."
            )
        if self.kind == "category" and any(isinstance(level, bool) for level in self.levels):
            raise UserError(
                f"column '{self.name}': levels={self.levels}; yes, no, on and off without quotes are truth values in "
                "YAML."
            )
        whole = all(isinstance(level, int) for level in self.levels)
        self.type = self.type or ("int64" if whole else "string")
        self._check_type(self.levels)

    @property
    def number(self) -> bool:
        """Whether it holds numbers."""
        return self.kind in ("integer", "numeric")

    def _check_type(self, levels: list[Any]) -> None:
        try:
            pa.array(levels, arrow_type(self.type))
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise UserError(
                f"column '{self.name}': type={self.type}: {str(error).splitlines()[0]}; levels={levels[:5]}."
            ) from None

    def _check_number(self) -> None:
        where = f"column '{self.name}'"
        if self.low is None or self.high is None:
            raise UserError(f"{where}: low and high are needed; bounds are declared, not read off the rows.")
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise UserError(f"{where}: low={self.low} high={self.high}; low must be below high.")
        if self.bins < 1:
            raise UserError(f"{where}: bins={self.bins}; at least 1 is needed.")
        for key, values in (("edges", self.edges), ("points", self.points)):
            if sorted(set(values)) != list(values) or any(not self.low <= value <= self.high for value in values):
                raise UserError(f"{where}: {key}={values}; they must ascend within {self.low:g} to {self.high:g}.")
        bins = len(self.bins_of())
        if not bins:
            raise UserError(f"{where}: points={self.points} are all its values; declare them as levels of a category.")
        if bins + len(self.points) + self.missing < 2:
            raise UserError(f"{where}: it has one cell; more bins, edges or points are needed.")

    def bins_of(self) -> np.ndarray:
        """Where each bin begins and ends [bins, 2], side by side but for points; of whole numbers at halves."""
        low, high, points = float(self.low or 0), float(self.high or 0), np.array(self.points, float)
        if self.kind == "numeric":
            inner = np.array(self.edges, float)
            edges = np.unique([low, *inner, high]) if self.edges else np.linspace(low, high, self.bins + 1)
            return np.column_stack([edges[:-1], edges[1:]])
        low, high = np.ceil(low), np.floor(high) + 1
        inner = np.ceil(self.edges) if self.edges else np.rint(np.linspace(low, high, self.bins + 1))
        edges = np.unique(np.clip([low, *inner, *points, *(points + 1), high], low, high))
        single = np.isin(edges[:-1], points)  # a bin of a point begins at it, and at its end the next one
        return np.column_stack([edges[:-1], edges[1:]])[~single] - 0.5

    def fitted(self) -> FittedColumn:
        """The column as a codec has it: bins are modes, points atoms; nothing of it is learnt."""
        levels = len(self.levels) if not self.number else 0
        column = Column(name=self.name, kind=self.kind, type=self.type, missing=self.missing, levels=levels)
        if not self.number:
            return FittedColumn(column=column, levels=[*self.levels, *[None] * self.missing])
        column.bounds, column.decimals = [self.low, self.high], self.decimals
        if self.kind == "integer":
            column.bounds = [int(np.ceil(self.low or 0)), int(np.floor(self.high or 0))]
        origin = column.bounds[0] if pa.types.is_integer(arrow_type(self.type)) else 0
        ends, inset = np.array([-1.0, 1.0], np.float32), INSET if self.kind == "integer" else 0.0
        knots = [Knots(np.array([left + inset, right - inset]), ends, ends) for left, right in self.bins_of() - origin]
        atoms = np.array(self.points, float) - origin
        return FittedColumn(column=column, knots=knots, atoms=atoms, origin=origin)

    def encode(self, array: pa.ChunkedArray, fitted: FittedColumn) -> tuple[np.ndarray, np.ndarray]:
        """Where each value lies in its cell [rows] float32, 0 where that says nothing, and the cell [rows] int32.

        Raises:
            UserError: a value is outside what is declared.
        """
        missing = array.is_null().to_numpy()
        if missing.any() and not self.missing:
            raise self._outside("a missing value", "missing: true")
        try:
            valid = array.drop_null().cast(arrow_type(self.type))
        except pa.ArrowException as error:
            raise self._outside(f"values of type {array.type} ({str(error).splitlines()[0]})", "type") from None
        scalars, codes = np.zeros(len(array), np.float32), np.full(len(array), fitted.cardinality - 1, np.int32)
        if self.number:
            scalars[~missing], codes[~missing] = self._numbers(valid, fitted)
        else:
            codes[~missing] = self._levels(valid)
        return scalars, codes

    def _levels(self, valid: pa.ChunkedArray) -> np.ndarray:
        known = pa.array(self.levels, valid.type)
        found = pc.index_in(valid, value_set=known)
        if found.null_count and not self.other:
            one = valid.filter(found.is_null())[0].as_py()
            raise self._outside(f"the level {one!r}", f"levels or other{nearest(str(one), map(str, self.levels))}")
        if found.null_count:
            found = pc.fill_null(found, self.levels.index(self.other))
        return found.to_numpy().astype(np.int32)

    def _numbers(self, valid: pa.ChunkedArray, fitted: FittedColumn) -> tuple[np.ndarray, np.ndarray]:
        values = valid.cast(pa.float64(), safe=False).to_numpy()
        outside = ~((values >= self.low) & (values <= self.high))
        if outside.any():
            raise self._outside(f"the value {values[outside][0]:g}", f"low={self.low:g} and high={self.high:g}")
        return fitted.encode_numbers(values - fitted.origin, None)

    def _outside(self, what: str, key: str) -> UserError:
        return UserError(f"column '{self.name}' holds {what}, which its domain does not declare; see {key}.")


@dataclass
class Domain:
    """The declared columns of a table, in its order."""

    columns: list[Declared]
    source: str = ""

    @classmethod
    def read(cls, path: Path) -> "Domain":
        """Read a declaration.

        Raises:
            UserError: the file is missing or declares no domain.
        """
        import yaml

        if not path.is_file():
            raise UserError(f"privacy.domain={path}: no such file.")
        with reading(path, "a domain"):
            stored = yaml.safe_load(read_yaml(path))
        try:
            if not isinstance(stored, dict) or not isinstance(stored.get("columns"), dict) or not stored["columns"]:
                raise UserError("it needs columns: NAME: {kind: ...}.")
            if stored.get("draft"):
                raise UserError("it is a draft, read off the rows; replace what is not public, and remove 'draft'.")
            return cls(
                [_declared(str(name), of) for name, of in stored["columns"].items()], str(stored.get("source", ""))
            )
        except UserError as error:
            raise UserError(f"privacy.domain={path}: {error}") from None

    def write(self, path: Path, head: str = "") -> None:
        """Write as a declaration, atomically.

        Args:
            head: lines before it.
        """
        import yaml

        default = {one.name: one.default for one in fields(Declared)}
        columns = {
            column.name: {
                key: value
                for key, value in dataclasses.asdict(column).items()
                if key != "name" and value not in (default[key], [])
            }
            for column in self.columns
        }
        stored = {"source": self.source, "columns": columns}
        write_text(path, head + yaml.safe_dump(stored, sort_keys=False, allow_unicode=True, width=120))

    def codec(self) -> FittedCodec:
        """The codec of the declared cells."""
        fitted = [column.fitted() for column in self.columns]
        return FittedCodec(Schema([one.column for one in fitted]), fitted)

    def encode(self, table: pa.Table, codec: FittedCodec) -> Encoded:
        """The cells of the rows, and where in them numbers lie, in the order of the codec's layout.

        Raises:
            UserError: a column is not there or not declared, or a value is outside its domain.
        """
        names = [column.name for column in self.columns]
        for one, of, why in (
            (names, table.column_names, "is declared and not in the table; the table has"),
            (table.column_names, names, "is not declared (data.drop leaves it out); declared are"),
        ):
            if lacking := [name for name in one if name not in of]:
                raise UserError(f"column '{lacking[0]}' {why} {', '.join(of)}.{nearest(lacking[0], of)}")
        out = codec.empty(table.num_rows)
        for declared, fitted in zip(self.columns, codec.columns, strict=True):
            scalars, out.codes[:, fitted.code] = declared.encode(table[declared.name], fitted)
            if declared.number:
                out.scalars[:, fitted.scalar] = scalars
        return out


def _declared(name: str, stored: Any) -> Declared:
    """A column of a declaration.

    Raises:
        UserError: it is none.
    """
    keys = [one.name for one in fields(Declared) if one.name != "name"]
    if not isinstance(stored, dict) or "kind" not in stored:
        raise UserError(f"column '{name}': {{kind: ...}} is needed.")
    if unknown := [key for key in stored if key not in keys]:
        raise UserError(f"column '{name}': {unknown[0]}: no such key; allowed are {', '.join(keys)}.")
    try:
        return Declared(name=name, **stored)
    except (TypeError, ValueError) as error:
        raise UserError(f"column '{name}': {error}.") from None
