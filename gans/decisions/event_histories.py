"""Event histories of synthetic customers, and how far they keep to their profiles."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data import histories
from gans.data.customer_profiles import Profiles
from gans.data.events.features import windowed
from gans.errors import UserError
from gans.files import temporary_folder, write_table
from gans.runs.saved import SavedRun

WINDOWED = re.compile(r"[a-z]+_(\d{1,4})d")  # such as orders_90d


@dataclass
class EventHistories:
    """Events of synthetic customers.

    Attributes:
        events: tables by name: customers, orders, views, social.
        kept: by column of the profiles how far the profiles of the events agree with it.
        method: how the events were drawn.
    """

    events: dict[str, pa.Table]
    kept: Mapping[str, Mapping[str, float]]
    method: str


def draw_histories(saved: SavedRun, n: int, reference: str | None, where: Any, seed: int) -> EventHistories:
    """Draw profiles of a run and events for them, and make profiles of these events again.

    Args:
        reference: the date of the profiles, up to which events go; None for that of the run.
        where: what profiles may hold, as `Sampler.sample` takes it.

    Raises:
        UserError: the run was not trained on profiles, read as such or as a table that has their columns; or the date
            is none, or in the future.
    """
    source, names = saved.run.data, [column.name for column in saved.schema.sampled]
    windows = source.windows if isinstance(source, Profiles) else windows_of(names)
    if not isinstance(source, Profiles) and not windows:
        raise UserError(
            f"run={saved.folder}: its table was not made of events; data=profiles or online_retail is needed."
        )
    date = reference_date(reference or (source.reference if isinstance(source, Profiles) else None))
    profiles = saved.sampler().sample(n, seed, where)
    events = histories.histories(profiles, date, windows, seed)
    with temporary_folder("gans-events-") as folder:
        files = {name: Path(folder) / f"{name}.parquet" for name, table in events.items() if table.num_rows}
        for name, path in files.items():
            write_table(path, events[name])
        again = Profiles(
            **{name: str(path) for name, path in files.items()},  # pyright: ignore[reportArgumentType]
            reference=str(date),
            windows=windows,
            levels=100,
        )
        made, _ = again.profiles()
    return EventHistories(events, histories.kept(profiles, made), histories.__doc__ or "")


def windows_of(names: Sequence[str]) -> list[int]:
    """The windows, in days, of the columns of profiles that were read as a table; none where it is another table."""
    found = {int(match[1]) for name in names if (match := WINDOWED.fullmatch(name))}
    return sorted(days for days in found if {one.name for one in windowed(days)} & set(names))


def reference_date(text: str | None) -> np.datetime64:
    """A day that is over.

    Raises:
        UserError: there is none, it is no date, or it is in the future.
    """
    if not text:
        raise UserError("reference is not set, and the run has no data.reference; write reference=2025-01-31.")
    try:
        date = np.datetime64(text, "D")
    except ValueError:
        raise UserError(f"reference={text}: a date is needed, as in reference=2025-01-31.") from None
    if date > np.datetime64("today"):
        raise UserError(f"reference={text}: it is in the future; events end on the day before it.")
    return date
