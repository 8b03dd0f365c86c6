"""Draw rows: `python -m gans.sample run=DIR n=1000 out=FILE.csv|.parquet [where="column == value"] [seed=0]`."""

import logging
import sys
from pathlib import Path

from gans.command import key_values, run_command, set_up_log
from gans.errors import UserError

log = logging.getLogger("gans")

HELP = """Draw rows from a trained run.

  python -m gans.sample run=DIR n=1000 out=FILE.csv|.parquet [where="column == value and ..."] [seed=0] [member=K]

  run     run directory of gans.train
  n       rows
  out     a .csv or .parquet file; columns, types and missing values are those of the training table
  where   values that condition columns are fixed to; a column name with spaces goes in backticks
  seed    the same seed gives the same rows; the first rows of a longer draw are those of a shorter one
  member  of a run over several seeds, which one, from 0; the one that scored best unless said
"""


def main() -> int:
    """Read the arguments, sample, write the file."""
    if not sys.argv[1:] or {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP)
        return 0
    given = key_values(sys.argv[1:], {"run": str, "n": int, "out": str, "where": str, "seed": int, "member": int})
    for key in ("run", "n", "out"):
        if key not in given:
            raise UserError(f"{key} is not set; usage: python -m gans.sample run=DIR n=1000 out=FILE.csv")
    out = Path(given["out"]).expanduser()
    if out.suffix not in (".csv", ".parquet"):
        raise UserError(f"out={out}: allowed are .csv and .parquet files.")
    if not out.parent.is_dir():
        raise UserError(f"out={out}: there is no folder {out.parent}.")
    run_dir = Path(given["run"]).expanduser()
    if not run_dir.is_dir():
        raise UserError(f"run={given['run']}: no such folder.")

    from gans.conditions.where import parse_where
    from gans.sampling import load_sampler

    where = parse_where(given.get("where", ""))
    sampler, run = load_sampler(run_dir, given.get("member"))
    run.trainer.prepare_cache()
    table = sampler.sample(given["n"], given.get("seed", 0), where)

    from gans.files import write_table

    write_table(out, table)
    log.info("%s rows, %s columns: %s", f"{table.num_rows:,}", table.num_columns, out)
    return 0


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
