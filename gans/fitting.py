"""Rows that satisfy a plan: drawn until enough fit, or with their columns given to the generator."""

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from gans.conditions.plan import Plan
from gans.conditions.subsets import FittedSubsets
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.sampling import CHUNK, MOST_ROWS, ROUNDS, Sampler

OFTEN = 0.2  # a share of rows that fit, from which on rows are drawn until enough fit
PILOT = 2  # chunks that tell the share


class Fitting:
    """Rows that satisfy a plan: drawn until enough fit where that is often, else with their columns given."""

    def __init__(self, sampler: Sampler, parameters: Any, plan: Plan, seed: int) -> None:
        self.sampler, self.parameters, self.plan, self.seed = sampler, parameters, plan, seed
        self.order = plan.rarest_first(sampler.marginals)
        self.choices = sampler.condition.choices(plan.allowed, sampler.marginals)
        self.draw = partial(sampler.draw, parameters, seed)
        pilots = [self._filter(self.draw(MOST_ROWS - CHUNK * (1 + k), 0, self.choices))[1] for k in range(PILOT)]
        self.share = float(np.mean(pilots))
        self.given = self.share < OFTEN and isinstance(sampler.condition, FittedSubsets) and bool(self.order)

    def table(self, low: int, high: int) -> pa.Table:
        """Rows low to high of those that fit."""
        first = low // CHUNK * CHUNK
        blocks = [self._block(start, min(high - start, CHUNK)) for start in range(first, high, CHUNK)]
        return pa.concat_tables(blocks).slice(low - first)

    def _block(self, start: int, count: int) -> pa.Table:
        """The first `count` fitting rows of those of a chunk."""
        found: list[pa.Table] = []
        have = 0
        for attempt in range(ROUNDS):
            rows = self._given(start, attempt) if self.given else self.draw(start, attempt, self.choices)
            table, fits = self._filter(rows)
            found.append(table.filter(pa.array(fits)))
            have += int(fits.sum())
            if have >= count:
                return pa.concat_tables(found).slice(0, count)
        rule = str(self.plan.where) or " and ".join(relation.text for relation in self.plan.relations)
        hint = ""
        if not isinstance(self.sampler.condition, FittedSubsets):
            hint = " A model trained with condition=subsets can be given any column."
        touching = self._touching()
        raise UserError(
            f"where: {rule}: only {have} of {ROUNDS * CHUNK:,} rows that were drawn fit, and {count} were needed.{hint}"
            + (f" It meets the relations {', '.join(touching)}." if touching else "")
        )

    def _touching(self) -> list[str]:
        known = [*self.sampler.codec.relations.relations, *self.plan.relations]
        return [relation.text for relation in known if set(relation.columns) & set(self.plan.where)]

    def _given(self, start: int, attempt: int) -> Encoded:
        """Columns one after another: the value that the generator gives where it fits, else a draw from those that do.

        The rarest is drawn first, so that the others follow it.
        """
        codec, marginals = self.sampler.codec, self.sampler.marginals
        given, passes = np.zeros(len(codec.columns), np.float32), len(self.order)
        rows = codec.empty(CHUNK)
        rng = np.random.default_rng((self.seed, start, attempt))
        for place, name in enumerate(self.order):
            fitted, allowed, marginal = codec[name], self.plan.allowed[name], marginals[name]
            fits = np.zeros(CHUNK, bool)
            if place:
                made = self.draw(start, attempt * passes + place, given=(rows, given))
                fits = self._satisfied(name, made)
                for old, new, slot in ((rows.scores, made.scores, fitted.score), (rows.codes, made.codes, fitted.code)):
                    if slot >= 0:
                        old[fits, slot] = new[fits, slot]
            weights = marginal.counts * allowed
            drawn = rng.choice(len(weights), CHUNK, p=weights / weights.sum())
            marginal.place(fitted, rows, np.flatnonzero(~fits), drawn[~fits])
            given[codec.columns.index(fitted)] = 1
        return self.draw(start, attempt * passes, given=(rows, given))

    def _satisfied(self, name: str, made: Encoded) -> np.ndarray:
        """Where a column holds what is asked of it and of those that follow from it."""
        codec, fits = self.sampler.codec, np.ones(len(made.scores), bool)
        for asked, rule in self.plan.where.items():
            source, links = codec.relations.trace(asked)
            if source != name:
                continue
            values = {name: codec.decode_column(name, made)}
            for link in links:
                values[link.determined] = link.restore(values)
            fits &= rule.mask(values[asked])
        return fits

    def _filter(self, rows: Encoded) -> tuple[pa.Table, np.ndarray]:
        """The rows as a table, mended where a further relation can be, and which of them fit."""
        table = self.sampler.codec.decode(rows)
        for relation in self.plan.relations:
            table = relation.repair(table)
        fits = self.plan.where.mask(table)
        if self.plan.relations:
            for relation in (*self.plan.relations, *self.sampler.codec.relations.relations):
                fits &= relation.holds(table)
        return table, fits
