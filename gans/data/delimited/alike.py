"""A column of texts read as the training table has it: its type and how its file wrote it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.delimited import numbers, times
from gans.data.delimited.distinct import encoded, spread, trimmed
from gans.data.delimited.numbers import Style
from gans.data.delimited.typed import TRUTHS, Typed
from gans.data.delimited.written import Written
from gans.data.schema import Column, arrow_type

pc: Any = pyarrow.compute  # its functions are made at run time


def like(texts: pa.ChunkedArray, known: Column) -> Typed | None:
    """Texts as a column of another table; None where one does not fit that."""
    kind, written = arrow_type(known.type), Written.from_json(known.written or {})
    if pa.types.is_string(kind):
        return Typed(texts)
    coded = encoded(trimmed(texts))
    words = coded.dictionary
    lost = pc.equal(words, written.missing) if written.missing else pa.array(np.zeros(len(words), bool))
    values = _as(pc.if_else(lost, pa.scalar(None, pa.string()), words), kind, written)
    if values is None or np.any(np.asarray(values.is_null()) & ~np.asarray(pc.fill_null(lost, False))):
        return None
    return Typed(spread(values, coded), written)


def _as(words: pa.Array, kind: pa.DataType, written: Written) -> pa.Array | None:
    """Distinct texts as a type, as a file wrote it; null where one does not fit, None where the type is another."""
    if pa.types.is_boolean(kind):
        no, yes = written.words or TRUTHS[0]
        return pc.if_else(
            pc.equal(words, yes), True, pc.if_else(pc.equal(words, no), False, pa.scalar(None, pa.bool_()))
        )
    if pa.types.is_temporal(kind):
        return _as_times(words, kind, written.format)
    if pa.types.is_integer(kind) and written.style is None:  # of any number of digits
        whole = pc.all(pc.match_substring_regex(words, "^-?[0-9]+$")).as_py()
        values = numbers.whole_numbers(words) if whole else None
    else:
        values, _ = numbers.parse(words, written.style or Style())
    if values is None or (pa.types.is_integer(kind) and pa.types.is_floating(values.type)):
        return None
    try:
        return values.cast(kind)
    except pa.ArrowException:
        return None


def _as_times(words: pa.Array, kind: pa.DataType, pattern: str) -> pa.Array | None:
    try:
        read = times.iso(pa.chunked_array([words.drop_null()]))
    except (pa.ArrowInvalid, IndexError):
        return None
    if read and not words.null_count:
        values, fits = read[0].combine_chunks(), np.ones(len(words), bool)
    else:
        values, fits = times.parse(words, pattern or (read[1] if read else "%Y-%m-%d"))
    return values.cast(kind, safe=False) if fits[np.asarray(words.is_valid())].all() else None
