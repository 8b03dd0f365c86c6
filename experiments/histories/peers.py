"""SDV's HMA and PAR on customers and one log, in another interpreter: its licence and its packages are not ours.

    INTERPRETER peers.py METHOD FOLDER OUT CUSTOMERS MINUTES

METHOD is hma or par. FOLDER has customers.parquet (customer, attributes) and orders.parquet (customer, number of event,
time, columns). So many of the customers are used, with all that they did. OUT gets the same two files, and usage.json
with seconds and peak memory; nothing where it took too long.
"""

import json
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

Sample = Callable[[], tuple[pd.DataFrame, pd.DataFrame]]  # as many customers, and their orders


def hma(people: pd.DataFrame, orders: pd.DataFrame) -> Sample:
    """HMASynthesizer: both tables, with a relationship."""
    from sdv.metadata import Metadata
    from sdv.multi_table import HMASynthesizer

    orders = orders.drop(columns="number of event")
    orders.insert(0, "row", range(len(orders)))
    tables = {"customers": people, "orders": orders}
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
    model = HMASynthesizer(metadata, verbose=False)
    model.fit(tables)

    def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
        made = model.sample(num_rows=len(people), main_table_name="customers")
        return made["customers"], made["orders"].rename(columns={"row": "number of event"})

    return sample


def par(people: pd.DataFrame, orders: pd.DataFrame) -> Sample:
    """PARSynthesizer: the rows of a customer are a sequence in time, attributes its context; SDV's own 128 epochs."""
    from sdv.metadata import Metadata
    from sdv.sequential import PARSynthesizer

    rows = orders.drop(columns="number of event").sort_values(["customer", "time"]).merge(people, on="customer")
    attributes = [name for name in people.columns if name != "customer"]
    metadata = Metadata.detect_from_dataframes({"orders": rows})
    metadata.update_column(table_name="orders", column_name="customer", sdtype="id")
    metadata.set_sequence_key(table_name="orders", column_name="customer")
    metadata.set_sequence_index(table_name="orders", column_name="time")
    model = PARSynthesizer(metadata, context_columns=attributes, cuda=False)
    model.fit({"orders": rows})

    def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
        made = model.sample_sequences(num_sequences=len(people))
        made = made["orders"] if isinstance(made, dict) else made
        customers = made.groupby("customer", as_index=False)[attributes].first()
        return customers, made.drop(columns=attributes).assign(**{"number of event": range(len(made))})

    return sample


def main(method: str, folder: Path, out: Path, customers: int, minutes: int) -> None:
    """Fit, sample and write; the alarm ends the process where that takes too long."""
    people = pd.read_parquet(folder / "customers.parquet").head(customers)
    orders = pd.read_parquet(folder / "orders.parquet")
    orders = orders[orders["customer"].isin(people["customer"])].reset_index(drop=True)
    signal.alarm(60 * minutes)
    begin = time.monotonic()
    sample = {"hma": hma, "par": par}[method](people, orders)
    fitted = time.monotonic()
    made_people, made_orders = sample()
    used = {
        "fit": fitted - begin,
        "sample": time.monotonic() - fitted,
        "customers": len(people),
        "rows": len(orders),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    out.mkdir(parents=True, exist_ok=True)
    made_people.to_parquet(out / "customers.parquet")
    made_orders.to_parquet(out / "orders.parquet")
    (out / "usage.json").write_text(json.dumps(used) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
