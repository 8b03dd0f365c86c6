"""Customers and their events, drawn from a run of histories: what gans.sample and gans.events share."""

import logging
from pathlib import Path

from gans.cli.arguments import output_folder
from gans.cli.parts import needed, part_of
from gans.data.formats import format_of
from gans.errors import UserError
from gans.runs.files import RunFiles

log = logging.getLogger("gans")

HISTORIES = ("run", "n", "out", "customers", "where", "seed", "part")  # the keys that such a run takes


def is_run_of_histories(run: str) -> bool:
    """Whether a folder is that of a run of data=histories."""
    return RunFiles(Path(run).expanduser()).histories.is_file()


def draw_customers(run: str, out: str, n: int | None, customers: str | None, where: str, seed: int, part: str) -> None:
    """Draw customers and their events into a folder.

    Raises:
        UserError: a value does not fit the run.
    """
    folder = output_folder(out, empty=True)
    if format_of(folder):
        raise UserError(f"out={out}: customers and their events are several files; name a folder for them.")
    if customers is None:
        part_of(part, needed(n))  # a mistake is found before the run is read
    elif where or n is not None:
        raise UserError(f"customers={customers}: they are given, so that n and where are left out.")

    from gans.histories.given import GivenCustomers
    from gans.histories.saved import SavedHistories
    from gans.histories.writing import CUSTOMERS, write_histories
    from gans.tracking.terminal import progress_bar, watched

    saved = SavedHistories.open(run)
    if customers is None:
        start, stop = part_of(part, needed(n))
        blocks = saved.draw(needed(n), seed, where, start, stop)
    else:
        given = GivenCustomers(saved, customers)
        start, stop = part_of(part, given.rows)
        blocks = given.draw(seed, start, stop)
    with progress_bar("customers", watched()) as bar:
        task = bar.add_task(folder.name, total=stop - start)
        rows = write_histories(folder, blocks, lambda many: bar.advance(task, many))
    counts = (f"{many:,} {name if name == CUSTOMERS else f'rows of {name}'}" for name, many in rows.items())
    log.info("%s: %s", ", ".join(counts), folder)
