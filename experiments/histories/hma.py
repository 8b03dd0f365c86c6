"""SDV's HMASynthesizer on customers and one log, in another interpreter: its licence and its packages are not ours.

    INTERPRETER hma.py FOLDER OUT CUSTOMERS MINUTES

FOLDER has customers.parquet (customer, attributes) and orders.parquet (customer, event, time, columns). So many of the
customers are used, with all that they did. OUT gets the same two files, and seconds.json; nothing where it took too
long.
"""

import json
import signal
import sys
import time
from pathlib import Path

import pandas as pd


def main(folder: Path, out: Path, customers: int, minutes: int) -> None:
    """Fit, sample and write; the alarm ends the process where that takes too long."""
    from sdv.metadata import Metadata
    from sdv.multi_table import HMASynthesizer

    people = pd.read_parquet(folder / "customers.parquet").head(customers)
    orders = pd.read_parquet(folder / "orders.parquet")
    orders = orders[orders["customer"].isin(people["customer"])].reset_index(drop=True)
    orders.insert(0, "row", range(len(orders)))
    signal.alarm(60 * minutes)
    tables = {"customers": people, "orders": orders.drop(columns="event")}
    metadata = Metadata.detect_from_dataframes(tables)
    for table, key in (("customers", "customer"), ("orders", "row"), ("orders", "customer")):
        metadata.update_column(table_name=table, column_name=key, sdtype="id")
    metadata.set_primary_key(table_name="customers", column_name="customer")
    metadata.set_primary_key(table_name="orders", column_name="row")
    if not metadata.relationships:
        metadata.add_relationship(
            parent_table_name="customers",
            child_table_name="orders",
            parent_primary_key="customer",
            child_foreign_key="customer",
        )
    begin = time.monotonic()
    model = HMASynthesizer(metadata, verbose=False)
    model.fit(tables)
    fitted = time.monotonic()
    made = model.sample(num_rows=len(people), main_table_name="customers")
    seconds = {
        "fit": fitted - begin,
        "sample": time.monotonic() - fitted,
        "customers": len(people),
        "rows": len(orders),
    }
    out.mkdir(parents=True, exist_ok=True)
    made["customers"].to_parquet(out / "customers.parquet")
    made["orders"].rename(columns={"row": "event"}).to_parquet(out / "orders.parquet")
    (out / "seconds.json").write_text(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
