"""The relations of a table as a transform around the codec: `reduce` before it, `restore` after it."""

import dataclasses
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from gans.artefacts import parse_json
from gans.data.detection import find_column
from gans.data.relations.average import Average
from gans.data.relations.base import KEY, Relation, sample_rows
from gans.data.relations.exclusions import Exclusion
from gans.data.relations.formula import Formula, find_formulas
from gans.data.relations.functional import Functional, find_functional
from gans.data.relations.grammar import parse_relation
from gans.data.relations.order import Order, find_orders
from gans.data.relations.sameness import Sameness, find_sameness
from gans.data.relations.sums import Sum, find_sums
from gans.data.schema import Column, Schema
from gans.errors import UserError

KINDS: dict[str, type[Relation]] = {
    kind.kind: kind for kind in (Functional, Formula, Order, Sum, Average, Sameness, Exclusion)
}
FINDERS = {
    "formula": find_formulas,
    "functional": find_functional,
    "sum": find_sums,
    "order": find_orders,
    "sameness": find_sameness,
}

log = logging.getLogger("gans")


@dataclass
class Relations:
    """Relations that hold in the training rows, in an order in which their columns can be rebuilt.

    Attributes:
        names: the columns of a full table, in order.
        replaced: the columns that the model sees in place of others of the same name, and further ones.
        exclusions: whether levels that never occur together are to be found.
        switched_off: exclusions that are not to be used.
        left_out: what was found and cannot be kept beside the conditions, in words.
    """

    relations: list[Relation] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    replaced: list[Column] = field(default_factory=list)
    exclusions: bool = True
    switched_off: list[Exclusion] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @cached_property
    def building(self) -> dict[str, Relation]:
        """Relations by the column that they rebuild, parents first."""
        return {relation.determined: relation for relation in self.relations if relation.determined}

    @cached_property
    def dropped(self) -> dict[str, Relation]:
        """The columns that the model does not see, with the relations that rebuild them."""
        return {name: relation for name, relation in self.building.items() if relation.drops}

    @cached_property
    def copies(self) -> list[Relation]:
        """Those whose determined column the model sees as it is."""
        return [relation for relation in self.building.values() if relation.keeps]

    def trace(self, name: str) -> tuple[str, list[Relation]]:
        """The column that a dropped one follows from, through relations with one parent, and these, its own last."""
        links: list[Relation] = []
        while name in self.dropped and len(self.dropped[name].parents) == 1:
            links.insert(0, self.dropped[name])
            (name,) = self.dropped[name].parents
        return name, links

    def reduce_schema(self, schema: Schema) -> Schema:
        """The schema of what `reduce` returns."""
        replaced = {column.name: column for column in self.replaced}
        columns = [replaced.pop(c.name, c) for c in schema.columns if c.name not in self.dropped]
        return Schema([*columns, *replaced.values()])

    def reduce(self, table: pa.Table) -> pa.Table:
        """What the model sees: determined columns left out, higher ones of an inequality as differences.

        Raises:
            UserError: a column that is needed is missing from the table.
        """
        out = table.drop_columns([name for name in self.dropped if name in table.column_names])
        for relation in self.building.values():
            if relation.drops:
                continue
            for name in relation.columns:
                if name not in table.column_names:
                    has = ", ".join(table.column_names)
                    raise UserError(f"column '{name}' is missing from the table; it has {has}.")
            columns = _columns(table, relation)
            if not relation.keeps:
                place = out.column_names.index(relation.determined)
                out = out.set_column(place, relation.determined, relation.reduce(columns))
            if relation.further_name:
                out = out.append_column(relation.further_name, relation.further(columns))
        return out

    def restore(self, table: pa.Table) -> pa.Table:
        """The full table, in its order and with its types, such that every row holds every relation but exclusions."""
        if not self.building:
            return table
        arrays: dict[str, Any] = {name: table[name] for name in table.column_names}
        for name, relation in {relation.snapped: relation for relation in self.relations if relation.snapped}.items():
            if name in arrays:
                arrays[name] = relation.snap(arrays[name])
        for name, relation in self.building.items():
            arrays[name] = relation.restore(arrays)
        return pa.table({name: arrays[name] for name in self.names})

    def check(self, table: pa.Table) -> dict[str, float]:
        """By relation, the share of rows of a full table that hold it."""
        return {relation.text: float(relation.holds(table).mean()) for relation in self.relations}

    def explain(self, name: str) -> str:
        """Why a column is not learned; "" where that is for no relation."""
        relation = self.dropped.get(name)
        return f"it follows from {', '.join(relation.parents)}: {relation.text}" if relation else ""

    def summary(self) -> list[dict[str, Any]]:
        """For the stored schema: kind, text and support of each."""
        return [relation.summary() for relation in self.relations]

    def lines(self) -> list[str]:
        """One line a relation, for the terminal."""
        kept = [f"{relation.text}  ({_evidence(relation)})" for relation in self.relations]
        return kept + [f"not kept: {text}" for text in self.left_out]

    def to_json(self) -> str:
        """Everything, as text."""
        rows = {
            "relations": [relation.to_json() for relation in self.relations],
            "replaced": [dataclasses.asdict(column) for column in self.replaced],
        }
        plain = {
            "names": self.names,
            "exclusions": self.exclusions,
            "switched_off": [relation.to_json() for relation in self.switched_off],
            "left_out": self.left_out,
        }
        return json.dumps(rows | plain, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Relations":
        """The inverse of `to_json`.

        Raises:
            ValueError, KeyError, TypeError: it is not what `to_json` wrote.
        """
        stored = parse_json(text)
        relations, off = (
            [KINDS[row.pop("kind")](**row) for row in stored.pop(key)] for key in ("relations", "switched_off")
        )
        replaced = [Column(**row) for row in stored.pop("replaced")]
        return cls(relations, replaced=replaced, switched_off=off, **stored)  # pyright: ignore[reportArgumentType]


def find_relations(
    table: pa.Table, schema: Schema, entries: Sequence[str] = ("auto",), conditions: Sequence[str] = ()
) -> Relations:
    """The relations of the training rows: declared ones first, then those found.

    Args:
        table: the training rows, normalised.
        entries: `data.relations`: "auto", relations, and relations or kinds to leave out, after "not".
        conditions: columns that the model must see as they are.

    Raises:
        UserError: an entry cannot be read, does not hold, contradicts another, or changes a condition.
    """
    plan = _Plan(conditions)
    declared, denied, kinds = _read(entries)
    for relation in declared:
        relation.fit(table, schema)
        if conflict := plan.conflict(relation):
            raise UserError(f"{KEY}: '{relation.text}': {conflict}.")
        plan.add(relation)
    for relation in denied:
        if not isinstance(relation, Exclusion):
            _check_in_table(relation, schema)
    left_out: list[str] = []

    def accept(relation: Relation) -> bool:
        if any(_same(relation, other) for other in denied):
            return False
        reason = plan.conflict(relation)
        if reason and {relation.determined, relation.snapped} & set(conditions):
            left_out.append(f"{relation.text}; {reason}")
        return not reason

    automatic = "auto" in entries
    if automatic:
        sample = sample_rows(table)
        for kind, find in FINDERS.items():
            if kind not in kinds:
                for relation in find(table, sample, schema, plan.dropped(), accept):
                    plan.add(relation)
    ordered = plan.ordered()
    return Relations(
        ordered,
        names=[column.name for column in schema.kept],
        replaced=_replaced_columns(ordered, table, schema),
        exclusions=automatic and "exclusion" not in kinds,
        switched_off=[relation for relation in denied if isinstance(relation, Exclusion)],
        left_out=left_out,
    )


def _check_in_table(relation: Relation, schema: Schema) -> None:
    """Raise UserError where a relation that is switched off names a column that the table does not have."""
    names = [column.name for column in schema.columns]
    for name in relation.columns:
        if name not in names:
            relation.check_column(name, schema)


def _replaced_columns(relations: Sequence[Relation], table: pa.Table, schema: Schema) -> list[Column]:
    """The columns that the model sees in place of determined ones, and beside them."""
    out = []
    for relation in relations:
        if not relation.determined or relation.drops:
            continue
        columns = _columns(table, relation)
        if not relation.keeps:
            reduced = pa.chunked_array([relation.reduce(columns)])
            out.append(find_column(relation.determined, reduced, _reduced_kind(relation, schema)))
        if relation.further_name:
            further = pa.chunked_array([relation.further(columns)])
            out.append(find_column(relation.further_name, further, "numeric"))
    return out


def _reduced_kind(relation: Relation, schema: Schema) -> str:
    """The kind of what the model sees in place of a column."""
    if isinstance(relation, Order):
        return "integer" if relation.whole else "numeric"
    if isinstance(relation, Average):
        return "numeric"
    return schema[relation.determined].kind


def _columns(table: pa.Table, relation: Relation) -> dict[str, pa.ChunkedArray]:
    return {name: table[name] for name in relation.columns}


def _read(entries: Sequence[str]) -> tuple[list[Relation], list[Relation], set[str]]:
    """Declared relations, denied ones, and kinds that are switched off."""
    declared, denied, kinds = [], [], set()
    for entry in entries:
        text = entry.strip()
        word, _, rest = text.partition(" ")
        if text == "auto":
            continue
        if word != "not":
            declared.append(parse_relation(text))
            continue
        if "auto" not in entries:
            raise UserError(f"{KEY}: '{text}' switches off what is found, and nothing is sought without 'auto'.")
        if rest.strip() in KINDS:
            kinds.add(rest.strip())
        elif rest.strip().isidentifier():
            raise UserError(f"{KEY}: '{text}': after not goes a relation or one of {', '.join(KINDS)}.")
        else:
            denied.append(parse_relation(rest.strip()))
    return declared, denied, kinds


def _same(found: Relation, denied: Relation) -> bool:
    """Of one kind between the same columns, whichever of them is rebuilt."""
    return found.kind == denied.kind and set(found.columns) == set(denied.columns)


class _Plan:
    """Relations that fit together: each column is rebuilt once, and none from itself.

    Attributes:
        conditions: columns that the model must see as they are.
        building: relations by the column that they rebuild.
        others: relations that rebuild nothing.
    """

    def __init__(self, conditions: Sequence[str]) -> None:
        self.conditions = conditions
        self.building: dict[str, Relation] = {}
        self.others: list[Relation] = []

    def add(self, relation: Relation) -> None:
        if relation.determined:
            self.building[relation.determined] = relation
        else:
            self.others.append(relation)

    def dropped(self) -> set[str]:
        """Columns that a finder passes over: the model does not see them."""
        return {name for name, relation in self.building.items() if relation.drops}

    def conflict(self, relation: Relation) -> str:
        """Why a relation cannot be added; "" where it can."""
        name = relation.determined
        if not name:
            return ""
        if name in self.conditions:
            return (
                f"condition.columns names '{name}', which is rebuilt from {', '.join(relation.parents)}; "
                f"condition on {', '.join(relation.parents)} instead"
            )
        if relation.snapped in self.conditions:
            return f"condition.columns names '{relation.snapped}', whose unseen values it would move"
        if name in self.building:
            return f"'{name}' is rebuilt already by '{self.building[name].text}'"
        if self._reaches(relation.parents, name):
            return f"'{name}' would be rebuilt from itself"
        for other in (relation, *self.building.values()):
            snapped, built = other.snapped, self.building | {name: relation}
            if snapped in built and not isinstance(built[snapped], Functional):
                return f"'{snapped}' is rebuilt by '{built[snapped].text}', and '{other.text}' may move its values"
        return ""

    def _reaches(self, start: Sequence[str], goal: str) -> bool:
        waiting, seen = list(start), set()
        while waiting:
            name = waiting.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                waiting += self.building[name].parents if name in self.building else ()
        return False

    def ordered(self) -> list[Relation]:
        """Parents before what is rebuilt from them; relations that rebuild nothing last."""
        out: list[Relation] = []
        waiting = dict(self.building)
        while waiting:
            ready = [r for r in waiting.values() if not any(parent in waiting for parent in r.parents)]
            out += ready
            for relation in ready:
                del waiting[relation.determined]
        return out + self.others


def _evidence(relation: Relation) -> str:
    """The support in words."""
    support = relation.support
    if "same" in support:
        near = f", in a narrow ratio in {support['in_bands']:.0%}" if "in_bands" in support else ""
        return f"the same in {support['same']:.0%} of {support['rows']:,} rows{near}"
    text = f"in all {support['rows']:,} rows"
    if "levels" in support:
        text += f", {support['levels']:,} levels"
    if "violated_if_repaired" in support:
        text += f"; pairs at random would violate it in {support['violated_if_repaired']:.0%}"
    return text
