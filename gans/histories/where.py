"""`where` of customers with events: what their generator is asked for, and what their events must then say."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.events.chains import HIDDEN, Shape
from gans.data.schema import Column, Schema
from gans.errors import UserError
from gans.histories.counted import attributes
from gans.sampling.where.dates import date_formats
from gans.sampling.where.grammar import Where


class Rules:
    """What customers may hold.

    Attributes:
        where: over the columns of customers with counted events.
        of_people: the part of it that the generator of customers is asked for: attributes, counts and sums.
    """

    def __init__(self, given: Any, people: Schema, shapes: Sequence[Shape]) -> None:
        self.where = Where.of(given, date_formats(people))
        sampled = [column.name for column in people.sampled]
        columns = [people[name] for name in attributes(sampled, shapes)]
        for shape in shapes:
            kind = shape.kind
            columns += [people[kind]] if kind in sampled else []
            columns += [Column(name=f"{kind}_{end}", kind="datetime", type="date32[day]") for end in ("first", "last")]
            totals = [f"{kind}_{name}" for name in shape.events.totals if name not in HIDDEN]
            columns += [people[name] for name in totals if name in sampled]
        self.where.check(Schema(columns))
        self.of_people = Where({name: rule for name, rule in self.where.items() if name in sampled})
        self._counted = set(self.where) - set(attributes(sampled, shapes))

    def mask(self, customers: pa.Table) -> np.ndarray:
        """Which customers fit, by what their events say of them, bool [customers]."""
        rules = Where({name: rule for name, rule in self.where.items() if name in self._counted})
        return rules.mask(customers)

    def too_few(self, attempts: int) -> UserError:
        """Customers of that kind are too rare."""
        return UserError(
            f"where: {self.where}: after {attempts} attempts there are customers whose events do not fit; ask for what "
            "real customers have more often."
        )
