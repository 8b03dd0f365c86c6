"""Customers and their events as files of a folder, written together while they are drawn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from gans.files import temporary_folder
from gans.histories.drawn import Drawn

CUSTOMERS = "customers"


def write_histories(folder: Path, blocks: Iterator[Drawn], tell: Callable[[int], None]) -> dict[str, int]:
    """Write customers.parquet and a file for each log; the rows of each.

    One block is held at a time. The files come into the folder when all are whole; on an error none does.

    Args:
        folder: empty, or not there yet.
        tell: told of each block how many customers it has.

    Raises:
        UserError: what the blocks raise.
        OSError: the disk is full.
    """
    import pyarrow.parquet as pq

    rows: dict[str, int] = {}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(f".{folder.name}-", folder.parent) as parts:
        with ExitStack() as stack:
            writers = {}
            for block in blocks:
                for name, table in {CUSTOMERS: block.customers, **block.logs}.items():
                    if name not in writers:
                        writer = pq.ParquetWriter(parts / f"{name}.parquet", table.schema, compression="zstd")
                        writers[name] = stack.enter_context(writer)
                    writers[name].write_table(table)
                    rows[name] = rows.get(name, 0) + table.num_rows
                tell(block.customers.num_rows)
        folder.mkdir(exist_ok=True)
        for path in sorted(parts.iterdir()):
            path.replace(folder / path.name)
    return rows
