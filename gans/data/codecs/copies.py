"""Columns of which some values are copies: rows as the model makes them, brought in line with what is decoded."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.base import FittedCodec
from gans.data.layout import Encoded

pc: Any = pyarrow.compute  # its functions are made at run time


def settle(codec: FittedCodec, encoded: Encoded, given: np.ndarray | None = None) -> Encoded:
    """The rows with such columns as `decode` rebuilds them.

    Args:
        given: 1 for each column that stays as it is, [columns]; the column that it is a copy of follows it.
    """
    building, copies = codec.relations.building, codec.relations.copies
    if not copies:
        return encoded
    learnt = {fitted.column.name: fitted for fitted in codec.columns}
    targets = {relation.determined for relation in copies}
    parents = {name for relation in copies for name in relation.parents}
    if not parents <= learnt.keys() or any(name in building and not building[name].keeps for name in parents):
        table = codec.decode(encoded)
        return _replace(codec, encoded, {name: table[name] for name in targets})
    names = targets | parents | {relation.further_name for relation in copies}
    made: dict[str, Any] = {name: learnt[name].decode(encoded) for name in names}
    arrays = dict(made)
    if given is not None:
        rows, places = len(encoded.scores), zip(codec.columns, given, strict=True)
        stays = {fitted.column.name: np.full(rows, one > 0) for fitted, one in places}
        for relation in reversed(copies):
            (parent,) = relation.parents
            follows = stays[relation.determined] & ~stays[parent]
            arrays[parent] = pc.if_else(pa.array(follows), relation.invert(arrays), arrays[parent])
            stays[parent] |= follows
    for relation in copies:
        arrays[relation.determined] = relation.restore(arrays)
    return _replace(codec, encoded, {name: array for name, array in arrays.items() if array is not made[name]})


def _replace(codec: FittedCodec, encoded: Encoded, arrays: dict[str, Any]) -> Encoded:
    """The rows with other values in some columns."""
    out = Encoded(encoded.scores.copy(), encoded.codes.copy())
    for name, array in arrays.items():
        fitted = codec[name]
        column = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
        for part, slot, values in zip(out, (fitted.score, fitted.code), fitted.encode(column, None), strict=True):
            if slot >= 0:
                part[:, slot] = values
    return out
