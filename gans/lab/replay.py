"""A run replayed on a page, from its directory alone: its snapshots, and rows of its best generator as the page asks.

A run that is in training goes on while the page looks on: its folder is looked at for snapshots that are new.
"""

import dataclasses
import datetime
import queue
from collections.abc import Mapping
from typing import Any

from gans.errors import UserError
from gans.evaluation.cells import ColumnCells
from gans.lab.server import Server
from gans.runs.saved import SavedRun
from gans.runs.snapshot_writer import texts

WAIT = 0.5  # seconds between two looks at the folder
SAMPLED = 1_000  # rows for what the page asks
SHOWN = 5  # of them as they are


class Replay:
    """A run on a page.

    Attributes:
        steps: whose snapshots there are.
    """

    def __init__(self, server: Server, path: str) -> None:
        """Open.

        Raises:
            UserError: there is no such run, or it has no snapshots and will have none.
        """
        self._server, self._path = server, path
        self._saved = SavedRun.open(path)
        self.steps = self._saved.snapshots.steps()
        if not self.steps and not self._saved.run.trainer.snapshots:
            raise UserError(f"run={path}: it has no snapshots; train with trainer.snapshots=20, or go on with it so.")
        if self.steps:
            self._saved.snapshots.real  # noqa: B018  what cannot be read is said before a page opens

    def run(self) -> None:
        """Publish until the process is interrupted."""
        self._publish()
        while True:
            try:
                browser, said = self._server.said.get(timeout=WAIT)
            except queue.Empty:
                self.look()
                continue
            try:
                self.answer(browser, said)
            except UserError as error:
                self._server.tell(browser, "refused", {"message": str(error)})

    def look(self) -> None:
        """Publish what is new in the folder."""
        if self._saved.snapshots.steps() != self.steps:
            self._saved = SavedRun.open(self._path)  # with a later checkpoint, perhaps
            self.steps = self._saved.snapshots.steps()
            self._publish()

    def answer(self, browser: int, said: Mapping[str, Any]) -> None:
        """Tell a browser what it asks for: a snapshot, or rows under a condition.

        Raises:
            UserError: there is no such thing.
        """
        if said["do"] == "snapshot":
            step = said.get("step")
            if step not in self.steps:
                raise UserError(f"step={str(step)[:60]}: there are snapshots of {', '.join(map(str, self.steps))}.")
            try:
                snapshot = self._saved.snapshots.read(int(step))
            except UserError:
                self._server.tell(browser, f"damaged{step}", {"step": step})  # so that the page goes on without it
                raise
            self._server.tell(browser, f"snapshot{step}", dataclasses.asdict(snapshot))
        elif said["do"] == "sample":
            self._server.tell(browser, "sampled", self.sampled(said.get("where")))
        elif said["do"] != "past":
            raise UserError(f"do={str(said['do'])[:60]}: allowed are snapshot, sample.")

    def sampled(self, where: Any) -> dict[str, Any]:
        """Counts of each column and a few rows of the best generator so far.

        Args:
            where: by column {"low": number or None, "high": ...}, low <= x < high, or a list of levels.

        Raises:
            UserError: an unknown column, a condition that no row meets, or no checkpoint yet.
        """
        columns = {column.name: column for column in self._saved.snapshots.real.columns}
        if not isinstance(where, Mapping):
            raise UserError("where: an object of columns is needed.")
        for name in where:
            if name not in columns:
                raise UserError(f"where: unknown column {str(name)[:60]}; allowed are {', '.join(columns)}.")
        given = {name: _condition(columns[name], value) for name, value in where.items()}
        table = self._saved.sampler().sample(SAMPLED, where=given or None)
        schema = {column.name: column for column in self._saved.schema.columns}
        rows = [texts(table[name].slice(0, SHOWN), schema[name]) for name in columns]
        return {
            "rows": SAMPLED,
            "counts": [cells.count(table[name]).tolist() for name, cells in columns.items()],
            "shown": [list(row) for row in zip(*rows, strict=True)],
        }

    def _publish(self) -> None:
        run = self._saved.run
        real = dataclasses.asdict(self._saved.snapshots.real) if self.steps else None
        self._server.publish(
            "run", {"run": self._saved.folder.name, "total": run.trainer.steps, "steps": self.steps, "real": real}
        )


def _condition(column: ColumnCells, value: Any) -> Any:
    """What the page says of a column, as `Where.of` takes it."""
    if isinstance(value, list) and column.levels:
        if not value or not all(isinstance(one, str) and one in column.levels for one in value):
            raise UserError(f"where: {column.name}={str(value)[:60]}: allowed are {', '.join(column.levels)}.")
        return [one == "true" for one in value] if column.kind == "boolean" else value
    if not isinstance(value, Mapping) or not column.axis:
        raise UserError(f"where: {column.name}={str(value)[:60]}: a list of levels or low and high are needed.")
    ends = [value.get("low"), value.get("high")]
    for end in ends:
        if end is not None and (isinstance(end, bool) or not isinstance(end, int | float) or not abs(end) < 1e15):
            raise UserError(f"where: {column.name}: {str(end)[:60]} is no number.")
    if column.kind == "datetime":
        first = datetime.datetime(1970, 1, 1)
        try:
            ends = [None if end is None else (first + datetime.timedelta(days=end)).isoformat(" ") for end in ends]
        except OverflowError:
            raise UserError(f"where: {column.name}: {ends} are no days since 1970.") from None
    if ends == [None, None]:
        raise UserError(f"where: {column.name}: low or high is needed.")
    return slice(*ends)
