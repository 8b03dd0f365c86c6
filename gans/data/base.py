"""What every source of a table shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from gans.data.detection import detect, normalise
from gans.data.personal.handling import Handling
from gans.data.rare import RARE, merge_rare
from gans.data.schema import Schema
from gans.data.streaming import ParquetStream
from gans.errors import UserError, in_range, nearest


class Split(NamedTuple):
    """A table cut into training and held-out rows, and the schema of the training rows."""

    training: pa.Table
    holdout: pa.Table
    schema: Schema


@dataclass(kw_only=True)
class Source:
    """Where a table comes from.

    Attributes:
        holdout: share of rows that are set aside before anything is learned; scores during training are against them.
        split_seed: of that split; not the seed of the run, so that runs over seeds share their rows.
        limit: use this many rows only, drawn by split_seed; null for all.
        kinds: kinds of columns that detection got wrong, as in `data.kinds.zip=category`.
        drop: columns to leave out.
        keep: columns that are learned although they hold personal data, ids or free text.
        fake: columns of personal data that get made-up values in sampled rows.
        fake_key: a learned column; rows that are equal in it get the same made-up values.
        fake_locale: of made-up values, such as de_DE; found in the columns unless given.
        personal: kinds of personal data that detection got wrong, as in `data.personal.contact=email`, or none.
        rare: levels of a category that fewer training rows hold are said.
        merge_rare: learn these levels of text as one level, "other".
        target: the column that people ask about; experiments that condition on a label take it.
        relations: between columns, kept in generated rows: auto for those found, relations as in "city -> country" or
            "start <= end", and what is not to be used as in "not city -> country" or "not order"; [] for none.
        self_contained: whether its rows are part of the program, so that it reads no file, query or address of a user.
    """

    self_contained: ClassVar[bool] = False

    holdout: float = 0.1
    split_seed: int = 0
    limit: int | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)
    fake: list[str] = field(default_factory=list)
    fake_key: str = ""
    fake_locale: str = ""
    personal: dict[str, str] = field(default_factory=dict)
    rare: int = RARE
    merge_rare: bool = False
    target: str = ""
    relations: list[str] = field(default_factory=lambda: ["auto"])

    def __post_init__(self) -> None:
        in_range("data.holdout", self.holdout, 0, 1, open_low=True, open_high=True)
        in_range("data.split_seed", self.split_seed, 0)
        in_range("data.rare", self.rare, 0)
        if self.limit is not None:
            in_range("data.limit", self.limit, 4)

    def places(self) -> dict[str, str]:
        """By key what the user named for it to read: files, folders, queries."""
        if self.self_contained:
            return {}
        shared = {one.name for one in fields(Source)}
        own = [one for one in fields(self) if one.name not in shared]
        texts = {one.name: getattr(self, one.name) for one in own if getattr(self, one.name) != one.default}
        return {f"data.{name}": text for name, text in texts.items() if isinstance(text, str)}

    def read(self) -> pa.Table:
        """The whole table.

        Raises:
            UserError: it cannot be read.
        """
        raise NotImplementedError(f"{type(self).__name__} reads no table")

    def split(self, table: pa.Table | None = None) -> Split:
        """Read (unless a table is given), cut, and find the schema in the training rows.

        Of a stream, a sample takes the place of the training rows.

        Raises:
            UserError: the table cannot be read, has fewer than four rows, or nothing to learn.
        """
        if stream := self.streamed(table):
            if self.merge_rare:
                raise UserError("data.merge_rare=true: a table that is streamed is not changed; set data.stream=false.")
            return self._described(*stream.scan())
        return self._described(*self.cut(table))

    def cut(self, table: pa.Table | None = None) -> tuple[pa.Table, pa.Table]:
        """Training and held-out rows.

        Raises:
            UserError: the table cannot be read, or has fewer than four rows.
        """
        whole = normalise(self.read() if table is None else table)
        order = np.random.default_rng(self.split_seed).permutation(whole.num_rows)[: self.limit]
        if len(order) < 4:
            raise UserError(f"the table has {len(order)} rows; at least 4 are needed.")
        holdout_rows = min(max(1, round(self.holdout * len(order))), len(order) - 2)
        holdout, training = (whole.take(np.sort(part)) for part in (order[:holdout_rows], order[holdout_rows:]))
        return training, holdout

    def _described(self, training: pa.Table, holdout: pa.Table) -> Split:
        schema = detect(training, self.fixed_kinds(), self.drop, self.handling())
        self._check_target(schema)
        if self.merge_rare:
            training, holdout = merge_rare(training, holdout, schema, self.rare)
        schema.mixture = self.mixture()
        return Split(training, holdout, schema)

    def _check_target(self, schema: Schema) -> None:
        """Raise UserError where data.target is no column, or one that is left out without having been asked for."""
        names = [column.name for column in schema.columns]
        if self.target and self.target not in names:
            raise UserError(
                f"data.target={self.target}: the table has no such column; it has {', '.join(names)}."
                f"{nearest(self.target, names)}"
            )
        if self.target and self.target not in self.drop and schema[self.target].role == "dropped":
            raise UserError(f"data.target={self.target}: the column is left out: {schema[self.target].reason}.")

    def handling(self) -> Handling:
        """What is done with personal data."""
        return Handling(
            keep=self.keep,
            fake=self.fake,
            fake_key=self.fake_key,
            fake_locale=self.fake_locale,
            declared=self.personal,
        )

    def streamed(self, table: pa.Table | None = None) -> ParquetStream | None:
        """The stream of a table that is too large for memory; None where it is read as a whole."""
        del table
        return None

    def settled(self, stream: ParquetStream | None) -> "Source":
        """The source with what was decided of streaming, so that the rows of a run are found again."""
        del stream
        return self

    def mixture(self) -> dict[str, Any] | None:
        """Of a toy distribution, its `modes` [modes, columns] and `sigma`."""
        return None

    def fixed_kinds(self) -> Mapping[str, str]:
        """Kinds that need no detection."""
        return self.kinds
