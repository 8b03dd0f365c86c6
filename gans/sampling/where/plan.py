"""From `where` to what the learned columns may hold: checked against the table and its relations."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gans.data.relations import Relation, exclusion_texts
from gans.errors import UserError
from gans.sampling.marginals import Marginals
from gans.sampling.where.dates import date_formats
from gans.sampling.where.grammar import Where


@dataclass
class Plan:
    """What `where` means for the learned columns.

    Attributes:
        where: as it was given; rows must fit it in the end.
        allowed: by learned column, which of its values (those of its marginal) are allowed, bool [m].
        relations: further ones that rows must hold.
    """

    where: Where
    allowed: dict[str, np.ndarray]
    relations: list[Relation]

    def rarest_first(self, marginals: Marginals) -> list[str]:
        """The columns, that with the fewest allowed training rows first."""
        return sorted(self.allowed, key=lambda name: int(marginals[name].counts[self.allowed[name]].sum()))


def make_plan(given: Any, relations: list[Relation], marginals: Marginals) -> Plan:
    """Read `where` and see that rows like these can exist.

    A column that follows from one other column narrows that one; what follows from several is left to the rows.

    Raises:
        UserError: `where` cannot be read, names what is not there, or contradicts a relation.
    """
    codec = marginals.codec
    where = Where.of(given, date_formats(codec.schema))
    where.check(codec.schema)
    for relation in relations:
        for name in relation.columns:
            relation.check_column(name, codec.schema)
    learned = {fitted.column.name for fitted in codec.columns}
    building = codec.relations.building
    allowed: dict[str, np.ndarray] = {}
    reasons: dict[str, list[str]] = {}
    for name, rule in where.items():
        if name not in building and name not in learned:
            continue  # a constant column, which `check` has compared
        source, chain = codec.relations.trace(name)
        if source in building and not building[source].keeps:
            continue
        if not chain and codec[name].levels:
            fits = rule.levels(codec[name].levels)[codec[name].decode_levels(marginals.encoded(name))]
        else:
            values = {source: marginals.values(source)}
            for link in chain:
                values[link.determined] = link.restore(values)
            fits = rule.mask(values[name])
        reasons.setdefault(source, []).append(str(rule) + "".join(f" (and {link.text})" for link in chain))
        allowed[source] = allowed.get(source, True) & fits
        if not allowed[source].any():
            together = " and ".join(reasons[source])
            raise UserError(f"where: {together}: no training row has a value like that; nothing can be drawn.")
    plan = Plan(where, allowed, relations)
    _check_exclusions(plan, marginals)
    return plan


def _check_exclusions(plan: Plan, marginals: Marginals) -> None:
    codec = marginals.codec
    codes = {codec[name].code: np.unique(marginals[name].codes[fits]) for name, fits in plan.allowed.items()}
    pairs: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for i, x, j, y in codec.exclusions.tolist():
        if i in codes and j in codes and x in codes[i] and y in codes[j]:
            pairs.setdefault((i, j), set()).add((x, y))
    for (i, j), found in pairs.items():
        if len(found) == len(codes[i]) * len(codes[j]):
            names, levels = codec.code_names()
            texts = exclusion_texts([(i, x, j, y, 0.0) for x, y in found], names, levels)
            rules = " and ".join(str(plan.where[names[code]]) for code in (i, j) if names[code] in plan.where)
            raise UserError(f"where: {rules}: the training rows never have them together ({'; '.join(texts)}).")
