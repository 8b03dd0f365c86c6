"""Odd tables trained by the flagship, each in a process of its own.

    python scripts/odd_tables.py [only=levels,missing,wide,tiny,odd] [steps=300] [width=128] [KEY=VALUE ...]

For each table: rows, columns, width of a row on the device, seconds to prepare and to compile, seconds a step, peak
memory, and whether the sampled table has the columns, types, constants, ranges and missing shares of the real one.
Exit status 1 where one fails. Further keys go to the run.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time

OWN = {"only", "steps", "width", "part"}
settings = dict(argument.split("=", 1) for argument in sys.argv[1:])
steps = int(settings.get("steps", "300"))
MISSING_GAP = 0.15  # a short run learns shares roughly


def levels(rng: np.random.Generator) -> dict[str, Any]:
    """200,000 rows; a shop of 100,000, each with its own mean spend; a few of them frequent."""
    rows, many = 200_000, 100_000
    shop = np.where(rng.random(rows) < 0.2, rng.integers(0, 5, rows), rng.integers(0, many, rows))
    mean, name = rng.normal(size=many), rng.permutation(many)
    return {
        "shop": pa.array(np.char.add("shop ", name[shop].astype(str)), mask=rng.random(rows) < 0.05),
        "spend": np.round(50 + 20 * mean[shop] + 10 * rng.normal(size=rows), 2),
        "channel": rng.choice(["web", "store", "phone"], rows),
        "large": mean[shop] > 1,
    }


def missing(rng: np.random.Generator) -> dict[str, Any]:
    """5,000 rows of ten columns with 40% of the cells missing, and a column without a value."""
    rows = 5_000
    columns: dict[str, Any] = {f"number {k}": rng.normal(size=rows) for k in range(4)}
    columns |= {f"count {k}": rng.poisson(5, rows) for k in range(3)}
    columns |= {f"kind {k}": rng.choice(["a", "b", "c", "d"], rows) for k in range(3)}
    holed = {name: pa.array(values, mask=rng.random(rows) < 0.4) for name, values in columns.items()}
    return holed | {"nothing": pa.nulls(rows)}


def wide(rng: np.random.Generator) -> dict[str, Any]:
    """5,000 rows of 300 columns: numbers, counts, times, flags, and categories of 2 to 40 levels, some missing."""
    rows, columns = 5_000, {}
    factor = rng.normal(size=rows)
    for k in range(60):
        holes = rng.random(rows) < 0.1
        columns[f"number {k}"] = pa.array(np.round(rng.normal(size=rows) + factor * (k % 3), 3), mask=holes)
        columns[f"count {k}"] = rng.poisson(1 + k, rows)
        columns[f"flag {k}"] = rng.random(rows) < 1 / (1 + np.exp(-factor * (k % 4)))
        columns[f"kind {k}"] = pa.array(rng.integers(0, 2 + k % 39, rows).astype(str), mask=holes)
        columns[f"more {k}"] = np.char.add("m", rng.integers(0, 20 + k % 21, rows).astype(str))
    return columns


def tiny(rng: np.random.Generator) -> dict[str, Any]:
    """50 rows."""
    rows = 50
    return {
        "age": rng.integers(18, 90, rows),
        "plan": rng.choice(["basic", "gold"], rows),
        "spend": np.round(rng.gamma(2, 20, rows), 2),
        "joined": pa.array(rng.integers(17_000, 19_000, rows).astype(np.int32), pa.date32()),
    }


def odd(rng: np.random.Generator) -> dict[str, Any]:
    """3,000 rows with a constant, dates, a time with a zone, a free text and a customer number."""
    rows = 3_000
    words = np.array(["late", "good", "broken", "parcel", "again", "never", "thanks", "refund"])
    sentences = [" ".join(line) for line in words[rng.integers(0, 8, (rows, 9))].tolist()]
    return {
        "country": ["NL"] * rows,
        "born": pa.array(rng.integers(-10_000, 12_000, rows).astype(np.int32), pa.date32()),
        "seen": pa.array(rng.integers(10**9, 17 * 10**8, rows), pa.timestamp("s", tz="Europe/Amsterdam")),
        "remark": sentences,
        "customer_id": np.arange(rows),
        "score": np.round(rng.normal(size=rows), 2),
        "segment": rng.choice(["a", "b", "c"], rows),
    }


TABLES = {make.__name__: make for make in (levels, missing, wide, tiny, odd)}


def faults(real: pa.Table, made: pa.Table, schema: Any) -> list[str]:
    """What a sampled table has wrong, in words."""
    if made.column_names != [column.name for column in schema.kept]:
        return [f"columns {made.column_names}"]
    out = []
    for column in schema.kept:
        here, there = real[column.name], made[column.name]
        if here.type != there.type:
            out.append(f"{column.name}: {there.type} for {here.type}")
        gap = abs(here.null_count / len(here) - there.null_count / len(there))
        if gap > MISSING_GAP or (there.null_count and not here.null_count):
            out.append(f"{column.name}: missing share off by {gap:.2f}")
        if column.kind in ("integer", "numeric", "datetime") and column.role == "feature":
            low, high = pc.min_max(here).values()
            if pc.any(pc.or_(pc.less(there, low), pc.greater(there, high))).as_py():
                out.append(f"{column.name}: out of range")
        elif not pc.all(pc.is_in(there, value_set=pc.unique(here))).as_py():
            out.append(f"{column.name}: a value that the real table has not")
    return out


def part(name: str) -> dict[str, Any]:
    """One table: prepare, train, sample, check."""
    from gans.config.compose import compose
    from gans.report.page import report_run
    from gans.runs.execute import execute
    from gans.runs.prepare import prepare

    table = pa.table(TABLES[name](np.random.default_rng(0)))
    further = [f"{key}={value}" for key, value in settings.items() if key not in OWN]
    short = [f"trainer.steps={steps}", f"trainer.evaluate_every={steps}", f"trainer.block={steps // 3}"]
    small = [f"network.width={settings.get('width', '128')}", "tracker.mode=disabled", "trainer.cache=false"]
    with tempfile.TemporaryDirectory() as folder:
        run = compose(["+experiment=tabular", f"run_dir={Path(folder) / 'run'}", *short, *small, *further])
        began = time.monotonic()
        ready = prepare(run, table)
        prepared = time.monotonic() - began
        began = time.monotonic()
        result = execute(run, table, show=False, report=report_run)
        whole = time.monotonic() - began
    summary, rows = result.summary, 5_000
    made = result.sampler.sample(rows, 1)
    first, most = min(run.trainer.block, steps), summary["seconds"] - summary["compile_seconds"]
    return {
        "rows": table.num_rows,
        "columns": table.num_columns,
        "width": ready.condition.layout.width,
        "prepare": prepared,
        "compile": summary["compile_seconds"],
        "step": most / max(steps - first, 1),
        "whole": whole,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "score": summary["scores"]["holdout"]["score"],
        "floor": summary["scores"]["floor"]["score"],
        "faults": faults(table, made, ready.split.schema),
        "relations": len(ready.codec.relations.lines()),
    }


def main() -> int:
    """Print one line a table."""
    if "part" in settings:
        print(json.dumps(part(settings["part"])))
        return 0
    failed = False
    print("table      rows  columns  width  prepare  compile     step    whole  memory  score (real rows)")
    for name in settings.get("only", ",".join(TABLES)).split(","):
        done = subprocess.run([sys.executable, *sys.argv, f"part={name}"], capture_output=True, text=True)
        if done.returncode:
            failed = True
            print(f"{name:<8} failed\n{done.stderr[-2000:]}")
            continue
        one = json.loads(done.stdout.splitlines()[-1])
        failed |= bool(one["faults"])
        print(
            f"{name:<8} {one['rows']:>7,} {one['columns']:>8} {one['width']:>6,} {one['prepare']:>6.1f} s "
            f"{one['compile']:>6.1f} s {one['step'] * 1000:>5.0f} ms {one['whole']:>6.1f} s {one['memory']:>4.1f} GB  "
            f"{one['score']:.3f} ({one['floor']:.3f})  {'; '.join(one['faults'][:5]) or 'as it should be'}",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
