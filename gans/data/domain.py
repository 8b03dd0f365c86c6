"""The declared domain of a table: columns, bounds, levels and bins that are public, read from YAML, never off the rows.

    source: UCI Adult, adult.names
    drop: [name]
    columns:
      age: {kind: integer, low: 17, high: 90, bins: 15}
      capital-gain: {kind: integer, low: 0, high: 99999, points: [0], edges: [2500, 5000, 10000, 20000]}
      workclass: {kind: category, levels: [Private, State-gov], missing: true}
      city: {kind: category, levels: private, other: elsewhere}
      since: {kind: datetime, low: 2015-01-01, high: 2025-12-31}
      region: {kind: category, levels: [north, south], follows: office, values: {Leeds: north, London: south}}
      total: {kind: numeric, low: 0, high: 900, decimals: 2, equals: price + shipping}

What a row holds beyond it is refused; levels that are not declared become `other` where that is declared. Columns that
`drop` names are left out. What is `private` is asked of the rows with noise (`gans.data.private_domain`).
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.artefacts import read_yaml, reading
from gans.data.codecs import FittedCodec
from gans.data.declared import Declared
from gans.data.layout import Encoded
from gans.data.relations import Relation, Relations, parse_relation
from gans.data.relations.base import KEY, quoted, to_plain
from gans.data.relations.functional import Functional
from gans.data.schema import Schema, arrow_type
from gans.errors import UserError, nearest
from gans.files import write_text

SHIPPED = Path(__file__).parent / "domains"


@dataclass
class Domain:
    """The declared columns of a table, in its order.

    Attributes:
        source: where the declaration is from.
        drop: columns of the table that are left out, where it has them.
    """

    columns: list[Declared]
    source: str = ""
    drop: list[str] = field(default_factory=list)

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
            declared = [_declared(str(name), of) for name, of in stored["columns"].items()]
            domain = cls(declared, str(stored.get("source", "")), _dropped(stored.get("drop", []), stored["columns"]))
            _ = domain.relations  # refuses what does not follow
        except UserError as error:
            raise UserError(f"privacy.domain={path}: {error}") from None
        return domain

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
                if key != "name" and value not in (default[key], [], {})
            }
            for column in self.columns
        }
        stored = {"source": self.source, **({"drop": self.drop} if self.drop else {}), "columns": columns}
        write_text(path, head + yaml.safe_dump(stored, sort_keys=False, allow_unicode=True, width=120))

    @property
    def modelled(self) -> list[Declared]:
        """The columns that a generator learns: those that no others decide."""
        return [column for column in self.columns if not column.derived]

    @property
    def settled(self) -> bool:
        """Whether all cells are declared, and none are to be asked of the rows."""
        return not any(column.paid for column in self.columns)

    def codec(self) -> FittedCodec:
        """The codec of the declared cells."""
        schema = Schema([column.described() for column in self.columns])
        return FittedCodec(schema, [column.fitted() for column in self.modelled], self.relations)

    @cached_property
    def relations(self) -> Relations:
        """How the columns that are not modelled follow from those that are.

        Raises:
            UserError: one follows from what is not there, not modelled, or in no known way.
        """
        if not self.modelled:
            raise UserError("every column follows from others.")
        found = [self._relation(column) for column in self.columns if column.derived]
        return Relations(found, names=[column.name for column in self.columns], exclusions=False)

    def _relation(self, column: Declared) -> Relation:
        known = {one.name: one for one in self.modelled}
        with _of(column):
            relation = (
                Functional(source=column.follows, target=column.name)
                if column.follows
                else parse_relation(f"{quoted(column.name)} = {column.equals}")
            )
        for name in relation.parents:
            if name not in known:
                why = (
                    "follows from others itself" if any(one.name == name for one in self.columns) else "is not declared"
                )
                raise UserError(f"column '{column.name}': '{name}' {why}.{nearest(name, known)}")
        if isinstance(relation, Functional):
            return _looked_up(relation, known[column.follows], column)
        lows = {name: known[name].low for name in relation.parents} | {column.name: column.low}
        if None in lows.values():
            raise UserError(f"column '{column.name}': equals={column.equals}; it adds up numbers only.")
        schema = Schema([one.described() for one in self.columns])
        with _of(column):
            relation.learn(pa.table({name: [float(low)] for name, low in lows.items()}), schema)
        return relation

    def encode(self, table: pa.Table, codec: FittedCodec) -> Encoded:
        """The cells of the rows, and where in them numbers lie, in the order of the codec's layout.

        Raises:
            UserError: a column is not there or not declared, a value is outside its domain, or does not follow from
                others as it is declared to.
        """
        self.check_names(table)
        out = codec.empty(table.num_rows)
        for declared, fitted in zip(self.modelled, codec.columns, strict=True):
            scalars, out.codes[:, fitted.code] = declared.encode(table[declared.name], fitted)
            if declared.number:
                out.scalars[:, fitted.scalar] = scalars
        for relation in self.relations.relations:
            holds = relation.holds(table)
            if not holds.all():
                row = table.slice(int(np.flatnonzero(~holds)[0]), 1)
                values = ", ".join(f"{quoted(name)} = {row[name][0].as_py()!r}" for name in relation.columns)
                raise UserError(
                    f"column '{relation.determined}': '{relation.text}' is declared and does not hold in "
                    f"{int((~holds).sum()):,} rows, the first of which has {values}."
                )
        return out

    def without_dropped(self, table: pa.Table) -> pa.Table:
        """The rows without the columns that are left out."""
        return table.drop_columns([name for name in self.drop if name in table.column_names])

    def check_names(self, table: pa.Table) -> None:
        """Raise UserError where a column is not there or not declared."""
        names = [column.name for column in self.columns]
        for one, of, why in (
            (names, table.column_names, "is declared and not in the table; the table has"),
            (table.column_names, names, "is not declared (drop or data.drop leaves it out); declared are"),
        ):
            if lacking := [name for name in one if name not in of]:
                raise UserError(f"column '{lacking[0]}' {why} {', '.join(of)}.{nearest(lacking[0], of)}")


@contextmanager
def _of(column: Declared) -> Iterator[None]:
    """Say of which column an error about a relation is."""
    try:
        yield
    except UserError as error:
        raise UserError(f"column '{column.name}': {str(error).removeprefix(f'{KEY}: ')}") from None


def _looked_up(relation: Functional, source: Declared, target: Declared) -> Functional:
    """With the declared value of each level.

    Raises:
        UserError: a level has none, or a value is none of the target's.
    """
    if source.number or source.paid:
        raise UserError(f"column '{target.name}': follows={source.name}; it needs a column whose levels are declared.")
    levels = [*source.levels, *[None] * source.missing]
    keys = [level for level in levels if level in target.values or not (level is None and target.missing)]
    if lacking := [level for level in keys if level not in target.values]:
        raise UserError(f"column '{target.name}': values has nothing for {lacking[0]!r}, a level of '{source.name}'.")
    values = [target.values[level] for level in keys if level in target.values]
    if unknown := [key for key in target.values if key not in levels]:
        raise UserError(f"column '{target.name}': values of {unknown[0]!r}, which is not a level of '{source.name}'.")
    try:
        kept = pa.chunked_array([pa.array(values, arrow_type(target.type))])
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UserError(f"column '{target.name}': values={values[:5]}: {str(error).splitlines()[0]}.") from None
    target.encode(kept, target.fitted())  # refuses what is outside
    relation.keys, relation.values = to_plain(pa.array(keys, arrow_type(source.type))), to_plain(kept)
    relation.types, relation.support = [source.type, target.type], {"levels": len(keys), "snaps": False}
    return relation


def _dropped(stored: Any, columns: dict[str, Any]) -> list[str]:
    """The names of columns that a declaration leaves out.

    Raises:
        UserError: they are no list of names, or one is declared, too.
    """
    if not isinstance(stored, list):
        raise UserError(f"drop: {stored}; a list of columns is needed.")
    dropped = list(map(str, stored))
    if both := [name for name in map(str, columns) if name in dropped]:
        raise UserError(f"drop: column '{both[0]}' is declared, too; remove it from one of the two.")
    return dropped


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
