"""Columns of polars of every dtype as columns that can be learned, and back."""

from typing import Any

import polars as pl
import pyarrow as pa

from gans.data.frames.arrow import Learnable, NotLearnableError, chunked, learnable, restored

WIDE = {"Int128": "Int64", "UInt128": "UInt64"}  # dtypes that Arrow has not, and those that hold the usual ones of them


def read_series(series: pl.Series) -> Learnable:
    """A column of polars as one that can be learned.

    Raises:
        NotLearnableError: it holds lists, structs, objects, or whole numbers beyond 64 bits.
    """
    name = series.dtype.base_type().__name__
    back: dict[str, Any] = {"polars": name}
    if isinstance(series.dtype, pl.Enum):
        back["categories"] = series.dtype.categories.to_list()
    elif name == "Categorical" and series.dtype != pl.Categorical():
        own: Any = series.dtype.categories  # pyright: ignore[reportAttributeAccessIssue]
        back["own"] = [own.name(), own.namespace(), own.physical().__name__]
    if name in WIDE:
        try:
            series = series.cast(getattr(pl, WIDE[name]))
        except pl.exceptions.InvalidOperationError:
            raise NotLearnableError("it holds whole numbers beyond 64 bits; cast it to Float64 or String") from None
    if name == "Object":
        raise NotLearnableError("such values cannot be learned; write them as text, numbers or times")
    try:
        array = series.to_arrow()
    except pa.ArrowInvalid:
        raise NotLearnableError("such values cannot be learned; write them as text, numbers or times") from None
    inner = learnable(chunked(array))
    if isinstance(series.dtype, (pl.Enum, pl.Categorical)):
        return Learnable(inner.array, back)
    return inner._replace(back={**back, "of": inner.back})


def restore_series(array: pa.ChunkedArray, back: dict[str, Any]) -> pl.Series:
    """What `read_series` made of a column, as a column of that dtype. Units, zones and decimals are those of Arrow."""
    name = back["polars"]
    series = pl.Series(values=restored(array, back["of"]) if "of" in back else array)
    if name == "Enum":
        return series.cast(pl.String).cast(pl.Enum(back["categories"] or []))
    if "own" in back:
        label, namespace, physical = back["own"]
        own: Any = pl.Categories(label, namespace, getattr(pl, physical))  # pyright: ignore[reportAttributeAccessIssue]
        return series.cast(pl.String).cast(pl.Categorical(own))
    dtype = getattr(pl, name)
    return series if series.dtype == dtype else series.cast(dtype)
