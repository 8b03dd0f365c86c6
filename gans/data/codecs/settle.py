"""Rows as the model makes them, brought in line with what is decoded: values that are atoms, and copies of others."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.codecs.base import FittedCodec
from gans.data.layout import Encoded

pc: Any = pyarrow.compute  # its functions are made at run time


def settle(codec: FittedCodec, encoded: Encoded, given: np.ndarray | None = None) -> Encoded:
    """The rows as encoding what `decode` makes of them would give them, as far as an exclusion can tell.

    Columns of which some values are copies are as `decode` rebuilds them, and so is what tells that they are copies; a
    number that is rounded to the value of an atom has the atom's code.

    Args:
        given: 1 for each column that stays as it is, [columns]; the column that it is a copy of follows it.
    """
    return _atoms(codec, _copies(codec, encoded, given))


def _copies(codec: FittedCodec, encoded: Encoded, given: np.ndarray | None) -> Encoded:
    """The rows with copies, and what tells that they are copies, as `decode` rebuilds them."""
    building, copies = codec.relations.building, codec.relations.copies
    if not copies:
        return encoded
    learned = {fitted.column.name: fitted for fitted in codec.columns}
    targets = {relation.determined for relation in copies}
    parents = {name for relation in copies for name in relation.parents}
    ratios = {relation.further_name for relation in copies}
    if not parents <= learned.keys() or any(name in building and not building[name].keeps for name in parents):
        table = codec.relations.reduce(codec.decode(encoded))
        return _replace(codec, encoded, {name: table[name] for name in targets | ratios})
    arrays: dict[str, Any] = {name: learned[name].decode(encoded) for name in targets | parents | ratios}
    if given is not None:
        rows, places = len(encoded.scalars), zip(codec.columns, given, strict=True)
        stays = {fitted.column.name: np.full(rows, one > 0) for fitted, one in places}
        for relation in reversed(copies):
            (parent,) = relation.parents
            follows = stays[relation.determined] & ~stays[parent]
            arrays[parent] = pc.if_else(pa.array(follows), relation.invert(arrays), arrays[parent])
            stays[parent] |= follows
    for relation in copies:
        arrays[relation.determined] = relation.restore(arrays)
        arrays[relation.further_name] = relation.further(arrays)
    return _replace(codec, encoded, arrays)


def _atoms(codec: FittedCodec, encoded: Encoded) -> Encoded:
    """The rows with the code of the atom where a number between two knots is rounded to one that an exclusion names."""
    named = {cell for i, x, j, y in codec.layout.exclusions for cell in ((i, x), (j, y))}
    codes = encoded.codes.copy()
    for fitted in codec.columns:
        if fitted.numeric and any(code == fitted.code and level >= len(fitted.knots) for code, level in named):
            codes[:, fitted.code] = fitted.atom_codes(fitted.decode_numbers(encoded), codes[:, fitted.code])
    return Encoded(encoded.scalars, codes)


def _replace(codec: FittedCodec, encoded: Encoded, arrays: dict[str, Any]) -> Encoded:
    """The rows with other values in some columns.

    Encoding and decoding move numbers between the knots a little, so only rows whose value or code is another change.
    """
    out = Encoded(encoded.scalars.copy(), encoded.codes.copy())
    names = [column.name for column in codec.schema.columns]
    for name, array in arrays.items():
        fitted = codec[name]
        column = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
        scalars, codes = fitted.encode(column, None)
        if name in names:
            other = pc.fill_null(pc.not_equal(column, fitted.decode(encoded)), True).to_numpy()
        else:
            other = codes != encoded.codes[:, fitted.code]
        for part, slot, values in zip(out, (fitted.scalar, fitted.code), (scalars, codes), strict=True):
            if slot >= 0:
                part[other, slot] = values[other]
    return out
