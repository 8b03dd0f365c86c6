"""The tables of several sites, each cut by itself, as one."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow as pa

from gans.data.base import Source, Split
from gans.data.delimited.options import TextOptions
from gans.data.files import TableFile
from gans.errors import UserError
from gans.registry import register


def _matching(pattern: Path) -> list[Path]:
    """The files of a pattern, in the order of their names."""
    below = pattern.anchor or "."
    return sorted(Path(below).glob(str(pattern.relative_to(pattern.anchor))))


@register("data", "sites")
@dataclass(kw_only=True)
class Sites(TextOptions, Source):
    """One CSV or Parquet file a site. Each is cut into training and held-out rows by itself.

    `gans.federate` reads each file as a site that shares no row; `gans.train` puts their rows together.

    Attributes:
        files: a pattern, as in `data/site-*.parquet`.
    """

    files: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_text_options()

    def sites(self) -> dict[str, TableFile]:
        """By name (the file's, without its suffix) the source of each site.

        Raises:
            UserError: no files, or two of one name.
        """
        if not self.files:
            raise UserError("data.files is not set: data=sites needs data.files='FOLDER/site-*.parquet'.")
        paths = _matching(Path(self.files).expanduser())
        shared = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "files"}
        found: dict[str, TableFile] = {}
        for path in paths:
            if path.stem in found:
                raise UserError(f"data.files={self.files}: two files are named {path.stem}.")
            found[path.stem] = TableFile(path=str(path), stream=False, **shared)
        if not found:
            raise UserError(f"data.files={self.files}: there is no such file.")
        return found

    def read(self) -> pa.Table:
        """The rows of all sites.

        Raises:
            UserError: a file cannot be read, or has other columns than the first.
        """
        return self._together((name, source.read()) for name, source in self.sites().items())

    def split(self, table: pa.Table | None = None) -> Split:
        """Cut each site's table, and put together what came of them."""
        if table is not None:
            return super().split(table)
        parts = {name: source.cut() for name, source in self.sites().items()}
        training, holdout = (
            self._together((name, sides[place]) for name, sides in parts.items()) for place in range(2)
        )
        return self._described(training, holdout)

    def _together(self, tables: Iterator[tuple[str, pa.Table]]) -> pa.Table:
        rows: list[pa.Table] = []
        for name, table in tables:
            try:
                rows.append(table if not rows else table.select(rows[0].column_names))
                pa.concat_tables(rows, promote_options="permissive")
            except (KeyError, pa.ArrowException) as error:
                raise UserError(f"site {name}: its columns are not those of the first site ({error}).") from None
        return pa.concat_tables(rows, promote_options="permissive")
