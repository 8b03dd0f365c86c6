"""Arrow arrays of every flat type as arrays that can be learned, and back."""

import datetime
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.detection import image_text
from gans.data.schema import arrow_type
from gans.errors import UserError

pc: Any = pyarrow.compute  # its functions are made at run time

EPOCH = datetime.datetime(1970, 1, 1)
DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}  # in ticks of a unit
PARTS_OF_DAY = (1, 24, 24 * 60, 24 * 3_600, 24 * 3_600_000, 24 * 3_600_000_000, 24 * 3_600_000_000_000)
ALIKE = {"halffloat": pa.float16(), "large_string": pa.large_string(), "large_binary": pa.large_binary()}
VIEWS = {"string_view": pa.string_view(), "binary_view": pa.binary_view(), "null": pa.null(), "binary": pa.binary()}
LEAST_ROWS = 20  # of fewer rows, distinct values say nothing


class Learnable(NamedTuple):
    """A column that can be learned.

    Attributes:
        array: of numbers, text, booleans, dates or times.
        back: what `restored` needs, for JSON.
        kind: its kind in the schema, where the type decides it; None where the values do.
    """

    array: pa.ChunkedArray
    back: dict[str, Any]
    kind: str | None = None


class NotLearnableError(Exception):
    """Values that cannot be learned; the message says why, and what to do."""


def refusal(name: object, dtype: object, why: object) -> UserError:
    """The error for a column that cannot be learned."""
    return UserError(f"column {name!r} of the frame has the dtype {dtype}: {why}, or leave it out by data.drop.")


def learnable(array: pa.ChunkedArray) -> Learnable:
    """An array of a flat type as one that can be learned.

    Durations and times of day become whole numbers, counted in the largest unit from a day down that holds them all;
    bytes become their hexadecimal digits; numbers and dates of a dictionary become categories.

    Raises:
        NotLearnableError: it holds lists, structs or other types that have no single value.
    """
    kind = array.type
    back: dict[str, Any] = {"type": str(kind)}
    if pa.types.is_dictionary(kind):
        return _learnable_dictionary(array)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        ticks = pc.cast(array.cast(pa.int32()) if pa.types.is_time32(kind) else array, pa.int64())
        back["step"] = _step(ticks, kind.unit)
        return Learnable(pc.divide(ticks, back["step"]), back, "integer")
    if _is_binary(kind):
        return Learnable(_by_level(array.cast(pa.binary()), bytes.hex, pa.string()), back)
    if pa.types.is_decimal(kind) and not pa.types.is_decimal128(kind):
        return Learnable(_narrow(array), back)
    if image_text(kind):
        return Learnable(array, back)
    plain = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_timestamp)
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_date, pa.types.is_null)
    if not any(test(kind) for test in plain + text):
        raise NotLearnableError("such values cannot be learned; write them as text, numbers or times")
    return Learnable(array, back)


def restored(array: pa.ChunkedArray, back: dict[str, Any]) -> pa.ChunkedArray:
    """What `learnable` made of an array, as an array of the first type."""
    kind = type_of(back["type"])
    if pa.types.is_dictionary(kind):
        values = restored(array, back["values"])
        if "levels" not in back:
            return values.dictionary_encode().unify_dictionaries().cast(kind)
        levels = _cast_to(pa.array(back["levels"]), kind.value_type)
        chunks = [pc.index_in(chunk, value_set=levels).cast(kind.index_type) for chunk in values.chunks]
        arrays = [pa.DictionaryArray.from_arrays(chunk, levels, ordered=kind.ordered) for chunk in chunks]
        return pa.chunked_array(arrays, kind)
    if "step" in back:
        ticks = pc.multiply(array.cast(pa.int64()), back["step"])
        return (ticks.cast(pa.int32()) if pa.types.is_time32(kind) else ticks).cast(kind)
    if _is_binary(kind):
        return _by_level(array, bytes.fromhex, pa.binary()).cast(kind)
    return array if array.type == kind else array.cast(kind, safe=False)


def type_of(text: str) -> pa.DataType:
    """The Arrow type that `str(type)` named, for flat types."""
    if match := re.fullmatch(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>", text):
        return pa.dictionary(pa.type_for_alias(match[2]), type_of(match[1]), match[3] == "1")
    if match := re.fullmatch(r"(decimal\d+)\((\d+), (-?\d+)\)", text):
        return getattr(pa, match[1])(int(match[2]), int(match[3]))
    if match := re.fullmatch(r"fixed_size_binary\[(\d+)\]", text):
        return pa.binary(int(match[1]))
    known = ALIKE | VIEWS
    return known[text] if text in known else arrow_type(text)


def category_text(levels: pa.Array) -> pa.Array:
    """Levels of a category as text where they are dates or times: as `isoformat` writes them."""
    if not pa.types.is_temporal(levels.type):
        return levels
    return pa.array([None if level is None else level.isoformat() for level in levels.to_pylist()], pa.string())


def kind_of_category(values: pa.ChunkedArray) -> str:
    """The kind of a category whose levels are no text: `id` where every value of many rows is another one."""
    present = len(values) - values.null_count
    return "id" if LEAST_ROWS <= present == pc.count_distinct(values).as_py() else "category"


def chunked(array: Any) -> pa.ChunkedArray:
    """An array as one that may have several chunks."""
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def arrow_value(value: Any, back: dict[str, Any]) -> Any:
    """A value of an array as the learned array has it; as it is, where it is none of the array."""
    if isinstance(value, bytes):
        return value.hex()
    if "step" not in back:
        return value
    if isinstance(value, datetime.time):
        value = datetime.datetime.combine(EPOCH, value) - EPOCH
    if isinstance(value, (datetime.timedelta, np.timedelta64)):
        nanoseconds = pa.scalar(value, pa.duration("ns")).value
        steps, rest = divmod(nanoseconds, back["step"] * DAY["ns"] // DAY[type_of(back["type"]).unit])
        return steps if rest == 0 else steps + 0.5  # between two values that the column can have
    return value


def _learnable_dictionary(array: pa.ChunkedArray) -> Learnable:
    """A dictionary of text stays one; of other values it is unpacked."""
    kind = array.type
    inner = learnable(array.cast(kind.value_type))
    back: dict[str, Any] = {"type": str(kind), "values": inner.back}
    if kind.ordered:
        back["levels"] = array.unify_dictionaries().chunk(0).dictionary.cast(pa.string()).to_pylist()
    if _is_text(kind.value_type):
        return Learnable(inner.array.cast(pa.string()).dictionary_encode(), back)
    values = inner.array
    if pa.types.is_temporal(values.type):
        values = _by_level(values, lambda level: level.isoformat(), pa.string())
    return Learnable(values, back, inner.kind if pa.types.is_boolean(values.type) else kind_of_category(values))


def _step(ticks: pa.ChunkedArray, unit: str) -> int:
    """The largest part of a day, in ticks, of which all numbers are multiples."""
    values = ticks.drop_null().to_numpy()
    steps = [DAY[unit] // part for part in PARTS_OF_DAY if DAY[unit] % part == 0]
    return next((step for step in steps if not np.any(values % step)), 1)


def _by_level(array: pa.ChunkedArray, change: Callable[[Any], Any], kind: pa.DataType) -> pa.ChunkedArray:
    """Each distinct value changed by a function."""
    chunks = []
    for chunk in array.chunks:
        coded = chunk.dictionary_encode()
        levels = pa.array([change(level) for level in coded.dictionary.to_pylist()], kind)
        chunks.append(levels.take(coded.indices))
    return pa.chunked_array(chunks, kind)


def _narrow(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals as decimal128, exactly."""
    precision = min(array.type.precision, 38)
    try:
        return array.cast(pa.decimal128(precision, array.type.scale))
    except (pa.ArrowException, ValueError):
        raise NotLearnableError("decimals of more than 38 digits cannot be learned; cast them to float64") from None


def _cast_to(levels: pa.Array, kind: pa.DataType) -> pa.Array:
    return levels if levels.type == kind else levels.cast(kind)


def _is_binary(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
