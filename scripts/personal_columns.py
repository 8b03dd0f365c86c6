"""Which columns of tables are taken for personal data, as nearly unique text, an id or free text?

    python scripts/personal_columns.py data.root=FOLDER

A line a table of FOLDER (Parquet and CSV), then the embedded tables, with the seconds that finding the schema took:
those who know the tables see what is missed and what is a false alarm.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER
from gans.data.detection import detect, normalise
from gans.data.embedded import Charity, Households, Loans
from gans.data.files import read_table


def tables(root: str) -> Iterator[tuple[str, pa.Table]]:
    for path in sorted(Path(root).glob("*")):
        if path.suffix in (".parquet", ".csv"):
            yield path.name, read_table(str(path), "data.root")
    for source in (Households(), Charity(), Loans()):
        yield type(source).__name__, source.read()


@takes(Key("data.root", FOLDER, default="."), text=__doc__)
def main(data_root: str) -> None:
    for name, table in tables(data_root):
        plain, began = normalise(table), time.monotonic()
        schema = detect(plain)
        seconds = time.monotonic() - began
        print(f"{name}: {table.num_rows:,} rows, {table.num_columns} columns, {seconds:.2f} s")
        for column in schema.columns:
            if column.role == "dropped" or column.personal:
                print(f"  {column.name}: {column.reason or column.personal}")


if __name__ == "__main__":
    main_command(main.run)
