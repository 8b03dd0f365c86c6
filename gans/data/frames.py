"""Frames of pandas and polars as tables, and sampled tables as frames like them."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gans.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from gans.data.schema import Column, Schema

POLARS = "polars."  # begins the `dtype` of a column that came from polars


def read_frame(frame: "pd.DataFrame | pl.DataFrame") -> tuple[pa.Table, dict[str, dict[str, Any]]]:
    """A frame as a table, names as text, and by column the fields of a schema that bring its dtype back.

    Raises:
        UserError: it is no frame, a name occurs twice, or a column holds what a table cannot.
    """
    import pandas as pd

    if type(frame).__module__.split(".")[0] == "polars":
        import polars as pl

        if isinstance(frame, pl.DataFrame):
            return _read_polars(frame)
    if not isinstance(frame, pd.DataFrame):
        kind = type(frame)
        raise UserError(f"frame={kind.__module__}.{kind.__qualname__}: allowed are pandas.DataFrame, polars.DataFrame.")
    names = [str(name) for name in frame.columns]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"the frame has two columns named '{twice[0]}'.")
    plain = frame.set_axis(names, axis=1)
    try:
        table = pa.Table.from_pandas(plain, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UserError(f"the frame cannot be read: {' '.join(map(str, error.args))}") from None
    return table, {name: _pandas_fields(plain[name]) for name in names}


def to_frame(table: pa.Table, schema: "Schema") -> Any:
    """A sampled table as a frame of the library and with the dtypes of the training frame; of pandas without one.

    Raises:
        UserError: the training frame was one of polars, which is not installed here.
    """
    columns = {
        column.name: text_of(table[column.name], column.format) if column.format else table[column.name]
        for column in schema.sampled
    }
    if any(column.dtype.startswith(POLARS) for column in schema.columns):
        try:
            import polars as pl
        except ImportError:
            raise UserError("the model was fitted on a polars frame; install polars to sample from it.") from None
        return pl.DataFrame({name: _to_polars(array, schema[name]) for name, array in columns.items()})
    import pandas as pd

    return pd.DataFrame({name: _to_pandas(array, schema[name]) for name, array in columns.items()})


def times_of(array: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """The times that text says by a pattern of strftime; in UTC where the pattern has a zone.

    Raises:
        UserError: the pattern is none, or a text does not fit it.
    """
    import pandas as pd

    text, zone = array.to_pandas(), "%z" in pattern.lower()
    if "%" not in pattern:
        raise UserError(f"'{pattern}' is no format of times; allowed are those of strftime, such as '%Y-%m-%d'.")
    try:
        times = pd.to_datetime(text, format=pattern, errors="coerce", utc=zone)
    except ValueError as error:
        raise UserError(f"'{pattern}' is no format of times ({error}).") from None
    bad = text[times.isna() & text.notna()]
    if len(bad):
        raise UserError(f"'{bad.iloc[0]}' does not fit the format '{pattern}'.")
    found = pa.array(times, pa.timestamp("us", "UTC" if zone else None), from_pandas=True, safe=False)
    return pa.chunked_array([found] if isinstance(found, pa.Array) else found.chunks)


def text_of(array: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    """Times as text, by a pattern of strftime."""
    text = pa.array(array.to_pandas().dt.strftime(pattern), pa.string(), from_pandas=True)
    return pa.chunked_array([text] if isinstance(text, pa.Array) else text.chunks)


def _pandas_fields(series: Any) -> dict[str, Any]:
    """The fields of a schema's column that bring a sampled column back to this dtype."""
    dtype: Any = series.dtype
    if not hasattr(dtype, "categories"):
        return {"dtype": str(dtype)}
    categories = list(dtype.categories)
    plain = all(isinstance(category, (str, int, float, bool)) for category in categories)
    return {"dtype": "category", "categories": categories if plain else None, "ordered": bool(dtype.ordered)}


def _to_pandas(array: pa.ChunkedArray, column: "Column") -> "pd.Series":
    import pandas as pd

    if column.dtype == "category":
        return array.to_pandas().astype(pd.CategoricalDtype(column.categories, column.ordered))
    dtype: Any = pd.api.types.pandas_dtype(column.dtype) if column.dtype else None
    if hasattr(dtype, "__from_arrow__"):  # dtypes of pandas that hold missing values beside whole numbers
        return pd.Series(dtype.__from_arrow__(array))
    series = array.to_pandas()
    return series if dtype is None else series.astype(dtype)


def _read_polars(frame: "pl.DataFrame") -> tuple[pa.Table, dict[str, dict[str, Any]]]:
    import polars as pl

    fields, arrays = {}, []
    for series in frame.iter_columns():
        dtype = series.dtype
        array = None if dtype == pl.Object else _arrow(series)
        if array is None or (isinstance(dtype, pl.Categorical) and dtype != pl.Categorical()):
            raise UserError(
                f"column '{series.name}' of the frame holds {dtype!r}, which cannot be represented; cast it to text, "
                "numbers, times, Boolean, Enum or Categorical()."
            )
        fields[series.name] = {"dtype": f"{POLARS}{dtype.base_type().__name__}"}
        if isinstance(dtype, pl.Enum):
            fields[series.name]["categories"] = dtype.categories.to_list()
        arrays.append(array)
    return pa.table(arrays, names=frame.columns), fields


def _arrow(series: "pl.Series") -> pa.Array | None:
    """The array of a series; None where Arrow has no such type."""
    try:
        return series.to_arrow()
    except pa.ArrowInvalid:
        return None


def _to_polars(array: pa.ChunkedArray, column: "Column") -> "pl.Series":
    """Units, zones and decimals are those of the Arrow type already."""
    import polars as pl

    series, name = pl.Series(values=array), column.dtype.removeprefix(POLARS)
    if name == "Enum":
        return series.cast(pl.Enum(column.categories or []))
    dtype = getattr(pl, name)
    return series if series.dtype == dtype else series.cast(dtype)
