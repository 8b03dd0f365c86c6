"""`where` on every column of a run's table, on random pairs and on ranges.

    python scripts/conditions.py run=DIR [n=10_000] [pairs=10] [refine=false]

Of each: the share of rows that satisfy it, seconds, and the mean distance of the other columns to the real conditional
distribution (all training rows that satisfy it), beside that of rows drawn without `where`. Small real groups are
noisy: the last column is the distance that as many unconditional real rows as the group has would show by chance.
"""

import time

import numpy as np
import pyarrow as pa

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import RUN, TRUTH, WHOLE
from gans.evaluation.fidelity import Reference
from gans.runs.saved import SavedRun
from gans.sampling.where.grammar import Where

RANGES = 5


def written(name: str, value: object) -> str:
    """A comparison as the grammar has it."""
    if value is None:
        return f"`{name}` is null"
    return f"`{name}` == {value!r}" if not isinstance(value, bool) else f"`{name}` == {str(value).lower()}"


@takes(
    Key("run", RUN, required=True),
    Key("n", WHOLE, default=10_000),
    Key("pairs", WHOLE, default=10),
    Key("refine", TRUTH, default=True),
    text=__doc__,
)
def main(run: str, n: int, pairs: int, refine: bool) -> None:
    """Sample and print a line for each."""
    saved = SavedRun.open(run)
    sampler, rng = saved.sampler(), np.random.default_rng(0)
    if not refine:
        sampler.refinement = None
    training, _, schema = saved.run.data.split()
    columns = [column for column in schema.features if column.kind != "datetime"]
    rules = []
    for column in columns:
        row = int(rng.integers(training.num_rows))
        rules.append(written(column.name, training[column.name][row].as_py()))
    for _ in range(pairs):
        row, pair = int(rng.integers(training.num_rows)), rng.choice(len(columns), 2, replace=False)
        rules.append(" and ".join(written(columns[i].name, training[columns[i].name][row].as_py()) for i in pair))
    numeric = [column for column in columns if column.kind in ("numeric", "integer")]
    for _ in range(RANGES):
        column = numeric[int(rng.integers(len(numeric)))]
        low, high = np.sort(rng.choice(training[column.name].drop_null().to_numpy(), 2))
        rules.append(f"`{column.name}` >= {low} and `{column.name}` <= {high}")
    free = sampler.sample(n, 1)
    print(f"{'where':60} {'real':>6} {'fit':>7} {'s':>6} {'given':>6} {'free':>6} {'chance':>6}")
    for rule in rules:
        start = time.monotonic()
        rows = sampler.sample(n, 1, rule)
        seconds = time.monotonic() - start
        where = Where.of(rule)
        real = training.filter(pa.array(where.mask(training)))
        reference = Reference(real, schema)
        some = training.take(rng.choice(training.num_rows, real.num_rows))

        def distance(table: pa.Table, reference: Reference = reference, where: Where = where) -> float:
            found = reference.compare(table).columns
            return float(np.mean([value for name, value in found.items() if name not in where]))

        chance = float(np.mean(list(Reference(training, schema).compare(some).columns.values())))
        print(
            f"{rule[:60]:60} {real.num_rows:6} {where.mask(rows).mean():7.2%} {seconds:6.2f} {distance(rows):6.3f} "
            f"{distance(free):6.3f} {chance:6.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main_command(main.run)
