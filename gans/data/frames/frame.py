"""A frame as a table that can be learned, and a sampled table as a frame like it."""

import datetime
import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gans.data.delimited.written import Written
from gans.data.frames.arrow import Learnable, NotLearnableError, arrow_value, learnable, refusal, restored
from gans.data.frames.times import text_of
from gans.errors import UserError

if TYPE_CHECKING:
    from gans.data.schema import Column, Schema

log = logging.getLogger("gans")

INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name in a file
LIBRARIES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "Table"}


@dataclass
class Frame:
    """A frame as a table that can be learned, and what brings sampled tables back to its form.

    Attributes:
        table: its columns, whose names are text.
        kinds: of the columns whose dtype decides what they are, such as categories that are numbers.
        fields: by column the fields of the schema that bring its dtype back.
        form: the library and the names of the columns, for `Schema.frame`.
        unread: columns that cannot be learned, and are to be left out; the table has them as missing.
    """

    table: pa.Table
    kinds: dict[str, str]
    fields: dict[str, dict[str, Any]]
    form: dict[str, Any]
    unread: list[str] = field(default_factory=list)

    def check_kinds(self, kinds: Mapping[str, str]) -> None:
        """Refuse by a UserError to learn a category of numbers as numbers, which need not be among its levels."""
        for name, kind in kinds.items():
            if self.kinds.get(name) in ("category", "id") and kind in ("numeric", "integer", "datetime"):
                raise UserError(
                    f"kinds: column '{name}' is {kind}, but the frame has it as a category; allowed are category, id, "
                    "text. Cast it to numbers or times to learn it as these."
                )


def read_frame(frame: Any, drop: Collection[str] = ()) -> Frame:
    """A frame of pandas or polars or a table of Arrow as a table that can be learned; an index is left out.

    Args:
        drop: columns that will be left out, which need not be of a dtype that can be learned.

    Raises:
        UserError: it is no frame, is empty, a name occurs twice, or another column cannot be learned; the message names
            the column, its dtype and a remedy.
    """
    library = library_of(frame)
    form: dict[str, Any] = {"library": library}
    if library == "pandas":
        from gans.data.frames.pandas_columns import pack_index, read_series

        labels, columns = list(frame.columns), [frame.iloc[:, place] for place in range(frame.shape[1])]
        try:
            form["columns"] = pack_index(frame.columns)
        except NotLearnableError as error:
            raise UserError(f"a name of a column of the frame: {error}.") from None
        read: Callable[[Any], Learnable] = read_series
    elif library == "polars":
        from gans.data.frames.polars_columns import read_series

        labels, columns, read = frame.columns, list(frame.iter_columns()), read_series
    else:
        frame = without_index(frame)
        labels, columns, read = frame.column_names, frame.columns, learnable
    if len(labels) == 0 or len(frame) == 0:
        raise UserError(f"the frame is empty: {len(frame)} rows, {len(labels)} columns.")
    names = _names(labels)
    form["names"] = names
    whole = Frame(pa.table({}), {}, {}, form)
    arrays = []
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        dtype = column.type if library == "pyarrow" else column.dtype
        try:
            found = read(column)
        except (NotLearnableError, pa.ArrowException) as error:
            if name not in drop:
                raise refusal(labels[place], dtype, error) from None
            found = Learnable(pa.chunked_array([pa.nulls(len(frame))]), {})
            whole.unread.append(name)
        if library == "pyarrow":
            found.back["nullable"] = frame.schema.field(place).nullable
        arrays.append(found.array)
        whole.fields[name] = {"frame": found.back}
        if found.kind is not None:
            whole.kinds[name] = found.kind
    whole.table = pa.table(arrays, names=names)
    return whole


def to_frame(table: pa.Table, schema: "Schema") -> Any:
    """A sampled table as a frame of the library and with the names and dtypes of the training frame; of pandas without.

    Columns that it lacks are left out.

    Raises:
        UserError: the training frame was one of polars, which is not installed here.
    """
    sampled = [column for column in schema.sampled if column.name in table.column_names]
    columns = {column.name: _as_written(table[column.name], column, schema) for column in sampled}
    backs = {column.name: _back(column) for column in sampled}
    library = _library_of(schema)
    if library == "pyarrow":
        arrays = [restored(array, backs[name]) for name, array in columns.items()]
        described = [
            pa.field(name, array.type, backs[name]["nullable"]) for name, array in zip(columns, arrays, strict=True)
        ]
        return pa.table(arrays, schema=pa.schema(described))
    if library == "polars":
        try:
            import polars as pl
        except ImportError:
            raise UserError("the model was fitted on a polars frame; install polars to sample from it.") from None
        from gans.data.frames.polars_columns import restore_series

        return pl.DataFrame({name: restore_series(array, backs[name]) for name, array in columns.items()})
    import pandas as pd

    from gans.data.frames.pandas_columns import restore_series, unpack_index

    whole = {
        name: restore_series(array, backs[name]) if backs[name] else array.to_pandas()
        for name, array in columns.items()
    }
    frame = pd.DataFrame(whole)
    if schema.frame:
        places = {name: place for place, name in enumerate(schema.frame["names"])}
        frame.columns = unpack_index(schema.frame["columns"]).take([places[name] for name in columns])
    return frame


def learnable_where(where: Mapping[Any, Any], schema: "Schema") -> dict[str, Any]:
    """What columns may hold, with the names and values that the training frame has, as the table has them."""
    known = {column.name: column for column in schema.columns}
    out = {}
    for name, allowed in ((text_name(label), allowed) for label, allowed in where.items()):
        column = known.get(name)
        back = _back(column) if column else {}
        pattern = (column.format or (column.written or {}).get("format", "")) if column and schema.frame else ""
        out[name] = _each(allowed, lambda value, back=back, pattern=pattern: _learnable(value, back, pattern))
    return out


def _as_written(array: pa.ChunkedArray, column: "Column", schema: "Schema") -> pa.ChunkedArray:
    """Times as text again, where the frame had them so."""
    if column.format:
        return text_of(array, column.format)
    if schema.frame and column.written:
        return pa.chunked_array([Written.from_json(column.written).text(chunk) for chunk in array.chunks], pa.string())
    return array


def without_index(table: pa.Table) -> pa.Table:
    """A table without the columns that pandas writes for an index that has no name."""
    found = [name for name in table.column_names if INDEX.fullmatch(name)]
    if found and b"pandas" in (table.schema.metadata or {}):
        log.warning("left out: %s, the index of a frame of pandas", ", ".join(found))
        table = table.drop_columns(found)
    return table


def library_of(frame: Any, key: str = "frame") -> str:
    """The library of a frame.

    Args:
        key: what it was given as, for the message.

    Raises:
        UserError: it is no frame.
    """
    kind = type(frame)
    for one in kind.__mro__:
        library = one.__module__.split(".")[0]
        if LIBRARIES.get(library) == one.__name__:
            return library
    raise UserError(
        f"{key}={kind.__module__}.{kind.__qualname__}: allowed are pandas.DataFrame, polars.DataFrame, pyarrow.Table."
    )


def _library_of(schema: "Schema") -> str:
    if schema.frame:
        return schema.frame["library"]
    return "polars" if any(column.dtype.startswith("polars.") for column in schema.columns) else "pandas"


def _names(labels: list[Any]) -> list[str]:
    """The names of columns as text.

    Raises:
        UserError: two are the same.
    """
    names = list(map(text_name, labels))
    seen: dict[str, Any] = {}
    for name, label in zip(names, labels, strict=True):
        if name in seen:
            other = seen[name]
            same = type(other) is type(label)
            what = f"named '{name}'" if same else f"whose names are the same as text, {other!r} and {label!r}"
            raise UserError(f"the frame has two columns {what}; rename one.")
        seen[name] = label
    return names


def text_name(label: Any) -> str:
    """The name of a column as text; names of several levels are joined by "_"."""
    return "_".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _each(allowed: Any, change: Callable[[Any], Any]) -> Any:
    """One value, several, or a slice of them, each changed."""
    if isinstance(allowed, slice):
        return slice(*map(change, (allowed.start, allowed.stop, allowed.step)))
    return [change(value) for value in allowed] if isinstance(allowed, (list, set, frozenset)) else change(allowed)


def _learnable(value: Any, back: dict[str, Any], pattern: str) -> Any:
    """A value of the frame as the learned column has it; `pattern` is how the frame writes times as text."""
    if value is None or not back:
        return value
    if pattern and isinstance(value, str):
        return _moment(value, pattern)
    if "dtype" in back:
        from gans.data.frames.pandas_columns import learnable_value

        return learnable_value(value, back)
    return arrow_value(value, back.get("of", back))


def _moment(text: str, pattern: str) -> str:
    """A time by a format of strftime as ISO text; as it is where it has another form."""
    try:
        found = datetime.datetime.strptime(text, pattern.replace("%-", "%"))
    except ValueError:
        return text
    return found.isoformat() if "%H" in pattern or "%I" in pattern else found.date().isoformat()


def _back(column: "Column") -> dict[str, Any]:
    """What brings a column back; of a run of an earlier version from the fields that it has instead."""
    if column.frame or not column.dtype:
        return column.frame
    of = {"type": column.type}
    if column.dtype.startswith("polars."):
        name = column.dtype.removeprefix("polars.")
        own = {"categories": column.categories} if name == "Enum" else {} if name == "Categorical" else {"of": of}
        return {"polars": name, **own}
    if column.dtype == "category":
        import pandas as pd

        from gans.data.frames.pandas_columns import pack_index

        stored = None if column.categories is None else pack_index(pd.Index(column.categories))
        return {"dtype": "category", "categories": stored, "ordered": column.ordered}
    return {"dtype": column.dtype, "missing": "NoneType", "of": of}
