"""The distinct texts of a column, which are looked at once each, however many rows hold them."""

from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.numbers import UNSEEN

pc: Any = pyarrow.compute  # its functions are made at run time


def trimmed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without what cannot be seen at their ends; null where nothing is left."""
    texts = pc.utf8_trim(texts, characters=UNSEEN)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def encoded(texts: pa.ChunkedArray) -> pa.DictionaryArray:
    """Distinct texts, and which of them each row holds."""
    return texts.combine_chunks().dictionary_encode()


def spread(values: pa.Array, coded: pa.DictionaryArray) -> pa.ChunkedArray:
    """The value of each row, of those of distinct texts."""
    return pa.chunked_array([values.take(coded.indices)])
