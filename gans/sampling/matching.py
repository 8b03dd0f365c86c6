"""Rows that satisfy a plan: drawn until enough fit, or with their columns given to the generator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.data.layout import Encoded
from gans.data.relations import Relation
from gans.errors import UserError
from gans.sampling.chunks import CHUNK, ROUNDS, Chunks, Given, Request, gumbel_max, in_threads
from gans.sampling.marginals import Marginals
from gans.sampling.where.plan import Plan
from gans.streams import host_stream

MOST_ROWS = 2**31  # a row number is an int32
RARE = 0.025  # a share of rows that fit, below which columns are given
PILOT = 2  # chunks that tell the share
CHUNKS = 40  # of generated rows for a chunk of fitting ones, as far as candidates are worth it
MOST_CHUNKS = 256  # at most


class MatchingRows:
    """Rows that satisfy a plan: generated until enough fit, or with their columns given where few do.

    With a refinement each row is one of several candidates that fit, as many as the share of fitting rows allows in a
    time that is bounded.
    """

    def __init__(self, chunks: Chunks, marginals: Marginals, plan: Plan, seed: int) -> None:
        self.chunks, self.codec, self.marginals, self.plan, self.seed = chunks, chunks.codec, marginals, plan, seed
        self.condition = chunks.generator.condition
        self.order = plan.rarest_first(marginals)
        self.choices = condition_choices(self.condition, plan.allowed, marginals)
        relations = self.codec.relations
        self.traced = {asked: relations.trace(asked) for asked in plan.where}
        rebuilt = {*relations.building, *(relation.snapped for relation in relations.relations)}
        direct = {fitted.column.name for fitted in self.codec.columns} - rebuilt  # decoded by themselves as in a row
        self.plain = not plan.relations and all(source in direct for source, _ in self.traced.values())
        pilots = [self._fits(self._candidates(MOST_ROWS - CHUNK * (1 + k), 0)) for k in range(PILOT)]
        self.share = float(np.mean(pilots))
        self.gives_columns = self.share < RARE and self.condition.takes_any_column and bool(self.order)
        most = 1 if chunks.refinement is None else chunks.refinement.candidates
        self.candidates = max(1, min(most, int(self.share * CHUNKS)))

    def table(self, low: int, high: int) -> pa.Table:
        """Rows low to high of those that fit."""
        first = low // CHUNK * CHUNK
        block = self._given_block if self.gives_columns else self._block
        blocks = in_threads(lambda start: block(start, min(high - start, CHUNK)), range(first, high, CHUNK))
        return pa.concat_tables(blocks).slice(low - first)

    def _block(self, start: int, count: int) -> pa.Table:
        """The first `count` rows of a chunk: one of each `candidates` fitting rows, as they are generated."""
        found: list[Encoded] = []
        have, needed = 0, count * self.candidates
        for attempt in range(MOST_CHUNKS):
            rows = self._candidates(start, attempt)
            fits = self._fits(rows) & ~self.chunks.broken(rows)
            found.append(Encoded(*(part[fits] for part in rows)))
            have += int(fits.sum())
            if have >= needed:
                break
        else:
            raise self._too_few(have // self.candidates, MOST_CHUNKS, count)
        rows = Encoded(*(np.concatenate(parts)[:needed] for parts in zip(*found, strict=True)))
        if self.chunks.refinement is not None:
            weights = self.chunks.refinement.log_weights(rows).reshape(count, self.candidates)
            chosen = gumbel_max(weights, host_stream("choice of a matching row", self.seed, start), axis=1)
            rows = Encoded(*(part[chosen + np.arange(count) * self.candidates] for part in rows))
        return self._decode(rows)

    def _given_block(self, start: int, count: int) -> pa.Table:
        """The first `count` fitting rows of a chunk, made with their columns given."""
        found: list[pa.Table] = []
        have = 0
        for attempt in range(ROUNDS):
            table = self._decode(self._given(start, attempt))
            fits = self._fit(table)
            found.append(table.filter(pa.array(fits)))
            have += int(fits.sum())
            if have >= count:
                return pa.concat_tables(found).slice(0, count)
        raise self._too_few(have, ROUNDS, count)

    def _too_few(self, have: int, chunks: int, count: int) -> UserError:
        rule = str(self.plan.where) or " and ".join(relation.text for relation in self.plan.relations)
        hint = ""
        if not self.condition.takes_any_column:
            hint = " A model trained with condition=subsets can be given any column."
        touching = self._touching()
        return UserError(
            f"where: {rule}: only {have} of {chunks * CHUNK:,} drawn rows match, but {count} are needed.{hint}"
            + (f" It meets the relations {', '.join(touching)}." if touching else "")
        )

    def _touching(self) -> list[str]:
        known = [*self.codec.relations.relations, *self.plan.relations]
        return [relation.text for relation in known if set(relation.columns) & set(self.plan.where)]

    def _given(self, start: int, attempt: int) -> Encoded:
        """Columns one after another: the value that the generator gives where it fits, else a draw from those that do.

        The rarest is drawn first, so that the others follow it.
        """
        codec, marginals = self.codec, self.marginals
        given, passes = Given(codec.empty(CHUNK), np.zeros(len(codec.columns), np.float32)), len(self.order)
        rows = given.rows
        rng = host_stream("given columns", self.seed, start, attempt)
        for place, name in enumerate(self.order):
            fitted, allowed, marginal = codec[name], self.plan.allowed[name], marginals[name]
            fits = np.zeros(CHUNK, bool)
            if place:
                made = self.chunks.chosen(Request(self.seed, start, attempt * passes + place, given=given))
                fits = self._satisfied(name, made)
                for old, new, slot in zip(rows, made, (fitted.scalar, fitted.code), strict=True):
                    if slot >= 0:
                        old[fits, slot] = new[fits, slot]
            weights = marginal.counts * allowed
            drawn = rng.choice(len(weights), CHUNK, p=weights / weights.sum())
            marginal.place(fitted, rows, np.flatnonzero(~fits), drawn[~fits])
            given.columns[codec.columns.index(fitted)] = 1
        return self.chunks.chosen(Request(self.seed, start, attempt * passes, given=given))

    def _candidates(self, start: int, attempt: int) -> Encoded:
        """A chunk of rows whose conditions leave an allowed value."""
        return self.chunks.candidates(Request(self.seed, start, attempt, choices=self.choices))

    def _satisfied(self, name: str, made: Encoded) -> np.ndarray:
        """Where a column holds what is asked of it and of those that follow from it."""
        return self._hold({asked: trace for asked, trace in self.traced.items() if trace[0] == name}, made)

    def _fits(self, rows: Encoded) -> np.ndarray:
        """Which rows fit; only what is asked for is decoded where that is possible."""
        return self._hold(self.traced, rows) if self.plain else self._fit(self._decode(rows))

    def _hold(self, traced: dict[str, tuple[str, list[Relation]]], rows: Encoded) -> np.ndarray:
        """Where columns, each with the learned one that it follows from and how, hold what is asked of them."""
        fits = np.ones(len(rows.scalars), bool)
        for asked, (source, links) in traced.items():
            values: dict[str, Any] = {source: self.codec.decode_column(source, rows)}
            for link in links:
                values[link.determined] = link.restore(values)
            fits &= self.plan.where[asked].mask(values[asked])
        return fits

    def _decode(self, rows: Encoded) -> pa.Table:
        """The rows as a table, mended where a further relation can be."""
        table = self.codec.decode(rows)
        for relation in self.plan.relations:
            table = relation.repair(table)
        return table

    def _fit(self, table: pa.Table) -> np.ndarray:
        """Which rows of a decoded table fit."""
        fits = self.plan.where.mask(table)
        if self.plan.relations:
            for relation in (*self.plan.relations, *self.codec.relations.relations):
                fits &= relation.holds(table)
        return fits


def condition_choices(
    condition: FittedCondition, allowed: Mapping[str, np.ndarray], marginals: Marginals
) -> dict[int, np.ndarray]:
    """By place among the conditions, which of its codes [cardinality] leave an allowed value.

    Args:
        allowed: by column, which values of its marginal are allowed.
    """
    out = {}
    for place, fitted in enumerate(condition.columns):
        name = fitted.column.name
        if name in allowed:
            codes = condition.codes(marginals.encoded(name))[:, place]
            out[place] = np.bincount(codes[allowed[name]], minlength=condition.cardinalities[place]) > 0
    return out
