"""A run replayed on a page, from its directory alone: its snapshots, and rows of its best generator as the page asks.

A run that is in training goes on while the page looks on: its folder is looked at for snapshots that are new. Where the
folder is gone the page says so, and goes on once it is back.
"""

import dataclasses
import datetime
import logging
import queue
from collections.abc import Mapping
from typing import Any

from gans.errors import UserError
from gans.evaluation.cells import ColumnCells
from gans.lab.refusals import RefusedError, listed, told
from gans.lab.server import Server
from gans.runs.saved import SavedRun
from gans.runs.snapshot_writer import texts

WAIT = 0.5  # seconds between two looks at the folder
SAMPLED = 1_000  # rows for what the page asks
SHOWN = 5  # of them as they are

log = logging.getLogger("gans")


class Replay:
    """A run on a page.

    Attributes:
        steps: whose snapshots there are.
        gone: whether its folder cannot be read now.
    """

    def __init__(self, server: Server, path: str) -> None:
        """Open.

        Raises:
            UserError: there is no such run, or it has no snapshots and will have none.
        """
        self._server, self._path, self.gone = server, path, False
        self._saved = SavedRun.open(path)
        self.steps, run = self._saved.snapshots.steps(), self._saved.run
        if not self.steps and not run.trainer.snapshots:
            raise UserError(f"run={path}: it has no snapshots; train or resume it with trainer.snapshots=20.")
        if self.steps:
            _ = self._saved.snapshots.real  # what cannot be read is said before a page opens

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
                self._server.tell(browser, "refused", told(error))
            except OSError as error:
                log.warning("%s: %s", self._path, error)
                self._server.tell(browser, "refused", told(RefusedError("gone", name=self._saved.folder.name)))

    def look(self) -> None:
        """Publish what is new in the folder, or that it is gone."""
        try:
            saved = SavedRun.open(self._path)  # with a later checkpoint, perhaps
            steps = saved.snapshots.steps()
            if steps == self.steps and not self.gone:
                return
            if self.steps and not steps:
                raise UserError(f"{saved.folder}: its snapshots are gone.")
            if steps:
                _ = saved.run, saved.snapshots.real  # what cannot be read counts as gone
        except (UserError, OSError) as error:
            if not self.gone:
                log.warning("%s", error)
                self.gone = True
                self._publish()
            return
        self.gone, self._saved, self.steps = False, saved, steps
        self._publish()

    def answer(self, browser: int, said: Mapping[str, Any]) -> None:
        """Tell a browser what it asks for: a snapshot, or rows under a condition.

        Raises:
            UserError: there is no such thing.
            OSError: the folder is gone.
        """
        if said["do"] == "snapshot":
            self._server.tell(browser, *self._snapshot(said.get("step")))
        elif said["do"] == "sample":
            self._server.tell(browser, "sampled", self.sampled(said.get("where")))
        elif said["do"] != "past":
            raise RefusedError("choice", name="do", value=said["do"], allowed=listed(("snapshot", "sample")))

    def _snapshot(self, step: Any) -> tuple[str, dict[str, Any]]:
        """A snapshot as a message; of a damaged one that it is, so that the page goes on without it."""
        if type(step) is not int or step not in self.steps:
            raise RefusedError("no_snapshot", value=step)
        try:
            return f"snapshot{step}", dataclasses.asdict(self._saved.snapshots.read(step))
        except UserError as error:
            self.look()
            if self.gone:
                raise RefusedError("gone", name=self._saved.folder.name) from None
            log.warning("%s Left out.", error)
            refusal = RefusedError("damaged", name=self._saved.snapshots.path(step).name)
            return f"damaged{step}", {"step": step, **told(refusal)}

    def sampled(self, where: Any) -> dict[str, Any]:
        """Counts of each column and a few rows of the best generator so far.

        Args:
            where: by column {"low": number or None, "high": ...}, low <= x < high, or a list of levels.

        Raises:
            UserError: an unknown column, a condition that no row meets, or no checkpoint yet.
            OSError: the folder is gone.
        """
        columns = {column.name: column for column in self._saved.snapshots.real.columns}
        if not isinstance(where, Mapping):
            raise RefusedError("object", name="where", value=where)
        for name in where:
            if name not in columns:
                raise RefusedError("column", name=name, allowed=listed(columns))
        given = {name: _condition(columns[name], value) for name, value in where.items()}
        try:
            sampler = self._saved.sampler()
        except UserError as error:
            log.warning("%s", error)
            raise RefusedError("no_generator") from None
        try:
            table = sampler.sample(SAMPLED, where=given or None)
        except UserError as error:
            log.warning("%s", error)
            raise RefusedError("impossible", names=listed(given)) from None
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
        facts = {"run": self._saved.folder.name, "total": run.trainer.steps, "steps": self.steps, "gone": self.gone}
        self._server.publish("run", facts | {"real": real})


def _condition(column: ColumnCells, value: Any) -> Any:
    """What the page says of a column, as `Where.of` takes it."""
    name = column.name
    if isinstance(value, list) and column.levels:
        if not value or not all(isinstance(one, str) and one in column.levels for one in value):
            raise RefusedError("choice", name=name, value=value, allowed=listed(column.levels))
        return [one == "true" for one in value] if column.kind == "boolean" else value
    if not isinstance(value, Mapping) or not column.axis:
        raise RefusedError("condition", name=name, value=value)
    ends = [value.get("low"), value.get("high")]
    for end in ends:
        if end is not None and (isinstance(end, bool) or not isinstance(end, int | float) or not abs(end) < 1e15):
            raise RefusedError("no_number", name=name, value=end)
    if column.kind == "datetime":
        first = datetime.datetime(1970, 1, 1)
        try:
            ends = [None if end is None else (first + datetime.timedelta(days=end)).isoformat(" ") for end in ends]
        except OverflowError:
            raise RefusedError("no_days", name=name, value=ends) from None
    if ends == [None, None]:
        raise RefusedError("no_ends", name=name)
    return slice(*ends)
