"""Stored files, read within bounds: what one may make this process allocate is known before it is allocated.

A file that somebody else made may be damaged, or made to hurt: a small one may unpack to more than the memory there is.
Every reader here says first what a file asks for and compares it with `allowed()`, a quarter of the memory that is
free. Numbers of a file are never trusted where its size can be counted.
"""

import contextlib
import json
import math
import typing
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar

from gans.errors import UserError
from gans.memory import free_or_guessed

if typing.TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SHARE = 0.25  # of the memory that is free: what one file may ask for
LEAST = 2**26  # bytes that every file may ask for
OBJECTS = 32  # bytes of objects that a byte of JSON becomes at most, as in [{},{},{}]
MOST_YAML = 2**22  # bytes; a config of 1,500 columns has 2**17
MOST_DEPTH = 100  # of nested lists and mappings
MOST_ENTRIES = 100_000  # files in an archive
MOST_PIXELS = 2**26  # of a picture

Made = TypeVar("Made")


def allowed() -> int:
    """Bytes that one file may make this process allocate: a quarter of the memory that is free, at least 64 MiB."""
    return max(int(SHARE * free_or_guessed()), LEAST)


def check_bytes(what: str | Path, asked: float) -> None:
    """Raise UserError where something asks for more memory than `allowed()`."""
    if not asked <= (limit := allowed()):
        raise UserError(
            f"{what}: it asks for {_gib(asked)} of memory; allowed are {_gib(limit)}, a quarter of what is free."
        )


def _gib(count: float) -> str:
    return f"{count / 2**30:,.2f} GiB"


@contextlib.contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """While the content of a file is read and looked at: whatever that raises is a fault of the file, and one line.

    Args:
        what: it should be, such as "a readable codec".

    Raises:
        UserError: the file is missing, damaged, or asks for too much memory.
    """
    try:
        yield
    except UserError as error:
        text = " ".join(str(error).split())
        raise UserError(text if text.startswith(str(path)) else f"{path}: not {what} ({text})") from None
    except FileNotFoundError:
        raise UserError(f"{path}: not {what} (no such file).") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: not {what} ({reason}).") from None


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """The content of a file of at most `most` bytes, else of at most `allowed()`.

    Raises:
        UserError: it is larger, or no regular file.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: it is not a file.")
    size = path.stat().st_size
    if most is None:
        check_bytes(path, size)
    elif size > most:
        raise UserError(f"{path}: it has {size:,} bytes; allowed are {most:,}.")
    with path.open("rb") as file:
        return file.read(size)  # not what was added since


def read_text(path: Path, most: int | None = None) -> str:
    """The content of a file in UTF-8 as text, as `read_bytes`.

    Raises:
        UserError: it is too large, or not in UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error.reason} at byte {error.start:,}).") from None


def parse_json(text: str | bytes) -> Any:
    """What a text of JSON says.

    Raises:
        ValueError: it is no JSON, is nested too deep, or would take too much memory.
    """
    if len(text) * OBJECTS > allowed():
        raise ValueError(f"{len(text):,} bytes of JSON; allowed are {allowed() // OBJECTS:,}")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def read_json(path: Path, what: str = "readable as JSON") -> Any:
    """What a file of JSON says.

    Args:
        what: it should be, as in `reading`.

    Raises:
        UserError: it is missing, damaged, nested too deep, or would take too much memory.
    """
    with reading(path, what):
        return parse_json(read_bytes(path))


def read_yaml(path: Path) -> str:
    """The text of a YAML file that is safe to parse: at most 4 MiB, not nested deep, without aliases.

    An alias stands for a copy of another value, and ten lines of them for more values than any memory holds. No file of
    this package has one.

    Raises:
        UserError: it is missing or is not like that.
    """
    import yaml

    with reading(path, "readable as YAML"):
        text = read_text(path, MOST_YAML)
        depth = 0
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.AliasEvent):
                raise UserError(f"line {event.start_mark.line + 1}: aliases (*{event.anchor}) are not read")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_DEPTH:
                raise UserError(f"line {event.start_mark.line + 1}: nested deeper than {MOST_DEPTH}")
        return text


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise UserError unless what a zip file says that it holds fits into memory, each under a name of its own."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise UserError(f"{path}: it contains {len(entries):,} files; allowed are {MOST_ENTRIES:,}.")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise UserError(f"{path}: it contains two files of one name.")
    for name in names:
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise UserError(f"{path}: it contains a file named '{name}'.")
    check_bytes(path, sum(entry.file_size for entry in entries))  # more than it says is never unpacked


def read_npz(path: Path) -> dict[str, "np.ndarray"]:
    """The arrays of a .npz file by name, whose headers agree with the sizes of their content; within `reading`.

    Raises:
        UserError: it asks for too much memory, or holds files of odd names.
        OSError, ValueError, zipfile.BadZipFile: it is missing, damaged, or holds something else than plain arrays.
    """
    out = {}
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        check_archive(path, archive)
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            with archive.open(entry) as content:
                out[name] = _array(content, entry.file_size, entry.filename)
    return out


def read_npy(path: Path) -> "np.ndarray":
    """The array of a .npy file whose header agrees with its size; within `reading`.

    Raises:
        UserError: it asks for too much memory.
        OSError, ValueError: it is missing, damaged, or holds something else than a plain array.
    """
    size = path.stat().st_size
    check_bytes(path, size)
    with path.open("rb") as content:
        return _array(content, size, path.name)


def _array(content: typing.IO[bytes], size: int, name: str) -> "np.ndarray":
    """The array in a stream of `size` bytes in the .npy format, versions 1 and 2.

    Raises:
        ValueError: it is none, is of objects, or its shape does not fit the size.
    """
    import numpy as np
    from numpy.lib import format as npy

    version = npy.read_magic(content)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{name} is of version {version}")
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = header(content)
    if dtype.hasobject or dtype.kind not in "biufcSU":
        raise ValueError(f"{name} holds {dtype}, which is not read")
    asked = math.prod(shape) * dtype.itemsize
    if any(side < 0 for side in shape) or asked != size - content.tell():
        shown = " x ".join(map(str, shape))
        raise ValueError(f"{name} should hold {shown} values of {dtype}, {asked:,} bytes, and has {size:,}")
    data = bytearray(content.read(asked))
    if len(data) != asked:
        raise ValueError(f"{name} ends after {len(data):,} of {asked:,} bytes")
    return np.ndarray(shape, dtype, data, order="F" if fortran else "C")


def read_parquet(path: Path) -> "pa.Table":
    """The table of a Parquet file, whose values fit into memory.

    A page of a few bytes may stand for any number of values, and a dictionary for a long text in each of them. Texts
    are therefore read as dictionaries, and their full size is counted before they are written out.

    Raises:
        UserError: it is damaged, or asks for too much memory.
    """
    import pyarrow as pa
    import pyarrow.compute
    import pyarrow.parquet as pq

    pc: Any = pyarrow.compute
    with reading(path, "a readable Parquet file"):
        schema, metadata = pq.read_schema(path), pq.read_metadata(path)
        check_parquet(path, metadata)
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
        table = pq.read_table(path, read_dictionary=texts)
        long = 0
        for name in texts:
            for chunk in table[name].chunks:
                lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0)
                long += pc.sum(lengths.take(chunk.indices)).as_py() or 0
        check_bytes(path, table.nbytes + long)
        return table.cast(schema)


def check_parquet(what: str | Path, metadata: Any) -> None:
    """Raise UserError where the values of a Parquet file do not fit into memory, texts counted without their length.

    Args:
        metadata: `pyarrow.parquet.FileMetaData`.
    """
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    check_bytes(what, max(unpacked, metadata.num_rows * metadata.num_columns * 4))


def check_picture(what: str, size: tuple[int, int]) -> None:
    """Raise UserError where a picture [width, height] has more than 2**26 pixels, or more than memory holds."""
    pixels = size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise UserError(f"{what}: it has {size[0]:,} x {size[1]:,} pixels; allowed are {MOST_PIXELS:,} in all.")
    check_bytes(what, 12 * pixels)  # two copies with transparency, and one without


def of_fields(kind: type[Made], row: Any) -> Made:
    """A dataclass from a mapping of JSON, each value of the type that its field has.

    Raises:
        TypeError: a field is missing, not known, or of another type.
    """
    if not isinstance(row, Mapping):
        raise TypeError(f"{kind.__name__} is not a mapping")
    hints = typing.get_type_hints(kind)
    for name, value in row.items():
        if name in hints and not _fits(value, hints[name]):
            raise TypeError(f"{kind.__name__}.{name} is {str(value)[:50]!r}")
    return kind(**row)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of a type; within lists and mappings too."""
    if hint is Any:
        return True
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inner[1]) for one in value.values())
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint if isinstance(hint, type) else object) if hint is not NoneType else value is None
