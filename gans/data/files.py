"""Tables of the user: files, and folders of published tables."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.data.base import Source
from gans.data.delimited.columns import check_names
from gans.data.delimited.options import Known, TextOptions
from gans.data.delimited.reader import read_text_files
from gans.data.formats import PARQUET, format_of, readable_file
from gans.data.frames.frame import without_index
from gans.data.json_lines import read_json_lines
from gans.data.sql import first_line
from gans.data.streaming import SHARE, WINDOW, ParquetStream, free_memory
from gans.errors import UserError, in_range
from gans.registry import register

USES = {  # of options, in files of which kind
    "delimiter": (("text",), "text file (CSV)"),
    "encoding": (("text", "json"), "text file"),
    "header": (("text", "excel"), "text file (CSV) or workbook"),
    "sheet": (("excel",), "Excel workbook"),
}


def read_table(path: str, key: str, options: TextOptions | None = None, known: Known | None = None) -> pa.Table:
    """A file as a table: Parquet, text (CSV), JSON lines or an Excel workbook, by its name.

    Args:
        options: of files that have no types of their own, what the person says of it.
        known: of such files, columns that it should be like, those of the training table.

    Raises:
        UserError: the file is missing, of another kind, or cannot be read; the message names `key`.
    """
    file = readable_file(path, key)
    if format_of(file) != "parquet":
        table = read_files([file], f"{key}={path}", options, known)
        check_names(options or TextOptions(), table.column_names)
        return table
    import pyarrow.parquet as pq

    if options and (said := options.said()):
        raise UserError(f"{said[0]}: {key}={path} is a Parquet file, which has types of its own.")
    try:
        return without_index(pq.read_table(file))
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{key}={path}: not a readable Parquet file ({first_line(error)}).") from None


def read_files(
    paths: Sequence[Path],
    key: str,
    options: TextOptions | None = None,
    known: Known | None = None,
    prefer: str = "",
) -> pa.Table:
    """Files of one kind and of the same columns as one table: text (CSV), JSON lines or Excel workbooks.

    Args:
        key: what the files are called in messages, as in `data.path=FILE`.
        prefer: of workbooks, the sheet that is taken where it is there and none is given.

    Raises:
        UserError: one cannot be read, a value can be read in two ways or does not fit its column, or the columns
            differ.
    """
    kind = format_of(paths[0])
    if kind == "excel":
        from gans.data.excel.reader import read_workbooks

        return read_workbooks(paths, key, options, known, prefer)
    return (read_json_lines if kind == "json" else read_text_files)(paths, key, options, known)


@register("data", "table")
@dataclass(kw_only=True)
class TableFile(TextOptions, Source):
    """One file: Parquet, CSV, JSON lines or an Excel workbook.

    Attributes:
        path: the file.
        stream: read a Parquet file in windows during training; null for only where it would take more than a quarter
            of the memory that is free.
        window: rows of a window, of which one is on the device.
    """

    path: str = ""
    stream: bool | None = None
    window: int = WINDOW

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_text_options()
        in_range("data.window", self.window, 4)
        if self.stream and self.path and Path(self.path).suffix.lower() not in PARQUET:
            raise UserError(
                f"data.stream=true: data.path={self.path} is not a Parquet file; allowed are .parquet and .pq."
            )
        if self.stream and self.limit is not None:
            raise UserError(f"data.limit={self.limit}: a stream has no limit; leave out data.stream.")

    def streamed(self, table: pa.Table | None = None) -> ParquetStream | None:
        """The stream of a Parquet file, where `stream` says so or it would take too much of the memory that is free."""
        path = Path(self.path).expanduser()
        if table is not None or self.stream is False or path.suffix.lower() not in PARQUET or not path.is_file():
            return None
        stream = ParquetStream(path, self.window, self.holdout, self.split_seed)
        fits = self.limit is not None or stream.bytes <= SHARE * free_memory()
        return None if fits and not self.stream else stream

    def settled(self, stream: ParquetStream | None) -> Source:
        """Whether it is streamed does not depend on the memory that is free at another time."""
        return dataclasses.replace(self, stream=stream is not None)

    def check_file(self) -> None:
        """Raise UserError where no file is named, or there is none of tables."""
        if not self.path:
            raise UserError("data.path is not set: data=table needs data.path=FILE.csv, .parquet, .xlsx or .jsonl.")
        readable_file(self.path, "data.path")

    def read(self) -> pa.Table:
        """The table of the file."""
        self.check_file()
        options, kind = self.text_options(), format_of(Path(self.path))
        for name, (kinds, what) in USES.items():
            if kind and kind not in (*kinds, "parquet") and getattr(options, name) is not None:
                raise UserError(f"data.{name}: data.path={self.path} is no {what}.")
        return read_table(self.path, "data.path", options)


@register("data", "published")
@dataclass(kw_only=True)
class Published(Source):
    """A published table: from a folder of Parquet files, or fetched once from OpenML by scikit-learn.

    Attributes:
        root: the folder that holds FILE.
        file: name of the Parquet file.
        openml: number of the data set on OpenML, where it is there.
        rename: OpenML's column names that differ.
        categories: whole-number columns that are categories.
    """

    root: str | None = None
    file: str = ""
    openml: int | None = None
    rename: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)

    def places(self) -> dict[str, str]:
        """The file, or the number of the data set on OpenML."""
        return {"data.openml": str(self.openml)} if self.root is None else super().places()

    def fixed_kinds(self) -> Mapping[str, str]:
        """The published kinds, and over them the user's."""
        return dict.fromkeys(self.categories, "category") | self.kinds

    def read(self) -> pa.Table:
        """The table of the folder, or of OpenML."""
        if self.root is not None:
            return read_table(str(Path(self.root) / self.file), "data.root")
        if self.openml is None:
            raise UserError(f"data.root is not set: set it to the folder that contains {self.file}.")
        from sklearn.datasets import fetch_openml

        try:
            fetched: Any = fetch_openml(data_id=self.openml, as_frame=True, parser="auto")
        except Exception as error:
            raise UserError(
                f"OpenML data set {self.openml} cannot be fetched ({first_line(error)}); "
                f"set data.root to the folder that contains {self.file}."
            ) from None
        return pa.Table.from_pandas(
            fetched.frame.rename(columns=self.rename), preserve_index=False
        ).replace_schema_metadata()
