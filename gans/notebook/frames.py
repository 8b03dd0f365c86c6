"""Plain tables of Arrow and frames of any library, neither of them learned."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.data.detection import normalise
from gans.data.frames import library_of
from gans.errors import UserError


def as_frame(table: pa.Table, library: str) -> Any:
    """A table as a frame of pandas or polars, or as it is."""
    if library == "polars":
        import polars as pl

        return pl.from_arrow(table)
    return table if library == "pyarrow" else table.to_pandas()


def plain_table(frame: Any, key: str) -> pa.Table:
    """A frame as a table, whose categories are unpacked; an index of pandas is left out.

    Args:
        key: what it was given as, for messages.

    Raises:
        UserError: it is no frame, is empty, or a column mixes types.
    """
    library = library_of(frame, key)
    try:
        if library == "pandas":
            table = pa.Table.from_pandas(frame, preserve_index=False)
        else:
            table = frame.to_arrow() if library == "polars" else frame
        return normalise(table).replace_schema_metadata()
    except UserError as error:
        raise UserError(f"{key}: {error}") from None
    except pa.ArrowException as error:
        raise UserError(f"{key}: {error.args[-1]}; make its values all numbers, all times or all text.") from None


def files_and_frames(given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, pa.Table]]:
    """What was given by name, parted into paths (or queries) and tables; what is None is left out.

    Raises:
        UserError: something is neither.
    """
    there = {key: value for key, value in given.items() if value is not None}
    files = {key: str(value) for key, value in there.items() if isinstance(value, (str, Path))}
    return files, {key: plain_table(value, key) for key, value in there.items() if key not in files}
