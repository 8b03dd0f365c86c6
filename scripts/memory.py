"""The memory that a flagship run is estimated to take, beside what it takes: estimate, measured, ratio.

    python scripts/memory.py [tables=300x15,300x400,20000x30] [KEY=VALUE ...]

Tables are of normal numbers that hang together. Each run is a process of its own of 20 steps. What is measured is the
peak above what the process holds when its table is ready; some hundred MiB of it are the compiler's. Further keys go to
the run.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

OWN = {"tables", "part"}
settings = dict(argument.split("=", 1) for argument in sys.argv[1:])


def make(rows: int, columns: int) -> pa.Table:
    """Numbers of five factors, and noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 5)) @ rng.normal(size=(5, columns)) + rng.normal(size=(rows, columns))
    return pa.table({f"number {place}": values[:, place] for place in range(columns)})


def resident() -> int:
    """Bytes that this process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def measure(size: str) -> None:
    """Train on one table in this process, and print what was found as JSON."""
    from gans.config.compose import compose
    from gans.report.page import report_run
    from gans.runs import execute as module
    from gans.runs import memory

    rows, columns = map(int, size.split("x"))
    keys = [f"{key}={value}" for key, value in settings.items() if key not in OWN]
    found, check = {}, memory.check_memory

    def noted(run, ready) -> None:
        needs = memory.lasting_needs(run, ready), memory.passing_needs(run, ready)
        found.update(start=resident(), estimate=memory.total(*needs))
        check(run, ready)

    module.check_memory = noted
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        fixed = ["+experiment=tabular", "trainer.steps=20", "tracker.mode=disabled", f"run_dir={folder}/run"]
        module.execute(compose([*fixed, *keys]), make(rows, columns), show=False, report=report_run)
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(found | {"seconds": time.monotonic() - began}))


def main() -> None:
    """A line for each table."""
    if "part" in settings:
        return measure(settings["part"])
    print(f"{'table':>12} {'estimate':>10} {'measured':>10} {'ratio':>6} {'peak':>10} {'seconds':>8}   MiB")
    for size in settings.get("tables", "300x15,300x400,20000x30").split(","):
        done = subprocess.run([sys.executable, __file__, *sys.argv[1:], f"part={size}"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{size}: {(done.stderr.strip().splitlines() or ['killed'])[-1]}")
        one = json.loads(done.stdout.splitlines()[-1])
        measured = one["peak"] - one["start"]
        shown = [round(value / 2**20) for value in (one["estimate"], measured, one["peak"])]
        ratio = one["estimate"] / measured
        print(
            f"{size:>12} {shown[0]:>10,} {shown[1]:>10,} {ratio:>6.2f} {shown[2]:>10,} {one['seconds']:>8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
