"""Columns of pandas of every dtype as columns that can be learned, and back."""

import datetime
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from gans.data.frames.arrow import (
    Learnable,
    NotLearnableError,
    arrow_value,
    category_text,
    chunked,
    kind_of_category,
    learnable,
    restored,
    type_of,
)
from gans.data.frames.cells import from_cell, to_cell
from gans.data.frames.zones import zone_from_json, zone_name, zone_to_json

pc: Any = pyarrow.compute  # its functions are made at run time

NUMBERS = (int, float, np.integer, np.floating)
OBJECTS: dict[str, tuple[type, ...]] = {  # what a column of dtype object may hold; of one kind, beside missing values
    "text": (str,),
    "booleans": (bool, np.bool_),
    "numbers": NUMBERS,
    "decimals": (Decimal,),
    "times": (datetime.datetime,),
    "dates": (datetime.date,),
    "times of day": (datetime.time,),
    "durations": (datetime.timedelta, np.timedelta64),
    "bytes": (bytes,),
    "periods": (pd.Period,),
    "intervals": (pd.Interval,),
}
MISSING = {"float": np.nan, "NAType": pd.NA, "NaTType": pd.NaT}  # by name of type; others are None


def read_series(series: pd.Series) -> Learnable:
    """A column of pandas as one that can be learned.

    Periods become ordinals; categories of other values than text, booleans and numbers become categories of text.

    Raises:
        NotLearnableError: its dtype or its values have no place in a table.
    """
    dtype: Any = series.dtype
    if isinstance(dtype, pd.ArrowDtype):
        inner = learnable(chunked(pa.array(series, from_pandas=True)))
        return inner._replace(back={"dtype": "arrow", "of": inner.back})
    if isinstance(dtype, pd.CategoricalDtype):
        return _read_categories(series)
    if isinstance(dtype, pd.IntervalDtype):
        inner = _read_categories(series.astype("category"))
        return inner._replace(back={"dtype": str(dtype), "of": inner.back})
    if isinstance(dtype, pd.SparseDtype):
        inner = read_series(series.sparse.to_dense())
        fill = to_cell(dtype.fill_value.item() if isinstance(dtype.fill_value, np.generic) else dtype.fill_value)
        return inner._replace(back={"dtype": str(dtype), "of": inner.back, "fill": fill})
    if isinstance(dtype, pd.PeriodDtype):
        values: Any = series.array
        ordinals = pa.array(np.asarray(values.asi8), mask=np.asarray(values.isna()))
        return Learnable(chunked(ordinals), {"dtype": str(dtype)}, "integer")
    if isinstance(dtype, pd.DatetimeTZDtype):
        zone = zone_to_json(dtype.tz)
        instants = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        array = chunked(pa.array(instants)).cast(pa.timestamp(dtype.unit)).cast(pa.timestamp(dtype.unit, "UTC"))
        array = array.cast(pa.timestamp(dtype.unit, zone_name(dtype.tz)))
        return Learnable(array, {"dtype": "zoned", "unit": dtype.unit, "zone": zone})
    if isinstance(dtype, pd.StringDtype):
        text = chunked(pa.array(series.to_numpy(object, na_value=None), pa.string()))
        return Learnable(text, _string_back(dtype))
    if pd.api.types.is_object_dtype(dtype):
        return _read_objects(series)
    if isinstance(dtype, np.dtype) and (dtype.kind not in "biufmM" or dtype.itemsize > 8):
        raise NotLearnableError("such values cannot be learned; write them as float64 or as text")
    if not (isinstance(dtype, np.dtype) or _holds_plain_numbers(dtype)):
        raise NotLearnableError("such values cannot be learned; write them as text, numbers or times")
    inner = learnable(chunked(pa.array(series, from_pandas=True)))
    return inner._replace(back={"dtype": str(dtype), "of": inner.back})


def restore_series(array: pa.ChunkedArray, back: dict[str, Any]) -> pd.Series:
    """What `read_series` made of a column, as a column of that dtype."""
    name = back["dtype"]
    if name == "category":
        return pd.Series(_restore_categories(array, back))
    if name == "zoned":
        instants = pd.Series(_ticks(array).view(f"M8[{back['unit']}]"))
        return instants.dt.tz_localize("UTC").dt.tz_convert(zone_from_json(back["zone"]))
    if name == "text":
        return pd.Series(pd.array(array.to_pandas().astype(object), dtype=_string_dtype(back)))
    if name == "object":
        return pd.Series(_restore_objects(array, back), dtype=object)
    if name == "arrow":
        return pd.Series(pd.arrays.ArrowExtensionArray(restored(array, back["of"])))  # pyright: ignore[reportAttributeAccessIssue]
    dtype: Any = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.Series(pd.arrays.PeriodArray(_ticks(array), dtype=dtype))
    if isinstance(dtype, pd.SparseDtype):
        dense = restore_series(array, back["of"])
        return dense.astype(pd.SparseDtype(dtype.subtype, from_cell(back["fill"])))
    if isinstance(dtype, pd.IntervalDtype):
        return pd.Series(_restore_categories(array, back["of"])).astype(dtype)
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        return pd.Series(_ticks(restored(array, back["of"])).view(dtype))
    values = restored(array, back["of"])
    if hasattr(dtype, "__from_arrow__"):  # dtypes of pandas that hold missing values beside whole numbers
        return pd.Series(dtype.__from_arrow__(values))  # pyright: ignore[reportAttributeAccessIssue]
    return values.to_pandas().astype(dtype)


def pack_index(index: pd.Index) -> dict[str, Any]:
    """An index, such as the names of columns or the categories of a dtype, for JSON.

    Raises:
        NotLearnableError: it holds objects that JSON cannot say.
    """
    name = {} if index.name is None else {"name": to_cell(index.name)}
    if isinstance(index, pd.MultiIndex):
        return {"arrays": [pack_index(index.get_level_values(level)) for level in range(index.nlevels)]}
    if isinstance(index, pd.IntervalIndex):
        return {"left": pack_index(index.left), "right": pack_index(index.right), "closed": index.closed, **name}
    if index.dtype == object:
        return {"objects": [to_cell(value) for value in index], **name}
    column = read_series(index.to_series())
    array = column.array
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    stored = array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array
    if pa.types.is_date(array.type) or pa.types.is_decimal(array.type):
        stored = array.cast(pa.string())
    return {"values": stored.to_pylist(), "type": str(array.type), "back": column.back, **name}


def unpack_index(stored: dict[str, Any]) -> pd.Index:
    """What `pack_index` packed."""
    if "arrays" in stored:
        return pd.MultiIndex.from_arrays([unpack_index(level) for level in stored["arrays"]])
    name = from_cell(stored.get("name"))
    if "left" in stored:
        left, right = unpack_index(stored["left"]), unpack_index(stored["right"])
        return pd.IntervalIndex.from_arrays(left, right, stored["closed"], name=name)
    if "objects" in stored:
        values = np.empty(len(stored["objects"]), object)
        values[:] = [from_cell(value) for value in stored["objects"]]
        return pd.Index(values, dtype=object, name=name, tupleize_cols=False)
    kind = type_of(stored["type"])
    array = pa.array(stored["values"], pa.int64() if pa.types.is_timestamp(kind) else None)
    return pd.Index(restore_series(chunked(array.cast(kind)), stored["back"]), name=name)


def learnable_value(value: Any, back: dict[str, Any]) -> Any:
    """A value of a column as the learned column has it; as it is, where it is none of the column."""
    if "type" in back:
        return arrow_value(value, back)
    if back["dtype"] == "category":
        index = unpack_index(back["categories"]) if back["categories"] else pd.Index([])
        places = index.get_indexer([value]) if index.is_unique else [-1]
        return _category_labels(index)[int(places[0])].as_py() if places[0] >= 0 else value
    if back["dtype"].startswith("period[") and isinstance(value, (str, pd.Period, datetime.date)):
        try:
            period: Any = pd.Period(value, back["dtype"][7:-1])
        except ValueError:
            return value
        return period.ordinal
    return learnable_value(value, back["of"]) if "of" in back else value


def _read_categories(series: pd.Series) -> Learnable:
    values: Any = series.array
    back = {"dtype": "category", "categories": pack_index(values.categories), "ordered": bool(values.ordered)}
    labels = _category_labels(values.categories)
    if pc.count_distinct(labels).as_py() < len(labels):
        raise NotLearnableError("two of its categories are the same as text; rename one")
    codes = np.asarray(values.codes).astype(np.int32)
    places = pa.array(codes, mask=codes < 0)
    if pa.types.is_boolean(labels.type) or all(isinstance(category, str) for category in values.categories):
        return Learnable(chunked(pa.DictionaryArray.from_arrays(places, labels)), back)
    plain = chunked(labels.take(places))
    return Learnable(plain, back, kind_of_category(plain))


def _restore_categories(array: pa.ChunkedArray, back: dict[str, Any]) -> Any:
    """A pandas.Categorical; without stored categories, as some runs are, of the values there are."""
    if back["categories"] is None:
        return array.to_pandas().astype(pd.CategoricalDtype(None, back["ordered"])).array
    index = unpack_index(back["categories"])
    labels = _category_labels(index)
    codes = pc.fill_null(pc.index_in(array.cast(labels.type), value_set=labels), -1).to_numpy()
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(index, back["ordered"]))


def _category_labels(index: pd.Index) -> pa.Array:
    """How the categories are learned: text, booleans and numbers as they are, others as text."""
    if len(index) == 0:
        return pa.array([], pa.string())
    if isinstance(index, pd.IntervalIndex):
        return pa.array([str(value) for value in index], pa.string())
    if index.dtype == object:
        kinds = {_kind_of_object(kind) for kind in set(map(type, index))}
        if not (len(kinds) == 1 and kinds <= {"text", "booleans", "numbers", "decimals"}):
            return pa.array([_text_of(value) for value in index], pa.string())
    column = read_series(index.to_series())
    array = column.array.combine_chunks()
    labels = category_text(array.dictionary.take(array.indices) if pa.types.is_dictionary(array.type) else array)
    return labels.cast(pa.string()) if pa.types.is_large_string(labels.type) else labels


def _text_of(value: Any) -> str:
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)


def _kind_of_object(kind: type) -> str:
    """The kind of OBJECTS that a Python type is of; its own name where it is of none."""
    return next((name for name, types in OBJECTS.items() if issubclass(kind, types)), kind.__name__)


def _read_objects(series: pd.Series) -> Learnable:
    """A column of dtype object: values of one kind, beside missing ones."""
    values, absent = series.to_numpy(object), series.isna().to_numpy()
    gone = Counter(type(value).__name__ for value in values[absent]).most_common(1)
    back: dict[str, Any] = {"dtype": "object", "missing": gone[0][0] if gone else "NoneType"}
    types = set(map(type, values[~absent]))
    kinds = sorted({_kind_of_object(kind) for kind in types})
    if len(kinds) > 1:
        raise NotLearnableError(f"it holds {' and '.join(kinds)}; make them all numbers or all text")
    if kinds and kinds[0] not in OBJECTS:
        raise NotLearnableError(f"values of type {kinds[0]} cannot be learned; write them as text or numbers")
    group = kinds[0] if kinds else "nothing"
    if group == "times" and len({value.tzinfo is None for value in values[~absent]}) > 1:
        raise NotLearnableError("it holds times with a zone and times without one; make them all of one sort")
    valid = values.copy()
    valid[absent] = None
    try:
        if group in ("periods", "intervals") or types & {pd.Timestamp, pd.Timedelta, np.timedelta64}:
            inner = read_series(_of_own_dtype(valid, group))
            return inner._replace(back={**back, "of": inner.back})
        array = chunked(_array_of_objects(valid))
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise NotLearnableError(f"its values do not go together ({error})") from None
    inner = learnable(array)
    return inner._replace(back={**back, "of": inner.back})


def _of_own_dtype(values: np.ndarray, kind: str) -> pd.Series:
    """Objects of pandas as a column of the dtype for them."""
    if kind == "times":
        return pd.Series(pd.to_datetime(values))
    if kind == "durations":
        return pd.Series(pd.to_timedelta(values))
    own = pd.Series(values).infer_objects()
    if own.dtype == object:
        raise ValueError(f"{kind} of several frequencies or sides")
    return own


def _array_of_objects(values: np.ndarray) -> Any:
    try:
        return pa.array(values, from_pandas=True)
    except OverflowError:
        return pa.array(values, pa.uint64(), from_pandas=True)


def _restore_objects(array: pa.ChunkedArray, back: dict[str, Any]) -> np.ndarray:
    """Python objects, and what the column had for missing values."""
    missing = MISSING.get(back["missing"])
    out = np.empty(len(array), object)
    if "dtype" in back["of"]:
        out[:] = list(restore_series(array, back["of"]).astype(object))
        out[array.is_null().to_numpy()] = missing
        return out
    out[:] = restored(array, back["of"]).to_pylist()
    if missing is not None:
        out[array.is_null().to_numpy()] = missing
    return out


def _ticks(array: pa.ChunkedArray) -> np.ndarray:
    """Whole numbers [rows] int64, with that of NaT for missing ones."""
    return pc.fill_null(array.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()


def _string_back(dtype: Any) -> dict[str, Any]:
    missing = getattr(dtype, "na_value", pd.NA)
    return {"dtype": "text", "storage": dtype.storage, "nan": missing is not pd.NA}


def _string_dtype(back: dict[str, Any]) -> Any:
    if not back["nan"]:
        return pd.StringDtype(back["storage"].removesuffix("_numpy"))
    try:
        return pd.StringDtype(back["storage"], na_value=np.nan)  # pyright: ignore[reportCallIssue]
    except TypeError:  # pandas before 2.3
        return pd.StringDtype("pyarrow_numpy")


def _holds_plain_numbers(dtype: Any) -> bool:
    """Whether it is a dtype of pandas for numbers or booleans beside missing values, such as Int64."""
    return type(dtype).__module__.split(".")[0] == "pandas" and getattr(dtype, "kind", "") in tuple("biuf")
