"""Do all relations of the training rows hold in sampled rows?

    python scripts/relations.py run=DIR [n=1_000_000] [refine=false]

The relations of the run's schema are checked on the sampled tables themselves, and the exclusions on their codes.
Beside them every pair of levels of two categories that independence would have made to meet in at least 30 training
rows, and that never does, is looked for anew, by contingency tables of the training rows that the run's config names.
"""

import time
from collections import Counter
from itertools import combinations

import numpy as np
import pyarrow as pa

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import RUN, TRUTH, WHOLE
from gans.runs.saved import SavedRun

EXPECTED = 30


def never(table: pa.Table, names: list[str]) -> dict[tuple[str, str], set[tuple]]:
    """By pair of columns, the pairs of values that never meet although 30 rows were expected."""
    shares = {name: Counter(table[name].to_pylist()) for name in names}
    out = {}
    for first, second in combinations(names, 2):
        met = set(zip(table[first].to_pylist(), table[second].to_pylist(), strict=True))
        enough = EXPECTED * table.num_rows
        empty = {
            (x, y)
            for x, a in shares[first].items()
            for y, b in shares[second].items()
            if a * b >= enough and (x, y) not in met
        }
        if empty:
            out[first, second] = empty
    return out


@takes(
    Key("run", RUN, required=True), Key("n", WHOLE, default=1_000_000), Key("refine", TRUTH, default=True), text=__doc__
)
def main(run: str, n: int, refine: bool) -> int:
    """Sample, count, print."""
    saved = SavedRun.open(run)
    sampler = saved.sampler()
    if not refine:
        sampler.refinement = None
    training, _, schema = saved.run.data.split()
    names = [column.name for column in schema.features if column.kind in ("category", "boolean")]
    excluded = never(training, names)
    relations = sampler.codec.relations.relations
    start = time.monotonic()
    broken, excluded_too, met, rows = np.zeros(len(relations), int), 0, 0, 0
    for table in sampler.stream(n, saved.run.seed):
        rows += table.num_rows
        broken += np.array([int((~relation.holds(table)).sum()) for relation in relations], int)
        excluded_too += int(sampler.codec.layout.violated(sampler.codec.encode(table).codes).sum())
        for (first, second), cells in excluded.items():
            pairs = zip(table[first].to_pylist(), table[second].to_pylist(), strict=True)
            met += sum(count for cell, count in Counter(pairs).items() if cell in cells)
    seconds = time.monotonic() - start
    for relation, count in zip(relations, broken, strict=True):
        print(f"{relation.text}: broken in {count} of {rows:,} rows")
    print(f"{len(sampler.codec.exclusions):,} exclusions of levels, atoms and missing: {excluded_too} rows hold one")
    cells = sum(map(len, excluded.values()))
    print(f"{cells} pairs of levels never meet in {training.num_rows:,} training rows; they meet in {met} sampled rows")
    print(f"{rows / seconds:,.0f} rows a second, the checks included")
    return int(bool(broken.any() or excluded_too or met))


if __name__ == "__main__":
    main_command(main.run)
