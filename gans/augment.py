"""Synthetic rows beside real ones: `python -m gans.augment run=DIR target=COLUMN [out=FILE]`."""

import logging
import sys
from typing import Any

from gans.cli.arguments import key_values, listed, output_file, take_text_options, wants_help
from gans.cli.command import main_command
from gans.errors import UserError, one_of
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Balance the classes of a table, or grow it, and say whether a model gains by that.

  python -m gans.augment run=DIR [target=COLUMN] [how=balance|grow] [n=ROWS] [out=FILE.csv|.parquet]

  run     run directory of gans.train
  target  the column that a model predicts; of a run its data.target
  how     balance (each class as large as the largest one) or grow (n rows more, as many as there are unless given)
  out     the training rows and the synthetic ones below them, told apart by the column `synthetic`; it holds real rows
  test    real rows that nothing was learnt from, in place of the run's held-out ones
  real    the rows that were trained on, where the run's table has moved
  trust   true: read what the config of a run names that was not made on this machine, because you know who made it

It says 'no gain' where there is none, beside SMOTE.
"""

KEYS: dict[str, Any] = dict.fromkeys(("target", "how", "out", "test", "real", "trust"), str) | {"run": listed, "n": int}


def main() -> int:
    """Read the arguments, draw, measure, print, write."""
    if wants_help(HELP):
        return 0
    options, arguments = take_text_options(sys.argv[1:])
    given = options | key_values(arguments, KEYS)
    how = given.get("how", "balance")
    one_of("how", how, ("balance", "grow"))
    if how == "balance" and "n" in given:
        raise UserError(f"n={given['n']}: it goes with how=grow; how=balance adds as many rows as classes lack.")
    out = output_file(given["out"]) if "out" in given else None

    from gans.data.writing import write_rows
    from gans.decisions.added_rows import augment, augmented
    from gans.decisions.cases import open_cases

    cases = open_cases(given)
    if len(cases) > 1:
        raise UserError(f"run={','.join(given['run'])}: it names {len(cases)} runs; one is needed.")
    found = augment(cases[0], how, given.get("n"))
    for level, (there, added) in found.counts.items():
        print(f"{cases[0].target} = {level}: {there:,} real rows, {added:,} synthetic ones added")
    for sentence in found.sentences():
        print(sentence.line())
    if out is not None:
        write_rows(out, iter([augmented(cases[0], found)]), cases[0].tables.schema)
        log.info(
            "%s real and %s synthetic rows: %s", f"{cases[0].tables.real.num_rows:,}", f"{found.rows.num_rows:,}", out
        )
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
