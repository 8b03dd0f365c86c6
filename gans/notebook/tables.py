"""Tables for notebooks: the embedded real ones, a simulated shop, profiles of customers made of event logs."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Log = str | Path | pd.DataFrame | pl.DataFrame | pa.Table

LOGS = ("orders", "views", "social")


def load_households() -> "pd.DataFrame":
    """401ksubs: 9,275 households of 1991 [9275, 9] (Abadie 2003); income and net financial assets in $1000s."""
    from gans.data.embedded import Households

    return Households().read().to_pandas()


def load_charity() -> "pd.DataFrame":
    """charity: 4,268 donors of direct mail [4268, 8] (Franses & Paap 2001); gifts in Dutch guilders."""
    from gans.data.embedded import Charity

    return Charity().read().to_pandas()


def load_loans() -> "pd.DataFrame":
    """loanapp: 1,989 mortgage applications, some cells missing [1989, 41] (Hunter & Walker 1996)."""
    from gans.data.embedded import Loans

    return Loans().read().to_pandas()


def simulate_shop(customers: int = 2000, seed: int = 0) -> "dict[str, pd.DataFrame]":
    """Frames `customers`, `orders`, `views` and `social` of a simulated shop, as `python -m gans.simulate` writes them.

    No customer is real; what causes what in them is written in gans/data/simulator.py.

    Raises:
        UserError: a number or the seed is out of range.
    """
    import pyarrow as pa

    from gans.data.simulator import simulate
    from gans.notebook.options import whole

    chunks = list(simulate(whole("customers", customers), whole("seed", seed)))
    return {name: pa.concat_tables([chunk[name] for chunk in chunks]).to_pandas() for name in chunks[0]}


def profiles(
    orders: "Log | None" = None,
    *,
    views: "Log | None" = None,
    social: "Log | None" = None,
    customers: "Log | None" = None,
    database: str | Path | None = None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
    reference: str | datetime.date | None = None,
    windows: Sequence[int] = (30, 90, 365),
    levels: int = 6,
    features: Mapping[str, Mapping[str, str]] | None = None,
    outcome: int | None = None,
    orphans: str = "refuse",
    zone: str = "UTC",
    memory: float = 1.0,
) -> Any:
    """One row a customer, made of event logs, as `python -m gans.profiles` writes it.

    As in `gans.profiles(orders=orders, views="views.parquet", reference="2025-01-01")`. A log is a frame, the path of a
    Parquet or CSV file, a pattern of files, a query, or the name of a table in `database`.

    Args:
        orders: order lines: customer, time, amount (or quantity and price); order, category, channel, discount,
            returned.
        views: page views or sessions: customer, time; session, pages, minutes.
        social: social interactions: customer, time, action.
        customers: one row a customer: customer; since, and attributes of their own.
        database: a DuckDB database file, opened for reading.
        columns: by log, SQL expressions of standard columns: {"orders": {"customer": "CustomerID"}}.
        reference: the date on which the profiles are drawn up; the day after the last event unless given.
        windows: days before it over which orders, spending, visits and interactions are counted, too.
        levels: of category and of channel that have a share of spending of their own.
        features: further features, SQL by the view that they aggregate: {"lines": {"largest": "max(amount)"}}.
        outcome: days after the reference date; the column buys_next says whether the customer bought within them.
        orphans: what becomes of events without a known customer: "refuse" or "drop".
        zone: where the hours of times with a time zone are read.
        memory: GiB that DuckDB may use before it spills to the disk.

    Returns:
        A frame [customers, features] of the library of the first frame that is given, else of pandas. In pandas the key
        of the customer is the index; elsewhere it is the first column, `customer`.

    Raises:
        UserError: no log is given; one cannot be read or does not fit; a key occurs twice; a feature is in error.
    """
    from gans.data.customer_profiles import Profiles
    from gans.data.frames import library_of
    from gans.notebook.frames import as_frame, files_and_frames
    from gans.notebook.options import whole
    from gans.tracking.log import set_up_log

    given = {"orders": orders, "views": views, "social": social, "customers": customers}
    if all(given[name] is None for name in LOGS):
        raise UserError(f"no log is given: {', '.join(LOGS)} is needed, a frame or the path of a file.")
    set_up_log()
    files, tables = files_and_frames(given)
    libraries = [library_of(frame) for name, frame in given.items() if name in tables]
    source = Profiles(
        **files,  # pyright: ignore[reportArgumentType]
        database=None if database is None else str(database),
        columns={log: dict(named) for log, named in (columns or {}).items()},
        reference=_date(reference),
        windows=[whole("windows", days) for days in windows],
        levels=whole("levels", levels),
        features={view: dict(named) for view, named in (features or {}).items()},
        outcome=None if outcome is None else whole("outcome", outcome),
        orphans=orphans,
        zone=zone,
        memory=memory,
    )
    library = libraries[0] if libraries else "pandas"
    frame = as_frame(source.profiles(tables)[0], library)
    return frame.set_index("customer") if library == "pandas" else frame


def _date(reference: "str | datetime.date | None") -> str | None:
    """A date, or a moment, as text."""
    return reference.isoformat() if isinstance(reference, datetime.date) else reference
