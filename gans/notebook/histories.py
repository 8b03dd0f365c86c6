"""Customers and their events as frames: fitted on a frame for each log, and drawn as frames by name."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from gans.data.events.logs import LOGS
from gans.data.frames import library_of, read_frame
from gans.errors import UserError, nearest
from gans.histories.drawn import Drawn
from gans.histories.saved import SavedHistories
from gans.notebook.frames import as_frame


def tables_of(frames: Any) -> tuple[dict[str, pa.Table], str]:
    """Frames of logs and customers as tables, by kind, and the library of the first one.

    Raises:
        UserError: there are none, a name is no kind of log, or a frame cannot be read.
    """
    if not isinstance(frames, Mapping) or not frames:
        raise UserError('frame: histories are learned from frames by name, as in {"orders": frame}.')
    for name in frames:
        if name not in LOGS:
            raise UserError(f"frame: {name!r}: allowed are {', '.join(LOGS)}.{nearest(str(name), LOGS)}")
    tables = {name: read_frame(frame).table for name, frame in frames.items()}
    return tables, library_of(next(iter(frames.values())))


def drawn_frames(saved: SavedHistories, n: int, where: Any, seed: int, library: str) -> dict[str, Any]:
    """New customers and their events, as frames by name: customers, and each log of the run.

    Raises:
        UserError: as gans.sample.
    """
    found = Drawn.joined(list(saved.draw(n, seed, where)))
    return {name: as_frame(table, library) for name, table in {"customers": found.customers, **found.logs}.items()}
