"""Seconds and memory of histories at a million orders: `python scripts/benchmark_histories.py out=FOLDER`.

Simulates shops of two sizes, trains on the orders of each, draws as many customers as the larger one has, each by a
process of its own, and prints seconds, processor seconds and peak memory of each. With sdv=INTERPRETER, a Python that
has SDV, its HMA and PAR learn from so many customers of the larger shop as they are given, and draw as many. No
customer is real.

Keys: out=FOLDER, customers=100000 (about ten orders each), steps=4000 of training, sdv=INTERPRETER,
sdv_customers=500, sdv_minutes=10.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

PEERS = Path(__file__).resolve().parents[1] / "experiments" / "histories" / "peers.py"


def measured(name: str, *arguments: str) -> None:
    """Run a command of gans, and print what it took."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", f"gans.{name}", *arguments])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(os.waitstatus_to_exitcode(status))
    peak = used.ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    seconds = time.monotonic() - began
    print(f"{name:9} {seconds:7.1f} s  {used.ru_utime + used.ru_stime:7.1f} s of CPU  {peak:5.2f} GiB", flush=True)


def learned(folder: Path, customers: int, steps: str) -> Path:
    """A run that is trained on the orders of a shop of so many customers."""
    shop, run = folder / f"shop-{customers}", folder / f"run-{customers}"
    print(f"{customers:,} customers", flush=True)
    if not shop.is_dir():
        measured("simulate", f"customers={customers}", f"out={shop}")
    if not (run / "summary.json").is_file():
        logs = (f"data.orders={shop}/orders.parquet", f"data.customers={shop}/customers.parquet")
        measured("train", "+experiment=histories", *logs, f"trainer.steps={steps}", "tracker.mode=disabled", "-q",
                 f"run_dir={run}")  # fmt: skip
    return run


def peer(method: str, interpreter: str, shop: Path, out: Path, customers: int, minutes: int) -> None:
    """HMA or PAR on some of the customers, and what it took; or that it did not end in time."""
    folder = out / "sdv"
    folder.mkdir(exist_ok=True)
    people = pd.read_parquet(shop / "customers.parquet").head(customers)
    orders = pd.read_parquet(shop / "orders.parquet")
    orders = orders[orders["customer"].isin(people["customer"])].rename(columns={"order": "number of event"})
    people.to_parquet(folder / "customers.parquet")
    orders.to_parquet(folder / "orders.parquet")
    asked = (interpreter, PEERS, method, folder, folder / method, customers, minutes)
    status = subprocess.run(list(map(str, asked))).returncode
    if status == -signal.SIGALRM:
        print(f"{method}: {customers:,} customers, {len(orders):,} rows: not done in {minutes} minutes", flush=True)
        return
    if status:
        raise SystemExit(f"{method} failed, with exit status {status}")
    used = json.loads((folder / method / "usage.json").read_text())
    print(f"{method}: {used['customers']:,} customers, {used['rows']:,} rows: {used['fit']:.1f} s to learn, "
          f"{used['sample']:.1f} s to draw as many, {used['peak_gib']:.2f} GiB", flush=True)  # fmt: skip


def main() -> None:
    """Simulate, train, draw."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    folder, customers = Path(given["out"]), int(given.get("customers", "100000"))
    folder.mkdir(parents=True, exist_ok=True)
    steps = given.get("steps", "4000")
    learned(folder, customers // 100, steps)
    run = learned(folder, customers, steps)
    measured("sample", f"run={run}", f"n={customers}", f"out={folder / f'drawn-{int(time.time())}'}")
    for method in ("hma", "par") if "sdv" in given else ():
        limits = int(given.get("sdv_customers", "500")), int(given.get("sdv_minutes", "10"))
        peer(method, given["sdv"], folder / f"shop-{customers}", folder, *limits)


if __name__ == "__main__":
    main()
