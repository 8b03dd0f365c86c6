"""Draw rows: `python -m gans.sample run=DIR n=1000 out=FILE.csv|.parquet [where="column == value"] [part=2/8]`."""

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.cli.arguments import key_values, output_file, require, wants_help
from gans.cli.command import main_command
from gans.errors import UserError, in_range, one_of
from gans.tracking.log import set_up_log

if TYPE_CHECKING:
    from gans.data.schema import Schema

log = logging.getLogger("gans")

HELP = """Draw rows from a trained run.

  python -m gans.sample run=DIR n=1000 out=FILE.csv|.parquet [where="column == value and ..."] [KEY=VALUE ...]

  run     run directory of gans.train
  n       rows, 10_000_000 or 1e7; memory does not grow with them
  out     a .csv or .parquet file; columns, types and missing values are those of the training table
  where   what columns may hold, as in "age >= 30 and age < 45 and segment in ('a', 'b')"; a column name with spaces
          goes in backticks
  relations  further ones that rows must hold, parted by ;, as in "start <= end; total = a + b"
  refine  false: rows as the generator makes them, faster where the run has a refinement
  seed    the same seed gives the same rows; the first rows of a longer draw are those of a shorter one
  part    2/8 writes the second of eight parts that joined in order are the whole draw, for several processes
  member  of a run over several seeds, which one, from 0; the one that scored best unless said; others are not refined
"""

PARTS = re.compile(r"(?:`[^`]*`|'[^']*'|\"[^\"]*\"|[^;])+")  # of a list parted by ; but within quotes

KEYS = {
    "run": str,
    "n": int,
    "out": str,
    "where": str,
    "relations": str,
    "seed": int,
    "refine": str,
    "part": str,
    "member": int,
}


def main() -> int:
    """Read the arguments, sample, write the file."""
    if wants_help(HELP):
        return 0
    given = key_values(sys.argv[1:], KEYS)
    require(given, ("run", "n", "out"), "python -m gans.sample run=DIR n=1000 out=FILE.csv")
    out = output_file(given["out"])
    start, stop = part_of(given.get("part", "1/1"), given["n"])

    from gans.data.relations import parse_relation
    from gans.runs.saved import SavedRun

    saved = SavedRun.open(given["run"])
    relations = [parse_relation(text) for text in PARTS.findall(given.get("relations", ""))]
    sampler = saved.sampler(given.get("member"))
    one_of("refine", given.get("refine", "true"), ("true", "false"))
    if given.get("refine") == "false":
        sampler.refinement = None
    if out.suffix == ".csv" and sampler.codec.image:
        raise UserError(f"out={out}: images go into .parquet files.")
    tables = sampler.stream(given["n"], given.get("seed", 0), given.get("where", ""), relations, start, stop)
    write_shown(out, tables, stop - start, sampler.codec.schema)
    log.info("%s rows, %s columns: %s", f"{stop - start:,}", len(sampler.codec.schema.sampled), out)
    return 0


def part_of(text: str, n: int) -> tuple[int, int]:
    """First row and end of a part such as 2/8, the second of eight.

    Raises:
        UserError: it has another form, there is no such part, or there are more parts than rows.
    """
    in_range("n", n, 1)
    match = re.fullmatch("([0-9]{1,9})/([0-9]{1,9})", text)
    place, parts = map(int, match.groups()) if match else (0, 0)
    if not 1 <= place <= parts <= n:
        raise UserError(f"part={text}: it must be K/PARTS, as in part=2/8, K from 1 to PARTS, PARTS from 1 to n={n:,}.")
    return n * (place - 1) // parts, n * place // parts


def write_shown(out: Path, tables: Iterator[Any], rows: int, schema: "Schema") -> None:
    """Write the tables, with a progress bar where a person looks on."""
    from gans.data.writing import write_rows
    from gans.tracking.terminal import console, progress_bar

    with progress_bar("rows", console.is_terminal) as bar:
        task = bar.add_task(out.name, total=rows)

        def counted() -> Iterator[Any]:
            for table in tables:
                yield table
                bar.advance(task, table.num_rows)

        write_rows(out, counted(), schema)


if __name__ == "__main__":
    set_up_log()
    main_command(main)
