"""Seconds and memory of histories at a million orders: `python scripts/benchmark_histories.py out=FOLDER`.

Simulates a shop, trains on its orders, draws as many customers with their orders, each by a process of its own, and
prints seconds, processor seconds and peak memory of each. No customer is real.

Keys: out=FOLDER, customers=100000 (about ten orders each), steps=4000 of training.
"""

import os
import subprocess
import sys
import time
from pathlib import Path


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


def main() -> None:
    """Simulate, train, draw."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    folder, customers = Path(given["out"]), given.get("customers", "100000")
    orders = folder / "shop" / "orders.parquet"
    people = folder / "shop" / "customers.parquet"
    if not orders.is_file():
        measured("simulate", f"customers={customers}", f"out={folder / 'shop'}")
    run = folder / "run"
    if not (run / "summary.json").is_file():
        logs = (f"data.orders={orders}", f"data.customers={people}")
        steps = f"trainer.steps={given.get('steps', '4000')}"
        measured("train", "+experiment=histories", *logs, steps, "tracker.mode=disabled", f"run_dir={run}")
    measured("sample", f"run={run}", f"n={customers}", f"out={folder / f'drawn-{int(time.time())}'}")


if __name__ == "__main__":
    main()
