"""What sites agree on before they train: one schema and one codec, from what each tells of its columns.

The server makes a table of what it was told: each column has the values of all sites, as often as they occur, in an
order of its own. It has the columns of the table that nobody may see, and none of its rows; what is learned of a table
by column, kinds, bounds, levels and knots, is learned of it. What is learned from several columns at once is not:
relations and exclusions are off, and the ranks of very many levels follow their names.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.artefacts import of_fields
from gans.data.base import Source, Split
from gans.data.detection import detect
from gans.data.personal.handling import Handling
from gans.data.rare import MERGED
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError
from gans.federated.settings import Federation
from gans.federated.sketches import ORDERED, ColumnSketch, sketch_column
from gans.streams import host_stream

pc: Any = pyarrow.compute  # its functions are made at run time

NAME = r"[\w .-]{1,64}"
MOST_TOLD = 2**40  # rows of a site
MOST_ROWS = 500_000  # of the table of independent columns


@dataclass(kw_only=True)
class Description:
    """What a site tells of its table.

    Attributes:
        rows: it trains on.
        holdout: it keeps aside.
    """

    name: str
    rows: int
    holdout: int
    columns: list[ColumnSketch]

    @classmethod
    def of(cls, name: str, split: Split, federation: Federation) -> "Description":
        """What is told of a table that is cut already.

        Raises:
            UserError: it holds images.
        """
        if split.schema.images:
            raise UserError(f"site {name}: column '{split.schema.images[0].name}' holds images; sites train on tables.")
        columns = [
            sketch_column(column, split.training[column.name], federation.points, federation.floor_rows)
            for column in split.schema.columns
        ]
        return cls(name=name, rows=split.training.num_rows, holdout=split.holdout.num_rows, columns=columns)

    @classmethod
    def from_json(cls, told: Any) -> "Description":
        """Read what a site sent.

        Raises:
            UserError: it is no description of a table.
        """
        try:
            columns = [of_fields(ColumnSketch, column) for column in told["columns"]]
            found = cls(name=str(told["name"]), rows=int(told["rows"]), holdout=int(told["holdout"]), columns=columns)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UserError(f"a site sent no description of a table ({error}).") from None
        if not re.fullmatch(NAME, found.name):
            raise UserError(
                f"site {found.name[:80]!r}: a name of at most 64 letters, digits, spaces, - . and _ is due."
            )
        names = [column.name for column in found.columns]
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(f"site {found.name}: it tells twice of column '{twice[0]}'.")
        if not 1 <= found.rows <= MOST_TOLD or not 0 <= found.holdout <= MOST_TOLD or not found.columns:
            raise UserError(f"site {found.name}: it tells of {found.rows} rows and {len(found.columns)} columns.")
        for column in found.columns:
            try:
                column.check(found.rows)
            except UserError as error:
                raise UserError(f"site {found.name}: {error}") from None
        return found

    def lines(self) -> list[str]:
        """What is told, a line a column."""
        out = [f"{self.rows:,} training rows and {self.holdout:,} held-out rows"]
        for column in self.columns:
            if column.left_out:
                out.append(f"{column.name}: nothing ({column.left_out})")
                continue
            what = "values of a sketch" if column.kind in ORDERED else "levels"
            withheld = f", levels of {column.withheld:,} rows withheld" if column.withheld else ""
            missing = f", {column.missing:,} missing" if column.missing else ""
            out.append(f"{column.name}: {len(column.values):,} {what} with their counts{missing}{withheld}")
        return out


@dataclass(frozen=True)
class Pooled:
    """What all sites have.

    Attributes:
        table: of independent columns.
        kinds: of columns on which all sites agree.
        rare: by column the level that stands for those that are rare.
        left_out: columns that are not learned, with the reason.
        names: of all columns, in the order of the first site.
        holdout: rows that the largest site keeps aside, by which metrics that need more are left out.
    """

    table: pa.Table
    kinds: dict[str, str]
    rare: dict[str, str]
    left_out: dict[str, Column]
    names: list[str]
    holdout: int

    def split(self, source: Source) -> Split:
        """As a table that was cut, whose held-out rows are no better than the others.

        Raises:
            UserError: a kind that the source fixes does not fit the values, or nothing is left to learn.
        """
        here = set(self.table.column_names)
        kinds = self.kinds | {name: kind for name, kind in source.fixed_kinds().items() if name in here}
        keep = [name for name in source.keep if name in here and name not in kinds]
        schema = detect(self.table, kinds, personal=Handling(keep=keep))
        schema.columns = [self.left_out.get(name) or schema[name] for name in self.names]
        return Split(self.table, self.table.slice(0, self.holdout), schema)


def pool(sites: Sequence[Description], federation: Federation) -> Pooled:
    """The columns of all sites.

    Raises:
        UserError: the columns of a site are not those of the others; no column is left.
    """
    names = [column.name for column in sites[0].columns]
    by_site = [{column.name: column for column in site.columns} for site in sites]
    for site, columns in zip(sites, by_site, strict=True):
        for one, there, here in ((sites[0], names, columns), (site, columns, names)):
            if missing := [name for name in there if name not in here]:
                other = site if one is sites[0] else sites[0]
                raise UserError(f"column '{missing[0]}' is in the table of site {one.name}, not of site {other.name}.")
    rows = sum(site.rows for site in sites)
    scale = min(1.0, MOST_ROWS / rows)
    arrays, kinds, rare, left_out = {}, {}, {}, {}
    for name in names:
        columns = [columns[name] for columns in by_site]
        for site, one in zip(sites, columns, strict=True):
            if one.left_out:
                reason = f"{one.left_out} (site {site.name})"
                left_out[name] = Column(name=name, kind=one.kind, type=one.type, role="dropped", reason=reason)
                break
        if name in left_out:
            continue
        found = {one.kind for one in columns if one.type != "null"}
        if len(found) == 1:
            kinds[name] = found.pop()
        arrays[name] = _pooled(name, list(zip(sites, columns, strict=True)), federation.floor_sites, scale, rare)
    if not arrays:
        reasons = "; ".join(f"{name}: {one.reason}" for name, one in left_out.items())
        raise UserError(f"no column is left to learn: {reasons}")
    length = min(map(len, arrays.values()))  # scaled counts are rounded, each column by itself
    shuffled = {
        name: array.take(pa.array(host_stream("independent columns", place).permutation(len(array))[:length]))
        for place, (name, array) in enumerate(arrays.items())
    }
    return Pooled(pa.table(shuffled), kinds, rare, left_out, names, max(site.holdout for site in sites))


def _pooled(
    name: str,
    told: list[tuple[Description, ColumnSketch]],
    floor_sites: int,
    scale: float,
    rare: dict[str, str],
) -> pa.Array:
    """The values of a column, each as often as sites say, ascending; what is rare is written into `rare`."""
    kind = _common_type(name, told)
    values = pa.concat_arrays([one.array(arrow_type(one.type)).cast(kind) for _, one in told])
    counts = np.concatenate([np.array(one.counts, np.int64) for _, one in told])
    grouped = (
        pa.table({"value": values, "count": counts}).group_by("value").aggregate([("count", "sum"), ("count", "count")])
    )
    grouped = grouped.sort_by("value")
    few = np.zeros(grouped.num_rows, bool)
    if pa.types.is_string(kind):
        few = grouped["count_count"].to_numpy() < floor_sites
    sums = grouped["count_sum"].to_numpy()
    levels = grouped["value"].combine_chunks().filter(pa.array(~few))
    withheld = sum(one.withheld for _, one in told) + int(sums[few].sum())
    sums = _scaled(sums[~few], scale)
    parts = [levels.take(pa.array(np.repeat(np.arange(len(levels)), sums)))]
    if withheld and pa.types.is_string(kind):
        known, rare[name] = set(levels.to_pylist()), MERGED
        while rare[name] in known:
            rare[name] += " (rare)"
        parts.append(pa.array([rare[name]] * int(_scaled(np.array([withheld]), scale)[0]), kind))
    if missing := sum(one.missing for _, one in told):
        parts.append(pa.nulls(int(_scaled(np.array([missing]), scale)[0]), kind))
    return pa.concat_arrays(parts)


def _scaled(counts: np.ndarray, scale: float) -> np.ndarray:
    return np.maximum(np.round(counts * scale), 1).astype(np.int64)


def _common_type(name: str, told: list[tuple[Description, ColumnSketch]]) -> pa.DataType:
    """The type that holds the values of all sites.

    Raises:
        UserError: there is none.
    """
    first, kind = told[0][0], arrow_type(told[0][1].type)
    for site, column in told[1:]:
        own = arrow_type(column.type)
        tables = [pa.table({name: pa.array([], one)}) for one in (kind, own)]
        try:
            kind = pa.concat_tables(tables, promote_options="permissive").schema.field(name).type
        except pa.ArrowException:
            raise UserError(
                f"column '{name}': it holds {kind} at site {first.name} and {own} at site {site.name}."
            ) from None
    return kind


def conform(table: pa.Table, schema: Schema, rare: Mapping[str, str], levels: Mapping[str, Sequence[Any]]) -> pa.Table:
    """The rows of a site with the types of the agreed schema, levels that were not agreed on as the rare one.

    Args:
        levels: by column of text its agreed levels.

    Raises:
        UserError: a column is missing, or of another type.
    """
    arrays = {}
    for column in schema.kept:
        if column.name not in table.column_names:
            raise UserError(f"column '{column.name}' is missing; the table has {', '.join(table.column_names)}.")
        try:
            array = table[column.name].cast(arrow_type(column.type))
        except (ValueError, pa.ArrowException) as error:
            raise UserError(f"column '{column.name}': {str(error).splitlines()[0]}.") from None
        if column.name in rare and column.name in levels:
            known = pc.or_(pc.is_in(array, value_set=pa.array(levels[column.name], array.type)), pc.is_null(array))
            array = pc.if_else(known, array, pa.scalar(rare[column.name], array.type))
        arrays[column.name] = array
    return pa.table(arrays)


def described(description: Description) -> dict[str, Any]:
    """As it is sent."""
    return dataclasses.asdict(description)
