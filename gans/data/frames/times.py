"""Times that are written as text, by patterns of strftime."""

import pyarrow as pa

from gans.errors import UserError


def times_of(array: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """The times that text says by a pattern of strftime; in UTC where the pattern has a zone.

    Raises:
        UserError: the pattern is none, or a text does not fit it.
    """
    import pandas as pd

    text, zone = array.to_pandas(), "%z" in pattern.lower()
    if "%" not in pattern:
        raise UserError(f"'{pattern}' is not a format of times; allowed are those of strftime, such as '%Y-%m-%d'.")
    try:
        times = pd.to_datetime(text, format=pattern, errors="coerce", utc=zone)
    except ValueError as error:
        raise UserError(f"'{pattern}' is not a format of times ({error}).") from None
    bad = text[times.isna() & text.notna()]
    if len(bad):
        raise UserError(f"'{bad.iloc[0]}' does not fit the format '{pattern}'.")
    found = pa.array(times, pa.timestamp("us", "UTC" if zone else None), from_pandas=True, safe=False)
    return pa.chunked_array([found] if isinstance(found, pa.Array) else found.chunks)


def text_of(array: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """Times as text, by a pattern of strftime."""
    text = pa.array(array.to_pandas().dt.strftime(pattern), pa.string(), from_pandas=True)
    return pa.chunked_array([text] if isinstance(text, pa.Array) else text.chunks)
