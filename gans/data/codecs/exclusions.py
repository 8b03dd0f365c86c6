"""Levels that never occur together: from the relations of a table to the codes of its codec."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.codecs.base import FittedCodec
from gans.data.layout import Encoded
from gans.data.relations import exclusion_texts, find_exclusions
from gans.data.relations.base import KEY
from gans.data.relations.exclusions import Exclusion, plain
from gans.data.schema import arrow_type
from gans.errors import UserError, nearest

SHOWN = 10


def exclude(codec: FittedCodec, encoded: Encoded) -> tuple[FittedCodec, list[dict[str, Any]]]:
    """The codec with the exclusions of its training rows, found and declared, and their summary for schema.json.

    The mode of a number is drawn in encoding, and excludes nothing.

    Raises:
        UserError: a declared exclusion is between levels that have no code of their own.
    """
    relations, (names, levels) = codec.relations, codec.code_names()
    names = [_seen_name(codec, name) for name in names]
    cells = find_exclusions(encoded.codes, codec.layout.cardinalities) if relations.exclusions else []
    off = {cell for denied in relations.switched_off for cell in _cells(denied, codec)}
    drawn = {(c.code, mode) for c in codec.columns if len(c.knots) > 1 for mode in range(len(c.knots))}
    cells = [cell for cell in cells if cell[:4] not in off and not drawn & {cell[:2], cell[2:4]}]
    declared = [relation for relation in relations.relations if isinstance(relation, Exclusion)]
    added = {cell for relation in declared for cell in _cells(relation, codec)} - {cell[:4] for cell in cells}
    kept = [cell[:4] for cell in cells] + sorted(added)
    found = {"rows": len(encoded.codes), "least_expected": min((cell[4] for cell in cells), default=0.0)}
    summary = [{"kind": "exclusion", "text": text, "support": found} for text in exclusion_texts(cells, names, levels)]
    return dataclasses.replace(codec, exclusions=np.array(kept, np.int32).reshape(-1, 4)), summary


def exclusion_lines(summary: list[dict[str, Any]]) -> list[str]:
    """The first ones, for the terminal."""
    texts = [relation["text"] for relation in summary if relation["kind"] == "exclusion"]
    more = [f"and {len(texts) - SHOWN} more such exclusions, see schema.json"] if len(texts) > SHOWN else []
    return texts[:SHOWN] + more


def _seen_name(codec: FittedCodec, name: str) -> str:
    """What the model sees under the name of a column."""
    relation = codec.relations.building.get(name)
    return name if relation is None else relation.seen_name


def _cells(relation: Exclusion, codec: FittedCodec) -> list[tuple[int, int, int, int]]:
    """The cells of codes that an exclusion empties; none between columns of which one follows from the other."""
    if len({codec.relations.trace(name)[0] for name in relation.columns}) == 1:
        return []
    (i, values), (j, others) = (_values(relation, name, codec) for name in relation.columns)
    for name, known, wanted in zip(
        relation.columns, (values, others), ([relation.value], relation.values), strict=True
    ):
        unknown = [value for value in wanted if value not in known]
        if unknown:
            allowed = ", ".join(map(repr, dict.fromkeys(known[:20])))
            raise UserError(f"{KEY}: '{relation.text}': {unknown[0]!r} is not a level of '{name}': {allowed}.")
    excluded = [
        y
        for y, value in enumerate(others)
        if (value in relation.values) != relation.among and (value is not None or None in relation.values)
    ]
    cells = [(i, x, j, y) for x, value in enumerate(values) if value == relation.value for y in excluded]
    return [cell if i < j else (*cell[2:], *cell[:2]) for cell in cells]


def _values(relation: Exclusion, name: str, codec: FittedCodec) -> tuple[int, list[Any]]:
    """The code that says what a column holds, and for each of its levels the column's value as the grammar has it."""
    names, levels = codec.code_names()
    shown = [_seen_name(codec, name) for name in names]
    source, links = codec.relations.trace(name)
    if source not in shown:
        rebuilt = codec.relations.building.get(source)
        why = f"is rebuilt by '{rebuilt.text}'" if rebuilt else "has no levels; categories are needed"
        raise UserError(f"{KEY}: '{relation.text}': column '{name}' {why}.{nearest(name, shown)}")
    code = shown.index(source)
    if not links:
        return code, list(map(plain, levels[code]))
    fitted = codec[source]
    if fitted.numeric:
        raise UserError(f"{KEY}: '{relation.text}': '{name}' follows from '{source}', which has no levels.")
    values: dict[str, Any] = {source: pa.array(fitted.levels, arrow_type(fitted.column.type))}
    for link in links:
        values[link.determined] = link.restore(values)
    return code, list(map(plain, values[name].to_pylist()))
