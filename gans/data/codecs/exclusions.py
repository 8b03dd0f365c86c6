"""Levels that never occur together: from the relations of a table to the codes of its codec."""

import dataclasses
from typing import Any

import numpy as np

from gans.data.codecs.base import FittedCodec
from gans.data.layout import Encoded
from gans.data.relations import exclusion_texts, find_exclusions
from gans.data.relations.base import KEY
from gans.data.relations.exclusions import Exclusion
from gans.errors import UserError

SHOWN = 10


def exclude(codec: FittedCodec, encoded: Encoded) -> tuple[FittedCodec, list[dict[str, Any]]]:
    """The codec with the exclusions of its training rows, found and declared, and their summary for schema.json.

    The mode of a number is drawn in encoding, and excludes nothing.

    Raises:
        UserError: a declared exclusion is between levels that have no code of their own.
    """
    relations, names = codec.relations, codec.code_names()
    cells = find_exclusions(encoded.codes, codec.layout.cardinalities) if relations.exclusions else []
    off = {cell for denied in relations.switched_off for cell in _cells(denied, *names)}
    drawn = {(c.code, mode) for c in codec.columns if len(c.knots) > 1 for mode in range(len(c.knots))}
    cells = [cell for cell in cells if cell[:4] not in off and not drawn & {cell[:2], cell[2:4]}]
    declared = [
        relation  # of a column that is looked up, the values that were seen hold it already
        for relation in relations.relations
        if isinstance(relation, Exclusion) and not set(relation.columns) & set(relations.dropped)
    ]
    added = {cell for relation in declared for cell in _cells(relation, *names)} - {cell[:4] for cell in cells}
    kept = [cell[:4] for cell in cells] + sorted(added)
    found = {"rows": len(encoded.codes), "least_expected": min((cell[4] for cell in cells), default=0.0)}
    summary = [{"kind": "exclusion", "text": text, "support": found} for text in exclusion_texts(cells, *names)]
    return dataclasses.replace(codec, exclusions=np.array(kept, np.int32).reshape(-1, 4)), summary


def exclusion_lines(summary: list[dict[str, Any]]) -> list[str]:
    """The first ones, for the terminal."""
    texts = [relation["text"] for relation in summary if relation["kind"] == "exclusion"]
    more = [f"and {len(texts) - SHOWN} more such implications, see schema.json"] if len(texts) > SHOWN else []
    return texts[:SHOWN] + more


def _cells(relation: Exclusion, names: list[str], levels: list[list[Any]]) -> list[tuple[int, int, int, int]]:
    places = []
    for name, values in ((relation.source, [relation.value]), (relation.target, relation.values)):
        if name not in names:
            raise UserError(f"{KEY}: '{relation.text}': column '{name}' has no levels; categories are needed.")
        code = names.index(name)
        unknown = [value for value in values if value not in levels[code]]
        if unknown:
            allowed = ", ".join(map(repr, levels[code][:20]))
            raise UserError(f"{KEY}: '{relation.text}': {unknown[0]!r} is no level of '{name}', which has {allowed}.")
        places.append((code, [levels[code].index(value) for value in values]))
    (i, [x]), (j, named) = places
    excluded = [y for y in range(len(levels[j])) if (y in named) != relation.among]
    return [(i, x, j, y) if i < j else (j, y, i, x) for y in excluded]
