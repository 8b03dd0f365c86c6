"""Time and memory of profiles: `python scripts/profiles.py events=20_000_000`, or `data.root=FOLDER` for Online Retail.

Simulates a shop of about so many events, makes its profiles in a process of its own, and prints seconds and the peak of
that process's memory. With data.root the real log's features are recomputed in pandas, too, and compared by value.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, WHOLE

if TYPE_CHECKING:
    import pandas as pd

EVENTS_A_CUSTOMER = 143
FEATURES = (
    "recency_days", "frequency", "monetary", "tenure_days", "interval_days", "basket_items", "basket_lines",
    "basket_value", "returns", "returned_value", "orders_90d", "spend_90d", "weekend_share", "products",
)  # fmt: skip


def measured(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in GiB of `python -m gans.profiles`."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "gans.profiles", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def simulated(events: int) -> None:
    """Profiles of simulated events."""
    from gans.data.simulator import simulate, write_events

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = write_events(folder, simulate(events // EVENTS_A_CUSTOMER + 1))
        seconds, memory = measured(
            [f"data.{kind}={folder / kind}.parquet" for kind in rows] + [f"out={folder / 'out.parquet'}"]
        )
        total = sum(rows.values()) - rows["customers"]
        print(f"{total:,} simulated events of {rows['customers']:,} customers: {seconds:.1f} s, peak {memory:.2f} GiB")


def by_hand(file: Path) -> "pd.DataFrame":
    """The features of Online Retail in pandas, by customer, sums in integers of 1/10,000 pound."""
    import pandas as pd

    log = pd.read_parquet(file).dropna(subset=["CustomerID"])
    log["amount"] = (log["Quantity"] * log["UnitPrice"] * 10_000).round().astype("int64")
    reference = log["InvoiceDate"].max().normalize() + pd.Timedelta(days=1)
    bought, back = log[log["Quantity"] >= 0], log[log["Quantity"] < 0]
    keys = ["CustomerID", "InvoiceNo"]
    orders = bought.groupby(keys, as_index=False).agg(
        value=("amount", "sum"), items=("Quantity", "sum"), lines=("Quantity", "size")
    )
    begun = log.groupby(keys, as_index=False).agg(time=("InvoiceDate", "min"))
    orders = orders.merge(begun, on=keys).sort_values(["CustomerID", "time", "InvoiceNo"])
    orders["gap"] = orders.groupby("CustomerID")["time"].diff().dt.total_seconds()
    recent = orders[orders["time"] >= reference - pd.Timedelta(days=90)]
    weekend = orders[orders["time"].dt.day_of_week >= 5]
    by, count = orders.groupby("CustomerID"), orders.groupby("CustomerID").size()
    sent = back.groupby("CustomerID")

    def whole(series: pd.Series, index: pd.Index) -> pd.Series:
        return series.reindex(index).fillna(0)

    everyone = log.groupby("CustomerID")
    index = everyone.size().index
    frame = pd.DataFrame(index=index)
    frame["recency_days"] = (reference - by["time"].max().dt.normalize()).dt.days.reindex(index)
    frame["frequency"] = whole(count, index)
    frame["monetary"] = whole((by["value"].sum() / 10_000).round(2), index)
    frame["tenure_days"] = (reference - everyone["InvoiceDate"].min().dt.normalize()).dt.days
    frame["interval_days"] = (by["gap"].sum() / by["gap"].count() / 86_400).round(2).reindex(index)
    frame["basket_items"] = (by["items"].sum() / count).round(2).reindex(index)
    frame["basket_lines"] = (by["lines"].sum() / count).round(2).reindex(index)
    frame["basket_value"] = (by["value"].sum() / 10_000 / count).round(2).reindex(index)
    frame["returns"] = whole(sent["InvoiceNo"].nunique(), index)
    frame["returned_value"] = whole((-sent["amount"].sum() / 10_000).round(2), index)
    frame["orders_90d"] = whole(recent.groupby("CustomerID").size(), index)
    frame["spend_90d"] = whole((recent.groupby("CustomerID")["value"].sum() / 10_000).round(2), index)
    frame["weekend_share"] = (whole(weekend.groupby("CustomerID").size(), index) / count).round(4).reindex(index)
    frame["products"] = whole(bought.groupby("CustomerID")["StockCode"].nunique(), index)
    return frame


def retail(root: Path) -> int:
    """Profiles of Online Retail beside those by hand; the number of features that differ."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "profiles.parquet"
        seconds, memory = measured(["data=online_retail", f"data.root={root}", f"out={out}"])
        found = pd.read_parquet(out).set_index("customer")
    print(f"{len(found):,} customers: {seconds:.1f} s with the start of Python, peak {memory:.2f} GiB")
    hand, wrong = by_hand(root / "online_retail.parquet"), 0
    for feature in FEATURES:
        ours, theirs = found[feature], hand[feature].reindex(found.index)
        differ = int(((ours != theirs) & ~(ours.isna() & theirs.isna())).sum())
        wrong += differ > 0
        missing = int(ours.isna().sum())
        print(f"{feature:20} {len(found) - differ:,} of {len(found):,} customers equal, {missing:,} missing")
    return wrong


@takes(Key("events", WHOLE), Key("data.root", FOLDER), text=__doc__, needs=True)
def main(events: int | None, data_root: str | None) -> int:
    """Run what the arguments ask for."""
    if events is not None:
        simulated(events)
    return retail(Path(data_root)) if data_root is not None else 0


if __name__ == "__main__":
    main_command(main.run)
